//! The 4x4 convolution of stride 2 with nine products where its definition takes sixteen.
//!
//! Pairs of pixels side by side and rows of one parity make the convolution one of stride 1 with a 2x2 kernel over four
//! times the channels. Two neighbouring outputs of such a one in one dimension, `y0 = x0 w0 + x1 w1` and
//! `y1 = x1 w0 + x2 w1`, need three products instead of four (Winograd 1980; Lavin & Gray 2016):
//!
//! `m0 = (x0 - x1) w0`, `m1 = x1 (w0 + w1)`, `m2 = (x1 - x2) w1`, `y0 = m0 + m1`, `y1 = m1 - m2`.
//!
//! Nested in two dimensions that is nine products of matrices (tiles by channels, channels by outputs) for tiles of 2x2
//! outputs. The gradients are the same algorithm transposed: each of the three steps (images, kernel, outputs) is linear.
//! Every step adds and subtracts only, so the result is as exact as the plain sum to a few units in the last place.

mod kernel;
mod tiles;
mod transform;
mod weights;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

pub(super) use kernel::kernel_gradient;
use tiles::{POINTS, Tiles};
use transform::{Columns, Gradients, Images, Outputs, Overlap};
use weights::{pack_by_input, pack_by_output};

use super::activation::Activation;
use super::patches::Patches;
use super::scratch::scratch;
use super::simd::{dispatch, lanes};
use super::tile::{Packed, product};

/// Whether this convolution is one that the nine products compute.
pub(super) fn takes(p: &Patches) -> bool {
    let whole = |size: usize, padding: usize, out: usize| out.is_multiple_of(2) && size + 2 * padding == 2 * out + 2;
    (p.kh, p.kw, p.stride) == (4, 4, 2) && whole(p.height, p.above, p.out_height) && whole(p.width, p.left, p.out_width)
}

/// Products of the points: `m` `(9, rows, width)` from `v` `(9, rows, inner)` and weights `(9, groups, inner, lanes)`.
struct Points<'a> {
    m: &'a mut [f32],
    v: &'a [f32],
    inner: usize,
    weights: &'a [f32],
}

impl WithSimd for Points<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { m, v, inner, weights } = self;
        let (m_plane, v_plane, w_plane) = (m.len() / POINTS, v.len() / POINTS, weights.len() / POINTS);
        let points = m.chunks_exact_mut(m_plane).zip(v.chunks_exact(v_plane)).zip(weights.chunks_exact(w_plane));
        for ((m, v), weights) in points {
            let width = m.len() / (v.len() / inner);
            product(simd, m, &Packed::dense(v, inner, weights, width));
        }
    }
}

/// Convolution of `images` (plain, channels-last) with an `(O, 4, 4, I)` kernel into `out`, which is replaced.
pub(super) fn conv(
    out: &mut [f32],
    images: &[f32],
    kernel: &[f32],
    outputs: usize,
    p: &Patches,
    activation: Option<Activation<'_>>,
) {
    let tiles = Tiles::new(p, outputs);
    let (inner, width) = (tiles.inner(), outputs.next_multiple_of(lanes()));
    let plain = tiles.padding.plain();
    let chunk = tiles.chunk(images.len() / plain);
    scratch(POINTS * width * inner, |weights| {
        pack_by_output(weights, kernel, tiles);
        let weights = &*weights;
        out.par_chunks_mut(chunk * tiles.out()).zip(images.par_chunks(chunk * plain)).for_each(|(out, images)| {
            let rows = images.len() / plain * tiles.image();
            scratch(POINTS * rows * inner, |v| {
                for (i, image) in images.chunks_exact(plain).enumerate() {
                    tiles.padding.with(image, |padded| {
                        for parity in 0..2 {
                            let columns = Columns { parity, from: 0, len: tiles.pair() };
                            let (column, first_row) = (parity * tiles.pair(), i * tiles.image());
                            dispatch(Images { tiles, padded, columns, v, first_row, width: inner, column });
                        }
                    });
                }
                scratch(POINTS * rows * width, |m| {
                    dispatch(Points { m, v, inner, weights });
                    for (i, out) in out.chunks_exact_mut(tiles.out()).enumerate() {
                        let first_row = i * tiles.image();
                        dispatch(Outputs { tiles, m, first_row, width, out, activation });
                    }
                });
            });
        });
    });
}

/// The gradient of a convolution in its input: `grads` are `(B, Ho, Wo, O)`; `out` `(B, H, W, I)` is replaced.
pub(super) fn input_gradient(out: &mut [f32], grads: &[f32], kernel: &[f32], outputs: usize, p: &Patches) {
    let tiles = Tiles::new(p, outputs);
    let width = tiles.inner().next_multiple_of(lanes());
    let plain = tiles.padding.plain();
    let chunk = tiles.chunk(out.len() / plain);
    scratch(POINTS * width * outputs, |weights| {
        pack_by_input(weights, kernel, tiles);
        let weights = &*weights;
        out.par_chunks_mut(chunk * plain).zip(grads.par_chunks(chunk * tiles.out())).for_each(|(out, grads)| {
            let rows = out.len() / plain * tiles.image();
            scratch(POINTS * rows * outputs, |v| {
                for (i, grads) in grads.chunks_exact(tiles.out()).enumerate() {
                    let first_row = i * tiles.image();
                    dispatch(Gradients { tiles, grads, from: 0, len: outputs, v, first_row });
                }
                scratch(POINTS * rows * width, |m| {
                    dispatch(Points { m, v, inner: outputs, weights });
                    scratch(tiles.padding.image(), |padded| {
                        for (i, out) in out.chunks_exact_mut(plain).enumerate() {
                            let first_row = i * tiles.image();
                            dispatch(Overlap { tiles, m, first_row, width, padded });
                            tiles.padding.crop(out, padded);
                        }
                    });
                });
            });
        });
    });
}
