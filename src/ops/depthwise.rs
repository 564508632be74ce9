//! Depthwise convolutions on channels-last images, a row of pixels at a time, with bias and ReLU6.

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
use super::simd::dispatch;

/// Every channel count must divide by this, so that all vectors are whole ones.
const CHANNEL_STEP: usize = 16;

/// A depthwise convolution with constant weights and "same" padding as TensorFlow does it.
pub struct Depthwise {
    channels: usize,
    size: usize,
    stride: usize,
    /// `(size, size, channels)`
    weights: Aligned,
    bias: Aligned,
}

/// Zeros before the first of `side` pixels. What the output needs beyond that goes behind the last one, so with stride 2
/// the odd row or column stands at the bottom or the right.
pub fn padding_before(side: usize, size: usize, stride: usize) -> usize {
    let outputs = side.div_ceil(stride);
    (outputs.saturating_sub(1) * stride + size).saturating_sub(side) / 2
}

impl Depthwise {
    /// Weights `(channels, size, size)`, as PyTorch stores them; bias `(channels,)`.
    ///
    /// # Panics
    /// Where the lengths do not fit each other or the channels do not divide by 16.
    pub fn new(weights: &[f32], bias: &[f32], size: usize, stride: usize) -> Self {
        let channels = bias.len();
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
        Self { channels, size, stride, weights: turned, bias: start }
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

    /// One row of the output, `(ceil(W / stride), channels)`, clamped to 0..=6, from the `size` rows of the input under
    /// it, `(W, channels)` each; rows outside the image are given as zeros, columns outside it are left out here.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    pub fn row(&self, out: &mut [f32], rows: &[&[f32]]) {
        let width = rows[0].len() / self.channels;
        assert_eq!(rows.len(), self.size, "one row for each row of the kernel");
        assert!(rows.iter().all(|row| row.len() == width * self.channels), "whole pixels, rows of one length");
        assert_eq!(out.len(), width.div_ceil(self.stride) * self.channels, "the output's width");
        dispatch(Row { layer: self, out, rows, width });
    }
}

struct Row<'a> {
    layer: &'a Depthwise,
    out: &'a mut [f32],
    rows: &'a [&'a [f32]],
    width: usize,
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.layer.size {
            3 => self.all::<S, 3>(simd),
            5 => self.all::<S, 5>(simd),
            _ => self.all::<S, 0>(simd),
        }
    }
}

impl Row<'_> {
    /// Four output pixels at a time where the whole kernel lies inside the image, else one. `SIZE` is the kernel's size
    /// where the loops over it are worth unrolling, 0 otherwise.
    #[inline(always)]
    fn all<S: Simd, const SIZE: usize>(&mut self, simd: S) {
        let Depthwise { channels, size, stride, .. } = *self.layer;
        let outputs = self.out.len() / channels;
        let before = padding_before(self.width, size, stride);
        let mut x = 0;
        while x < outputs {
            let (first, last) = (x * stride, (x + 3) * stride + size - before);
            if first >= before && x + 4 <= outputs && last <= self.width {
                self.tile::<S, SIZE, 4, 1>(simd, x, first - before, 0..size);
                x += 4;
            } else {
                let taps = before.saturating_sub(first)..size.min(self.width + before - first);
                self.tile::<S, SIZE, 1, 6>(simd, x, (first + taps.start) - before, taps);
                x += 1;
            }
        }
    }

    /// `PIXELS` output pixels from `x` on, with the kernel's columns `taps`, of which the first lies on input column
    /// `from`; `GROUPS` vectors of channels at a time, so that there are sums enough to hide the latency of an addition.
    #[inline(always)]
    fn tile<S: Simd, const SIZE: usize, const PIXELS: usize, const GROUPS: usize>(
        &mut self,
        simd: S,
        x: usize,
        from: usize,
        taps: std::ops::Range<usize>,
    ) {
        let vectors = self.layer.channels / S::F32_LANES;
        let mut group = 0;
        while group + GROUPS <= vectors {
            self.sum::<S, SIZE, PIXELS, GROUPS>(simd, x, from, taps.clone(), group);
            group += GROUPS;
        }
        while group + 3 <= vectors && GROUPS > 3 {
            self.sum::<S, SIZE, PIXELS, 3>(simd, x, from, taps.clone(), group);
            group += 3;
        }
        while group < vectors {
            self.sum::<S, SIZE, PIXELS, 1>(simd, x, from, taps.clone(), group);
            group += 1;
        }
    }

    #[inline(always)]
    fn sum<S: Simd, const SIZE: usize, const PIXELS: usize, const GROUPS: usize>(
        &mut self,
        simd: S,
        x: usize,
        from: usize,
        taps: std::ops::Range<usize>,
        group: usize,
    ) {
        let Depthwise { channels, stride, .. } = *self.layer;
        let size = if SIZE == 0 { self.layer.size } else { SIZE };
        let vectors = channels / S::F32_LANES;
        let (weights, _) = S::as_simd_f32s(&self.layer.weights);
        let (bias, _) = S::as_simd_f32s(&self.layer.bias);
        let mut start = [simd.splat_f32s(0.0); GROUPS];
        start.copy_from_slice(&bias[group..group + GROUPS]);
        let mut sums = [start; PIXELS];

        let last_pixel = from + (PIXELS - 1) * stride + taps.len();
        assert!(taps.start < taps.end && taps.end <= size && last_pixel <= self.width && group + GROUPS <= vectors);
        assert!(weights.len() == size * size * vectors && size <= self.rows.len());
        for ky in 0..size {
            let (row, _) = S::as_simd_f32s(self.rows[ky]);
            assert!(row.len() >= self.width * vectors);
            for kx in taps.clone() {
                let column = (from + kx - taps.start) * vectors + group;
                let tap = (ky * size + kx) * vectors + group;
                for g in 0..GROUPS {
                    // SAFETY: ky and kx lie below `size`, `group + g` below `vectors`, and no column reaches
                    // `last_pixel`: the assertions above bound both indices by the slices' lengths.
                    #[expect(unsafe_code, reason = "checks of every load would cost as much as the arithmetic")]
                    unsafe {
                        let weight = *weights.get_unchecked(tap + g);
                        for (p, sum) in sums.iter_mut().enumerate() {
                            let input = *row.get_unchecked(column + p * stride * vectors + g);
                            sum[g] = simd.mul_add_e_f32s(input, weight, sum[g]);
                        }
                    }
                }
            }
        }
        let (out, _) = S::as_mut_simd_f32s(self.out);
        for (p, sum) in sums.iter().enumerate() {
            for (g, &value) in sum.iter().enumerate() {
                let value = simd.min_f32s(simd.max_f32s(value, simd.splat_f32s(0.0)), simd.splat_f32s(6.0));
                out[(x + p) * vectors + group + g] = value;
            }
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

    /// Runs all cases with the vectors of one instruction set, so that a wide machine tests the narrow ones too.
    fn equals_the_plain_sum<S: Simd>(simd: S) {
        for (width, channels, size, stride) in [
            (7, 16, 5, 1),
            (14, 48, 3, 1),
            (12, 32, 3, 2),
            (28, 80, 5, 2),
            (2, 16, 5, 1),
            (1, 16, 3, 1),
            (33, 16, 3, 2),
            (17, 48, 5, 2),
        ] {
            let (weights, bias) = (numbers(channels * size * size, 1), numbers(channels, 2));
            let rows: Vec<Vec<f32>> = (0..size).map(|y| numbers(width * channels, 3 + y)).collect();
            let views: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let outputs = width.div_ceil(stride);
            let mut out = vec![0.0; outputs * channels];
            let layer = Depthwise::new(&weights, &bias, size, stride);
            simd.vectorize(Row { layer: &layer, out: &mut out, rows: &views, width });

            let before = padding_before(width, size, stride) as isize;
            for x in 0..outputs {
                for c in 0..channels {
                    let mut sum = bias[c];
                    for (y, row) in rows.iter().enumerate() {
                        for k in 0..size {
                            let column = (x * stride + k) as isize - before;
                            if (0..width as isize).contains(&column) {
                                sum += row[column as usize * channels + c] * weights[(c * size + y) * size + k];
                            }
                        }
                    }
                    let got = out[x * channels + c];
                    assert!((got - sum.clamp(0.0, 6.0)).abs() < 1e-4, "{width} {channels} {size} {stride} at {x} {c}");
                }
            }
        }
    }

    struct Case;

    impl WithSimd for Case {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            equals_the_plain_sum(simd);
        }
    }

    #[test]
    fn equals_the_plain_sum_with_every_vector() {
        equals_the_plain_sum(pulp::Scalar::new());
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            equals_the_plain_sum(simd);
        }
        dispatch(Case);
    }

    #[test]
    fn a_row_outside_the_image_counts_as_zeros() {
        let mut out = [0.0; 16];
        let (zeros, ones) = ([0.0; 16], [1.0; 16]);
        Depthwise::new(&[0.5; 16 * 9], &[0.25; 16], 3, 1).row(&mut out, &[&zeros, &ones, &ones]);
        assert_eq!(out, [1.25; 16]);
    }
}
