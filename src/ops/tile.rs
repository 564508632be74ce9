//! Matrix products in registers: what the convolutions spend their time in.
//!
//! A tile is a few rows by a few vectors of columns; its sums stay in registers while the inner dimension goes by. Each
//! number is one sum in the order of the inner dimension, so it does not depend on how the rows were shared out.

use pulp::{Arch, Simd, WithSimd};

/// Rows a tile, and vectors of columns: with 512-bit vectors, sums and operands fill the 32 registers.
pub(super) const ROWS: usize = 8;
/// Vectors of columns a tile, at most.
pub(super) const GROUPS: usize = 3;

/// Asks for the number of floats in a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Floats in this processor's widest vector.
pub(super) fn lanes() -> usize {
    Arch::new().dispatch(Lanes)
}

/// `out = rows * weights`: `rows` are `(M, inner)`, `weights` packed as `(groups, inner, lanes)`, `out` is
/// `(M, groups * lanes)`.
#[inline(always)]
pub(super) fn product<S: Simd>(simd: S, out: &mut [f32], rows: &[f32], inner: usize, weights: &[f32]) {
    let (weights, _) = S::as_simd_f32s(weights);
    let groups = weights.len() / inner;
    let mut group = 0;
    while group < groups {
        // Two and two run faster than three and one.
        group += match groups - group {
            1 => columns::<S, 1>(simd, out, rows, inner, weights, group),
            2 | 4 => columns::<S, 2>(simd, out, rows, inner, weights, group),
            _ => columns::<S, GROUPS>(simd, out, rows, inner, weights, group),
        };
    }
}

#[inline(always)]
fn columns<S: Simd, const G: usize>(
    simd: S,
    out: &mut [f32],
    rows: &[f32],
    inner: usize,
    weights: &[S::f32s],
    group: usize,
) -> usize {
    let stride = weights.len() / inner * S::F32_LANES;
    let count = rows.len() / inner;
    let most = if S::REGISTER_COUNT >= 32 { ROWS } else { ROWS / 2 };
    let mut row = 0;
    while row < count {
        let (out, rows) = (&mut out[row * stride + group * S::F32_LANES..], &rows[row * inner..]);
        let weights = &weights[group * inner..][..G * inner];
        row += match count - row {
            left if left >= most && most == ROWS => product_tile::<S, ROWS, G>(simd, out, stride, rows, inner, weights),
            left if left >= 4 => product_tile::<S, 4, G>(simd, out, stride, rows, inner, weights),
            _ => product_tile::<S, 1, G>(simd, out, stride, rows, inner, weights),
        };
    }
    G
}

#[inline(always)]
fn product_tile<S: Simd, const R: usize, const G: usize>(
    simd: S,
    out: &mut [f32],
    stride: usize,
    rows: &[f32],
    inner: usize,
    weights: &[S::f32s],
) -> usize {
    let mut lines: [&[f32]; R] = [&[]; R];
    for r in 0..R {
        lines[r] = &rows[r * inner..][..inner];
    }
    let mut columns: [&[S::f32s]; G] = [&[]; G];
    for g in 0..G {
        columns[g] = &weights[g * inner..][..inner];
    }
    let mut sums = [[simd.splat_f32s(0.0); G]; R];
    for k in 0..inner {
        for r in 0..R {
            let x = simd.splat_f32s(lines[r][k]);
            for g in 0..G {
                sums[r][g] = simd.mul_add_e_f32s(x, columns[g][k], sums[r][g]);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        S::as_mut_simd_f32s(&mut out[r * stride..][..G * S::F32_LANES]).0.copy_from_slice(&sums);
    }
    R
}

/// What [`transposed_product`] multiplies: `left` is some columns of a `(K, stride)` matrix, from its start on.
#[derive(Clone, Copy)]
pub(super) struct Transposed<'a> {
    pub left: &'a [f32],
    pub stride: usize,
    /// `(K, N)`, with `N` a whole number of vectors.
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
            1 => transposed_columns::<S, 1>(simd, out, of, group),
            2 | 4 => transposed_columns::<S, 2>(simd, out, of, group),
            _ => transposed_columns::<S, GROUPS>(simd, out, of, group),
        };
    }
}

#[inline(always)]
fn transposed_columns<S: Simd, const G: usize>(simd: S, out: &mut [f32], of: Transposed<'_>, group: usize) -> usize {
    let (mut row, m) = (0, out.len() / of.n);
    let column = group * S::F32_LANES;
    while row < m {
        row += match m - row {
            rest if rest >= ROWS && S::REGISTER_COUNT >= 32 => {
                transposed_tile::<S, ROWS, G>(simd, out, of, row, column)
            }
            rest if rest >= 4 => transposed_tile::<S, 4, G>(simd, out, of, row, column),
            _ => transposed_tile::<S, 1, G>(simd, out, of, row, column),
        };
    }
    G
}

#[inline(always)]
fn transposed_tile<S: Simd, const R: usize, const G: usize>(
    simd: S,
    out: &mut [f32],
    of: Transposed<'_>,
    row: usize,
    column: usize,
) -> usize {
    let width = G * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); G]; R];
    // The last row of `left` may end with the columns that are used.
    for (x, y) in of.left.chunks(of.stride).zip(of.right.chunks_exact(of.n)) {
        let x = &x[row..][..R];
        let mut vectors = [simd.splat_f32s(0.0); G];
        vectors.copy_from_slice(S::as_simd_f32s(&y[column..][..width]).0);
        for r in 0..R {
            let x = simd.splat_f32s(x[r]);
            for g in 0..G {
                sums[r][g] = simd.mul_add_e_f32s(x, vectors[g], sums[r][g]);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        let out = S::as_mut_simd_f32s(&mut out[(row + r) * of.n + column..][..width]).0;
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = if of.add { simd.add_f32s(*out, sum) } else { sum };
        }
    }
    R
}
