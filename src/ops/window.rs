//! Windows that slide over channels-last images, each channel by itself: what pooling and depthwise convolution share.
//!
//! Every result is gathered, never scattered: each of its pixels looks up the pixels that belong to it, going forward
//! those under its window and going back the windows above it. So rows are independent, and a sum has one order whatever
//! the number of threads.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu;

/// A window's size, its steps and the padding around the image: (rows, columns) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its size.
    pub kernel: (usize, usize),
    /// From one window to the next.
    pub stride: (usize, usize),
    /// Above and below, left and right of the image.
    pub padding: (usize, usize),
}

impl Window {
    /// The same in both directions.
    pub const fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: (kernel, kernel), stride: (stride, stride), padding: (padding, padding) }
    }

    /// Rows and columns of windows on an image of (height, width).
    ///
    /// # Errors
    /// Where no window fits the padded image, or a size or step is 0.
    pub fn outputs(&self, (height, width): (usize, usize)) -> Result<(usize, usize)> {
        let along = |length: usize, kernel: usize, stride: usize, padding: usize| {
            let room = (length + 2 * padding).checked_sub(kernel)?;
            (kernel > 0 && stride > 0 && length > 0).then(|| room / stride + 1)
        };
        let (k, s, p) = (self.kernel, self.stride, self.padding);
        match (along(height, k.0, s.0, p.0), along(width, k.1, s.1, p.1)) {
            (Some(rows), Some(columns)) => Ok((rows, columns)),
            _ => bail!("a {}x{} window (step {s:?}) does not fit a {height}x{width} image padded by {p:?}", k.0, k.1),
        }
    }

    /// Places in the window.
    pub fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// Fails where windows on an image of `size` do not give `(B, Ho, Wo, C)` of these dimensions.
    pub(super) fn expect_outputs(&self, size: (usize, usize), got: &[usize]) -> Result<()> {
        let (rows, columns) = self.outputs(size)?;
        if got.len() != 4 || (got[1], got[2]) != (rows, columns) {
            bail!("windows on an image of {size:?} give {rows}x{columns} pixels, not {got:?}");
        }
        Ok(())
    }
}

/// For each pixel along one direction: (place in the window, pixel of the other side).
type Axis = Vec<Vec<(usize, usize)>>;

/// The pixels under each of `outputs` windows.
fn under(outputs: usize, inputs: usize, kernel: usize, stride: usize, padding: usize) -> Axis {
    let pixel = |output: usize, tap: usize| (output * stride + tap).checked_sub(padding).filter(|at| *at < inputs);
    (0..outputs).map(|o| (0..kernel).filter_map(|tap| Some((tap, pixel(o, tap)?))).collect()).collect()
}

/// The windows above each of `inputs` pixels.
fn above(outputs: usize, inputs: usize, kernel: usize, stride: usize, padding: usize) -> Axis {
    let window = |input: usize, tap: usize| {
        let start = (input + padding).checked_sub(tap)?;
        (start.is_multiple_of(stride) && start / stride < outputs).then_some(start / stride)
    };
    (0..inputs).map(|i| (0..kernel).filter_map(|tap| Some((tap, window(i, tap)?))).collect()).collect()
}

/// What is made from what: each pixel of the result, and the pixels that it looks up.
pub(super) struct Plan {
    images: usize,
    pub channels: usize,
    /// (height, width) of the result.
    pub out: (usize, usize),
    from: (usize, usize),
    kernel_width: usize,
    rows: Axis,
    columns: Axis,
}

/// A block of channels of one pixel of the result, and one of the blocks that it looks up.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    /// Where its own numbers begin.
    pub own: usize,
    /// Where the other's begin.
    pub other: usize,
    /// Which place of the window lies between them.
    pub tap: usize,
    /// The first channel of both.
    pub channel: usize,
}

/// How a block takes in what it looks up, `N` channels at a time. Implementations are `#[inline(always)]`: they are
/// compiled for the widest vectors where they are called.
pub(super) trait Fold: Sync {
    /// What a number is before anything was looked up.
    const START: f32;

    /// Takes in one more.
    fn step<const N: usize>(&self, sums: &mut [f32; N], pair: Pair);
}

/// `N` numbers from `at` on.
#[inline(always)]
pub(super) fn block<const N: usize>(numbers: &[f32], at: usize) -> &[f32; N] {
    numbers[at..at + N].as_array().expect("a slice of this length")
}

impl Plan {
    /// `(B, H, W, C)` to what lies under the windows, `(B, Ho, Wo, C)`.
    pub fn gather(window: Window, (images, height, width, channels): (usize, usize, usize, usize)) -> Result<Self> {
        let (rows, columns) = window.outputs((height, width))?;
        let (k, s, p) = (window.kernel, window.stride, window.padding);
        Ok(Self {
            images,
            channels,
            out: (rows, columns),
            from: (height, width),
            kernel_width: k.1,
            rows: under(rows, height, k.0, s.0, p.0),
            columns: under(columns, width, k.1, s.1, p.1),
        })
    }

    /// `(B, Ho, Wo, C)` back to the images, `(B, H, W, C)`, that windows were laid on.
    pub fn spread(window: Window, images: usize, (height, width): (usize, usize), channels: usize) -> Result<Self> {
        let (rows, columns) = window.outputs((height, width))?;
        let (k, s, p) = (window.kernel, window.stride, window.padding);
        Ok(Self {
            images,
            channels,
            out: (height, width),
            from: (rows, columns),
            kernel_width: k.1,
            rows: above(rows, height, k.0, s.0, p.0),
            columns: above(columns, width, k.1, s.1, p.1),
        })
    }

    /// The result's shape.
    pub fn shape(&self) -> (usize, usize, usize, usize) {
        (self.images, self.out.0, self.out.1, self.channels)
    }

    /// The result, row by row in parallel.
    pub fn fold(&self, fold: &impl Fold) -> Result<Tensor> {
        let width = self.out.1 * self.channels;
        let write = |[out]: [&mut [f32]; 1]| {
            let rows = out.par_chunks_mut(width.max(1)).enumerate().with_min_len(cpu::block_rows(width));
            rows.for_each(|(row, line)| {
                cpu::vectorised(
                    #[inline(always)]
                    || self.row(row, line, fold),
                );
            });
        };
        // SAFETY: blocks of one channel after those of more write every channel of every pixel.
        #[expect(unsafe_code, reason = "every number is written")]
        let [out] = unsafe { cpu::written([self.images * self.out.0 * width], write) };
        cpu::tensor(out, self.shape())
    }

    #[inline(always)]
    fn row(&self, row: usize, line: &mut [f32], fold: &impl Fold) {
        for (x, pixel) in line.chunks_exact_mut(self.channels).enumerate() {
            let mut done = 0;
            self.blocks::<32>(row, x, pixel, &mut done, fold);
            self.blocks::<8>(row, x, pixel, &mut done, fold);
            self.blocks::<3>(row, x, pixel, &mut done, fold);
            self.blocks::<1>(row, x, pixel, &mut done, fold);
        }
    }

    /// As many blocks of `N` channels as there are left from `done` on.
    #[inline(always)]
    fn blocks<const N: usize>(&self, row: usize, x: usize, pixel: &mut [f32], done: &mut usize, fold: &impl Fold) {
        let own = (row * self.out.1 + x) * self.channels;
        while *done + N <= pixel.len() {
            let mut sums = [fold_start(fold); N];
            self.pairs(row, x, |tap, other| {
                let pair = Pair { own: own + *done, other: other + *done, tap, channel: *done };
                fold.step(&mut sums, pair);
            });
            pixel[*done..*done + N].copy_from_slice(&sums);
            *done += N;
        }
    }

    /// The window's place and where the looked-up pixel begins, for each that belongs to pixel `x` of a row of the result
    /// (counted through the images).
    #[inline(always)]
    pub fn pairs(&self, row: usize, x: usize, mut each: impl FnMut(usize, usize)) {
        let (image, y) = (row / self.out.0, row % self.out.0);
        for &(ky, from_y) in &self.rows[y] {
            let line = (image * self.from.0 + from_y) * self.from.1;
            for &(kx, from_x) in &self.columns[x] {
                each(ky * self.kernel_width + kx, (line + from_x) * self.channels);
            }
        }
    }
}

#[inline(always)]
fn fold_start<F: Fold>(_: &F) -> f32 {
    F::START
}

/// The same in candle's operations, one place of the window at a time: what other devices than the CPU run.
pub(super) mod by_candle {
    use super::{Result, Tensor, Window};

    /// (height, width) of windows on `(B, H, W, C)`.
    pub fn outputs(x: &Tensor, window: Window) -> Result<(usize, usize)> {
        let (_, height, width, _) = x.dims4()?;
        window.outputs((height, width))
    }

    /// The images with `fill` around them.
    pub fn padded(x: &Tensor, window: Window, fill: f32) -> Result<Tensor> {
        let mut out = x.clone();
        for (dim, pad) in [(1, window.padding.0), (2, window.padding.1)] {
            if pad > 0 {
                let mut shape = out.dims().to_vec();
                shape[dim] = pad;
                let edge = Tensor::full(fill, shape, x.device())?;
                out = Tensor::cat(&[&edge, &out, &edge], dim)?;
            }
        }
        Ok(out)
    }

    /// Rows and columns of the padded image that lie under place `tap` of every window.
    fn places(window: Window, tap: usize, outputs: (usize, usize), on: &Tensor) -> Result<[Tensor; 2]> {
        let along = |tap: usize, stride: usize, count: usize| {
            let places: Vec<u32> = (0..count).map(|at| (at * stride + tap) as u32).collect();
            Tensor::from_vec(places, count, on.device())
        };
        let (ky, kx) = (tap / window.kernel.1, tap % window.kernel.1);
        Ok([along(ky, window.stride.0, outputs.0)?, along(kx, window.stride.1, outputs.1)?])
    }

    /// What lies under place `tap` of every window: padded images to `(B, Ho, Wo, C)`.
    pub fn lift(padded: &Tensor, window: Window, tap: usize, outputs: (usize, usize)) -> Result<Tensor> {
        let [rows, columns] = places(window, tap, outputs, padded)?;
        padded.index_select(&rows, 1)?.index_select(&columns, 2)
    }

    /// The reverse of [`lift`]: `(B, Ho, Wo, C)` to images of `size`, zeros elsewhere.
    pub fn lower(g: &Tensor, window: Window, tap: usize, size: (usize, usize)) -> Result<Tensor> {
        let (images, rows, columns, channels) = g.dims4()?;
        let (above, left) = window.padding;
        let (height, width) = (size.0 + 2 * above, size.1 + 2 * left);
        let [at_rows, at_columns] = places(window, tap, (rows, columns), g)?;
        let zeros = |height, width| Tensor::zeros((images, height, width, channels), g.dtype(), g.device());
        let wide = zeros(rows, width)?.index_add(&at_columns, &g.contiguous()?, 2)?;
        let whole = zeros(height, width)?.index_add(&at_rows, &wide, 1)?;
        whole.narrow(1, above, size.0)?.narrow(2, left, size.1)?.contiguous()
    }

    /// The sum of one tensor a place of the window.
    pub fn sum(window: Window, each: impl FnMut(usize) -> Result<Tensor>) -> Result<Tensor> {
        let mut terms = (0..window.taps()).map(each);
        let Some(first) = terms.next() else { candle_core::bail!("a window of no places") };
        terms.try_fold(first?, |sum, term| sum + term?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_pytorch_counts_them() {
        let rows = |length, kernel, stride, padding| Window::square(kernel, stride, padding).outputs((length, length));
        for ((length, kernel, stride, padding), want) in
            [((64, 3, 2, 1), 32), ((5, 3, 1, 1), 5), ((7, 2, 2, 0), 3), ((4, 4, 1, 0), 1), ((1, 3, 1, 1), 1)]
        {
            assert_eq!(rows(length, kernel, stride, padding).unwrap(), (want, want));
        }
        for (length, kernel, stride, padding) in [(2, 4, 1, 0), (0, 1, 1, 1), (3, 0, 1, 0), (3, 1, 0, 0)] {
            let err = rows(length, kernel, stride, padding).unwrap_err().to_string();
            assert!(err.contains("does not fit"), "{err}");
        }
    }

    #[test]
    fn going_back_is_the_reverse_of_going_forward() {
        for (inputs, kernel, stride, padding) in [(7, 3, 2, 1), (5, 2, 3, 0), (4, 5, 1, 2), (1, 1, 1, 0)] {
            let outputs = (inputs + 2 * padding - kernel) / stride + 1;
            let list = |axis: Axis| {
                let pairs = axis.into_iter().enumerate();
                pairs.flat_map(|(at, list)| list.into_iter().map(move |(tap, other)| (at, tap, other)))
            };
            let mut forward: Vec<_> = list(under(outputs, inputs, kernel, stride, padding)).collect();
            let back = list(above(outputs, inputs, kernel, stride, padding));
            let mut back: Vec<_> = back.map(|(input, tap, output)| (output, tap, input)).collect();
            forward.sort_unstable();
            back.sort_unstable();
            assert_eq!(forward, back);
        }
    }
}
