//! Channels of an image multiplied by a number each, in one pass over memory.

use candle_core::{Result, bail};
use pulp::Simd;
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::rows::{self, Formula};
use super::tape::Value;

impl Value {
    /// Multiplies every channel of every image by its number: `(B, H, W, C)` and `(B, 1, 1, C)` to `(B, H, W, C)`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn scale_channels(&self, gate: &Self) -> Result<Self> {
        let (batch, height, width, channels) = self.tensor().dims4()?;
        if gate.dims() != [batch, 1, 1, channels] {
            bail!("channels of {:?} cannot be scaled by {:?}", self.dims(), gate.dims());
        }
        let plain = |v: &[Self]| v[0].mul(&v[1]);
        let image = height * width * channels;
        if !cpu::is_cpu(self.tensor()) || image * batch == 0 {
            return plain(&[self.clone(), gate.clone()]);
        }
        let out = scaled(self, gate, image)?;
        Ok(fused(out, &[self, gate], plain, move |b| {
            let (x, gate) = (&b.inputs[0], &b.inputs[1]);
            let of_gate = b.of(1, || {
                let (grad, x) = (cpu::slice(b.grad.tensor())?, cpu::slice(x.tensor())?);
                let mut sums = vec![0.0; batch * channels];
                let images = grad.par_chunks(image).zip(x.par_chunks(image));
                sums.par_chunks_mut(channels).zip(images).for_each(|(sums, (grad, x))| {
                    rows::sum(&Product, channels, [grad, x], [], sums);
                });
                Ok(Self::constant(cpu::tensor(sums, gate.dims())?))
            })?;
            Ok(vec![b.of(0, || Ok(Self::constant(scaled(b.grad, gate, image)?)))?, of_gate])
        }))
    }
}

fn scaled(x: &Value, gate: &Value, image: usize) -> Result<candle_core::Tensor> {
    let (numbers, factors) = (cpu::slice(x.tensor())?, cpu::slice(gate.tensor())?);
    let channels = x.dims()[3];
    if factors.len() * image != numbers.len() * channels {
        bail!("channels of {:?} cannot be scaled by {:?}", x.dims(), gate.dims());
    }
    let write = |[out]: [&mut [f32]; 1]| {
        let images = numbers.par_chunks(image).zip(factors.par_chunks(channels));
        out.par_chunks_mut(image).zip(images).for_each(|(out, (x, factors))| {
            rows::map(&Scaled, channels, [x], [factors], [out]);
        });
    };
    // SAFETY: there are as many images as rows of factors, and `rows::map` writes all of each.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([numbers.len()], write) };
    cpu::tensor(out, x.dims())
}

/// The number times its column's.
struct Scaled;

impl Formula<1, 1, 1> for Scaled {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x]: [S::f32s; 1], [factor]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_f32s(x, factor)]
    }
}

/// The product of two numbers.
struct Product;

impl Formula<2, 0, 1> for Product {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [a, b]: [S::f32s; 2], _: [S::f32s; 0]) -> [S::f32s; 1] {
        [simd.mul_f32s(a, b)]
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    #[test]
    fn scaled_channels_match_their_definition_and_differences() {
        for [batch, side, channels] in [[2, 3, 5], [1, 1, 1], [3, 2, 17]] {
            let inputs = values([&[batch, side, side, channels], &[batch, 1, 1, channels]]);
            let (x, gate) = (numbers(inputs[0].tensor()), numbers(inputs[1].tensor()));
            let place = |i: usize| i / (side * side * channels) * channels + i % channels;
            let want: Vec<f64> = x.iter().enumerate().map(|(i, x)| x * gate[place(i)]).collect();
            close(inputs[0].scale_channels(&inputs[1]).unwrap().tensor(), &want, 1e-6);
            finite_differences(&inputs, |v| v[0].scale_channels(&v[1]));
            second_order(&inputs, |v| v[0].scale_channels(&v[1]));
        }
    }
}
