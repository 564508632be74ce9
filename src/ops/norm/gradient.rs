//! The gradient of a normalisation, closed to second order: the gradient in `x` is an operation with a kernel of its own
//! for its gradients.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use pulp::Simd;

use super::plain;
use super::second::{Parts, second};
use super::shape::{Saved, Shape};
use crate::ops::cpu;
use crate::ops::fused::fused;
use crate::ops::rows::{Formula, gate};
use crate::ops::tape::{Backward, Gradients, Value, recording};

/// The gradients in `[x, scale, shift]`. With `h` the gradient behind the activation, `n` the normalised numbers and
/// `k = h * scale`, `dx = inverse * (k - mean(k) - n * mean(k * n))` (Ioffe & Szegedy 2015), `dscale = sum(h * n)` and
/// `dshift = sum(h)`.
pub(super) fn first(b: &Backward<'_>, saved: &Arc<Saved>, shape: Shape) -> Gradients {
    let [x, scales, y, grad] = [&b.inputs[0], &b.inputs[1], b.output, b.grad];
    let sums = channel_sums(x.tensor(), y.tensor(), grad.tensor(), saved, &shape)?;
    let c = shape.channels;
    let sum = |image: usize, lane: usize, ch: usize| sums[(image * 2 + lane) * c + ch];
    let of_x = b.of(0, || {
        let means = {
            let scales = cpu::slice(scales.tensor())?;
            let scale = |image: usize, ch: usize| f64::from(scales[shape.table_row(image) + ch]);
            [0, 1].map(|lane| shape.group_means(|image, ch| sum(image, lane, ch) * scale(image, ch)))
        };
        let dx = input_gradient([x, scales, y, grad].map(Value::tensor), &means, saved, &shape)?;
        let parts = Parts { y: y.tensor().clone(), saved: saved.clone(), sums: sums.clone(), means, shape };
        let mask = y.detach();
        let again = move |v: &[Value]| plain::gradient(v, &mask, &shape);
        Ok(fused(dx, &[x, scales, grad], again, move |b| second(b, &parts)))
    })?;
    if recording() && (b.wants(1) || b.wants(2)) {
        // No penalty looks at these, so they have no kernels for a second order.
        let [scale, shift] = plain::table_gradients(x, y, grad, &shape)?;
        return Ok(vec![of_x, b.of(1, || Ok(scale))?, b.of(2, || Ok(shift))?]);
    }
    let table = |lane| shape.table(|image, ch| sum(image, lane, ch)).map(Value::constant);
    Ok(vec![of_x, b.of(1, || table(1))?, b.of(2, || table(0))?])
}

/// Sums over positions of `h` and of `h * n`: `(B, 2, C)`.
fn channel_sums(x: &Tensor, y: &Tensor, grad: &Tensor, saved: &Saved, shape: &Shape) -> Result<Arc<[f64]>> {
    let (x, y, grad) = (cpu::slice(x)?, cpu::slice(y)?, cpu::slice(grad)?);
    let formula = Sums { slope: shape.slope };
    let mut sums = shape.image_sums(&formula, [&x, &y, &grad], |image| [shape.spread(image, &saved.mean)]);
    shape.scale_lane(&mut sums, 2, 1, &saved.inverse);
    Ok(sums.into())
}

/// The gradient in `x`, of `[x, scale, y, grad]` and the groups' means of `k` and of `k * n`.
fn input_gradient(of: [&Tensor; 4], means: &[Vec<f64>; 2], saved: &Saved, shape: &Shape) -> Result<Tensor> {
    let (x, scales, y, grad) = (cpu::slice(of[0])?, cpu::slice(of[1])?, cpu::slice(of[2])?, cpu::slice(of[3])?);
    let dx = shape.map(&Input { slope: shape.slope }, [&x, &y, &grad], |image| {
        shape.coefficients(image, |group, row| {
            let inverse = saved.inverse[group];
            let p = -inverse.powi(2) * means[1][group] as f32;
            [scales[row] * inverse, p, -inverse * means[0][group] as f32 - saved.mean[group] * p]
        })
    });
    cpu::tensor(dx, of[0].dims())
}

/// `h` and `h * (x - mean)`
struct Sums {
    slope: f32,
}

impl Formula<3, 1, 2> for Sums {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x, y, grad]: [S::f32s; 3], [mean]: [S::f32s; 1]) -> [S::f32s; 2] {
        let h = gate(simd, grad, y, self.slope);
        [h, simd.mul_f32s(h, simd.sub_f32s(x, mean))]
    }
}

/// `h * a + x * p + q`
struct Input {
    slope: f32,
}

impl Formula<3, 3, 1> for Input {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x, y, grad]: [S::f32s; 3], [a, p, q]: [S::f32s; 3]) -> [S::f32s; 1] {
        let h = gate(simd, grad, y, self.slope);
        [simd.mul_add_e_f32s(h, a, simd.mul_add_e_f32s(x, p, q))]
    }
}
