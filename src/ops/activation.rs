//! What follows a convolution or an attention layer in one pass over memory: bias and LeakyReLU, a gated sum.

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::tape::Value;

impl Value {
    /// Adds a bias `(C)` to the last dimension and takes `max(x, slope * x)` of it; slope 1 is the bias alone.
    ///
    /// # Errors
    /// Where the bias does not fit.
    pub fn bias_leaky_relu(&self, bias: &Self, slope: f32) -> Result<Self> {
        let width = self.dims().last().copied().unwrap_or(0);
        if bias.dims() != [width] {
            bail!("a bias of shape {:?} does not fit {:?}", bias.dims(), self.dims());
        }
        let plain = move |v: &[Self]| -> Result<Self> {
            let sum = v[0].add(&v[1].broadcast_as(v[0].dims())?)?;
            if slope == 1.0 { Ok(sum) } else { sum.leaky_relu(slope) }
        };
        if !cpu::is_cpu(self.tensor()) {
            return plain(&[self.clone(), bias.clone()]);
        }
        let mut out = cpu::fresh(self.tensor().elem_count());
        let step = cpu::block_rows(width) * width;
        let (x, b) = (cpu::slice(self.tensor())?, cpu::slice(bias.tensor())?);
        out.par_chunks_mut(step).zip(x.par_chunks(step)).for_each(|(out, x)| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                        for ((out, x), b) in out.iter_mut().zip(x).zip(&b[..]) {
                            let sum = x + b;
                            *out = if sum > 0.0 { sum } else { slope * sum };
                        }
                    }
                },
            );
        });
        let out = cpu::tensor(out, self.dims())?;
        Ok(fused(out, &[self, bias], plain, move |b| {
            // The output has the sign of what went into the LeakyReLU.
            let (y, g) = (cpu::slice(b.output.tensor())?, cpu::slice(b.grad.tensor())?);
            let mut grad = cpu::fresh(g.len());
            let step = cpu::block_rows(width) * width;
            let sums: Vec<Vec<f32>> = (grad.par_chunks_mut(step).zip(y.par_chunks(step)).zip(g.par_chunks(step)))
                .map(|((grad, y), g)| {
                    let mut sums = vec![0.0; width];
                    cpu::vectorised(
                        #[inline(always)]
                        || {
                            let rows = y.chunks_exact(width).zip(g.chunks_exact(width));
                            for (grad, (y, g)) in grad.chunks_exact_mut(width).zip(rows) {
                                for i in 0..width {
                                    grad[i] = if y[i] > 0.0 { g[i] } else { slope * g[i] };
                                    sums[i] += grad[i];
                                }
                            }
                        },
                    );
                    sums
                })
                .collect();
            let bias = b.of(1, || {
                Ok(Self::constant(cpu::tensor(
                    cpu::add_up(&sums, width).into_iter().map(|sum| sum as f32).collect(),
                    width,
                )?))
            })?;
            Ok(vec![b.of(0, || Ok(Self::constant(cpu::tensor(grad, b.grad.dims())?)))?, bias])
        }))
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
    use crate::ops::check::{close, finite_differences, second_order, values};

    #[test]
    fn bias_and_activation_match_their_definition_and_differences() {
        for (shape, slope) in [([2, 3, 3, 5], 0.2), ([1, 1, 1, 1], 0.2), ([3, 2, 4, 17], 1.0)] {
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
