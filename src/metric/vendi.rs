//! The Vendi score (Friedman & Dieng 2023, arXiv 2210.02410): how many different images a set amounts to, from 1 (all
//! alike) to their number (no two alike). It needs no real images, but grows with the number of images, so it is best
//! read beside that of as many real ones.

use super::linalg::{eigen, product};
use super::{Features, MetricError};

/// `exp` of the entropy of the eigenvalues of the cosines between all images over their number.
///
/// # Errors
/// For no image, or one whose features are all zero and which therefore has no direction.
pub fn vendi_score(features: &Features) -> Result<f64, MetricError> {
    let images = features.len();
    if images == 0 {
        return Err(MetricError::Few { images, needed: 1 });
    }
    let mut numbers = Vec::with_capacity(features.numbers().len());
    for image in 0..images {
        let row = features.row(image);
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length == 0.0 || !length.is_finite() {
            return Err(MetricError::NoDirection { image });
        }
        numbers.extend(row.iter().map(|v| v / length));
    }
    let unit = Features::new(numbers, features.dimensions())?;
    let rows = unit.matrix();
    // Cosines of images and the moments of features have the same eigenvalues, but for zeros: take the smaller matrix.
    let few = images <= features.dimensions();
    let mut kernel = if few { product(rows, rows.transpose()) } else { product(rows.transpose(), rows) };
    kernel *= faer::Scale(1.0 / images as f64);
    let entropy: f64 = eigen(kernel.as_ref(), None)?.iter().filter(|v| **v > 1e-12).map(|v| -v * v.ln()).sum();
    Ok(entropy.exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_different_directions() {
        let score = |rows: &[f64]| vendi_score(&Features::new(rows.to_vec(), 2).unwrap());
        assert!((score(&[1.0, 0.0, 2.0, 0.0, 3.0, 0.0]).unwrap() - 1.0).abs() < 1e-9);
        assert!((score(&[1.0, 0.0, 0.0, 5.0]).unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(score(&[1.0, 0.0, 0.0, 0.0]), Err(MetricError::NoDirection { image: 1 }));
        assert_eq!(score(&[]), Err(MetricError::Few { images: 0, needed: 1 }));
    }
}
