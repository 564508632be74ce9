//! What a normalisation takes from the numbers themselves.

/// What statistics are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All images and positions: a mean and a variance a channel.
    Batch,
    /// All positions and channels of an image: a mean and a variance an image.
    Image,
}

/// Added to every variance, as PyTorch's layers do.
pub const EPSILON: f64 = 1e-5;

/// The statistics that a normalisation found, in f64: a channel's each ([`Over::Batch`]) or an image's each
/// ([`Over::Image`]). The variance is the biased one.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Means.
    pub mean: Vec<f64>,
    /// Variances, divided by the count.
    pub variance: Vec<f64>,
    /// Numbers that each was taken over.
    pub count: usize,
}
