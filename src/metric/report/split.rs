//! Which images belong to what.

use rand::seq::SliceRandom as _;

use super::Side;
use crate::config::rng::{Purpose, stream};
use crate::metric::Features;

/// Holds out a third of the images of each class: those that stay and those that are held out, both in rising order. A
/// class with fewer than three images keeps them.
pub fn split(labels: &[u32], classes: usize, seed: u32) -> (Vec<usize>, Vec<usize>) {
    let (mut kept, mut held_out) = (Vec::new(), Vec::new());
    for class in 0..classes {
        let mut images = members(labels, class);
        images.shuffle(&mut stream(u64::from(seed), Purpose::ScoreSplit, class as u64));
        let (out, rest) = images.split_at(images.len() / 3);
        held_out.extend(out);
        kept.extend(rest);
    }
    kept.sort_unstable();
    held_out.sort_unstable();
    (kept, held_out)
}

/// The images of a class.
pub(super) fn members(labels: &[u32], class: usize) -> Vec<usize> {
    (0..labels.len()).filter(|image| labels[*image] as usize == class).collect()
}

/// Some images of a side, with their labels.
pub(super) struct Part {
    pub features: Features,
    pub labels: Vec<u32>,
}

impl Part {
    pub fn of(side: Side<'_>, images: &[usize]) -> Self {
        let labels = images.iter().map(|image| side.labels[*image]).collect();
        Self { features: side.features.take(images), labels }
    }

    pub fn class(&self, class: usize) -> Features {
        self.features.take(&members(&self.labels, class))
    }
}
