//! 1x1 convolutions with frozen weights: packed once, then multiplied with bias, activation and residual in one pass.
//!
//! A general matrix product packs both sides on every call and leaves the rest to further passes over its result. Where
//! the weights never change and a product is small enough to stay in the cache, that costs as much as the arithmetic.

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
use super::simd::{dispatch, lanes};

/// What happens to `input * weights + bias` before it is stored.
#[derive(Clone, Copy)]
pub enum After<'a> {
    /// Nothing.
    Linear,
    /// Clamped to 0..=6.
    Relu6,
    /// The numbers at the same places of this slice, as long as the output, are added.
    Add(&'a [f32]),
}

/// A matrix product with constant weights: pixels `(M, inputs)` to `(M, outputs)`.
pub struct Pointwise {
    inputs: usize,
    outputs: usize,
    lanes: usize,
    /// `(outputs / lanes, inputs, lanes)`, the last group filled up with zeros.
    weights: Aligned,
    /// `(outputs / lanes, lanes)`, filled up likewise.
    bias: Aligned,
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
        Self { inputs, outputs, lanes, weights: packed, bias: padded }
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
    /// Where the lengths do not fit each other.
    pub fn run(&self, out: &mut [f32], input: &[f32], after: After<'_>) {
        let pixels = out.len() / self.outputs;
        assert_eq!(out.len(), pixels * self.outputs, "whole output pixels");
        assert_eq!(input.len(), pixels * self.inputs, "as many input pixels as output pixels");
        if let After::Add(more) = after {
            assert_eq!(more.len(), out.len(), "the residual is as long as the output");
        }
        dispatch(Product { layer: self, out, input, after });
    }
}

struct Product<'a> {
    layer: &'a Pointwise,
    out: &'a mut [f32],
    input: &'a [f32],
    after: After<'a>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        assert_eq!(self.layer.lanes, S::F32_LANES, "packed for the vectors of this machine");
        // Sums, weights and one input must fit the registers. 7 divides every image side of a 224-pixel network.
        if S::REGISTER_COUNT >= 32 { self.all::<S, 7>(simd) } else { self.all::<S, 4>(simd) }
    }
}

impl Product<'_> {
    /// Three groups of outputs at a time: their weights stay in the first cache while all pixels pass.
    #[inline(always)]
    fn all<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let groups = self.layer.bias.len() / S::F32_LANES;
        let mut group = 0;
        while group + 3 <= groups {
            self.columns::<S, ROWS, 3>(simd, group);
            group += 3;
        }
        match groups - group {
            2 => self.columns::<S, ROWS, 2>(simd, group),
            1 => self.columns::<S, ROWS, 1>(simd, group),
            _ => {}
        }
    }

    #[inline(always)]
    fn columns<S: Simd, const ROWS: usize, const GROUPS: usize>(&mut self, simd: S, group: usize) {
        let pixels = self.out.len() / self.layer.outputs;
        let whole = pixels / ROWS * ROWS;
        for pixel in (0..whole).step_by(ROWS) {
            self.tile::<S, ROWS, GROUPS>(simd, pixel, group);
        }
        for pixel in whole..pixels {
            self.tile::<S, 1, GROUPS>(simd, pixel, group);
        }
    }

    /// `ROWS` pixels times `GROUPS` vectors of outputs, summed in registers.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const GROUPS: usize>(&mut self, simd: S, pixel: usize, group: usize) {
        let Pointwise { inputs, outputs, .. } = *self.layer;
        let (weights, _) = S::as_simd_f32s(&self.layer.weights);
        let (bias, _) = S::as_simd_f32s(&self.layer.bias);
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
                self.store(simd, begin, end, sum);
            }
        }
    }

    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, begin: usize, end: usize, sum: S::f32s) {
        let out = &mut self.out[begin..end];
        let value = match self.after {
            After::Linear => sum,
            After::Relu6 => simd.min_f32s(simd.max_f32s(sum, simd.splat_f32s(0.0)), simd.splat_f32s(6.0)),
            After::Add(more) => {
                let more = &more[begin..end];
                let whole = S::as_simd_f32s(more).0.first().copied();
                simd.add_f32s(sum, whole.unwrap_or_else(|| simd.partial_load_f32s(more)))
            }
        };
        // Whole vectors first: the partial store is a call, and rarely needed.
        match S::as_mut_simd_f32s(out).0 {
            [whole] => *whole = value,
            _ => simd.partial_store_f32s(out, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::matmul::{Into, Matrix, Threads, matmul};

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 - 1.5).collect()
    }

    /// Runs all cases with the vectors of one instruction set, so that a wide machine tests the narrow ones too.
    fn equals_the_general_product<S: Simd>(simd: S) {
        for (pixels, inputs, outputs) in [(1, 1, 1), (9, 27, 32), (14, 16, 24), (23, 40, 112), (7, 5, 145)] {
            let (weights, bias) = (numbers(outputs * inputs, 1), numbers(outputs, 2));
            let (input, more) = (numbers(pixels * inputs, 3), numbers(pixels * outputs, 4));
            let mut want: Vec<f32> = (0..pixels).flat_map(|_| bias.clone()).collect();
            let columns = Matrix::new(&weights, outputs, inputs).t();
            matmul(&mut want, Matrix::new(&input, pixels, inputs), columns, Into::Add, Threads::One);

            let layer = Pointwise::packed(&weights, &bias, inputs, S::F32_LANES);
            let run = |after| {
                let mut out = vec![0.0; pixels * outputs];
                simd.vectorize(Product { layer: &layer, out: &mut out, input: &input, after });
                out
            };
            let close = |got: Vec<f32>, want: &dyn Fn(usize) -> f32| {
                got.iter().enumerate().all(|(i, v)| (v - want(i)).abs() < 1e-4)
            };
            assert!(close(run(After::Linear), &|i| want[i]), "{pixels} {inputs} {outputs}");
            assert!(close(run(After::Relu6), &|i| want[i].clamp(0.0, 6.0)), "{pixels} {inputs} {outputs}");
            assert!(close(run(After::Add(&more)), &|i| want[i] + more[i]), "{pixels} {inputs} {outputs}");
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
        Pointwise::new(&[1.0, 2.0], &[0.5], 2).run(&mut out, &[1.0, 1.0, 2.0, -4.0], After::Relu6);
        assert_eq!(out, [3.5, 0.0]);
    }
}
