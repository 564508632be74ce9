//! One seed, one source of chance, split by purpose.
//!
//! Every stream is a ChaCha generator whose key comes from the seed and whose stream number comes from the purpose
//! and a counter. A run that knows its seed and its counters can therefore draw any number again, which is what
//! makes a resumed run equal to an unbroken one.
//!
//! ```
//! use gandle::config::rng::{Purpose, stream};
//! use rand::Rng as _;
//!
//! let first = |index| stream(7, Purpose::Grid, index).random::<u32>();
//! assert_eq!(first(3), first(3));
//! assert_ne!(first(3), first(4));
//! ```

use rand::SeedableRng as _;
pub use rand_chacha::ChaCha8Rng;

/// What random numbers are for. Streams of different purposes never share a number.
///
/// 15, 16, 18, 19 and 24 are retired: older releases drew from those streams, and a new purpose must not share their numbers.
/// The next free one is 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The weights at the start.
    Weights = 1,
    /// The order in which images are shown.
    Order = 2,
    /// Flips, rotations and colour changes of real images.
    Augmentation = 3,
    /// Latent noise and labels of the discriminator's updates.
    DiscriminatorNoise = 4,
    /// Latent noise and labels of the generator's updates.
    GeneratorNoise = 5,
    /// The fixed noise of the sample grid.
    Grid = 6,
    /// Latent noise of the images that are scored.
    Score = 7,
    /// Latent noise of exported images.
    Export = 8,
    /// The drawn demo set.
    Demo = 9,
    /// Noise on the images of the discriminator's updates.
    DiscriminatorInstanceNoise = 10,
    /// Noise on the images of the generator's updates.
    GeneratorInstanceNoise = 11,
    /// Changes of the images of the discriminator's updates.
    DiscriminatorAugment = 12,
    /// Changes of the images of the generator's updates.
    GeneratorAugment = 13,
    /// The second look at an image that consistency compares with the first.
    Consistency = 14,
    /// Which images are held out of training.
    Split = 17,
    /// Which real images are held out where a score needs some.
    ScoreSplit = 20,
    /// Images that are drawn again for the interval of a score.
    ScoreBootstrap = 21,
    /// Pairs of images of one class.
    ScorePairs = 22,
    /// Images of a blind test, and their order.
    Quiz = 23,
    /// The seed of the order and the variation of the real images that the generator's updates compare with.
    GeneratorReal = 25,
    /// Latent noise and labels of the images from which the averaged generator's running statistics are taken.
    StandingStats = 26,
    /// How copies of real images are altered that a score's classifier learns from.
    ScoreCopies = 27,
}

/// The stream of a purpose: the `index`-th of its kind (a step, an image, an epoch; below 2^56).
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 56 | (index & ((1 << 56) - 1)));
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn streams_repeat_and_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| stream(seed, purpose, index).random::<u64>();
        let base = first(1, Purpose::Order, 0);
        assert_eq!(base, first(1, Purpose::Order, 0));
        for other in [first(2, Purpose::Order, 0), first(1, Purpose::Grid, 0), first(1, Purpose::Order, 1)] {
            assert_ne!(base, other);
        }
    }
}
