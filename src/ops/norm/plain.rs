//! Normalisation and its gradient in plain operations: for other devices, for orders that have no kernels, and what the
//! kernels are tested against.

use candle_core::{Result, Tensor};

use super::shape::Shape;
use super::statistics::{EPSILON, Over, Statistics};
use crate::ops::tape::Value;

/// `(groups, numbers)` or, for [`Over::Batch`], `(numbers, groups)`: what means are taken along, and that dimension.
fn grouped(x: &Value, shape: &Shape) -> Result<Value> {
    match shape.over {
        Over::Batch => x.reshape(&[shape.batch * shape.positions, shape.channels]),
        Over::Image => x.reshape(&[shape.batch, shape.image()]),
    }
}

/// The mean of every group, in the shape of what was grouped.
fn mean(x: &Value, shape: &Shape) -> Result<Value> {
    let along = usize::from(shape.over == Over::Image);
    x.sum_keepdim(along)?.scale(1.0 / shape.count() as f64)
}

fn centre(x: &Value, shape: &Shape) -> Result<Value> {
    x.sub(&mean(x, shape)?.broadcast_as(x.dims())?)
}

/// The normalised numbers, grouped, and the factor that made their variance 1.
fn standardise(x: &Value, shape: &Shape) -> Result<(Value, Value)> {
    let centred = centre(&grouped(x, shape)?, shape)?;
    let inverse = mean(&centred.mul(&centred)?, shape)?.affine(1.0, EPSILON)?.power(-0.5)?;
    Ok((centred.mul(&inverse)?, inverse))
}

/// A table of `(rows, C)` against `(B, H, W, C)`.
fn wide(table: &Value) -> Result<Value> {
    table.reshape(&[table.dims()[0], 1, 1, table.dims()[1]])
}

/// The whole operation.
pub(super) fn normalise(x: &Value, scale: &Value, shift: &Value, shape: &Shape) -> Result<Value> {
    finish(&standardise(x, shape)?.0.reshape(x.dims())?, scale, shift, shape.slope)
}

/// Scale, shift and activation of normalised numbers.
pub(super) fn finish(normalised: &Value, scale: &Value, shift: &Value, slope: f32) -> Result<Value> {
    let y = normalised.mul(&wide(scale)?)?.add(&wide(shift)?.broadcast_as(normalised.dims())?)?;
    if slope == 1.0 { Ok(y) } else { y.leaky_relu(slope) }
}

/// The gradient in `x` of `[x, scale, grad]`, `y` being the output.
pub(super) fn gradient(v: &[Value], y: &Value, shape: &Shape) -> Result<Value> {
    let (normalised, inverse) = standardise(&v[0], shape)?;
    let k = grouped(&v[2].gate(y, shape.slope)?.mul(&wide(&v[1])?)?, shape)?;
    let along = mean(&k.mul(&normalised)?, shape)?;
    centre(&k, shape)?.sub(&normalised.mul(&along)?)?.mul(&inverse)?.reshape(y.dims())
}

/// The gradients in scale and shift.
pub(super) fn table_gradients(x: &Value, y: &Value, grad: &Value, shape: &Shape) -> Result<[Value; 2]> {
    let normalised = standardise(x, shape)?.0.reshape(y.dims())?;
    let h = grad.gate(y, shape.slope)?;
    let table = |of: &Value| {
        let rows = if shape.rows == 1 { of.sum_keepdim(0)? } else { of.clone() };
        rows.sum_keepdim(1)?.sum_keepdim(2)?.reshape(&[shape.rows, shape.channels])
    };
    Ok([table(&h.mul(&normalised)?)?, table(&h)?])
}

/// The statistics alone.
pub(super) fn statistics(x: &Tensor, shape: &Shape) -> Result<Statistics> {
    let (grouped, along) = match shape.over {
        Over::Batch => (x.reshape((shape.batch * shape.positions, shape.channels))?, 0),
        Over::Image => (x.reshape((shape.batch, shape.image()))?, 1),
    };
    let mean = grouped.mean_keepdim(along)?;
    let variance = grouped.broadcast_sub(&mean)?.sqr()?.mean_keepdim(along)?;
    let list = |t: &Tensor| -> Result<Vec<f64>> {
        Ok(t.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    };
    Ok(Statistics { mean: list(&mean)?, variance: list(&variance)?, count: shape.count() })
}
