//! Skip-layer excitation: a small feature map says which channels of a later, larger one matter (FastGAN, Liu et al. 2021).

use candle_core::Result;

use crate::model::layers::Weight;
use crate::model::store::{Builder, Pass};
use crate::ops::{Geometry, Value, Window};

/// Slope below zero of the LeakyReLU between the two convolutions, as the paper has it; its authors' code has Swish there, and
/// spectral normalisation.
const EXCITATION_LEAK: f32 = 0.1;
/// What the small map is averaged down to.
const POOLED: usize = 4;

/// Gates the channels of a large map by a small one: `(B, r, r, inputs)` and `(B, H, W, channels)` to the latter's shape,
/// each channel multiplied by a number in (0, 1).
pub struct Excitation {
    conv: Weight,
    gate: Weight,
    from: usize,
}

impl Excitation {
    /// From a map of `from` pixels, 4 or a multiple of it, with `inputs` channels to one with `channels`.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, from: usize, inputs: usize, channels: usize) -> Result<Self> {
        let conv = Weight::kernel(&mut b.below("conv"), [channels, POOLED, POOLED, inputs], false)?;
        let gate = Weight::kernel(&mut b.below("gate"), [channels, 1, 1, channels], false)?;
        Ok(Self { conv, gate, from })
    }

    /// The width of the small map.
    pub fn from(&self) -> usize {
        self.from
    }

    /// `high` with its channels gated by `low`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn forward(&self, pass: &mut Pass<'_>, low: &Value, high: &Value) -> Result<Value> {
        let side = self.from / POOLED;
        let pooled = if side > 1 { low.average_pool(Window::square(side, side, 0))? } else { low.clone() };
        let point = Geometry::new(1, 0);
        let squeezed = pooled.conv(&self.conv.value(pass)?, point)?.leaky_relu(EXCITATION_LEAK)?; // (B, 1, 1, C)
        let gate = squeezed.conv(&self.gate.value(pass)?, point)?.sigmoid()?;
        high.scale_channels(&gate)
    }
}
