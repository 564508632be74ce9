//! The gradients of a normalisation's gradient, as a penalty on gradients asks for them.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use pulp::Simd;

use super::shape::{Saved, Shape};
use crate::ops::cpu;
use crate::ops::rows::{Formula, gate};
use crate::ops::tape::{Backward, Gradients, Value};

/// What the first order leaves behind for the second.
pub(super) struct Parts {
    /// The normalisation's output, for its signs.
    pub y: Tensor,
    pub saved: Arc<Saved>,
    /// Sums over positions of `h` and of `h * n`: `(B, 2, C)`.
    pub sums: Arc<[f64]>,
    /// Means over the groups of `k` and of `k * n`.
    pub means: [Vec<f64>; 2],
    pub shape: Shape,
}

/// The gradients of `dx` in `[x, scale, grad]`, given that of `dx`, which is `v`.
///
/// In the names of the first order, `dx = P k`, where `P k = inverse * (k - mean(k) - n * mean(k * n))` is linear,
/// symmetric and depends on `x` alone. So `L = sum(v * dx) = sum(k * P v)` has the gradient `P v` in `k`; as
/// `k = mask * grad * scale`,
///
/// - `dgrad = mask * scale * P v`
/// - `dscale = sum(h * P v) = inverse * (sum(h * v) - mean(v) * sum(h) - mean(v * n) * sum(h * n))`
///
/// `x` acts through `n`, where `dL/dn = -inverse * (v * mean(k * n) + k * mean(v * n))` and a gradient in `n` goes through
/// `P` again, and through `inverse`, whose slope is `-inverse^2 * n / count`. Together, with `'` for a number less its mean,
///
/// - `dx = -inverse^2 * (v' * mean(k * n) + k' * mean(v * n) + n * (mean(v * k) - mean(v) mean(k) - 3 mean(v * n) mean(k * n)))`
pub(super) fn second(b: &Backward<'_>, parts: &Parts) -> Gradients {
    let [x, scales, grad] = [0, 1, 2].map(|i| b.inputs[i].tensor());
    let (shape, c) = (&parts.shape, parts.shape.channels);
    let sums = channel_sums(x, grad, b.grad.tensor(), parts)?;
    let sum = |image: usize, lane: usize, ch: usize| sums[(image * 3 + lane) * c + ch];
    let first = |image: usize, lane: usize, ch: usize| parts.sums[(image * 2 + lane) * c + ch];
    let scales = cpu::slice(scales)?;
    let means = Means {
        v: shape.group_means(|image, ch| sum(image, 0, ch)),
        vn: shape.group_means(|image, ch| sum(image, 1, ch)),
        vk: shape.group_means(|image, ch| sum(image, 2, ch) * f64::from(scales[shape.table_row(image) + ch])),
    };
    let of_scale = b.of(1, || {
        let table = shape.table(|image, ch| {
            let group = shape.group(image, ch);
            let centred = sum(image, 2, ch) - means.v[group] * first(image, 0, ch);
            f64::from(parts.saved.inverse[group]) * (centred - means.vn[group] * first(image, 1, ch))
        })?;
        Ok(Value::constant(table))
    })?;
    if !b.wants(0) && !b.wants(2) {
        return Ok(vec![None, of_scale, None]);
    }
    let [dx, dgrad] = images([x, grad, b.grad.tensor()], &scales, &means, parts)?;
    Ok(vec![b.of(0, || Ok(Value::constant(dx)))?, of_scale, b.of(2, || Ok(Value::constant(dgrad)))?])
}

/// Means over the groups.
struct Means {
    v: Vec<f64>,
    vn: Vec<f64>,
    vk: Vec<f64>,
}

/// Sums over positions of `v`, of `v * n` and of `v * h`: `(B, 3, C)`.
fn channel_sums(x: &Tensor, grad: &Tensor, v: &Tensor, parts: &Parts) -> Result<Vec<f64>> {
    let (shape, saved) = (&parts.shape, &parts.saved);
    let (x, y, grad, v) = (cpu::slice(x)?, cpu::slice(&parts.y)?, cpu::slice(grad)?, cpu::slice(v)?);
    let formula = Sums { slope: shape.slope };
    let mut sums = shape.image_sums(&formula, [&x, &y, &grad, &v], |image| [shape.spread(image, &saved.mean)]);
    shape.scale_lane(&mut sums, 3, 1, &saved.inverse);
    Ok(sums)
}

/// The gradients in `x` and in `grad`, of `[x, grad, v]`.
fn images(of: [&Tensor; 3], scales: &[f32], means: &Means, parts: &Parts) -> Result<[Tensor; 2]> {
    let (shape, saved) = (&parts.shape, &parts.saved);
    let (x, y, grad, v) = (cpu::slice(of[0])?, cpu::slice(&parts.y)?, cpu::slice(of[1])?, cpu::slice(of[2])?);
    let [dx, dgrad] = shape.map_pair(&Images { slope: shape.slope }, [&x, &y, &grad, &v], |image| {
        shape.coefficients(image, |group, row| {
            let [inverse, mean, scale] = [saved.inverse[group], saved.mean[group], scales[row]];
            let [v, vn, vk] = [&means.v, &means.vn, &means.vk].map(|of| of[group] as f32);
            let [k, kn] = parts.means.each_ref().map(|of| of[group] as f32);
            let (square, rest) = (inverse * inverse, vk - v * k - 3.0 * vn * kn);
            let pulled = scale * inverse;
            [
                pulled,
                -pulled * inverse * vn,
                pulled * (mean * inverse * vn - v),
                -square * kn,
                -square * vn * scale,
                -square * inverse * rest,
                square * (kn * v + vn * k + mean * inverse * rest),
            ]
        })
    });
    Ok([cpu::tensor(dx, of[0].dims())?, cpu::tensor(dgrad, of[0].dims())?])
}

/// `v`, `v * (x - mean)` and `v * h`
struct Sums {
    slope: f32,
}

impl Formula<4, 1, 3> for Sums {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x, y, grad, v]: [S::f32s; 4], [mean]: [S::f32s; 1]) -> [S::f32s; 3] {
        let h = gate(simd, grad, y, self.slope);
        [v, simd.mul_f32s(v, simd.sub_f32s(x, mean)), simd.mul_f32s(v, h)]
    }
}

/// `dx = v * xv + h * xh + x * xx + q` and `dgrad = mask * (v * pv + x * px + p)`
struct Images {
    slope: f32,
}

impl Formula<4, 7, 2> for Images {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, [x, y, grad, v]: [S::f32s; 4], k: [S::f32s; 7]) -> [S::f32s; 2] {
        let [pv, px, p, xv, xh, xx, q] = k;
        let h = gate(simd, grad, y, self.slope);
        let dx = simd.mul_add_e_f32s(v, xv, simd.mul_add_e_f32s(h, xh, simd.mul_add_e_f32s(x, xx, q)));
        let pulled = simd.mul_add_e_f32s(v, pv, simd.mul_add_e_f32s(x, px, p));
        [dx, gate(simd, pulled, y, self.slope)]
    }
}
