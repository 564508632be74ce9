//! Blur at the start (Sauer et al. 2022, StyleGAN-XL): the discriminator sees shapes before details, and details fade in.

use candle_core::{Result, Tensor};

use crate::config::Train;
use crate::ops::Value;

/// Deviations, from the middle, beyond which a Gaussian counts as nothing.
const REACH: f64 = 3.0;
/// Deviation in pixels below which a blur changes next to nothing.
const LEAST: f64 = 0.1;

/// The deviation as a share of the side in the step after `done` ones: a straight line from `blur` to 0.
pub(super) fn deviation(train: &Train, done: u64) -> f64 {
    train.blur * (1.0 - done as f64 / train.blur_steps.max(1) as f64).max(0.0)
}

/// `images` of shape `(B, height, width, channels)`, each blurred by a Gaussian whose deviation is this share of the width, mirrored at
/// the rim.
pub(super) fn blurred(images: &Value, deviation: f64) -> Result<Value> {
    let &[batch, height, width, channels] = images.dims() else {
        candle_core::bail!("images of shape {:?} have no height and width", images.dims())
    };
    let deviation = deviation * width as f64;
    if deviation < LEAST {
        return Ok(images.clone());
    }
    let along = |x: &Value, side: usize, other: usize| -> Result<Value> {
        let kernel = Tensor::from_vec(weights(side, deviation), (1, side, side), images.tensor().device())?;
        let kernel = Value::constant(kernel.broadcast_as((batch, side, side))?.contiguous()?);
        kernel.matmul(&x.reshape(&[batch, side, other * channels])?)
    };
    let down = along(images, height, width)?.reshape(&[batch, height, width, channels])?.transpose(1, 2)?;
    let across = along(&down, width, height)?.reshape(&[batch, width, height, channels])?;
    across.transpose(1, 2)
}

/// `(side, side)`: what each pixel of a line takes from each. A row sums to 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some deviations, in pixels")]
fn weights(side: usize, deviation: f64) -> Vec<f32> {
    let reach = (REACH * deviation).ceil().max(1.0) as usize;
    let taps: Vec<f64> = (0..=reach).map(|d| (-0.5 * (d as f64 / deviation).powi(2)).exp()).collect();
    let sum = 2.0 * taps.iter().sum::<f64>() - taps[0];
    let mut rows = vec![0f64; side * side];
    for at in 0..side {
        let mut give = |to: usize, tap: f64| rows[at * side + to] += tap / sum;
        give(at, taps[0]);
        for (d, tap) in taps.iter().enumerate().skip(1) {
            give(mirrored(at as isize - d as isize, side), *tap);
            give(mirrored((at + d) as isize, side), *tap);
        }
    }
    rows.into_iter().map(|weight| weight as f32).collect()
}

/// A place on a line that is mirrored at its ends, whose pixels are not repeated.
fn mirrored(at: isize, side: usize) -> usize {
    let last = side as isize - 1;
    if last == 0 {
        return 0;
    }
    let folded = at.rem_euclid(2 * last);
    folded.min(2 * last - folded) as usize
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn it_falls_along_a_line_to_nothing() {
        let train = Train { blur: 2.0, blur_steps: 10, ..Train::default() };
        assert_eq!([0, 5, 10, 11].map(|done| deviation(&train, done)), [2.0, 1.0, 0.0, 0.0]);
        assert_eq!(deviation(&Train::default(), 0), 0.0);
    }

    #[test]
    fn a_point_becomes_a_gaussian_and_a_plane_stays() {
        let mut image = vec![0f32; 32 * 16];
        image[16 * 16 + 8] = 1.0;
        let point = Value::constant(Tensor::from_vec(image, (1, 32, 16, 1), &Device::Cpu).unwrap());
        let blurred_point =
            blurred(&point, 1.5 / 16.0).unwrap().tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let gaussian = |squares: f64| (-squares / (2.0 * 1.5 * 1.5)).exp();
        let ratio = |y: usize, x: usize| f64::from(blurred_point[y * 16 + x] / blurred_point[16 * 16 + 8]);
        for (y, x, squares) in [(17, 8, 1.0), (16, 10, 4.0), (14, 9, 5.0)] {
            assert!((ratio(y, x) - gaussian(squares)).abs() < 1e-5);
        }
        assert!((blurred_point.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let plane = Value::constant((Tensor::ones((2, 16, 16, 3), DType::F32, &Device::Cpu).unwrap() * 0.25).unwrap());
        let still = blurred(&plane, 0.25).unwrap().tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(still.iter().all(|pixel| (pixel - 0.25).abs() < 1e-5));
    }

    #[test]
    fn a_rim_is_mirrored_without_being_repeated() {
        assert_eq!([-2, -1, 0, 3, 4, 5].map(|at| mirrored(at, 4)), [2, 1, 0, 3, 2, 1]);
        assert_eq!([-1, 9].map(|at| mirrored(at, 1)), [0, 0]);
    }
}
