//! Brightness, saturation and contrast of each image by its own numbers.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::ops::cpu;
use crate::ops::tape::Value;

/// How the colours of one image change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recolor {
    /// Added to every number, before the others.
    pub brightness: f32,
    /// What the distance of each number from the mean of its pixel is multiplied with.
    pub saturation: f32,
    /// What the distance of each number from the mean of its image is multiplied with, after the others.
    pub contrast: f32,
}

impl Recolor {
    /// Leaves the image as it is.
    pub const NONE: Self = Self { brightness: 0.0, saturation: 1.0, contrast: 1.0 };

    /// One image, pixels of `channels` numbers. The three changes together are
    /// `contrast * (saturation * x + (1 - saturation) * pixel mean) + (1 - contrast) * image mean + brightness`.
    fn apply(self, channels: usize, image: &[f32], out: &mut [f32]) {
        if self == Self::NONE {
            out.copy_from_slice(image);
            return;
        }
        let mean = image.iter().map(|x| f64::from(*x)).sum::<f64>() / image.len().max(1) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a mean of f32")]
        let offset = (1.0 - self.contrast) * mean as f32 + self.brightness;
        let (keep, grey) = (self.contrast * self.saturation, self.contrast * (1.0 - self.saturation) / channels as f32);
        for (out, pixel) in out.chunks_exact_mut(channels).zip(image.chunks_exact(channels)) {
            let rest = grey * pixel.iter().sum::<f32>() + offset;
            for (out, x) in out.iter_mut().zip(pixel) {
                *out = keep * x + rest;
            }
        }
    }
}

impl Value {
    /// Images `(B, H, W, C)` with other colours, one [`Recolor`] an image.
    ///
    /// # Errors
    /// Where there are not as many of them as images.
    pub fn recolor(&self, changes: &Arc<[Recolor]>) -> Result<Self> {
        let out = recolor(self.tensor(), changes)?;
        // Without the offset the change is its own adjoint: it scales about means, and a mean is a symmetric matrix.
        let linear: Arc<[Recolor]> = changes.iter().map(|change| Recolor { brightness: 0.0, ..*change }).collect();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.recolor(&linear))?])))
    }
}

fn recolor(images: &Tensor, changes: &[Recolor]) -> Result<Tensor> {
    let (batch, height, width, channels) = images.dims4()?;
    if changes.len() != batch {
        bail!("colours of {} images for {batch}", changes.len());
    }
    if !cpu::is_cpu(images) {
        return plain(images, changes);
    }
    let images = images.contiguous()?;
    let numbers = cpu::slice(&images)?;
    let image = (height * width * channels).max(1);
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(image)
            .zip(numbers.par_chunks(image))
            .zip(changes)
            .for_each(|((out, image), change)| change.apply(channels, image, out));
    };
    // SAFETY: there is a change for each image, and it writes whole pixels.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([numbers.len()], write) };
    cpu::tensor(out, images.dims())
}

/// The same in candle's operations, for other devices.
fn plain(images: &Tensor, changes: &[Recolor]) -> Result<Tensor> {
    let factors = |of: fn(&Recolor) -> f32| {
        let factors: Vec<f32> = changes.iter().map(of).collect();
        Tensor::from_vec(factors, (changes.len(), 1, 1, 1), images.device())
    };
    let about = |x: &Tensor, mean: &Tensor, factor: &Tensor| -> Result<Tensor> {
        x.broadcast_sub(mean)?.broadcast_mul(factor)?.broadcast_add(mean)
    };
    let bright = images.broadcast_add(&factors(|change| change.brightness)?)?;
    let pixel_mean = bright.mean_keepdim(3)?;
    let saturated = about(&bright, &pixel_mean, &factors(|change| change.saturation)?)?;
    let mean = saturated.mean_keepdim((1, 2, 3))?;
    about(&saturated, &mean, &factors(|change| change.contrast)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    fn changes() -> Arc<[Recolor]> {
        [
            Recolor { brightness: 0.3, saturation: 0.2, contrast: 1.4 },
            Recolor::NONE,
            Recolor { brightness: -0.4, saturation: 1.8, contrast: 0.6 },
        ]
        .into()
    }

    #[test]
    fn colours_are_those_of_the_plain_path() {
        for channels in [1, 3] {
            let [x] = values([&[3, 5, 4, channels]]);
            let want = plain(x.tensor(), &changes()).unwrap();
            let got = x.recolor(&changes()).unwrap();
            close(got.tensor(), &numbers(&want), 1e-6);
            let kept = got.tensor().get(1).unwrap().to_vec3::<f32>().unwrap();
            assert_eq!(kept, x.tensor().get(1).unwrap().to_vec3::<f32>().unwrap());
        }
    }

    #[test]
    fn colours_have_both_orders_of_gradients() {
        let inputs = values([&[3, 4, 4, 3]]);
        finite_differences(&inputs, |x| x[0].recolor(&changes()));
        // The change alone is linear: its square has a second order.
        second_order(&inputs, |x| x[0].recolor(&changes()).and_then(|y| y.mul(&y)));
    }

    #[test]
    fn as_many_changes_as_images() {
        let [x] = values([&[2, 4, 4, 3]]);
        assert!(x.recolor(&changes()).is_err());
    }
}
