//! How alike images of one class are: scores on pixels, for which somebody else has to open the images.

use std::collections::BTreeSet;

use rand::Rng as _;
use rayon::prelude::*;

use super::split::members;
use super::{Metric, Score};
use crate::config::rng::{Purpose, stream};
use crate::metric::bootstrap::interval;
use crate::metric::ms_ssim;

/// Pairs that are looked at in a class.
const PAIRS: usize = 100;

/// Images that can be opened one by one.
#[derive(Clone, Copy)]
pub struct Gallery<'a> {
    /// Their classes, one an image.
    pub labels: &'a [u32],
    /// Opens an image: `(side, side, channels)` bytes; nothing where that fails.
    pub open: &'a (dyn Fn(usize) -> Option<Vec<u8>> + Sync),
    /// Pixels a side.
    pub side: usize,
    /// Bytes a pixel.
    pub channels: usize,
}

impl Gallery<'_> {
    /// The similarities of random pairs of a class: up to 100, the same for the same seed.
    fn similarities(&self, class: usize, seed: u64) -> Vec<f64> {
        let alike = |(first, second): &(usize, usize)| {
            let (a, b) = ((self.open)(*first)?, (self.open)(*second)?);
            ms_ssim(&a, &b, self.side, self.channels)
        };
        pairs(self.labels, class, seed).par_iter().filter_map(alike).collect()
    }
}

/// Random pairs of images of a class: up to 100, the same for the same labels and seed.
fn pairs(labels: &[u32], class: usize, seed: u64) -> Vec<(usize, usize)> {
    let images = members(labels, class);
    let pair = |at: usize| {
        let mut rng = stream(seed, Purpose::ScorePairs, (class * PAIRS + at) as u64);
        let first = rng.random_range(0..images.len());
        let second = (first + rng.random_range(1..images.len())) % images.len();
        (images[first], images[second])
    };
    let count = if images.len() < 2 { 0 } else { PAIRS.min(images.len() * (images.len() - 1) / 2) };
    (0..count).map(pair).collect()
}

/// The images that [`similarities`] opens of a side with these labels.
pub fn paired(labels: &[u32], classes: usize, seed: u32) -> BTreeSet<usize> {
    let of = |class| pairs(labels, class, u64::from(seed)).into_iter().flat_map(|(a, b)| [a, b]);
    (0..classes).flat_map(of).collect()
}

/// How alike random pairs of fakes of each class are, beside real pairs; classes that lack a pair are left out.
/// `progress(done, classes)` is called after each class; false ends the work early.
pub fn similarities(
    real: Gallery<'_>,
    fake: Gallery<'_>,
    classes: usize,
    seed: u32,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Vec<Score> {
    let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let mut scores = Vec::new();
    for class in 0..classes {
        let seed = u64::from(seed);
        let (of_fakes, of_reals) = (fake.similarities(class, seed), real.similarities(class, seed));
        if let Some(value) = mean(&of_fakes) {
            scores.push(Score {
                metric: Metric::MsSsim,
                class: (classes > 1).then_some(class),
                value,
                spread: None,
                interval: interval(&of_fakes, seed),
                patients: None,
                baseline: mean(&of_reals),
                reals: members(real.labels, class).len(),
                fakes: members(fake.labels, class).len(),
            });
        }
        if !progress(class + 1, classes) {
            break;
        }
    }
    scores
}
