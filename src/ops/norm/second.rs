//! The gradients of a normalisation's gradient, as a penalty on gradients asks for them.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::{Saved, Shape};
use crate::ops::cpu;
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
    let (c, slope) = (shape.channels, shape.slope);
    let (x, y, grad, v) = (cpu::slice(x)?, cpu::slice(&parts.y)?, cpu::slice(grad)?, cpu::slice(v)?);
    let (x, y, grad, v) = (&x[..], &y[..], &grad[..], &v[..]);
    let mut sums = shape.image_sums(
        3,
        #[inline(always)]
        |image, range, sums| {
            let mean = &shape.spread(image, &saved.mean)[..c];
            let (plain, rest) = sums.split_at_mut(c);
            let (normalised, behind) = rest.split_at_mut(c);
            let (plain, normalised, behind) = (&mut plain[..c], &mut normalised[..c], &mut behind[..c]);
            let left = x[range.clone()].chunks_exact(c).zip(y[range.clone()].chunks_exact(c));
            let right = grad[range.clone()].chunks_exact(c).zip(v[range].chunks_exact(c));
            for ((x, y), (grad, v)) in left.zip(right) {
                for ch in 0..c {
                    let h = if y[ch] > 0.0 { grad[ch] } else { slope * grad[ch] };
                    plain[ch] += v[ch];
                    normalised[ch] += v[ch] * (x[ch] - mean[ch]);
                    behind[ch] += v[ch] * h;
                }
            }
        },
    );
    shape.scale_lane(&mut sums, 3, 1, &saved.inverse);
    Ok(sums)
}

/// The gradients in `x` and in `grad`, of `[x, grad, v]`.
fn images(of: [&Tensor; 3], scales: &[f32], means: &Means, parts: &Parts) -> Result<[Tensor; 2]> {
    let (shape, saved) = (&parts.shape, &parts.saved);
    let (c, slope) = (shape.channels, shape.slope);
    let (x, y, grad, v) = (cpu::slice(of[0])?, cpu::slice(&parts.y)?, cpu::slice(of[1])?, cpu::slice(of[2])?);
    let (mut dx, mut dgrad) = (cpu::fresh(x.len()), cpu::fresh(x.len()));
    shape.over_block_pairs(&mut dx, &mut dgrad, |image, range, dx, dgrad| {
        // dgrad = mask * (v * pv + x * px + p), dx = v * xv + h * xh + x * xx + q
        let [pv, px, p, xv, xh, xx, q] = shape.coefficients(image, |group, row| {
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
        });
        let (x, y, grad, v) = (&x[range.clone()], &y[range.clone()], &grad[range.clone()], &v[range]);
        cpu::vectorised(
            #[inline(always)]
            || {
                let (pv, px, p) = (&pv[..c], &px[..c], &p[..c]);
                let (xv, xh, xx, q) = (&xv[..c], &xh[..c], &xx[..c], &q[..c]);
                let inputs = x.chunks_exact(c).zip(y.chunks_exact(c)).zip(grad.chunks_exact(c).zip(v.chunks_exact(c)));
                for ((dx, dgrad), ((x, y), (grad, v))) in
                    dx.chunks_exact_mut(c).zip(dgrad.chunks_exact_mut(c)).zip(inputs)
                {
                    for ch in 0..c {
                        let behind = v[ch] * pv[ch] + x[ch] * px[ch] + p[ch];
                        let (h, pulled) =
                            if y[ch] > 0.0 { (grad[ch], behind) } else { (slope * grad[ch], slope * behind) };
                        dgrad[ch] = pulled;
                        dx[ch] = v[ch] * xv[ch] + h * xh[ch] + x[ch] * xx[ch] + q[ch];
                    }
                }
            },
        );
    });
    Ok([cpu::tensor(dx, of[0].dims())?, cpu::tensor(dgrad, of[0].dims())?])
}
