//! Convolutions with frozen weights on channels-last images: packed once, then multiplied where the images lie, with bias
//! and ReLU in the same pass, into some channels of a wider image, so that branches need no concatenation.

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
use super::conv::Geometry;
use super::padding::Padding;
use super::simd::{dispatch, lanes};
use super::tile::{self, Rows, product};

/// Numbers of images that are worked on together: they stay in a core's second-level cache while all weights pass.
const CHUNK: usize = 1 << 18;

/// A convolution with constant weights, on the calling thread.
pub struct Frozen {
    inputs: usize,
    outputs: usize,
    kernel: (usize, usize),
    geometry: Geometry,
    relu: bool,
    /// `(outputs / lanes, kh, kw, inputs, lanes)`, the last group filled up with zeros.
    weights: Aligned,
    /// `(outputs / lanes, lanes)`, filled up likewise.
    bias: Aligned,
}

/// The channels of an image that a convolution writes.
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// The first of them.
    pub first: usize,
    /// How many the image has in all.
    pub of: usize,
}

impl Frozen {
    /// Weights `(outputs, inputs, kh, kw)`, as PyTorch stores them; bias `(outputs,)`.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    pub fn new(weights: &[f32], bias: &[f32], kernel: (usize, usize), geometry: Geometry, relu: bool) -> Self {
        let outputs = bias.len();
        let taps = kernel.0 * kernel.1;
        let inputs = weights.len() / (outputs * taps);
        assert_eq!(weights.len(), outputs * inputs * taps, "weights of {outputs} outputs and {taps} taps");
        let lanes = lanes();
        let numbers = taps * inputs;
        let mut packed = Aligned::zeros(outputs.div_ceil(lanes) * numbers * lanes);
        for (output, row) in weights.chunks_exact(numbers).enumerate() {
            let group = &mut packed[output / lanes * numbers * lanes..];
            for (at, weight) in row.iter().enumerate() {
                let (input, tap) = (at / taps, at % taps);
                group[(tap * inputs + input) * lanes + output % lanes] = *weight;
            }
        }
        let mut padded = Aligned::zeros(outputs.div_ceil(lanes) * lanes);
        padded[..outputs].copy_from_slice(bias);
        Self { inputs, outputs, kernel, geometry, relu, weights: packed, bias: padded }
    }

    /// Numbers in an output pixel.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Rows and columns of the output.
    ///
    /// # Panics
    /// Where the kernel does not fit the image.
    pub fn size_after(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let Geometry { stride, padding } = self.geometry;
        let after = |side: usize, padding: usize, kernel: usize| (side + 2 * padding - kernel) / stride + 1;
        (after(height, padding.0, self.kernel.0), after(width, padding.1, self.kernel.1))
    }

    /// Input `(B, height, width, inputs)`; `out` `(B, height_after, width_after, to.of)`, of which the channels
    /// `to.first..to.first + outputs` are written.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    pub fn run(&self, out: &mut [f32], to: Channels, input: &[f32], (height, width): (usize, usize)) {
        let (rows, columns) = self.size_after((height, width));
        let (plain, image) = (height * width * self.inputs, rows * columns * to.of);
        assert!(to.first + self.outputs <= to.of, "the channels lie inside the image");
        assert_eq!(input.len() / plain * image, out.len(), "as many images on both sides");
        let (above, left) = self.geometry.padding;
        let padding = Padding { height, width, channels: self.inputs, above, below: above, left, right: left };
        let chunk = (CHUNK / plain).max(1);
        for (out, input) in out.chunks_mut(chunk * image).zip(input.chunks(chunk * plain)) {
            let images = input.len() / plain;
            let places = Places { layer: self, padding, columns, positions: rows * columns, images, to };
            if above + left == 0 {
                dispatch(Product { places, input, out });
            } else {
                padding.with(input, |input| {
                    let out = &mut *out;
                    dispatch(Product { places, input, out });
                });
            }
        }
    }
}

/// Where patches start and where their results go.
#[derive(Clone, Copy)]
struct Places<'a> {
    layer: &'a Frozen,
    padding: Padding,
    columns: usize,
    /// Patches of an image.
    positions: usize,
    images: usize,
    to: Channels,
}

impl Rows for Places<'_> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.images * self.positions
    }

    #[inline(always)]
    fn runs(&self) -> (usize, usize, usize) {
        let (kh, kw) = self.layer.kernel;
        (kh, self.padding.line(), kw * self.layer.inputs)
    }

    #[inline(always)]
    fn start(&self, row: usize) -> usize {
        let (image, at) = (row / self.positions, row % self.positions);
        let stride = self.layer.geometry.stride;
        let (y, x) = (at / self.columns * stride, at % self.columns * stride);
        image * self.padding.image() + y * self.padding.line() + x * self.layer.inputs
    }

    #[inline(always)]
    fn target(&self, row: usize) -> usize {
        row * self.to.of + self.to.first
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, sums: S::f32s, column: usize) -> S::f32s {
        let (bias, _) = S::as_simd_f32s(&self.layer.bias);
        let sums = simd.add_f32s(sums, bias[column / S::F32_LANES]);
        if self.layer.relu { simd.max_f32s(sums, simd.splat_f32s(0.0)) } else { sums }
    }
}

struct Product<'a> {
    places: Places<'a>,
    input: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let layer = self.places.layer;
        let of =
            tile::Packed { numbers: self.input, places: self.places, weights: &layer.weights, width: layer.outputs };
        product(simd, self.out, &of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
    }

    #[test]
    fn is_the_plain_sum_with_bias_and_relu_in_its_channels() {
        // (inputs, outputs, kernel, stride, padding, height, width)
        let cases = [
            (3, 32, (3, 3), 2, (0, 0), 9, 11),
            (5, 7, (1, 7), 1, (0, 3), 6, 9),
            (4, 20, (7, 1), 1, (3, 0), 8, 5),
            (6, 50, (1, 1), 1, (0, 0), 4, 5),
            (2, 17, (5, 5), 1, (2, 2), 5, 5),
        ];
        for (inputs, outputs, (kh, kw), stride, padding, height, width) in cases {
            let (weights, bias) = (numbers(outputs * inputs * kh * kw, 1), numbers(outputs, 2));
            let images = numbers(3 * height * width * inputs, 3);
            for relu in [false, true] {
                let layer = Frozen::new(&weights, &bias, (kh, kw), Geometry { stride, padding }, relu);
                let (rows, columns) = layer.size_after((height, width));
                let to = Channels { first: 2, of: outputs + 3 };
                let mut out = vec![9.0; 3 * rows * columns * to.of];
                layer.run(&mut out, to, &images, (height, width));
                for (at, got) in out.iter().enumerate() {
                    let (channel, x) = (at % to.of, at / to.of % columns);
                    let (y, image) = (at / to.of / columns % rows, at / to.of / columns / rows);
                    if !(2..outputs + 2).contains(&channel) {
                        assert_eq!(*got, 9.0, "other channels are left alone");
                        continue;
                    }
                    let mut want = f64::from(bias[channel - 2]);
                    for k in 0..inputs * kh * kw {
                        let (c, ky, kx) = (k / (kh * kw), k / kw % kh, k % kw);
                        let (py, px) = (y * stride + ky, x * stride + kx);
                        if (padding.0..height + padding.0).contains(&py) && (padding.1..width + padding.1).contains(&px)
                        {
                            let from = ((image * height + py - padding.0) * width + px - padding.1) * inputs + c;
                            want += f64::from(images[from]) * f64::from(weights[(channel - 2) * inputs * kh * kw + k]);
                        }
                    }
                    let want = if relu { want.max(0.0) } else { want };
                    assert!((f64::from(*got) - want).abs() < 1e-4, "{kh}x{kw} at {at}: {got} and {want}");
                }
            }
        }
    }
}
