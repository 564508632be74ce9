//! A frozen convolution through which a gradient reaches the image, but nothing reaches the weights.

use candle_core::{Device, Result, Tensor};

use crate::ops::{Geometry, Value, Window};

/// A convolution with its bias.
pub(super) struct Layer {
    kernel: Value,
    bias: Value,
    way: Way,
}

enum Way {
    Dense(Geometry),
    /// Each channel by itself.
    Depthwise(Window),
}

impl Layer {
    /// Numbers as PyTorch stores them, `(outputs, inputs, size, size)`, become a convolution of all channels.
    pub fn dense(
        weights: &[f32],
        bias: Vec<f32>,
        [inputs, size]: [usize; 2],
        geometry: Geometry,
        device: &Device,
    ) -> Result<Self> {
        let outputs = bias.len();
        let kernel = Tensor::from_slice(weights, (outputs, inputs, size, size), device)?.permute((0, 2, 3, 1))?;
        Self::new(&kernel, bias, Way::Dense(geometry), device)
    }

    /// As TensorFlow pads: the output has `side / stride` pixels, and the padding that is left over stands at the bottom and
    /// the right. `weights` is `(outputs, inputs, size, size)`; with one input each channel has a filter of its own. The
    /// side must be a multiple of the stride, 1 or 2.
    ///
    /// A row and a column of zeros before the kernel put the padding of stride 2 where these operations have it, on all
    /// sides alike: they meet the first row and column of the padding alone.
    pub fn same(
        weights: &[f32],
        bias: Vec<f32>,
        [inputs, size, stride]: [usize; 3],
        depthwise: bool,
        device: &Device,
    ) -> Result<Self> {
        let kernel = Tensor::from_slice(weights, (bias.len(), inputs, size, size), device)?;
        let before = stride - 1;
        let kernel = kernel.pad_with_zeros(2, before, 0)?.pad_with_zeros(3, before, 0)?;
        let padding = (size - 1) / 2;
        if depthwise {
            let window = Window::square(size + before, stride, padding);
            return Self::new(&kernel.squeeze(1)?.permute((1, 2, 0))?, bias, Way::Depthwise(window), device);
        }
        Self::new(&kernel.permute((0, 2, 3, 1))?, bias, Way::Dense(Geometry::new(stride, padding)), device)
    }

    fn new(kernel: &Tensor, bias: Vec<f32>, way: Way, device: &Device) -> Result<Self> {
        let outputs = bias.len();
        let bias = Value::constant(Tensor::from_vec(bias, outputs, device)?);
        Ok(Self { kernel: Value::constant(kernel.contiguous()?), bias, way })
    }

    /// `(B, H, W, inputs)` to `(B, Ho, Wo, outputs)`; what is below 0 is multiplied with `slope`.
    pub fn run(&self, x: &Value, slope: f32) -> Result<Value> {
        match self.way {
            Way::Dense(geometry) => x.conv_activated(&self.kernel, geometry, &self.bias, slope),
            Way::Depthwise(window) => x.depthwise(&self.kernel, window)?.bias_leaky_relu(&self.bias, slope),
        }
    }
}
