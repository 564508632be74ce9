//! How good the images are: distances and scores between sets of features, in f64.
//!
//! [`Statistics`] sums up the features of a set of images, and [`frechet_distance`] compares two such sets:
//!
//! ```no_run
//! # use gandle::config::Shipped;
//! # use gandle::feature::EfficientNet;
//! # use gandle::metric::{Statistics, frechet_distance};
//! # fn judge(real: &[u8], fake: &[u8]) -> anyhow::Result<f64> {
//! let network = EfficientNet::shipped(Shipped::DEFAULT)?;
//! let real = Statistics::of(&network.features(real, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! let fake = Statistics::of(&network.features(fake, 64, 64, 3)?, EfficientNet::FEATURES)?;
//! Ok(frechet_distance(&real, &fake)?)
//! # }
//! ```
//!
//! [`report::scores`] computes this and all other scores at once, of all images and of each class, with warnings where a
//! number is to be read with care; the other functions here compute one score each. All are compared in the tests with
//! other people's implementations.
//!
//! This is a Fréchet distance on the features of an EfficientNet-Lite, **not** the FID of papers, which is the same
//! distance on the features of the Inception of 2015. Its values compare with each other, for one set of real images
//! and one number of fakes, and never with published FIDs; so whatever shows a value names the extractor beside it.

mod bootstrap;
mod classifier;
mod copying;
mod distance;
mod features;
pub mod frechet;
mod inception_score;
mod kernel;
mod linalg;
mod neighbours;
mod numpy;
pub mod report;
mod ssim;
mod stored;
mod vendi;

pub use classifier::{Accuracy, classify};
pub use copying::copying;
pub use features::Features;
pub use frechet::{Statistics, frechet_distance};
pub use inception_score::{InceptionScore, inception_score};
pub use kernel::{KernelDistance, Subsets, kernel_distance};
pub use neighbours::{Nearest, Neighbours, Spacing, nearest_knowing};
pub use report::{Metric, Report, Score, Warning};
pub use ssim::{ms_ssim, scales};
pub use vendi::vendi_score;

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
    /// The score needs more images.
    #[error("this score needs at least {needed} images on either side, and one side has {images}: add images")]
    Few {
        /// Images given.
        images: usize,
        /// Images needed.
        needed: usize,
    },
    /// A neighbourhood of nobody.
    #[error("k must be 1 or more: it counts the neighbours that make an image's radius")]
    NoNeighbours,
    /// Nothing to draw.
    #[error("a kernel distance needs at least 1 subset of at least 2 images")]
    NoSubsets,
    /// An image has no direction in the space of features.
    #[error("the features of image {image} are all zero, so that it is like no other: look at the image")]
    NoDirection {
        /// The image's place, from 0.
        image: usize,
    },
    /// Labels and images do not fit.
    #[error("{labels} labels for {images} images, each to be below {classes}")]
    Labels {
        /// Images given.
        images: usize,
        /// Labels given.
        labels: usize,
        /// Classes that there are.
        classes: usize,
    },
    /// Images of one class only, or none of a class on both sides.
    #[error("no class has images on both sides: give both sides one sub-folder per class, with the same names")]
    NoClasses,
    /// The extractor has no classifier.
    #[error("this extractor gives no logits: use the Inception network")]
    NoLogits,
    /// The caller asked to stop.
    #[error("the scores were not computed to the end: cancelled")]
    Cancelled,
    /// Nothing to tell apart.
    #[error("a classifier needs images of at least 2 classes to learn from: add the others")]
    OneClass,
    /// Nothing to test on.
    #[error(
        "it is measured on real images that the generator was not trained on, and none are held out: hold some out (data.held_out of a run, --held-out of gandle score), whole patients at a time"
    )]
    NoHeldOut,
    /// What is tested on was learnt from.
    #[error(
        "{images} of the held-out images are among the real ones too, pixel by pixel, so that nothing could be said of new patients: take them out of one side"
    )]
    Shared {
        /// How many.
        images: usize,
    },
    /// There are too few fakes for the share of them.
    #[error("it needs {needed} fakes of a class that has {images}: generate more")]
    FewFakes {
        /// Fakes of the class.
        images: usize,
        /// Fakes needed.
        needed: usize,
    },
    /// Nobody made altered copies.
    #[error("it needs the pixels of the real images, for altered copies of them")]
    NoCopies,
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
