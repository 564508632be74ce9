//! The gradient in the kernel: sums over patches, which are read where they lie.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{CHUNK_NUMBERS, Places};
use crate::ops::patches::Patches;
use crate::ops::simd::dispatch;
use crate::ops::tile::{GROUPS, ROWS};

/// The gradient of a convolution in its kernel: `grads` are `(B, Ho, Wo, O)`; `out` `(O, kh, kw, I)` is replaced.
pub(in crate::ops) fn kernel_gradient(out: &mut [f32], images: &[f32], grads: &[f32], outputs: usize, p: &Patches) {
    let places = Places::of(p);
    let padding = places.padding;
    let plain = p.height * p.width * p.channels;
    let chunk = (CHUNK_NUMBERS / padding.image()).max(1);
    // Each thread takes some rows of the kernel gradient and goes through all images.
    let rows = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(ROWS);
    out.par_chunks_mut(rows * p.numbers()).enumerate().for_each(|(i, out)| {
        out.fill(0.0);
        let first = i * rows;
        let images = images.chunks(chunk * plain).zip(grads.chunks(chunk * p.positions() * outputs));
        for (images, grads) in images {
            padding.with(images, |padded| {
                dispatch(Correlation { padded, places: &places, grads, outputs, first, out });
            });
        }
    });
}

struct Correlation<'a> {
    padded: &'a [f32],
    places: &'a Places,
    /// `(patches, outputs)`
    grads: &'a [f32],
    outputs: usize,
    /// Which output the first row of `out` belongs to.
    first: usize,
    /// `(some outputs, taps * run)`
    out: &'a mut [f32],
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Places { taps, run, .. } = *self.places;
        for tap in 0..taps {
            let mut column = 0;
            while column < run {
                let taken = match (run - column) / S::F32_LANES {
                    0 => self.rows::<S, 1, true>(simd, tap, column),
                    1 => self.rows::<S, 1, false>(simd, tap, column),
                    2 => self.rows::<S, 2, false>(simd, tap, column),
                    4 => self.rows::<S, 2, false>(simd, tap, column),
                    _ => self.rows::<S, GROUPS, false>(simd, tap, column),
                };
                column += taken;
            }
        }
    }
}

impl Correlation<'_> {
    /// `G` vectors of columns from `column` on, or less than a whole one, for all rows; returns how many columns that was.
    #[inline(always)]
    fn rows<S: Simd, const G: usize, const PART: bool>(&mut self, simd: S, tap: usize, column: usize) -> usize {
        let Places { taps, run, .. } = *self.places;
        let rows = self.out.len() / (taps * run);
        let mut row = 0;
        while row < rows {
            let left = rows - row;
            if left >= ROWS && S::REGISTER_COUNT >= 32 {
                self.tile::<S, ROWS, G, PART>(simd, tap, column, row);
                row += ROWS;
            } else if left >= 4 {
                self.tile::<S, 4, G, PART>(simd, tap, column, row);
                row += 4;
            } else {
                self.tile::<S, 1, G, PART>(simd, tap, column, row);
                row += 1;
            }
        }
        if PART { run - column } else { G * S::F32_LANES }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const G: usize, const PART: bool>(
        &mut self,
        simd: S,
        tap: usize,
        column: usize,
        row: usize,
    ) {
        let Places { ref padding, ref starts, taps, run } = *self.places;
        let numbers = taps * run;
        let width = if PART { run - column } else { G * S::F32_LANES };
        let mut sums = [[simd.splat_f32s(0.0); G]; R];
        let offset = tap * padding.line() + column;
        let images =
            self.padded.chunks_exact(padding.image()).zip(self.grads.chunks_exact(starts.len() * self.outputs));
        for (image, grads) in images {
            for (start, grads) in starts.iter().zip(grads.chunks_exact(self.outputs)) {
                let x = &image[start + offset..][..width];
                let x: [S::f32s; G] = if PART {
                    [simd.partial_load_f32s(x); G]
                } else {
                    let mut vectors = [simd.splat_f32s(0.0); G];
                    vectors.copy_from_slice(S::as_simd_f32s(x).0);
                    vectors
                };
                let grads = &grads[self.first + row..][..R];
                for r in 0..R {
                    let grad = simd.splat_f32s(grads[r]);
                    for g in 0..G {
                        sums[r][g] = simd.mul_add_e_f32s(grad, x[g], sums[r][g]);
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            let out = &mut self.out[(row + r) * numbers + tap * run + column..][..width];
            if PART {
                let before = simd.partial_load_f32s(out);
                simd.partial_store_f32s(out, simd.add_f32s(before, sums[0]));
            } else {
                for (out, sum) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
                    *out = simd.add_f32s(*out, sum);
                }
            }
        }
    }
}
