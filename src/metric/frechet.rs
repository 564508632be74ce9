//! The Fréchet distance between two sets of features, each taken as a normal distribution (Heusel et al. 2017, arXiv
//! 1706.08500): `|m1 - m2|^2 + tr S1 + tr S2 - 2 tr sqrt(S1 S2)`, with covariances over `N - 1` as in `numpy.cov`.
//!
//! No covariance is ever formed. Each set keeps a factor `F` with `F^T F = S`: the centred features over `sqrt(N - 1)`,
//! or, for more images than features, the triangle of their QR decomposition. `tr sqrt(S1 S2)` is then the sum of the
//! singular values of `F1 F2^T`. That is always real, needs no term added to a singular covariance, costs less the fewer
//! images there are, and keeps the digits that squaring would lose.

use faer::Mat;

use super::{MetricError, linalg};

/// What the distance needs to know about a set of features. Made once for the real images and used for every score.
///
/// Takes `8 * dimensions * min(samples, dimensions)` bytes, at most 13 MB for 1280 features however many images there are;
/// making it takes up to ten times as much for a moment, beside the features themselves.
#[derive(Clone)]
pub struct Statistics {
    pub(super) mean: Vec<f64>,
    /// `(min(samples, dimensions), dimensions)`, whose product with itself is the covariance.
    pub(super) factor: Mat<f64>,
    /// The sum of the variances.
    pub(super) trace: f64,
    pub(super) samples: usize,
}

impl Statistics {
    /// Of features `(samples, dimensions)` row by row, at least two.
    ///
    /// # Errors
    /// For fewer than two samples, a length that is no multiple of `dimensions`, or a feature that is not finite.
    pub fn of(features: &[f32], dimensions: usize) -> Result<Self, MetricError> {
        Self::from_rows(features, dimensions)
    }

    /// As [`of`](Self::of), from f64.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn of_f64(features: &[f64], dimensions: usize) -> Result<Self, MetricError> {
        Self::from_rows(features, dimensions)
    }

    /// Images behind these numbers; a distance is only comparable between equal numbers of fakes.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Features of an image.
    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    fn from_rows<T: Copy + Into<f64>>(features: &[T], dimensions: usize) -> Result<Self, MetricError> {
        if dimensions == 0 || !features.len().is_multiple_of(dimensions) {
            return Err(MetricError::Features { numbers: features.len(), dimensions });
        }
        let samples = features.len() / dimensions;
        if samples < 2 {
            return Err(MetricError::TooFew { samples });
        }
        if let Some(place) = features.iter().position(|&value| !value.into().is_finite()) {
            return Err(MetricError::NotFinite { image: place / dimensions, feature: place % dimensions });
        }
        let mut mean = vec![0.0; dimensions];
        for row in features.chunks_exact(dimensions) {
            for (sum, &value) in mean.iter_mut().zip(row) {
                *sum += value.into();
            }
        }
        for sum in &mut mean {
            *sum /= samples as f64;
        }
        let factor = factor(features, &mean);
        let trace = factor.squared_norm_l2();
        if !trace.is_finite() {
            return Err(MetricError::Overflow);
        }
        Ok(Self { mean, factor, trace, samples })
    }
}

/// `F` of the module's text, from features `(samples, mean.len())`.
fn factor<T: Copy + Into<f64>>(features: &[T], mean: &[f64]) -> Mat<f64> {
    let dimensions = mean.len();
    let samples = features.len() / dimensions;
    let scale = ((samples - 1) as f64).sqrt();
    let centred = |row: usize, column: usize| (features[row * dimensions + column].into() - mean[column]) / scale;
    if samples <= dimensions {
        return Mat::from_fn(samples, dimensions, centred);
    }
    // The triangle so far stands for all rows before, so a set of any size needs the memory of three triangles.
    let mut triangle = Mat::<f64>::zeros(0, dimensions);
    let mut done = 0;
    while done < samples {
        let kept = triangle.nrows();
        let rows = (samples - done).min(3 * dimensions - kept);
        let stacked = Mat::from_fn(kept + rows, dimensions, |row, column| {
            if row < kept { triangle[(row, column)] } else { centred(done + row - kept, column) }
        });
        triangle = linalg::triangle(stacked);
        done += rows;
    }
    triangle
}

/// The Fréchet distance between two sets, at least 0 and never NaN; 0 for equal sets, up to rounding.
///
/// It falls with the number of images on either side, so compare values only for equal numbers. Both sides cost the same
/// and may be exchanged. Uses the current rayon pool; the sums are the same whatever its threads.
///
/// ```
/// use gandle::metric::{Statistics, frechet_distance};
///
/// # fn main() -> anyhow::Result<()> {
/// // Two images of two features, and the same moved by 3: the means differ by 3, the covariances not at all.
/// let real = Statistics::of_f64(&[0.0, 0.0, 1.0, 2.0], 2)?;
/// let fake = Statistics::of_f64(&[3.0, 0.0, 4.0, 2.0], 2)?;
/// assert!((frechet_distance(&real, &fake)? - 9.0).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// For different dimensions, or features too large to square.
pub fn frechet_distance(real: &Statistics, fake: &Statistics) -> Result<f64, MetricError> {
    if real.dimensions() != fake.dimensions() {
        return Err(MetricError::Dimensions { real: real.dimensions(), fake: fake.dimensions() });
    }
    let between: f64 = real.mean.iter().zip(&fake.mean).map(|(a, b)| (a - b) * (a - b)).sum();
    let product = linalg::product(real.factor.as_ref(), fake.factor.transpose());
    if !(between + product.norm_max()).is_finite() {
        return Err(MetricError::Overflow);
    }
    let shared: f64 = linalg::singular_values(product.as_ref())?.iter().sum();
    let distance = between + real.trace + fake.trace - 2.0 * shared;
    if distance.is_finite() { Ok(distance.max(0.0)) } else { Err(MetricError::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(samples, dimensions)` numbers in -1..1, different for each seed, with some columns depending on others.
    fn features(samples: usize, dimensions: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut numbers: Vec<f64> = (0..samples * dimensions)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
            })
            .collect();
        for row in numbers.chunks_exact_mut(dimensions) {
            for column in 1..dimensions {
                row[column] += 0.7 * row[column - 1];
            }
        }
        numbers
    }

    /// The textbook form: covariances, then the eigenvalues of `S1^1/2 S2 S1^1/2`.
    fn by_covariances(real: &[f64], fake: &[f64], dimensions: usize) -> f64 {
        let moments = |rows: &[f64]| {
            let samples = rows.len() / dimensions;
            let x = faer::MatRef::from_row_major_slice(rows, samples, dimensions);
            let mean = Mat::from_fn(1, dimensions, |_, j| x.col(j).sum() / samples as f64);
            let centred = Mat::from_fn(samples, dimensions, |i, j| x[(i, j)] - mean[(0, j)]);
            let covariance = centred.transpose() * &centred * faer::Scale(1.0 / (samples as f64 - 1.0));
            (mean, covariance)
        };
        let ((m1, s1), (m2, s2)) = (moments(real), moments(fake));
        let eigen = s1.self_adjoint_eigen(faer::Side::Lower).unwrap();
        let (u, values) = (eigen.U(), eigen.S().column_vector());
        let scaled = Mat::from_fn(dimensions, dimensions, |i, j| u[(i, j)] * values[j].max(0.0).sqrt());
        let root = &scaled * u.transpose();
        let inner = &root * &s2 * &root;
        let shared: f64 =
            inner.self_adjoint_eigenvalues(faer::Side::Lower).unwrap().iter().map(|v| v.max(0.0).sqrt()).sum();
        let trace = |s: &Mat<f64>| (0..dimensions).map(|i| s[(i, i)]).sum::<f64>();
        (m1 - m2).squared_norm_l2() + trace(&s1) + trace(&s2) - 2.0 * shared
    }

    fn distance(real: &[f64], fake: &[f64], dimensions: usize) -> f64 {
        let of = |features| Statistics::of_f64(features, dimensions).unwrap();
        frechet_distance(&of(real), &of(fake)).unwrap()
    }

    #[test]
    fn agrees_with_the_covariance_form_for_few_and_many_samples() {
        for (reals, fakes) in [(50, 60), (50, 7), (9, 60), (9, 7), (200, 12), (13, 12), (12, 12)] {
            let (real, mut fake) = (features(reals, 12, 1), features(fakes, 12, 2));
            fake.iter_mut().for_each(|v| *v = *v * 0.8 + 0.1);
            let (got, want) = (distance(&real, &fake, 12), by_covariances(&real, &fake, 12));
            assert!((got - want).abs() < 1e-6 * want, "{reals} {fakes}: {got} and {want}");
            let turned = distance(&fake, &real, 12);
            assert!((got - turned).abs() < 1e-9 * got, "order: {got} and {turned}");
        }
    }

    #[test]
    fn one_dimension_by_hand() {
        // Means 1 and 5, variances 2 and 8: 16 + 2 + 8 - 2 sqrt(16) = 18.
        assert!((distance(&[0.0, 2.0], &[3.0, 7.0], 1) - 18.0).abs() < 1e-12);
        // Variances 1 (of 3 numbers) and 8: 16 + 1 + 8 - 2 sqrt(8).
        let want = 25.0 - 2.0 * 8f64.sqrt();
        assert!((distance(&[0.0, 1.0, 2.0], &[3.0, 7.0], 1) - want).abs() < 1e-12);
    }

    #[test]
    fn equal_sets_have_no_distance_in_any_order() {
        for samples in [5, 40] {
            let real = features(samples, 12, 3);
            let turned: Vec<f64> = real.chunks(12).rev().flatten().copied().collect();
            assert!(distance(&real, &real, 12) < 1e-9);
            assert!(distance(&real, &turned, 12) < 1e-9);
        }
    }

    #[test]
    fn constant_features_leave_the_means() {
        let (real, fake) = (vec![1.0f32; 6 * 4], vec![3.0f32; 3 * 4]);
        let (real, fake) = (Statistics::of(&real, 4).unwrap(), Statistics::of(&fake, 4).unwrap());
        assert!((frechet_distance(&real, &fake).unwrap() - 16.0).abs() < 1e-12);
        assert_eq!((real.samples(), real.dimensions()), (6, 4));
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let error = |features: &[f32], dimensions| Statistics::of(features, dimensions).err().unwrap();
        assert_eq!(error(&[1.0; 4], 4), MetricError::TooFew { samples: 1 });
        assert_eq!(error(&[], 4), MetricError::TooFew { samples: 0 });
        assert_eq!(error(&[1.0; 5], 4), MetricError::Features { numbers: 5, dimensions: 4 });
        assert_eq!(error(&[1.0; 5], 0), MetricError::Features { numbers: 5, dimensions: 0 });
        let mut bad = [1.0f32; 8];
        bad[6] = f32::NAN;
        assert_eq!(error(&bad, 4), MetricError::NotFinite { image: 1, feature: 2 });

        let (a, b) = (Statistics::of(&[1.0; 8], 4).unwrap(), Statistics::of(&[1.0; 6], 3).unwrap());
        assert_eq!(frechet_distance(&a, &b), Err(MetricError::Dimensions { real: 4, fake: 3 }));
        let huge = Statistics::of_f64(&[1e200, -1e200], 1).err();
        assert_eq!(huge, Some(MetricError::Overflow));
    }
}
