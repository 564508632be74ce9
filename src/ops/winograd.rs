//! The 4x4 convolution of stride 2 with nine products where its definition takes sixteen.
//!
//! Pairs of pixels side by side and rows of one parity make the convolution one of stride 1 with a 2x2 kernel over four
//! times the channels. Two neighbouring outputs of such a one in one dimension, `y0 = x0 w0 + x1 w1` and
//! `y1 = x1 w0 + x2 w1`, need three products instead of four (Winograd 1980; Lavin & Gray 2016):
//!
//! `m0 = (x0 - x1) w0`, `m1 = x1 (w0 + w1)`, `m2 = (x1 - x2) w1`, `y0 = m0 + m1`, `y1 = m1 - m2`.
//!
//! Nested in two dimensions that is nine products of matrices (tiles by channels, channels by outputs) for tiles of 2x2
//! outputs. The gradients are the same algorithm transposed: each of the three steps (images, kernel, outputs) is linear.
//! Every step adds and subtracts only, so the result is as exact as the plain sum to a few units in the last place.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::Activation;
use super::cpu;
use super::padding::Padding;
use super::patches::Patches;
use super::rows::{load, store};
use super::scratch::scratch;
use super::simd::{dispatch, lanes};
use super::tile::{Packed, Transposed, product, transposed_product};

/// Floats in the widest vectors that there are.
const MOST_LANES: usize = 16;
/// Products a tile.
const POINTS: usize = 9;
/// Tiles that a thread works on at a time: their numbers stay near the core, the weights are read once for all.
const TILES: usize = 64;
/// The same for gradients in the kernel, where tiles are what is summed over.
const SUMMED_TILES: usize = 128;

/// Whether this convolution is one that the nine products compute.
pub(super) fn takes(p: &Patches) -> bool {
    let whole = |size: usize, padding: usize, out: usize| out.is_multiple_of(2) && size + 2 * padding == 2 * out + 2;
    (p.kh, p.kw, p.stride) == (4, 4, 2) && whole(p.height, p.above, p.out_height) && whole(p.width, p.left, p.out_width)
}

/// Tiles of 2x2 outputs and what they read.
#[derive(Clone, Copy)]
struct Tiles {
    padding: Padding,
    down: usize,
    across: usize,
    outputs: usize,
}

impl Tiles {
    fn new(p: &Patches, outputs: usize) -> Self {
        Self { padding: Padding::of(p), down: p.out_height / 2, across: p.out_width / 2, outputs }
    }

    /// Tiles an image.
    fn image(&self) -> usize {
        self.down * self.across
    }

    /// Numbers of a pair of pixels.
    fn pair(&self) -> usize {
        2 * self.padding.channels
    }

    /// Numbers that an output is summed over: a pair of pixels in rows of both parities.
    fn inner(&self) -> usize {
        2 * self.pair()
    }

    /// Numbers of an image's outputs.
    fn out(&self) -> usize {
        4 * self.image() * self.outputs
    }

    /// Images that a thread works on at a time, so many that every thread has as many chunks.
    fn chunk(&self, images: usize) -> usize {
        let chunks = (images * self.image()).div_ceil(TILES).next_multiple_of(rayon::current_num_threads());
        images.div_ceil(chunks)
    }

    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { down, across, .. } = *self;
        (0..down).flat_map(move |y| (0..across).map(move |x| (y, x)))
    }
}

/// Three numbers side by side in each direction: `next` apart from one to the next.
#[inline(always)]
fn load_three<S: Simd>(simd: S, from: &[f32], next: usize, n: usize) -> [S::f32s; 3] {
    [load(simd, from, 0, n), load(simd, from, next, n), load(simd, from, 2 * next, n)]
}

/// Pairs of columns of an image that a transformed matrix holds: which parity of rows, and from where to where in the pair.
#[derive(Clone, Copy)]
struct Columns {
    parity: usize,
    from: usize,
    len: usize,
}

/// Transforms an image's tiles: `v` is `(9, rows, width)` and gets the tiles as rows from `first_row` on, at `column`.
struct Images<'a> {
    tiles: Tiles,
    padded: &'a [f32],
    columns: Columns,
    v: &'a mut [f32],
    first_row: usize,
    width: usize,
    column: usize,
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
struct Outputs<'a> {
    tiles: Tiles,
    m: &'a [f32],
    first_row: usize,
    width: usize,
    out: &'a mut [f32],
    activation: Option<Activation<'a>>,
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
struct Gradients<'a> {
    tiles: Tiles,
    grads: &'a [f32],
    from: usize,
    len: usize,
    v: &'a mut [f32],
    first_row: usize,
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
struct Overlap<'a> {
    tiles: Tiles,
    m: &'a [f32],
    first_row: usize,
    width: usize,
    padded: &'a mut [f32],
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

/// Products of the points: `m` `(9, rows, width)` from `v` `(9, rows, inner)` and weights `(9, groups, inner, lanes)`.
struct Points<'a> {
    m: &'a mut [f32],
    v: &'a [f32],
    inner: usize,
    weights: &'a [f32],
}

impl WithSimd for Points<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { m, v, inner, weights } = self;
        let (m_plane, v_plane, w_plane) = (m.len() / POINTS, v.len() / POINTS, weights.len() / POINTS);
        let points = m.chunks_exact_mut(m_plane).zip(v.chunks_exact(v_plane)).zip(weights.chunks_exact(w_plane));
        for ((m, v), weights) in points {
            let width = m.len() / (v.len() / inner);
            product(simd, m, Packed { rows: v, inner, weights, width });
        }
    }
}

/// One output's kernel, `(4, 4, I)`, at the nine points: up to a vector of numbers from `c` on in the pairs of a parity.
#[inline(always)]
fn kernel_points<S: Simd>(simd: S, kernel: &[f32], pair: usize, (parity, c, n): (usize, usize, usize)) -> [S::f32s; 9] {
    let above = &kernel[parity * 2 * pair + c..];
    let below = &kernel[(2 + parity) * 2 * pair + c..];
    let (w00, w01) = (load(simd, above, 0, n), load(simd, above, pair, n));
    let (w10, w11) = (load(simd, below, 0, n), load(simd, below, pair, n));
    let (above, below) = (simd.add_f32s(w00, w01), simd.add_f32s(w10, w11));
    let middle = [simd.add_f32s(w00, w10), simd.add_f32s(above, below), simd.add_f32s(w01, w11)];
    [w00, above, w01, middle[0], middle[1], middle[2], w10, below, w11]
}

/// Convolution of `images` (plain, channels-last) with an `(O, 4, 4, I)` kernel into `out`, which is replaced.
pub(super) fn conv(
    out: &mut [f32],
    images: &[f32],
    kernel: &[f32],
    outputs: usize,
    p: &Patches,
    activation: Option<Activation<'_>>,
) {
    let tiles = Tiles::new(p, outputs);
    let (inner, width) = (tiles.inner(), outputs.next_multiple_of(lanes()));
    let plain = tiles.padding.plain();
    let chunk = tiles.chunk(images.len() / plain);
    scratch(POINTS * width * inner, |weights| {
        pack_by_output(weights, kernel, tiles);
        let weights = &*weights;
        out.par_chunks_mut(chunk * tiles.out()).zip(images.par_chunks(chunk * plain)).for_each(|(out, images)| {
            let rows = images.len() / plain * tiles.image();
            scratch(POINTS * rows * inner, |v| {
                for (i, image) in images.chunks_exact(plain).enumerate() {
                    tiles.padding.with(image, |padded| {
                        for parity in 0..2 {
                            let columns = Columns { parity, from: 0, len: tiles.pair() };
                            let (column, first_row) = (parity * tiles.pair(), i * tiles.image());
                            dispatch(Images { tiles, padded, columns, v, first_row, width: inner, column });
                        }
                    });
                }
                scratch(POINTS * rows * width, |m| {
                    dispatch(Points { m, v, inner, weights });
                    for (i, out) in out.chunks_exact_mut(tiles.out()).enumerate() {
                        let first_row = i * tiles.image();
                        dispatch(Outputs { tiles, m, first_row, width, out, activation });
                    }
                });
            });
        });
    });
}

/// Fills in the kernel at the nine points as `(9, groups, inner, lanes)`, outputs in the lanes.
fn pack_by_output(packed: &mut [f32], kernel: &[f32], tiles: Tiles) {
    let (inner, lanes) = (tiles.inner(), lanes());
    let groups = packed.len() / (POINTS * inner * lanes);
    let mut by_group: Vec<Vec<&mut [f32]>> = (0..groups).map(|_| Vec::with_capacity(POINTS)).collect();
    for (i, part) in packed.chunks_exact_mut(inner * lanes).enumerate() {
        by_group[i % groups].push(part);
    }
    by_group.into_par_iter().zip(kernel.par_chunks(lanes * 4 * inner)).for_each(|(to, kernel)| {
        dispatch(ByOutput { to, kernel, pair: tiles.pair() });
    });
}

struct ByOutput<'a> {
    /// A group at each point: `(inner, lanes)`.
    to: Vec<&'a mut [f32]>,
    /// Up to a vector of outputs.
    kernel: &'a [f32],
    pair: usize,
}

impl WithSimd for ByOutput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut to, kernel, pair } = self;
        let lanes = S::F32_LANES;
        // A block of outputs by numbers at a time, exchanged while it lies in the nearest cache.
        let mut blocks = [[[0.0; MOST_LANES]; MOST_LANES]; POINTS];
        for parity in 0..2 {
            for c in (0..pair).step_by(lanes) {
                let n = lanes.min(pair - c);
                for (output, kernel) in kernel.chunks_exact(8 * pair).enumerate() {
                    let points = kernel_points(simd, kernel, pair, (parity, c, n));
                    for point in 0..POINTS {
                        store(simd, &mut blocks[point][output][..lanes], points[point]);
                    }
                }
                for point in 0..POINTS {
                    let to = to[point][(parity * pair + c) * lanes..][..n * lanes].chunks_exact_mut(lanes);
                    for (i, to) in to.enumerate() {
                        for (lane, to) in to.iter_mut().enumerate() {
                            *to = blocks[point][lane][i];
                        }
                    }
                }
            }
        }
    }
}

/// The gradient of a convolution in its input: `grads` are `(B, Ho, Wo, O)`; `out` `(B, H, W, I)` is replaced.
pub(super) fn input_gradient(out: &mut [f32], grads: &[f32], kernel: &[f32], outputs: usize, p: &Patches) {
    let tiles = Tiles::new(p, outputs);
    let width = tiles.inner().next_multiple_of(lanes());
    let plain = tiles.padding.plain();
    let chunk = tiles.chunk(out.len() / plain);
    scratch(POINTS * width * outputs, |weights| {
        pack_by_input(weights, kernel, tiles);
        let weights = &*weights;
        out.par_chunks_mut(chunk * plain).zip(grads.par_chunks(chunk * tiles.out())).for_each(|(out, grads)| {
            let rows = out.len() / plain * tiles.image();
            scratch(POINTS * rows * outputs, |v| {
                for (i, grads) in grads.chunks_exact(tiles.out()).enumerate() {
                    let first_row = i * tiles.image();
                    dispatch(Gradients { tiles, grads, from: 0, len: outputs, v, first_row });
                }
                scratch(POINTS * rows * width, |m| {
                    dispatch(Points { m, v, inner: outputs, weights });
                    scratch(tiles.padding.image(), |padded| {
                        for (i, out) in out.chunks_exact_mut(plain).enumerate() {
                            let first_row = i * tiles.image();
                            dispatch(Overlap { tiles, m, first_row, width, padded });
                            tiles.padding.crop(out, padded);
                        }
                    });
                });
            });
        });
    });
}

/// Fills in the kernel at the nine points as `(9, groups, outputs, lanes)`, what an output is summed over in the lanes.
fn pack_by_input(packed: &mut [f32], kernel: &[f32], tiles: Tiles) {
    let (outputs, lanes) = (tiles.outputs, lanes());
    // A few outputs at a time, each with its place in every group of every point.
    let some = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(4);
    let mut by_part: Vec<Vec<&mut [f32]>> = (0..outputs.div_ceil(some)).map(|_| Vec::new()).collect();
    for group in packed.chunks_exact_mut(outputs * lanes) {
        for (part, to) in group.chunks_mut(some * lanes).enumerate() {
            by_part[part].push(to);
        }
    }
    by_part.into_par_iter().zip(kernel.par_chunks(some * 4 * tiles.inner())).for_each(|(to, kernel)| {
        dispatch(ByInput { to, kernel, pair: tiles.pair() });
    });
}

struct ByInput<'a> {
    /// `(outputs, lanes)` for each group of each point.
    to: Vec<&'a mut [f32]>,
    kernel: &'a [f32],
    pair: usize,
}

impl WithSimd for ByInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut to, kernel, pair } = self;
        let (lanes, groups) = (S::F32_LANES, to.len() / POINTS);
        for (output, kernel) in kernel.chunks_exact(8 * pair).enumerate() {
            let row = output * lanes;
            if !(2 * pair).is_multiple_of(lanes) {
                for last in to.iter_mut().skip(groups - 1).step_by(groups) {
                    last[row..row + lanes].fill(0.0);
                }
            }
            for parity in 0..2 {
                let mut c = 0;
                while c < pair {
                    let (group, lane) = ((parity * pair + c) / lanes, (parity * pair + c) % lanes);
                    let n = (lanes - lane).min(pair - c);
                    let points = kernel_points(simd, kernel, pair, (parity, c, n));
                    for point in 0..POINTS {
                        store(simd, &mut to[point * groups + group][row + lane..][..n], points[point]);
                    }
                    c += n;
                }
            }
        }
    }
}

/// A part of the gradient in the kernel: some outputs by some columns.
struct Part {
    columns: Vec<Columns>,
    outputs: std::ops::Range<usize>,
}

impl Part {
    /// As many parts as threads: by columns where transforming the images costs more, by outputs otherwise.
    fn all(tiles: Tiles) -> Vec<Self> {
        let (threads, lanes) = (rayon::current_num_threads(), lanes());
        let (pair, outputs) = (tiles.pair(), tiles.outputs);
        let mut parts = Vec::new();
        if tiles.inner() >= outputs && pair >= 2 * lanes {
            let len = pair.div_ceil(threads.div_ceil(2)).next_multiple_of(lanes);
            for parity in 0..2 {
                for from in (0..pair).step_by(len) {
                    let columns = vec![Columns { parity, from, len: len.min(pair - from) }];
                    parts.push(Self { columns, outputs: 0..outputs });
                }
            }
        } else {
            let some = outputs.div_ceil(threads).next_multiple_of(4);
            for from in (0..outputs).step_by(some) {
                let columns = (0..2).map(|parity| Columns { parity, from: 0, len: pair }).collect();
                parts.push(Self { columns, outputs: from..outputs.min(from + some) });
            }
        }
        parts
    }

    fn width(&self) -> usize {
        self.columns.iter().map(|columns| columns.len).sum::<usize>().next_multiple_of(lanes())
    }

    /// Numbers of this part at the nine points.
    fn len(&self) -> usize {
        POINTS * self.outputs.len() * self.width()
    }

    /// The gradient at the nine points: `sums` `(9, outputs, width)` are replaced.
    fn compute(&self, sums: &mut [f32], images: &[f32], grads: &[f32], tiles: Tiles) {
        let (some, width) = (self.outputs.len(), self.width());
        let chunk = SUMMED_TILES.div_ceil(tiles.image());
        let plain = tiles.padding.plain();
        let chunks = images.chunks(chunk * plain).zip(grads.chunks(chunk * tiles.out()));
        for (i, (images, grads)) in chunks.enumerate() {
            let rows = images.len() / plain * tiles.image();
            scratch(POINTS * rows * width, |right| {
                scratch(POINTS * rows * some, |left| {
                    let each = images.chunks_exact(plain).zip(grads.chunks_exact(tiles.out()));
                    for (i, (image, grads)) in each.enumerate() {
                        let first_row = i * tiles.image();
                        tiles.padding.with(image, |padded| self.images(padded, right, first_row, tiles));
                        let from = self.outputs.start;
                        dispatch(Gradients { tiles, grads, from, len: some, v: left, first_row });
                    }
                    dispatch(Summed { sums: &mut *sums, left, right, width, add: i > 0 });
                });
            });
        }
    }

    /// Writes this part's share of one output's kernel gradient, `(4, 4, I)`, from the nine points.
    fn finish(&self, out: &mut [f32], sums: &[f32], row: usize, pair: usize) {
        let width = self.width();
        let plane = self.outputs.len() * width;
        let mut column = 0;
        for Columns { parity, from, len } in self.columns.iter().copied() {
            for (u, v) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let to = &mut out[(2 * u + parity) * 2 * pair + v * pair + from..][..len];
                let at = |point: usize| &sums[point * plane + row * width + column..][..len];
                let first = 3 * u + v;
                let (a, b, c, d) = (at(first), at(first + 1), at(first + 3), at(first + 4));
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                            *to = (a + b) + (c + d);
                        }
                    },
                );
            }
            column += len;
        }
    }

    fn images(&self, padded: &[f32], v: &mut [f32], first_row: usize, tiles: Tiles) {
        let mut column = 0;
        for columns in &self.columns {
            let (columns, width) = (*columns, self.width());
            dispatch(Images { tiles, padded, columns, v, first_row, width, column });
            column += columns.len;
        }
    }
}

/// Products over tiles at each point.
struct Summed<'a> {
    sums: &'a mut [f32],
    left: &'a [f32],
    right: &'a [f32],
    width: usize,
    add: bool,
}

impl WithSimd for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, left, right, width: n, add } = self;
        let (s, l, r) = (sums.len() / POINTS, left.len() / POINTS, right.len() / POINTS);
        let stride = s / n;
        let points = sums.chunks_exact_mut(s).zip(left.chunks_exact(l)).zip(right.chunks_exact(r));
        for ((sums, left), right) in points {
            transposed_product(simd, sums, Transposed { left, stride, right, n, add });
        }
    }
}

/// The gradient of a convolution in its kernel: `grads` are `(B, Ho, Wo, O)`; `out` `(O, 4, 4, I)` is replaced.
pub(super) fn kernel_gradient(out: &mut [f32], images: &[f32], grads: &[f32], outputs: usize, p: &Patches) {
    let tiles = Tiles::new(p, outputs);
    let parts = Part::all(tiles);
    scratch(parts.iter().map(Part::len).sum(), |sums| {
        let mut shares = Vec::with_capacity(parts.len());
        let mut rest = &mut *sums;
        for part in &parts {
            let (share, more) = rest.split_at_mut(part.len());
            shares.push(share);
            rest = more;
        }
        let each = shares.par_iter_mut().zip(&parts);
        each.for_each(|(sums, part)| part.compute(sums, images, grads, tiles));
        out.par_chunks_mut(4 * tiles.inner()).enumerate().for_each(|(output, out)| {
            for (part, sums) in parts.iter().zip(&shares).filter(|(part, _)| part.outputs.contains(&output)) {
                part.finish(out, sums, output - part.outputs.start, tiles.pair());
            }
        });
    });
}
