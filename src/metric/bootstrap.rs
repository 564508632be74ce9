//! Intervals of means by the percentile bootstrap (Efron 1979), and of shares by Wilson's score.
//!
//! Only for scores that are means over images. A distance between sets has none here: drawing images again repeats some,
//! and repeated images alone move a Fréchet distance.

use rand::Rng as _;
use rayon::prelude::*;

use crate::config::rng::{Purpose, stream};

/// How often the images are drawn again.
const DRAWS: u64 = 1000;

/// Where the mean of 95 of 100 draws lies; nothing for fewer than two values.
pub(super) fn interval(values: &[f64], seed: u64) -> Option<[f64; 2]> {
    if values.len() < 2 {
        return None;
    }
    let mean = |draw: u64| {
        let mut rng = stream(seed, Purpose::ScoreBootstrap, draw);
        (0..values.len()).map(|_| values[rng.random_range(0..values.len())]).sum::<f64>() / values.len() as f64
    };
    Some(inner(DRAWS, mean))
}

/// Where the mean of the means of some classes lies in 95 of 100 draws, each of which draws as many images of a class as there
/// are; nothing where a class has one image alone, of which no draw differs.
pub(super) fn balanced_interval(classes: &[Vec<f64>], seed: u64) -> Option<[f64; 2]> {
    if classes.iter().all(Vec::is_empty) || classes.iter().any(|values| values.len() == 1) {
        return None;
    }
    let mean = |draw: u64| {
        let mut rng = stream(seed, Purpose::ScoreBootstrap, draw);
        let mut of = |values: &Vec<f64>| {
            (0..values.len()).map(|_| values[rng.random_range(0..values.len())]).sum::<f64>() / values.len() as f64
        };
        let filled = classes.iter().filter(|values| !values.is_empty());
        let means: Vec<f64> = filled.map(&mut of).collect();
        means.iter().sum::<f64>() / means.len() as f64
    };
    Some(inner(DRAWS, mean))
}

/// Where the mean of the means of some classes lies in 95 of 100 draws of groups of images, which are drawn whole and among those of
/// their own part. Each image of a group has a class and a value. Nothing where there are fewer than two groups.
pub(super) fn drawn_interval(parts: &[Vec<Vec<(usize, f64)>>], classes: usize, seed: u64) -> Option<[f64; 2]> {
    if parts.iter().map(Vec::len).sum::<usize>() < 2 {
        return None;
    }
    let mean = |draw: u64| {
        let mut rng = stream(seed, Purpose::ScoreBootstrap, draw);
        let mut sums = vec![(0.0, 0_usize); classes];
        for groups in parts {
            for _ in 0..groups.len() {
                for (class, value) in &groups[rng.random_range(0..groups.len())] {
                    sums[*class] = (sums[*class].0 + value, sums[*class].1 + 1);
                }
            }
        }
        let means: Vec<f64> =
            sums.into_iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / count as f64).collect();
        means.iter().sum::<f64>() / means.len().max(1) as f64
    };
    Some(inner(DRAWS, mean))
}

/// Wilson's interval of the share of right ones among images that come in groups, each with its right ones and its images: for as many
/// strangers as the images are worth by the variance between groups (Korn & Graubard 1998), or as many as there are groups where all
/// are right or none is.
pub(super) fn wilson_of_groups(groups: &[(usize, usize)]) -> [f64; 2] {
    let (right, images) = groups.iter().fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    if images == 0 || groups.len() < 2 {
        return wilson_of_share(right as f64 / images.max(1) as f64, groups.len().min(1) as f64);
    }
    let (share, n, count) = (right as f64 / images as f64, images as f64, groups.len() as f64);
    let squares: f64 = groups.iter().map(|(right, images)| (*right as f64 - share * *images as f64).powi(2)).sum();
    let variance = count / (count - 1.0) * squares / (n * n);
    let simple = share * (1.0 - share);
    let worth = if simple == 0.0 { count } else { (simple / variance).clamp(1.0, n) };
    wilson_of_share(share, worth)
}

/// The 95 % interval of a share by Wilson's score (1927), which holds for few images, and where all or none are right.
pub(super) fn wilson(right: usize, images: usize) -> [f64; 2] {
    wilson_of_share(right as f64 / images.max(1) as f64, images as f64)
}

fn wilson_of_share(share: f64, n: f64) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0.0 {
        return [0.0, 1.0];
    }
    let centre = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // Rounding alone could lead beyond what a share can be.
    [((centre - reach) / scale).clamp(0.0, share), ((centre + reach) / scale).clamp(share, 1.0)]
}

/// Where 95 of 100 means lie.
fn inner(draws: u64, mean: impl Fn(u64) -> f64 + Sync + Send) -> [f64; 2] {
    let mut means: Vec<f64> = (0..draws).into_par_iter().map(mean).collect();
    means.sort_by(f64::total_cmp);
    [means[draws as usize / 40], means[draws as usize - 1 - draws as usize / 40]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_mean_and_narrows_with_more_images() {
        let width = |n: usize| {
            let values: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 4 == 0))).collect();
            let [low, high] = interval(&values, 1).unwrap();
            assert!(low <= 0.25 && high >= 0.25, "{low} {high}");
            high - low
        };
        // The standard error of a share of 1/4 is sqrt(3/16/n): 3.92 of them, a little less for few.
        assert!((width(400) - 3.92 * (3.0f64 / 16.0 / 400.0).sqrt()).abs() < 0.015 && width(100) > width(400));
        assert_eq!(interval(&[1.0], 1), None);
        assert_eq!(interval(&[2.0; 9], 1), Some([2.0, 2.0]));
    }

    #[test]
    fn an_interval_of_classes_counts_each_alike_and_draws_within_it() {
        let share = |n: usize, right: usize| (0..n).map(|i| f64::from(u8::from(i < right))).collect::<Vec<_>>();
        // A mean of classes with 90 and 20 of 100: its variance is that of both shares over 4.
        let [low, high] = balanced_interval(&[share(100, 90), share(100, 20), Vec::new()], 3).unwrap();
        let deviation = ((0.09f64 + 0.16) / 100.0 / 4.0).sqrt();
        assert!((low - (0.55 - 1.96 * deviation)).abs() < 0.01 && (high - (0.55 + 1.96 * deviation)).abs() < 0.01);
        // A class that is all right adds no doubt, however large the other.
        assert_eq!(balanced_interval(&[share(5, 5), share(7, 7)], 3), Some([1.0, 1.0]));
        assert_eq!((balanced_interval(&[share(1, 1)], 3), balanced_interval(&[], 3)), (None, None));
    }

    /// Newcombe 1998, table I, method 3.
    #[test]
    fn wilsons_intervals_are_the_published_ones() {
        for (right, images, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let got = wilson(right, images);
            assert!((got[0] - low).abs() < 1e-4 && (got[1] - high).abs() < 1e-4, "{right} of {images}: {got:?}");
        }
        let [low, high] = wilson(20, 20);
        assert!((low - 0.8389).abs() < 1e-4 && high == 1.0);
    }
}
