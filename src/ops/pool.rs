//! Average pooling and upsampling: sums under windows and their reverse, each the gradient of the other, so that every order
//! of gradient runs at full speed.

use candle_core::{DType, Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;
use super::tape::Value;
use super::window::{Fold, Pair, Plan, Window, block, by_candle};

impl Value {
    /// Average of what lies under each window, the padding counted as zeros, as PyTorch's `AvgPool2d` does by default:
    /// `(B, H, W, C)` to `(B, Ho, Wo, C)`.
    ///
    /// # Errors
    /// Where the window does not fit, or the padding is more than half of it.
    pub fn average_pool(&self, window: Window) -> Result<Self> {
        refuse_wide_padding(window)?;
        self.window_sum(window, 1.0 / window.taps() as f32)
    }

    /// Average of what lies under each window, the padding left out, as PyTorch's `AvgPool2d` with `count_include_pad=False`:
    /// `(B, H, W, C)` to `(B, Ho, Wo, C)`.
    ///
    /// # Errors
    /// Where the window does not fit, or the padding is more than half of it.
    pub fn average_pool_inside(&self, window: Window) -> Result<Self> {
        refuse_wide_padding(window)?;
        let (_, height, width, _) = self.tensor().dims4()?;
        let ones = Tensor::ones((1, height, width, 1), DType::F32, self.tensor().device())?;
        let shares = Self::constant(sum(&ones, window, 1.0)?.recip()?);
        let sums = self.window_sum(window, 1.0)?;
        sums.mul(&shares.broadcast_as(sums.dims())?)
    }

    /// Nearest-neighbour upsampling, each pixel `factor` times in both directions: `(B, H, W, C)` to
    /// `(B, factor H, factor W, C)`.
    ///
    /// # Errors
    /// For a factor of 0.
    pub fn upsample(&self, factor: usize) -> Result<Self> {
        let (b, h, w, c) = self.tensor().dims4()?;
        if factor == 0 {
            bail!("upsampling by a factor of 0 leaves nothing; 1 or more");
        }
        if !cpu::is_cpu(self.tensor()) {
            let copies = self.reshape(&[b, h, 1, w, 1, c])?.broadcast_as(&[b, h, factor, w, factor, c])?;
            return copies.reshape(&[b, factor * h, factor * w, c]);
        }
        self.window_spread(Window::square(factor, factor, 0), 1.0, (factor * h, factor * w))
    }

    /// `scale` times the sum of what lies under each window: `(B, H, W, C)` to `(B, Ho, Wo, C)`.
    fn window_sum(&self, window: Window, scale: f32) -> Result<Self> {
        let (_, height, width, _) = self.tensor().dims4()?;
        let out = sum(self.tensor(), window, scale)?;
        Ok(Self::computed(out, &[self], move |b| {
            Ok(vec![b.of(0, || b.grad.window_spread(window, scale, (height, width)))?])
        }))
    }

    /// `scale` times the sum of the windows above each pixel: `(B, Ho, Wo, C)` to `(B, H, W, C)`.
    fn window_spread(&self, window: Window, scale: f32, size: (usize, usize)) -> Result<Self> {
        let out = spread(self.tensor(), window, scale, size)?;
        Ok(Self::computed(out, &[self], move |b| Ok(vec![b.of(0, || b.grad.window_sum(window, scale))?])))
    }
}

/// More would leave windows that hold padding alone, which have no largest number.
pub(super) fn refuse_wide_padding(window: Window) -> Result<()> {
    let ((kh, kw), (above, left)) = (window.kernel, window.padding);
    if 2 * above > kh || 2 * left > kw {
        bail!("pooling: padding of {:?} is more than half of a {kh}x{kw} window", window.padding);
    }
    Ok(())
}

/// Adds what is looked up, `scale` times.
struct Sum<'a> {
    from: &'a [f32],
    scale: f32,
}

impl Fold for Sum<'_> {
    const START: f32 = 0.0;

    #[inline(always)]
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair) {
        for (sum, x) in sums.iter_mut().zip(block::<N>(self.from, pair.other)) {
            *sum += self.scale * x;
        }
    }
}

fn sum(x: &Tensor, window: Window, scale: f32) -> Result<Tensor> {
    if !cpu::is_cpu(x) {
        return sum_by_candle(x, window, scale);
    }
    Plan::gather(window, x.dims4()?)?.fold(&Sum { from: &cpu::slice(x)?, scale })
}

fn spread(g: &Tensor, window: Window, scale: f32, size: (usize, usize)) -> Result<Tensor> {
    window.expect_outputs(size, g.dims())?;
    if !cpu::is_cpu(g) {
        return spread_by_candle(g, window, scale, size);
    }
    let (images, rows, columns, channels) = g.dims4()?;
    let tiles = window.kernel == window.stride
        && window.padding == (0, 0)
        && size == (rows * window.kernel.0, columns * window.kernel.1);
    if tiles {
        let out = copies(&cpu::slice(g)?, window.kernel, scale, (columns, channels));
        return cpu::tensor(out, (images, size.0, size.1, channels));
    }
    Plan::spread(window, images, size, channels)?.fold(&Sum { from: &cpu::slice(g)?, scale })
}

/// `scale` times each pixel, as a tile of (rows, columns) of them: where windows lie side by side, nothing need be looked
/// up. `line` is the columns and channels of `from`.
fn copies(from: &[f32], tile: (usize, usize), scale: f32, line: (usize, usize)) -> Vec<f32> {
    let (columns, channels) = line;
    let (from_line, to_line) = (columns * channels, columns * tile.1 * channels);
    let write = |[out]: [&mut [f32]; 1]| {
        let lines = out.par_chunks_mut((tile.0 * to_line).max(1)).zip(from.par_chunks(from_line.max(1)));
        lines.with_min_len(cpu::block_rows(tile.0 * to_line)).for_each(|(out, from)| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    for (tile, pixel) in out.chunks_exact_mut(tile.1 * channels).zip(from.chunks_exact(channels)) {
                        for copy in tile.chunks_exact_mut(channels) {
                            for (to, x) in copy.iter_mut().zip(pixel) {
                                *to = scale * x;
                            }
                        }
                    }
                },
            );
            for row in 1..tile.0 {
                out.copy_within(..to_line, row * to_line);
            }
        });
    };
    // SAFETY: each line of pixels has a tile of lines, of which the first is written and then copied.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([from.len() * tile.0 * tile.1], write) };
    out
}

fn sum_by_candle(x: &Tensor, window: Window, scale: f32) -> Result<Tensor> {
    let (outputs, x) = (by_candle::outputs(x, window)?, by_candle::padded(x, window, 0.0)?);
    by_candle::sum(window, |tap| by_candle::lift(&x, window, tap, outputs))?.affine(scale.into(), 0.0)
}

fn spread_by_candle(g: &Tensor, window: Window, scale: f32, size: (usize, usize)) -> Result<Tensor> {
    by_candle::sum(window, |tap| by_candle::lower(g, window, tap, size))?.affine(scale.into(), 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{WINDOWS, close, finite_differences, numbers, second_order, values, windows};

    #[test]
    fn an_average_counts_the_padding_for_odd_shapes() {
        for (shape, window) in WINDOWS {
            let [x] = values([&shape[..]]);
            let sum = |under: Vec<(usize, f64)>| under.into_iter().map(|(_, x)| x).sum::<f64>();
            let want: Vec<f64> =
                windows(x.tensor(), *window).into_iter().map(|under| sum(under) / window.taps() as f64).collect();
            close(x.average_pool(*window).unwrap().tensor(), &want, 1e-6);
        }
    }

    #[test]
    fn an_average_inside_counts_what_is_there() {
        for (shape, window) in WINDOWS {
            let [x] = values([&shape[..]]);
            let mean = |under: Vec<(usize, f64)>| under.iter().map(|(_, x)| x).sum::<f64>() / under.len() as f64;
            let want: Vec<f64> = windows(x.tensor(), *window).into_iter().map(mean).collect();
            close(x.average_pool_inside(*window).unwrap().tensor(), &want, 1e-6);
        }
    }

    #[test]
    fn gradients_match_finite_differences_to_second_order() {
        for (shape, window) in WINDOWS {
            let inputs = values([&shape[..]]);
            finite_differences(&inputs, |v| v[0].average_pool(*window));
            second_order(&inputs, |v| v[0].mul(&v[0])?.average_pool(*window));
            finite_differences(&inputs, |v| v[0].average_pool_inside(*window));
        }
    }

    #[test]
    fn upsampling_copies_pixels_and_its_gradient_adds_them() {
        let x = Value::leaf(cpu::tensor(vec![1.0, 2.0, 3.0, 4.0], (1, 1, 2, 2)).unwrap());
        let row = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0];
        close(x.upsample(3).unwrap().tensor(), &row.repeat(3), 0.0);
        for (shape, factor) in [([2, 3, 4, 5], 2), ([1, 2, 1, 40], 3), ([2, 2, 2, 3], 1)] {
            let inputs = values([&shape[..]]);
            finite_differences(&inputs, |v| v[0].upsample(factor));
            second_order(&inputs, |v| v[0].mul(&v[0])?.upsample(factor));
        }
        assert!(x.upsample(0).is_err());
    }

    #[test]
    fn candles_own_operations_agree() {
        for (shape, window) in WINDOWS {
            let size = (shape[1], shape[2]);
            let x = values([&shape[..]])[0].tensor().clone();
            let under = sum(&x, *window, 0.3).unwrap();
            close(&sum_by_candle(&x, *window, 0.3).unwrap(), &numbers(&under), 1e-6);
            let back = spread(&under, *window, 0.3, size).unwrap();
            close(&spread_by_candle(&under, *window, 0.3, size).unwrap(), &numbers(&back), 1e-6);
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let [x] = values([&[1, 4, 4, 2]]);
        let err = x.average_pool(Window::square(3, 1, 2)).err().unwrap().to_string();
        assert!(err.contains("more than half"), "{err}");
        assert!(x.average_pool(Window::square(5, 1, 0)).is_err());
        let err = x.window_spread(Window::square(2, 2, 0), 1.0, (4, 4)).err().unwrap().to_string();
        assert!(err.contains("2x2 pixels"), "{err}");
    }
}
