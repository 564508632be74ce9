//! What the two updates of a step are fed with.

use candle_core::Tensor;

/// What one update of the discriminator sees.
pub struct DiscriminatorBatch {
    /// `(B, size, size, channels)` in [-1, 1].
    pub real: Tensor,
    /// `(B)` u32, of the real images and of the fakes.
    pub labels: Tensor,
    /// `(B, latent_dim)`
    pub z: Tensor,
    /// `(B, 1, 1, 1)` uniform in [0, 1), read by the gradient penalty alone.
    pub alpha: Tensor,
}

/// What one update of the generator sees.
pub struct GeneratorBatch {
    /// `(B, latent_dim)`
    pub z: Tensor,
    /// `(B)` u32.
    pub labels: Tensor,
    /// Real images of these labels, `(B, size, size, channels)` in [-1, 1]; wanted where features are compared.
    pub real: Option<Tensor>,
}

/// Where a step's batches come from.
pub trait Feed {
    /// The next batch of the discriminator.
    ///
    /// # Errors
    /// Where it cannot be had.
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch>;

    /// The next batch of the generator.
    ///
    /// # Errors
    /// Where it cannot be had.
    fn generator(&mut self) -> anyhow::Result<GeneratorBatch>;
}
