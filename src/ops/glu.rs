//! Gated linear units: half of the channels decide how much of the other half goes on (Dauphin et al. 2017).

use candle_core::{Result, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::cpu;
use super::fused::fused;
use super::math::sigmoid_of;
use super::rows::{load, store};
use super::simd::dispatch;
use super::tape::Value;

impl Value {
    /// `a * sigmoid(b)`, `a` the first half of the channels and `b` the second: `(B, H, W, 2 C)` to `(B, H, W, C)`.
    ///
    /// # Errors
    /// Where the number of channels is odd.
    pub fn glu(&self) -> Result<Self> {
        let (batch, height, width, channels) = self.tensor().dims4()?;
        if !channels.is_multiple_of(2) {
            bail!("a gated linear unit halves its channels, and {:?} has an odd number of them", self.dims());
        }
        let half = channels / 2;
        if !cpu::is_cpu(self.tensor()) || half == 0 {
            return plain(self, half);
        }
        let x = cpu::slice(self.tensor())?;
        let write = |[out]: [&mut [f32]; 1]| {
            let rows = cpu::block_rows(channels);
            out.par_chunks_mut(rows * half)
                .zip(x.par_chunks(rows * channels))
                .for_each(|(out, x)| dispatch(Forward { x, out, half }));
        };
        // SAFETY: each pixel of the output has one of the input, with twice its channels.
        #[expect(unsafe_code, reason = "every number is written")]
        let [out] = unsafe { cpu::written([batch * height * width * half], write) };
        let out = cpu::tensor(out, (batch, height, width, half))?;
        Ok(fused(
            out,
            &[self],
            move |v| plain(&v[0], half),
            move |b| {
                let of_x = b.of(0, || {
                    let (x, grad) = (cpu::slice(b.inputs[0].tensor())?, cpu::slice(b.grad.tensor())?);
                    Ok(Self::constant(cpu::tensor(gradient(&x, &grad, half), b.inputs[0].dims())?))
                })?;
                Ok(vec![of_x])
            },
        ))
    }
}

/// `(grad * s, grad * a * s * (1 - s))` with `s = sigmoid(b)`, side by side as `(a, b)` are.
fn gradient(x: &[f32], grad: &[f32], half: usize) -> Vec<f32> {
    let channels = 2 * half;
    assert_eq!(x.len(), 2 * grad.len(), "a gradient of half the channels");
    let write = |[out]: [&mut [f32]; 1]| {
        let rows = cpu::block_rows(channels);
        let blocks = x.par_chunks(rows * channels).zip(grad.par_chunks(rows * half));
        out.par_chunks_mut(rows * channels)
            .zip(blocks)
            .for_each(|(out, (x, grad))| dispatch(Gradient { x, grad, out, half }));
    };
    // SAFETY: each pixel has one of the gradient, and both halves of its channels are written.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([x.len()], write) };
    out
}

/// `a * sigmoid(b)` for pixels `(a, b)` of `2 half` channels. Vectors are taken by hand: halves are short and often no whole
/// number of them, and the compiler leaves what remains at one number at a time.
struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    half: usize,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, out, half } = self;
        for (out, x) in out.chunks_exact_mut(half).zip(x.chunks_exact(2 * half)) {
            let (a, b) = x.split_at(half);
            for at in (0..half).step_by(S::F32_LANES) {
                let len = S::F32_LANES.min(half - at);
                let s = sigmoid_of(simd, load(simd, b, at, len));
                store(simd, &mut out[at..at + len], simd.mul_f32s(load(simd, a, at, len), s));
            }
        }
    }
}

/// The gradient of [`Forward`] in `x`.
struct Gradient<'a> {
    x: &'a [f32],
    grad: &'a [f32],
    out: &'a mut [f32],
    half: usize,
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, grad, out, half } = self;
        let pixels = x.chunks_exact(2 * half).zip(grad.chunks_exact(half));
        for (out, (x, grad)) in out.chunks_exact_mut(2 * half).zip(pixels) {
            let ((a, b), (of_a, of_b)) = (x.split_at(half), out.split_at_mut(half));
            for at in (0..half).step_by(S::F32_LANES) {
                let len = S::F32_LANES.min(half - at);
                let s = sigmoid_of(simd, load(simd, b, at, len));
                let through = simd.mul_f32s(load(simd, grad, at, len), s);
                let slope = simd.sub_f32s(simd.splat_f32s(1.0), s);
                store(simd, &mut of_a[at..at + len], through);
                let of = simd.mul_f32s(simd.mul_f32s(through, load(simd, a, at, len)), slope);
                store(simd, &mut of_b[at..at + len], of);
            }
        }
    }
}

fn plain(x: &Value, half: usize) -> Result<Value> {
    x.narrow_last(0, half)?.mul(&x.narrow_last(half, half)?.sigmoid()?)
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    #[test]
    fn half_of_the_channels_gate_the_other_half() {
        for shape in [[2, 3, 2, 10], [1, 1, 1, 2], [3, 4, 4, 64]] {
            let [x] = values([&shape[..]]);
            let half = shape[3] / 2;
            let want: Vec<f64> = numbers(x.tensor())
                .chunks(2 * half)
                .flat_map(|pixel| (0..half).map(|i| pixel[i] / (1.0 + (-pixel[half + i]).exp())).collect::<Vec<_>>())
                .collect();
            close(x.glu().unwrap().tensor(), &want, 1e-6);
            close(super::plain(&x, half).unwrap().tensor(), &want, 1e-6);
            finite_differences(std::slice::from_ref(&x), |v| v[0].glu());
            second_order(&[x], |v| v[0].glu());
        }
        let [odd] = values([&[1, 1, 1, 3]]);
        assert!(odd.glu().is_err());
    }
}
