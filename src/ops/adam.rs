//! A step of Adam (Kingma & Ba 2015) on one tensor, in one pass over its weight, moments and gradient.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;

/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// An update of one tensor.
pub struct Rule {
    beta1: f64,
    beta2: f64,
    /// `lr / (1 - beta1^t)`
    rate: f64,
    /// `sqrt(1 - beta2^t)`
    root: f64,
}

impl Rule {
    /// The rule of a tensor's `steps`-th update, with the learning rate `lr`.
    pub fn new(beta1: f64, beta2: f64, steps: u64, lr: f64) -> Self {
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        let (rate, root) = (lr / (1.0 - beta1.powi(steps)), (1.0 - beta2.powi(steps)).sqrt());
        Self { beta1, beta2, rate, root }
    }

    /// New weight, first moment and second moment, of the old ones and the gradient, all of one shape.
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn apply(&self, weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor) -> Result<[Tensor; 3]> {
        if [first, second, gradient].iter().any(|other| other.dims() != weight.dims()) {
            bail!(
                "a weight of {:?} with moments of {:?} and {:?} and a gradient of {:?}",
                weight.dims(),
                first.dims(),
                second.dims(),
                gradient.dims()
            );
        }
        if cpu::is_cpu(weight) {
            return self.by_kernel(weight, first, second, gradient);
        }
        let first = ((first * self.beta1)? + (gradient * (1.0 - self.beta1))?)?;
        let second = ((second * self.beta2)? + (gradient.sqr()? * (1.0 - self.beta2))?)?;
        let step = (&first / ((second.sqrt()? / self.root)? + EPSILON)?)?;
        Ok([(weight - (step * self.rate)?)?, first, second])
    }

    #[expect(clippy::cast_possible_truncation, reason = "the factors of an f32 update")]
    fn by_kernel(&self, weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor) -> Result<[Tensor; 3]> {
        let [w, m, v, g] = [weight, first, second, gradient].map(cpu::slice);
        let (w, m, v, g) = (w?, m?, v?, g?);
        let (b1, b2) = (self.beta1 as f32, self.beta2 as f32);
        let (c1, c2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let (rate, inverse_root, epsilon) = (self.rate as f32, (1.0 / self.root) as f32, EPSILON as f32);
        let write = |[new_w, new_m, new_v]: [&mut [f32]; 3]| {
            let size = cpu::BLOCK;
            let old = w.par_chunks(size).zip(m.par_chunks(size)).zip(v.par_chunks(size)).zip(g.par_chunks(size));
            let new = new_w.par_chunks_mut(size).zip(new_m.par_chunks_mut(size)).zip(new_v.par_chunks_mut(size));
            old.zip(new).for_each(|((((w, m), v), g), ((new_w, new_m), new_v))| {
                cpu::vectorised(
                    #[inline(always)]
                    || {
                        for i in 0..w.len() {
                            new_m[i] = b1 * m[i] + c1 * g[i];
                            new_v[i] = b2 * v[i] + c2 * g[i] * g[i];
                            new_w[i] = w[i] - rate * new_m[i] / (new_v[i].sqrt() * inverse_root + epsilon);
                        }
                    },
                );
            });
        };
        // SAFETY: all shapes are one, so each block of the results has one of all that they are made from.
        #[expect(unsafe_code, reason = "every number is written")]
        let [new_w, new_m, new_v] = unsafe { cpu::written([w.len(); 3], write) };
        let dims = weight.dims();
        Ok([cpu::tensor(new_w, dims)?, cpu::tensor(new_m, dims)?, cpu::tensor(new_v, dims)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, values};

    #[test]
    fn a_step_is_that_of_its_definition() {
        let [w, m, v, g] = values([&[3, 7], &[3, 7], &[3, 7], &[3, 7]]).map(|value| value.tensor().clone());
        let v = v.sqr().unwrap();
        let moved = Rule::new(0.5, 0.9, 3, 0.01).apply(&w, &m, &v, &g).unwrap();
        let [w, m, v, g] = [w, m, v, g].map(|tensor| crate::ops::testing::numbers(&tensor));
        let mean: Vec<f64> = m.iter().zip(&g).map(|(m, g)| 0.5 * m + 0.5 * g).collect();
        let square: Vec<f64> = v.iter().zip(&g).map(|(v, g)| 0.9 * v + 0.1 * g * g).collect();
        let (first, second) = (1.0 - 0.5f64.powi(3), 1.0 - 0.9f64.powi(3));
        let step = |i: usize| 0.01 * (mean[i] / first) / ((square[i] / second).sqrt() + EPSILON);
        let weight: Vec<f64> = w.iter().enumerate().map(|(i, w)| w - step(i)).collect();
        for (got, want) in moved.iter().zip([weight, mean, square]) {
            close(got, &want, 1e-6);
        }
    }

    #[test]
    fn shapes_that_differ_are_refused() {
        let [w, other] = values([&[3, 7], &[7, 3]]).map(|value| value.tensor().clone());
        let rule = Rule::new(0.5, 0.9, 1, 0.01);
        for [m, v, g] in [[&other, &w, &w], [&w, &other, &w], [&w, &w, &other]] {
            let err = rule.apply(&w, m, v, g).unwrap_err().to_string();
            assert!(err.contains("[3, 7]") && err.contains("[7, 3]"), "{err}");
        }
    }
}
