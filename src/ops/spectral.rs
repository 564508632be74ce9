//! Spectral normalisation (Miyato et al. 2018): a weight divided by its largest singular value, which power iteration
//! follows from step to step.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::activation::dot;
use super::cpu;
use super::fused::fused;
use super::math::products;
use super::tape::Value;

/// One power iteration: from `v` (columns) to new `u` (rows) and `v`, both of unit length. The weight is seen as a matrix
/// of its first dimension by all others.
///
/// # Errors
/// Where the shapes do not fit.
pub fn power_iteration(weight: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
    let rows = weight.dim(0)?;
    let columns = weight.elem_count() / rows;
    if !cpu::is_cpu(weight) {
        let matrix = weight.reshape((rows, columns))?;
        let unit = |x: Tensor| -> Result<Tensor> { x.broadcast_div(&x.sqr()?.sum_all()?.sqrt()?.maximum(TINY)?) };
        let u = unit(matrix.matmul(&v.reshape((columns, 1))?)?.reshape(rows)?)?;
        let v = unit(matrix.t()?.matmul(&u.reshape((rows, 1))?)?.reshape(columns)?)?;
        return Ok((u, v));
    }
    let (matrix, v) = (cpu::slice(weight)?, cpu::slice(v)?);
    let u = unit(times(&matrix, &v));
    let v = unit(transposed_times(&matrix, &u, columns));
    Ok((cpu::tensor(u, rows)?, cpu::tensor(v, columns)?))
}

/// Where a vector this short would be divided by its length, it is divided by this instead.
const TINY: f64 = 1e-12;

fn unit(x: Vec<f32>) -> Vec<f32> {
    let length = x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt().max(TINY);
    x.into_iter().map(|x| (f64::from(x) / length) as f32).collect()
}

/// `matrix v`
fn times(matrix: &[f32], v: &[f32]) -> Vec<f32> {
    let row = |row: &[f32]| {
        cpu::vectorised(
            #[inline(always)]
            || products::<LANES>(row, v),
        )
    };
    if matrix.len() <= cpu::BLOCK {
        matrix.chunks_exact(v.len()).map(row).collect()
    } else {
        matrix.par_chunks_exact(v.len()).map(row).collect()
    }
}

/// Running sums side by side in a dot product of long rows.
const LANES: usize = 32;

/// `matrix^T u`: column blocks side by side, each summed over the rows in order.
fn transposed_times(matrix: &[f32], u: &[f32], columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; columns];
    const STRIP: usize = 1024;
    out.par_chunks_mut(STRIP).enumerate().for_each(|(strip, out)| {
        cpu::vectorised(
            #[inline(always)]
            || {
                for (row, factor) in matrix.chunks_exact(columns).zip(u) {
                    for (out, x) in out.iter_mut().zip(&row[strip * STRIP..]) {
                        *out += factor * x;
                    }
                }
            },
        );
    });
    out
}

impl Value {
    /// `self / sigma` with `sigma = u . (W v)`, `u` and `v` held constant.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn divided_by_spectral_norm(&self, u: &Tensor, v: &Tensor) -> Result<Self> {
        let (rows, columns) = (u.elem_count(), v.elem_count());
        if self.dims().first() != Some(&rows) || rows * columns != self.tensor().elem_count() {
            bail!("singular vectors of {rows} and {columns} numbers do not fit a weight of {:?}", self.dims());
        }
        let plain = {
            let (u, v) = (u.clone(), v.clone());
            move |w: &[Self]| -> Result<Self> {
                let image = w[0].reshape(&[rows, columns])?.matmul(&Self::constant(v.reshape((columns, 1))?))?;
                let sigma = image.mul(&Self::constant(u.reshape((rows, 1))?))?.sum_all()?;
                let ones = vec![1; w[0].dims().len()];
                w[0].mul(&sigma.power(-1.0)?.reshape(&ones)?)
            }
        };
        if !cpu::is_cpu(self.tensor()) {
            return plain(std::slice::from_ref(self));
        }
        let (u, v) = (u.clone(), v.clone());
        let weight = cpu::slice(self.tensor())?;
        let sigma: f64 = {
            let (u, v) = (cpu::slice(&u)?, cpu::slice(&v)?);
            times(&weight, &v).iter().zip(u.iter()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let inverse = (1.0 / sigma) as f32;
        let out = cpu::tensor(cpu::map(&weight, |x| x * inverse), self.dims())?;
        Ok(fused(out, &[self], plain, move |b| {
            Ok(vec![b.of(0, || {
                // d(W / sigma) = dW / sigma - W (u^T dW v) / sigma^2
                let (u, v, grad) = (cpu::slice(&u)?, cpu::slice(&v)?, cpu::slice(b.grad.tensor())?);
                let along = dot(&grad, &cpu::slice(b.output.tensor())?) as f32 * inverse;
                let write = |[out]: [&mut [f32]; 1]| {
                    out.par_chunks_mut(v.len()).zip(grad.par_chunks(v.len())).zip(&u[..]).for_each(
                        |((out, grad), u)| {
                            let factor = along * u;
                            cpu::vectorised(
                                #[inline(always)]
                                || {
                                    for ((out, grad), v) in out.iter_mut().zip(grad).zip(&v[..]) {
                                        *out = grad * inverse - factor * v;
                                    }
                                },
                            );
                        },
                    );
                };
                // SAFETY: `u` has a number for each row of the weight and `v` one for each column.
                #[expect(unsafe_code, reason = "every number is written")]
                let [out] = unsafe { cpu::written([grad.len()], write) };
                Ok(Self::constant(cpu::tensor(out, b.grad.dims())?))
            })?])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{finite_differences, second_order, values};

    fn settled(weight: &Tensor, iterations: usize) -> (Tensor, Tensor) {
        let columns = weight.elem_count() / weight.dim(0).unwrap();
        let mut pair = (weight.clone(), cpu::tensor(vec![1.0; columns], columns).unwrap());
        for _ in 0..iterations {
            pair = power_iteration(weight, &pair.1).unwrap();
        }
        pair
    }

    #[test]
    fn the_largest_singular_value_becomes_one() {
        // diag(3, 1) turned by some angles has singular values 3 and 1.
        let (c, s) = (0.6f32, 0.8f32);
        let weight = cpu::tensor(vec![3.0 * c, 3.0 * s, -s, c], (2, 2)).unwrap();
        let (u, v) = settled(&weight, 30);
        let out = Value::constant(weight).divided_by_spectral_norm(&u, &v).unwrap();
        let want = [c, s, -s / 3.0, c / 3.0];
        for (got, want) in cpu::slice(out.tensor()).unwrap().iter().zip(want) {
            assert!((got - want).abs() < 1e-6);
        }
    }

    #[test]
    fn vectors_of_another_weight_are_refused() {
        let [weight] = values([&[3, 2, 2, 5]]);
        let vector = |len: usize| cpu::tensor(vec![1.0; len], len).unwrap();
        for (rows, columns) in [(2, 20), (3, 19), (20, 3), (60, 1)] {
            let err = weight.divided_by_spectral_norm(&vector(rows), &vector(columns)).err().unwrap().to_string();
            assert!(err.contains(&format!("{rows} and {columns}")), "{err}");
        }
    }

    #[test]
    fn gradients_match_differences_to_second_order() {
        for shape in [[3, 2, 2, 5], [40, 1, 1, 70]] {
            let inputs = values([&shape]);
            // Not settled: u and v are constants in the gradient whatever they are.
            let (u, v) = settled(inputs[0].tensor(), 2);
            let f = |w: &[Value]| w[0].divided_by_spectral_norm(&u, &v);
            finite_differences(&inputs, f);
            second_order(&inputs, f);
        }
    }
}
