//! Formulas over rows of numbers in explicit vectors: the compiler leaves loops with a choice in them, or with several
//! results, at one number at a time.

use pulp::{Simd, WithSimd};

use super::simd::dispatch;

/// What is computed at each place from `I` numbers there and from `K` numbers of its column: `O` numbers.
pub trait Formula<const I: usize, const K: usize, const O: usize>: Sync {
    /// For a vector of places.
    fn of<S: Simd>(&self, simd: S, x: [S::f32s; I], k: [S::f32s; K]) -> [S::f32s; O];
}

/// `x` where `by > 0`, `slope * x` elsewhere.
#[inline(always)]
pub fn gate<S: Simd>(simd: S, x: S::f32s, by: S::f32s, slope: f32) -> S::f32s {
    let positive = simd.greater_than_f32s(by, simd.splat_f32s(0.0));
    simd.select_f32s(positive, x, simd.mul_f32s(simd.splat_f32s(slope), x))
}

/// Writes the formula's results for all rows of `width` numbers: every number of every output.
///
/// # Panics
/// Where inputs and outputs are not of one length, rows not whole, or columns not of `width`.
#[inline(always)]
pub fn map<const I: usize, const K: usize, const O: usize>(
    formula: &impl Formula<I, K, O>,
    width: usize,
    inputs: [&[f32]; I],
    columns: [&[f32]; K],
    outputs: [&mut [f32]; O],
) {
    let len = outputs[0].len();
    assert!(width > 0 && len.is_multiple_of(width), "{len} numbers are not rows of {width}");
    assert!(inputs.iter().all(|input| input.len() == len) && outputs.iter().all(|output| output.len() == len));
    assert!(columns.iter().all(|column| column.len() == width));
    dispatch(Map { formula, width, inputs, columns, outputs });
}

/// Adds the formula's results to the sums of their columns: `(O, width)`.
#[inline(always)]
pub fn sum<const I: usize, const K: usize, const O: usize>(
    formula: &impl Formula<I, K, O>,
    width: usize,
    inputs: [&[f32]; I],
    columns: [&[f32]; K],
    sums: &mut [f32],
) {
    dispatch(Sum { formula, width, inputs, columns, sums });
}

/// [`gate`] of two numbers.
pub struct Gated {
    /// Below zero.
    pub slope: f32,
}

impl Formula<2, 0, 1> for Gated {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x, by]: [S::f32s; 2], _: [S::f32s; 0]) -> [S::f32s; 1] {
        [gate(simd, x, by, self.slope)]
    }
}

/// The number that is there.
pub struct Itself;

impl Formula<1, 0, 1> for Itself {
    #[inline(always)]
    fn of<S: Simd>(&self, _: S, x: [S::f32s; 1], _: [S::f32s; 0]) -> [S::f32s; 1] {
        x
    }
}

struct Map<'a, F, const I: usize, const K: usize, const O: usize> {
    formula: &'a F,
    width: usize,
    inputs: [&'a [f32]; I],
    columns: [&'a [f32]; K],
    outputs: [&'a mut [f32]; O],
}

struct Sum<'a, F, const I: usize, const K: usize, const O: usize> {
    formula: &'a F,
    width: usize,
    inputs: [&'a [f32]; I],
    columns: [&'a [f32]; K],
    sums: &'a mut [f32],
}

/// The vector of up to as many numbers as it holds, `len` from `at` on.
#[inline(always)]
pub fn load<S: Simd>(simd: S, from: &[f32], at: usize, len: usize) -> S::f32s {
    // Whole vectors first: the partial load is a call, and rarely needed.
    match S::as_simd_f32s(&from[at..at + len]) {
        ([whole], _) => *whole,
        (_, part) => simd.partial_load_f32s(part),
    }
}

/// A vector of each. A loop, as closures would not see the vectors' instructions.
#[inline(always)]
fn load_all<S: Simd, const N: usize>(simd: S, from: [&[f32]; N], at: usize, len: usize) -> [S::f32s; N] {
    let mut out = [simd.splat_f32s(0.0); N];
    for i in 0..N {
        out[i] = load(simd, from[i], at, len);
    }
    out
}

/// Up to a vector of numbers.
#[inline(always)]
pub fn store<S: Simd>(simd: S, to: &mut [f32], value: S::f32s) {
    match S::as_mut_simd_f32s(to) {
        ([whole], _) => *whole = value,
        (_, part) => simd.partial_store_f32s(part, value),
    }
}

impl<F: Formula<I, K, O>, const I: usize, const K: usize, const O: usize> WithSimd for Map<'_, F, I, K, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.outputs[0].len() / self.width;
        for row in 0..rows {
            let mut column = 0;
            while column < self.width {
                let len = S::F32_LANES.min(self.width - column);
                let at = row * self.width + column;
                let k = load_all(simd, self.columns, column, len);
                let results = self.formula.of(simd, load_all(simd, self.inputs, at, len), k);
                for (out, result) in self.outputs.iter_mut().zip(results) {
                    store(simd, &mut out[at..at + len], result);
                }
                column += len;
            }
        }
    }
}

impl<F: Formula<I, K, O>, const I: usize, const K: usize, const O: usize> WithSimd for Sum<'_, F, I, K, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        /// Rows that are summed before the next columns: so few that they stay in the fastest cache.
        const TILE: usize = 16;
        let rows = self.inputs[0].len() / self.width;
        for first in (0..rows).step_by(TILE) {
            let mut column = 0;
            while column < self.width {
                let len = S::F32_LANES.min(self.width - column);
                let k = load_all(simd, self.columns, column, len);
                let mut total = [simd.splat_f32s(0.0); O];
                for row in first..(first + TILE).min(rows) {
                    let terms = self.formula.of(simd, load_all(simd, self.inputs, row * self.width + column, len), k);
                    for i in 0..O {
                        total[i] = simd.add_f32s(total[i], terms[i]);
                    }
                }
                for (i, total) in total.into_iter().enumerate() {
                    let sums = &mut self.sums[i * self.width + column..][..len];
                    let before = load(simd, sums, 0, len);
                    store(simd, sums, simd.add_f32s(before, total));
                }
                column += len;
            }
        }
    }
}
