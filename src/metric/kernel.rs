//! The kernel distance (KID, Binkowski et al. 2018, arXiv 1801.01401): the squared maximum mean discrepancy under the
//! kernel `(x y / d + 1)^3`, by its unbiased estimator, which small sets do not inflate and which may be negative.
//!
//! Every pair is looked at once. The estimate over all pairs and those over random subsets, which the literature prints
//! with their spread, both come from that one pass.

use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::linalg::product_here;
use super::numpy::RandomState;
use super::{Features, MetricError};

/// Rows that are handed out at a time. Fixed, so that no sum depends on the number of threads.
const ROWS: usize = 64;

/// How the subsets are drawn. The default is that of torch-fidelity, whose draws these are, number by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsets {
    /// How many.
    pub count: usize,
    /// Images of either side in each; where a side has fewer, as many as it has.
    pub size: usize,
    /// Where their draws start.
    pub seed: u32,
}

impl Default for Subsets {
    fn default() -> Self {
        Self { count: 100, size: 1000, seed: 2020 }
    }
}

/// Kernel distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelDistance {
    /// Over all pairs: the estimate with the least variance.
    pub all: f64,
    /// The mean over the subsets.
    pub mean: f64,
    /// The standard deviation over the subsets (over their number, as in `numpy.std`).
    pub spread: f64,
    /// Images of either side in a subset.
    pub subset_size: usize,
}

/// The kernel distance between two sets of at least two images.
///
/// # Errors
/// For different extractors, fewer than two images, no subsets, or features too large for the kernel.
pub fn kernel_distance(real: &Features, fake: &Features, subsets: Subsets) -> Result<KernelDistance, MetricError> {
    real.comparable(fake, 2)?;
    let size = subsets.size.min(real.len()).min(fake.len());
    if subsets.count == 0 || size < 2 {
        return Err(MetricError::NoSubsets);
    }
    let mut chance = RandomState::new(subsets.seed);
    let draws: Vec<(Vec<usize>, Vec<usize>)> =
        (0..subsets.count).map(|_| (chance.choice(fake.len(), size), chance.choice(real.len(), size))).collect();
    let of_fake = Draws::new(draws.iter().map(|(fake, _)| fake.clone()), fake.len());
    let of_real = Draws::new(draws.into_iter().map(|(_, real)| real), real.len());
    let within_real = sums(real, &of_real, real, &of_real, true);
    let within_fake = sums(fake, &of_fake, fake, &of_fake, true);
    let between = sums(fake, &of_fake, real, &of_real, false);

    let pairs = |n: usize| n as f64 * (n as f64 - 1.0);
    let (m, n) = (real.len(), fake.len());
    let all = within_real.all / pairs(m) + within_fake.all / pairs(n) - 2.0 * between.all / (m as f64 * n as f64);
    let square = size as f64 * size as f64;
    let values: Vec<f64> = (0..subsets.count)
        .map(|i| (within_real.subsets[i] + within_fake.subsets[i]) / pairs(size) - 2.0 * between.subsets[i] / square)
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
    if [all, mean, spread].iter().all(|v| v.is_finite()) {
        Ok(KernelDistance { all, mean, spread, subset_size: size })
    } else {
        Err(MetricError::Overflow)
    }
}

/// Which images are in which subset.
struct Draws {
    /// For each subset its images, in rising order.
    subsets: Vec<Vec<usize>>,
    /// For each image the subsets that it is in.
    of: Vec<Vec<usize>>,
}

impl Draws {
    fn new(subsets: impl Iterator<Item = Vec<usize>>, images: usize) -> Self {
        let mut of = vec![Vec::new(); images];
        let sorted = |(subset, mut drawn): (usize, Vec<usize>)| {
            drawn.sort_unstable();
            drawn.iter().for_each(|image| of[*image].push(subset));
            drawn
        };
        let subsets = subsets.enumerate().map(sorted).collect();
        Self { subsets, of }
    }
}

/// Sums of the kernel over pairs.
struct Sums {
    all: f64,
    /// One a subset.
    subsets: Vec<f64>,
}

/// Sums of the kernel over all pairs of a row of `a` and one of `b`, and over those pairs that are in each subset; where
/// the two are one set, no image is paired with itself.
fn sums(a: &Features, of_a: &Draws, b: &Features, of_b: &Draws, same: bool) -> Sums {
    let dimensions = a.dimensions();
    let blocks: Vec<Sums> = (0..a.len().div_ceil(ROWS))
        .into_par_iter()
        .map(|block| {
            let rows = block * ROWS..((block + 1) * ROWS).min(a.len());
            let numbers = &a.numbers()[rows.start * dimensions..rows.end * dimensions];
            let part = MatRef::from_row_major_slice(numbers, rows.len(), dimensions);
            let mut kernel = Mat::zeros(b.len(), rows.len());
            product_here(&mut kernel, b.matrix(), part.transpose());
            let mut out = Sums { all: 0.0, subsets: vec![0.0; of_a.subsets.len()] };
            for (i, row) in rows.enumerate() {
                let Some(values) = kernel.col_mut(i).try_as_col_major_mut() else { continue };
                let values = values.as_slice_mut();
                for value in values.iter_mut() {
                    *value = (*value / dimensions as f64 + 1.0).powi(3);
                }
                if same {
                    values[row] = 0.0;
                }
                out.all += values.iter().sum::<f64>();
                for subset in &of_a.of[row] {
                    out.subsets[*subset] += gather(values, &of_b.subsets[*subset]);
                }
            }
            out
        })
        .collect();
    let mut total = Sums { all: 0.0, subsets: vec![0.0; of_a.subsets.len()] };
    for block in blocks {
        total.all += block.all;
        total.subsets.iter_mut().zip(block.subsets).for_each(|(total, part)| *total += part);
    }
    total
}

/// The sum of some of the values, four at a time, so that one addition need not wait for the one before.
fn gather(values: &[f64], places: &[usize]) -> f64 {
    let (fours, rest) = places.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, place) in sums.iter_mut().zip(four) {
            *sum += values[*place];
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|place| values[*place]).sum::<f64>()
}
