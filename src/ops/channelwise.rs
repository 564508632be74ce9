//! Depthwise convolution and its two gradients: each channel by itself, with a kernel of its own.
//!
//! Three linear operations of which each is the gradient of the others, by the same table as in [`super::conv`]; a
//! trained network's frozen layers have faster ones in [`super::depthwise`]. Kernels are `(kh, kw, C)`.

use candle_core::{Result, Tensor, bail};

use super::cpu;
use super::tape::Value;
use super::window::{Fold, Pair, Plan, Window, block, by_candle};

impl Value {
    /// Depthwise convolution: `(B, H, W, C)` images and a `(kh, kw, C)` kernel to `(B, Ho, Wo, C)`. `window.kernel` is
    /// (kh, kw).
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn depthwise(&self, kernel: &Self, window: Window) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = conv(self.tensor(), kernel.tensor(), window)?;
        Ok(Self::computed(out, &[self, kernel], move |b| {
            let (x, w) = (&b.inputs[0], &b.inputs[1]);
            Ok(vec![
                b.of(0, || b.grad.depthwise_input_gradient(w, window, (height, width)))?,
                b.of(1, || x.depthwise_kernel_gradient(b.grad, window))?,
            ])
        }))
    }

    /// The gradient of a depthwise convolution in its input, which is the transposed one: `(B, Ho, Wo, C)` and a
    /// `(kh, kw, C)` kernel to `(B, H, W, C)`, where `size` is (H, W).
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn depthwise_input_gradient(&self, kernel: &Self, window: Window, size: (usize, usize)) -> Result<Self> {
        let out = dgrad(self.tensor(), kernel.tensor(), window, size)?;
        Ok(Self::computed(out, &[self, kernel], move |b| {
            let (g, w) = (&b.inputs[0], &b.inputs[1]);
            Ok(vec![b.of(0, || b.grad.depthwise(w, window))?, b.of(1, || b.grad.depthwise_kernel_gradient(g, window))?])
        }))
    }

    /// The gradient of a depthwise convolution in its kernel: `(B, H, W, C)` images and `(B, Ho, Wo, C)` output gradients
    /// to `(kh, kw, C)`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn depthwise_kernel_gradient(&self, output: &Self, window: Window) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = wgrad(self.tensor(), output.tensor(), window)?;
        Ok(Self::computed(out, &[self, output], move |b| {
            let (x, g) = (&b.inputs[0], &b.inputs[1]);
            Ok(vec![
                b.of(0, || g.depthwise_input_gradient(b.grad, window, (height, width)))?,
                b.of(1, || x.depthwise(b.grad, window))?,
            ])
        }))
    }
}

/// Adds what is looked up, times the kernel's number at that place.
struct Weighted<'a> {
    from: &'a [f32],
    /// `(kh, kw, C)`
    kernel: &'a [f32],
    channels: usize,
}

impl Fold for Weighted<'_> {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        let weights = block::<N>(self.kernel, pair.tap * self.channels + pair.channel);
        for ((sum, x), weight) in sums.iter_mut().zip(block::<N>(self.from, pair.other)).zip(weights) {
            *sum += x * weight;
        }
    }
}

fn expect_kernel(kernel: &Tensor, window: Window, channels: usize) -> Result<()> {
    if kernel.dims3()? != (window.kernel.0, window.kernel.1, channels) {
        let shape = kernel.dims();
        bail!("depthwise convolution: a kernel {shape:?} for windows of {:?} and {channels} channels", window.kernel);
    }
    Ok(())
}

fn conv(x: &Tensor, w: &Tensor, window: Window) -> Result<Tensor> {
    let (_, _, _, channels) = x.dims4()?;
    expect_kernel(w, window, channels)?;
    if !cpu::is_cpu(x) {
        return conv_by_candle(x, w, window);
    }
    Plan::gather(window, x.dims4()?)?.fold(&Weighted { from: &cpu::slice(x)?, kernel: &cpu::slice(w)?, channels })
}

fn dgrad(g: &Tensor, w: &Tensor, window: Window, size: (usize, usize)) -> Result<Tensor> {
    let (images, _, _, channels) = g.dims4()?;
    expect_kernel(w, window, channels)?;
    window.expect_outputs(size, g.dims())?;
    if !cpu::is_cpu(g) {
        return dgrad_by_candle(g, w, window, size);
    }
    let plan = Plan::spread(window, images, size, channels)?;
    plan.fold(&Weighted { from: &cpu::slice(g)?, kernel: &cpu::slice(w)?, channels })
}

fn wgrad(x: &Tensor, g: &Tensor, window: Window) -> Result<Tensor> {
    let (images, height, width, channels) = x.dims4()?;
    window.expect_outputs((height, width), g.dims())?;
    if (g.dims()[0], g.dims()[3]) != (images, channels) {
        bail!("depthwise kernel gradient: images {:?} and output gradients {:?} do not fit", x.dims(), g.dims());
    }
    if !cpu::is_cpu(x) {
        return wgrad_by_candle(x, g, window);
    }
    let plan = Plan::gather(window, x.dims4()?)?;
    let (rows, columns) = plan.out;
    let (x, g) = (cpu::slice(x)?, cpu::slice(g)?);
    let (x, g) = (&x[..], &g[..]);
    let sums = cpu::block_sums(
        images * rows,
        columns * channels,
        window.taps() * channels,
        #[inline(always)]
        |range, sums| {
            for (row, column) in range.flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let own = &g[(row * columns + column) * channels..][..channels];
                plan.pairs(
                    row,
                    column,
                    #[inline(always)]
                    |tap, other| {
                        let sums = &mut sums[tap * channels..][..channels];
                        for ((sum, x), g) in sums.iter_mut().zip(&x[other..other + channels]).zip(own) {
                            *sum += x * g;
                        }
                    },
                );
            }
        },
    );
    cpu::tensor(sums.into_iter().map(|sum| sum as f32).collect(), (window.kernel.0, window.kernel.1, channels))
}

/// The kernel's numbers at place `tap`, `(C)`.
fn weights(w: &Tensor, window: Window, tap: usize) -> Result<Tensor> {
    w.get(tap / window.kernel.1)?.get(tap % window.kernel.1)
}

fn conv_by_candle(x: &Tensor, w: &Tensor, window: Window) -> Result<Tensor> {
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, 0.0)?);
    by_candle::sum(window, |tap| by_candle::lift(&x, window, tap, outputs)?.broadcast_mul(&weights(w, window, tap)?))
}

fn dgrad_by_candle(g: &Tensor, w: &Tensor, window: Window, size: (usize, usize)) -> Result<Tensor> {
    by_candle::sum(window, |tap| by_candle::lower(&g.broadcast_mul(&weights(w, window, tap)?)?, window, tap, size))
}

fn wgrad_by_candle(x: &Tensor, g: &Tensor, window: Window) -> Result<Tensor> {
    let (_, _, _, channels) = x.dims4()?;
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, 0.0)?);
    let sum = |tap| by_candle::lift(&x, window, tap, outputs)?.mul(g)?.sum((0, 1, 2));
    let taps = (0..window.taps()).map(sum).collect::<Result<Vec<_>>>()?;
    Tensor::stack(&taps, 0)?.reshape((window.kernel.0, window.kernel.1, channels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{WINDOWS, close, finite_differences, numbers, second_order, values, windows};

    /// As [`WINDOWS`], and one whose padding is wider than any pool allows.
    fn cases() -> impl Iterator<Item = ([usize; 4], Window)> {
        let wide = Window { kernel: (1, 5), stride: (1, 2), padding: (0, 4) };
        WINDOWS.iter().copied().chain([([2, 6, 9, 2], wide)])
    }

    fn inputs(shape: [usize; 4], window: Window) -> [Value; 2] {
        values([&shape[..], &[window.kernel.0, window.kernel.1, shape[3]]])
    }

    #[test]
    fn forward_is_the_plain_sum_for_odd_shapes() {
        for (shape, window) in cases() {
            let [x, w] = inputs(shape, window);
            let (c, kernel) = (shape[3], numbers(w.tensor()));
            let weighted = |(n, under): (usize, Vec<(usize, f64)>)| {
                under.into_iter().map(|(tap, x)| x * kernel[tap * c + n % c]).sum()
            };
            let want: Vec<f64> = windows(x.tensor(), window).into_iter().enumerate().map(weighted).collect();
            close(x.depthwise(&w, window).unwrap().tensor(), &want, 1e-6);
        }
    }

    #[test]
    fn gradients_match_finite_differences_to_second_order() {
        for (shape, window) in cases() {
            let inputs = inputs(shape, window);
            finite_differences(&inputs, |v| v[0].depthwise(&v[1], window));
            second_order(&inputs, |v| v[0].depthwise(&v[1], window));
        }
    }

    #[test]
    fn a_kernel_gradient_over_many_blocks_is_the_plain_sum() {
        let window = Window::square(3, 1, 1);
        let [x, g] = values([&[4, 40, 40, 33], &[4, 40, 40, 33]]);
        let got = x.depthwise_kernel_gradient(&g, window).unwrap();
        // The place in the middle of the kernel lies on the pixel itself.
        let mut want = vec![0.0; 33];
        for (i, (x, g)) in numbers(x.tensor()).into_iter().zip(numbers(g.tensor())).enumerate() {
            want[i % 33] += x * g;
        }
        close(&weights(got.tensor(), window, 4).unwrap(), &want, 1e-5);
    }

    #[test]
    fn candles_own_operations_agree() {
        for (shape, window) in cases() {
            let [x, w] = inputs(shape, window).map(|value| value.tensor().clone());
            let size = (shape[1], shape[2]);
            let g = conv(&x, &w, window).unwrap();
            for (got, want) in [
                (conv_by_candle(&x, &w, window), Ok(g.clone())),
                (dgrad_by_candle(&g, &w, window, size), dgrad(&g, &w, window, size)),
                (wgrad_by_candle(&x, &g, window), wgrad(&x, &g, window)),
            ] {
                close(&got.unwrap(), &numbers(&want.unwrap()), 1e-5);
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let window = Window::square(3, 1, 1);
        let [x, w, g] = values([&[1, 4, 4, 3], &[3, 3, 2], &[2, 4, 4, 3]]);
        let err = x.depthwise(&w, window).err().unwrap().to_string();
        assert!(err.contains("3 channels"), "{err}");
        let err = x.depthwise_kernel_gradient(&g, window).err().unwrap().to_string();
        assert!(err.contains("do not fit"), "{err}");
        assert!(g.depthwise_input_gradient(&x, window, (4, 4)).is_err());
    }
}
