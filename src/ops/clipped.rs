//! ReLU with a ceiling, as networks for small machines have it (ReLU6: Howard et al. 2017), and its gradient.

use candle_core::{Result, Tensor};

use super::cpu;
use super::tape::Value;

impl Value {
    /// `min(max(x, 0), most)`.
    ///
    /// # Errors
    /// Those of candle.
    pub fn clipped_relu(&self, most: f32) -> Result<Self> {
        let x = self.tensor();
        let out = if cpu::is_cpu(x) && x.is_contiguous() {
            let clip = |x: f32| {
                if x > most {
                    most
                } else if x > 0.0 {
                    x
                } else {
                    0.0
                }
            };
            cpu::tensor(cpu::map(&cpu::slice(x)?, clip), x.dims())?
        } else {
            x.clamp(0.0, most)?
        };
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.between(b.output, most))?])))
    }

    /// `self` where `by` is above 0 and below `most`, and 0 elsewhere: the gradient of [`Value::clipped_relu`]. `by` is held
    /// constant, as the slope is flat wherever it is defined.
    ///
    /// # Errors
    /// Where the shapes differ.
    fn between(&self, by: &Self, most: f32) -> Result<Self> {
        let out = kept(self.tensor(), by.tensor(), most)?;
        let by = by.detach();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.between(&by, most))?])))
    }

    /// `|x|`, whose slope at 0 is 0.
    ///
    /// # Errors
    /// Those of candle.
    pub fn absolute(&self) -> Result<Self> {
        self.leaky_relu(0.0)?.add(&self.scale(-1.0)?.leaky_relu(0.0)?)
    }
}

fn kept(x: &Tensor, by: &Tensor, most: f32) -> Result<Tensor> {
    if cpu::is_cpu(x) && cpu::is_cpu(by) && x.is_contiguous() && by.is_contiguous() && x.dims() == by.dims() {
        let keep = |x: f32, by: f32| if by > 0.0 && by < most { x } else { 0.0 };
        return cpu::tensor(cpu::map2(&cpu::slice(x)?, &cpu::slice(by)?, keep), x.dims());
    }
    let inside = (by.gt(0.0)? * by.lt(f64::from(most))?)?;
    inside.where_cond(x, &x.zeros_like()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::{close, finite_differences, second_order};
    use crate::ops::{Graph, gradients};

    #[test]
    fn slopes_are_those_of_pytorch_at_the_corners_too() {
        let x = Value::leaf(Tensor::new(&[-1.0_f32, 0.0, 0.5, 5.9, 6.0, 7.0], &Device::Cpu).unwrap());
        let y = x.clipped_relu(6.0).unwrap();
        assert_eq!(y.tensor().to_vec1::<f32>().unwrap(), [0.0, 0.0, 0.5, 5.9, 6.0, 6.0]);
        let slope = gradients(y, std::slice::from_ref(&x), Graph::Drop).unwrap().remove(0).unwrap();
        // torch: hardtanh's gradient is 0 where x <= 0 or x >= 6
        assert_eq!(slope.tensor().to_vec1::<f32>().unwrap(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        let y = x.absolute().unwrap();
        assert_eq!(y.tensor().to_vec1::<f32>().unwrap(), [1.0, 0.0, 0.5, 5.9, 6.0, 7.0]);
        let slope = gradients(y, &[x], Graph::Drop).unwrap().remove(0).unwrap();
        assert_eq!(slope.tensor().to_vec1::<f32>().unwrap(), [-1.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn gradients_match_finite_differences() {
        // None so near a corner that a difference would reach across it.
        let numbers: Vec<f32> = (-7_i8..8).map(|i| f32::from(i) * 0.27 + 0.05).collect();
        let x = [Value::leaf(Tensor::from_vec(numbers, (3, 5), &Device::Cpu).unwrap())];
        finite_differences(&x, |v| v[0].clipped_relu(1.0));
        finite_differences(&x, |v| v[0].absolute());
        second_order(&x, |v| {
            let y = v[0].clipped_relu(1.0)?;
            y.mul(&y)
        });
        let half: Vec<f64> = crate::ops::testing::numbers(x[0].tensor()).iter().map(|x| x.clamp(0.0, 1.0)).collect();
        close(x[0].clipped_relu(1.0).unwrap().tensor(), &half, 1e-7);
    }
}
