//! A run's batches: real images from the loader, noise and labels from the seed.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use rand::Rng as _;
use rand_distr::{Distribution as _, StandardNormal};

use crate::config::Config;
use crate::config::chance::{ChaCha8Rng, Purpose, stream};
use crate::data::{Dataset, Loader};
use crate::session::CheckpointState;
use crate::train::{DiscriminatorBatch, Feed, GeneratorBatch};

/// `(count, latent)` numbers from N(0, 1).
///
/// # Errors
/// Those of candle.
pub fn noise(rng: &mut ChaCha8Rng, count: usize, latent: usize, device: &Device) -> candle_core::Result<Tensor> {
    let data: Vec<f32> = (0..count * latent).map(|_| StandardNormal.sample(rng)).collect();
    Tensor::from_vec(data, (count, latent), device)
}

/// Draws noise: the n-th draw of a purpose is the same whenever it is taken, so a count is all that a resume needs.
#[derive(Clone)]
pub struct Noise {
    seed: u64,
    latent: usize,
    batch: usize,
    /// Cumulative share of each class among the labels of generated images.
    shares: Vec<f64>,
    device: Device,
}

impl Noise {
    /// Labels are drawn in the shares in which real images of each class are shown: `(C)` names and counts.
    pub fn new(config: &Config, classes: &[String], counts: &[usize], device: &Device) -> Self {
        let weights = config.data.class_shares(classes, counts);
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let shares = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        let (seed, latent, batch) = (config.train.seed, config.generator.latent_dim, config.train.batch_size);
        Self { seed, latent, batch, shares: shares.collect(), device: device.clone() }
    }

    fn label(&self, rng: &mut ChaCha8Rng) -> u32 {
        let at: f64 = rng.random();
        let class = self.shares.iter().position(|share| at < *share).unwrap_or(self.shares.len() - 1);
        u32::try_from(class).unwrap_or(0)
    }
}

/// A run's own batches.
pub struct RunFeed {
    loader: Loader,
    noise: Noise,
    size: usize,
    channels: usize,
    needs_alpha: bool,
    /// Draws for the discriminator so far.
    pub discriminator_draws: u64,
    /// Draws for the generator so far.
    pub generator_draws: u64,
}

impl RunFeed {
    /// Starts at the first batch.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn new(config: &Config, dataset: Arc<Dataset>, device: &Device) -> anyhow::Result<Self> {
        Self::at(config, dataset, device, None)
    }

    /// Goes on where a checkpoint stands, or starts at the first batch without one.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn at(
        config: &Config,
        dataset: Arc<Dataset>,
        device: &Device,
        state: Option<&CheckpointState>,
    ) -> anyhow::Result<Self> {
        let noise = Noise::new(config, &dataset.class_names(), &dataset.class_counts(), device);
        let (size, channels) = (dataset.size(), dataset.channels());
        let needs_alpha = config.loss.kind == crate::config::LossKind::WassersteinGp;
        let loader = Loader::new(dataset, config, state.map_or(0, |state| state.loader_position))?;
        let discriminator_draws = state.map_or(0, |state| state.discriminator_draws);
        let generator_draws = state.map_or(0, |state| state.generator_draws);
        Ok(Self { loader, noise, size, channels, needs_alpha, discriminator_draws, generator_draws })
    }

    /// The feed as it goes on from here with other settings.
    ///
    /// # Errors
    /// Where the loader cannot start.
    pub fn with_settings(&self, config: &Config, dataset: Arc<Dataset>, device: &Device) -> anyhow::Result<Self> {
        let mut other = Self::new(config, dataset.clone(), device)?;
        other.loader = Loader::new(dataset, config, self.loader.position())?;
        other.discriminator_draws = self.discriminator_draws;
        other.generator_draws = self.generator_draws;
        Ok(other)
    }

    /// Batches that the loader has handed out.
    pub fn loader_position(&self) -> u64 {
        self.loader.position()
    }
}

impl Feed for RunFeed {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let batch = self.loader.next()?;
        let count = batch.labels.len();
        let Noise { seed, latent, ref device, .. } = self.noise;
        let mut rng = stream(seed, Purpose::DiscriminatorNoise, self.discriminator_draws);
        self.discriminator_draws += 1;
        let z = noise(&mut rng, count, latent, device)?;
        let alpha = if self.needs_alpha { (0..count).map(|_| rng.random::<f32>()).collect() } else { vec![0.0; count] };
        Ok(DiscriminatorBatch {
            real: Tensor::from_vec(batch.images, (count, self.size, self.size, self.channels), device)?,
            labels: Tensor::from_vec(batch.labels, count, device)?,
            z,
            alpha: Tensor::from_vec(alpha, (count, 1, 1, 1), device)?,
        })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let n = &self.noise;
        let mut rng = stream(n.seed, Purpose::GeneratorNoise, self.generator_draws);
        self.generator_draws += 1;
        let labels: Vec<u32> = (0..n.batch).map(|_| n.label(&mut rng)).collect();
        let z = noise(&mut rng, n.batch, n.latent, &n.device)?;
        Ok(GeneratorBatch { z, labels: Tensor::from_vec(labels, n.batch, &n.device)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_drawn_in_the_shares_in_which_classes_are_shown() {
        let (names, images) = (["a", "b", "c"].map(str::to_owned), [100, 25, 4]);
        let drawn = |entries: &[&str]| {
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
            let config = Config::default().with(&entries).unwrap();
            let noise = Noise::new(&config, &names, &images, &Device::Cpu);
            let (mut rng, mut labels) = (stream(1, Purpose::GeneratorNoise, 0), [0.0; 3]);
            (0..10_000).for_each(|_| labels[noise.label(&mut rng) as usize] += 1.0 / 10_000.0);
            labels
        };
        for (entries, shares) in [
            (&[][..], [1.0; 3]),
            (&["data.balance=false"], [100.0, 25.0, 4.0]),
            (&["data.balance_to=square-root"], [10.0, 5.0, 2.0]),
            (&["data.balance_to=square-root", "data.class_factors={ c = 4, a = 0.5 }"], [5.0, 5.0, 8.0]),
        ] {
            let total: f64 = shares.iter().sum();
            for (drawn, share) in drawn(entries).into_iter().zip(shares) {
                assert!((drawn - share / total).abs() < 0.02, "{entries:?}: {drawn} for {}", share / total);
            }
        }
    }
}
