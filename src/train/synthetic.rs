//! Synthetic batches, for measuring: what a step costs does not depend on what the images show.

use candle_core::{Device, Tensor};
use rand::Rng as _;

use super::{DiscriminatorBatch, Feed, GeneratorBatch};
use crate::config::Config;
use crate::config::rng::{ChaCha8Rng, Purpose, stream};

/// Batches of made-up numbers, made once and handed out for every step.
pub struct SyntheticFeed {
    batches: Vec<[Tensor; 4]>,
    taken: (usize, usize),
}

impl SyntheticFeed {
    /// Batches for one step with this configuration.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(config: &Config, classes: u32, device: &Device) -> anyhow::Result<Self> {
        let mut rng = stream(0, Purpose::Demo, 0);
        let count = config.optimizer.discriminator_steps * config.optimizer.accumulation;
        let batches = (0..count).map(|_| Self::batch(&mut rng, config, classes, device));
        Ok(Self { batches: batches.collect::<anyhow::Result<_>>()?, taken: (0, 0) })
    }

    /// Hands the same batches out again, for another step.
    pub fn rewind(&mut self) {
        self.taken = (0, 0);
    }

    fn batch(rng: &mut ChaCha8Rng, config: &Config, classes: u32, device: &Device) -> anyhow::Result<[Tensor; 4]> {
        let (batch, size) = (config.train.batch_size, config.image_size);
        let mut uniform =
            |count: usize, low: f32| -> Vec<f32> { (0..count).map(|_| rng.random_range(low..1.0)).collect() };
        let real = Tensor::from_vec(
            uniform(batch * size * size * config.channels, -1.0),
            (batch, size, size, config.channels),
            device,
        )?;
        let z = Tensor::from_vec(
            uniform(batch * config.generator.latent_dim, -1.0),
            (batch, config.generator.latent_dim),
            device,
        )?;
        let alpha = Tensor::from_vec(uniform(batch, 0.0), (batch, 1, 1, 1), device)?;
        let labels: Vec<u32> = (0..batch).map(|_| rng.random_range(0..classes)).collect();
        Ok([real, Tensor::from_vec(labels, batch, device)?, z, alpha])
    }
}

impl Feed for SyntheticFeed {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let [real, labels, z, alpha] = self.batches[self.taken.0].clone();
        self.taken.0 += 1;
        Ok(DiscriminatorBatch { real, labels, z, alpha })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let [real, labels, z, _] = self.batches[self.taken.1].clone();
        self.taken.1 += 1;
        Ok(GeneratorBatch { z, labels, real: Some(real) })
    }
}
