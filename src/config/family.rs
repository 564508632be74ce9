//! Which keys a family of networks reads, and what is told of those that it does not.

use super::file::{leaves, table_of};
use super::problem::List;
use super::{Conditioning, Config, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily};

/// Keys that only one family reads: the key, the key that names the family, and the family.
const READ_BY: &[(&str, &str, &str)] = &[
    ("generator.norm", "generator.family", "dcgan"),
    ("generator.attention", "generator.family", "dcgan"),
    ("generator.attention_form", "generator.family", "dcgan"),
    ("generator.skip", "generator.family", "dcgan"),
    ("discriminator.label_embedding", "discriminator.family", "dcgan"),
    ("discriminator.attention", "discriminator.family", "dcgan"),
    ("discriminator.attention_form", "discriminator.family", "dcgan"),
    ("discriminator.scales", "discriminator.family", "dcgan"),
    ("discriminator.scale_edge", "discriminator.family", "dcgan"),
    ("discriminator.minibatch_stddev", "discriminator.family", "dcgan"),
    ("discriminator.unet", "discriminator.family", "dcgan"),
    ("discriminator.input_size", "discriminator.family", "projected"),
    ("discriminator.pixel_channels", "discriminator.family", "projected"),
];

/// Sides of images that the frozen network of a `projected` discriminator can see.
pub const INPUT_SIZES: [usize; 4] = [32, 64, 128, 256];

impl Config {
    /// Whether the families of this configuration read a key.
    pub fn reads(&self, key: &str) -> bool {
        READ_BY.iter().filter(|(other, ..)| *other == key).all(|(_, by, family)| self.family(by) == *family)
    }

    fn family(&self, key: &str) -> &'static str {
        use super::Choice as _;
        if key == "generator.family" { self.generator.family.key() } else { self.discriminator.family.key() }
    }

    /// What is set for another family, and what a family cannot do.
    pub(super) fn check_families(&self, list: &mut List) {
        let (mine, defaults) = (leaves(&table_of(self)), leaves(&table_of(&Self::default())));
        let value = |of: &[(String, toml::Value)], key: &str| of.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        for (key, by, family) in READ_BY.iter().filter(|(key, ..)| !self.reads(key)) {
            // Where a number does not fit the format there are no values to compare.
            if value(&mine, key).is_some_and(|mine| Some(mine) != value(&defaults, key)) {
                let message = format!("only the family `{family}` uses it, and {by} is `{}`", self.family(by));
                list.warning(key, message).fix_by_default(key);
            }
        }
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
        if d.pixel_channels > 512 {
            list.error("discriminator.pixel_channels", format!("{} is outside 0 to 512", d.pixel_channels))
                .fix("discriminator.pixel_channels", 512);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Level, Preset, explain};

    #[test]
    fn keys_of_another_family_are_told() {
        for (key, by, family) in READ_BY {
            assert!(explain::of(key).is_some() && explain::of(by).is_some(), "{key}");
            assert_eq!(Config::default().reads(key), *family == "dcgan", "{key}");
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
