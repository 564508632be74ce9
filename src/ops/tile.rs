//! Matrix products in registers: what the convolutions spend their time in.
//!
//! A tile is a few rows by a few vectors of columns; its sums stay in registers while the inner dimension goes by. Each
//! number is one sum in the order of the inner dimension, so it does not depend on how the rows were shared out.

use pulp::Simd;

use super::rows::{load, store};

/// Rows a tile, and vectors of columns: with 512-bit vectors, sums and operands fill the 32 registers.
pub(super) const ROWS: usize = 8;
/// Vectors of columns a tile, at most.
pub(super) const GROUPS: usize = 3;

/// Fills in one group of weights, `(inner, lanes)`, from an `(inner, width)` matrix; lanes beyond its width get zeros.
pub(super) fn pack_rows(to: &mut [f32], matrix: &[f32], width: usize, group: usize, lanes: usize) {
    let columns = group * lanes..width.min((group + 1) * lanes);
    for (to, row) in to.chunks_exact_mut(lanes).zip(matrix.chunks_exact(width)) {
        to[..columns.len()].copy_from_slice(&row[columns.clone()]);
        to[columns.len()..].fill(0.0);
    }
}

/// As [`pack_rows`], from a `(width, inner)` matrix.
pub(super) fn pack_columns(to: &mut [f32], matrix: &[f32], inner: usize, group: usize, lanes: usize) {
    /// Numbers of a row that are read together: a block of them is written while it lies in the nearest cache.
    const BLOCK: usize = 16;
    let rows = &matrix[group * lanes * inner..];
    let count = lanes.min(rows.len() / inner);
    for (block, to) in to.chunks_mut(BLOCK * lanes).enumerate() {
        for (lane, row) in rows.chunks_exact(inner).take(lanes).enumerate() {
            for (to, x) in to.iter_mut().skip(lane).step_by(lanes).zip(&row[block * BLOCK..]) {
                *to = *x;
            }
        }
        if count < lanes {
            to.chunks_exact_mut(lanes).for_each(|to| to[count..].fill(0.0));
        }
    }
}

/// Where a product finds its rows and where its results go. A row is made of runs of numbers that stand side by side.
pub(super) trait Rows {
    /// How many there are.
    fn count(&self) -> usize;
    /// Runs a row, the distance from one to the next, and numbers a run.
    fn runs(&self) -> (usize, usize, usize);
    /// Where a row's first run starts.
    fn start(&self, row: usize) -> usize;
    /// Where a row's results start.
    fn target(&self, row: usize) -> usize;
    /// What becomes of the sums of the columns from `column` on before they are stored: nothing, unless said otherwise.
    #[inline(always)]
    fn finish<S: Simd>(&self, _: S, sums: S::f32s, _column: usize) -> S::f32s {
        sums
    }
}

/// Rows of `inner` numbers one after another, and as many of `width` results.
pub(super) struct Dense {
    pub count: usize,
    pub inner: usize,
    pub width: usize,
}

impl Rows for Dense {
    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn runs(&self) -> (usize, usize, usize) {
        (1, 0, self.inner)
    }

    #[inline(always)]
    fn start(&self, row: usize) -> usize {
        row * self.inner
    }

    #[inline(always)]
    fn target(&self, row: usize) -> usize {
        row * self.width
    }
}

/// What [`product`] multiplies: rows that `places` finds in `numbers`, and weights packed as `(groups, inner, lanes)`, of
/// which `width` columns count.
pub(super) struct Packed<'a, P> {
    pub numbers: &'a [f32],
    pub places: P,
    pub weights: &'a [f32],
    pub width: usize,
}

impl<'a> Packed<'a, Dense> {
    /// `(M, inner)` rows, whose results are `(M, width)`.
    #[inline(always)]
    pub fn dense(numbers: &'a [f32], inner: usize, weights: &'a [f32], width: usize) -> Self {
        Self { numbers, places: Dense { count: numbers.len() / inner, inner, width }, weights, width }
    }
}

/// Rows times weights.
#[inline(always)]
pub(super) fn product<S: Simd>(simd: S, out: &mut [f32], of: &Packed<'_, impl Rows>) {
    let groups = of.width.div_ceil(S::F32_LANES);
    let mut group = 0;
    while group < groups {
        // Two and two run faster than three and one.
        group += match groups - group {
            1 => columns::<S, _, 1>(simd, out, of, group),
            2 | 4 => columns::<S, _, 2>(simd, out, of, group),
            _ => columns::<S, _, GROUPS>(simd, out, of, group),
        };
    }
}

#[inline(always)]
fn columns<S: Simd, P: Rows, const G: usize>(simd: S, out: &mut [f32], of: &Packed<'_, P>, group: usize) -> usize {
    let (mut row, count) = (0, of.places.count());
    while row < count {
        row += match count - row {
            left if left >= ROWS && S::REGISTER_COUNT >= 32 => product_tile::<S, P, ROWS, G>(simd, out, of, row, group),
            left if left >= 4 => product_tile::<S, P, 4, G>(simd, out, of, row, group),
            _ => product_tile::<S, P, 1, G>(simd, out, of, row, group),
        };
    }
    G
}

#[inline(always)]
fn product_tile<S: Simd, P: Rows, const R: usize, const G: usize>(
    simd: S,
    out: &mut [f32],
    Packed { numbers, places, weights, width }: &Packed<'_, P>,
    row: usize,
    group: usize,
) -> usize {
    let (runs, line, run) = places.runs();
    let (weights, _) = S::as_simd_f32s(weights);
    let mut starts = [0; R];
    for (r, start) in starts.iter_mut().enumerate() {
        *start = places.start(row + r);
    }
    let mut sums = [[simd.splat_f32s(0.0); G]; R];
    for tap in 0..runs {
        let mut lines: [&[f32]; R] = [&[]; R];
        for r in 0..R {
            lines[r] = &numbers[starts[r] + tap * line..][..run];
        }
        let mut columns: [&[S::f32s]; G] = [&[]; G];
        for g in 0..G {
            columns[g] = &weights[((group + g) * runs + tap) * run..][..run];
        }
        for k in 0..run {
            for r in 0..R {
                let x = simd.splat_f32s(lines[r][k]);
                for g in 0..G {
                    sums[r][g] = simd.mul_add_e_f32s(x, columns[g][k], sums[r][g]);
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        let first = places.target(row + r);
        for (g, sum) in sums.into_iter().enumerate() {
            let column = (group + g) * S::F32_LANES;
            let len = S::F32_LANES.min(width - column);
            store(simd, &mut out[first + column..][..len], places.finish(simd, sum, column));
        }
    }
    R
}

/// What [`transposed_product`] multiplies: `left` is some columns of a `(K, stride)` matrix, from its start on.
#[derive(Clone, Copy)]
pub(super) struct Transposed<'a> {
    pub left: &'a [f32],
    pub stride: usize,
    /// `(K, N)`
    pub right: &'a [f32],
    pub n: usize,
    /// Whether the products are added to what stands in the output, or replace it.
    pub add: bool,
}

/// `out = left^T * right`, or `out += left^T * right`: `out` is `(M, N)` and uses the first `M` columns of `left`.
#[inline(always)]
pub(super) fn transposed_product<S: Simd>(simd: S, out: &mut [f32], of: Transposed<'_>) {
    let groups = of.n / S::F32_LANES;
    let mut group = 0;
    while group < groups {
        group += match groups - group {
            1 => transposed_columns::<S, 1, false>(simd, out, of, group),
            2 | 4 => transposed_columns::<S, 2, false>(simd, out, of, group),
            _ => transposed_columns::<S, GROUPS, false>(simd, out, of, group),
        };
    }
    if !of.n.is_multiple_of(S::F32_LANES) {
        transposed_columns::<S, 1, true>(simd, out, of, group);
    }
}

/// `G` groups of columns, or the part of one that is left.
#[inline(always)]
fn transposed_columns<S: Simd, const G: usize, const PART: bool>(
    simd: S,
    out: &mut [f32],
    of: Transposed<'_>,
    group: usize,
) -> usize {
    let (mut row, m) = (0, out.len() / of.n);
    while row < m {
        row += match m - row {
            rest if rest >= ROWS && S::REGISTER_COUNT >= 32 => {
                transposed_tile::<S, ROWS, G, PART>(simd, out, of, row, group)
            }
            rest if rest >= 4 => transposed_tile::<S, 4, G, PART>(simd, out, of, row, group),
            _ => transposed_tile::<S, 1, G, PART>(simd, out, of, row, group),
        };
    }
    G
}

#[inline(always)]
fn transposed_tile<S: Simd, const R: usize, const G: usize, const PART: bool>(
    simd: S,
    out: &mut [f32],
    of: Transposed<'_>,
    row: usize,
    group: usize,
) -> usize {
    let column = group * S::F32_LANES;
    let width = if PART { of.n - column } else { G * S::F32_LANES };
    let mut sums = [[simd.splat_f32s(0.0); G]; R];
    // The last row of `left` may end with the columns that are used.
    for (x, y) in of.left.chunks(of.stride).zip(of.right.chunks_exact(of.n)) {
        let (x, y) = (&x[row..][..R], &y[column..][..width]);
        let mut vectors = [simd.splat_f32s(0.0); G];
        if PART {
            vectors[0] = simd.partial_load_f32s(y);
        } else {
            vectors.copy_from_slice(S::as_simd_f32s(y).0);
        }
        for r in 0..R {
            let x = simd.splat_f32s(x[r]);
            for g in 0..G {
                sums[r][g] = simd.mul_add_e_f32s(x, vectors[g], sums[r][g]);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        let out = &mut out[(row + r) * of.n + column..][..width];
        for (g, mut sum) in sums.into_iter().enumerate() {
            let at = g * S::F32_LANES;
            let len = S::F32_LANES.min(width - at);
            if of.add {
                sum = simd.add_f32s(load(simd, out, at, len), sum);
            }
            store(simd, &mut out[at..at + len], sum);
        }
    }
    R
}
