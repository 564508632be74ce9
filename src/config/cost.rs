//! What a configuration costs: feature maps, parameters and memory, by arithmetic alone.

use super::plan::{fast, projected};
use super::{
    AttentionForm, Conditioning, Config, DiscriminatorFamily, DiscriminatorNorm, GeneratorFamily, GeneratorNorm, Skip,
};

/// One feature map of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Width and height in positions.
    pub resolution: usize,
    /// Channels.
    pub channels: usize,
    /// The self-attention that follows, where there is one.
    pub attention: Option<AttentionForm>,
}

/// Most classes that a run can have.
pub const MOST_CLASSES: usize = 10_000;

/// What a configuration costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Numbers that the generator learns.
    pub generator_parameters: usize,
    /// Numbers that the discriminator learns.
    pub discriminator_parameters: usize,
    /// Bytes that training needs at its peak, roughly (within a factor of two).
    pub training_bytes: usize,
}

impl Config {
    /// Real images that one update of the discriminator sees: what images a second count in each step.
    pub fn images_per_step(&self) -> usize {
        self.train.batch_size * self.optimizer.accumulation
    }

    /// Stride-2 layers of each network: 4x4 is the narrowest feature map.
    pub fn layers(&self) -> usize {
        (self.image_size.max(16).ilog2() - 2) as usize
    }

    /// Resolutions of the generator's feature maps, in order: 4 up to half the image size.
    pub fn generator_maps(&self) -> Vec<usize> {
        (0..self.layers()).map(|i| 4 << i).collect()
    }

    /// Resolutions of the feature maps of a discriminator that sees `size` pixels, in order: half of it down to 4.
    pub fn discriminator_maps(&self, size: usize) -> Vec<usize> {
        (0..(size.max(16).ilog2() - 2) as usize).map(|i| size >> (i + 1)).collect()
    }

    /// The generator's feature maps, in order.
    pub fn generator_layers(&self) -> Vec<Layer> {
        let g = &self.generator;
        let layers = self.layers();
        let layer = |(i, resolution): (usize, usize)| Layer {
            resolution,
            channels: g.base_channels << (layers - 1 - i),
            attention: g.attention.contains(&resolution).then_some(g.attention_form),
        };
        self.generator_maps().into_iter().enumerate().map(layer).collect()
    }

    /// The feature maps of a discriminator that sees `size` pixels, in order.
    pub fn discriminator_layers(&self, size: usize) -> Vec<Layer> {
        let d = &self.discriminator;
        let layer = |(i, resolution): (usize, usize)| Layer {
            resolution,
            channels: d.base_channels << i,
            attention: d.attention.contains(&resolution).then_some(d.attention_form),
        };
        self.discriminator_maps(size).into_iter().enumerate().map(layer).collect()
    }

    /// Which feature maps of the generator gate which, with `excitation`: `(from, to)`. A map is gated by the one a sixteenth
    /// as wide, as in the paper, from 256 px on; smaller images have too few maps for that, so the ratio is
    /// `image_size / 16`, at least 2: 4 to 32 and 8 to 64 at 128 px, 4 to 16 and 8 to 32 at 64 px, 4 to 8 at 16 px.
    pub fn excitations(&self) -> Vec<(Layer, Layer)> {
        if self.generator.skip != Skip::Excitation {
            return Vec::new();
        }
        let ratio = (self.image_size / 16).clamp(2, 16);
        let layers = self.generator_layers();
        let from = |to: &Layer| layers.iter().find(|from| from.resolution * ratio == to.resolution).copied();
        layers.iter().filter_map(|to| Some((from(to)?, *to))).collect()
    }

    /// Input and output channels of the transposed convolutions of a U-Net's decoder above these feature maps, from the narrowest
    /// map on. All but the last, which gives the pixels' logits, are joined by the map of their output's side.
    pub fn decoder_widths(&self, layers: &[Layer]) -> Vec<[usize; 2]> {
        let mut inputs = layers.last().map_or(0, |layer| layer.channels);
        let mut out = Vec::new();
        for layer in layers.iter().rev().skip(1) {
            out.push([inputs, layer.channels]);
            inputs = 2 * layer.channels;
        }
        out.push([inputs, 1]);
        out
    }

    /// Channels that the label adds to the discriminator's input.
    pub fn label_planes(&self) -> usize {
        match self.discriminator.conditioning {
            Conditioning::LabelMap | Conditioning::ProjectedMap => 1,
            Conditioning::Replicated => self.discriminator.label_embedding,
            Conditioning::None | Conditioning::Auxiliary | Conditioning::Projection => 0,
        }
    }

    /// Parameters and memory for this many classes. Meaningful for a configuration without errors.
    pub fn cost(&self, classes: usize) -> Cost {
        // Beyond what `check` allows the numbers mean nothing, but they must still be computable.
        let mut config = self.clone();
        let limit = |number: &mut usize, most: usize| *number = (*number).min(most);
        config.image_size = config.image_size.clamp(16, 512);
        limit(&mut config.channels, 3);
        limit(&mut config.generator.base_channels, 512);
        limit(&mut config.discriminator.base_channels, 512);
        limit(&mut config.generator.latent_dim, 4096);
        limit(&mut config.generator.label_embedding, 4096);
        limit(&mut config.discriminator.label_embedding, 4096);
        limit(&mut config.discriminator.input_size, 256);
        limit(&mut config.discriminator.pixel_channels, 512);
        let scales = (config.image_size.ilog2() - 3) as usize;
        limit(&mut config.discriminator.scales, scales);
        limit(&mut config.train.batch_size, 4096);
        config.computable_cost(classes.min(MOST_CLASSES))
    }

    fn computable_cost(&self, classes: usize) -> Cost {
        let (generator_parameters, drawn) = match self.generator.family {
            GeneratorFamily::Dcgan => (self.generator_parameters(classes), maps(&self.generator_layers())),
            GeneratorFamily::Fast => {
                let plan = fast::generator(self, classes);
                (plan.parameters(), 2 * plan.activations())
            }
        };
        let (discriminator_parameters, judged, frozen) = match self.discriminator.family {
            DiscriminatorFamily::Dcgan => {
                let (parameters, judged) = self.dcgan_discriminator(classes);
                (parameters, judged, 0)
            }
            DiscriminatorFamily::Projected => {
                let beside = self.beside_projected().map_or((0, 0), |beside| beside.dcgan_discriminator(classes));
                let (mixing, heads) = (projected::mixing(self), projected::heads(self, classes));
                let judged = 2 * (mixing.activations() + heads.activations());
                (heads.parameters() + beside.0, judged + beside.1, self.frozen_bytes())
            }
        };
        // Weights, gradients and two moments of both; the averaged generator; the discriminator's and the
        // generator's feature maps with their gradients, the former for real and fake at once.
        let weights = 4 * (generator_parameters + discriminator_parameters) + generator_parameters;
        let image = self.image_size * self.image_size * (self.channels + self.label_planes());
        // A second look at reals, and at fakes, is judged beside the first.
        let looks = [self.loss.consistency_real, self.loss.consistency_fake].into_iter().filter(|weight| *weight > 0.0);
        let activations = 2 * drawn + (3 + looks.count()) * judged + 8 * image;
        let compared = if self.loss.compares_features() {
            self.loss.features.bytes(self.image_size, self.train.batch_size)
        } else {
            0
        };
        let training_bytes = 4 * (weights + self.train.batch_size * activations) + compared + frozen + (120 << 20);
        Cost { generator_parameters, discriminator_parameters, training_bytes }
    }

    /// Parameters of a `dcgan` discriminator, and numbers of its feature maps with their gradients for one image.
    fn dcgan_discriminator(&self, classes: usize) -> (usize, usize) {
        let sizes = (0..self.discriminator.scales).map(|s| self.image_size >> s);
        let parameters = sizes.map(|size| self.discriminator_parameters(size, classes)).sum();
        // A decoder's maps, with the joined ones, are about three times the encoder's.
        let decoded = if self.discriminator.unet { 4 } else { 1 };
        (parameters, decoded * maps(&self.discriminator_layers(self.image_size)))
    }

    /// Bytes of the frozen network of a `projected` discriminator: its weights, forwards and backwards, and what it remembers of
    /// each image for the gradient.
    fn frozen_bytes(&self) -> usize {
        4 * (2 * 3_400_000 + self.train.batch_size * 24 * self.projected_input().pow(2))
    }

    fn generator_parameters(&self, classes: usize) -> usize {
        let g = &self.generator;
        let mut inputs = g.latent_dim + g.label_embedding;
        let mut total = classes * g.label_embedding;
        for (i, layer) in self.generator_layers().iter().enumerate() {
            total += inputs * layer.channels * 16;
            total += match g.norm {
                GeneratorNorm::Batch => 2 * layer.channels,
                GeneratorNorm::ConditionalBatch => 2 * layer.channels * classes,
            };
            if g.skip == Skip::Residual && i > 0 {
                total += inputs * layer.channels;
            }
            total += layer.attention.map_or(0, |form| form.parameters(layer.channels));
            inputs = layer.channels;
        }
        for resolution in self.growing_resolutions() {
            let from = self.generator_layers().into_iter().find(|layer| 2 * layer.resolution == resolution);
            total += from.map_or(0, |layer| layer.channels * self.channels * 16);
        }
        for (from, to) in self.excitations() {
            total += from.channels * to.channels * 16 + to.channels * to.channels;
        }
        total + inputs * self.channels * 16
    }

    fn discriminator_parameters(&self, size: usize, classes: usize) -> usize {
        let d = &self.discriminator;
        let mut total = match d.conditioning {
            Conditioning::LabelMap => classes * size * size,
            Conditioning::Replicated => classes * d.label_embedding,
            Conditioning::ProjectedMap => classes * d.label_embedding + (d.label_embedding + 1) * size * size,
            Conditioning::None | Conditioning::Auxiliary | Conditioning::Projection => 0,
        };
        let mut inputs = self.channels + self.label_planes();
        let layers = self.discriminator_layers(size);
        for (i, layer) in layers.iter().enumerate() {
            let normalised = i > 0 && d.norm != DiscriminatorNorm::None;
            total += inputs * layer.channels * 16 + layer.channels * if normalised { 2 } else { 1 };
            total += layer.attention.map_or(0, |form| form.parameters(layer.channels));
            inputs = layer.channels;
        }
        total += inputs * 16 + 1;
        if d.minibatch_stddev {
            total += 16;
        }
        if d.unet {
            total += self.decoder_parameters(&layers);
        }
        if size == self.image_size {
            total += self.growing_resolutions().into_iter().map(|r| self.input_parameters(r, classes)).sum::<usize>();
        }
        match d.conditioning {
            Conditioning::Auxiliary => total + classes * (inputs * 16 + 1),
            Conditioning::Projection => total + classes * inputs,
            Conditioning::None | Conditioning::LabelMap | Conditioning::Replicated | Conditioning::ProjectedMap => {
                total
            }
        }
    }

    /// Those of the discriminator's input layer for images of an earlier stage.
    fn input_parameters(&self, resolution: usize, classes: usize) -> usize {
        let d = &self.discriminator;
        let layers = self.discriminator_layers(self.image_size);
        let Some(to) = layers.iter().find(|layer| 2 * layer.resolution == resolution) else { return 0 };
        let pixels = resolution * resolution;
        let label = match d.conditioning {
            Conditioning::LabelMap => classes * pixels,
            Conditioning::ProjectedMap => (d.label_embedding + 1) * pixels,
            Conditioning::None | Conditioning::Replicated | Conditioning::Auxiliary | Conditioning::Projection => 0,
        };
        label + (self.channels + self.label_planes()) * to.channels * 16 + to.channels
    }

    fn decoder_parameters(&self, layers: &[Layer]) -> usize {
        let beside = if self.discriminator.norm == DiscriminatorNorm::None { 1 } else { 2 };
        let widths = self.decoder_widths(layers);
        let layer = |[inputs, outputs]: &[usize; 2]| inputs * outputs * 16 + outputs * beside;
        // The last one has a bias and nothing else.
        widths.iter().map(layer).sum::<usize>() + 1 - beside
    }
}

/// Numbers of feature maps with their gradients.
fn maps(layers: &[Layer]) -> usize {
    let map = |l: &Layer| l.resolution * l.resolution * l.channels * if l.attention.is_some() { 4 } else { 2 };
    layers.iter().map(map).sum()
}

impl AttentionForm {
    /// Channels of query and key, and of the value, on a map with so many.
    pub fn widths(self, channels: usize) -> (usize, usize) {
        let wide = match self {
            Self::Plain => channels,
            Self::Sagan => (channels / 2).max(1),
        };
        ((channels / 8).max(1), wide)
    }

    /// Its convolutions with their biases, and the gate.
    fn parameters(self, channels: usize) -> usize {
        let (narrow, wide) = self.widths(channels);
        let read = channels * (2 * narrow + wide);
        match self {
            Self::Plain => read + 2 * narrow + wide + 1,
            Self::Sagan => read + wide * channels + 1,
        }
    }
}
