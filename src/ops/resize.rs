//! Bilinear resizing with half-pixel centres and no antialiasing, as PyTorch's `interpolate(align_corners=False)` has it, and its
//! adjoint: each the gradient of the other.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;
use super::scratch::scratch;
use super::tape::Value;

/// For every place of the result along one direction: the two places that it lies between, and the share of the second.
type Taps = Vec<(usize, usize, f32)>;

impl Value {
    /// Images of another size: `(B, H, W, C)` to `(B, *size, C)`.
    ///
    /// # Errors
    /// Where a side is 0.
    pub fn resize_bilinear(&self, size: (usize, usize)) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        if (height, width) == size {
            return Ok(self.clone());
        }
        let out = resized(self.tensor(), size)?;
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.resize_gradient((height, width)))?])))
    }

    /// The gradient of [`Value::resize_bilinear`], for images that were of `size`.
    fn resize_gradient(&self, size: (usize, usize)) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = spread(self.tensor(), size)?;
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.resize_bilinear((height, width)))?])))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a side, at least 0")]
fn taps(from: usize, to: usize) -> Taps {
    let scale = from as f64 / to as f64;
    let tap = |at: usize| {
        let place = ((at as f64 + 0.5) * scale - 0.5).max(0.0);
        let first = (place as usize).min(from - 1);
        (first, (first + 1).min(from - 1), (place - first as f64) as f32)
    };
    (0..to).map(tap).collect()
}

/// The tensor on the processor, its shape, and the taps from `small` sides to `large` ones.
fn prepared(x: &Tensor, from: (usize, usize), to: (usize, usize)) -> Result<(Tensor, [Taps; 2])> {
    if from.0.min(from.1).min(to.0).min(to.1) == 0 {
        bail!("images of {from:?} cannot be resized to {to:?}: a side is 0");
    }
    let x = x.contiguous()?.to_device(&candle_core::Device::Cpu)?;
    Ok((x, [taps(from.0, to.0), taps(from.1, to.1)]))
}

fn resized(x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (on_cpu, [rows, columns]) = prepared(x, (height, width), size)?;
    let numbers = cpu::slice(&on_cpu)?;
    let (line, out_line) = (width * channels, size.1 * channels);
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut(out_line).enumerate().with_min_len(cpu::block_rows(out_line)).for_each(|(at, out)| {
            let (top, bottom, down) = rows[at % size.0];
            let image = &numbers[at / size.0 * height * line..];
            let (top, bottom) = (&image[top * line..][..line], &image[bottom * line..][..line]);
            scratch(line, |mixed| {
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        for ((mixed, top), bottom) in mixed.iter_mut().zip(top).zip(bottom) {
                            *mixed = top + down * (bottom - top);
                        }
                        for (out, (left, right, across)) in out.chunks_exact_mut(channels).zip(&columns) {
                            let (left, right) = (&mixed[left * channels..], &mixed[right * channels..]);
                            for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
                                *out = left + across * (right - left);
                            }
                        }
                    },
                );
            });
        });
    };
    // SAFETY: there are as many columns as pixels in a line, and each pixel has all of its channels from its neighbours.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([batch * size.0 * out_line], write) };
    cpu::tensor(out, (batch, size.0, size.1, channels))?.to_device(x.device())
}

fn spread(grad: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    let (batch, height, width, channels) = grad.dims4()?;
    let (on_cpu, [rows, columns]) = prepared(grad, size, (height, width))?;
    let numbers = cpu::slice(&on_cpu)?;
    let (line, out_line) = (width * channels, size.1 * channels);
    let mut out = vec![0.0; batch * size.0 * out_line];
    // An image is one thread's, so that sums do not depend on their number.
    out.par_chunks_mut(size.0 * out_line).zip(numbers.par_chunks(height * line)).for_each(|(out, image)| {
        scratch(out_line, |spread| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    for (grad, (top, bottom, down)) in image.chunks_exact(line).zip(&rows) {
                        spread.fill(0.0);
                        for (grad, (left, right, across)) in grad.chunks_exact(channels).zip(&columns) {
                            for (column, across) in [(left, 1.0 - across), (right, *across)] {
                                let spread = &mut spread[column * channels..][..channels];
                                for (spread, grad) in spread.iter_mut().zip(grad) {
                                    *spread += across * grad;
                                }
                            }
                        }
                        for (row, down) in [(top, 1.0 - down), (bottom, *down)] {
                            let out = &mut out[row * out_line..][..out_line];
                            for (out, spread) in out.iter_mut().zip(spread.iter()) {
                                *out += down * spread;
                            }
                        }
                    }
                },
            );
        });
    });
    cpu::tensor(out, (batch, size.0, size.1, channels))?.to_device(grad.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, second_order, values};

    #[test]
    fn a_row_is_resized_as_pytorch_does_it() {
        let row = |numbers: &[f32]| Value::leaf(cpu::tensor(numbers.to_vec(), (1, 1, numbers.len(), 1)).unwrap());
        // torch.nn.functional.interpolate(..., mode="bilinear", align_corners=False)
        close(row(&[1.0, 3.0]).resize_bilinear((1, 4)).unwrap().tensor(), &[1.0, 1.5, 2.5, 3.0], 1e-7);
        close(
            row(&[0.0, 1.0, 2.0, 3.0]).resize_bilinear((1, 3)).unwrap().tensor(),
            &[1.0 / 6.0, 1.5, 17.0 / 6.0],
            1e-6,
        );
        close(row(&[5.0]).resize_bilinear((2, 2)).unwrap().tensor(), &[5.0; 4], 0.0);
        assert!(row(&[5.0]).resize_bilinear((0, 2)).is_err());
    }

    #[test]
    fn gradients_match_finite_differences_to_second_order() {
        for (shape, size) in
            [([2, 2, 2, 3], (4, 4)), ([1, 4, 3, 20], (3, 7)), ([2, 1, 1, 1], (2, 2)), ([1, 5, 5, 2], (2, 3))]
        {
            let inputs = values([&shape[..]]);
            finite_differences(&inputs, |v| v[0].resize_bilinear(size));
            second_order(&inputs, |v| v[0].mul(&v[0])?.resize_bilinear(size));
        }
    }
}
