//! The families of networks, and what each can do.

use serde::{Deserialize, Serialize};

use super::{Choice, Conditioning, Shipped};

choice! {
    /// `generator.family`
    GeneratorFamily {
        Dcgan = "dcgan": "4x4 transposed convolutions, each doubling the side (DCGAN, Radford et al. 2016). Normalisation, attention, skip and growing are its options.",
        Fast = "fast": "Upsampling and 3x3 convolutions with gated linear units; noise and label reach every layer through its normalisation. Learns in minutes with a projected discriminator.",
    }
}
choice! {
    /// `discriminator.family`
    DiscriminatorFamily {
        Dcgan = "dcgan": "4x4 convolutions on the pixels, each halving the side (DCGAN, Radford et al. 2016).",
        Projected = "projected": "Small heads on the features of a frozen EfficientNet-Lite0: what photographs taught it about edges, textures and shapes need not be learnt again (Projected GAN, Sauer et al. 2021).",
    }
}

/// Sides of images that the frozen network of a `projected` discriminator can see.
pub const INPUT_SIZES: [usize; 4] = [32, 64, 128, 256];

impl GeneratorFamily {
    /// Whether its networks can grow.
    pub(super) fn grows(self) -> bool {
        match self {
            Self::Dcgan => true,
            Self::Fast => false,
        }
    }

    /// Whether layers are alike at other image sizes, so that a fork can go on at one.
    pub fn resizes(self) -> bool {
        match self {
            Self::Dcgan => false,
            Self::Fast => true,
        }
    }
}

impl DiscriminatorFamily {
    /// Whether its networks can grow.
    pub(super) fn grows(self) -> bool {
        match self {
            Self::Dcgan => true,
            Self::Projected => false,
        }
    }

    /// How it can be told the label.
    pub fn conditionings(self) -> &'static [Conditioning] {
        match self {
            Self::Dcgan => Conditioning::ALL,
            Self::Projected => &[Conditioning::None, Conditioning::Projection],
        }
    }

    /// The frozen network that it judges features of.
    pub fn frozen(self) -> Option<Shipped> {
        match self {
            Self::Dcgan => None,
            Self::Projected => Some(Shipped::EfficientNetLite0),
        }
    }
}
