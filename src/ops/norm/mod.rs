//! Normalisation with scale, shift and activation in one pass: batch norm (one set of statistics a channel) and layer
//! norm over a whole image (GroupNorm with one group).

mod forward;
mod gradient;
mod plain;
mod second;
mod shape;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use self::forward::{apply, measure};
use self::shape::{Saved, Shape};
pub use self::statistics::{EPSILON, Over, Statistics};
use super::cpu;
use super::tape::Value;

impl Value {
    /// `max(y, slope * y)` of `y = (x - mean) / sqrt(variance + EPSILON) * scale + shift`, with the statistics of `self`
    /// `(B, H, W, C)` itself. `scale` and `shift` are `(1, C)`, or `(B, C)` for a set an image. Slope 1 activates nothing.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn normalise(&self, scale: &Self, shift: &Self, over: Over, slope: f32) -> Result<(Self, Statistics)> {
        let shape = Shape::of(self, scale, shift, over, slope)?;
        if !cpu::is_cpu(self.tensor()) {
            let statistics = plain::statistics(self.tensor(), &shape)?;
            return Ok((plain::normalise(self, scale, shift, &shape)?, statistics));
        }
        let x = cpu::slice(self.tensor())?;
        let statistics = measure(&x, &shape);
        let saved = Arc::new(Saved::of(&statistics));
        let (scales, shifts) = (cpu::slice(scale.tensor())?, cpu::slice(shift.tensor())?);
        let out = cpu::tensor(apply(&x, &saved, &scales, &shifts, &shape), self.dims())?;
        Ok((Self::computed(out, &[self, scale, shift], move |b| gradient::first(b, &saved, shape)), statistics))
    }

    /// As [`Value::normalise`], with given statistics a channel instead of its own: evaluation mode.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn normalise_with(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        scale: &Self,
        shift: &Self,
        slope: f32,
    ) -> Result<Self> {
        let shape = Shape::of(self, scale, shift, Over::Batch, slope)?;
        if [mean, variance].iter().any(|statistic| statistic.dims() != [shape.channels]) {
            bail!("normalisation: mean {:?}, variance {:?} do not fit {:?}", mean.dims(), variance.dims(), self.dims());
        }
        if !cpu::is_cpu(self.tensor()) {
            let inverse = (variance + EPSILON)?.sqrt()?.recip()?;
            let centred = self.sub(&Self::constant(mean.clone()).broadcast_as(self.dims())?)?;
            return plain::finish(&centred.mul(&Self::constant(inverse))?, scale, shift, slope);
        }
        let as_f64 = |t: &Tensor| -> Result<Vec<f64>> { Ok(cpu::slice(t)?.iter().map(|x| f64::from(*x)).collect()) };
        let saved = Saved::of(&Statistics { mean: as_f64(mean)?, variance: as_f64(variance)?, count: 1 });
        let (x, scales, shifts) =
            (cpu::slice(self.tensor())?, cpu::slice(scale.tensor())?, cpu::slice(shift.tensor())?);
        Ok(Self::constant(cpu::tensor(apply(&x, &saved, &scales, &shifts, &shape), self.dims())?))
    }
}
