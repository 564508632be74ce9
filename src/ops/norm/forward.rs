//! Statistics, and the normalised numbers with scale, shift and activation.

use pulp::Simd;

use super::shape::{Saved, Shape};
use super::statistics::{Over, Statistics};
use crate::ops::rows::{Formula, gate};

/// The statistics of `x`.
pub(super) fn measure(x: &[f32], shape: &Shape) -> Statistics {
    let c = shape.channels;
    // About a first guess (the first position's numbers), so that a mean far from 0 costs no accuracy.
    let guess: Vec<f32> = match shape.over {
        Over::Batch => x[..c].to_vec(),
        Over::Image => (0..shape.batch).map(|image| x[image * shape.image()]).collect(),
    };
    let sums = shape.image_sums(&Moments, [x], |image| [shape.spread(image, &guess)]);
    let shifted = shape.group_means(|image, ch| sums[(image * 2) * c + ch]);
    let squares = shape.group_means(|image, ch| sums[(image * 2 + 1) * c + ch]);
    let variance = squares.iter().zip(&shifted).map(|(square, mean)| (square - mean * mean).max(0.0)).collect();
    let mean = shifted.iter().zip(&guess).map(|(shifted, guess)| shifted + f64::from(*guess)).collect();
    Statistics { mean, variance, count: shape.count() }
}

/// The normalised, scaled, shifted and activated numbers.
pub(super) fn apply(x: &[f32], saved: &Saved, scales: &[f32], shifts: &[f32], shape: &Shape) -> Vec<f32> {
    shape.map(&Line { slope: shape.slope }, [x], |image| {
        shape.coefficients(image, |group, row| {
            let factor = scales[row] * saved.inverse[group];
            [factor, shifts[row] - saved.mean[group] * factor]
        })
    })
}

/// Sums of `x - guess` and of its square.
struct Moments;

impl Formula<1, 1, 2> for Moments {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x]: [S::f32s; 1], [guess]: [S::f32s; 1]) -> [S::f32s; 2] {
        let x = simd.sub_f32s(x, guess);
        [x, simd.mul_f32s(x, x)]
    }
}

/// `x * factor + offset`, activated.
struct Line {
    slope: f32,
}

impl Formula<1, 2, 1> for Line {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x]: [S::f32s; 1], [factor, offset]: [S::f32s; 2]) -> [S::f32s; 1] {
        let y = simd.mul_add_e_f32s(x, factor, offset);
        [gate(simd, y, y, self.slope)]
    }
}
