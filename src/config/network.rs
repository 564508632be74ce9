//! `[generator]` and `[discriminator]`: the shapes of both networks.

use serde::{Deserialize, Serialize};

use super::{
    AttentionForm, Conditioning, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily, GeneratorNorm, ScaleEdge,
    Skip,
};

/// `[generator]`: the network that draws images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generator {
    /// How it is built.
    pub family: GeneratorFamily,
    /// Random numbers that an image is made from.
    pub latent_dim: usize,
    /// Numbers that stand for a class beside the latent ones.
    pub label_embedding: usize,
    /// `dcgan`: channels of the last inner layer; each layer before it has twice as many. `fast`: what all widths are multiples of.
    pub base_channels: usize,
    /// What normalises the inner layers.
    pub norm: GeneratorNorm,
    /// Resolutions of the feature maps that get self-attention.
    pub attention: Vec<usize>,
    /// How that is built.
    pub attention_form: AttentionForm,
    /// What goes around each upsampling block.
    pub skip: Skip,
}

impl Default for Generator {
    fn default() -> Self {
        Self {
            family: GeneratorFamily::Dcgan,
            latent_dim: 100,
            label_embedding: 128,
            base_channels: 32,
            norm: GeneratorNorm::Batch,
            attention: Vec::new(),
            attention_form: AttentionForm::Plain,
            skip: Skip::None,
        }
    }
}

/// `[discriminator]`: the network that judges images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Discriminator {
    /// How it is built.
    pub family: DiscriminatorFamily,
    /// `dcgan`: channels of the first layer; each layer after it has twice as many. `projected`: channels of all heads.
    pub base_channels: usize,
    /// How the label is told to the discriminator.
    pub conditioning: Conditioning,
    /// Numbers that stand for a class (`replicated` and `projected-map`).
    pub label_embedding: usize,
    /// Divide the layers' weights by their largest singular value, those of `plain` attention excepted.
    pub spectral_norm: bool,
    /// What normalises the layers after the first.
    pub norm: DiscriminatorNorm,
    /// Resolutions of the feature maps that get self-attention.
    pub attention: Vec<usize>,
    /// How that is built.
    pub attention_form: AttentionForm,
    /// Discriminators, each seeing the image at half the size of the one before.
    pub scales: usize,
    /// What lies beyond the border where an image is brought to half its size for the next scale.
    pub scale_edge: ScaleEdge,
    /// Tell the last layer how much the images of a batch differ.
    pub minibatch_stddev: bool,
    /// Judge every pixel beside the whole image, by a decoder with skip connections.
    pub unet: bool,
    /// `projected` only: side of the images that the frozen network sees; 0 follows the image size.
    pub input_size: usize,
    /// `projected` only: base channels of a `dcgan` discriminator beside it; 0 for none.
    pub pixel_channels: usize,
}

impl Default for Discriminator {
    fn default() -> Self {
        Self {
            family: DiscriminatorFamily::Dcgan,
            base_channels: 32,
            conditioning: Conditioning::ProjectedMap,
            label_embedding: 128,
            spectral_norm: true,
            norm: DiscriminatorNorm::None,
            attention: Vec::new(),
            attention_form: AttentionForm::Plain,
            scales: 1,
            scale_edge: ScaleEdge::Zeros,
            minibatch_stddev: false,
            unet: false,
            input_size: 0,
            pixel_channels: 0,
        }
    }
}
