//! Gated linear units: half of the channels decide how much of the other half goes on (Dauphin et al. 2017).

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::math;
use super::tape::Value;

impl Value {
    /// `a * sigmoid(b)`, `a` the first half of the channels and `b` the second: `(B, H, W, 2 C)` to `(B, H, W, C)`.
    ///
    /// # Errors
    /// Where the number of channels is odd.
    pub fn glu(&self) -> Result<Self> {
        let (batch, height, width, channels) = self.tensor().dims4()?;
        if !channels.is_multiple_of(2) {
            bail!("a gated linear unit halves its channels, and {:?} has an odd number of them", self.dims());
        }
        let half = channels / 2;
        if !cpu::is_cpu(self.tensor()) || half == 0 {
            return plain(self, half);
        }
        let x = cpu::slice(self.tensor())?;
        let write = |[out]: [&mut [f32]; 1]| {
            let rows = cpu::block_rows(channels);
            out.par_chunks_mut(rows * half).zip(x.par_chunks(rows * channels)).for_each(|(out, x)| {
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        for (out, x) in out.chunks_exact_mut(half).zip(x.chunks_exact(channels)) {
                            let (a, b) = x.split_at(half);
                            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                                *out = a * math::sigmoid(*b);
                            }
                        }
                    },
                );
            });
        };
        // SAFETY: each pixel of the output has one of the input, with twice its channels.
        #[expect(unsafe_code, reason = "every number is written")]
        let [out] = unsafe { cpu::written([batch * height * width * half], write) };
        let out = cpu::tensor(out, (batch, height, width, half))?;
        Ok(fused(
            out,
            &[self],
            move |v| plain(&v[0], half),
            move |b| {
                let of_x = b.of(0, || {
                    let (x, grad) = (cpu::slice(b.inputs[0].tensor())?, cpu::slice(b.grad.tensor())?);
                    Ok(Self::constant(cpu::tensor(gradient(&x, &grad, half), b.inputs[0].dims())?))
                })?;
                Ok(vec![of_x])
            },
        ))
    }
}

/// `(grad * s, grad * a * s * (1 - s))` with `s = sigmoid(b)`, side by side as `(a, b)` are.
fn gradient(x: &[f32], grad: &[f32], half: usize) -> Vec<f32> {
    let channels = 2 * half;
    assert_eq!(x.len(), 2 * grad.len(), "a gradient of half the channels");
    let write = |[out]: [&mut [f32]; 1]| {
        let rows = cpu::block_rows(channels);
        let blocks = x.par_chunks(rows * channels).zip(grad.par_chunks(rows * half));
        out.par_chunks_mut(rows * channels).zip(blocks).for_each(|(out, (x, grad))| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    let pixels = x.chunks_exact(channels).zip(grad.chunks_exact(half));
                    for (out, (x, grad)) in out.chunks_exact_mut(channels).zip(pixels) {
                        let ((a, b), (of_a, of_b)) = (x.split_at(half), out.split_at_mut(half));
                        for i in 0..half {
                            let s = math::sigmoid(b[i]);
                            let through = grad[i] * s;
                            of_a[i] = through;
                            of_b[i] = through * a[i] * (1.0 - s);
                        }
                    }
                },
            );
        });
    };
    // SAFETY: each pixel has one of the gradient, and both halves of its channels are written.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([x.len()], write) };
    out
}

fn plain(x: &Value, half: usize) -> Result<Value> {
    x.narrow_last(0, half)?.mul(&x.narrow_last(half, half)?.sigmoid()?)
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    #[test]
    fn half_of_the_channels_gate_the_other_half() {
        for shape in [[2, 3, 2, 10], [1, 1, 1, 2], [3, 4, 4, 64]] {
            let [x] = values([&shape[..]]);
            let half = shape[3] / 2;
            let want: Vec<f64> = numbers(x.tensor())
                .chunks(2 * half)
                .flat_map(|pixel| (0..half).map(|i| pixel[i] / (1.0 + (-pixel[half + i]).exp())).collect::<Vec<_>>())
                .collect();
            close(x.glu().unwrap().tensor(), &want, 1e-6);
            close(super::plain(&x, half).unwrap().tensor(), &want, 1e-6);
            finite_differences(std::slice::from_ref(&x), |v| v[0].glu());
            second_order(&[x], |v| v[0].glu());
        }
        let [odd] = values([&[1, 1, 1, 3]]);
        assert!(odd.glu().is_err());
    }
}
