//! The Inception score (Salimans et al. 2016, arXiv 1606.03498): how sure a classifier of ImageNet is of each image, and
//! how many of its classes it sees. It knows nothing of the real images, so it says little about any but photographs.

use super::numpy::RandomState;
use super::{Features, MetricError};

/// A score and how far its splits differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InceptionScore {
    /// The mean over the splits.
    pub mean: f64,
    /// Their standard deviation (over their number, as in `numpy.std`).
    pub spread: f64,
    /// How many there were: fewer than asked for where there are fewer images.
    pub splits: usize,
}

/// From logits `(images, classes)`, which torch-fidelity, whose numbers these are, takes without the last layer's bias.
/// With a seed the images are first shuffled as torch-fidelity does (seed 2020); without, they stay in their order.
///
/// # Errors
/// For no image.
pub fn inception_score(logits: &Features, splits: usize, seed: Option<u32>) -> Result<InceptionScore, MetricError> {
    let images = logits.len();
    if images == 0 || splits == 0 {
        return Err(MetricError::Few { images, needed: 1 });
    }
    let splits = splits.min(images);
    let order = seed.map_or_else(|| (0..images).collect(), |seed| RandomState::new(seed).permutation(images));
    let scores: Vec<f64> =
        (0..splits).map(|i| of_split(logits, &order[i * images / splits..(i + 1) * images / splits])).collect();
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let spread = (scores.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / splits as f64).sqrt();
    Ok(InceptionScore { mean, spread, splits })
}

fn of_split(logits: &Features, images: &[usize]) -> f64 {
    let logs: Vec<Vec<f64>> = images.iter().map(|image| log_softmax(logits.row(*image))).collect();
    let mut mean = vec![0.0; logits.dimensions()];
    for row in &logs {
        mean.iter_mut().zip(row).for_each(|(sum, log)| *sum += log.exp());
    }
    let mean: Vec<f64> = mean.iter().map(|sum| (sum / images.len() as f64).ln()).collect();
    // A class that underflows to nothing adds nothing: 0 * (-inf) would be no number.
    let term = |log: &f64, mean: &f64| if log.exp() > 0.0 { log.exp() * (log - mean) } else { 0.0 };
    let kl = |row: &Vec<f64>| row.iter().zip(&mean).map(|(log, mean)| term(log, mean)).sum::<f64>();
    (logs.iter().map(kl).sum::<f64>() / images.len() as f64).exp()
}

/// The logarithms of the class probabilities.
pub(super) fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|v| (v - most).exp()).sum();
    logits.iter().map(|v| v - most - total.ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_and_various_scores_the_number_of_classes() {
        let sure = |classes: usize| {
            let rows = (0..40).flat_map(|i| (0..4).map(move |c| if c == i % classes { 1e4 } else { 0.0 })).collect();
            inception_score(&Features::new(rows, 4).unwrap(), 10, None).unwrap()
        };
        assert!((sure(4).mean - 4.0).abs() < 1e-9 && (sure(1).mean - 1.0).abs() < 1e-9);
        let one = inception_score(&Features::new(vec![1.0, 2.0], 2).unwrap(), 10, Some(2020)).unwrap();
        assert!((one.mean - 1.0).abs() < 1e-12 && one.splits == 1);
    }
}
