//! How good the images are: distances and scores between sets of features, in f64.
//!
//! [`Statistics`] sums up the features of a set of images, and [`frechet_distance`] compares two such sets:
//!
//! ```no_run
//! # use gandle::feature::EfficientNet;
//! # use gandle::metric::{Statistics, frechet_distance};
//! # fn judge(real: &[u8], fake: &[u8]) -> anyhow::Result<f64> {
//! let network = EfficientNet::shipped()?;
//! let real = Statistics::of(&network.features(real, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! let fake = Statistics::of(&network.features(fake, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! Ok(frechet_distance(&real, &fake)?)
//! # }
//! ```
//!
//! This is a Fréchet distance on the features of EfficientNet-Lite0, **not** the FID of papers, which is the same
//! distance on the features of the Inception of 2015. Its values compare with each other, for one set of real images
//! and one number of fakes, and never with published FIDs; so whatever shows a value names the extractor beside it.

pub mod frechet;
mod stored;

pub use frechet::{Statistics, frechet_distance};

/// Why a score could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// A covariance needs two images.
    #[error("a Fréchet distance needs at least 2 images on either side, and one side has {samples}: add images")]
    TooFew {
        /// Images given.
        samples: usize,
    },
    /// The numbers are not whole feature vectors.
    #[error("{numbers} numbers are no whole number of feature vectors of {dimensions}")]
    Features {
        /// Numbers given.
        numbers: usize,
        /// Length of a feature vector.
        dimensions: usize,
    },
    /// Features of two extractors cannot be compared.
    #[error("real features have {real} dimensions and fake ones {fake}: extract both with the same network")]
    Dimensions {
        /// Dimensions of the real features.
        real: usize,
        /// Dimensions of the fake features.
        fake: usize,
    },
    /// A feature is infinite or not a number.
    #[error("feature {feature} of image {image} is not finite: look for NaN in the images or the weights")]
    NotFinite {
        /// The image's place, from 0.
        image: usize,
        /// The feature's place, from 0.
        feature: usize,
    },
    /// The features are finite but too large to square.
    #[error("the distance is not finite: the features are too large to compare")]
    Overflow,
    /// The singular values did not converge.
    #[error("the singular values did not converge, which finite features of a sensible size never cause")]
    Singular,
}
