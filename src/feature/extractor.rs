//! The networks that images can be seen through, by their names.

use std::path::Path;

use super::inception::{Inception, Seen};
use super::{EfficientNet, FeatureError, Picture, Resize};
use crate::config::ExtractorName;
use crate::guard;

/// A network that turns images into features.
pub enum Extractor {
    /// Compiled in.
    EfficientNet(Box<EfficientNet>),
    /// Of a user's file.
    Inception(Box<Inception>),
}

impl Extractor {
    /// The network of a name that [`ExtractorName::parse`] reads.
    ///
    /// # Errors
    /// For another name, or weights that cannot be used.
    pub fn named(name: &str) -> Result<Self, FeatureError> {
        match ExtractorName::parse(name) {
            Some(ExtractorName::Shipped(network)) => Ok(Self::EfficientNet(Box::new(EfficientNet::shipped(network)?))),
            Some(ExtractorName::Inception(file)) => Ok(Self::Inception(Box::new(Inception::open(Path::new(file))?))),
            None => Err(FeatureError::Unknown { name: name.to_owned() }),
        }
    }

    /// What scores on its features are labelled with.
    pub fn name(&self) -> &str {
        match self {
            Self::EfficientNet(network) => network.name(),
            Self::Inception(network) => network.name(),
        }
    }

    /// SHA-256 of the file of weights, in hexadecimal.
    pub fn weights_sha256(&self) -> String {
        match self {
            Self::EfficientNet(network) => guard::hex(&network.weights_sha256()),
            Self::Inception(network) => network.weights_sha256().to_owned(),
        }
    }

    /// Features of an image.
    pub fn features(&self) -> usize {
        match self {
            Self::EfficientNet(_) => EfficientNet::FEATURES,
            Self::Inception(_) => Inception::FEATURES,
        }
    }

    /// Logits of an image; 0 for a network without them.
    pub fn logits(&self) -> usize {
        match self {
            Self::EfficientNet(_) => 0,
            Self::Inception(_) => Inception::LOGITS,
        }
    }

    /// Looks at pictures of any sizes. Uses the current rayon pool; what is seen in a picture does not depend on the others.
    ///
    /// # Errors
    /// Where the bytes of a picture do not fit its sizes.
    pub fn look(&self, pictures: &[Picture<'_>], resize: Resize) -> Result<Seen, FeatureError> {
        match self {
            Self::EfficientNet(network) => Ok(Seen { features: network.look(pictures, resize)?, logits: Vec::new() }),
            Self::Inception(network) => network.look(pictures, resize),
        }
    }
}
