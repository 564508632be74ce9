//! Intervals of means by the percentile bootstrap (Efron 1979).
//!
//! Only for scores that are means over images. A distance between sets has none here: drawing images again repeats some,
//! and repeated images alone move a Fréchet distance.

use rand::Rng as _;
use rayon::prelude::*;

use crate::config::chance::{Purpose, stream};

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
    let mut means: Vec<f64> = (0..DRAWS).into_par_iter().map(mean).collect();
    means.sort_by(f64::total_cmp);
    Some([means[DRAWS as usize / 40], means[DRAWS as usize - 1 - DRAWS as usize / 40]])
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
}
