//! Dot-product attention over all positions of a feature map, without ever holding a whole positions x positions matrix.
//!
//! Rows are taken a block at a time, and the gradient makes each block again from the saved row maxima and sums, as in
//! FlashAttention (Dao et al. 2022). Memory grows with positions, not with their square.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::math::{exp, products};
use super::matmul::{Into, Matrix, Threads, matmul};
use super::tape::{Backward, Gradients, Value};

#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    positions: usize,
    /// Channels of query and key.
    narrow: usize,
    /// Channels of value.
    wide: usize,
}

impl Shape {
    /// Rows a block: a block of scores stays in a core's own cache.
    fn rows(&self) -> usize {
        ((1 << 16) / self.positions).clamp(8, 256).min(self.positions)
    }
}

/// Maximum and 1 / sum of exponentials of each row of scores: `(B, N)` each.
struct Rows {
    max: Vec<f32>,
    inverse: Vec<f32>,
}

/// `softmax(query key^T) value` with `query` and `key` of shape `(B, N, d)` and `value` of shape `(B, N, C)`, without
/// scaling of the scores: `(B, N, C)`.
///
/// # Errors
/// Where the shapes do not fit.
pub fn attention(query: &Value, key: &Value, value: &Value) -> Result<Value> {
    let (batch, positions, narrow) = query.tensor().dims3()?;
    let (value_batch, value_positions, wide) = value.tensor().dims3()?;
    if key.dims() != query.dims() || (value_batch, value_positions) != (batch, positions) {
        bail!("attention: query {:?}, key {:?} and value {:?} do not fit", query.dims(), key.dims(), value.dims());
    }
    if !cpu::is_cpu(query.tensor()) {
        return plain(&[query.clone(), key.clone(), value.clone()]);
    }
    let shape = Shape { batch, positions, narrow, wide };
    let (out, rows) = {
        let (q, k, v) = (cpu::slice(query.tensor())?, cpu::slice(key.tensor())?, cpu::slice(value.tensor())?);
        forward(&q, &k, &v, &shape)
    };
    let out = cpu::tensor(out, (batch, positions, wide))?;
    Ok(fused(out, &[query, key, value], plain, move |b| backward(b, &rows, &shape)))
}

fn plain(v: &[Value]) -> Result<Value> {
    v[0].matmul(&v[1].transpose(1, 2)?)?.softmax_last()?.matmul(&v[2])
}

fn forward(q: &[f32], k: &[f32], v: &[f32], s: &Shape) -> (Vec<f32>, Rows) {
    let (n, step) = (s.positions, s.rows());
    let mut out = cpu::fresh(s.batch * n * s.wide);
    let (mut max, mut inverse) = (cpu::fresh(s.batch * n), cpu::fresh(s.batch * n));
    let images = out.par_chunks_mut(n * s.wide).zip(max.par_chunks_mut(n)).zip(inverse.par_chunks_mut(n));
    images.enumerate().for_each(|(image, ((out, max), inverse))| {
        let q = &q[image * n * s.narrow..][..n * s.narrow];
        let k = Matrix::new(&k[image * n * s.narrow..], n, s.narrow);
        let v = Matrix::new(&v[image * n * s.wide..], n, s.wide);
        let blocks = out.par_chunks_mut(step * s.wide).zip(max.par_chunks_mut(step)).zip(inverse.par_chunks_mut(step));
        blocks.enumerate().for_each(|(block, ((out, max), inverse))| {
            let rows = max.len();
            let q = Matrix::new(&q[block * step * s.narrow..], rows, s.narrow);
            let mut scores = cpu::fresh(rows * n);
            matmul(&mut scores, q, k.t(), Into::Replace, Threads::One);
            for ((scores, max), inverse) in scores.chunks_exact_mut(n).zip(max).zip(inverse) {
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        *max = largest(scores);
                        *inverse = 1.0 / exponentials(scores, *max);
                        scores.iter_mut().for_each(|p| *p *= *inverse);
                    },
                );
            }
            matmul(out, Matrix::new(&scores, rows, n), v, Into::Replace, Threads::One);
        });
    });
    (out, Rows { max, inverse })
}

/// With `P` the attention and `D = rowsum(dO * O)`: `dV = P^T dO`, `dS = P * (dO V^T - D)`, `dQ = dS K`, `dK = dS^T Q`.
fn backward(b: &Backward<'_>, saved: &Rows, s: &Shape) -> Gradients {
    let [q, k, v] = [0, 1, 2].map(|i| b.inputs[i].tensor());
    let (q, k, v) = (cpu::slice(q)?, cpu::slice(k)?, cpu::slice(v)?);
    let (out, grad) = (cpu::slice(b.output.tensor())?, cpu::slice(b.grad.tensor())?);
    let (n, step) = (s.positions, s.rows());
    let (narrow, wide) = (n * s.narrow, n * s.wide);
    let mut dq = cpu::fresh(s.batch * narrow);
    let mut dk = cpu::fresh(s.batch * narrow);
    let mut dv = cpu::fresh(s.batch * wide);
    let images = dq.par_chunks_mut(narrow).zip(dk.par_chunks_mut(narrow)).zip(dv.par_chunks_mut(wide));
    images.enumerate().for_each(|(image, ((dq, dk), dv))| {
        let q = &q[image * narrow..][..narrow];
        let (out, grad) = (&out[image * wide..][..wide], &grad[image * wide..][..wide]);
        let k = Matrix::new(&k[image * narrow..], n, s.narrow);
        let v = Matrix::new(&v[image * wide..], n, s.wide);
        let (mut p, mut ds) = (cpu::fresh(step * n), cpu::fresh(step * n));
        for first in (0..n).step_by(step) {
            let rows = step.min(n - first);
            let (p, ds) = (&mut p[..rows * n], &mut ds[..rows * n]);
            let q = Matrix::new(&q[first * s.narrow..], rows, s.narrow);
            let grad_rows = &grad[first * s.wide..][..rows * s.wide];
            let grad = Matrix::new(grad_rows, rows, s.wide);
            matmul(p, q, k.t(), Into::Replace, Threads::One);
            matmul(ds, grad, v.t(), Into::Replace, Threads::One);
            let out_rows = out[first * s.wide..].chunks_exact(s.wide);
            let rows_of =
                p.chunks_exact_mut(n).zip(ds.chunks_exact_mut(n)).zip(grad_rows.chunks_exact(s.wide)).zip(out_rows);
            for (row, (((p, ds), grad), out)) in rows_of.enumerate() {
                let at = image * n + first + row;
                let (max, inverse) = (saved.max[at], saved.inverse[at]);
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        exponentials(p, max);
                        let delta: f32 = products::<LANES>(grad, out);
                        for (p, ds) in p.iter_mut().zip(ds.iter_mut()) {
                            *p *= inverse;
                            *ds = *p * (*ds - delta);
                        }
                    },
                );
            }
            let into = if first == 0 { Into::Replace } else { Into::Add };
            let (p, ds) = (Matrix::new(p, rows, n), Matrix::new(ds, rows, n));
            matmul(dv, p.t(), grad, into, Threads::One);
            matmul(dk, ds.t(), q, into, Threads::One);
            matmul(&mut dq[first * s.narrow..], ds, k, Into::Replace, Threads::One);
        }
    });
    let value = |data: Vec<f32>, i: usize| Ok(Value::constant(cpu::tensor(data, b.inputs[i].dims())?));
    Ok(vec![b.of(0, || value(dq, 0))?, b.of(1, || value(dk, 1))?, b.of(2, || value(dv, 2))?])
}

/// Running results side by side, so that the compiler may use whole vectors.
const LANES: usize = 16;

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |max, x| max.max(*x))
}

/// Replaces every number by `exp(number - max)` and returns their sum.
#[inline(always)]
fn exponentials(row: &mut [f32], max: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - max);
            *lane += *x;
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for x in chunks.into_remainder() {
        *x = exp(*x - max);
        sum += *x;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{close, finite_differences, second_order, values};

    #[test]
    fn blocks_agree_with_the_whole_matrix() {
        for (batch, positions, narrow, wide) in [(2, 5, 1, 3), (3, 16, 4, 32), (1, 300, 2, 7), (2, 64, 8, 64)] {
            let shapes: [&[usize]; 3] =
                [&[batch, positions, narrow], &[batch, positions, narrow], &[batch, positions, wide]];
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
    fn gradients_match_differences_to_second_order() {
        let inputs = values([&[2, 5, 2], &[2, 5, 2], &[2, 5, 3]]);
        let f = |v: &[Value]| attention(&v[0], &v[1], &v[2]);
        finite_differences(&inputs, f);
        second_order(&inputs, f);
    }
}
