//! What the tests of this room measure against: made-up numbers, the plain definition, finite differences.

use candle_core::{Result, Tensor};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::cpu;
use super::tape::{Graph, Value, gradients, gradients_from};
use super::window::Window;

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

/// A tensor's numbers in f64.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    cpu::slice(tensor).unwrap().iter().map(|x| f64::from(*x)).collect()
}

/// Images and windows on them of odd shapes: some do not reach the last row, some overlap, some only touch.
pub const WINDOWS: &[([usize; 4], Window)] = &[
    ([2, 8, 8, 3], Window::square(3, 2, 1)),
    ([1, 7, 5, 45], Window::square(3, 2, 1)),
    ([2, 6, 6, 1], Window::square(2, 2, 0)),
    ([2, 4, 6, 3], Window { kernel: (2, 3), stride: (2, 3), padding: (0, 0) }),
    ([1, 6, 6, 2], Window::square(3, 3, 1)),
    ([1, 5, 4, 9], Window { kernel: (1, 4), stride: (2, 1), padding: (0, 2) }),
    ([1, 9, 6, 2], Window { kernel: (3, 2), stride: (1, 3), padding: (1, 0) }),
    ([2, 7, 7, 4], Window::square(2, 3, 1)),
    ([1, 4, 4, 7], Window::square(1, 2, 0)),
];

/// What lies under each window on `(B, H, W, C)`, in the order of `(B, Ho, Wo, C)`: places in the window and numbers,
/// without the padding.
pub fn windows(x: &Tensor, window: Window) -> Vec<Vec<(usize, f64)>> {
    let (b, h, w, c) = x.dims4().unwrap();
    let (rows, columns) = window.outputs((h, w)).unwrap();
    let (x, (above, left)) = (numbers(x), window.padding);
    let mut out = Vec::new();
    for n in 0..b * rows * columns * c {
        let (channel, column) = (n % c, n / c % columns);
        let (row, image) = (n / c / columns % rows, n / c / columns / rows);
        let under = (0..window.taps()).filter_map(|tap| {
            let (ky, kx) = (tap / window.kernel.1, tap % window.kernel.1);
            let (y, x_) = (row * window.stride.0 + ky, column * window.stride.1 + kx);
            let inside = (above..h + above).contains(&y) && (left..w + left).contains(&x_);
            inside.then(|| (tap, x[((image * h + y - above) * w + x_ - left) * c + channel]))
        });
        out.push(under.collect());
    }
    out
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
