//! The gradient in the kernel: products over tiles.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::tiles::{POINTS, Tiles};
use super::transform::{Columns, Gradients, Images};
use crate::ops::cpu;
use crate::ops::patches::Patches;
use crate::ops::scratch::scratch;
use crate::ops::simd::{dispatch, lanes};
use crate::ops::tile::{Transposed, transposed_product};

/// Tiles that a thread sums over at a time: they stay near the core, and the sums are read and written once for all.
const SUMMED_TILES: usize = 128;

/// A part of the gradient in the kernel: some outputs by some columns.
struct Part {
    columns: Vec<Columns>,
    outputs: std::ops::Range<usize>,
}

impl Part {
    /// As many parts as threads: by columns where transforming the images costs more, by outputs otherwise.
    fn all(tiles: Tiles) -> Vec<Self> {
        let (threads, lanes) = (rayon::current_num_threads(), lanes());
        let (pair, outputs) = (tiles.pair(), tiles.outputs);
        let mut parts = Vec::new();
        if tiles.inner() >= outputs && pair >= 2 * lanes {
            let len = pair.div_ceil(threads.div_ceil(2)).next_multiple_of(lanes);
            for parity in 0..2 {
                for from in (0..pair).step_by(len) {
                    let columns = vec![Columns { parity, from, len: len.min(pair - from) }];
                    parts.push(Self { columns, outputs: 0..outputs });
                }
            }
        } else {
            let some = outputs.div_ceil(threads).next_multiple_of(4);
            for from in (0..outputs).step_by(some) {
                let columns = (0..2).map(|parity| Columns { parity, from: 0, len: pair }).collect();
                parts.push(Self { columns, outputs: from..outputs.min(from + some) });
            }
        }
        parts
    }

    fn width(&self) -> usize {
        self.columns.iter().map(|columns| columns.len).sum::<usize>().next_multiple_of(lanes())
    }

    /// Numbers of this part at the nine points.
    fn len(&self) -> usize {
        POINTS * self.outputs.len() * self.width()
    }

    /// The gradient at the nine points: `sums` `(9, outputs, width)` are replaced.
    fn compute(&self, sums: &mut [f32], images: &[f32], grads: &[f32], tiles: Tiles) {
        let (some, width) = (self.outputs.len(), self.width());
        let chunk = SUMMED_TILES.div_ceil(tiles.image());
        let plain = tiles.padding.plain();
        let chunks = images.chunks(chunk * plain).zip(grads.chunks(chunk * tiles.out()));
        for (i, (images, grads)) in chunks.enumerate() {
            let rows = images.len() / plain * tiles.image();
            scratch(POINTS * rows * width, |right| {
                scratch(POINTS * rows * some, |left| {
                    let each = images.chunks_exact(plain).zip(grads.chunks_exact(tiles.out()));
                    for (i, (image, grads)) in each.enumerate() {
                        let first_row = i * tiles.image();
                        tiles.padding.with(image, |padded| self.images(padded, right, first_row, tiles));
                        let from = self.outputs.start;
                        dispatch(Gradients { tiles, grads, from, len: some, v: left, first_row });
                    }
                    dispatch(Summed { sums: &mut *sums, left, right, width, add: i > 0 });
                });
            });
        }
    }

    /// Writes this part's share of one output's kernel gradient, `(4, 4, I)`, from the nine points.
    fn finish(&self, out: &mut [f32], sums: &[f32], row: usize, pair: usize) {
        let width = self.width();
        let plane = self.outputs.len() * width;
        let mut column = 0;
        for Columns { parity, from, len } in self.columns.iter().copied() {
            for (u, v) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let to = &mut out[(2 * u + parity) * 2 * pair + v * pair + from..][..len];
                let at = |point: usize| &sums[point * plane + row * width + column..][..len];
                let first = 3 * u + v;
                let (a, b, c, d) = (at(first), at(first + 1), at(first + 3), at(first + 4));
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                            *to = (a + b) + (c + d);
                        }
                    },
                );
            }
            column += len;
        }
    }

    fn images(&self, padded: &[f32], v: &mut [f32], first_row: usize, tiles: Tiles) {
        let mut column = 0;
        for columns in &self.columns {
            let (columns, width) = (*columns, self.width());
            dispatch(Images { tiles, padded, columns, v, first_row, width, column });
            column += columns.len;
        }
    }
}

/// Products over tiles at each point.
struct Summed<'a> {
    sums: &'a mut [f32],
    left: &'a [f32],
    right: &'a [f32],
    width: usize,
    add: bool,
}

impl WithSimd for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, left, right, width: n, add } = self;
        let (s, l, r) = (sums.len() / POINTS, left.len() / POINTS, right.len() / POINTS);
        let stride = s / n;
        let points = sums.chunks_exact_mut(s).zip(left.chunks_exact(l)).zip(right.chunks_exact(r));
        for ((sums, left), right) in points {
            transposed_product(simd, sums, Transposed { left, stride, right, n, add });
        }
    }
}

/// The gradient of a convolution in its kernel: `grads` are `(B, Ho, Wo, O)`; `out` `(O, 4, 4, I)` is replaced.
pub(in crate::ops) fn kernel_gradient(out: &mut [f32], images: &[f32], grads: &[f32], outputs: usize, p: &Patches) {
    let tiles = Tiles::new(p, outputs);
    let parts = Part::all(tiles);
    scratch(parts.iter().map(Part::len).sum(), |sums| {
        let mut shares = Vec::with_capacity(parts.len());
        let mut rest = &mut *sums;
        for part in &parts {
            let (share, more) = rest.split_at_mut(part.len());
            shares.push(share);
            rest = more;
        }
        let each = shares.par_iter_mut().zip(&parts);
        each.for_each(|(sums, part)| part.compute(sums, images, grads, tiles));
        out.par_chunks_mut(4 * tiles.inner()).enumerate().for_each(|(output, out)| {
            for (part, sums) in parts.iter().zip(&shares).filter(|(part, _)| part.outputs.contains(&output)) {
                part.finish(out, sums, output - part.outputs.start, tiles.pair());
            }
        });
    });
}
