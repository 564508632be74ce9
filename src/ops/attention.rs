//! Dot-product attention over all positions of a feature map, without ever holding a whole queries x keys matrix.
//!
//! Rows are taken a block at a time, and the gradient makes each block again from the saved row maxima and sums, as in
//! FlashAttention (Dao et al. 2022). Memory grows with positions, not with their square. There may be fewer keys than queries.

use candle_core::{Result, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::math::{exp, exp_of};
use super::rows::{load, store};
use super::scratch::scratch;
use super::simd::{dispatch, lanes};
use super::tape::{Backward, Gradients, Value};
use super::tile::{Packed, Transposed, pack_columns, pack_rows, product, transposed_product};

#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    /// Positions that look.
    queries: usize,
    /// Positions that are looked at.
    keys: usize,
    /// Channels of query and key.
    narrow: usize,
    /// Channels of value.
    wide: usize,
}

impl Shape {
    /// Rows a block: a block of scores stays in a core's own cache.
    fn rows(&self) -> usize {
        ((1 << 15) / self.keys).clamp(8, 64)
    }
}

/// Maximum and 1 / sum of exponentials of each row of scores: `(B, queries)` each.
struct Rows {
    max: Vec<f32>,
    inverse: Vec<f32>,
}

/// `softmax(query key^T) value` with `query` of shape `(B, N, d)`, `key` of shape `(B, M, d)` and `value` of shape `(B, M, C)`,
/// without scaling of the scores: `(B, N, C)`.
///
/// # Errors
/// Where the shapes do not fit.
pub fn attention(query: &Value, key: &Value, value: &Value) -> Result<Value> {
    let (batch, queries, narrow) = query.tensor().dims3()?;
    let (value_batch, keys, wide) = value.tensor().dims3()?;
    let empty = queries * keys * narrow * wide == 0;
    if key.dims() != [batch, keys, narrow] || value_batch != batch || empty {
        bail!("attention: query {:?}, key {:?} and value {:?} do not fit", query.dims(), key.dims(), value.dims());
    }
    if !cpu::is_cpu(query.tensor()) {
        return plain(&[query.clone(), key.clone(), value.clone()]);
    }
    let shape = Shape { batch, queries, keys, narrow, wide };
    let (out, rows) = {
        let (q, k, v) = (cpu::slice(query.tensor())?, cpu::slice(key.tensor())?, cpu::slice(value.tensor())?);
        forward(&q, &k, &v, &shape)
    };
    let out = cpu::tensor(out, (batch, queries, wide))?;
    Ok(fused(out, &[query, key, value], plain, move |b| backward(b, &rows, &shape)))
}

fn plain(v: &[Value]) -> Result<Value> {
    v[0].matmul(&v[1].transpose(1, 2)?)?.softmax_last()?.matmul(&v[2])
}

/// One image's keys or values, `(M, width)`, as `(groups, width, lanes)` with positions in the lanes.
fn pack_positions(to: &mut [f32], matrix: &[f32], width: usize) {
    let lanes = lanes();
    for (group, to) in to.chunks_exact_mut(width * lanes).enumerate() {
        pack_columns(to, matrix, width, group, lanes);
    }
}

/// One image's values, `(M, width)`, as `(groups, M, lanes)` with channels in the lanes.
fn pack_channels(to: &mut [f32], matrix: &[f32], width: usize) {
    let lanes = lanes();
    for (group, to) in to.chunks_exact_mut(matrix.len() / width * lanes).enumerate() {
        pack_rows(to, matrix, width, group, lanes);
    }
}

impl Shape {
    /// Numbers of an image's packed keys.
    fn packed_keys(&self) -> usize {
        self.keys.next_multiple_of(lanes()) * self.narrow
    }

    /// Numbers of an image's packed values.
    fn packed_values(&self) -> usize {
        self.wide.next_multiple_of(lanes()) * self.keys
    }
}

fn forward(q: &[f32], k: &[f32], v: &[f32], s: &Shape) -> (Vec<f32>, Rows) {
    let (n, m, step) = (s.queries, s.keys, s.rows());
    let of = |image: usize, numbers: usize| image * numbers..(image + 1) * numbers;
    let write = |[out, max, inverse]: [&mut [f32]; 3]| {
        let images = out.par_chunks_mut(n * s.wide).zip(max.par_chunks_mut(n)).zip(inverse.par_chunks_mut(n));
        images.enumerate().for_each(|(image, ((out, max), inverse))| {
            scratch(s.packed_keys() + s.packed_values(), |packed| {
                let (keys, values) = packed.split_at_mut(s.packed_keys());
                pack_positions(keys, &k[of(image, m * s.narrow)], s.narrow);
                pack_channels(values, &v[of(image, m * s.wide)], s.wide);
                let (keys, values) = (&*keys, &*values);
                let q = q[of(image, n * s.narrow)].par_chunks(step * s.narrow);
                let saved = max.par_chunks_mut(step).zip(inverse.par_chunks_mut(step));
                out.par_chunks_mut(step * s.wide).zip(saved).zip(q).for_each(|((out, (max, inverse)), q)| {
                    scratch(max.len() * m, |scores| {
                        dispatch(Forward { s, q, keys, values, scores, out, max, inverse });
                    });
                });
            });
        });
    };
    // SAFETY: each block of rows is a product that replaces what was there, and scaled only then; its maxima and sums are
    // written row by row.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out, max, inverse] = unsafe { cpu::written([s.batch * n * s.wide, s.batch * n, s.batch * n], write) };
    (out, Rows { max, inverse })
}

/// A block of rows.
struct Forward<'a> {
    s: &'a Shape,
    q: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    scores: &'a mut [f32],
    out: &'a mut [f32],
    max: &'a mut [f32],
    inverse: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { s, q, keys, values, scores, out, max, inverse } = self;
        let (m, wide) = (s.keys, s.wide);
        product(simd, scores, &Packed::dense(q, s.narrow, keys, m));
        for (row, scores) in scores.chunks_exact_mut(m).enumerate() {
            max[row] = largest(simd, scores);
            inverse[row] = 1.0 / exponentials(simd, scores, max[row]);
        }
        product(simd, out, &Packed::dense(scores, m, values, wide));
        for (out, inverse) in out.chunks_exact_mut(wide).zip(inverse) {
            let factor = simd.splat_f32s(*inverse);
            for at in (0..wide).step_by(S::F32_LANES) {
                let len = S::F32_LANES.min(wide - at);
                let scaled = simd.mul_f32s(load(simd, out, at, len), factor);
                store(simd, &mut out[at..at + len], scaled);
            }
        }
    }
}

/// With `P` the attention and `D = rowsum(dO * O)`: `dV = P^T dO`, `dS = P * (dO V^T - D)`, `dQ = dS K`, `dK = dS^T Q`.
fn backward(b: &Backward<'_>, saved: &Rows, s: &Shape) -> Gradients {
    let [q, k, v] = [0, 1, 2].map(|i| b.inputs[i].tensor());
    let (q, k, v) = (cpu::slice(q)?, cpu::slice(k)?, cpu::slice(v)?);
    let (out, grad) = (cpu::slice(b.output.tensor())?, cpu::slice(b.grad.tensor())?);
    let (n, m, step) = (s.queries, s.keys, s.rows());
    let write = |[dq, dk, dv]: [&mut [f32]; 3]| {
        let of_keys = dk.par_chunks_mut(m * s.narrow).zip(dv.par_chunks_mut(m * s.wide));
        let images = dq.par_chunks_mut(n * s.narrow).zip(of_keys);
        images.enumerate().for_each(|(image, (dq, (dk, dv)))| {
            let values = m.next_multiple_of(lanes()) * s.wide;
            scratch(s.packed_keys() + values + 2 * step * m + dk.len(), |space| {
                let (keys, space) = space.split_at_mut(s.packed_keys());
                let (values, space) = space.split_at_mut(values);
                let (blocks, dkt) = space.split_at_mut(2 * step * m);
                let of = |numbers: usize| image * numbers..(image + 1) * numbers;
                pack_positions(keys, &k[of(m * s.narrow)], s.narrow);
                pack_positions(values, &v[of(m * s.wide)], s.wide);
                dispatch(Gradient {
                    s,
                    q: &q[of(n * s.narrow)],
                    keys,
                    values,
                    out: &out[of(n * s.wide)],
                    grad: &grad[of(n * s.wide)],
                    max: &saved.max[of(n)],
                    inverse: &saved.inverse[of(n)],
                    blocks,
                    dq,
                    dkt,
                    dv,
                });
                for (position, dk) in dk.chunks_exact_mut(s.narrow).enumerate() {
                    for (dk, dkt) in dk.iter_mut().zip(dkt.iter().skip(position).step_by(m)) {
                        *dk = *dkt;
                    }
                }
            });
        });
    };
    // SAFETY: of each image, every number of `dq` is a sum, `dv` a product whose first part replaces what was there, and `dk`
    // copied from such a product.
    #[expect(unsafe_code, reason = "every number is written")]
    let [dq, dk, dv] =
        unsafe { cpu::written([s.batch * n * s.narrow, s.batch * m * s.narrow, s.batch * m * s.wide], write) };
    let value = |data: Vec<f32>, i: usize| Ok(Value::constant(cpu::tensor(data, b.inputs[i].dims())?));
    Ok(vec![b.of(0, || value(dq, 0))?, b.of(1, || value(dk, 1))?, b.of(2, || value(dv, 2))?])
}

/// The gradients of an image.
struct Gradient<'a> {
    s: &'a Shape,
    q: &'a [f32],
    /// `(groups, d, lanes)`
    keys: &'a [f32],
    /// `(groups, C, lanes)`, positions in the lanes here too.
    values: &'a [f32],
    out: &'a [f32],
    grad: &'a [f32],
    max: &'a [f32],
    inverse: &'a [f32],
    /// Room for a block of `P` and of `dS`.
    blocks: &'a mut [f32],
    dq: &'a mut [f32],
    /// `(d, M)`
    dkt: &'a mut [f32],
    dv: &'a mut [f32],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { s, q, keys, values, out, grad, max, inverse, blocks, dq, dkt, dv } = self;
        let Shape { queries, keys: m, narrow, wide, .. } = *s;
        let (p, ds) = blocks.split_at_mut(blocks.len() / 2);
        let step = s.rows();
        for first in (0..queries).step_by(step) {
            let rows = step.min(queries - first);
            let (p, ds) = (&mut p[..rows * m], &mut ds[..rows * m]);
            let q = &q[first * narrow..][..rows * narrow];
            let (out, grad) = (&out[first * wide..][..rows * wide], &grad[first * wide..][..rows * wide]);
            product(simd, p, &Packed::dense(q, narrow, keys, m));
            product(simd, ds, &Packed::dense(grad, wide, values, m));
            for row in 0..rows {
                let delta = dot(simd, &out[row * wide..][..wide], &grad[row * wide..][..wide]);
                let of_row = row * m..(row + 1) * m;
                let (p, ds) = (&mut p[of_row.clone()], &mut ds[of_row]);
                let (delta, max) = (simd.splat_f32s(delta), simd.splat_f32s(max[first + row]));
                let inverse = simd.splat_f32s(inverse[first + row]);
                for at in (0..m).step_by(S::F32_LANES) {
                    let len = S::F32_LANES.min(m - at);
                    let e = exp_of(simd, simd.sub_f32s(load(simd, p, at, len), max));
                    let e = simd.mul_f32s(e, inverse);
                    let d = simd.mul_f32s(e, simd.sub_f32s(load(simd, ds, at, len), delta));
                    store(simd, &mut p[at..at + len], e);
                    store(simd, &mut ds[at..at + len], d);
                }
            }
            let add = first > 0;
            transposed_product(simd, dv, Transposed { left: p, stride: m, right: grad, n: wide, add });
            transposed_product(simd, dkt, Transposed { left: q, stride: narrow, right: ds, n: m, add });
            for (row, ds) in ds.chunks_exact(m).enumerate() {
                for c in 0..narrow {
                    dq[(first + row) * narrow + c] = keys_dot(simd, ds, keys, narrow, c);
                }
            }
        }
    }
}

/// The sum of a row's products with one channel of packed keys.
#[inline(always)]
fn keys_dot<S: Simd>(simd: S, row: &[f32], keys: &[f32], narrow: usize, channel: usize) -> f32 {
    let (keys, _) = S::as_simd_f32s(keys);
    let mut sums = [simd.splat_f32s(0.0); 4];
    let n = row.len();
    for (group, at) in (0..n).step_by(S::F32_LANES).enumerate() {
        let x = load(simd, row, at, S::F32_LANES.min(n - at));
        sums[group % 4] = simd.mul_add_e_f32s(x, keys[group * narrow + channel], sums[group % 4]);
    }
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3])))
}

#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sum = simd.splat_f32s(0.0);
    for at in (0..a.len()).step_by(S::F32_LANES) {
        let len = S::F32_LANES.min(a.len() - at);
        sum = simd.mul_add_e_f32s(load(simd, a, at, len), load(simd, b, at, len), sum);
    }
    simd.reduce_sum_f32s(sum)
}

#[inline(always)]
fn largest<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(row);
    let mut max = simd.splat_f32s(f32::NEG_INFINITY);
    for x in vectors {
        max = simd.max_f32s(max, *x);
    }
    let mut all = simd.reduce_max_f32s(max);
    for x in rest {
        all = all.max(*x);
    }
    all
}

/// Replaces every number by `exp(number - max)` and returns their sum.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, row: &mut [f32], max: f32) -> f32 {
    let (vectors, rest) = S::as_mut_simd_f32s(row);
    let (mut sum, max_of_all) = (simd.splat_f32s(0.0), simd.splat_f32s(max));
    for x in vectors {
        *x = exp_of(simd, simd.sub_f32s(*x, max_of_all));
        sum = simd.add_f32s(sum, *x);
    }
    let mut total = simd.reduce_sum_f32s(sum);
    for x in rest {
        *x = exp(*x - max);
        total += *x;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, second_order, values};

    #[test]
    fn blocks_agree_with_the_whole_matrix() {
        for (batch, queries, keys, narrow, wide) in [
            (2, 5, 5, 1, 3),
            (3, 16, 16, 4, 32),
            (1, 300, 300, 2, 7),
            (2, 64, 64, 8, 64),
            (2, 64, 16, 3, 9),
            (1, 1024, 256, 2, 5),
            (2, 3, 70, 1, 2),
        ] {
            let shapes: [&[usize]; 3] = [&[batch, queries, narrow], &[batch, keys, narrow], &[batch, keys, wide]];
            let inputs = values(shapes);
            let got = attention(&inputs[0], &inputs[1], &inputs[2]).unwrap();
            let want = plain(&inputs).unwrap();
            let numbers = |v: &Value| cpu::slice(v.tensor()).unwrap().iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
            close(got.tensor(), &numbers(&want), 1e-5);
            let grads =
                |v: Value| super::super::gradients(v.mul(&v).unwrap(), &inputs, super::super::Graph::Drop).unwrap();
            for (a, b) in grads(got).iter().zip(grads(want)) {
                close(a.as_ref().unwrap().tensor(), &numbers(&b.unwrap()), 2e-5);
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let shapes: [[&[usize]; 3]; 4] = [
            [&[2, 5, 2], &[2, 4, 3], &[2, 4, 3]],
            [&[2, 5, 2], &[2, 4, 2], &[2, 3, 3]],
            [&[2, 5, 2], &[1, 4, 2], &[1, 4, 3]],
            [&[2, 0, 2], &[2, 4, 2], &[2, 4, 3]],
        ];
        for shapes in shapes {
            let [q, k, v] = values(shapes);
            let err = attention(&q, &k, &v).err().unwrap().to_string();
            assert!(err.contains("do not fit"), "{err}");
        }
    }

    #[test]
    fn gradients_match_differences_to_second_order() {
        for keys in [5, 2] {
            let inputs = values([&[2, 5, 2], &[2, keys, 2], &[2, keys, 3]]);
            let f = |v: &[Value]| attention(&v[0], &v[1], &v[2]);
            finite_differences(&inputs, f);
            second_order(&inputs, f);
        }
    }
}
