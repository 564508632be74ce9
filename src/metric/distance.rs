//! Distances between all pairs of two sets, a block at a time: no matrix of all pairs is ever kept.

use std::ops::Range;

use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::Features;
use super::linalg::product_here;

/// Rows that are handed out at a time. Fixed, so that no sum depends on the number of threads.
const ROWS: usize = 128;
/// Columns that are looked at together.
const COLUMNS: usize = 1024;

/// Below this share of the lengths of its two points, a squared distance made of products has lost its digits.
const CLOSE: f64 = 1e-7;

/// Points with a common centre, so that products lose few digits.
pub(super) struct Points {
    rows: Features,
    squares: Vec<f64>,
}

impl Points {
    /// Of features seen from `centre`. Only points with one centre can be compared.
    pub fn new(features: &Features, centre: &[f64]) -> Self {
        let rows = features.less(centre);
        let squares = (0..rows.len()).map(|i| rows.row(i).iter().map(|v| v * v).sum()).collect();
        Self { rows, squares }
    }

    pub fn len(&self) -> usize {
        self.squares.len()
    }

    fn part(&self, range: Range<usize>) -> MatRef<'_, f64> {
        let dimensions = self.rows.dimensions();
        let numbers = &self.rows.numbers()[range.start * dimensions..range.end * dimensions];
        MatRef::from_row_major_slice(numbers, range.len(), dimensions)
    }

    /// For each point, in their order: `look(state, first, squared)` is shown the squared distances to the points
    /// `first..` of `others`, run by run, beginning with `start(point)`.
    pub fn each<T: Send>(
        &self,
        others: &Self,
        start: impl Fn(usize) -> T + Sync,
        look: impl Fn(&mut T, usize, &[f64]) + Sync,
    ) -> Vec<T> {
        let blocks = (0..self.len().div_ceil(ROWS)).into_par_iter().map(|block| {
            let rows = block * ROWS..((block + 1) * ROWS).min(self.len());
            let mut states: Vec<T> = rows.clone().map(&start).collect();
            for first in (0..others.len()).step_by(COLUMNS) {
                let columns = first..(first + COLUMNS).min(others.len());
                // A column of the product is a point of `self`: its numbers stand side by side.
                let mut products = Mat::zeros(columns.len(), rows.len());
                product_here(&mut products, others.part(columns.clone()), self.part(rows.clone()).transpose());
                for (i, (row, state)) in rows.clone().zip(&mut states).enumerate() {
                    let Some(squared) = products.col_mut(i).try_as_col_major_mut() else { continue };
                    let squared = squared.as_slice_mut();
                    self.to_squared_distances(squared, row, others, first);
                    look(state, first, squared);
                }
            }
            states
        });
        blocks.flatten_iter().collect()
    }

    fn to_squared_distances(&self, products: &mut [f64], row: usize, others: &Self, first: usize) {
        let own = self.squares[row];
        for (product, other) in products.iter_mut().zip(&others.squares[first..]) {
            *product = own + other - 2.0 * *product;
        }
        for (column, squared) in products.iter_mut().enumerate() {
            let other = first + column;
            if *squared < CLOSE * (own + others.squares[other]) {
                let pairs = self.rows.row(row).iter().zip(others.rows.row(other));
                *squared = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            }
        }
    }

    /// For each point the squared distances to its `k` nearest others of the same set, nearest first.
    pub fn nearest_others(&self, k: usize) -> Vec<Vec<f64>> {
        let start = |row| (row, Vec::with_capacity(k + 1));
        let states = self.each(self, start, |(row, nearest), first, squared| {
            for (column, distance) in squared.iter().enumerate() {
                if first + column != *row && (nearest.len() < k || nearest.last().is_some_and(|far| distance < far)) {
                    let at = nearest.partition_point(|near| near <= distance);
                    nearest.insert(at, *distance);
                    nearest.truncate(k);
                }
            }
        });
        states.into_iter().map(|(_, nearest)| nearest).collect()
    }

    /// For each point the nearest of `others` (the first of equally near ones) and its squared distance.
    pub fn nearest(&self, others: &Self) -> Vec<(usize, f64)> {
        self.each(
            others,
            |_| (0, f64::INFINITY),
            |nearest, first, squared| {
                for (column, distance) in squared.iter().enumerate() {
                    if *distance < nearest.1 {
                        *nearest = (first + column, *distance);
                    }
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_what_the_definition_gives() {
        let numbers = |n: usize, seed: usize| (0..n * 3).map(|i| ((i * i * 31 + seed * 7) % 97) as f64).collect();
        let (a, b) = (Features::new(numbers(150, 1), 3).unwrap(), Features::new(numbers(1030, 2), 3).unwrap());
        let centre = b.mean();
        let (pa, pb) = (Points::new(&a, &centre), Points::new(&b, &centre));
        let squared = |i: usize, j: usize| a.row(i).iter().zip(b.row(j)).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        for (i, (at, distance)) in pa.nearest(&pb).into_iter().enumerate() {
            let want = (0..b.len()).map(|j| squared(i, j)).fold(f64::INFINITY, f64::min);
            assert!((distance - want).abs() < 1e-6 && (squared(i, at) - want).abs() < 1e-9, "{i}: {distance} {want}");
        }
        for (i, nearest) in pa.nearest_others(3).into_iter().enumerate() {
            let to = |j: usize| a.row(i).iter().zip(a.row(j)).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
            let mut want: Vec<f64> = (0..a.len()).filter(|j| *j != i).map(to).collect();
            want.sort_by(f64::total_cmp);
            assert!(nearest.iter().zip(&want[..3]).all(|(a, b)| (a - b).abs() < 1e-6), "{i}: {nearest:?}");
        }
    }

    #[test]
    fn the_same_point_is_at_no_distance_at_all() {
        let rows = Features::new((0..400).map(|i| 1e3 + f64::from(i % 37) * 0.1).collect(), 4).unwrap();
        let points = Points::new(&rows, &rows.mean());
        assert!(points.nearest(&points).iter().all(|(_, distance)| *distance == 0.0));
    }
}
