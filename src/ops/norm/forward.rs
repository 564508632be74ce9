//! Statistics, and the normalised numbers with scale, shift and activation.

use super::{Saved, Shape, Statistics};
use crate::ops::cpu;

use super::Over;

/// The statistics of `x`.
pub(super) fn measure(x: &[f32], shape: &Shape) -> Statistics {
    let c = shape.channels;
    // About a first guess (the first position's numbers), so that a mean far from 0 costs no accuracy.
    let guess: Vec<f32> = match shape.over {
        Over::Batch => x[..c].to_vec(),
        Over::Image => (0..shape.batch).map(|image| x[image * shape.image()]).collect(),
    };
    let sums = shape.image_sums(
        2,
        #[inline(always)]
        |image, rows, sums| {
            let guess = shape.spread(image, &guess);
            let (sum, squares) = sums.split_at_mut(c);
            for row in x[rows].chunks_exact(c) {
                for (((sum, square), x), guess) in sum.iter_mut().zip(squares.iter_mut()).zip(row).zip(&guess[..c]) {
                    let x = x - guess;
                    *sum += x;
                    *square += x * x;
                }
            }
        },
    );
    let shifted = shape.group_means(|image, ch| sums[(image * 2) * c + ch]);
    let squares = shape.group_means(|image, ch| sums[(image * 2 + 1) * c + ch]);
    let variance = squares.iter().zip(&shifted).map(|(square, mean)| (square - mean * mean).max(0.0)).collect();
    let mean = shifted.iter().zip(&guess).map(|(shifted, guess)| shifted + f64::from(*guess)).collect();
    Statistics { mean, variance, count: shape.count() }
}

/// The normalised, scaled, shifted and activated numbers.
pub(super) fn apply(x: &[f32], saved: &Saved, scales: &[f32], shifts: &[f32], shape: &Shape) -> Vec<f32> {
    let (c, slope) = (shape.channels, shape.slope);
    let mut out = cpu::fresh(x.len());
    shape.over_blocks(&mut out, |image, range, out| {
        // y = x * factor + offset
        let [factor, offset] = shape.coefficients(image, |group, row| {
            let factor = scales[row] * saved.inverse[group];
            [factor, shifts[row] - saved.mean[group] * factor]
        });
        cpu::vectorised(
            #[inline(always)]
            || {
                for (out, x) in out.chunks_exact_mut(c).zip(x[range].chunks_exact(c)) {
                    for (((out, x), factor), offset) in out.iter_mut().zip(x).zip(&factor).zip(&offset) {
                        let y = x * factor + offset;
                        *out = if y > 0.0 { y } else { slope * y };
                    }
                }
            },
        );
    });
    out
}
