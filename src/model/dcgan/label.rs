//! The label as the discriminator's input has it: planes beside those of the image.

use candle_core::{DType, Result, Tensor};

use crate::config::{Conditioning, Config};
use crate::model::layers::{LEAK, Weight};
use crate::model::store::{Builder, Id, Pass};
use crate::ops::{Geometry, Value};

/// How the label joins the image.
pub enum Label {
    /// It does not.
    Apart,
    /// A table of vectors, as planes: each vector is a plane, or each of its numbers is copied to one.
    Table {
        /// `(classes, size^2)`, or `(classes, planes)`.
        table: Weight,
        /// Which of the two.
        full_size: bool,
    },
    /// A table of vectors and a linear layer to a plane.
    Projected {
        /// `(classes, numbers)`
        table: Weight,
        /// `(size^2, numbers)`
        weight: Weight,
        /// `(size^2)`
        bias: Id,
    },
}

impl Label {
    /// For images of `size` px.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, config: &Config, classes: usize, size: usize) -> Result<Self> {
        let d = &config.discriminator;
        let mut table = |width| Weight::table(&mut b.below("label_embedding"), classes, width, false);
        Ok(match d.conditioning {
            Conditioning::None | Conditioning::Auxiliary | Conditioning::Projection => Self::Apart,
            Conditioning::LabelMap => Self::Table { table: table(size * size)?, full_size: true },
            Conditioning::Replicated => Self::Table { table: table(d.label_embedding)?, full_size: false },
            Conditioning::ProjectedMap => {
                let table = table(d.label_embedding)?;
                Self::projected(b, config, table, size)?
            }
        })
    }

    /// The same label for images of another size: what has a plane's size is its own, tables of vectors are shared.
    ///
    /// # Errors
    /// Those of candle.
    pub fn resized(&self, b: &mut Builder<'_>, config: &Config, classes: usize, size: usize) -> Result<Self> {
        match self {
            Self::Apart | Self::Table { full_size: true, .. } => Self::new(b, config, classes, size),
            Self::Table { table, full_size: false } => Ok(Self::Table { table: *table, full_size: false }),
            Self::Projected { table, .. } => Self::projected(b, config, *table, size),
        }
    }

    fn projected(b: &mut Builder<'_>, config: &Config, table: Weight, size: usize) -> Result<Self> {
        let numbers = config.discriminator.label_embedding;
        let mut below = b.below("label_projection");
        let bound = 1.0 / (numbers as f32).sqrt();
        let weight = Weight::linear(&mut below, size * size, numbers, bound)?;
        Ok(Self::Projected { table, weight, bias: below.uniform("bias", &[size * size], bound)? })
    }

    /// The image with the label's planes as further channels, which count as much as the pass's stage says.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn join(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Value> {
        let (batch, height, width, _) = images.tensor().dims4()?;
        let condition = pass.stage().condition;
        let channels = match self {
            Self::Apart => return Ok(images.clone()),
            Self::Table { full_size: true, .. } | Self::Projected { .. } => 1,
            Self::Table { table, full_size: false } => table.width(pass),
        };
        let shape = [batch, height, width, channels];
        if condition <= 0.0 {
            let nothing = Tensor::zeros(&shape[..], DType::F32, images.tensor().device())?;
            return images.join_last(&Value::constant(nothing));
        }
        let planes = match self {
            Self::Apart => return Ok(images.clone()),
            Self::Table { table, full_size: true } => table.value(pass)?.rows(labels)?.reshape(&shape)?,
            Self::Table { table, full_size: false } => {
                let vectors = table.value(pass)?.rows(labels)?;
                vectors.reshape(&[batch, 1, 1, channels])?.broadcast_as(&shape)?
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
                plane.reshape(&shape)?
            }
        };
        if condition < 1.0 { images.join_last(&planes.scale(condition)?) } else { images.join_last(&planes) }
    }
}
