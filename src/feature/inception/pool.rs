//! The pools of 3x3 pixels between and inside the blocks, on channels-last images.

use crate::ops::cpu::vectorised;

/// Pixels a side.
const SIZE: usize = 3;

/// What is kept of nine pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Largest,
    /// The mean of those that lie inside the image.
    Mean,
}

/// A pool of 3x3 pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    kept: Kept,
    stride: usize,
    padding: usize,
}

impl Pool {
    /// The largest of every second place, without padding.
    pub const LARGEST_OF_HALF: Self = Self { kept: Kept::Largest, stride: 2, padding: 0 };
    /// The largest around every pixel.
    pub const LARGEST_AROUND: Self = Self { kept: Kept::Largest, stride: 1, padding: 1 };
    /// The mean around every pixel.
    pub const MEAN_AROUND: Self = Self { kept: Kept::Mean, stride: 1, padding: 1 };

    pub fn size_after(self, (height, width): (usize, usize)) -> (usize, usize) {
        let after = |side: usize| (side + 2 * self.padding - SIZE) / self.stride + 1;
        (after(height), after(width))
    }

    /// Images `(B, height, width, channels)`, of which the channels `first..first + channels` of `out`, `(B, .., of)`, are
    /// written.
    pub fn run(
        self,
        out: &mut [f32],
        of: usize,
        first: usize,
        input: &[f32],
        (height, width): (usize, usize),
        channels: usize,
    ) {
        let (rows, columns) = self.size_after((height, width));
        let images = input.chunks_exact(height * width * channels).zip(out.chunks_exact_mut(rows * columns * of));
        let inside = |at: usize, side: usize| {
            let start = at * self.stride;
            start.saturating_sub(self.padding)..(start + SIZE - self.padding).min(side)
        };
        for (image, out) in images {
            for (at, pixel) in out.chunks_exact_mut(of).enumerate() {
                let out = &mut pixel[first..first + channels];
                let (down, across) = (inside(at / columns, height), inside(at % columns, width));
                let share = 1.0 / (down.len() * across.len()) as f32;
                let start = if self.kept == Kept::Mean { 0.0 } else { f32::NEG_INFINITY };
                vectorised(
                    #[inline(always)]
                    || {
                        out.fill(start);
                        for y in down.clone() {
                            for x in across.clone() {
                                let from = &image[(y * width + x) * channels..][..channels];
                                if self.kept == Kept::Mean {
                                    for (sum, value) in out.iter_mut().zip(from) {
                                        *sum += value;
                                    }
                                } else {
                                    for (largest, value) in out.iter_mut().zip(from) {
                                        *largest = if *value > *largest { *value } else { *largest };
                                    }
                                }
                            }
                        }
                        if self.kept == Kept::Mean {
                            for sum in out.iter_mut() {
                                *sum *= share;
                            }
                        }
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_leave_the_padding_out_and_maxima_ignore_it() {
        let image: Vec<f32> = (0..9).map(|v| v as f32 - 20.0).collect();
        let run = |pool: Pool| {
            let (rows, columns) = pool.size_after((3, 3));
            let mut out = vec![7.0; rows * columns * 2];
            pool.run(&mut out, 2, 1, &image, (3, 3), 1);
            assert!(out.iter().step_by(2).all(|v| *v == 7.0), "other channels are left alone");
            out.into_iter().skip(1).step_by(2).collect::<Vec<f32>>()
        };
        let mean = run(Pool::MEAN_AROUND);
        assert!((mean[0] - (-20.0 - 19.0 - 17.0 - 16.0) / 4.0).abs() < 1e-5 && (mean[4] + 16.0).abs() < 1e-5);
        assert_eq!(run(Pool::LARGEST_AROUND), [-16.0, -15.0, -15.0, -13.0, -12.0, -12.0, -13.0, -12.0, -12.0]);
        assert_eq!(run(Pool::LARGEST_OF_HALF), [-12.0]);
    }
}
