//! Depthwise convolutions on channels-last images, a row of pixels at a time, and their gradients.

use pulp::{Simd, WithSimd};

use super::after::After;
use super::aligned::Aligned;
use super::rows::store;
use super::simd::dispatch;

/// Every channel count must divide by this, so that all vectors are whole ones.
const CHANNEL_STEP: usize = 16;

/// A depthwise convolution with constant weights and "same" padding as TensorFlow does it.
pub struct Depthwise {
    channels: usize,
    /// 3 or 5.
    size: usize,
    /// Input pixels from one output pixel to the next.
    stride: usize,
    /// Output pixels from one input pixel to the next: more than 1 where this is the gradient of a stride.
    spread: usize,
    /// `(size, size, channels)`
    weights: Aligned,
    bias: Aligned,
    /// As many zeros, for the derivative.
    zeros: Aligned,
}

/// The part of the kernel, in one direction, that meets the input under one output pixel: the kernel's places `first`,
/// `first + spread`, ... meet the input's `from`, `from + 1`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// The first place in the kernel.
    pub first: usize,
    /// The input pixel there.
    pub from: usize,
    /// How many there are.
    pub count: usize,
}

/// Zeros before the first of `side` pixels. What the output needs beyond that goes behind the last one, so with stride 2
/// the odd row or column stands at the bottom or the right.
pub fn padding_before(side: usize, size: usize, stride: usize) -> usize {
    let outputs = side.div_ceil(stride);
    (outputs.saturating_sub(1) * stride + size).saturating_sub(side) / 2
}

impl Depthwise {
    /// Weights `(channels, size, size)`, as PyTorch stores them; bias `(channels,)`; stride 1 or 2.
    ///
    /// # Panics
    /// Where the lengths do not fit each other, the channels do not divide by 16, or size or stride is another.
    pub fn new(weights: &[f32], bias: &[f32], size: usize, stride: usize) -> Self {
        let channels = bias.len();
        assert!(matches!((size, stride), (3 | 5, 1 | 2)), "kernels of size {size} and stride {stride}");
        assert_eq!(weights.len(), channels * size * size, "weights of {channels} channels and size {size}");
        assert_eq!(channels % CHANNEL_STEP, 0, "{channels} channels do not divide by {CHANNEL_STEP}");
        let mut turned = Aligned::zeros(weights.len());
        for (channel, taps) in weights.chunks_exact(size * size).enumerate() {
            for (tap, &weight) in taps.iter().enumerate() {
                turned[tap * channels + channel] = weight;
            }
        }
        let mut start = Aligned::zeros(channels);
        start.copy_from_slice(bias);
        Self { channels, size, stride, spread: 1, weights: turned, bias: start, zeros: Aligned::zeros(channels) }
    }

    /// What takes gradients of the output to those of the input, without a bias, where the input's side divides by the
    /// stride. Not to be transposed again.
    pub fn transposed(&self) -> Self {
        let Self { channels, size, stride, .. } = *self;
        let mut weights = Aligned::zeros(self.weights.len());
        for (to, from) in weights.chunks_exact_mut(channels).zip(self.weights.chunks_exact(channels).rev()) {
            to.copy_from_slice(from);
        }
        let zeros = || Aligned::zeros(channels);
        Self { channels, size, stride: 1, spread: stride, weights, bias: zeros(), zeros: zeros() }
    }

    /// Numbers in a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows and columns under the kernel.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Input pixels from one output pixel to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Rows or columns of the output for so many of the input.
    pub fn side_after(&self, side: usize) -> usize {
        side.div_ceil(self.stride) * self.spread
    }

    /// Zeros before the first of `side` input rows or columns, after spreading them.
    fn padding(&self, side: usize) -> usize {
        match self.spread {
            1 => padding_before(side, self.size, self.stride),
            spread => self.size - 1 - padding_before(side * spread, self.size, spread),
        }
    }

    /// What an output row or column sees of `side` input rows or columns.
    pub fn taps(&self, output: usize, side: usize) -> Taps {
        let Self { size, stride, spread, .. } = *self;
        let before = self.padding(side);
        let place = output * stride;
        let inside = before.saturating_sub(place);
        let first = inside + (spread - (place + inside - before) % spread) % spread;
        let from = (place + first - before) / spread;
        let count = size.saturating_sub(first).div_ceil(spread).min(side.saturating_sub(from));
        Taps { first, from, count }
    }

    /// One row of the output, `(side_after(W), channels)`, from the rows of the input under it, `(W, channels)` each: those
    /// that [`taps`](Self::taps) names, of which the first meets the kernel's row `first`.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    pub fn row(&self, out: &mut [f32], rows: &[&[f32]], first: usize, after: After<'_>) {
        self.sums(out, rows, first, &self.bias, after);
    }

    /// As [`row`](Self::row) without the bias.
    ///
    /// # Panics
    /// As there.
    pub fn row_unbiased(&self, out: &mut [f32], rows: &[&[f32]], first: usize, after: After<'_>) {
        self.sums(out, rows, first, &self.zeros, after);
    }

    fn sums(&self, out: &mut [f32], rows: &[&[f32]], first: usize, bias: &[f32], after: After<'_>) {
        let width = rows.first().map_or(0, |row| row.len() / self.channels);
        assert!(width > 0 && rows.iter().all(|row| row.len() == width * self.channels), "whole rows of one length");
        assert!(first + (rows.len() - 1) * self.spread < self.size, "rows under the kernel");
        assert_eq!(out.len(), self.side_after(width) * self.channels, "the output's width");
        after.check(out.len(), self.channels);
        dispatch(Row { layer: self, out, rows, first, width, bias, after });
    }
}

struct Row<'a> {
    layer: &'a Depthwise,
    out: &'a mut [f32],
    rows: &'a [&'a [f32]],
    /// The kernel's row that the first of them meets.
    first: usize,
    width: usize,
    bias: &'a [f32],
    after: After<'a>,
}

/// Some output pixels, `spread` from each other, and what is under them.
#[derive(Clone, Copy)]
struct Tile {
    /// The first output pixel.
    x: usize,
    /// The first of the kernel's columns.
    tap: usize,
    /// The input column under that for the first pixel; -1 and less lie before the image.
    from: isize,
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Depthwise { size, stride, spread, .. } = *self.layer;
        for phase in 0..spread {
            // The kernel's columns that meet input pixels, and the input columns under a tile: (pixels - 1) * stride + taps.
            let taps = (size - self.phase(phase).tap).div_ceil(spread);
            match (stride, taps) {
                (1, 1) => self.all::<S, 1, 8, 4, 2, 1>(simd, phase),
                (1, 2) => self.all::<S, 2, 9, 5, 3, 1>(simd, phase),
                (1, 3) => self.all::<S, 3, 10, 6, 4, 1>(simd, phase),
                (1, _) => self.all::<S, 5, 12, 8, 6, 1>(simd, phase),
                (_, 3) => self.all::<S, 3, 17, 9, 5, 2>(simd, phase),
                (_, _) => self.all::<S, 5, 19, 11, 7, 2>(simd, phase),
            }
        }
    }
}

impl Row<'_> {
    /// The first output pixel of those whose place divided by the spread leaves `phase`.
    #[inline(always)]
    fn phase(&self, phase: usize) -> Tile {
        let spread = self.layer.spread;
        let before = self.layer.padding(self.width);
        let tap = (before + spread - phase) % spread;
        Tile { x: phase, tap, from: ((phase + tap) as isize - before as isize) / spread as isize }
    }

    /// Up to eight output pixels at a time, whose sums and input columns fit the registers. `OF_8` and so on are the input
    /// columns under as many pixels.
    #[inline(always)]
    fn all<S: Simd, const TAPS: usize, const OF_8: usize, const OF_4: usize, const OF_2: usize, const STEP: usize>(
        &mut self,
        simd: S,
        phase: usize,
    ) {
        let spread = self.layer.spread;
        let mut tile = self.phase(phase);
        let mut left = (self.out.len() / self.layer.channels - phase).div_ceil(spread);
        while left > 0 {
            let done = match left {
                8.. if S::REGISTER_COUNT >= 32 => self.tile::<S, TAPS, OF_8, 8, STEP>(simd, tile),
                4.. => self.tile::<S, TAPS, OF_4, 4, STEP>(simd, tile),
                2.. => self.tile::<S, TAPS, OF_2, 2, STEP>(simd, tile),
                _ => self.tile::<S, TAPS, TAPS, 1, STEP>(simd, tile),
            };
            left -= done;
            tile.x += done * spread;
            tile.from += (done * STEP) as isize;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const TAPS: usize, const COLUMNS: usize, const PIXELS: usize, const STEP: usize>(
        &mut self,
        simd: S,
        tile: Tile,
    ) -> usize {
        for group in 0..self.layer.channels / S::F32_LANES {
            self.sum::<S, TAPS, COLUMNS, PIXELS, STEP>(simd, tile, group);
        }
        PIXELS
    }

    /// One vector of channels of `PIXELS` output pixels. Each input column is loaded once a row, though several pixels see
    /// it; those outside the image are zeros.
    #[inline(always)]
    fn sum<S: Simd, const TAPS: usize, const COLUMNS: usize, const PIXELS: usize, const STEP: usize>(
        &mut self,
        simd: S,
        Tile { x, tap, from }: Tile,
        group: usize,
    ) {
        let Depthwise { channels, size, spread, .. } = *self.layer;
        let vectors = channels / S::F32_LANES;
        let (weights, _) = S::as_simd_f32s(&self.layer.weights);
        let mut sums = [S::as_simd_f32s(self.bias).0[group]; PIXELS];

        let last_row = self.first + (self.rows.len() - 1) * spread;
        assert!(tap + (TAPS - 1) * spread < size && last_row < size && group < vectors);
        assert!(weights.len() == size * size * vectors && COLUMNS == (PIXELS - 1) * STEP + TAPS);
        let inside = from >= 0 && from as usize + COLUMNS <= self.width;
        for (ky, row) in self.rows.iter().enumerate() {
            let (row, _) = S::as_simd_f32s(row);
            assert!(row.len() == self.width * vectors);
            let mut columns = [simd.splat_f32s(0.0); COLUMNS];
            if inside {
                let begin = from as usize * vectors + group;
                for (i, column) in columns.iter_mut().enumerate() {
                    // SAFETY: `from + COLUMNS` pixels lie within the row, and `group` below `vectors`.
                    #[expect(unsafe_code, reason = "checks of every load would cost as much as the arithmetic")]
                    unsafe {
                        *column = *row.get_unchecked(begin + i * vectors);
                    }
                }
            } else {
                for (i, column) in columns.iter_mut().enumerate() {
                    let at = from + i as isize;
                    if at >= 0 && (at as usize) < self.width {
                        *column = row[at as usize * vectors + group];
                    }
                }
            }
            let begin = ((self.first + ky * spread) * size + tap) * vectors + group;
            for j in 0..TAPS {
                // SAFETY: the kernel's row is at most `last_row` and its column at most `tap + (TAPS - 1) * spread`, both
                // below `size`, and `group` is below `vectors`.
                #[expect(unsafe_code, reason = "as above")]
                let weight = unsafe { *weights.get_unchecked(begin + j * spread * vectors) };
                for p in 0..PIXELS {
                    sums[p] = simd.mul_add_e_f32s(columns[p * STEP + j], weight, sums[p]);
                }
            }
        }
        for (p, sum) in sums.into_iter().enumerate() {
            let begin = (x + p * spread) * channels + group * S::F32_LANES;
            let value = self.after.finish(simd, begin, S::F32_LANES, sum);
            store(simd, &mut self.out[begin..begin + S::F32_LANES], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
    }

    #[test]
    fn padding_is_tensorflows() {
        assert_eq!(padding_before(224, 3, 2), 0);
        assert_eq!(padding_before(56, 5, 2), 1);
        assert_eq!(padding_before(7, 3, 2), 1);
        // Odd sides at stride 2 are padded on both sides alike.
        assert_eq!([(65, 5), (33, 3), (17, 5)].map(|(side, size)| padding_before(side, size, 2)), [2, 1, 2]);
        assert_eq!(padding_before(14, 5, 1), 2);
    }

    /// Widths, channels, sizes of the kernel and strides: all tiles, with and without an edge in them.
    const CASES: [(usize, usize, usize, usize); 14] = [
        (7, 16, 5, 1),
        (14, 48, 3, 1),
        (12, 32, 3, 2),
        (28, 80, 5, 2),
        (2, 16, 5, 1),
        (1, 16, 3, 1),
        (7, 16, 3, 2),
        (2, 32, 3, 2),
        (4, 16, 5, 2),
        (64, 16, 5, 2),
        (38, 16, 3, 2),
        (31, 16, 5, 1),
        (33, 16, 3, 2),
        (17, 48, 5, 2),
    ];

    /// The sums over an image, by the definition.
    fn plain(
        image: &[f32],
        weights: &[f32],
        width: usize,
        (channels, size, stride): (usize, usize, usize),
    ) -> Vec<f32> {
        let (before, height) = (padding_before(width, size, stride) as isize, image.len() / channels / width);
        let above = padding_before(height, size, stride) as isize;
        let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
        let mut out = vec![0.0; rows * columns * channels];
        for (at, out) in out.iter_mut().enumerate() {
            let (c, x, y) = (at % channels, at / channels % columns, at / channels / columns);
            for k in 0..size * size {
                let (row, column) =
                    ((y * stride + k / size) as isize - above, (x * stride + k % size) as isize - before);
                if (0..height as isize).contains(&row) && (0..width as isize).contains(&column) {
                    let from = (row as usize * width + column as usize) * channels + c;
                    *out += image[from] * weights[c * size * size + k];
                }
            }
        }
        out
    }

    fn run<S: Simd>(simd: S, layer: &Depthwise, image: &[f32], width: usize, bits: &mut Option<Vec<u16>>) -> Vec<f32> {
        let rows: Vec<&[f32]> = image.chunks_exact(width * layer.channels).collect();
        let line = layer.side_after(width) * layer.channels;
        let mut out = vec![0.0; layer.side_after(rows.len()) * line];
        for (y, out) in out.chunks_exact_mut(line).enumerate() {
            let Taps { first, from, count } = layer.taps(y, rows.len());
            let rows = &rows[from..from + count];
            let after = match bits {
                Some(bits) => After::Remember(&mut bits[y * line / 16..(y + 1) * line / 16]),
                None => After::Linear,
            };
            simd.vectorize(Row { layer, out, rows, first, width, bias: &layer.bias, after });
        }
        out
    }

    /// Runs all cases with the vectors of one instruction set, so that a wide machine tests the narrow ones too.
    fn equals_the_plain_sum<S: Simd>(simd: S) {
        for (width, channels, size, stride) in CASES {
            let (weights, bias) = (numbers(channels * size * size, 1), numbers(channels, 2));
            let image = numbers(width * 6 * channels, 3);
            let layer = Depthwise::new(&weights, &bias, size, stride);
            let want = plain(&image, &weights, width, (channels, size, stride));
            let sums = run(simd, &layer, &image, width, &mut None);
            let mut bits = Some(vec![0x5a5a; want.len() / 16]);
            let clamped = run(simd, &layer, &image, width, &mut bits);
            for (at, want) in want.iter().enumerate() {
                let want = want + bias[at % channels];
                assert!((sums[at] - want).abs() < 1e-4, "{width} {channels} {size} {stride} at {at}");
                assert_eq!(clamped[at], sums[at].clamp(0.0, 6.0));
                let set = bits.as_ref().unwrap()[at / 16] >> (at % 16) & 1 == 1;
                assert_eq!(set, sums[at] > 0.0 && sums[at] < 6.0);
            }
        }
    }

    /// `sum(layer(x) * y) == sum(x * transposed(y))`, for all `x` at once: the gradient of the sum in each of its numbers.
    fn transposed_is_the_gradient<S: Simd>(simd: S) {
        for (width, channels, size, stride) in CASES {
            if width % stride > 0 {
                continue;
            }
            let weights = numbers(channels * size * size, 1);
            let layer = Depthwise::new(&weights, &numbers(channels, 2), size, stride);
            let (rows, columns) = (6 / stride, width / stride);
            let gradient = numbers(rows * columns * channels, 4);
            let got = run(simd, &layer.transposed(), &gradient, columns, &mut None);
            assert_eq!(got.len(), 6 * width * channels);
            for (at, got) in got.iter().enumerate().step_by(5) {
                let mut one = vec![0.0; 6 * width * channels];
                one[at] = 1.0;
                let moved = plain(&one, &weights, width, (channels, size, stride));
                let want: f32 = moved.iter().zip(&gradient).map(|(a, b)| a * b).sum();
                assert!((got - want).abs() < 1e-4, "{width} {channels} {size} {stride} at {at}: {got} for {want}");
            }
        }
    }

    struct Case;

    impl WithSimd for Case {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            equals_the_plain_sum(simd);
            transposed_is_the_gradient(simd);
        }
    }

    #[test]
    fn sums_and_gradients_are_right_with_every_vector() {
        Case.with_simd(pulp::Scalar::new());
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            Case.with_simd(simd);
        }
        dispatch(Case);
    }

    #[test]
    fn a_row_outside_the_image_is_left_out() {
        let mut out = [0.0; 16];
        let (layer, ones) = (Depthwise::new(&[0.5; 16 * 9], &[0.25; 16], 3, 1), [1.0; 16]);
        assert_eq!(layer.taps(0, 8), Taps { first: 1, from: 0, count: 2 });
        layer.row(&mut out, &[&ones, &ones], 1, After::Relu6);
        assert_eq!(out, [1.25; 16]);
        layer.row_unbiased(&mut out, &[&ones, &ones], 1, After::Relu6);
        assert_eq!(out, [1.0; 16]);
    }
}
