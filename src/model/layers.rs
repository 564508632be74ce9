//! The layers that both networks are made of.

use candle_core::{Result, Tensor};

use super::store::{Builder, COUNTER, Id, Pass};
use crate::config::AttentionForm;
use crate::config::cost::Layer;
use crate::ops::attention::attention;
use crate::ops::norm::{Over, Statistics};
use crate::ops::{Geometry, Value, Window};

/// Slope of a LeakyReLU below zero, as DCGAN has it.
pub const LEAK: f32 = 0.2;

/// A weight, divided by its largest singular value where `spectral` is there.
#[derive(Clone, Copy)]
pub struct Weight {
    id: Id,
    spectral: Option<(Id, Id)>,
}

impl Weight {
    /// A convolution's kernel; a spectral one is named `layer.weight` beside `u` and `v`.
    pub fn kernel(b: &mut Builder<'_>, shape: [usize; 4], spectral: bool) -> Result<Self> {
        let id = b.kernel(if spectral { "layer.weight" } else { "weight" }, shape)?;
        Self::of(b, id, spectral)
    }

    /// A table of `rows` vectors from N(0, 1).
    pub fn table(b: &mut Builder<'_>, rows: usize, width: usize, spectral: bool) -> Result<Self> {
        let id = b.normal(if spectral { "layer.weight" } else { "weight" }, &[rows, width], 0.0, 1.0)?;
        Self::of(b, id, spectral)
    }

    /// A linear layer's matrix `(outputs, inputs)`, uniform in ± `bound`.
    pub fn linear(b: &mut Builder<'_>, outputs: usize, inputs: usize, bound: f32) -> Result<Self> {
        Ok(Self { id: b.uniform("weight", &[outputs, inputs], bound)?, spectral: None })
    }

    /// What was drawn already.
    pub fn of(b: &mut Builder<'_>, id: Id, spectral: bool) -> Result<Self> {
        let spectral = if spectral { Some(b.singular_vectors(id)?) } else { None };
        Ok(Self { id, spectral })
    }

    /// Numbers a row of a table.
    pub fn width(&self, pass: &Pass<'_>) -> usize {
        pass.tensor(self.id).dims().last().copied().unwrap_or(0)
    }

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

/// A convolution with an optional bias: `(B, H, W, I)` to `(B, Ho, Wo, O)`.
pub struct Convolution {
    weight: Weight,
    bias: Option<Id>,
    geometry: Geometry,
}

impl Convolution {
    /// `shape` is `(O, kh, kw, I)`.
    pub fn new(b: &mut Builder<'_>, shape: [usize; 4], geometry: Geometry, bias: bool, spectral: bool) -> Result<Self> {
        let weight = Weight::kernel(b, shape, spectral)?;
        let bias = if bias { Some(b.constant(bias_name(spectral), &shape[..1], 0.0)?) } else { None };
        Ok(Self { weight, bias, geometry })
    }

    /// As [`Convolution::new`], with kernel and bias uniform in ± 1 / sqrt(numbers under the kernel), as PyTorch starts.
    pub fn uniform(
        b: &mut Builder<'_>,
        shape: [usize; 4],
        geometry: Geometry,
        bias: bool,
        spectral: bool,
    ) -> Result<Self> {
        let bound = 1.0 / (shape[1..].iter().product::<usize>() as f32).sqrt();
        let id = b.uniform_kernel(if spectral { "layer.weight" } else { "weight" }, shape, bound)?;
        let weight = Weight::of(b, id, spectral)?;
        let bias = if bias { Some(b.uniform(bias_name(spectral), &shape[..1], bound)?) } else { None };
        Ok(Self { weight, bias, geometry })
    }

    /// The convolution alone, with its bias where it has one, and LeakyReLU of this slope (1 for none).
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Value, slope: f32) -> Result<Value> {
        let weight = self.weight.value(pass)?;
        match self.bias {
            Some(bias) => x.conv_activated(&weight, self.geometry, &pass.value(bias), slope),
            None if slope == 1.0 => x.conv(&weight, self.geometry),
            None => x.conv(&weight, self.geometry)?.leaky_relu(slope),
        }
    }
}

fn bias_name(spectral: bool) -> &'static str {
    if spectral { "layer.bias" } else { "bias" }
}

/// Normalisation with scale, shift and activation.
pub struct Norm {
    over: Over,
    scale: Id,
    shift: Id,
    /// Whether scale and shift are tables looked up by class.
    by_class: bool,
    /// Running mean, running variance and count of batches.
    running: Option<[Id; 3]>,
}

impl Norm {
    /// Batch normalisation with one scale and shift a channel.
    pub fn batch(b: &mut Builder<'_>, channels: usize) -> Result<Self> {
        let (scale, shift) = (b.normal("weight", &[channels], 1.0, 0.02)?, b.constant("bias", &[channels], 0.0)?);
        let running = Some(Self::statistics(b, channels)?);
        Ok(Self { over: Over::Batch, scale, shift, by_class: false, running })
    }

    /// Batch normalisation with a scale and shift for every class.
    pub fn conditional_batch(b: &mut Builder<'_>, channels: usize, classes: usize) -> Result<Self> {
        let running = Some(Self::statistics(&mut b.below("norm"), channels)?);
        let scale = b.below("scale").constant("weight", &[classes, channels], 1.0)?;
        let shift = b.below("shift").constant("weight", &[classes, channels], 0.0)?;
        Ok(Self { over: Over::Batch, scale, shift, by_class: true, running })
    }

    /// Normalisation of each image by itself: GroupNorm with one group.
    pub fn layer(b: &mut Builder<'_>, channels: usize) -> Result<Self> {
        let (scale, shift) = (b.normal("weight", &[channels], 1.0, 0.02)?, b.constant("bias", &[channels], 0.0)?);
        Ok(Self { over: Over::Image, scale, shift, by_class: false, running: None })
    }

    /// Running mean, running variance and count of batches.
    pub fn statistics(b: &mut Builder<'_>, channels: usize) -> Result<[Id; 3]> {
        let (mean, variance) = (b.running("running_mean", channels, 0.0)?, b.running("running_var", channels, 1.0)?);
        Ok([mean, variance, b.counter(COUNTER)?])
    }

    /// `(B, H, W, C)` to the same; `labels` are `(B)` u32.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Value, labels: &Tensor, slope: f32) -> Result<Value> {
        let condition = pass.stage().condition;
        let [scale, shift] = [self.scale, self.shift].map(|id| {
            let table = pass.value(id);
            if self.by_class { by_class(&table, labels, condition) } else { table.reshape(&[1, table.dims()[0]]) }
        });
        let (scale, shift) = (scale?, shift?);
        match self.running {
            Some(running) => by_batch(pass, x, running, [&scale, &shift], slope),
            None => Ok(x.normalise(&scale, &shift, self.over, slope)?.0),
        }
    }
}

/// Batch normalisation of `(B, H, W, C)` with a scale and a shift, `(1, C)` or `(B, C)`, and LeakyReLU: by the batch's own
/// statistics, which the running ones follow, or by the running ones in evaluation mode.
pub fn by_batch(
    pass: &mut Pass<'_>,
    x: &Value,
    running: [Id; 3],
    [scale, shift]: [&Value; 2],
    slope: f32,
) -> Result<Value> {
    if !pass.trains() {
        let [mean, variance, _] = running;
        return x.normalise_with(pass.tensor(mean), pass.tensor(variance), scale, shift, slope);
    }
    let (y, statistics) = x.normalise(scale, shift, Over::Batch, slope)?;
    follow(pass, running, &statistics)?;
    Ok(y)
}

/// Each image's row of a table `(classes, C)`; where labels count by `condition` below 1, the rest is the mean over classes.
fn by_class(table: &Value, labels: &Tensor, condition: f64) -> Result<Value> {
    let own = table.rows(labels)?;
    if condition >= 1.0 {
        return Ok(own);
    }
    let mean = table.sum_keepdim(0)?.scale((1.0 - condition) / table.dims()[0] as f64)?.broadcast_as(own.dims())?;
    own.scale(condition)?.add(&mean)
}

/// Moves running statistics a tenth of the way to a batch's own, with the unbiased variance, as PyTorch does; or as far as the
/// pass says.
fn follow(pass: &mut Pass<'_>, [mean, variance, count]: [Id; 3], batch: &Statistics) -> Result<()> {
    let momentum = pass.momentum();
    let unbiased = batch.count as f64 / (batch.count as f64 - 1.0).max(1.0);
    let mut moved = |id: Id, new: &[f64], factor: f64| -> Result<()> {
        let old = pass.tensor(id).to_vec1::<f32>()?;
        let blend = |(old, new): (f32, &f64)| ((1.0 - momentum) * f64::from(old) + momentum * factor * new) as f32;
        let data: Vec<f32> = old.into_iter().zip(new).map(blend).collect();
        let tensor = Tensor::from_vec(data, new.len(), pass.tensor(id).device())?;
        pass.replace(id, tensor);
        Ok(())
    };
    moved(mean, &batch.mean, 1.0)?;
    moved(variance, &batch.variance, unbiased)?;
    let seen = pass.tensor(count).to_scalar::<i64>()? + 1;
    pass.replace(count, Tensor::new(seen, pass.tensor(count).device())?);
    Ok(())
}

/// Self-attention (Zhang et al. 2019) over all positions, added with a learnt gate that starts at 0.
pub struct SelfAttention {
    query: Convolution,
    key: Convolution,
    value: Convolution,
    /// From the value's channels to those of the map, in SAGAN's form, whose keys and values are pooled.
    output: Option<Convolution>,
    gamma: Id,
}

/// What SAGAN brings keys and values to a quarter of the positions with, each the largest of four.
const POOLED: Window = Window::square(2, 2, 0);

impl SelfAttention {
    /// The attention that follows a feature map, where its layer asks for one; `spectral`: of a network with spectral
    /// normalisation, which the plain form leaves out.
    pub fn after(b: &mut Builder<'_>, layer: &Layer, spectral: bool) -> Result<Option<Self>> {
        let name = format_args!("attention.{}", layer.resolution);
        layer.attention.map(|form| Self::new(&mut b.below(name), layer.channels, form, spectral)).transpose()
    }

    fn new(b: &mut Builder<'_>, channels: usize, form: AttentionForm, spectral: bool) -> Result<Self> {
        let (narrow, wide) = form.widths(channels);
        let sagan = form == AttentionForm::Sagan;
        let mut layer = |name, outputs, inputs| {
            let shape = [outputs, 1, 1, inputs];
            Convolution::new(&mut b.below(name), shape, Geometry::new(1, 0), !sagan, sagan && spectral)
        };
        let (query, key) = (layer("query", narrow, channels)?, layer("key", narrow, channels)?);
        let value = layer("value", wide, channels)?;
        let output = if sagan { Some(layer("output", channels, wide)?) } else { None };
        Ok(Self { query, key, value, output, gamma: b.constant("gamma", &[1], 0.0)? })
    }

    /// `(B, H, W, C)` to the same, `H` and `W` even.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Result<Value> {
        let pooled = self.output.is_some();
        let [query, key, value] =
            [(&self.query, false), (&self.key, pooled), (&self.value, pooled)].map(|(layer, pool)| {
                let y = layer.forward(pass, x, 1.0)?;
                let y = if pool { y.max_pool(POOLED)? } else { y };
                let (batch, height, width, channels) = y.tensor().dims4()?;
                y.reshape(&[batch, height * width, channels])
            });
        let seen = attention(&query?, &key?, &value?)?;
        let (batch, height, width, _) = x.tensor().dims4()?;
        let seen = seen.reshape(&[batch, height, width, seen.dims()[2]])?;
        let seen = match &self.output {
            Some(output) => output.forward(pass, &seen, 1.0)?,
            None => seen,
        };
        x.add_gated(&seen, &pass.value(self.gamma))
    }
}
