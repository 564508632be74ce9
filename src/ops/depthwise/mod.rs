//! Depthwise convolutions on channels-last images, a row of pixels at a time, and their gradients.

#[cfg(test)]
mod tests;

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
use super::epilogue::Epilogue;
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
    pub fn row(&self, out: &mut [f32], rows: &[&[f32]], first: usize, after: Epilogue<'_>) {
        self.sums(out, rows, first, &self.bias, after);
    }

    /// As [`row`](Self::row) without the bias.
    ///
    /// # Panics
    /// As there.
    pub fn row_unbiased(&self, out: &mut [f32], rows: &[&[f32]], first: usize, after: Epilogue<'_>) {
        self.sums(out, rows, first, &self.zeros, after);
    }

    fn sums(&self, out: &mut [f32], rows: &[&[f32]], first: usize, bias: &[f32], after: Epilogue<'_>) {
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
    after: Epilogue<'a>,
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
            for (i, column) in columns.iter_mut().enumerate() {
                // What lies before the image becomes a large number.
                let at = from.wrapping_add_unsigned(i) as usize;
                if inside || at < self.width {
                    // SAFETY: the row has `width` pixels, of which `at` is one, and `group` is below `vectors`.
                    #[expect(unsafe_code, reason = "checks of every load would cost as much as the arithmetic")]
                    unsafe {
                        *column = *row.get_unchecked(at * vectors + group);
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
