//! Max pooling: which pixel under each window is the largest, and what goes back to it.
//!
//! Picking one pixel under each window and putting it back are each the gradient of the other, so every order of gradient
//! runs at full speed.

use candle_core::{DType, Result, Tensor};

use super::cpu;
use super::pool::refuse_wide_padding;
use super::tape::Value;
use super::window::{Fold, Pair, Plan, Window, block, by_candle};

impl Value {
    /// Largest of what lies under each window, padding never, as PyTorch's `MaxPool2d`: `(B, H, W, C)` to
    /// `(B, Ho, Wo, C)`. Of equal numbers the first, row by row, has the gradient.
    ///
    /// # Errors
    /// Where the window does not fit, or the padding is more than half of it.
    pub fn max_pool(&self, window: Window) -> Result<Self> {
        refuse_wide_padding(window)?;
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = largest(self.tensor(), window)?;
        Ok(Self::computed(out, &[self], move |b| {
            Ok(vec![b.of(0, || {
                let taps = which(b.inputs[0].tensor(), b.output.tensor(), window)?;
                b.grad.put_back(&taps, window, (height, width))
            })?])
        }))
    }

    /// Puts numbers back to where `taps` says that they were picked: `(B, Ho, Wo, C)` to `(B, H, W, C)`.
    fn put_back(&self, taps: &Tensor, window: Window, size: (usize, usize)) -> Result<Self> {
        let out = put_back(self.tensor(), taps, window, size)?;
        let taps = taps.clone();
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.pick(&taps, window))?])))
    }

    /// The number at the place `taps` of each window: `(B, H, W, C)` to `(B, Ho, Wo, C)`.
    fn pick(&self, taps: &Tensor, window: Window) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = pick(self.tensor(), taps, window)?;
        let taps = taps.clone();
        Ok(Self::computed(out, &[self], move |b| {
            Ok(vec![b.of(0, || b.grad.put_back(&taps, window, (height, width)))?])
        }))
    }
}

/// Keeps the largest, or a number that is none.
struct Largest<'a>(&'a [f32]);

impl Fold for Largest<'_> {
    const START: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        for (largest, x) in sums.iter_mut().zip(block::<N>(self.0, pair.other)) {
            *largest = if *x > *largest || x.is_nan() { *x } else { *largest };
        }
    }
}

fn largest(x: &Tensor, window: Window) -> Result<Tensor> {
    if !cpu::is_cpu(x) {
        return largest_by_candle(x, window);
    }
    Plan::gather(window, x.dims4()?)?.fold(&Largest(&cpu::slice(x)?))
}

/// Remembers the first place of the window that holds the largest number.
struct Which<'a> {
    from: &'a [f32],
    largest: &'a [f32],
}

impl Fold for Which<'_> {
    const START: f32 = -1.0;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        let (from, largest) = (block::<N>(self.from, pair.other), block::<N>(self.largest, pair.own));
        for ((place, x), largest) in sums.iter_mut().zip(from).zip(largest) {
            let found = *place < 0.0 && (x == largest || x.is_nan());
            *place = if found { pair.tap as f32 } else { *place };
        }
    }
}

/// Places in the windows, counted row by row: whole numbers as f32, which compare as fast as what they choose from.
fn which(x: &Tensor, largest: &Tensor, window: Window) -> Result<Tensor> {
    if !cpu::is_cpu(x) {
        return which_by_candle(x, largest, window);
    }
    Plan::gather(window, x.dims4()?)?.fold(&Which { from: &cpu::slice(x)?, largest: &cpu::slice(largest)? })
}

/// Takes what lies at the chosen place.
struct Picked<'a> {
    from: &'a [f32],
    taps: &'a [f32],
}

impl Fold for Picked<'_> {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        let (from, taps) = (block::<N>(self.from, pair.other), block::<N>(self.taps, pair.own));
        for ((sum, x), tap) in sums.iter_mut().zip(from).zip(taps) {
            *sum = if *tap == pair.tap as f32 { *x } else { *sum };
        }
    }
}

fn pick(x: &Tensor, taps: &Tensor, window: Window) -> Result<Tensor> {
    let (_, height, width, _) = x.dims4()?;
    window.expect_outputs((height, width), taps.dims())?;
    if !cpu::is_cpu(x) {
        return pick_by_candle(x, taps, window);
    }
    Plan::gather(window, x.dims4()?)?.fold(&Picked { from: &cpu::slice(x)?, taps: &cpu::slice(taps)? })
}

/// Adds what was picked here.
struct PutBack<'a> {
    from: &'a [f32],
    taps: &'a [f32],
}

impl Fold for PutBack<'_> {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        let (from, taps) = (block::<N>(self.from, pair.other), block::<N>(self.taps, pair.other));
        for ((sum, x), tap) in sums.iter_mut().zip(from).zip(taps) {
            *sum += if *tap == pair.tap as f32 { *x } else { 0.0 };
        }
    }
}

fn put_back(g: &Tensor, taps: &Tensor, window: Window, size: (usize, usize)) -> Result<Tensor> {
    window.expect_outputs(size, g.dims())?;
    if !cpu::is_cpu(g) {
        return put_back_by_candle(g, taps, window, size);
    }
    let (images, _, _, channels) = g.dims4()?;
    Plan::spread(window, images, size, channels)?.fold(&PutBack { from: &cpu::slice(g)?, taps: &cpu::slice(taps)? })
}

fn largest_by_candle(x: &Tensor, window: Window) -> Result<Tensor> {
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, f32::NEG_INFINITY)?);
    let first = by_candle::lift(&x, window, 0, outputs)?;
    (1..window.taps()).try_fold(first, |most, tap| most.maximum(&by_candle::lift(&x, window, tap, outputs)?))
}

fn which_by_candle(x: &Tensor, largest: &Tensor, window: Window) -> Result<Tensor> {
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, f32::NEG_INFINITY)?);
    let number = |number: f32| Tensor::full(number, largest.shape(), x.device());
    // From the last to the first, so that the first of equals stays.
    (0..window.taps()).rev().try_fold(number(-1.0)?, |places, tap| {
        by_candle::lift(&x, window, tap, outputs)?.eq(largest)?.where_cond(&number(tap as f32)?, &places)
    })
}

/// 1 where `tap` was chosen, 0 elsewhere.
fn chosen(taps: &Tensor, tap: usize) -> Result<Tensor> {
    taps.eq(tap as f64)?.to_dtype(DType::F32)
}

fn pick_by_candle(x: &Tensor, taps: &Tensor, window: Window) -> Result<Tensor> {
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, 0.0)?);
    by_candle::sum(window, |tap| by_candle::lift(&x, window, tap, outputs)?.mul(&chosen(taps, tap)?))
}

fn put_back_by_candle(g: &Tensor, taps: &Tensor, window: Window, size: (usize, usize)) -> Result<Tensor> {
    by_candle::sum(window, |tap| by_candle::lower(&g.mul(&chosen(taps, tap)?)?, window, tap, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{WINDOWS, close, finite_differences, numbers, second_order, values, windows};
    use crate::ops::{Graph, gradients};

    /// Numbers far enough apart that a small step changes no order.
    fn apart(shape: &[usize]) -> Value {
        let count: usize = shape.iter().product();
        let numbers = (0..count).map(|i| 0.5 + ((i * 7919) % count) as f32 * 0.05).collect();
        Value::leaf(cpu::tensor(numbers, shape).unwrap())
    }

    #[test]
    fn the_largest_of_each_window_for_odd_shapes() {
        for (shape, window) in WINDOWS {
            let [x] = values([&shape[..]]);
            let most = |under: Vec<(usize, f64)>| under.into_iter().map(|(_, x)| x).fold(f64::NEG_INFINITY, f64::max);
            let want: Vec<f64> = windows(x.tensor(), *window).into_iter().map(most).collect();
            close(x.max_pool(*window).unwrap().tensor(), &want, 0.0);
        }
    }

    #[test]
    fn gradients_match_finite_differences_to_second_order() {
        for (shape, window) in WINDOWS {
            finite_differences(&[apart(shape)], |v| v[0].max_pool(*window));
            // Few numbers, so that a step is not lost beside their squares.
            let few = [1, shape[1], shape[2], shape[3].min(2)];
            second_order(&[apart(&few)], |v| v[0].mul(&v[0])?.max_pool(*window));
        }
    }

    #[test]
    fn the_first_of_equal_numbers_has_the_gradient_and_nan_is_kept() {
        let image = |numbers: [f32; 4]| Value::leaf(cpu::tensor(numbers.to_vec(), (1, 2, 2, 1)).unwrap());
        let x = image([1.0, 3.0, 3.0, 3.0]);
        let whole = Window::square(2, 2, 0);
        let grad = gradients(x.max_pool(whole).unwrap(), std::slice::from_ref(&x), Graph::Drop).unwrap();
        close(grad[0].as_ref().unwrap().tensor(), &[0.0, 1.0, 0.0, 0.0], 0.0);
        assert!(image([1.0, f32::NAN, 3.0, 2.0]).max_pool(whole).unwrap().scalar().unwrap().is_nan());
        let below = image([-1.0, -2.0, -3.0, -4.0]).max_pool(Window::square(2, 2, 1)).unwrap();
        close(below.tensor(), &[-1.0, -2.0, -3.0, -4.0], 0.0);
    }

    #[test]
    fn candles_own_operations_agree() {
        for (shape, window) in WINDOWS {
            let size = (shape[1], shape[2]);
            let x = values([&shape[..]])[0].tensor().clone();
            let most = largest(&x, *window).unwrap();
            let taps = which(&x, &most, *window).unwrap();
            let back = put_back(&most, &taps, *window, size).unwrap();
            for (got, want) in [
                (largest_by_candle(&x, *window), &most),
                (which_by_candle(&x, &most, *window), &taps),
                (pick(&x, &taps, *window), &most),
                (pick_by_candle(&x, &taps, *window), &most),
                (put_back_by_candle(&most, &taps, *window, size), &back),
            ] {
                close(&got.unwrap(), &numbers(want), 1e-6);
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let [x] = values([&[1, 4, 4, 2]]);
        let err = x.max_pool(Window::square(3, 1, 2)).err().unwrap().to_string();
        assert!(err.contains("more than half"), "{err}");
        let err = x.put_back(x.tensor(), Window::square(2, 2, 0), (4, 4)).err().unwrap().to_string();
        assert!(err.contains("2x2 pixels"), "{err}");
    }
}
