//! Named starting points: each a handful of differences from the defaults.

use super::{
    AttentionForm, AugmentEdge, Conditioning, Config, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily,
    LossKind, ScanRules, SplitBy,
};

/// A named starting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Believable images in minutes.
    Quick,
    /// The same for a few hundred images.
    SmallData,
    /// The recommended set-up.
    Improved,
    /// The classic DCGAN set-up, with its known weaknesses.
    Original,
}

impl Preset {
    /// Every preset, in the order shown.
    pub const ALL: [Self; 4] = [Self::Quick, Self::SmallData, Self::Improved, Self::Original];

    /// The one that everything starts from where none is named.
    pub const DEFAULT: Self = Self::Quick;

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::SmallData => "small-data",
            Self::Improved => "improved",
            Self::Original => "original",
        }
    }

    /// What it is and when to take it, in a sentence or two.
    pub fn about(self) -> &'static str {
        match self {
            Self::Quick => {
                "A light generator against small heads on frozen features: believable images in minutes. Start with it."
            }
            Self::SmallData => {
                "As quick, and the discriminator sees the few images there are changed in colour and partly covered, so that it cannot learn them by heart: for some hundred images or fewer."
            }
            Self::Improved => {
                "Projected label map, spectral normalisation alone, hinge loss, two learning rates, moving average, self-attention at 32x32: networks that learn everything from the images. Takes hours where quick takes minutes; for images that no photograph resembles."
            }
            Self::Original => {
                "A conditional DCGAN as it is often first written: full-size label map, spectral and batch normalisation together, smoothed cross-entropy, one learning rate. To compare with."
            }
        }
    }

    /// What came out of it: Frechet distances (EfficientNet-Lite2) of all images and as many fakes, and the time on two cores of
    /// a server. `docs/quality.md` has the runs.
    pub fn measured(self) -> &'static str {
        match self {
            Self::Quick => {
                "2124 blood cells at 32 px: a distance of 24 after one minute, 12 after two and 7 after six. The demo set at 64 px: 44 after two minutes."
            }
            Self::SmallData => {
                "318 blood cells at 32 px: 10 from images that it has not seen, after five minutes, where quick comes to 13."
            }
            Self::Improved => "2124 blood cells at 32 px: a distance of 180 after four minutes.",
            Self::Original => "2124 blood cells at 32 px: a distance of 210 after two minutes.",
        }
    }

    /// The preset with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its configuration for images of another size: the same recipe, with attention on a map that such networks have.
    pub fn config_at(self, image_size: usize) -> Config {
        let mut config = Config { image_size, ..self.config() };
        config.fit_attention();
        config
    }

    /// Takes over its recipe: networks, loss, augmentation, optimizer and the size of a batch. Data, image size, the rest of the run and
    /// scores stay as they are.
    pub fn lay_over(self, config: &mut Config) {
        let from = self.config_at(config.image_size);
        config.generator = from.generator;
        config.discriminator = from.discriminator;
        config.loss = from.loss;
        config.augment = from.augment;
        config.optimizer = from.optimizer;
        config.train.batch_size = from.train.batch_size;
        config.fit_attention();
        config.fit_to_family();
    }

    /// Its configuration.
    pub fn config(self) -> Config {
        let mut config = Config::default();
        config.data.split_by = SplitBy::Columns;
        config.data.scans = ScanRules::Clinical;
        match self {
            Self::Quick => quick(&mut config),
            Self::SmallData => {
                quick(&mut config);
                (config.augment.color, config.augment.cutout) = (0.5, 0.25);
            }
            Self::Improved => {
                config.generator.attention = vec![32];
                config.discriminator.attention = vec![32];
                // As its authors built it: the discriminator's is then normalised like all its other layers.
                config.generator.attention_form = AttentionForm::Sagan;
                config.discriminator.attention_form = AttentionForm::Sagan;
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

fn quick(config: &mut Config) {
    let g = &mut config.generator;
    (g.family, g.latent_dim, g.label_embedding, g.base_channels) = (GeneratorFamily::Fast, 128, 64, 24);
    let d = &mut config.discriminator;
    (d.family, d.base_channels) = (DiscriminatorFamily::Projected, 64);
    (d.conditioning, d.norm) = (Conditioning::Projection, DiscriminatorNorm::Batch);
    // Without it the fakes of a class are too much alike: on X-rays recall stays at a third of what it is with it.
    d.minibatch_stddev = true;
    (config.augment.translation, config.augment.edge) = (0.125, AugmentEdge::Mirror);
    let o = &mut config.optimizer;
    (o.generator_lr, o.discriminator_lr, o.beta2) = (1e-3, 2e-3, 0.99);
    (o.reuse_fakes, o.ema_half_life, o.ema_share) = (true, 20_000, 0.1);
    // On drawn or simple images the heads else know at once what is false, and say no more than that; see docs/quality.md.
    (o.gap, o.gap_from, o.gap_lowest, o.gap_highest) = (2.0, 0.7, 0.01, 1.0);
    let t = &mut config.train;
    (t.batch_size, t.blur, t.blur_steps) = (16, 0.05, 800);
}
