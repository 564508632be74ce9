//! Batches for tests of the training step, made without data or chance.

use candle_core::{Device, Tensor};
use gandle::train::{DiscriminatorBatch, Feed, GeneratorBatch};

pub const CLASSES: usize = 3;
pub const BATCH: usize = 4;

/// Numbers without a pattern that matters, told apart by `seed`.
pub fn numbers(shape: &[usize], seed: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
    Tensor::from_vec((0..count).map(number).collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
}

/// The labels of the `at`-th batch.
pub fn labels(at: usize) -> Tensor {
    Tensor::from_vec((0..BATCH).map(|i| ((i + at) % CLASSES) as u32).collect(), BATCH, &Device::Cpu).unwrap()
}

/// Hands out the batches of a step, by their number.
pub struct FixedFeed {
    pub at: usize,
    size: usize,
}

impl FixedFeed {
    /// From batch `at` on, with images of `size` px.
    pub fn new(at: usize, size: usize) -> Self {
        Self { at, size }
    }
}

impl Feed for FixedFeed {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        self.at += 1;
        Ok(DiscriminatorBatch {
            real: numbers(&[BATCH, self.size, self.size, 3], self.at),
            labels: labels(self.at),
            z: numbers(&[BATCH, 8], self.at + 1),
            alpha: numbers(&[BATCH, 1, 1, 1], self.at).abs()?,
        })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        self.at += 1;
        let real = Some(numbers(&[BATCH, self.size, self.size, 3], self.at));
        Ok(GeneratorBatch { z: numbers(&[BATCH, 8], self.at), labels: labels(self.at), real })
    }
}
