//! What the time of a step depends on, so that a measured one is found again.

use super::{ClassWeights, Config, Data, Optimizer, Preset, Score, Train, Transition};

/// Images that the discriminator of the preset `quick` has seen when those of the generator are worth looking at: on blood cells
/// the Frechet distance (EfficientNet-Lite2) is then a tenth of what it begins with, and classes are told apart.
const FIRST_LOOK: usize = 8000;

impl Config {
    /// Steps after which images are worth looking at, where that was measured for networks of these families.
    pub fn first_look(&self) -> Option<usize> {
        let families = |config: &Self| (config.generator.family, config.discriminator.family);
        (families(self) == families(&Preset::Quick.config()))
            .then(|| FIRST_LOOK.div_ceil(self.images_per_step().max(1)))
    }

    /// This configuration with everything at its default that does not change how long a step takes: two that agree in the
    /// rest train equally fast. Networks that grow stand for what they grow into.
    #[must_use]
    pub fn paced(&self) -> Self {
        let (o, t) = (&self.optimizer, &self.train);
        Self {
            // Class weights and balance exclude each other.
            data: Data { balance: self.loss.class_weights == ClassWeights::None, ..Data::default() },
            score: Score::default(),
            transition: Transition::default(),
            growing: super::Growing { start: 0, ..super::Growing::default() },
            optimizer: Optimizer {
                discriminator_steps: o.discriminator_steps,
                accumulation: o.accumulation,
                clip: o.clip,
                reuse_fakes: o.reuse_fakes,
                ..Optimizer::default()
            },
            train: Train {
                batch_size: t.batch_size,
                device: t.device.clone(),
                threads: t.threads,
                instance_noise: t.instance_noise,
                blur: t.blur,
                ..Train::default()
            },
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_costs_time_counts() {
        let base = Config::default();
        let with = |entry: &str| base.with(&[entry]).unwrap().paced();
        for same in ["train.seed=7", "train.steps=9", "score.every=3", "optimizer.generator_lr=0.1", "data.source=/x"] {
            assert_eq!(with(same), base.paced(), "{same}");
        }
        for other in ["train.batch_size=7", "image_size=32", "loss.r1=1", "generator.attention=[8]", "train.threads=1"]
        {
            assert_ne!(with(other), base.paced(), "{other}");
        }
        assert_eq!(with("growing.start=8"), base.paced());
        assert_ne!(with("optimizer.reuse_fakes=true"), base.paced());
        assert_eq!((base.first_look(), crate::config::Preset::Quick.config().first_look()), (None, Some(500)));
        let weighed = base.with(&["data.balance=false", "loss.class_weights=inverse-frequency"]);
        assert_eq!(weighed.unwrap().paced().check(None), []);
    }
}
