//! The layers that networks are made of, over weights that a plan has described.

use candle_core::{DType, Result, Tensor, bail};

use super::parameters::{Held, Pass};
use crate::config::plan;
use crate::ops::attention::attention;
use crate::ops::norm::{Over, Statistics};
use crate::ops::{Geometry, Value, Window};

/// One pixel to one pixel.
pub const POINT: Geometry = Geometry::new(1, 0);

impl Held {
    /// The weight as the layer uses it; a training pass takes one power iteration.
    pub fn value(&self, pass: &mut Pass<'_>) -> Result<Value> {
        let weight = pass.value(self.id);
        let Some((u, v)) = self.spectral else { return Ok(weight) };
        if pass.trains() {
            let (new_u, new_v) = crate::ops::spectral::power_iteration(weight.tensor(), pass.tensor(v))?;
            pass.replace(u, new_u);
            pass.replace(v, new_v);
        }
        weight.divided_by_spectral_norm(pass.tensor(u), pass.tensor(v))
    }
}

/// A convolution of `(B, H, W, I)` to `(B, Ho, Wo, O)`, with its bias where it has one, and LeakyReLU of this slope (1 for none).
pub fn convolution(
    pass: &mut Pass<'_>,
    x: &Value,
    kernel: Held,
    bias: Option<&Held>,
    (geometry, slope): (Geometry, f32),
) -> Result<Value> {
    let weight = kernel.value(pass)?;
    match bias {
        Some(bias) => x.conv_activated(&weight, geometry, &pass.value(bias.id), slope),
        None if slope == 1.0 => x.conv(&weight, geometry),
        None => x.conv(&weight, geometry)?.leaky_relu(slope),
    }
}

/// A transposed convolution of `(B, h, w, I)` to `(B, H, W, O)`, with its bias where it has one, and LeakyReLU.
pub fn transposed(
    pass: &mut Pass<'_>,
    x: &Value,
    weights: &[Held],
    c: &plan::Convolution,
    size: (usize, usize),
) -> Result<Value> {
    let [kernel, bias @ ..] = weights else { bail!("a transposed convolution without a kernel") };
    let y = x.conv_input_gradient(&kernel.value(pass)?, Geometry::new(c.stride, c.padding), size)?;
    match bias {
        [bias] => y.bias_leaky_relu(&pass.value(bias.id), c.slope),
        _ if c.slope == 1.0 => Ok(y),
        _ => y.leaky_relu(c.slope),
    }
}

/// Vectors `(B, 1, 1, I)` to `(B, 1, 1, O)`, and LeakyReLU. A linear layer is a 1x1 convolution of an image of one pixel.
pub fn linear(pass: &mut Pass<'_>, x: &Value, weight: &Held, bias: &Held, slope: f32) -> Result<Value> {
    let weight = weight.value(pass)?;
    let (outputs, inputs) = weight.tensor().dims2()?;
    x.conv_activated(&weight.reshape(&[outputs, 1, 1, inputs])?, POINT, &pass.value(bias.id), slope)
}

/// A learnt number for each channel, the same for every image.
pub fn for_all(pass: &mut Pass<'_>, weight: &Held) -> Result<Value> {
    let weight = pass.value(weight.id);
    weight.reshape(&[1, weight.dims()[0]])
}

/// Each image's row of a table `(classes, C)`; where labels count by less than 1, the rest is the mean over classes.
pub fn by_class(pass: &mut Pass<'_>, table: &Held, labels: &Tensor) -> Result<Value> {
    let (table, condition) = (pass.value(table.id), pass.stage().condition);
    let own = table.rows(labels)?;
    if condition >= 1.0 {
        return Ok(own);
    }
    let mean = table.sum_keepdim(0)?.scale((1.0 - condition) / table.dims()[0] as f64)?.broadcast_as(own.dims())?;
    own.scale(condition)?.add(&mean)
}

/// Batch normalisation of `(B, H, W, C)` with a scale and a shift, `(1, C)` or `(B, C)`, and LeakyReLU: by the batch's own
/// statistics, which the running ones follow, or by the running ones in evaluation mode.
pub fn by_batch(
    pass: &mut Pass<'_>,
    x: &Value,
    running: [&Held; 3],
    [scale, shift]: [&Value; 2],
    slope: f32,
) -> Result<Value> {
    if !pass.trains() {
        let [mean, variance, _] = running;
        return x.normalise_with(pass.tensor(mean.id), pass.tensor(variance.id), scale, shift, slope);
    }
    let (y, statistics) = x.normalise(scale, shift, Over::Batch, slope)?;
    update_running_stats(pass, running, &statistics)?;
    Ok(y)
}

/// Moves running statistics a tenth of the way to a batch's own, with the unbiased variance, as PyTorch does; or as far as the
/// pass says.
fn update_running_stats(pass: &mut Pass<'_>, [mean, variance, count]: [&Held; 3], batch: &Statistics) -> Result<()> {
    let momentum = pass.momentum();
    let unbiased = batch.count as f64 / (batch.count as f64 - 1.0).max(1.0);
    let mut moved = |held: &Held, new: &[f64], factor: f64| -> Result<()> {
        let old = pass.tensor(held.id).to_vec1::<f32>()?;
        let blend = |(old, new): (f32, &f64)| ((1.0 - momentum) * f64::from(old) + momentum * factor * new) as f32;
        let data: Vec<f32> = old.into_iter().zip(new).map(blend).collect();
        let tensor = Tensor::from_vec(data, new.len(), pass.tensor(held.id).device())?;
        pass.replace(held.id, tensor);
        Ok(())
    };
    moved(mean, &batch.mean, 1.0)?;
    moved(variance, &batch.variance, unbiased)?;
    let seen = pass.tensor(count.id).to_scalar::<i64>()? + 1;
    pass.replace(count.id, Tensor::new(seen, pass.tensor(count.id).device())?);
    Ok(())
}

/// Every number of `(B, H, W, C)` normalised on its own over the batch.
pub fn unit_norm(pass: &mut Pass<'_>, x: &Value, running: [&Held; 3]) -> Result<Value> {
    let (batch, height, width, channels) = x.tensor().dims4()?;
    let units = x.reshape(&[batch, 1, 1, height * width * channels])?;
    let one = Tensor::ones((1, height * width * channels), DType::F32, x.tensor().device())?;
    let zero = Value::constant(one.zeros_like()?);
    by_batch(pass, &units, running, [&Value::constant(one), &zero], 1.0)?.reshape(x.dims())
}

/// What SAGAN brings keys and values to a quarter of the positions with, each the largest of four.
const POOLED: Window = Window::square(2, 2, 0);

/// Self-attention over all positions of `(B, H, W, C)`, `H` and `W` even. Its weights are those of query, key and value, with their
/// biases in the plain form, then that of the output in SAGAN's, whose keys and values are pooled, and the gate.
pub fn self_attention(pass: &mut Pass<'_>, x: &Value, weights: &[Held]) -> Result<Value> {
    let (layers, output, gate): ([(&Held, Option<&Held>); 3], _, _) = match weights {
        [query, key, value, output, gate] => ([(query, None), (key, None), (value, None)], Some(output), gate),
        [query, qb, key, kb, value, vb, gate] => ([(query, Some(qb)), (key, Some(kb)), (value, Some(vb))], None, gate),
        _ => bail!("attention of {} weights", weights.len()),
    };
    let plain = (POINT, 1.0);
    let mut places = 0..;
    let [query, key, value] = layers.map(|(kernel, bias)| {
        let pool = output.is_some() && places.next() != Some(0);
        let y = convolution(pass, x, *kernel, bias, plain)?;
        let y = if pool { y.max_pool(POOLED)? } else { y };
        let (batch, height, width, channels) = y.tensor().dims4()?;
        y.reshape(&[batch, height * width, channels])
    });
    let seen = attention(&query?, &key?, &value?)?;
    let (batch, height, width, _) = x.tensor().dims4()?;
    let seen = seen.reshape(&[batch, height, width, seen.dims()[2]])?;
    let seen = match output {
        Some(output) => convolution(pass, &seen, *output, None, plain)?,
        None => seen,
    };
    x.add_gated(&seen, &pass.value(gate.id))
}

/// The product, summed over channels, of each pixel of `(B, H, W, C)` with the label's row: `(B, H, W, 1)`.
pub fn project(pass: &mut Pass<'_>, x: &Value, table: &Held, labels: &Tensor) -> Result<Value> {
    let (batch, height, width, channels) = x.tensor().dims4()?;
    let rows = table.value(pass)?.rows(labels)?.reshape(&[batch, channels, 1])?;
    x.reshape(&[batch, height * width, channels])?.matmul(&rows)?.reshape(&[batch, height, width, 1])
}

/// The product of the sum over all pixels of `(B, H, W, C)` with the label's row: `(B, 1, 1, 1)`.
pub fn projection(pass: &mut Pass<'_>, x: &Value, table: &Held, labels: &Tensor) -> Result<Value> {
    let (batch, _, _, channels) = x.tensor().dims4()?;
    let summed = x.sum_keepdim(1)?.sum_keepdim(2)?.reshape(&[batch, channels])?;
    let towards = table.value(pass)?.rows(labels)?.mul(&summed)?.sum_keepdim(1)?;
    towards.reshape(&[batch, 1, 1, 1])
}
