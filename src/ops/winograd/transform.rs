//! The linear steps before and after the nine products.

use pulp::{Simd, WithSimd};

use super::tiles::{POINTS, Tiles};
use crate::ops::activation::Activation;
use crate::ops::rows::{load, store};

/// Pairs of columns of an image that a transformed matrix holds: which parity of rows, and from where to where in the pair.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub parity: usize,
    pub from: usize,
    pub len: usize,
}

/// Three numbers side by side in each direction: `next` apart from one to the next.
#[inline(always)]
fn load_three<S: Simd>(simd: S, from: &[f32], next: usize, n: usize) -> [S::f32s; 3] {
    [load(simd, from, 0, n), load(simd, from, next, n), load(simd, from, 2 * next, n)]
}

/// Transforms an image's tiles: `v` is `(9, rows, width)` and gets the tiles as rows from `first_row` on, at `column`.
pub(super) struct Images<'a> {
    pub tiles: Tiles,
    pub padded: &'a [f32],
    pub columns: Columns,
    pub v: &'a mut [f32],
    pub first_row: usize,
    pub width: usize,
    pub column: usize,
}

impl WithSimd for Images<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, padded, columns: Columns { parity, from, len }, v, first_row, width, column } = self;
        let (line, pair, plane) = (tiles.padding.line(), tiles.pair(), v.len() / POINTS);
        for (row, (y, x)) in tiles.places().enumerate() {
            let tile = &padded[(4 * y + parity) * line + 2 * x * pair + from..];
            let to = (first_row + row) * width + column;
            let mut c = 0;
            while c < len {
                let n = S::F32_LANES.min(len - c);
                let mut across = [[simd.splat_f32s(0.0); 3]; 3];
                for i in 0..3 {
                    let [d0, d1, d2] = load_three(simd, &tile[2 * i * line + c..], pair, n);
                    across[i] = [simd.sub_f32s(d0, d1), d1, simd.sub_f32s(d1, d2)];
                }
                for j in 0..3 {
                    let [d0, d1, d2] = [across[0][j], across[1][j], across[2][j]];
                    let down = [simd.sub_f32s(d0, d1), d1, simd.sub_f32s(d1, d2)];
                    for i in 0..3 {
                        store(simd, &mut v[(3 * i + j) * plane + to + c..][..n], down[i]);
                    }
                }
                c += n;
            }
        }
    }
}

/// `out`, one image's `(Ho, Wo, O)`, from the nine products `m` `(9, rows, width)`.
pub(super) struct Outputs<'a> {
    pub tiles: Tiles,
    pub m: &'a [f32],
    pub first_row: usize,
    pub width: usize,
    pub out: &'a mut [f32],
    pub activation: Option<Activation<'a>>,
}

impl WithSimd for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "an iterator's closure would lose the vectors of this function")]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, m, first_row, width, out, activation } = self;
        let (o, plane) = (tiles.outputs, m.len() / POINTS);
        let zero = simd.splat_f32s(0.0);
        for (row, (y, x)) in tiles.places().enumerate() {
            let from = (first_row + row) * width;
            let mut c = 0;
            while c < o {
                let n = S::F32_LANES.min(o - c);
                let mut across = [[zero; 2]; 3];
                for i in 0..3 {
                    let [m0, m1, m2] = load_three(simd, &m[3 * i * plane + from + c..], plane, S::F32_LANES);
                    across[i] = [simd.add_f32s(m0, m1), simd.sub_f32s(m1, m2)];
                }
                for j in 0..2 {
                    let [m0, m1, m2] = [across[0][j], across[1][j], across[2][j]];
                    let down = [simd.add_f32s(m0, m1), simd.sub_f32s(m1, m2)];
                    for i in 0..2 {
                        let mut sum = down[i];
                        if let Some(activation) = activation {
                            sum = activation.of(simd, sum, c, n);
                        }
                        let at = ((2 * y + i) * 2 * tiles.across + 2 * x + j) * o + c;
                        store(simd, &mut out[at..at + n], sum);
                    }
                }
                c += n;
            }
        }
    }
}

/// Transforms an image's output gradients, columns `from` to `from + len`: `v` is `(9, rows, len)`.
pub(super) struct Gradients<'a> {
    pub tiles: Tiles,
    pub grads: &'a [f32],
    pub from: usize,
    pub len: usize,
    pub v: &'a mut [f32],
    pub first_row: usize,
}

impl WithSimd for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "an iterator's closure would lose the vectors of this function")]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, grads, from, len, v, first_row } = self;
        let (o, plane) = (tiles.outputs, v.len() / POINTS);
        for (row, (y, x)) in tiles.places().enumerate() {
            let to = (first_row + row) * len;
            let mut c = 0;
            while c < len {
                let n = S::F32_LANES.min(len - c);
                let mut across = [[simd.splat_f32s(0.0); 3]; 2];
                for i in 0..2 {
                    let at = ((2 * y + i) * 2 * tiles.across + 2 * x) * o + from + c;
                    let (g0, g1) = (load(simd, grads, at, n), load(simd, grads, at + o, n));
                    across[i] = [g0, simd.add_f32s(g0, g1), simd.neg_f32s(g1)];
                }
                for j in 0..3 {
                    let [g0, g1] = [across[0][j], across[1][j]];
                    let down = [g0, simd.add_f32s(g0, g1), simd.neg_f32s(g1)];
                    for i in 0..3 {
                        store(simd, &mut v[(3 * i + j) * plane + to + c..][..n], down[i]);
                    }
                }
                c += n;
            }
        }
    }
}

/// What three products give to three neighbouring inputs.
#[inline(always)]
fn spread<S: Simd>(simd: S, [m0, m1, m2]: [S::f32s; 3]) -> [S::f32s; 3] {
    [m0, simd.sub_f32s(simd.add_f32s(m1, m2), m0), simd.neg_f32s(m2)]
}

/// One padded image from the nine products `m` `(9, rows, width)`: tiles overlap, and what they share is added up.
pub(super) struct Overlap<'a> {
    pub tiles: Tiles,
    pub m: &'a [f32],
    pub first_row: usize,
    pub width: usize,
    pub padded: &'a mut [f32],
}

impl WithSimd for Overlap<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, m, first_row, width, padded } = self;
        let (line, pair, plane) = (tiles.padding.line(), tiles.pair(), m.len() / POINTS);
        for (row, (y, x)) in tiles.places().enumerate() {
            for parity in 0..2 {
                let from = (first_row + row) * width + parity * pair;
                let tile = &mut padded[(4 * y + parity) * line + 2 * x * pair..];
                let mut c = 0;
                while c < pair {
                    let n = S::F32_LANES.min(pair - c);
                    let mut across = [[simd.splat_f32s(0.0); 3]; 3];
                    for i in 0..3 {
                        across[i] = spread(simd, load_three(simd, &m[3 * i * plane + from + c..], plane, n));
                    }
                    for j in 0..3 {
                        let down = spread(simd, [across[0][j], across[1][j], across[2][j]]);
                        for i in 0..3 {
                            let mut sum = down[i];
                            let to = &mut tile[2 * i * line + j * pair + c..][..n];
                            // The tiles above and to the left have been here.
                            if (i == 0 && y > 0) || (j == 0 && x > 0) {
                                sum = simd.add_f32s(sum, load(simd, to, 0, n));
                            }
                            store(simd, to, sum);
                        }
                    }
                    c += n;
                }
            }
        }
    }
}
