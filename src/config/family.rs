//! What a family of networks cannot do.

use super::problem::List;
use super::{Conditioning, Config, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily};

/// Sides of images that the frozen network of a `projected` discriminator can see.
pub const INPUT_SIZES: [usize; 4] = [32, 64, 128, 256];

impl Config {
    /// What a family cannot do.
    pub(super) fn check_families(&self, list: &mut List) {
        let (g, d) = (&self.generator, &self.discriminator);
        let growing = self.growing.start > 0;
        if growing && (g.family, d.family) != (GeneratorFamily::Dcgan, DiscriminatorFamily::Dcgan) {
            list.error(
                "growing.start",
                "only networks of the family `dcgan` grow; set growing.start = 0, or use that family for both",
            )
            .fix("growing.start", 0);
        }
        if d.family == DiscriminatorFamily::Projected {
            self.check_projected(list);
        } else if d.spectral_norm && d.norm == DiscriminatorNorm::Batch {
            list.warning("discriminator.norm", "batch and spectral normalisation work against each other: batch normalisation rescales what spectral normalisation has bounded, so the discriminator is no longer smooth, and real and fake batches get different statistics. Use one of them (`none` here, or spectral_norm = false)").fix("discriminator.norm", "none");
        }
    }

    fn check_projected(&self, list: &mut List) {
        let d = &self.discriminator;
        if !matches!(d.conditioning, Conditioning::None | Conditioning::Projection) {
            let message = format!(
                "heads on frozen features cannot be given the label by `{}`: use `projection`, or `none` for no labels",
                d.conditioning
            );
            list.error("discriminator.conditioning", message).fix("discriminator.conditioning", "projection");
        }
        if d.input_size != 0 && !INPUT_SIZES.contains(&d.input_size) {
            list.mended_by_default(
                "discriminator.input_size",
                format!("{} is none of 0 (automatic), 32, 64, 128 and 256", d.input_size),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Level, Preset};

    #[test]
    fn keys_of_another_family_are_told() {
        for (key, read) in [("generator.skip", true), ("discriminator.unet", true), ("discriminator.input_size", false)]
        {
            assert_eq!((Config::default().reads(key), Preset::Quick.config().reads(key)), (read, !read), "{key}");
        }
        let set = ["generator.skip=residual", "discriminator.scales=2"].map(str::to_owned);
        let config = Preset::Quick.config().with(&set).unwrap();
        let told: Vec<_> = config.check(Some(3)).into_iter().map(|problem| (problem.level, problem.key)).collect();
        assert_eq!(told, [(Level::Warning, "generator.skip"), (Level::Warning, "discriminator.scales")]);
        let mended = config.check(Some(3)).iter().fold(config.clone(), |c, problem| problem.fixed(&c).unwrap());
        assert_eq!(mended, Preset::Quick.config());
        let set = ["discriminator.conditioning=replicated", "discriminator.input_size=100", "growing.start=8"];
        let config = Preset::Quick.config().with(&set.map(str::to_owned)).unwrap();
        let errors: Vec<_> = config.check(None).into_iter().filter(|p| p.level == Level::Error).collect();
        let keys: Vec<_> = errors.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["growing.start", "discriminator.conditioning", "discriminator.input_size"]);
    }
}
