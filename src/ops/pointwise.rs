//! 1x1 convolutions with frozen weights: packed once, then multiplied with bias, activation and residual in one pass.
//!
//! A general matrix product packs both sides on every call and leaves the rest to further passes over its result. Where
//! the weights never change and a product is small enough to stay in the cache, that costs as much as the arithmetic.

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
pub use super::epilogue::Epilogue;
use super::rows::store;
use super::simd::{dispatch, lanes};

/// A matrix product with constant weights: pixels `(M, inputs)` to `(M, outputs)`.
pub struct Pointwise {
    inputs: usize,
    outputs: usize,
    lanes: usize,
    /// `(outputs / lanes, inputs, lanes)`, the last group filled up with zeros.
    weights: Aligned,
    /// `(outputs / lanes, lanes)`, filled up likewise.
    bias: Aligned,
    /// As many zeros, for the derivative.
    zeros: Aligned,
}

impl Pointwise {
    /// Weights `(outputs, inputs)` row by row, as PyTorch stores a 1x1 convolution; bias `(outputs,)`.
    ///
    /// # Panics
    /// Where the lengths do not fit each other.
    pub fn new(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        Self::packed(weights, bias, inputs, lanes())
    }

    fn packed(weights: &[f32], bias: &[f32], inputs: usize, lanes: usize) -> Self {
        let outputs = bias.len();
        assert_eq!(weights.len(), outputs * inputs, "weights of {outputs} outputs and {inputs} inputs");
        let groups = outputs.div_ceil(lanes);
        let mut packed = Aligned::zeros(groups * inputs * lanes);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let group = &mut packed[output / lanes * inputs * lanes..];
            for (input, &weight) in row.iter().enumerate() {
                group[input * lanes + output % lanes] = weight;
            }
        }
        let mut padded = Aligned::zeros(groups * lanes);
        padded[..outputs].copy_from_slice(bias);
        let zeros = Aligned::zeros(groups * lanes);
        Self { inputs, outputs, lanes, weights: packed, bias: padded, zeros }
    }

    /// The product with the transposed weights and no bias: gradients of the outputs `(M, outputs)` become those of the
    /// inputs `(M, inputs)`.
    pub fn transposed(&self) -> Self {
        let Self { inputs, outputs, lanes, .. } = *self;
        let weight =
            |output: usize, input: usize| self.weights[(output / lanes * inputs + input) * lanes + output % lanes];
        let turned: Vec<f32> = (0..inputs * outputs).map(|at| weight(at % outputs, at / outputs)).collect();
        Self::packed(&turned, &vec![0.0; inputs], outputs, lanes)
    }

    /// Numbers in an input pixel.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers in an output pixel.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `out = after(input * weights + bias)`: input `(M, inputs)`, out `(M, outputs)`, on the calling thread.
    ///
    /// Every output is one sum in the order of the inputs, so it depends on its own pixel alone.
    ///
    /// # Panics
    /// Where the lengths do not fit each other, or bits are asked for and the outputs do not divide by 16.
    pub fn run(&self, out: &mut [f32], input: &[f32], after: Epilogue<'_>) {
        self.product(out, input, &self.bias, after);
    }

    /// As [`run`](Self::run) without the bias: what a change of the input changes.
    ///
    /// # Panics
    /// As there.
    pub fn run_unbiased(&self, out: &mut [f32], input: &[f32], after: Epilogue<'_>) {
        self.product(out, input, &self.zeros, after);
    }

    fn product(&self, out: &mut [f32], input: &[f32], bias: &[f32], after: Epilogue<'_>) {
        let pixels = out.len() / self.outputs;
        assert_eq!(out.len(), pixels * self.outputs, "whole output pixels");
        assert_eq!(input.len(), pixels * self.inputs, "as many input pixels as output pixels");
        after.check(out.len(), self.outputs);
        dispatch(Product { layer: self, out, input, bias, after });
    }
}

struct Product<'a> {
    layer: &'a Pointwise,
    out: &'a mut [f32],
    input: &'a [f32],
    bias: &'a [f32],
    after: Epilogue<'a>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        assert_eq!(self.layer.lanes, S::F32_LANES, "packed for the vectors of this machine");
        // Sums, weights and one input must fit the registers.
        if S::REGISTER_COUNT >= 32 { self.all::<S, 8>(simd) } else { self.all::<S, 4>(simd) }
    }
}

impl Product<'_> {
    /// Up to three groups of outputs at a time: their weights stay in the first cache while all pixels pass.
    #[inline(always)]
    fn all<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let groups = self.bias.len() / S::F32_LANES;
        let mut group = 0;
        while group < groups {
            // Two and two run faster than three and one.
            group += match groups - group {
                1 => self.columns::<S, ROWS, 1>(simd, group),
                2 | 4 => self.columns::<S, ROWS, 2>(simd, group),
                _ => self.columns::<S, ROWS, 3>(simd, group),
            };
        }
    }

    #[inline(always)]
    fn columns<S: Simd, const ROWS: usize, const GROUPS: usize>(&mut self, simd: S, group: usize) -> usize {
        let pixels = self.out.len() / self.layer.outputs;
        let mut pixel = 0;
        while pixel < pixels {
            pixel += match pixels - pixel {
                left if left >= ROWS => self.tile::<S, ROWS, GROUPS>(simd, pixel, group),
                left if left >= 4 => self.tile::<S, 4, GROUPS>(simd, pixel, group),
                left if left >= 2 => self.tile::<S, 2, GROUPS>(simd, pixel, group),
                _ => self.tile::<S, 1, GROUPS>(simd, pixel, group),
            };
        }
        GROUPS
    }

    /// `ROWS` pixels times `GROUPS` vectors of outputs, summed in registers.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const GROUPS: usize>(&mut self, simd: S, pixel: usize, group: usize) -> usize {
        let Pointwise { inputs, outputs, .. } = *self.layer;
        let (weights, _) = S::as_simd_f32s(&self.layer.weights);
        let (bias, _) = S::as_simd_f32s(self.bias);
        let weights: [&[S::f32s]; GROUPS] =
            std::array::from_fn(|g| &weights[(group + g) * inputs..(group + g + 1) * inputs]);
        let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &self.input[(pixel + r) * inputs..(pixel + r + 1) * inputs]);
        let mut start = [simd.splat_f32s(0.0); GROUPS];
        start.copy_from_slice(&bias[group..group + GROUPS]);

        let mut sums = [start; ROWS];
        for k in 0..inputs {
            for r in 0..ROWS {
                let x = simd.splat_f32s(rows[r][k]);
                for g in 0..GROUPS {
                    sums[r][g] = simd.mul_add_e_f32s(x, weights[g][k], sums[r][g]);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (g, sum) in sums.into_iter().enumerate() {
                let first = (group + g) * S::F32_LANES;
                let begin = (pixel + r) * outputs + first;
                let end = (pixel + r) * outputs + outputs.min(first + S::F32_LANES);
                let value = self.after.finish(simd, begin, end - begin, sum);
                store(simd, &mut self.out[begin..end], value);
            }
        }
        ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::epilogue::BITS;
    use crate::ops::matmul::{Into, Matrix, Threads, matmul};

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
    }

    /// Runs all cases with the vectors of one instruction set, so that a wide machine tests the narrow ones too.
    fn equals_the_general_product<S: Simd>(simd: S) {
        for (pixels, inputs, outputs) in [(1, 1, 1), (9, 27, 32), (14, 16, 24), (23, 40, 112), (7, 5, 145), (15, 9, 64)]
        {
            let (weights, bias) = (numbers(outputs * inputs, 1), numbers(outputs, 2));
            let (input, more) = (numbers(pixels * inputs, 3), numbers(pixels * outputs, 4));
            let mut want: Vec<f32> = (0..pixels).flat_map(|_| bias.clone()).collect();
            let columns = Matrix::new(&weights, outputs, inputs).t();
            matmul(&mut want, Matrix::new(&input, pixels, inputs), columns, Into::Add, Threads::One);

            let layer = Pointwise::packed(&weights, &bias, inputs, S::F32_LANES);
            let run = |after: Epilogue<'_>| {
                let mut out = vec![0.0; pixels * outputs];
                simd.vectorize(Product { layer: &layer, out: &mut out, input: &input, bias: &layer.bias, after });
                out
            };
            let close = |got: Vec<f32>, want: &dyn Fn(usize) -> f32| {
                got.iter().enumerate().all(|(i, v)| (v - want(i)).abs() < 1e-4)
            };
            assert!(close(run(Epilogue::Linear), &|i| want[i]), "{pixels} {inputs} {outputs}");
            assert!(close(run(Epilogue::Relu6), &|i| want[i].clamp(0.0, 6.0)), "{pixels} {inputs} {outputs}");
            assert!(close(run(Epilogue::Add(&more)), &|i| want[i] + more[i]), "{pixels} {inputs} {outputs}");
            if outputs % BITS == 0 {
                let mut bits = vec![0x5a5a; want.len() / BITS];
                assert!(close(run(Epilogue::Remember(&mut bits)), &|i| want[i].clamp(0.0, 6.0)));
                let set = |i: usize| bits[i / BITS] >> (i % BITS) & 1 == 1;
                let sums = run(Epilogue::Linear);
                assert!((0..want.len()).all(|i| set(i) == (sums[i] > 0.0 && sums[i] < 6.0)), "{pixels} {outputs}");
                assert!(close(run(Epilogue::Masked(&bits)), &|i| if set(i) { want[i] } else { 0.0 }));
            }
        }
    }

    struct Case;

    impl WithSimd for Case {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            equals_the_general_product(simd);
        }
    }

    #[test]
    fn equals_the_general_product_with_every_vector() {
        equals_the_general_product(pulp::Scalar::new());
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            equals_the_general_product(simd);
        }
        dispatch(Case);
    }

    #[test]
    fn run_uses_what_new_packed() {
        let mut out = [0.0; 2];
        let layer = Pointwise::new(&[1.0, 2.0], &[0.5], 2);
        layer.run(&mut out, &[1.0, 1.0, 2.0, -4.0], Epilogue::Relu6);
        assert_eq!(out, [3.5, 0.0]);
        layer.run_unbiased(&mut out, &[1.0, 1.0, 2.0, -4.0], Epilogue::Linear);
        assert_eq!(out, [3.0, -6.0]);
    }

    #[test]
    fn strictly_between_0_and_6_is_what_counts() {
        let edges = [-1.0, -0.0, 0.0, f32::MIN_POSITIVE, 1e-40, 5.999_999_5, 6.0, 6.000_000_5, f32::INFINITY, f32::NAN];
        let layer = Pointwise::new(&[1.0; 16], &[0.0; 16], 1);
        let (mut out, mut bits) = (vec![0.0; edges.len() * 16], vec![0; edges.len()]);
        layer.run(&mut out, &edges, Epilogue::Remember(&mut bits));
        assert_eq!(bits, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0].map(|bit| bit * 0xffff));
    }

    #[test]
    fn transposed_takes_gradients_back() {
        let (inputs, outputs) = (5, 35);
        let weights = numbers(outputs * inputs, 1);
        let back = Pointwise::new(&weights, &numbers(outputs, 2), inputs).transposed();
        let gradient = numbers(2 * outputs, 3);
        let mut out = vec![0.0; 2 * inputs];
        back.run(&mut out, &gradient, Epilogue::Linear);
        for (at, got) in out.iter().enumerate() {
            let row = &gradient[at / inputs * outputs..][..outputs];
            let want: f32 = row.iter().enumerate().map(|(o, g)| g * weights[o * inputs + at % inputs]).sum();
            assert!((got - want).abs() < 1e-4, "{at}: {got} for {want}");
        }
    }
}
