//! Nearest-neighbour upsampling and a 3x3 convolution as one transposed convolution with a 4x4 kernel and stride 2: the same
//! numbers, rim included, at 4/9 of the arithmetic, and no checkerboard can come of it.
//!
//! Upsampling is a transposed convolution with a 2x2 box of ones. The box goes into the kernel: each of its 4x4 numbers is the
//! sum of those of the 3x3 kernel that meet the same input pixel.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::conv::Geometry;
use super::cpu;
use super::tape::Value;

/// Side of the kernel that is learnt.
const SMALL: usize = 3;
/// Side of the one that is used.
const LARGE: usize = 4;

impl Value {
    /// Each pixel twice in both directions, then a convolution of stride 1 with a border of one zero: `(B, H, W, I)` images
    /// and an `(O, 3, 3, I)` kernel to `(B, 2 H, 2 W, O)`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn upsampled_conv(&self, kernel: &Self) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        self.conv_input_gradient(&kernel.boxed()?, Geometry::new(2, 1), (2 * height, 2 * width))
    }

    /// An `(O, 3, 3, I)` kernel as the `(I, 4, 4, O)` one of the transposed convolution.
    fn boxed(&self) -> Result<Self> {
        let out = boxed(self.tensor())?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.unboxed())?])))
    }

    /// The gradient of [`Value::boxed`], `(I, 4, 4, O)` to `(O, 3, 3, I)`.
    fn unboxed(&self) -> Result<Self> {
        let out = unboxed(self.tensor())?;
        Ok(Self::computed(out, &[self], |b| Ok(vec![b.of(0, || b.grad.boxed())?])))
    }
}

/// Places of the large kernel.
const PLACES: usize = LARGE * LARGE;
/// Places of the small one.
const TAPS: usize = SMALL * SMALL;
/// Channels that are turned at a time: a line of the cache.
const TILE: usize = 16;

/// Calls `each(place in the large kernel, place in the small one)` for every pair that adds up. The large kernel is the small
/// one turned by half a turn, as a transposed convolution reads it, and spread by the box.
#[inline(always)]
fn pairs(mut each: impl FnMut(usize, usize)) {
    for y in 0..LARGE {
        for x in 0..LARGE {
            for row in y.saturating_sub(1)..=y.min(SMALL - 1) {
                for column in x.saturating_sub(1)..=x.min(SMALL - 1) {
                    each(y * LARGE + x, TAPS - 1 - row * SMALL - column);
                }
            }
        }
    }
}

fn boxed(kernel: &Tensor) -> Result<Tensor> {
    let (outputs, kh, kw, inputs) = kernel.dims4()?;
    if (kh, kw) != (SMALL, SMALL) {
        bail!("upsampling goes with a kernel of 3x3, and this is {:?}", kernel.dims());
    }
    let out = turned::<TAPS, PLACES>(kernel, (outputs, inputs), |small, large| {
        pairs(|to, from| (0..TILE).for_each(|i| large[to][i] += small[from][i]));
    })?;
    out.reshape((inputs, LARGE, LARGE, outputs))
}

fn unboxed(kernel: &Tensor) -> Result<Tensor> {
    let (inputs, _, _, outputs) = kernel.dims4()?;
    let out = turned::<PLACES, TAPS>(kernel, (inputs, outputs), |large, small| {
        pairs(|from, to| (0..TILE).for_each(|i| small[to][i] += large[from][i]));
    })?;
    out.reshape((outputs, SMALL, SMALL, inputs))
}

/// `(rows, FROM, columns)` to `(columns, TO, rows)`: the places of each pair of channels go through `mix`, for some columns side
/// by side, which begins with zeros.
fn turned<const FROM: usize, const TO: usize>(
    kernel: &Tensor,
    (rows, columns): (usize, usize),
    mix: impl Fn(&[[f32; TILE]; FROM], &mut [[f32; TILE]; TO]) + Sync,
) -> Result<Tensor> {
    let on_cpu = kernel.contiguous()?.to_device(&candle_core::Device::Cpu)?;
    let numbers = cpu::slice(&on_cpu)?;
    let write = |[out]: [&mut [f32]; 1]| {
        out.par_chunks_mut((TILE * TO * rows).max(1)).enumerate().for_each(|(tile, out)| {
            let first = tile * TILE;
            let width = TILE.min(columns - first);
            for row in 0..rows {
                let (mut from, mut to) = ([[0.0; TILE]; FROM], [[0.0; TILE]; TO]);
                for (place, from) in from.iter_mut().enumerate() {
                    from[..width].copy_from_slice(&numbers[(row * FROM + place) * columns + first..][..width]);
                }
                mix(&from, &mut to);
                for column in 0..width {
                    for (place, to) in to.iter().enumerate() {
                        out[(column * TO + place) * rows + row] = to[column];
                    }
                }
            }
        });
    };
    // SAFETY: each tile writes all of its columns, at each place and in each row.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([columns * TO * rows], write) };
    cpu::tensor(out, columns * TO * rows)?.to_device(kernel.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, numbers, second_order, values};

    #[test]
    fn it_is_a_convolution_of_what_was_upsampled() {
        for ([batch, height, width, inputs], outputs) in [([2, 4, 4, 3], 5), ([1, 3, 5, 16], 20), ([3, 1, 2, 1], 1)] {
            let inputs = values([&[batch, height, width, inputs], &[outputs, 3, 3, inputs]]);
            let want = inputs[0].upsample(2).unwrap().conv(&inputs[1], Geometry::new(1, 1)).unwrap();
            let got = inputs[0].upsampled_conv(&inputs[1]).unwrap();
            assert_eq!(got.dims(), [batch, 2 * height, 2 * width, outputs]);
            close(got.tensor(), &numbers(want.tensor()), 1e-5);
            finite_differences(&inputs, |v| v[0].upsampled_conv(&v[1]));
            second_order(&inputs, |v| v[0].upsampled_conv(&v[1]));
        }
        let [x, kernel] = values([&[1, 2, 2, 1], &[1, 4, 4, 1]]);
        assert!(x.upsampled_conv(&kernel).is_err());
    }
}
