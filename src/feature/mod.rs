//! Frozen networks that turn images into features, for scores and for losses.
//!
//! [`EfficientNet`] is compiled in, in two sizes; the weights of other networks, such as [`Inception`], come out of a user's
//! [`TensorFile`]. Features of different networks, or of one network behind different resizes, never compare, so whatever
//! shows a number that was made from features names the extractor and its resize beside it.

mod bilinear;
mod block;
pub mod efficientnet;
mod extractor;
pub(crate) mod file;
pub mod inception;
mod layer;
mod layered;
mod lite;
pub mod perceptual;
mod resize;
mod segment;
mod stem;
mod vgg;
mod weights;

pub use efficientnet::EfficientNet;
pub use extractor::Extractor;
pub use file::TensorFile;
pub use inception::{Inception, Seen};
pub use lite::Lite;
pub use perceptual::{Compared, Perceptual};
pub use resize::{Picture, Resize};

/// Why features could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The compiled-in weights are not those of the network.
    #[error("could not read the weights of {network}: {reason}; this build is damaged, so build or download it again")]
    Weights {
        /// The network's name.
        network: &'static str,
        /// What was missing or of the wrong shape.
        reason: String,
    },
    /// A file of weights cannot be read, or is not that of the network.
    #[error("could not read the weights in {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// There is no network of this name.
    #[error("there is no extractor `{name}`; there are {}", crate::config::ExtractorName::known())]
    Unknown {
        /// What was asked for.
        name: String,
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
}
