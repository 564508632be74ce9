//! Functions of one number each, applied to every number of a value: activations, powers, logarithms. Their gradients are made
//! of operations of this room again, which those of `candle_nn` are not; what needs no gradient of theirs comes from there.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;
use super::math;
use super::rows;
use super::tape::{Backward, Value, recording};

impl Value {
    /// `max(x, slope * x)`: ReLU for slope 0, LeakyReLU above.
    ///
    /// # Errors
    /// Those of candle.
    pub fn leaky_relu(&self, slope: f32) -> Result<Self> {
        let out = gated(self.tensor(), self.tensor(), slope)?;
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.gate(&b.inputs[0], slope))?])))
    }

    /// `self` where `by` is above 0, `slope * self` elsewhere: the gradient of [`Value::leaky_relu`]. `by` is held
    /// constant, as the slope of a ReLU is flat wherever it is defined.
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn gate(&self, by: &Self, slope: f32) -> Result<Self> {
        let out = gated(self.tensor(), by.tensor(), slope)?;
        let by = by.detach();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.gate(&by, slope))?])))
    }

    /// Hyperbolic tangent.
    ///
    /// # Errors
    /// Those of candle.
    pub fn tanh(&self) -> Result<Self> {
        if !cpu::is_cpu(self.tensor()) {
            let out = self.tensor().tanh()?;
            return Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || tanh_gradient(b))?])));
        }
        let out = cpu::tensor(cpu::map(&cpu::slice(self.tensor())?, math::tanh), self.dims())?;
        Ok(Self::computed(out, &[self], |b| {
            if recording() {
                return Ok(vec![b.of(0, || tanh_gradient(b))?]);
            }
            let slope = |g, y| g * (1.0 - y * y);
            let grad = cpu::map2(&cpu::slice(b.grad.tensor())?, &cpu::slice(b.output.tensor())?, slope);
            Ok(vec![b.of(0, || Ok(Self::constant(cpu::tensor(grad, b.grad.dims())?)))?])
        }))
    }

    /// `log(1 + exp(x))`, without overflow.
    ///
    /// # Errors
    /// Those of candle.
    pub fn softplus(&self) -> Result<Self> {
        let x = self.tensor();
        // max(x, 0) + log(1 + exp(-|x|))
        let out = (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.mul(&b.inputs[0].sigmoid()?))?])))
    }

    /// `1 / (1 + exp(-x))`.
    ///
    /// # Errors
    /// Those of candle.
    pub fn sigmoid(&self) -> Result<Self> {
        let out = candle_nn::ops::sigmoid(self.tensor())?;
        Ok(Self::computed(out, &[self], |b| {
            let slope = b.output.mul(&b.output.affine(-1.0, 1.0)?)?;
            Ok(vec![b.of(0, || b.grad.mul(&slope))?])
        }))
    }

    /// Exponential.
    ///
    /// # Errors
    /// Those of candle.
    pub fn exp(&self) -> Result<Self> {
        let out = self.tensor().exp()?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.mul(b.output))?])))
    }

    /// Natural logarithm.
    ///
    /// # Errors
    /// Those of candle.
    pub fn log(&self) -> Result<Self> {
        let out = self.tensor().log()?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.mul(&b.inputs[0].power(-1.0)?))?])))
    }

    /// `self` to a constant power.
    ///
    /// # Errors
    /// Those of candle.
    pub fn power(&self, exponent: f64) -> Result<Self> {
        let out = match exponent {
            -1.0 => self.tensor().recip()?,
            0.5 => self.tensor().sqrt()?,
            -0.5 => self.tensor().sqrt()?.recip()?,
            _ => self.tensor().powf(exponent)?,
        };
        Ok(Self::computed(out, &[self], move |b| {
            Ok(vec![b.of(0, || b.grad.mul(&b.inputs[0].power(exponent - 1.0)?.scale(exponent)?))?])
        }))
    }
}

/// `grad (1 - y^2)`
fn tanh_gradient(b: &Backward<'_>) -> Result<Value> {
    b.grad.mul(&b.output.mul(b.output)?.affine(-1.0, 1.0)?)
}

/// `x` where `by > 0`, `slope * x` elsewhere.
fn gated(x: &Tensor, by: &Tensor, slope: f32) -> Result<Tensor> {
    if x.dims() != by.dims() {
        bail!("gate: {:?} cannot be gated by {:?}", x.dims(), by.dims());
    }
    if !cpu::is_cpu(x) || !cpu::is_cpu(by) || !x.is_contiguous() || !by.is_contiguous() {
        return by.gt(0.0)?.where_cond(x, &x.affine(slope.into(), 0.0)?);
    }
    let (numbers, by) = (cpu::slice(x)?, cpu::slice(by)?);
    let write = |[out]: [&mut [f32]; 1]| {
        let blocks = numbers.par_chunks(cpu::BLOCK).zip(by.par_chunks(cpu::BLOCK));
        out.par_chunks_mut(cpu::BLOCK).zip(blocks).for_each(|(out, (x, by))| {
            rows::map(&rows::Gated { slope }, out.len(), [x, by], [], [out]);
        });
    };
    // SAFETY: the shapes are one, so each block of the output has one of both inputs, and `rows::map` writes all of it.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([numbers.len()], write) };
    cpu::tensor(out, x.dims())
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::values;

    #[test]
    fn a_gate_of_another_shape_is_refused() {
        let [x, short, turned] = values([&[2, 3], &[1, 3], &[3, 2]]);
        for by in [&short, &turned] {
            let err = x.gate(by, 0.2).err().unwrap().to_string();
            assert!(err.contains("[2, 3]") && err.contains("gated by"), "{err}");
            assert!(by.gate(&x, 0.2).is_err());
        }
    }
}
