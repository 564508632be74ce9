//! Named starting points: each a handful of differences from the defaults.

use super::{Conditioning, Config, DiscriminatorNorm, LossKind};

/// A named starting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The recommended set-up.
    Improved,
    /// The classic DCGAN set-up, with its known weaknesses.
    Original,
}

impl Preset {
    /// Every preset, in the order shown.
    pub const ALL: [Self; 2] = [Self::Improved, Self::Original];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Original => "original",
        }
    }

    /// What it is, in a sentence or two.
    pub fn about(self) -> &'static str {
        match self {
            Self::Improved => {
                "Projected label map, spectral normalisation alone, hinge loss, two learning rates, moving average, self-attention at 32x32."
            }
            Self::Original => {
                "A conditional DCGAN as it is often first written: full-size label map, spectral and batch normalisation together, smoothed cross-entropy, one learning rate."
            }
        }
    }

    /// The preset with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its configuration.
    pub fn config(self) -> Config {
        let mut config = Config::default();
        match self {
            Self::Improved => {
                config.generator.attention = vec![32];
                config.discriminator.attention = vec![32];
            }
            Self::Original => {
                config.discriminator.conditioning = Conditioning::LabelMap;
                config.discriminator.norm = DiscriminatorNorm::Batch;
                config.loss.kind = LossKind::Bce;
                config.loss.label_smoothing = 0.1;
                config.optimizer.generator_lr = 2e-4;
                config.optimizer.discriminator_lr = 2e-4;
                config.optimizer.beta1 = 0.5;
                config.optimizer.beta2 = 0.999;
            }
        }
        config
    }
}
