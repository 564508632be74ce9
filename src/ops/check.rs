//! What the tests of this room measure against: made-up numbers, the plain definition, finite differences.

use candle_core::{Result, Tensor};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::cpu;
use super::tape::{Graph, Value, gradients, gradients_from};

/// A leaf of made-up numbers of about unit size.
pub fn value(shape: &[usize], seed: u64) -> Value {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..shape.iter().product()).map(|_| rng.random_range(-1.5f32..1.5)).collect();
    Value::leaf(cpu::tensor(data, shape).unwrap())
}

/// A leaf a shape.
pub fn values<const N: usize>(shapes: [&[usize]; N]) -> [Value; N] {
    let mut seed = 0;
    shapes.map(|shape| {
        seed += 1;
        value(shape, seed)
    })
}

/// Asserts that a tensor's numbers are these, relative to the largest of them.
pub fn close(got: &Tensor, want: &[f64], tolerance: f64) {
    let got = cpu::slice(got).unwrap();
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-3f64, |max, x| max.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (f64::from(*got) - want).abs() <= tolerance * scale,
            "number {i}: {got} where {want} was wanted (scale {scale})"
        );
    }
}

/// A fixed weighted sum of an output, in f64.
fn weighted(out: &Tensor, weight: &Tensor) -> f64 {
    let (out, weight) = (cpu::slice(out).unwrap(), cpu::slice(weight).unwrap());
    out.iter().zip(weight.iter()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn moved(input: &Value, at: usize, by: f32) -> Value {
    let mut data = cpu::slice(input.tensor()).unwrap().to_vec();
    data[at] += by;
    Value::leaf(cpu::tensor(data, input.dims()).unwrap())
}

/// Compares the gradient of every input with central differences, at up to 40 places of each.
pub fn finite_differences(inputs: &[Value], f: impl Fn(&[Value]) -> Result<Value>) {
    let out = f(inputs).unwrap();
    let weight = value(out.dims(), 99);
    let grads = gradients_from(out, weight.detach(), inputs, Graph::Drop).unwrap();
    let step = 1e-2f32;
    for (i, grad) in grads.iter().enumerate() {
        let grad = cpu::slice(grad.as_ref().expect("a gradient for every input").tensor()).unwrap().to_vec();
        let scale = grad.iter().fold(0.1f32, |max, x| max.max(x.abs()));
        for at in (0..grad.len()).step_by(grad.len().div_ceil(40)) {
            let side = |by: f32| {
                let mut inputs = inputs.to_vec();
                inputs[i] = moved(&inputs[i], at, by);
                weighted(f(&inputs).unwrap().tensor(), weight.tensor())
            };
            let slope = (side(step) - side(-step)) / f64::from(2.0 * step);
            let err = (slope - f64::from(grad[at])).abs() / f64::from(scale);
            assert!(err < 1e-2, "input {i}, place {at}: {} where differences give {slope}", grad[at]);
        }
    }
}

/// As [`finite_differences`], for the gradient of the squared gradient, as a penalty takes it.
pub fn second_order(inputs: &[Value], f: impl Fn(&[Value]) -> Result<Value>) {
    let penalty = |inputs: &[Value]| -> Result<Value> {
        let out = f(inputs)?;
        let weight = value(out.dims(), 98);
        let grads = gradients_from(out, weight.detach(), inputs, Graph::Keep)?;
        let mut total: Option<Value> = None;
        for grad in grads.into_iter().flatten() {
            let term = grad.mul(&grad)?.sum_all()?.reshape(&[1])?;
            total = Some(match total {
                None => term,
                Some(before) => before.add(&term)?,
            });
        }
        Ok(total.expect("an output that depends on its inputs"))
    };
    let grads = gradients(penalty(inputs).unwrap(), inputs, Graph::Drop).unwrap();
    let step = 1e-2f32;
    for (i, grad) in grads.iter().enumerate() {
        let Some(grad) = grad else { continue };
        let grad = cpu::slice(grad.tensor()).unwrap().to_vec();
        let scale = grad.iter().fold(0.1f32, |max, x| max.max(x.abs()));
        for at in (0..grad.len()).step_by(grad.len().div_ceil(20)) {
            let side = |by: f32| {
                let mut inputs = inputs.to_vec();
                inputs[i] = moved(&inputs[i], at, by);
                f64::from(penalty(&inputs).unwrap().scalar().unwrap())
            };
            let slope = (side(step) - side(-step)) / f64::from(2.0 * step);
            let err = (slope - f64::from(grad[at])).abs() / f64::from(scale);
            assert!(err < 3e-2, "input {i}, place {at}: {} where differences give {slope}", grad[at]);
        }
    }
}
