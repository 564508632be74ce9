//! How good the images are: feature extractors, then distances and scores in f64.
//!
//! [`EfficientNet`] turns images into features, [`Statistics`] sums up the features of a set of images, and
//! [`frechet_distance`] compares two such sets:
//!
//! ```no_run
//! # use gandle::metric::{EfficientNet, MetricError, Statistics, frechet_distance};
//! # fn judge(real: &[u8], fake: &[u8]) -> Result<f64, MetricError> {
//! let network = EfficientNet::shipped()?;
//! let real = Statistics::of(&network.features(real, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! let fake = Statistics::of(&network.features(fake, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! frechet_distance(&real, &fake)
//! # }
//! ```
//!
//! This is a Fréchet distance on the features of EfficientNet-Lite0, **not** the FID of papers, which is the same
//! distance on the features of the Inception of 2015. Its values compare with each other, for one set of real images
//! and one number of fakes, and never with published FIDs; so whatever shows a value names the extractor beside it.

mod bilinear;
mod block;
pub mod efficientnet;
pub mod frechet;
mod stored;
mod weights;

pub use efficientnet::EfficientNet;
pub use frechet::{Statistics, frechet_distance};

/// Why a score could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The compiled-in weights are not those of the network.
    #[error("could not read the weights of {network}: {reason}; this build is damaged, so build or download it again")]
    Weights {
        /// The network's name.
        network: &'static str,
        /// What was missing or of the wrong shape.
        reason: String,
    },
    /// The images' bytes do not fit the sizes given with them.
    #[error(
        "could not read {bytes} bytes as images of {height} x {width} pixels with {channels} channel(s): \
         sides must be at least 1, channels 1 or 3, and the bytes a whole number of images"
    )]
    Images {
        /// Bytes given.
        bytes: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Numbers a pixel.
        channels: usize,
    },
    /// The caller asked to stop.
    #[error("the features were not computed to the end: cancelled after {done} of {total} images")]
    Cancelled {
        /// Images done.
        done: usize,
        /// Images asked for.
        total: usize,
    },
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
