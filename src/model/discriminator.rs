//! The discriminator: a DCGAN of stride-2 convolutions, at one scale or several, told the label in one of six ways.

use candle_core::{Device, Result, Tensor, bail};

use super::decoder::Decoder;
use super::layers::{Convolution, LEAK, Norm, SelfAttention, Weight};
use super::store::{Builder, Pass, Store};
use crate::config::chance::{Purpose, stream};
use crate::config::{Conditioning, Config, DiscriminatorNorm};
use crate::ops::{Geometry, Value, Window};

/// What brings an image to half its size for the next scale.
const HALVE: Window = Window::square(3, 2, 1);

/// What one scale says of a batch.
pub struct Judgement {
    /// `(B)`: above 0 for real.
    pub logits: Value,
    /// `(B, classes)`, with auxiliary conditioning.
    pub class_logits: Option<Value>,
    /// `(B, size, size, 1)`, of a U-Net: above 0 where a pixel looks real.
    pub pixel_logits: Option<Value>,
}

/// One discriminator a scale; scale s sees the image average-pooled s times (3x3, stride 2, padding 1, the padding counted).
pub struct Discriminator {
    scales: Vec<Scale>,
}

/// `(B, size, size, channels)` images and `(B)` labels to one [`Judgement`].
struct Scale {
    size: usize,
    label: Label,
    blocks: Vec<Block>,
    minibatch_stddev: bool,
    head: Convolution,
    classifier: Option<Convolution>,
    projection: Option<Weight>,
    decoder: Option<Decoder>,
}

/// How the label joins the image.
enum Label {
    Apart,
    /// A table of vectors, as planes: each vector is a plane, or each of its numbers is copied to one.
    Table {
        table: Weight,
        full_size: bool,
    },
    /// A table of vectors and a linear layer to a plane.
    Projected {
        table: Weight,
        weight: Weight,
        bias: super::store::Id,
    },
}

struct Block {
    conv: Convolution,
    norm: Option<Norm>,
    attention: Option<SelfAttention>,
}

impl Discriminator {
    /// The architecture and a store of start weights, drawn from the configuration's seed.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(config: &Config, classes: usize, device: &Device) -> Result<(Self, Store)> {
        let mut rng = stream(config.train.seed, Purpose::Weights, 1);
        let mut store = Store::default();
        let mut b = Builder::new(&mut store, &mut rng, device);
        let mut scales = Vec::new();
        for s in 0..config.discriminator.scales {
            scales.push(Scale::new(&mut b.below(format_args!("scales.{s}")), config, classes, config.image_size >> s)?);
        }
        Ok((Self { scales }, store))
    }

    /// Images `(B, size, size, channels)` and labels `(B)` u32 to one judgement a scale.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Vec<Judgement>> {
        let mut x = images.clone();
        let mut out = Vec::new();
        for (s, scale) in self.scales.iter().enumerate() {
            if s > 0 {
                x = x.average_pool(HALVE)?;
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
            let attention = SelfAttention::after(b, layer)?;
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
        let decoder = if d.unet { Some(Decoder::new(&mut b.below("decoder"), config, &layers)?) } else { None };
        let minibatch_stddev = d.minibatch_stddev;
        Ok(Self { size, label, blocks, minibatch_stddev, head, classifier, projection, decoder })
    }

    fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Judgement> {
        let (batch, height, width, _) = images.tensor().dims4()?;
        if (height, width) != (self.size, self.size) || labels.dims() != [batch] {
            bail!("discriminator for {} px: images {:?}, labels {:?}", self.size, images.dims(), labels.dims());
        }
        let mut x = self.label.join(pass, images, labels)?;
        let mut maps = Vec::new();
        for block in &self.blocks {
            x = match &block.norm {
                None => block.conv.forward(pass, &x, LEAK)?,
                Some(norm) => {
                    let y = block.conv.forward(pass, &x, 1.0)?;
                    norm.forward(pass, &y, labels, LEAK)?
                }
            };
            if let Some(attention) = &block.attention {
                x = attention.forward(pass, &x)?;
            }
            if self.decoder.is_some() {
                maps.push(x.clone());
            }
        }
        let joined = if self.minibatch_stddev { x.join_minibatch_stddev()? } else { x.clone() };
        let mut logits = self.head.forward(pass, &joined, 1.0)?.reshape(&[batch])?;
        if let Some(projection) = &self.projection {
            let channels = x.dims()[3];
            let summed = x.sum_keepdim(1)?.sum_keepdim(2)?.reshape(&[batch, channels])?;
            let towards = projection.value(pass)?.rows(labels)?.mul(&summed)?.sum_keepdim(1)?;
            logits = logits.add(&towards.reshape(&[batch])?)?;
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
}

impl Label {
    fn new(b: &mut Builder<'_>, config: &Config, classes: usize, size: usize) -> Result<Self> {
        let d = &config.discriminator;
        let mut table = |width| Weight::table(&mut b.below("label_embedding"), classes, width, false);
        Ok(match d.conditioning {
            Conditioning::None | Conditioning::Auxiliary | Conditioning::Projection => Self::Apart,
            Conditioning::LabelMap => Self::Table { table: table(size * size)?, full_size: true },
            Conditioning::Replicated => Self::Table { table: table(d.label_embedding)?, full_size: false },
            Conditioning::ProjectedMap => {
                let table = table(d.label_embedding)?;
                let mut below = b.below("label_projection");
                let bound = 1.0 / (d.label_embedding as f32).sqrt();
                let weight = Weight::linear(&mut below, size * size, d.label_embedding, bound)?;
                Self::Projected { table, weight, bias: below.uniform("bias", &[size * size], bound)? }
            }
        })
    }

    /// The image with the label's planes as further channels.
    fn join(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Value> {
        let (batch, height, width, _) = images.tensor().dims4()?;
        let planes = match self {
            Self::Apart => return Ok(images.clone()),
            Self::Table { table, full_size: true } => {
                table.value(pass)?.rows(labels)?.reshape(&[batch, height, width, 1])?
            }
            Self::Table { table, full_size: false } => {
                let vectors = table.value(pass)?.rows(labels)?;
                let channels = vectors.dims()[1];
                vectors.reshape(&[batch, 1, 1, channels])?.broadcast_as(&[batch, height, width, channels])?
            }
            Self::Projected { table, weight, bias } => {
                let vectors = table.value(pass)?.rows(labels)?;
                let weight = weight.value(pass)?;
                let (pixels, numbers) = (weight.dims()[0], weight.dims()[1]);
                // A linear layer is a 1x1 convolution of a 1x1 image.
                let plane = vectors
                    .reshape(&[batch, 1, 1, numbers])?
                    .conv(&weight.reshape(&[pixels, 1, 1, numbers])?, Geometry::new(1, 0))?
                    .bias_leaky_relu(&pass.value(*bias), LEAK)?;
                plane.reshape(&[batch, height, width, 1])?
            }
        };
        images.join_last(&planes)
    }
}
