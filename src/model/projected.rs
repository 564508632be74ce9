//! The family `projected`: heads on the features of a frozen network, and with them, where it is asked for, a discriminator of the
//! pixels.

use candle_core::{Result, Tensor, bail};

use super::dcgan;
use super::discriminator::Judgement;
use super::planned::{Given, Planned};
use super::store::{Builder, Pass};
use crate::config::Config;
use crate::config::plan::projected;
use crate::feature::Lite;
use crate::ops::{Value, Window};

/// Heads on the features of EfficientNet-Lite0.
pub struct Projected {
    frozen: Lite,
    /// Side of the images that it sees.
    input: usize,
    mixing: Planned,
    heads: Planned,
    pixels: Option<dcgan::Discriminator>,
}

impl Projected {
    /// The architecture, its start weights drawn by the builder.
    ///
    /// # Errors
    /// Those of candle; where this build's weights are damaged.
    pub fn new(b: &mut Builder<'_>, config: &Config, classes: usize) -> Result<Self> {
        let frozen = Lite::shipped(b.device).map_err(candle_core::Error::msg)?;
        let mixing = Planned::new(b, projected::mixing(config))?;
        let heads = Planned::new(b, projected::heads(config, classes))?;
        let pixels = match config.beside_projected() {
            Some(beside) => Some(dcgan::Discriminator::new(&mut b.below("pixels"), &beside, classes)?),
            None => None,
        };
        Ok(Self { frozen, input: config.projected_input(), mixing, heads, pixels })
    }

    /// The mixed features of images `(B, side, side, channels)`, the widest map first; behind them the images themselves where
    /// their pixels are judged, too.
    ///
    /// # Errors
    /// Where the images are not square, or of a side that does not fit the network's.
    pub fn look(&self, pass: &mut Pass<'_>, images: &Value) -> Result<Vec<Value>> {
        let seen = self.resized(images)?;
        let seen = match seen.dims()[3] {
            3 => seen,
            _ => seen.join_last(&seen)?.join_last(&seen)?,
        };
        let maps = self.frozen.features(&seen)?;
        let mut looked = self.mixing.run(pass, Given { latent: None, labels: None, sources: &maps })?;
        if self.pixels.is_some() {
            looked.push(images.clone());
        }
        Ok(looked)
    }

    /// Small images are enlarged, large ones averaged down, so that nothing of them is skipped.
    fn resized(&self, images: &Value) -> Result<Value> {
        let (_, height, width, _) = images.tensor().dims4()?;
        if height != width || (height > self.input && !height.is_multiple_of(self.input)) {
            bail!("images of {height}x{width} pixels do not fit a network that sees {0}x{0}", self.input);
        }
        match height / self.input {
            0 => images.resize_bilinear((self.input, self.input)),
            1 => Ok(images.clone()),
            times => images.average_pool(Window::square(times, times, 0)),
        }
    }

    /// The judgement of all heads, and that of the pixels where they are judged.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn judge(&self, pass: &mut Pass<'_>, looked: &[Value], labels: &Tensor) -> Result<Vec<Judgement>> {
        let (maps, images) = looked.split_at(projected::MAPS.len().min(looked.len()));
        let logits = self.heads.run(pass, Given { latent: None, labels: Some(labels), sources: maps })?.swap_remove(0);
        let (batch, _, _, places) = logits.tensor().dims4()?;
        let logits = logits.reshape(&[batch, places])?;
        let mut judgements = vec![Judgement { logits, class_logits: None, pixel_logits: None }];
        if let (Some(pixels), Some(images)) = (&self.pixels, images.first()) {
            judgements.extend(pixels.forward(pass, images, labels)?);
        }
        Ok(judgements)
    }
}
