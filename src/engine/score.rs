//! Scores a run while it trains.

use std::time::Instant;

use anyhow::Context as _;
use candle_core::{Device, Tensor};

use super::feed::noise;
use super::real;
use crate::config::Config;
use crate::config::chance::{Purpose, stream};
use crate::data::Dataset;
use crate::event::Score;
use crate::feature::EfficientNet;
use crate::metric::{Statistics, frechet_distance};
use crate::train::Trainer;

/// Images that go through the generator at a time.
pub(super) const CHUNK: usize = 32;

/// The Frechet distance between real images and as many of the averaged generator with the same labels. Noise and real
/// images are the same at every score of a run, so that scores differ by the generator alone.
pub(super) struct Scorer {
    extractor: EfficientNet,
    real: Statistics,
    labels: Vec<u32>,
}

impl Scorer {
    /// Looks at the real images: all, or `score.images` of them, the classes in their own shares. `go_on` is asked between
    /// chunks; nothing is returned where it says no.
    pub fn new(config: &Config, dataset: &Dataset, go_on: &mut dyn FnMut() -> bool) -> anyhow::Result<Option<Self>> {
        let extractor = EfficientNet::shipped()?;
        let chosen = choose(dataset, config.score.images);
        let labels = chosen.iter().map(|i| dataset.label(*i)).collect();
        let cache = config.data.cache_folder();
        let real = real::statistics(&extractor, dataset, &chosen, cache.as_deref(), go_on)?;
        Ok(real.map(|real| Self { extractor, real, labels }))
    }

    /// Scores the averaged generator. `go_on` is asked between chunks; nothing is returned where it says no.
    pub fn score(
        &self,
        config: &Config,
        trainer: &mut Trainer,
        step: usize,
        device: &Device,
        go_on: &mut dyn FnMut() -> bool,
    ) -> anyhow::Result<Option<Score>> {
        let start = Instant::now();
        let mut rng = stream(config.train.seed, Purpose::Score, 0);
        let mut features = Vec::with_capacity(self.labels.len() * EfficientNet::FEATURES);
        for labels in self.labels.chunks(128) {
            if !go_on() {
                return Ok(None);
            }
            let z = noise(&mut rng, labels.len(), config.generator.latent_dim, device)?;
            let labels = Tensor::new(labels, device)?;
            let images = trainer.averaged_images(&z, &labels, CHUNK)?;
            features.extend(self.extractor.features(&images, config.image_size, config.image_size, config.channels)?);
        }
        let fake = Statistics::of(&features, EfficientNet::FEATURES).context("features of the generated images")?;
        Ok(Some(Score {
            step,
            metric: "frechet-distance".to_owned(),
            extractor: EfficientNet::NAME.to_owned(),
            class: None,
            samples: self.labels.len(),
            value: frechet_distance(&self.real, &fake)?,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }
}

/// Which real images are looked at: all, or about `wanted` of them, spread evenly over every class.
fn choose(dataset: &Dataset, wanted: usize) -> Vec<usize> {
    let total = dataset.len();
    if wanted == 0 || wanted >= total {
        return (0..total).collect();
    }
    // Image i of n is taken where the rounded share grows, which keeps the shares of classes that stand one after another.
    (0..total).filter(|i| (i + 1) * wanted / total > i * wanted / total).collect()
}
