//! The perceptual and the texture loss: how far the features of generated images are from those of real ones (Johnson et
//! al. 2016; Gatys et al. 2016).

use std::path::Path;

use candle_core::{Device, Result, Tensor, bail};

use super::FeatureError;
use super::layer::Layer;
use super::lite::Lite;
use super::vgg::Vgg19;
use crate::config::{Choice as _, FeatureNetwork, Loss};
use crate::ops::tape::without_recording;
use crate::ops::{Geometry, Value};

/// Mean and standard deviation of ImageNet's colours in [0, 1], which torchvision's networks were trained with.
const IMAGENET: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

/// A frozen network and how much what it sees counts.
pub struct Perceptual {
    network: Network,
    /// Grey or coloured pixels to what the network was trained on; a 1x1 convolution.
    colours: Layer,
    perceptual: f64,
    texture: f64,
    choice: FeatureNetwork,
}

enum Network {
    Lite(Lite),
    Vgg19(Vgg19),
}

impl Perceptual {
    /// What a configuration asks for, on images of so many channels (1 or 3); nothing where both weights are 0.
    ///
    /// # Errors
    /// Where the file of weights cannot be read or is another network's.
    pub fn of(loss: &Loss, channels: usize, device: &Device) -> std::result::Result<Option<Self>, FeatureError> {
        if !loss.compares_features() {
            return Ok(None);
        }
        let choice = loss.features;
        let broken = |reason| FeatureError::Weights { network: choice.key(), reason };
        let network = match choice {
            FeatureNetwork::EfficientNetLite0 => Network::Lite(Lite::shipped(device).map_err(broken)?),
            FeatureNetwork::Vgg19 => Network::Vgg19(Vgg19::open(Path::new(&loss.vgg19), device)?),
        };
        let colours = colours(choice, channels, device).map_err(|err| broken(err.to_string()))?;
        Ok(Some(Self { network, colours, perceptual: loss.perceptual, texture: loss.texture, choice }))
    }

    /// The feature maps `(B, H, W, C)` of images `(B, side, side, channels)` in [-1, 1]: four of EfficientNet-Lite0, a
    /// quarter to a thirty-second as wide as what it sees, or one of VGG19, a sixteenth as wide. Small images are enlarged
    /// by [`FeatureNetwork::enlargement`].
    ///
    /// # Errors
    /// Where the images have another number of channels, or a side that halves to a fraction.
    pub fn features(&self, images: &Value) -> Result<Vec<Value>> {
        let (_, height, width, _) = images.tensor().dims4()?;
        let factor = self.choice.enlargement(height.min(width));
        let multiple = self.choice.multiple();
        if !(height * factor).is_multiple_of(multiple) || !(width * factor).is_multiple_of(multiple) {
            bail!(
                "images of {height}x{width} pixels cannot be compared by {}: sides must be powers of two",
                self.choice
            );
        }
        let images = self.colours.run(images, 1.0)?;
        let images = if factor > 1 { images.upsample(factor)? } else { images };
        match &self.network {
            Network::Lite(network) => network.features(&images),
            Network::Vgg19(network) => network.features(&images),
        }
    }

    /// Both losses with their weights, of fakes `(B, side, side, channels)` and as many real images of the same
    /// labels, the i-th beside the i-th. A gradient reaches the fakes alone.
    ///
    /// Perceptual is the mean absolute difference of the features, texture that of the Gram matrices; with several feature
    /// maps each is the mean over them.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn loss(&self, fake: &Value, real: &Tensor) -> Result<Compared> {
        let real = without_recording(|| self.features(&Value::constant(real.clone())))?;
        let fake = self.features(fake)?;
        let (mut total, mut perceptual, mut texture) = (None, None, None);
        let share = 1.0 / fake.len() as f64;
        for (fake, real) in fake.iter().zip(&real) {
            if self.perceptual > 0.0 {
                let term = fake.sub(real)?.absolute()?.mean_all()?.scale(self.perceptual * share)?;
                add(&mut perceptual, &term)?;
                add(&mut total, &term)?;
            }
            if self.texture > 0.0 {
                let term = gram(fake)?.sub(&gram(real)?)?.absolute()?.mean_all()?.scale(self.texture * share)?;
                add(&mut texture, &term)?;
                add(&mut total, &term)?;
            }
        }
        let Some(total) = total else { bail!("a perceptual loss without a weight compares nothing") };
        Ok(Compared { total, perceptual, texture })
    }
}

/// How far the features of fakes are from those of real images, each with its weight and of shape (1).
pub struct Compared {
    /// What a loss adds: the sum of the others.
    pub total: Value,
    /// The perceptual loss, where it is on.
    pub perceptual: Option<Value>,
    /// The texture loss, where it is on.
    pub texture: Option<Value>,
}

fn add(sum: &mut Option<Value>, term: &Value) -> Result<()> {
    *sum = Some(match &sum {
        Some(before) => before.add(term)?,
        None => term.clone(),
    });
    Ok(())
}

/// The Gram matrix of each image's features `(B, H, W, C)`: `(B, C, C)`, the products of all pairs of channels summed over
/// the pixels and divided by `C * H * W`.
///
/// # Errors
/// Where the shape is another.
pub fn gram(features: &Value) -> Result<Value> {
    let (batch, height, width, channels) = features.tensor().dims4()?;
    let rows = features.reshape(&[batch, height * width, channels])?;
    rows.transpose(1, 2)?.matmul(&rows)?.scale(1.0 / (channels * height * width) as f64)
}

/// The 1x1 convolution from an image's channels to those that the network was trained on. One channel is repeated to three.
fn colours(choice: FeatureNetwork, channels: usize, device: &Device) -> Result<Layer> {
    let mut weights = vec![0.0; 3 * channels];
    let mut bias = vec![0.0; 3];
    for (colour, (mean, deviation)) in IMAGENET.into_iter().enumerate() {
        let (factor, offset) = match choice {
            // It was trained on [-1, 1].
            FeatureNetwork::EfficientNetLite0 => (1.0, 0.0),
            FeatureNetwork::Vgg19 => (0.5 / deviation, (0.5 - mean) / deviation),
        };
        weights[colour * channels + colour % channels] = factor;
        bias[colour] = offset;
    }
    Layer::dense(&weights, bias, [channels, 1], Geometry::new(1, 0), device)
}
