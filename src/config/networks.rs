//! The networks of a configuration, what is told of settings that their families cannot have, and the frozen one that training
//! learns from.

use super::plan::{DiscriminatorPlan, Plan, dcgan, fast, projected};
use super::problem::ProblemList;
use super::{Choice as _, Config, DiscriminatorFamily, FeatureNetwork, GeneratorFamily, Shipped};

impl Config {
    /// The generator for so many classes. Beyond what [`Config::check`] allows it means nothing, but it can still be had.
    pub fn generator_plan(&self, classes: usize) -> Plan {
        let plan = match self.generator.family {
            GeneratorFamily::Dcgan => dcgan::generator,
            GeneratorFamily::Fast => fast::generator,
        };
        plan(&self.computable(), classes)
    }

    /// The discriminator for so many classes, likewise.
    pub fn discriminator_plan(&self, classes: usize) -> DiscriminatorPlan {
        let plan = match self.discriminator.family {
            DiscriminatorFamily::Dcgan => dcgan::discriminator,
            DiscriminatorFamily::Projected => projected::discriminator,
        };
        plan(&self.computable(), classes)
    }

    /// Whether networks of these families can grow.
    pub fn can_grow(&self) -> bool {
        self.generator.family.grows() && self.discriminator.family.grows()
    }

    /// What a family cannot do.
    pub(super) fn check_families(&self, list: &mut ProblemList) {
        if self.growing.start > 0 && !self.can_grow() {
            let grow = GeneratorFamily::ALL.iter().filter(|family| family.grows()).map(|family| family.key());
            let message = format!(
                "only networks of the family `{}` grow; set growing.start = 0, or use that family for both",
                grow.collect::<Vec<_>>().join("` or `")
            );
            list.error("growing.start", message).fix("growing.start", 0);
        }
        let d = &self.discriminator;
        let ways = d.family.conditionings();
        if let Some(way) = ways.last().filter(|_| !ways.contains(&d.conditioning)) {
            let known = ways.iter().map(|way| way.key()).collect::<Vec<_>>().join("` or `");
            let message =
                format!("the family `{}` cannot be given the label by `{}`; use `{known}`", d.family, d.conditioning);
            list.error("discriminator.conditioning", message).fix("discriminator.conditioning", way);
        }
        match d.family {
            DiscriminatorFamily::Dcgan => dcgan::check(d, list),
            DiscriminatorFamily::Projected => projected::check(d, list),
        }
    }

    /// Leaves the ways that the families do not have.
    pub fn fit_to_family(&mut self) {
        let ways = self.discriminator.family.conditionings();
        if let Some(way) = ways.last().filter(|_| !ways.contains(&self.discriminator.conditioning)) {
            self.discriminator.conditioning = *way;
        }
        if !self.can_grow() {
            self.growing.start = 0;
        }
    }

    /// The extractor whose network takes part in training, so that its scores look better than the images are; nothing
    /// where none does. A new loss or discriminator on the features of an extractor belongs here, and nowhere else.
    pub fn trains_on(&self) -> Option<&'static str> {
        if let Some(network) = self.discriminator.family.frozen() {
            return Some(network.key());
        }
        match self.loss.features {
            FeatureNetwork::EfficientNetLite0 => {
                self.loss.compares_features().then_some(Shipped::EfficientNetLite0.key())
            }
            FeatureNetwork::Vgg19 => None,
        }
    }

    /// Warns where the judge is also the teacher, and names another one.
    pub(super) fn check_judge(&self, list: &mut ProblemList) {
        let Some(taught) = self.trains_on().filter(|taught| self.score.every > 0 && self.score.extractor == *taught)
        else {
            return;
        };
        let problem = list.warning("score.extractor", format!("the loss trains on `{taught}` too, so its scores look better than the images are. Choose another extractor"));
        if let Some(other) = Shipped::ALL.iter().find(|other| other.key() != taught) {
            problem.fix("score.extractor", other.key());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::config::{Level, Preset, options};

    /// A key is read where another value makes another plan, whatever else is set.
    #[test]
    fn the_keys_that_a_family_reads_are_those_that_its_plans_depend_on() {
        let values = [
            ("generator.latent_dim", "7"),
            ("generator.label_embedding", "7"),
            ("generator.base_channels", "7"),
            ("generator.norm", "conditional-batch"),
            ("generator.attention", "[4]"),
            ("generator.attention_form", "sagan"),
            ("generator.skip", "residual"),
            ("discriminator.base_channels", "7"),
            ("discriminator.conditioning", "projection"),
            ("discriminator.label_embedding", "7"),
            ("discriminator.spectral_norm", "false"),
            ("discriminator.norm", "layer"),
            ("discriminator.attention", "[4]"),
            ("discriminator.attention_form", "sagan"),
            ("discriminator.scales", "1"),
            ("discriminator.scale_edge", "inside"),
            ("discriminator.minibatch_stddev", "true"),
            ("discriminator.unet", "true"),
            ("discriminator.input_size", "32"),
            ("discriminator.pixel_channels", "3"),
        ];
        let keys = options::ALL.iter().filter(|key| matches!(key.section(), "generator" | "discriminator"));
        let known = values.iter().map(|(key, _)| *key).chain(["generator.family", "discriminator.family"]);
        assert_eq!(known.collect::<BTreeSet<_>>(), keys.map(|key| key.key).collect());
        for (generator, discriminator) in [("dcgan", "dcgan"), ("fast", "projected")] {
            let base = ["generator.attention=[8]", "discriminator.attention=[8]", "discriminator.scales=2"];
            let families = [format!("generator.family={generator}"), format!("discriminator.family={discriminator}")];
            let set = [&families[..], &base.map(str::to_owned)].concat();
            let config = Config { image_size: 32, ..Config::default() }.with(&set).unwrap();
            for (key, value) in values {
                let other = config.with(&[format!("{key}={value}")]).unwrap();
                let plans = |config: &Config| (config.generator_plan(3), config.discriminator_plan(3));
                assert_eq!(plans(&other) != plans(&config), config.reads(key), "{generator}, {discriminator}: {key}");
            }
        }
    }

    #[test]
    fn keys_of_another_family_are_told() {
        for (key, read) in [("generator.skip", true), ("discriminator.unet", true), ("discriminator.input_size", false)]
        {
            assert_eq!((Config::default().reads(key), Preset::Quick.config().reads(key)), (read, !read), "{key}");
        }
        let config = Preset::Quick.config().with(&["generator.skip=residual", "discriminator.scales=2"]).unwrap();
        let told: Vec<_> = config.check(Some(3)).into_iter().map(|problem| (problem.level, problem.key)).collect();
        assert_eq!(told, [(Level::Warning, "generator.skip"), (Level::Warning, "discriminator.scales")]);
        let mended = config.check(Some(3)).iter().fold(config.clone(), |c, problem| problem.fixed(&c).unwrap());
        assert_eq!(mended, Preset::Quick.config());
        let set = ["discriminator.conditioning=replicated", "discriminator.input_size=100", "growing.start=8"];
        let config = Preset::Quick.config().with(&set).unwrap();
        let errors: Vec<_> = config.check(None).into_iter().filter(|p| p.level == Level::Error).collect();
        let keys: Vec<_> = errors.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["growing.start", "discriminator.conditioning", "discriminator.input_size"]);
    }

    #[test]
    fn a_judge_that_is_in_the_loss_is_warned_of_and_replaced() {
        let with = |entries: &[&str]| Config::default().with(entries).unwrap();
        let warned = |config: &Config| config.check(None).into_iter().find(|found| found.key == "score.extractor");
        for term in ["loss.perceptual=0.1", "loss.texture=1"] {
            let taught = with(&[term, "score.extractor=efficientnet-lite0"]);
            assert_eq!(taught.trains_on(), Some("efficientnet-lite0"));
            let fixed = warned(&taught).unwrap().fixed(&taught).unwrap();
            assert_eq!((fixed.score.extractor.as_str(), warned(&fixed)), ("efficientnet-lite2", None));
            assert_eq!(warned(&with(&[term, "score.extractor=efficientnet-lite0", "score.every=0"])), None);
        }
        let projected = with(&["discriminator.family=projected"]);
        assert_eq!((projected.trains_on(), warned(&projected)), (Some("efficientnet-lite0"), None));
        let vgg = with(&["loss.perceptual=0.1", "loss.features=vgg19", "loss.vgg19=file.pth"]);
        assert_eq!((vgg.trains_on(), Config::default().trains_on()), (None, None));
        assert_eq!(warned(&with(&["score.extractor=efficientnet-lite0"])), None);
    }
}
