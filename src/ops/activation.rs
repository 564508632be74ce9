//! What follows a convolution or an attention layer in one pass over memory: bias and LeakyReLU, a gated sum.

use candle_core::{Result, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::rows::{self, Formula, gate};
use super::simd::dispatch;
use super::tape::{Backward, Value, recording};

impl Value {
    /// Adds a bias `(C)` to the last dimension and takes `max(x, slope * x)` of it; slope 1 is the bias alone.
    ///
    /// # Errors
    /// Where the bias does not fit.
    pub fn bias_leaky_relu(&self, bias: &Self, slope: f32) -> Result<Self> {
        let width = self.dims().last().copied().unwrap_or(0);
        if bias.dims() != [width] || width == 0 {
            bail!("a bias of shape {:?} does not fit {:?}", bias.dims(), self.dims());
        }
        let plain = move |v: &[Self]| -> Result<Self> {
            let sum = v[0].add(&v[1].broadcast_as(v[0].dims())?)?;
            if slope == 1.0 { Ok(sum) } else { sum.leaky_relu(slope) }
        };
        if !cpu::is_cpu(self.tensor()) {
            return plain(&[self.clone(), bias.clone()]);
        }
        let step = cpu::block_rows(width) * width;
        let (x, numbers) = (cpu::slice(self.tensor())?, cpu::slice(bias.tensor())?);
        let write = |[out]: [&mut [f32]; 1]| {
            out.par_chunks_mut(step).zip(x.par_chunks(step)).for_each(|(out, x)| {
                rows::map(&Biased { slope }, width, [x], [&numbers], [out]);
            });
        };
        // SAFETY: each block of the output has one of the input of as many rows, and `rows::map` writes all of it.
        #[expect(unsafe_code, reason = "every number is written")]
        let [out] = unsafe { cpu::written([x.len()], write) };
        let out = cpu::tensor(out, self.dims())?;
        Ok(Self::computed(out, &[self, bias], move |b| {
            let (x, bias) = before_activation(b, b.wants(0), 1, slope)?;
            Ok(vec![x.filter(|_| b.wants(0)), bias])
        }))
    }

    /// Sum over all dimensions but the last: `(.., C)` to `(C)`.
    fn sum_to_last(&self) -> Result<Self> {
        let width = self.dims().last().copied().unwrap_or(0);
        let x = cpu::slice(self.tensor())?;
        let sums = cpu::block_sums(x.len() / width.max(1), width, width, |block, sums| {
            rows::sum(&rows::Itself, width, [&x[block.start * width..block.end * width]], [], sums);
        });
        let sums = cpu::tensor(sums.into_iter().map(|sum| sum as f32).collect(), width)?;
        Ok(Self::computed(sums, &[self], |b| Ok(vec![b.of(0, || b.grad.broadcast_as(b.inputs[0].dims()))?])))
    }

    /// `self + gate * other`, the gate being one number of shape (1).
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn add_gated(&self, other: &Self, gate: &Self) -> Result<Self> {
        let plain = |v: &[Self]| {
            let ones = vec![1; v[0].dims().len()];
            v[0].add(&v[1].mul(&v[2].reshape(&ones)?)?)
        };
        if !cpu::is_cpu(self.tensor()) || self.dims() != other.dims() {
            return plain(&[self.clone(), other.clone(), gate.clone()]);
        }
        let factor = gate.scalar()?;
        let out = cpu::map2(&cpu::slice(self.tensor())?, &cpu::slice(other.tensor())?, |x, y| x + factor * y);
        let out = cpu::tensor(out, self.dims())?;
        Ok(fused(out, &[self, other, gate], plain, move |b| {
            let other_grad = b.of(1, || {
                let scaled = cpu::map(&cpu::slice(b.grad.tensor())?, |g| factor * g);
                Ok(Self::constant(cpu::tensor(scaled, b.grad.dims())?))
            })?;
            let gate_grad = b.of(2, || {
                let sum = dot(&cpu::slice(b.grad.tensor())?, &cpu::slice(b.inputs[1].tensor())?);
                Ok(Self::constant(cpu::tensor(vec![sum as f32], 1)?))
            })?;
            Ok(vec![b.of(0, || Ok(b.grad.clone()))?, other_grad, gate_grad])
        }))
    }
}

/// What follows a layer before its outputs are stored: a bias is added and what is below 0 multiplied by the slope.
#[derive(Clone, Copy)]
pub(super) struct Activation<'a> {
    pub bias: &'a [f32],
    pub slope: f32,
}

impl Activation<'_> {
    /// Changes rows of as many numbers as there are biases, while they are in the cache.
    pub fn apply(self, out: &mut [f32]) {
        dispatch(InPlace { activation: self, out });
    }

    /// Of a vector of a row's numbers, from `column` on.
    #[inline(always)]
    pub fn of<S: Simd>(self, simd: S, x: S::f32s, column: usize, len: usize) -> S::f32s {
        let bias = rows::load(simd, self.bias, column, len);
        let sum = simd.add_f32s(x, bias);
        gate(simd, sum, sum, self.slope)
    }
}

struct InPlace<'a> {
    activation: Activation<'a>,
    out: &'a mut [f32],
}

impl WithSimd for InPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.activation.bias.len();
        for row in self.out.chunks_exact_mut(width) {
            let mut column = 0;
            while column < width {
                let len = S::F32_LANES.min(width - column);
                let x = rows::load(simd, row, column, len);
                rows::store(simd, &mut row[column..column + len], self.activation.of(simd, x, column, len));
                column += len;
            }
        }
    }
}

/// The gradients of a layer that ended with an [`Activation`]: in what the bias was added to, where `inner` wants it or the
/// bias does, and in the bias, which is input `bias`.
///
/// # Errors
/// Those of the operations.
pub(super) fn before_activation(
    b: &Backward<'_>,
    inner: bool,
    bias: usize,
    slope: f32,
) -> Result<(Option<Value>, Option<Value>)> {
    // The output has the sign of what went into the LeakyReLU.
    if slope != 1.0 && inner && b.wants(bias) && !recording() {
        return gated_and_summed(b.grad, b.output, slope);
    }
    let grad = if slope == 1.0 { b.grad.clone() } else { b.grad.gate(b.output, slope)? };
    let bias = b.of(bias, || grad.sum_to_last())?;
    Ok((Some(grad), bias))
}

/// [`Value::gate`] and [`Value::sum_to_last`] of it, which reads each block while it is in the cache. Both are of one shape.
fn gated_and_summed(x: &Value, by: &Value, slope: f32) -> Result<(Option<Value>, Option<Value>)> {
    if x.dims() != by.dims() {
        bail!("a gradient of shape {:?} for an output of {:?}", x.dims(), by.dims());
    }
    let width = x.dims().last().copied().unwrap_or(0);
    let (numbers, by) = (cpu::slice(x.tensor())?, cpu::slice(by.tensor())?);
    let step = cpu::block_rows(width) * width;
    let mut sums = Vec::new();
    let write = |[out]: [&mut [f32]; 1]| {
        let blocks = numbers.par_chunks(step).zip(by.par_chunks(step));
        let block = |(out, (x, by)): (&mut [f32], (&[f32], &[f32]))| {
            let mut sums = vec![0.0; width];
            rows::map(&rows::Gated { slope }, width, [x, by], [], [&mut *out]);
            rows::sum(&rows::Itself, width, [&*out], [], &mut sums);
            sums
        };
        sums = out.par_chunks_mut(step).zip(blocks).map(block).collect();
    };
    // SAFETY: the shapes are one, so each block of the output has one of both inputs, and `rows::map` writes all of it
    // before it is summed.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([numbers.len()], write) };
    let sums = cpu::add_up(&sums, width).into_iter().map(|sum| sum as f32).collect();
    Ok((Some(Value::constant(cpu::tensor(out, x.dims())?)), Some(Value::constant(cpu::tensor(sums, width)?))))
}

/// `x + bias`, activated.
struct Biased {
    slope: f32,
}

impl Formula<1, 1, 1> for Biased {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x]: [S::f32s; 1], [bias]: [S::f32s; 1]) -> [S::f32s; 1] {
        let sum = simd.add_f32s(x, bias);
        [gate(simd, sum, sum, self.slope)]
    }
}

/// The sum of the products, block by block.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let rows = a.len() / LANES;
    let sums = cpu::block_sums(
        rows,
        LANES,
        LANES,
        #[inline(always)]
        |range, sums| {
            let range = range.start * LANES..range.end * LANES;
            for (a, b) in a[range.clone()].chunks_exact(LANES).zip(b[range].chunks_exact(LANES)) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += a * b;
                }
            }
        },
    );
    let rest = rows * LANES..a.len();
    let rest: f64 = a[rest.clone()].iter().zip(&b[rest]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, second_order, values};

    #[test]
    fn bias_and_activation_match_their_definition_and_differences() {
        for (shape, slope) in [([2, 3, 3, 5], 0.2), ([1, 1, 1, 1], 0.2), ([3, 2, 4, 17], 1.0), ([2, 2, 3, 16], 0.0)] {
            let inputs = values([&shape[..], &[shape[3]]]);
            let f = |v: &[Value]| v[0].bias_leaky_relu(&v[1], slope);
            let (x, b) = (cpu::slice(inputs[0].tensor()).unwrap(), cpu::slice(inputs[1].tensor()).unwrap());
            let want: Vec<f64> = x.iter().enumerate().map(|(i, x)| f64::from(x + b[i % shape[3]])).collect();
            let want: Vec<f64> = want.into_iter().map(|x| if x > 0.0 { x } else { f64::from(slope) * x }).collect();
            close(f(&inputs).unwrap().tensor(), &want, 1e-6);
            // Away from the kink, where a difference would straddle it.
            let away = [inputs[0].scale(4.0).unwrap(), inputs[1].clone()].map(|v| Value::leaf(v.tensor().clone()));
            finite_differences(&away, f);
            second_order(&[inputs[0].clone(), inputs[1].clone()], |v: &[Value]| f(&[v[0].mul(&v[0])?, v[1].clone()]));
        }
    }

    #[test]
    fn gated_sum_matches_differences_to_second_order() {
        let inputs = values([&[2, 3, 4], &[2, 3, 4], &[1]]);
        finite_differences(&inputs, |v| v[0].add_gated(&v[1], &v[2]));
        second_order(&inputs, |v| v[0].add_gated(&v[1], &v[2]));
    }

    #[test]
    fn dot_sums_every_number() {
        for len in [0, 1, 15, 16, 17, 100_003] {
            let ones = vec![0.5; len];
            assert_eq!(dot(&ones, &ones), 0.25 * len as f64);
        }
    }
}
