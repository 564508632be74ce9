//! The family `dcgan`: transposed convolutions of 4x4 against convolutions of 4x4 (Radford et al. 2016).

mod discriminator;
mod generator;

pub use discriminator::discriminator;
pub(super) use discriminator::judge;
pub use generator::generator;

use super::{Convolution, Op, Plan, Start};
use crate::config::problem::ProblemList;
use crate::config::{AttentionForm, Config, Discriminator, DiscriminatorNorm};

/// Tells what is wrong with the keys that it alone reads.
pub(in crate::config) fn check(d: &Discriminator, list: &mut ProblemList) {
    if d.spectral_norm && d.norm == DiscriminatorNorm::Batch {
        list.warning("discriminator.norm", "batch and spectral normalisation work against each other: batch normalisation rescales what spectral normalisation has bounded, so the discriminator is no longer smooth, and real and fake batches get different statistics. Use one of them (`none` here, or spectral_norm = false)").fix("discriminator.norm", "none");
    }
}

/// 4x4, from a map to one of half its side, or from one to twice its side.
const HALVING: Convolution =
    Convolution { kernel: 4, stride: 2, padding: 1, bias: false, start: Start::Normal, ..Convolution::POINT };
/// 4x4, from a map of that size to one pixel, or from one to such a map.
const WHOLE: Convolution = Convolution { stride: 1, padding: 0, ..HALVING };

impl Config {
    /// Resolutions of the generator's feature maps, in order: 4 up to half the image size.
    pub fn generator_maps(&self) -> Vec<usize> {
        (0..self.discriminator_maps(self.image_size).len()).map(|i| 4 << i).collect()
    }

    /// Resolutions of the feature maps of a discriminator that sees `size` pixels, in order: half of it down to 4.
    pub fn discriminator_maps(&self, size: usize) -> Vec<usize> {
        (0..(size.max(16).ilog2() - 2) as usize).map(|i| size >> (i + 1)).collect()
    }
}

/// Self-attention on a map, where its resolution is among those that have it.
fn attended(plan: &mut Plan, at: &str, x: usize, (asked, form): (&[usize], AttentionForm), spectral: bool) -> usize {
    let side = plan.shape(x)[0];
    match asked.contains(&side) {
        true => plan.node(format!("{at}attention.{side}"), Op::Attention { form, spectral }, &[x], plan.shape(x)),
        false => x,
    }
}
