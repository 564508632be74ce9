//! Products of `(M, K)` rows with an `(O, K)` weight and the two gradients of that: 1x1 convolutions, and those whose
//! only patch is the whole image.
//!
//! One side of these products is narrow (a batch, a head's one output, an eighth of some channels), where a general
//! matrix product spends its time on packing both sides.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::Activation;
use super::cpu;
use super::math::products;
use super::scratch::scratch;
use super::simd::{dispatch, lanes};
use super::tile::{Dense, Packed, Transposed, pack_columns, pack_rows, product, transposed_product};

/// Numbers of the output that a thread works on at a time.
const CHUNK: usize = 1 << 14;
/// So few outputs are computed as dot products.
const FEW: usize = 4;
/// Rows that a gradient in the weight sums at a time where there are many; it does not depend on the number of threads.
const SUMMED: usize = 1 << 12;

/// Rows a task: some tiles of them, as many tasks as keep every thread busy.
fn rows(m: usize, width: usize) -> usize {
    let share = m.div_ceil(rayon::current_num_threads());
    (CHUNK / width.max(1)).clamp(8, share.max(8)).next_multiple_of(8)
}

/// `out (M, O) = x (M, K) * w^T`, activated.
pub(super) fn forward(out: &mut [f32], x: &[f32], w: &[f32], outputs: usize, activation: Option<Activation<'_>>) {
    let activate = |out: &mut [f32]| {
        if let Some(activation) = activation {
            activation.apply(out);
        }
    };
    let inner = w.len() / outputs;
    if outputs <= FEW {
        let step = rows(out.len() / outputs, inner);
        out.par_chunks_mut(step * outputs).zip(x.par_chunks(step * inner)).for_each(|(out, x)| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    for (out, x) in out.chunks_exact_mut(outputs).zip(x.chunks_exact(inner)) {
                        for (out, w) in out.iter_mut().zip(w.chunks_exact(inner)) {
                            *out = products::<64>(x, w);
                        }
                    }
                },
            );
            activate(out);
        });
    } else {
        let pack = |group, to: &mut [f32], lanes| pack_columns(to, w, inner, group, lanes);
        by_tiles(out, x, inner, outputs, pack, activate);
    }
}

/// `out (M, K) = grads (M, O) * w`
pub(super) fn input_gradient(out: &mut [f32], grads: &[f32], w: &[f32], outputs: usize) {
    let inner = w.len() / outputs;
    let pack = |group, to: &mut [f32], lanes| pack_rows(to, w, inner, group, lanes);
    by_tiles(out, grads, outputs, inner, pack, |_| ());
}

/// `out (M, width) = x (M, inner) * weights`, of which `pack(group, to, lanes)` fills in a group as `(inner, lanes)`; `after`
/// changes the rows of the output.
fn by_tiles(
    out: &mut [f32],
    x: &[f32],
    inner: usize,
    width: usize,
    pack: impl Fn(usize, &mut [f32], usize) + Sync,
    after: impl Fn(&mut [f32]) + Sync,
) {
    let step = rows(out.len() / width, width);
    let lanes = lanes();
    scratch(inner * width.next_multiple_of(lanes), |weights| {
        weights.par_chunks_mut(inner * lanes).enumerate().for_each(|(group, to)| pack(group, to, lanes));
        let weights = &*weights;
        out.par_chunks_mut(step * width).zip(x.par_chunks(step * inner)).for_each(|(out, rows)| {
            dispatch(Product { out: &mut *out, of: Packed::dense(rows, inner, weights, width) });
            after(out);
        });
    });
}

struct Product<'a> {
    out: &'a mut [f32],
    of: Packed<'a, Dense>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        product(simd, self.out, &self.of);
    }
}

/// `out (O, K) = grads^T (O, M) * x (M, K)`
pub(super) fn kernel_gradient(out: &mut [f32], x: &[f32], grads: &[f32], outputs: usize) {
    let inner = out.len() / outputs;
    let m = grads.len() / outputs;
    if m <= SUMMED {
        let step = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(8);
        out.par_chunks_mut(step * inner).enumerate().for_each(|(i, out)| {
            let of = Transposed { left: &grads[i * step..], stride: outputs, right: x, n: inner, add: false };
            dispatch(Summed { out, of });
        });
    } else {
        let parts: Vec<Vec<f32>> = (x.par_chunks(SUMMED * inner).zip(grads.par_chunks(SUMMED * outputs)))
            .map(|(right, left)| {
                let write = |[out]: [&mut [f32]; 1]| {
                    let of = Transposed { left, stride: outputs, right, n: inner, add: false };
                    dispatch(Summed { out, of });
                };
                // SAFETY: a product that replaces what was there.
                #[expect(unsafe_code, reason = "every number is written")]
                let [out] = unsafe { cpu::written([outputs * inner], write) };
                out
            })
            .collect();
        for (out, sum) in out.iter_mut().zip(cpu::add_up(&parts, outputs * inner)) {
            *out = sum as f32;
        }
    }
}

struct Summed<'a> {
    out: &'a mut [f32],
    of: Transposed<'a>,
}

impl WithSimd for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        transposed_product(simd, self.out, self.of);
    }
}
