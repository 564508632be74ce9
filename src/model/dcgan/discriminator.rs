//! The discriminator: a DCGAN of stride-2 convolutions, at one scale or several, told the label in one of six ways.

use candle_core::{Result, Tensor, bail};

use super::decoder::Decoder;
use super::label::Label;
use crate::config::{Conditioning, Config, DiscriminatorNorm, ScaleEdge};
use crate::model::Judgement;
use crate::model::layers::{Convolution, LEAK, Norm, SelfAttention, Weight};
use crate::model::store::{Builder, Pass};
use crate::ops::{Geometry, Value, Window};

/// What brings an image to half its size for the next scale.
const HALVE: Window = Window::square(3, 2, 1);
/// What brings an image to the size of the stage before.
const SMALLER: Window = Window::square(2, 2, 0);

/// One discriminator a scale; scale s sees the image average-pooled s times (3x3, stride 2, padding 1).
pub struct Discriminator {
    scales: Vec<Scale>,
    edge: ScaleEdge,
}

/// `(B, size, size, channels)` images and `(B)` labels to one [`Judgement`].
struct Scale {
    size: usize,
    label: Label,
    blocks: Vec<Block>,
    /// Where the images of earlier stages come in, the smallest first.
    growing: Vec<Input>,
    minibatch_stddev: bool,
    head: Convolution,
    classifier: Option<Convolution>,
    projection: Option<Weight>,
    decoder: Option<Decoder>,
}

/// An input layer for images smaller than the full size: it gives the feature map that the network has at half their side.
struct Input {
    size: usize,
    label: Label,
    conv: Convolution,
}

/// Convolution, normalisation, LeakyReLU; then attention where the resolution asks for it.
struct Block {
    conv: Convolution,
    norm: Option<Norm>,
    attention: Option<SelfAttention>,
}

impl Discriminator {
    /// The architecture, its start weights drawn by the builder.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, config: &Config, classes: usize) -> Result<Self> {
        let mut scales = Vec::new();
        for s in 0..config.discriminator.scales {
            scales.push(Scale::new(&mut b.below(format_args!("scales.{s}")), config, classes, config.image_size >> s)?);
        }
        Ok(Self { scales, edge: config.discriminator.scale_edge })
    }

    /// Images `(B, size, size, channels)`, of the size of the pass's stage, and labels `(B)` u32 to one judgement a scale.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Vec<Judgement>> {
        let mut x = images.clone();
        let mut out = Vec::new();
        for (s, scale) in self.scales.iter().enumerate() {
            if s > 0 {
                x = match self.edge {
                    ScaleEdge::Zeros => x.average_pool(HALVE)?,
                    ScaleEdge::Inside => x.average_pool_inside(HALVE)?,
                };
            }
            out.push(scale.forward(pass, &x, labels)?);
        }
        Ok(out)
    }
}

impl Scale {
    fn new(b: &mut Builder<'_>, config: &Config, classes: usize, size: usize) -> Result<Self> {
        let d = &config.discriminator;
        let spectral = d.spectral_norm;
        let label = Label::new(b, config, classes, size)?;
        let mut inputs = config.channels + config.label_planes();
        let mut blocks = Vec::new();
        let layers = config.discriminator_layers(size);
        for (i, layer) in layers.iter().enumerate() {
            let mut below = b.below(format_args!("blocks.{i}"));
            let norm = if i == 0 { DiscriminatorNorm::None } else { d.norm };
            let shape = [layer.channels, 4, 4, inputs];
            let bias = norm == DiscriminatorNorm::None;
            let conv = Convolution::new(&mut below.below("conv"), shape, Geometry::new(2, 1), bias, spectral)?;
            let norm = match norm {
                DiscriminatorNorm::None => None,
                DiscriminatorNorm::Batch => Some(Norm::batch(&mut below.below("norm"), layer.channels)?),
                DiscriminatorNorm::Layer => Some(Norm::layer(&mut below.below("norm"), layer.channels)?),
            };
            let attention = SelfAttention::after(b, layer, spectral)?;
            blocks.push(Block { conv, norm, attention });
            inputs = layer.channels;
        }
        let mut whole = |name, inputs, outputs| {
            Convolution::new(&mut b.below(name), [outputs, 4, 4, inputs], Geometry::new(1, 0), true, spectral)
        };
        let head = whole("head", inputs + usize::from(d.minibatch_stddev), 1)?;
        let classifier = match d.conditioning {
            Conditioning::Auxiliary => Some(whole("classifier", inputs, classes)?),
            Conditioning::None
            | Conditioning::LabelMap
            | Conditioning::Replicated
            | Conditioning::ProjectedMap
            | Conditioning::Projection => None,
        };
        let projection = match d.conditioning == Conditioning::Projection {
            true => Some(Weight::table(&mut b.below("projection"), classes, inputs, spectral)?),
            false => None,
        };
        // Only the first scale grows, and its further weights come last: all others start as they would without.
        let stages = if size == config.image_size { config.growing_resolutions() } else { Vec::new() };
        let stages = stages.into_iter().map(|resolution| Input::new(b, config, classes, resolution, &label));
        let growing = stages.collect::<Result<_>>()?;
        let decoder = if d.unet { Some(Decoder::new(&mut b.below("decoder"), config, &layers)?) } else { None };
        let minibatch_stddev = d.minibatch_stddev;
        Ok(Self { size, label, blocks, growing, minibatch_stddev, head, classifier, projection, decoder })
    }

    fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Judgement> {
        let (batch, height, width, _) = images.tensor().dims4()?;
        let size = pass.stage().resolution.unwrap_or(self.size);
        if (height, width) != (size, size) || labels.dims() != [batch] {
            bail!("discriminator for {size} px: images {:?}, labels {:?}", images.dims(), labels.dims());
        }
        let (mut x, first) = self.enter(pass, size, images, labels)?;
        let mut maps = Vec::new();
        for (i, block) in self.blocks.iter().enumerate().skip(first) {
            if i > first {
                x = block.forward(pass, &x, labels)?;
            }
            x = block.attend(pass, x)?;
            if self.decoder.is_some() {
                maps.push(x.clone());
            }
        }
        let joined = if self.minibatch_stddev { x.join_minibatch_stddev()? } else { x.clone() };
        let mut logits = self.head.forward(pass, &joined, 1.0)?.reshape(&[batch])?;
        let condition = pass.stage().condition;
        if let Some(projection) = self.projection.as_ref().filter(|_| condition > 0.0) {
            let channels = x.dims()[3];
            let summed = x.sum_keepdim(1)?.sum_keepdim(2)?.reshape(&[batch, channels])?;
            let towards = projection.value(pass)?.rows(labels)?.mul(&summed)?.sum_keepdim(1)?.reshape(&[batch])?;
            logits = logits.add(&if condition < 1.0 { towards.scale(condition)? } else { towards })?;
        }
        let class_logits = match &self.classifier {
            Some(classifier) => {
                let y = classifier.forward(pass, &x, 1.0)?;
                let classes = y.dims()[3];
                Some(y.reshape(&[batch, classes])?)
            }
            None => None,
        };
        let pixel_logits = match &self.decoder {
            Some(decoder) => Some(decoder.forward(pass, &maps, labels)?),
            None => None,
        };
        Ok(Judgement { logits, class_logits, pixel_logits })
    }

    /// The first feature map in which images of `size` px are one, before its attention, and the number of its block. While
    /// layers fade in that is the second one: the images come in at their own size and at half of it.
    fn enter(&self, pass: &mut Pass<'_>, size: usize, images: &Value, labels: &Tensor) -> Result<(Value, usize)> {
        let x = self.input(pass, size, images, labels)?;
        let first = (self.size / size.max(1)).max(1).ilog2() as usize;
        let stage = pass.stage();
        if !stage.fading() {
            return Ok((x, first));
        }
        let (Some(block), Some(next)) = (self.blocks.get(first), self.blocks.get(first + 1)) else {
            bail!("there is nothing below {size} px to fade from");
        };
        let x = block.attend(pass, x)?;
        let new = next.forward(pass, &x, labels)?;
        let old = self.input(pass, size / 2, &images.average_pool(SMALLER)?, labels)?;
        Ok((old.scale(1.0 - stage.fade)?.add(&new.scale(stage.fade)?)?, first + 1))
    }

    /// What the input layer for images of `size` px gives.
    fn input(&self, pass: &mut Pass<'_>, size: usize, images: &Value, labels: &Tensor) -> Result<Value> {
        let (label, conv) = match (self.growing.iter().find(|input| input.size == size), self.blocks.first()) {
            (Some(input), _) => (&input.label, &input.conv),
            (None, Some(first)) if size == self.size => (&self.label, &first.conv),
            (None, _) => bail!("discriminator: there is no stage of {size} px"),
        };
        let joined = label.join(pass, images, labels)?;
        conv.forward(pass, &joined, LEAK)
    }
}

impl Input {
    fn new(b: &mut Builder<'_>, config: &Config, classes: usize, size: usize, label: &Label) -> Result<Self> {
        let layers = config.discriminator_layers(config.image_size);
        let Some(to) = layers.iter().find(|layer| 2 * layer.resolution == size) else {
            bail!("discriminator: there is no feature map for images of {size} px");
        };
        let mut below = b.below(format_args!("growing.{size}"));
        let label = label.resized(&mut below, config, classes, size)?;
        let shape = [to.channels, 4, 4, config.channels + config.label_planes()];
        let spectral = config.discriminator.spectral_norm;
        let conv = Convolution::new(&mut below.below("from_image"), shape, Geometry::new(2, 1), true, spectral)?;
        Ok(Self { size, label, conv })
    }
}

impl Block {
    /// All but the attention.
    fn forward(&self, pass: &mut Pass<'_>, x: &Value, labels: &Tensor) -> Result<Value> {
        match &self.norm {
            None => self.conv.forward(pass, x, LEAK),
            Some(norm) => {
                let y = self.conv.forward(pass, x, 1.0)?;
                norm.forward(pass, &y, labels, LEAK)
            }
        }
    }

    fn attend(&self, pass: &mut Pass<'_>, x: Value) -> Result<Value> {
        match &self.attention {
            Some(attention) => attention.forward(pass, &x),
            None => Ok(x),
        }
    }
}
