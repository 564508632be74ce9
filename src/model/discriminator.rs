//! The discriminator, of whatever family.

use candle_core::{Device, Result, Tensor};

use super::dcgan;
use super::projected::Projected;
use super::store::{Builder, Pass, Store};
use crate::config::chance::{Purpose, stream};
use crate::config::{Config, DiscriminatorFamily};
use crate::ops::Value;

/// What one scale, or one network of several, says of a batch.
pub struct Judgement {
    /// `(B)`, or `(B, P)` of a network that decides at several places: above 0 for real.
    pub logits: Value,
    /// `(B, classes)`, with auxiliary conditioning.
    pub class_logits: Option<Value>,
    /// `(B, size, size, 1)`, of a U-Net: above 0 where a pixel looks real.
    pub pixel_logits: Option<Value>,
}

/// `(B, size, size, channels)` images and `(B)` labels to judgements, each of which counts alike.
pub struct Discriminator {
    network: Network,
}

enum Network {
    Dcgan(dcgan::Discriminator),
    Projected(Box<Projected>),
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
        let network = match config.discriminator.family {
            DiscriminatorFamily::Dcgan => Network::Dcgan(dcgan::Discriminator::new(&mut b, config, classes)?),
            DiscriminatorFamily::Projected => Network::Projected(Box::new(Projected::new(&mut b, config, classes)?)),
        };
        Ok((Self { network }, store))
    }

    /// What it makes of images `(B, size, size, channels)`, of the size of the pass's stage, before anything that learns: the
    /// images themselves, or the features of a frozen network. It can be judged any number of times.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn look(&self, pass: &mut Pass<'_>, images: &Value) -> Result<Vec<Value>> {
        match &self.network {
            Network::Dcgan(_) => Ok(vec![images.clone()]),
            Network::Projected(network) => network.look(pass, images),
        }
    }

    /// What [`Discriminator::look`] made of images, and labels `(B)` u32, to judgements.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn judge(&self, pass: &mut Pass<'_>, looked: &[Value], labels: &Tensor) -> Result<Vec<Judgement>> {
        match &self.network {
            Network::Dcgan(network) => match looked {
                [images] => network.forward(pass, images, labels),
                _ => {
                    candle_core::bail!("a discriminator of pixels judges images, and {} maps were given", looked.len())
                }
            },
            Network::Projected(network) => network.judge(pass, looked, labels),
        }
    }

    /// Images and labels to judgements: both of these in one.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Vec<Judgement>> {
        let looked = self.look(pass, images)?;
        self.judge(pass, &looked, labels)
    }
}
