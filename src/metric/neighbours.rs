//! Scores of nearest neighbours: how many fakes lie among the reals, how much of the reals the fakes reach, and which
//! fakes are copies.
//!
//! Precision and recall are those of Kynkaanniemi et al. 2019 (arXiv 1904.06991), density and coverage those of Naeem
//! et al. 2020 (arXiv 2002.09797), whose published code decides what "within" means: strictly nearer than the k-th
//! nearest other image of the same set. AuthPct is that of Alaa et al. 2022 (arXiv 2102.08921).

use std::sync::atomic::{AtomicBool, Ordering};

use super::distance::Points;
use super::{Features, MetricError};

/// A fake's nearest real image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// The real image's place, from 0.
    pub index: usize,
    /// The Euclidean distance of their features.
    pub distance: f64,
    /// Whether that real image has another real one nearer than this fake, so that the fake is no copy of it.
    pub authentic: bool,
}

/// Who lies near whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    k: usize,
    /// For each fake, how many real images have it within their radius.
    within: Vec<u32>,
    /// For each real image, whether it lies within the radius of some fake.
    recalled: Vec<bool>,
    /// For each real image, whether some fake lies within its radius.
    covered: Vec<bool>,
    nearest: Vec<Nearest>,
}

impl Neighbours {
    /// Of two sets of more than `k` images each. Takes memory for one block of distances a thread.
    ///
    /// # Errors
    /// For different extractors, `k` of 0, or too few images.
    pub fn of(real: &Features, fake: &Features, k: usize) -> Result<Self, MetricError> {
        real.comparable(fake, k.max(1) + 1)?;
        if k == 0 {
            return Err(MetricError::NoNeighbours);
        }
        let centre = real.mean();
        let (real, fake) = (Points::new(real, &centre), Points::new(fake, &centre));
        let of_real = real.nearest_others(k);
        let radius = |nearest: &Vec<f64>| nearest.last().copied().unwrap_or(0.0);
        let real_radii: Vec<f64> = of_real.iter().map(radius).collect();
        let fake_radii: Vec<f64> = fake.nearest_others(k).iter().map(radius).collect();
        // One pass over all pairs tells of both sides. Flags only ever rise, so the order in which threads meet is nothing.
        let flags = || -> Vec<AtomicBool> { (0..real.len()).map(|_| AtomicBool::new(false)).collect() };
        let (recalled, covered) = (flags(), flags());
        let from_fakes = fake.each(
            &real,
            |row| (fake_radii[row], 0_u32, 0, f64::INFINITY),
            |(radius, within, index, least), first, squared| {
                let columns = squared.iter().zip(&real_radii[first..]).enumerate();
                for (column, (distance, real_radius)) in columns {
                    if distance < real_radius {
                        *within += 1;
                        covered[first + column].store(true, Ordering::Relaxed);
                    }
                    if *distance < *radius {
                        recalled[first + column].store(true, Ordering::Relaxed);
                    }
                    if distance < least {
                        (*index, *least) = (first + column, *distance);
                    }
                }
            },
        );
        let told = |flags: Vec<AtomicBool>| flags.into_iter().map(AtomicBool::into_inner).collect();
        let nearest = from_fakes.iter().map(|(.., index, least)| {
            let authentic = of_real[*index].first().is_some_and(|other| other < least);
            Nearest { index: *index, distance: least.sqrt(), authentic }
        });
        Ok(Self {
            k,
            nearest: nearest.collect(),
            within: from_fakes.iter().map(|(_, within, ..)| *within).collect(),
            recalled: told(recalled),
            covered: told(covered),
        })
    }

    /// Which neighbour makes a radius.
    pub fn k(&self) -> usize {
        self.k
    }

    /// For each fake, 1 where it lies within the radius of a real image, else 0; their mean is the precision.
    pub fn precision(&self) -> Vec<f64> {
        self.within.iter().map(|within| f64::from(u8::from(*within > 0))).collect()
    }

    /// For each real image, 1 where it lies within the radius of a fake, else 0; their mean is the recall.
    pub fn recall(&self) -> Vec<f64> {
        self.recalled.iter().map(|recalled| f64::from(u8::from(*recalled))).collect()
    }

    /// For each fake, how many real images have it within their radius, over k; the mean is the density, and can exceed 1.
    pub fn density(&self) -> Vec<f64> {
        self.within.iter().map(|within| f64::from(*within) / self.k as f64).collect()
    }

    /// For each real image, 1 where a fake lies within its radius, else 0; the mean is the coverage.
    pub fn coverage(&self) -> Vec<f64> {
        self.covered.iter().map(|covered| f64::from(u8::from(*covered))).collect()
    }

    /// For each fake, 100 where it is authentic, else 0; the mean is AuthPct.
    pub fn authentic(&self) -> Vec<f64> {
        self.nearest.iter().map(|nearest| if nearest.authentic { 100.0 } else { 0.0 }).collect()
    }

    /// For each fake, its nearest real image.
    pub fn nearest(&self) -> &[Nearest] {
        &self.nearest
    }
}

/// How far each image is from the nearest other one of its own set: what distances to fakes compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Spacing {
    squared: Vec<f64>,
}

impl Spacing {
    /// Of a set of images.
    ///
    /// # Errors
    /// For fewer than two images.
    pub fn of(features: &Features) -> Result<Self, MetricError> {
        features.comparable(features, 2)?;
        let nearest = Points::new(features, &features.mean()).nearest_others(1);
        Ok(Self { squared: nearest.into_iter().flatten().collect() })
    }

    /// The distance of each image.
    pub fn distances(&self) -> Vec<f64> {
        self.squared.iter().map(|squared| squared.sqrt()).collect()
    }
}

/// For each fake its nearest real image, with the spacing of the real images.
///
/// # Errors
/// For different extractors, no fake, or the spacing of other images.
pub fn nearest_knowing(real: &Features, fake: &Features, spacing: &Spacing) -> Result<Vec<Nearest>, MetricError> {
    real.comparable(fake, 1)?;
    if spacing.squared.len() != real.len() {
        return Err(MetricError::Few { images: spacing.squared.len(), needed: real.len() });
    }
    let centre = real.mean();
    let found = Points::new(fake, &centre).nearest(&Points::new(real, &centre));
    let nearest = found.into_iter().map(|(index, squared)| Nearest {
        index,
        distance: squared.sqrt(),
        authentic: spacing.squared[index] < squared,
    });
    Ok(nearest.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_images_are_those_of_the_scores() {
        let numbers = |n: usize, seed: usize| (0..n * 4).map(|i| ((i * i * 29 + seed) % 83) as f64).collect();
        let (real, fake) = (Features::new(numbers(40, 3), 4).unwrap(), Features::new(numbers(12, 8), 4).unwrap());
        // A copy, and two that share their nearest real image.
        let fake = Features::new([fake.numbers(), real.row(7), real.row(7)].concat(), 4).unwrap();
        let want = Neighbours::of(&real, &fake, 2).unwrap();
        let found = nearest_knowing(&real, &fake, &Spacing::of(&real).unwrap()).unwrap();
        for (found, want) in found.iter().zip(want.nearest()) {
            assert_eq!((found.index, found.authentic), (want.index, want.authentic));
            assert!((found.distance - want.distance).abs() < 1e-9);
        }
        assert_eq!(found.len(), 14);
        assert!(!want.nearest()[13].authentic && want.nearest()[13].distance == 0.0);
    }
}
