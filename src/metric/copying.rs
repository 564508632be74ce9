//! C_T (Meehan, Chaudhuri & Dasgupta 2020, arXiv 2004.05675): whether fakes lie nearer to the training images than other
//! real images do, which training images alone can tell.
//!
//! The distances of fakes to their nearest training image are ranked among those of held-out real images: the Z of a
//! Mann-Whitney test, negative where fakes are nearer (copies), positive where they are farther off. The paper parts the
//! space into cells and takes the mean over them, each with the share of held-out images in it; the cells here are the
//! classes, which are known, instead of clusters. As in its code, the features are brought to 64 principal components.

use faer::Mat;

use super::distance::Points;
use super::linalg::{eigen, product};
use super::{Features, MetricError};

/// Principal components that are kept.
const COMPONENTS: usize = 64;

/// The Z of one cell: below about -3, fakes are too near to the training images to be new.
///
/// # Errors
/// For different extractors, or no image on one of the three sides.
pub fn copying(train: &Features, held_out: &Features, fake: &Features) -> Result<f64, MetricError> {
    train.comparable(fake, 1)?;
    train.comparable(held_out, 1)?;
    let axes = principal_axes(train)?;
    let centre = train.mean();
    let project = |features: &Features| -> Result<Points, MetricError> {
        let seen = product(features.less(&centre).matrix(), axes.as_ref());
        let rows = (0..seen.nrows()).flat_map(|i| (0..seen.ncols()).map(|j| seen[(i, j)]).collect::<Vec<_>>());
        let seen = Features::new(rows.collect(), axes.ncols())?;
        Ok(Points::new(&seen, &vec![0.0; axes.ncols()]))
    };
    let train = project(train)?;
    let nearest = |side: &Features| -> Result<Vec<f64>, MetricError> {
        Ok(project(side)?.nearest(&train).into_iter().map(|(_, squared)| squared).collect())
    };
    Ok(mann_whitney(&nearest(fake)?, &nearest(held_out)?))
}

/// The directions of largest variance as columns `(dimensions, at most 64)`.
fn principal_axes(train: &Features) -> Result<Mat<f64>, MetricError> {
    let centred = train.less(&train.mean());
    let rows = centred.matrix();
    let (images, dimensions) = (rows.nrows(), rows.ncols());
    let kept = COMPONENTS.min(dimensions);
    if images > dimensions {
        let moments = product(rows.transpose(), rows);
        let mut vectors = Mat::zeros(dimensions, dimensions);
        eigen(moments.as_ref(), Some(&mut vectors))?;
        return Ok(vectors.subcols(dimensions - kept, kept).to_owned());
    }
    // Fewer images than dimensions: the axes are sums of images, found in the smaller matrix of their products.
    let products = product(rows, rows.transpose());
    let mut vectors = Mat::zeros(images, images);
    let values = eigen(products.as_ref(), Some(&mut vectors))?;
    let most = values.last().copied().unwrap_or(0.0);
    let first = values.partition_point(|v| *v <= most * 1e-12).max(images.saturating_sub(kept));
    if first == images {
        // All training images are one: any direction is as good, and none may be left out.
        return Ok(Mat::identity(dimensions, dimensions));
    }
    let scaled = Mat::from_fn(images, images - first, |i, j| vectors[(i, first + j)] / values[first + j].sqrt());
    Ok(product(rows.transpose(), scaled.as_ref()))
}

/// The Z of `a` ranked among `b`: negative where the numbers of `a` are the smaller. Ties share their ranks; the half is
/// the correction for continuity.
fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let u = ranks(a, b) - n * (n + 1.0) / 2.0;
    (u - (n * m / 2.0 - 0.5)) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

/// The sum of the ranks of `a` among both, from 1; equal numbers share the mean of theirs.
pub(super) fn ranks(a: &[f64], b: &[f64]) -> f64 {
    let mut both: Vec<(f64, bool)> = a.iter().map(|v| (*v, true)).chain(b.iter().map(|v| (*v, false))).collect();
    both.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut sum, mut start) = (0.0, 0);
    for equal in both.chunk_by(|x, y| x.0 == y.0) {
        let rank = start as f64 + (equal.len() as f64 + 1.0) / 2.0;
        sum += rank * equal.iter().filter(|(_, of_a)| *of_a).count() as f64;
        start += equal.len();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_mann_and_whitney() {
        // scipy.stats.mannwhitneyu([1, 2, 2, 5], [2, 3, 4, 8, 9]).statistic == 4.0
        let (a, b) = ([1.0, 2.0, 2.0, 5.0], [2.0, 3.0, 4.0, 8.0, 9.0]);
        assert_eq!(ranks(&a, &b) - 10.0, 4.0);
        let z = (4.0 - (10.0 - 0.5)) / (20.0 * 10.0 / 12.0f64).sqrt();
        assert!((mann_whitney(&a, &b) - z).abs() < 1e-12);
    }

    #[test]
    fn copies_lie_nearer_than_held_out_images() {
        let numbers = |n: usize, seed: u64| -> Vec<f64> {
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
            };
            (0..n * 80).map(|_| draw()).collect()
        };
        let of = |rows| Features::new(rows, 80).unwrap();
        for count in [60, 200] {
            let (train, test) = (of(numbers(count, 1)), of(numbers(60, 2)));
            let copies = of(numbers(count, 1).iter().take(60 * 80).map(|v| v + 1e-3).collect());
            let z = copying(&train, &test, &copies).unwrap();
            assert!(z < -6.0, "{z}");
            let fresh = copying(&train, &test, &of(numbers(60, 9))).unwrap();
            assert!(fresh.abs() < 3.0, "{fresh}");
        }
        let constant = of(vec![1.0; 80 * 4]);
        assert!(copying(&constant, &constant, &constant).unwrap().is_finite());
    }
}
