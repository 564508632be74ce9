//! Convolution and its two gradients: three linear operations of which each is the gradient of the others.
//!
//! Images are channels-last, `(B, H, W, C)`; kernels are `(O, kh, kw, I)`. With `conv(x, w)` the convolution, `dgrad(g, w)`
//! its gradient in `x` (the transposed convolution) and `wgrad(x, g)` its gradient in `w`, each is linear in both arguments:
//!
//! | of | in the first | in the second |
//! |---|---|---|
//! | `conv(x, w)` | `dgrad(grad, w)` | `wgrad(x, grad)` |
//! | `dgrad(g, w)` | `conv(grad, w)` | `wgrad(grad, g)` |
//! | `wgrad(x, g)` | `dgrad(g, grad)` | `conv(x, grad)` |
//!
//! So every order of gradient runs at full speed.

use candle_core::{D, Result, Tensor, bail};

use super::activation::{Activation, before_activation};
use super::cpu;
use super::dense;
use super::direct;
use super::patches::Patches;
use super::tape::{Backward, Value};
use super::winograd;

/// Stride and padding of a convolution; the kernel's own shape is that of its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Step between patches, in both directions.
    pub stride: usize,
    /// Zeros around the image: above and below, left and right.
    pub padding: (usize, usize),
}

impl Geometry {
    /// The same padding on all sides.
    pub const fn new(stride: usize, padding: usize) -> Self {
        Self { stride, padding: (padding, padding) }
    }
}

impl Value {
    /// Convolution: `(B, H, W, I)` images and an `(O, kh, kw, I)` kernel to `(B, Ho, Wo, O)`.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn conv(&self, kernel: &Self, geometry: Geometry) -> Result<Self> {
        let out = conv(self.tensor(), kernel.tensor(), geometry, None)?;
        Ok(Self::computed(out, &[self, kernel], move |b| {
            let (x, w) = conv_gradients(b, b.grad, geometry)?;
            Ok(vec![x, w])
        }))
    }

    /// [`Value::conv`] and [`Value::bias_leaky_relu`], without a pass over memory between the two.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn conv_activated(&self, kernel: &Self, geometry: Geometry, bias: &Self, slope: f32) -> Result<Self> {
        let outputs = kernel.dims().first().copied().unwrap_or(0);
        if !cpu::is_cpu(self.tensor()) || bias.dims() != [outputs] {
            return self.conv(kernel, geometry)?.bias_leaky_relu(bias, slope);
        }
        let out = {
            let bias = cpu::slice(bias.tensor())?;
            conv(self.tensor(), kernel.tensor(), geometry, Some(Activation { bias: &bias, slope }))?
        };
        Ok(Self::computed(out, &[self, kernel, bias], move |b| {
            let (grad, bias) = before_activation(b, b.wants(0) || b.wants(1), 2, slope)?;
            let (x, w) = match grad {
                Some(grad) => conv_gradients(b, &grad, geometry)?,
                None => (None, None),
            };
            Ok(vec![x, w, bias])
        }))
    }

    /// The gradient of a convolution in its input, which is the transposed convolution: `(B, Ho, Wo, O)` and an
    /// `(O, kh, kw, I)` kernel to `(B, H, W, I)`, where `size` is (H, W).
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn conv_input_gradient(&self, kernel: &Self, geometry: Geometry, size: (usize, usize)) -> Result<Self> {
        let out = dgrad(self.tensor(), kernel.tensor(), geometry, size)?;
        Ok(Self::computed(out, &[self, kernel], move |b| {
            let (g, w) = (&b.inputs[0], &b.inputs[1]);
            let (_, kh, kw, _) = w.tensor().dims4()?;
            Ok(vec![
                b.of(0, || b.grad.conv(w, geometry))?,
                b.of(1, || b.grad.conv_kernel_gradient(g, geometry, (kh, kw)))?,
            ])
        }))
    }

    /// The gradient of a convolution in its kernel: `(B, H, W, I)` images and `(B, Ho, Wo, O)` output gradients to
    /// `(O, kh, kw, I)`, where `kernel` is (kh, kw).
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn conv_kernel_gradient(&self, output: &Self, geometry: Geometry, kernel: (usize, usize)) -> Result<Self> {
        let out = wgrad(self.tensor(), output.tensor(), geometry, kernel)?;
        Ok(Self::computed(out, &[self, output], move |b| {
            let (x, g) = (&b.inputs[0], &b.inputs[1]);
            let (_, height, width, _) = x.tensor().dims4()?;
            Ok(vec![
                b.of(0, || g.conv_input_gradient(b.grad, geometry, (height, width)))?,
                b.of(1, || x.conv(b.grad, geometry))?,
            ])
        }))
    }
}

/// With fewer channels than this, the plain sum over patches gives the gradient in a kernel sooner: the nine products
/// would leave most of each vector empty.
const FEW_CHANNELS: usize = 8;

/// The gradients of a convolution of the first two inputs, from that of its outputs.
fn conv_gradients(b: &Backward<'_>, grad: &Value, geometry: Geometry) -> Result<(Option<Value>, Option<Value>)> {
    let (x, w) = (&b.inputs[0], &b.inputs[1]);
    let (_, height, width, _) = x.tensor().dims4()?;
    let (_, kh, kw, _) = w.tensor().dims4()?;
    let of_x = b.of(0, || grad.conv_input_gradient(w, geometry, (height, width)))?;
    Ok((of_x, b.of(1, || x.conv_kernel_gradient(grad, geometry, (kh, kw)))?))
}

fn patches_of(image: (usize, usize, usize), kernel: (usize, usize), geometry: Geometry) -> Result<Patches> {
    let (height, width, channels) = image;
    let (kh, kw) = kernel;
    let (above, left) = geometry.padding;
    if geometry.stride == 0 || height + 2 * above < kh || width + 2 * left < kw {
        bail!(
            "convolution: a {kh}x{kw} kernel (stride {}) does not fit a {height}x{width} image padded by {:?}",
            geometry.stride,
            geometry.padding
        );
    }
    Ok(Patches {
        height,
        width,
        channels,
        kh,
        kw,
        stride: geometry.stride,
        above,
        left,
        out_height: (height + 2 * above - kh) / geometry.stride + 1,
        out_width: (width + 2 * left - kw) / geometry.stride + 1,
    })
}

fn conv(x: &Tensor, w: &Tensor, geometry: Geometry, activation: Option<Activation<'_>>) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (out_channels, kh, kw, in_channels) = w.dims4()?;
    if channels != in_channels {
        bail!("convolution: images of {channels} channels, kernel for {in_channels}");
    }
    let patches = patches_of((height, width, channels), (kh, kw), geometry)?;
    if !cpu::is_cpu(x) {
        let (x, padding) = padded(x, geometry)?;
        return channels_last(&channels_first(&x)?.conv2d(&channels_first(w)?, padding, geometry.stride, 1, 1)?);
    }
    let (x, w) = (cpu::slice(x)?, cpu::slice(w)?);
    let write = |[out]: [&mut [f32]; 1]| {
        if patches.are_the_image() {
            dense::forward(out, &x, &w, out_channels, activation);
        } else if winograd::takes(&patches) {
            winograd::conv(out, &x, &w, out_channels, &patches, activation);
        } else {
            direct::conv(out, &x, &w, out_channels, &patches, activation);
        }
    };
    // SAFETY: the shapes fit, and each of the three writes the sums of all positions, whole rows of outputs.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([batch * patches.positions() * out_channels], write) };
    cpu::tensor(out, (batch, patches.out_height, patches.out_width, out_channels))
}

fn dgrad(g: &Tensor, w: &Tensor, geometry: Geometry, (height, width): (usize, usize)) -> Result<Tensor> {
    let (batch, out_height, out_width, out_channels) = g.dims4()?;
    let (kernel_out, kh, kw, channels) = w.dims4()?;
    let patches = patches_of((height, width, channels), (kh, kw), geometry)?;
    if (out_height, out_width, out_channels) != (patches.out_height, patches.out_width, kernel_out) {
        bail!("transposed convolution: {:?} with kernel {:?} does not give {height}x{width}", g.dims(), w.dims());
    }
    if !cpu::is_cpu(g) {
        return dgrad_by_candle(g, w, geometry, (height, width));
    }
    let (g, w) = (cpu::slice(g)?, cpu::slice(w)?);
    let write = |[out]: [&mut [f32]; 1]| {
        if patches.are_the_image() {
            dense::input_gradient(out, &g, &w, out_channels);
        } else if winograd::takes(&patches) {
            winograd::input_gradient(out, &g, &w, out_channels, &patches);
        } else {
            direct::input_gradient(out, &g, &w, out_channels, &patches);
        }
    };
    // SAFETY: the shapes fit, and each of the three writes every pixel: those of no patch with zeros.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([batch * height * width * channels], write) };
    cpu::tensor(out, (batch, height, width, channels))
}

fn wgrad(x: &Tensor, g: &Tensor, geometry: Geometry, (kh, kw): (usize, usize)) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (grad_batch, out_height, out_width, out_channels) = g.dims4()?;
    let patches = patches_of((height, width, channels), (kh, kw), geometry)?;
    if (grad_batch, out_height, out_width) != (batch, patches.out_height, patches.out_width) {
        bail!("kernel gradient: images {:?} and output gradients {:?} do not fit", x.dims(), g.dims());
    }
    if !cpu::is_cpu(x) {
        return wgrad_by_candle(x, g, geometry, (kh, kw));
    }
    let (x, g) = (cpu::slice(x)?, cpu::slice(g)?);
    let write = |[out]: [&mut [f32]; 1]| {
        if patches.are_the_image() {
            dense::kernel_gradient(out, &x, &g, out_channels);
        } else if winograd::takes(&patches) && channels >= FEW_CHANNELS {
            winograd::kernel_gradient(out, &x, &g, out_channels, &patches);
        } else {
            direct::kernel_gradient(out, &x, &g, out_channels, &patches);
        }
    };
    // SAFETY: the shapes fit, and each of the three writes all rows of the kernel.
    #[expect(unsafe_code, reason = "every number is written")]
    let [out] = unsafe { cpu::written([out_channels * patches.numbers()], write) };
    cpu::tensor(out, (out_channels, kh, kw, channels))
}

fn channels_first(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}

fn channels_last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

/// candle pads all sides alike: what goes beyond that is padded by hand.
fn padded(x: &Tensor, geometry: Geometry) -> Result<(Tensor, usize)> {
    let (above, left) = geometry.padding;
    let common = above.min(left);
    let x = x.pad_with_zeros(1, above - common, above - common)?;
    Ok((x.pad_with_zeros(2, left - common, left - common)?, common))
}

fn dgrad_by_candle(g: &Tensor, w: &Tensor, geometry: Geometry, (height, width): (usize, usize)) -> Result<Tensor> {
    let whole = channels_first(g)?.conv_transpose2d(&channels_first(w)?, 0, 0, geometry.stride, 1)?;
    // Rows that no patch reached have no gradient; the padding is cut off again.
    let (above, left) = geometry.padding;
    let (_, _, reached_height, reached_width) = whole.dims4()?;
    let whole = whole.pad_with_zeros(2, 0, (height + 2 * above).saturating_sub(reached_height))?;
    let whole = whole.pad_with_zeros(3, 0, (width + 2 * left).saturating_sub(reached_width))?;
    channels_last(&whole.narrow(2, above, height)?.narrow(3, left, width)?)
}

fn wgrad_by_candle(x: &Tensor, g: &Tensor, geometry: Geometry, (kh, kw): (usize, usize)) -> Result<Tensor> {
    let (x, padding) = padded(x, geometry)?;
    // (I, B, H, W) convolved with (O, B, Ho, Wo), whose steps are as far apart as the patches were.
    let x = x.permute((3, 0, 1, 2))?.contiguous()?;
    let g = g.permute((3, 0, 1, 2))?.contiguous()?;
    let whole = x.conv2d(&g, padding, 1, geometry.stride, 1)?;
    whole.narrow(2, 0, kh)?.narrow(D::Minus1, 0, kw)?.permute((1, 2, 3, 0))?.contiguous()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{close, finite_differences, second_order, values};

    /// The definition, in f64.
    fn plain(x: &Tensor, w: &Tensor, geometry: Geometry) -> Vec<f64> {
        let ((b, h, wd, c), (o, kh, kw, _)) = (x.dims4().unwrap(), w.dims4().unwrap());
        let patches = patches_of((h, wd, c), (kh, kw), geometry).unwrap();
        let (x, w) = (cpu::slice(x).unwrap(), cpu::slice(w).unwrap());
        let mut out = Vec::new();
        for n in 0..b * patches.out_height * patches.out_width * o {
            let (oc, ox) = (n % o, n / o % patches.out_width);
            let (oy, image) = (n / o / patches.out_width % patches.out_height, n / o / patches.positions());
            let mut sum = 0.0;
            for k in 0..kh * kw * c {
                let (ch, kx, ky) = (k % c, k / c % kw, k / c / kw);
                let (y, x_) = (oy * geometry.stride + ky, ox * geometry.stride + kx);
                if (geometry.padding.0..h + geometry.padding.0).contains(&y)
                    && (geometry.padding.1..wd + geometry.padding.1).contains(&x_)
                {
                    let at = ((image * h + y - geometry.padding.0) * wd + x_ - geometry.padding.1) * c + ch;
                    sum += f64::from(x[at]) * f64::from(w[oc * kh * kw * c + k]);
                }
            }
            out.push(sum);
        }
        out
    }

    /// (B, H, W, I), (O, kh, kw), stride, padding
    type Case = ([usize; 4], [usize; 3], usize, (usize, usize));
    const ODD: &[Case] = &[
        ([2, 8, 8, 3], [5, 4, 4], 2, (1, 1)),
        ([1, 4, 4, 7], [3, 4, 4], 1, (0, 0)),
        ([3, 5, 7, 2], [4, 3, 3], 1, (1, 1)),
        ([2, 5, 9, 1], [2, 1, 7], 1, (0, 3)),
        ([2, 9, 4, 3], [2, 3, 2], 2, (2, 0)),
        ([2, 6, 6, 4], [6, 1, 1], 1, (0, 0)),
        ([1, 7, 7, 2], [3, 1, 1], 2, (0, 0)),
        ([2, 10, 10, 2], [2, 3, 3], 3, (1, 1)),
        // By nine products: whole vectors of channels and parts of one.
        ([2, 8, 12, 16], [20, 4, 4], 2, (1, 1)),
        ([1, 4, 8, 9], [17, 4, 4], 2, (1, 1)),
        ([3, 6, 10, 8], [3, 4, 4], 2, (0, 0)),
        ([2, 4, 4, 40], [33, 4, 4], 2, (1, 1)),
        // As products of rows: whole vectors and parts, few outputs and many.
        ([5, 3, 3, 16], [32, 1, 1], 1, (0, 0)),
        ([3, 2, 2, 20], [48, 1, 1], 1, (0, 0)),
        ([9, 4, 4, 3], [2, 4, 4], 1, (0, 0)),
    ];

    #[test]
    fn forward_is_the_plain_sum_for_odd_shapes() {
        for (x, [o, kh, kw], stride, padding) in ODD {
            let geometry = Geometry { stride: *stride, padding: *padding };
            let [x, w] = values([&x[..], &[*o, *kh, *kw, x[3]]]);
            let got = x.conv(&w, geometry).unwrap();
            close(got.tensor(), &plain(x.tensor(), w.tensor(), geometry), 1e-5);
        }
    }

    #[test]
    fn gradients_match_finite_differences_to_second_order() {
        for (x, [o, kh, kw], stride, padding) in ODD {
            let geometry = Geometry { stride: *stride, padding: *padding };
            let inputs = values([&x[..], &[*o, *kh, *kw, x[3]]]);
            let f = |v: &[Value]| v[0].conv(&v[1], geometry);
            finite_differences(&inputs, f);
            second_order(&inputs, f);
        }
    }

    #[test]
    fn candles_own_operations_agree() {
        for (x, [o, kh, kw], stride, padding) in ODD {
            let geometry = Geometry { stride: *stride, padding: *padding };
            let [x, w] = values([&x[..], &[*o, *kh, *kw, x[3]]]);
            let (h, wd) = (x.dims()[1], x.dims()[2]);
            let out = x.conv(&w, geometry).unwrap();
            let input = out.conv_input_gradient(&w, geometry, (h, wd)).unwrap();
            let kernel = x.conv_kernel_gradient(&out, geometry, (*kh, *kw)).unwrap();
            for (got, want) in [
                (dgrad_by_candle(out.tensor(), w.tensor(), geometry, (h, wd)), input),
                (wgrad_by_candle(x.tensor(), out.tensor(), geometry, (*kh, *kw)), kernel),
            ] {
                let want: Vec<f64> = cpu::slice(want.tensor()).unwrap().iter().map(|x| f64::from(*x)).collect();
                close(&got.unwrap(), &want, 1e-5);
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_told() {
        let [x, w] = values([&[1, 4, 4, 3], &[2, 4, 4, 2]]);
        let err = x.conv(&w, Geometry::new(1, 0)).err().unwrap().to_string();
        assert!(err.contains("3 channels, kernel for 2"), "{err}");
        let [x, w] = values([&[1, 2, 2, 3], &[2, 4, 4, 3]]);
        assert!(x.conv(&w, Geometry::new(1, 0)).is_err());
    }
}
