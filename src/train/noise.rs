//! Instance noise (Sønderby et al. 2017): what the discriminator sees is blurred by noise that falls to nothing.

use candle_core::{Result, Tensor};
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;

use crate::config::Train;
use crate::config::rng::{Purpose, stream};
use crate::ops::Value;

/// Streams of chance that a batch takes, one an image: the largest `train.batch_size`.
pub(super) const IMAGES: u64 = 4096;

/// The deviation in the step after `done` ones: a straight line from `instance_noise` to 0.
pub(super) fn deviation(train: &Train, done: u64) -> f64 {
    train.instance_noise * (1.0 - done as f64 / train.instance_noise_steps.max(1) as f64).max(0.0)
}

/// `images` of shape `(B, height, width, channels)` with noise from N(0, deviation^2) on every number; as they are where the
/// deviation is 0. The numbers are those of the `batch`-th batch of a purpose, whenever they are drawn.
pub(super) fn with_noise(images: &Value, seed: u64, purpose: Purpose, batch: u64, deviation: f64) -> Result<Value> {
    if deviation <= 0.0 {
        return Ok(images.clone());
    }
    let size: usize = images.dims()[1..].iter().product();
    let mut noise = vec![0f32; images.dims()[0] * size];
    // An image's numbers come from a stream of its own, so that threads do not matter.
    noise.par_chunks_mut(size.max(1)).enumerate().for_each(|(index, image)| {
        let mut rng = stream(seed, purpose, batch * IMAGES + index as u64);
        image.fill_with(|| {
            let unit: f32 = StandardNormal.sample(&mut rng);
            unit * deviation as f32
        });
    });
    images.add(&Value::constant(Tensor::from_vec(noise, images.dims(), images.tensor().device())?))
}

/// Real images and fakes of a batch of D's with noise; `number` is that of its real images.
pub(super) fn noisy((real, fake): (&Value, &Value), seed: u64, number: u64, deviation: f64) -> Result<(Value, Value)> {
    let noisy = |images, number| with_noise(images, seed, Purpose::DiscriminatorInstanceNoise, number, deviation);
    Ok((noisy(real, number)?, noisy(fake, number + 1)?))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn noise_falls_along_a_line_to_nothing() {
        let train = Train { instance_noise: 0.4, instance_noise_steps: 10, ..Train::default() };
        assert_eq!([0, 5, 10, 11].map(|done| deviation(&train, done)), [0.4, 0.2, 0.0, 0.0]);
        assert_eq!(deviation(&Train::default(), 0), 0.0);
    }

    #[test]
    fn noise_has_its_deviation_and_repeats() {
        let images = Value::constant(Tensor::zeros((4, 16, 16, 3), candle_core::DType::F32, &Device::Cpu).unwrap());
        let draw = |purpose, batch| {
            let noisy = with_noise(&images, 1, purpose, batch, 0.1).unwrap();
            noisy.tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let first = draw(Purpose::DiscriminatorInstanceNoise, 0);
        let square = first.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / first.len() as f64;
        assert!((square.sqrt() - 0.1).abs() < 0.005, "{square}");
        assert_eq!(first, draw(Purpose::DiscriminatorInstanceNoise, 0));
        assert_ne!(first[..768], first[768..1536], "every image has its own");
        assert_ne!(first, draw(Purpose::DiscriminatorInstanceNoise, 1));
        assert_ne!(first, draw(Purpose::GeneratorInstanceNoise, 0));
    }
}
