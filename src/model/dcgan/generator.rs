//! The generator: a DCGAN of transposed convolutions.

use candle_core::{DType, Result, Tensor, bail};

use super::excitation::Excitation;
use crate::config::cost::Layer;
use crate::config::{Config, GeneratorNorm, Skip};
use crate::model::layers::{Norm, SelfAttention, Weight};
use crate::model::store::{Builder, Pass};
use crate::ops::{Geometry, Value};

/// `(B, latent_dim)` noise and `(B)` labels to `(B, size, size, channels)` images in [-1, 1].
pub struct Generator {
    label_embedding: Weight,
    blocks: Vec<Block>,
    to_image: Weight,
    size: usize,
    /// The output layers of earlier stages, with the side of their images.
    growing: Vec<(usize, Weight)>,
}

/// Transposed convolution, normalisation, ReLU; with a residual connection, plus a 1x1 convolution of the upsampled
/// input; with excitation, gated by an earlier map; then attention where the resolution asks for it.
struct Block {
    conv: Weight,
    norm: Norm,
    shortcut: Option<Weight>,
    excitation: Option<Excitation>,
    attention: Option<SelfAttention>,
    geometry: Geometry,
    resolution: usize,
}

impl Generator {
    /// The architecture, its start weights drawn by the builder.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, config: &Config, classes: usize) -> Result<Self> {
        let g = &config.generator;
        let label_embedding = Weight::table(&mut b.below("label_embedding"), classes, g.label_embedding, false)?;
        let mut inputs = g.latent_dim + g.label_embedding;
        let mut blocks: Vec<Block> = Vec::new();
        let pairs = config.excitations();
        for (i, layer) in config.generator_layers().into_iter().enumerate() {
            let mut below = b.below(format_args!("blocks.{i}"));
            let conv = Weight::kernel(&mut below.below("conv"), [inputs, 4, 4, layer.channels], false)?;
            let norm = match g.norm {
                GeneratorNorm::Batch => Norm::batch(&mut below.below("norm"), layer.channels)?,
                GeneratorNorm::ConditionalBatch => {
                    Norm::conditional_batch(&mut below.below("norm"), layer.channels, classes)?
                }
            };
            let residual = g.skip == Skip::Residual && i > 0;
            let shortcut = match residual {
                true => Some(Weight::kernel(&mut below.below("shortcut"), [layer.channels, 1, 1, inputs], false)?),
                false => None,
            };
            let attention = SelfAttention::after(b, &layer, false)?;
            let geometry = if i == 0 { Geometry::new(1, 0) } else { Geometry::new(2, 1) };
            let mut excite = |from: Layer| {
                let name = format_args!("excitation.{}", layer.resolution);
                Excitation::new(&mut b.below(name), from.resolution, from.channels, layer.channels)
            };
            let from = pairs.iter().find(|(_, to)| to.resolution == layer.resolution).map(|(from, _)| *from);
            let excitation = from.map(&mut excite).transpose()?;
            blocks.push(Block { conv, norm, shortcut, excitation, attention, geometry, resolution: layer.resolution });
            inputs = layer.channels;
        }
        let to_image = Weight::kernel(&mut b.below("to_image"), [inputs, 4, 4, config.channels], false)?;
        // The last, so that all other weights start as they would without.
        let mut growing = Vec::new();
        for size in config.growing_resolutions() {
            let from = config.generator_layers().into_iter().find(|layer| 2 * layer.resolution == size);
            let Some(from) = from else { bail!("generator: there is no feature map for images of {size} px") };
            let shape = [from.channels, 4, 4, config.channels];
            growing.push((size, Weight::kernel(&mut b.below(format_args!("growing.{size}.to_image")), shape, false)?));
        }
        Ok(Self { label_embedding, blocks, to_image, size: config.image_size, growing })
    }

    /// `z (B, latent_dim)` and `labels (B)` u32 to images, of the size of the pass's stage.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, z: &Value, labels: &Tensor) -> Result<Value> {
        let joined = z.join_last(&self.embed(pass, labels)?)?;
        let mut x = joined.reshape(&[joined.dims()[0], 1, 1, joined.dims()[1]])?;
        let mut maps: Vec<(usize, Value)> = Vec::new();
        let stage = pass.stage();
        let size = stage.resolution.unwrap_or(self.size);
        let mut before = None;
        for block in self.blocks.iter().filter(|block| block.resolution < size) {
            if stage.fading() && 2 * block.resolution == size {
                before = Some(x.clone());
            }
            x = block.forward(pass, &x, labels, &maps)?;
            // Kept only where a later block asks for it: a kept map is memory that cannot be used again.
            if self.blocks.iter().any(|later| later.excitation.as_ref().is_some_and(|e| e.from() == block.resolution)) {
                maps.push((block.resolution, x.clone()));
            }
        }
        let new = self.draw(pass, &x, size)?;
        let Some(before) = before else { return Ok(new) };
        let old = self.draw(pass, &before, size / 2)?.upsample(2)?;
        old.scale(1.0 - stage.fade)?.add(&new.scale(stage.fade)?)
    }

    /// What stands for the labels, `(B, label_embedding)`, as much as they count.
    fn embed(&self, pass: &mut Pass<'_>, labels: &Tensor) -> Result<Value> {
        let condition = pass.stage().condition;
        if condition <= 0.0 {
            let shape = (labels.dim(0)?, self.label_embedding.width(pass));
            return Ok(Value::constant(Tensor::zeros(shape, DType::F32, labels.device())?));
        }
        let embedded = self.label_embedding.value(pass)?.rows(labels)?;
        if condition < 1.0 { embedded.scale(condition) } else { Ok(embedded) }
    }

    /// Images of `size` px from the feature map of half of that.
    fn draw(&self, pass: &mut Pass<'_>, x: &Value, size: usize) -> Result<Value> {
        let to_image = match self.growing.iter().find(|(side, _)| *side == size) {
            Some((_, to_image)) => to_image,
            None if size == self.size => &self.to_image,
            None => bail!("generator: there is no stage of {size} px"),
        };
        x.conv_input_gradient(&to_image.value(pass)?, Geometry::new(2, 1), (size, size))?.tanh()
    }
}

impl Block {
    /// `maps` are the earlier blocks' outputs that excitation reads, with their resolutions.
    fn forward(&self, pass: &mut Pass<'_>, x: &Value, labels: &Tensor, maps: &[(usize, Value)]) -> Result<Value> {
        let size = (self.resolution, self.resolution);
        let y = x.conv_input_gradient(&self.conv.value(pass)?, self.geometry, size)?;
        let mut y = self.norm.forward(pass, &y, labels, 0.0)?;
        if let Some(shortcut) = &self.shortcut {
            // A 1x1 convolution of copies is the copies of the 1x1 convolution, at a quarter of the arithmetic.
            y = y.add(&x.conv(&shortcut.value(pass)?, Geometry::new(1, 0))?.upsample(2)?)?;
        }
        if let Some(excitation) = &self.excitation {
            let Some((_, low)) = maps.iter().find(|(resolution, _)| *resolution == excitation.from()) else {
                bail!("there is no map of {} px to gate one of {} px", excitation.from(), self.resolution);
            };
            y = excitation.forward(pass, low, &y)?;
        }
        match &self.attention {
            Some(attention) => attention.forward(pass, &y),
            None => Ok(y),
        }
    }
}
