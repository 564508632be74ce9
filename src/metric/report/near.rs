//! How near real images lie to the training images.

use super::Side;
use super::split::{Part, split};
use crate::metric::{Features, MetricError, Nearest, Spacing, nearest_knowing};

/// Fewer held-out images than this have no median to go by.
const FEW: usize = 20;

/// How near real images lie to the training images: what fakes are compared with. Made once, used for every score.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    spacing: Spacing,
    /// The median distance of real images to their nearest training image.
    pub(super) distance: f64,
    /// How many of 100 are no copies; nothing where too few are left to be asked.
    pub(super) authentic: Option<f64>,
}

impl Near {
    /// Asks held-out images, of 20 or more; else the training images themselves: each for its nearest other one, and a third
    /// of them whether they are copies of the others.
    ///
    /// # Errors
    /// For fewer than two training images, or held-out ones with other features.
    pub fn of(real: Side<'_>, held_out: Option<Side<'_>>, classes: usize, seed: u32) -> Result<Self, MetricError> {
        let spacing = Spacing::of(real.features)?;
        if let Some(held_out) = held_out.filter(|side| side.labels.len() >= FEW) {
            let found = nearest_knowing(real.features, held_out.features, &spacing)?;
            return Ok(Self { spacing, distance: median(distances(&found)), authentic: Some(authentic(&found)) });
        }
        let (kept, out) = split(real.labels, classes, seed);
        let (kept, out) = (Part::of(real, &kept), Part::of(real, &out));
        let found = Spacing::of(&kept.features).and_then(|own| nearest_knowing(&kept.features, &out.features, &own));
        let distance = median(spacing.distances());
        Ok(Self { spacing, distance, authentic: found.ok().map(|found| authentic(&found)) })
    }

    /// The nearest training image of each of `fakes`.
    ///
    /// # Errors
    /// For other features, or no fake.
    pub fn nearest(&self, real: &Features, fakes: &Features) -> Result<Vec<Nearest>, MetricError> {
        nearest_knowing(real, fakes, &self.spacing)
    }
}

pub(super) fn distances(nearest: &[Nearest]) -> Vec<f64> {
    nearest.iter().map(|nearest| nearest.distance).collect()
}

/// How many of 100 are no copies.
fn authentic(nearest: &[Nearest]) -> f64 {
    100.0 * nearest.iter().filter(|nearest| nearest.authentic).count() as f64 / nearest.len().max(1) as f64
}

/// The middle number, or the mean of the two in the middle; 0 of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => 0.0,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => (values[middle - 1] + upper) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as if drawn, of `images` rows.
    fn drawn(images: usize, seed: u64) -> Features {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
        };
        Features::new((0..images * 20).map(|_| draw()).collect(), 20).unwrap()
    }

    fn side<'a>(features: &'a Features, labels: &'a [u32]) -> Side<'a> {
        Side { features, labels: &labels[..features.len()], logits: None }
    }

    #[test]
    fn held_out_images_are_as_near_as_others_of_the_same_source_and_copies_nearer() {
        let (labels, real, other) = ([0; 300], drawn(300, 1), drawn(100, 2));
        let alone = Near::of(side(&real, &labels), None, 1, 3).unwrap();
        let held_out = Near::of(side(&real, &labels), Some(side(&other, &labels)), 1, 3).unwrap();
        assert!((alone.distance / held_out.distance - 1.0).abs() < 0.05, "{alone:?} {held_out:?}");
        // Equal sources in 20 dimensions: well above a half.
        let (a, b) = (alone.authentic.unwrap(), held_out.authentic.unwrap());
        assert!((55.0..80.0).contains(&a) && (a - b).abs() < 12.0, "{a} {b}");
        let few = Near::of(side(&real, &labels), Some(side(&drawn(FEW - 1, 4), &labels)), 1, 3).unwrap();
        assert_eq!(few, alone, "too few to go by");
        let copies = Features::new(real.numbers()[..100 * 20].iter().map(|v| v + 0.01).collect(), 20).unwrap();
        let found = alone.nearest(&real, &copies).unwrap();
        assert!(median(distances(&found)) < 0.5 * alone.distance && authentic(&found) < 5.0);
    }
}
