//! Copies that candle makes on one thread: rows joined, cut out, surrounded by zeros, and blended images.

use candle_core::{D, Result, Tensor};
use rayon::prelude::*;

use super::cpu;

fn ours(tensor: &Tensor) -> bool {
    cpu::is_cpu(tensor) && tensor.is_contiguous() && tensor.rank() > 0
}

/// `dims` with another last dimension.
fn with_last(tensor: &Tensor, last: usize) -> Vec<usize> {
    let mut dims = tensor.dims().to_vec();
    dims.pop();
    dims.push(last);
    dims
}

/// Rows of `width` numbers, made by `row(index, out)`.
///
/// # Safety
/// `row` writes every number of its row and reads none that it has not written.
#[expect(unsafe_code, reason = "by its own contract, every number is written")]
unsafe fn rows(width: usize, count: usize, row: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let write = |[out]: [&mut [f32]; 1]| {
        let step = cpu::block_rows(width);
        out.par_chunks_mut((step * width).max(1)).enumerate().for_each(|(block, out)| {
            for (i, out) in out.chunks_exact_mut(width).enumerate() {
                row(block * step + i, out);
            }
        });
    };
    // SAFETY: the rows, all of them whole, are the output.
    let [out] = unsafe { cpu::written([width * count], write) };
    out
}

/// A few numbers, as many on both sides: a call to copy them would take longer.
fn copy(to: &mut [f32], from: &[f32]) {
    assert_eq!(to.len(), from.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Two tensors side by side in their last dimension.
pub(super) fn join(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !ours(a) || !ours(b) || a.rank() != b.rank() || a.dims()[..a.rank() - 1] != b.dims()[..b.rank() - 1] {
        return Tensor::cat(&[a, b], D::Minus1);
    }
    let (first, second) = (a.dim(D::Minus1)?, b.dim(D::Minus1)?);
    let (x, y) = (cpu::slice(a)?, cpu::slice(b)?);
    let count = a.elem_count() / first.max(1);
    let row = |i: usize, out: &mut [f32]| {
        let (left, right) = out.split_at_mut(first);
        copy(left, &x[i * first..(i + 1) * first]);
        copy(right, &y[i * second..(i + 1) * second]);
    };
    // SAFETY: left and right are the row, and copies write all of both.
    #[expect(unsafe_code, reason = "every number is written")]
    let out = unsafe { rows(first + second, count, row) };
    cpu::tensor(out, with_last(a, first + second))
}

/// `len` numbers of the last dimension from `start` on.
pub(super) fn narrow(x: &Tensor, start: usize, len: usize) -> Result<Tensor> {
    let whole = x.dim(D::Minus1)?;
    if !ours(x) || start + len > whole || whole == 0 {
        return x.narrow(D::Minus1, start, len)?.contiguous();
    }
    let numbers = cpu::slice(x)?;
    // SAFETY: a copy writes all of the row.
    #[expect(unsafe_code, reason = "every number is written")]
    let out = unsafe { rows(len, x.elem_count() / whole, |i, out| copy(out, &numbers[i * whole + start..][..len])) };
    cpu::tensor(out, with_last(x, len))
}

/// Zeros before and after the last dimension.
pub(super) fn pad(x: &Tensor, before: usize, after: usize) -> Result<Tensor> {
    let len = x.dim(D::Minus1)?;
    if !ours(x) || len == 0 {
        return x.pad_with_zeros(D::Minus1, before, after)?.contiguous();
    }
    let numbers = cpu::slice(x)?;
    let whole = before + len + after;
    let row = |i: usize, out: &mut [f32]| {
        out[..before].fill(0.0);
        copy(&mut out[before..before + len], &numbers[i * len..(i + 1) * len]);
        out[before + len..].fill(0.0);
    };
    // SAFETY: zeros, copy and zeros are the row.
    #[expect(unsafe_code, reason = "every number is written")]
    let out = unsafe { rows(whole, x.elem_count() / len, row) };
    cpu::tensor(out, with_last(x, whole))
}

/// `a * weight + b * (1 - weight)` with a weight an image: `(B, H, W, C)` twice and `(B, 1, 1, 1)`.
///
/// # Errors
/// Where the shapes do not fit.
pub fn blend(a: &Tensor, b: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = a.dims4()?;
    if !ours(a) || !ours(b) || !ours(weight) || b.dims() != a.dims() || weight.dims() != [batch, 1, 1, 1] {
        return a.broadcast_mul(weight)? + b.broadcast_mul(&weight.affine(-1.0, 1.0)?)?;
    }
    let (x, y, weights) = (cpu::slice(a)?, cpu::slice(b)?, cpu::slice(weight)?);
    let image = height * width * channels;
    let row = |i: usize, out: &mut [f32]| {
        let (keep, take) = (weights[i], 1.0 - weights[i]);
        let (x, y) = (&x[i * image..][..image], &y[i * image..][..image]);
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = x * keep + y * take;
        }
    };
    // SAFETY: both images have as many numbers as the row.
    #[expect(unsafe_code, reason = "every number is written")]
    let out = unsafe { rows(image, batch, row) };
    cpu::tensor(out, a.dims())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::values;

    fn same(got: &Tensor, want: &Tensor) {
        assert_eq!(got.dims(), want.dims());
        assert_eq!(cpu::slice(got).unwrap()[..], cpu::slice(&want.contiguous().unwrap()).unwrap()[..]);
    }

    #[test]
    fn copies_are_candles() {
        for (first, second) in [(3, 1), (1, 1), (17, 40_000)] {
            let [a, b] = values([&[2, 3, first], &[2, 3, second]]);
            let (a, b) = (a.tensor(), b.tensor());
            let both = join(a, b).unwrap();
            same(&both, &Tensor::cat(&[a, b], D::Minus1).unwrap());
            same(&narrow(&both, first, second).unwrap(), b);
            same(&narrow(&both, 0, first).unwrap(), a);
            same(&pad(a, 2, 1).unwrap(), &a.pad_with_zeros(D::Minus1, 2, 1).unwrap());
        }
    }

    #[test]
    fn a_blend_takes_its_weight_of_each_image() {
        let [a, b, weight] = values([&[3, 2, 5, 3], &[3, 2, 5, 3], &[3, 1, 1, 1]]);
        let (a, b, weight) = (a.tensor(), b.tensor(), weight.tensor());
        let rest = weight.affine(-1.0, 1.0).unwrap();
        let want = (a.broadcast_mul(weight).unwrap() + b.broadcast_mul(&rest).unwrap()).unwrap();
        let want: Vec<f64> = cpu::slice(&want).unwrap().iter().map(|x| f64::from(*x)).collect();
        crate::ops::testing::close(&blend(a, b, weight).unwrap(), &want, 1e-6);
    }
}
