//! The decoder that makes a discriminator a U-Net: from its feature maps to a logit for every pixel (Schoenfeld et al. 2020).

use candle_core::{Result, Tensor, bail};

use crate::config::cost::Layer;
use crate::config::{Config, Discriminator, DiscriminatorNorm};
use crate::model::layers::{LEAK, Norm, Weight};
use crate::model::store::{Builder, Id, Pass};
use crate::ops::{Geometry, Value};

/// Feature maps `(B, size/2, size/2, C) .. (B, 4, 4, C 2^n)` to logits `(B, size, size, 1)`, above 0 for real.
pub struct Decoder {
    blocks: Vec<Up>,
    to_pixels: Up,
}

/// A transposed convolution to twice the side; its kernel is `(inputs, 4, 4, outputs)`. A spectral one is divided by the norm of
/// the matrix of inputs by the rest, that of the convolution that it transposes; PyTorch takes outputs by the rest, which is
/// about a fifth larger. Neither is the norm of the map itself.
struct Up {
    weight: Weight,
    shift: Shift,
}

/// What moves a layer's outputs: a normalisation has a shift of its own.
enum Shift {
    Bias(Id),
    Norm(Norm),
}

impl Decoder {
    /// For an encoder with these feature maps.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, config: &Config, layers: &[Layer]) -> Result<Self> {
        let d = &config.discriminator;
        let widths = config.decoder_widths(layers);
        let Some((last, widths)) = widths.split_last() else { bail!("a decoder of no feature maps") };
        let mut blocks = Vec::new();
        for (i, widths) in widths.iter().enumerate() {
            let mut below = b.below(format_args!("blocks.{i}"));
            blocks.push(match d.norm {
                DiscriminatorNorm::None => Up::biased(&mut below.below("conv"), *widths, d.spectral_norm)?,
                DiscriminatorNorm::Batch | DiscriminatorNorm::Layer => Up::normalised(&mut below, *widths, d)?,
            });
        }
        Ok(Self { blocks, to_pixels: Up::biased(&mut b.below("to_pixels"), *last, d.spectral_norm)? })
    }

    /// `maps` are the encoder's, in its order.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn forward(&self, pass: &mut Pass<'_>, maps: &[Value], labels: &Tensor) -> Result<Value> {
        let mut upwards = maps.iter().rev();
        let Some(mut x) = upwards.next().cloned() else { bail!("a decoder of no feature maps") };
        for (block, skip) in self.blocks.iter().zip(upwards) {
            x = block.forward(pass, &x, labels, LEAK)?.join_last(skip)?;
        }
        self.to_pixels.forward(pass, &x, labels, 1.0)
    }
}

impl Up {
    fn biased(b: &mut Builder<'_>, [inputs, outputs]: [usize; 2], spectral: bool) -> Result<Self> {
        let weight = Weight::kernel(b, [inputs, 4, 4, outputs], spectral)?;
        let bias = b.constant(if spectral { "layer.bias" } else { "bias" }, &[outputs], 0.0)?;
        Ok(Self { weight, shift: Shift::Bias(bias) })
    }

    fn normalised(b: &mut Builder<'_>, [inputs, outputs]: [usize; 2], d: &Discriminator) -> Result<Self> {
        let weight = Weight::kernel(&mut b.below("conv"), [inputs, 4, 4, outputs], d.spectral_norm)?;
        let mut below = b.below("norm");
        let norm = match d.norm {
            DiscriminatorNorm::Batch => Norm::batch(&mut below, outputs)?,
            DiscriminatorNorm::None | DiscriminatorNorm::Layer => Norm::layer(&mut below, outputs)?,
        };
        Ok(Self { weight, shift: Shift::Norm(norm) })
    }

    /// `(B, H, W, inputs)` to `(B, 2H, 2W, outputs)`, with LeakyReLU of this slope (1 for none).
    fn forward(&self, pass: &mut Pass<'_>, x: &Value, labels: &Tensor, slope: f32) -> Result<Value> {
        let (_, height, width, _) = x.tensor().dims4()?;
        let size = (2 * height, 2 * width);
        let y = x.conv_input_gradient(&self.weight.value(pass)?, Geometry::new(2, 1), size)?;
        match &self.shift {
            Shift::Bias(bias) => y.bias_leaky_relu(&pass.value(*bias), slope),
            Shift::Norm(norm) => norm.forward(pass, &y, labels, slope),
        }
    }
}
