//! The kernel's side of the nine products.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::tiles::{POINTS, Tiles};
use crate::ops::rows::{load, store};
use crate::ops::simd::{dispatch, lanes};

/// Floats in the widest vectors that there are.
const MOST_LANES: usize = 16;

/// One output's kernel, `(4, 4, I)`, at the nine points: up to a vector of numbers from `c` on in the pairs of a parity.
#[inline(always)]
fn kernel_points<S: Simd>(simd: S, kernel: &[f32], pair: usize, (parity, c, n): (usize, usize, usize)) -> [S::f32s; 9] {
    let above = &kernel[parity * 2 * pair + c..];
    let below = &kernel[(2 + parity) * 2 * pair + c..];
    let (w00, w01) = (load(simd, above, 0, n), load(simd, above, pair, n));
    let (w10, w11) = (load(simd, below, 0, n), load(simd, below, pair, n));
    let (above, below) = (simd.add_f32s(w00, w01), simd.add_f32s(w10, w11));
    let middle = [simd.add_f32s(w00, w10), simd.add_f32s(above, below), simd.add_f32s(w01, w11)];
    [w00, above, w01, middle[0], middle[1], middle[2], w10, below, w11]
}

/// Fills in the kernel at the nine points as `(9, groups, inner, lanes)`, outputs in the lanes.
pub(super) fn pack_by_output(packed: &mut [f32], kernel: &[f32], tiles: Tiles) {
    let (inner, lanes) = (tiles.inner(), lanes());
    let groups = packed.len() / (POINTS * inner * lanes);
    let mut by_group: Vec<Vec<&mut [f32]>> = (0..groups).map(|_| Vec::with_capacity(POINTS)).collect();
    for (i, part) in packed.chunks_exact_mut(inner * lanes).enumerate() {
        by_group[i % groups].push(part);
    }
    by_group.into_par_iter().zip(kernel.par_chunks(lanes * 4 * inner)).for_each(|(to, kernel)| {
        dispatch(ByOutput { to, kernel, pair: tiles.pair() });
    });
}

struct ByOutput<'a> {
    /// A group at each point: `(inner, lanes)`.
    to: Vec<&'a mut [f32]>,
    /// Up to a vector of outputs.
    kernel: &'a [f32],
    pair: usize,
}

impl WithSimd for ByOutput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut to, kernel, pair } = self;
        let lanes = S::F32_LANES;
        // A block of outputs by numbers at a time, exchanged while it lies in the nearest cache.
        let mut blocks = [[[0.0; MOST_LANES]; MOST_LANES]; POINTS];
        for parity in 0..2 {
            for c in (0..pair).step_by(lanes) {
                let n = lanes.min(pair - c);
                for (output, kernel) in kernel.chunks_exact(8 * pair).enumerate() {
                    let points = kernel_points(simd, kernel, pair, (parity, c, n));
                    for point in 0..POINTS {
                        store(simd, &mut blocks[point][output][..lanes], points[point]);
                    }
                }
                for point in 0..POINTS {
                    let to = to[point][(parity * pair + c) * lanes..][..n * lanes].chunks_exact_mut(lanes);
                    for (i, to) in to.enumerate() {
                        for (lane, to) in to.iter_mut().enumerate() {
                            *to = blocks[point][lane][i];
                        }
                    }
                }
            }
        }
    }
}

/// Fills in the kernel at the nine points as `(9, groups, outputs, lanes)`, what an output is summed over in the lanes.
pub(super) fn pack_by_input(packed: &mut [f32], kernel: &[f32], tiles: Tiles) {
    let (outputs, lanes) = (tiles.outputs, lanes());
    // A few outputs at a time, each with its place in every group of every point.
    let some = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(4);
    let mut by_part: Vec<Vec<&mut [f32]>> = (0..outputs.div_ceil(some)).map(|_| Vec::new()).collect();
    for group in packed.chunks_exact_mut(outputs * lanes) {
        for (part, to) in group.chunks_mut(some * lanes).enumerate() {
            by_part[part].push(to);
        }
    }
    by_part.into_par_iter().zip(kernel.par_chunks(some * 4 * tiles.inner())).for_each(|(to, kernel)| {
        dispatch(ByInput { to, kernel, pair: tiles.pair() });
    });
}

struct ByInput<'a> {
    /// `(outputs, lanes)` for each group of each point.
    to: Vec<&'a mut [f32]>,
    kernel: &'a [f32],
    pair: usize,
}

impl WithSimd for ByInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut to, kernel, pair } = self;
        let (lanes, groups) = (S::F32_LANES, to.len() / POINTS);
        for (output, kernel) in kernel.chunks_exact(8 * pair).enumerate() {
            let row = output * lanes;
            if !(2 * pair).is_multiple_of(lanes) {
                for last in to.iter_mut().skip(groups - 1).step_by(groups) {
                    last[row..row + lanes].fill(0.0);
                }
            }
            for parity in 0..2 {
                let mut c = 0;
                while c < pair {
                    let (group, lane) = ((parity * pair + c) / lanes, (parity * pair + c) % lanes);
                    let n = (lanes - lane).min(pair - c);
                    let points = kernel_points(simd, kernel, pair, (parity, c, n));
                    for point in 0..POINTS {
                        store(simd, &mut to[point * groups + group][row + lane..][..n], points[point]);
                    }
                    c += n;
                }
            }
        }
    }
}
