//! Reads convolutions out of a safetensors file and folds the batch normalisation behind each into it.

use candle_core::{DType, Device, Result};
use candle_nn::{BatchNormConfig, VarBuilder, batch_norm};

/// Added to a batch normalisation's variance when EfficientNet was trained.
const EPSILON: f64 = 1e-3;

/// A convolution with its batch normalisation folded in.
pub struct Convolution {
    /// `(outputs, inputs per group, size, size)` row by row.
    pub weights: Vec<f32>,
    /// `(outputs,)`
    pub bias: Vec<f32>,
}

/// The tensors of a file, by their names; their f16 are f32 here, without rounding.
///
/// # Errors
/// Where it is no safetensors file.
pub fn parse(bytes: &[u8]) -> Result<VarBuilder<'_>> {
    VarBuilder::from_slice_safetensors(bytes, DType::F32, &Device::Cpu)
}

/// The convolution `conv` of this shape, scaled and shifted as the batch normalisation `norm` beside it would do it with its
/// running statistics: in f64, which candle's `Conv2d::absorb_bn` does in f32.
///
/// # Errors
/// Where one of their tensors is missing or of another shape.
pub fn folded(vars: &VarBuilder<'_>, conv: &str, norm: &str, shape: [usize; 4]) -> Result<Convolution> {
    let mut weights = vars.pp(conv).get(&shape, "weight")?.flatten_all()?.to_vec1::<f32>()?;
    let config = BatchNormConfig { eps: EPSILON, ..BatchNormConfig::default() };
    let norm = batch_norm(shape[0], config, vars.pp(norm))?;
    let Some((gain, shift)) = norm.weight_and_bias() else { candle_core::bail!("a normalisation without a scale") };
    let [gain, shift, mean, variance] =
        [gain, shift, norm.running_mean(), norm.running_var()].map(|tensor| tensor.to_vec1::<f32>());
    let (gain, shift, mean, variance) = (gain?, shift?, mean?, variance?);
    let mut bias = Vec::with_capacity(shape[0]);
    for (output, row) in weights.chunks_exact_mut(shape[1..].iter().product()).enumerate() {
        let scale = f64::from(gain[output]) / (f64::from(variance[output]) + EPSILON).sqrt();
        for weight in row {
            *weight = (f64::from(*weight) * scale) as f32;
        }
        bias.push((f64::from(shift[output]) - f64::from(mean[output]) * scale) as f32);
    }
    Ok(Convolution { weights, bias })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::efficientnet::WEIGHTS;

    #[test]
    fn what_is_missing_or_of_another_shape_is_named() {
        let vars = parse(WEIGHTS).unwrap();
        assert_eq!(folded(&vars, "_conv_stem", "_bn0", [32, 3, 3, 3]).unwrap().bias.len(), 32);
        for (conv, norm, shape, named) in [
            ("_conv", "_bn0", [32, 3, 3, 3], "_conv.weight"),
            ("_conv_stem", "_bn", [32, 3, 3, 3], "_bn.running_mean"),
            ("_conv_stem", "_bn0", [32, 3, 5, 5], "_conv_stem.weight"),
        ] {
            let err = folded(&vars, conv, norm, shape).err().unwrap().to_string();
            assert!(err.contains(named), "{err}");
        }
        assert!(parse(&WEIGHTS[..100]).is_err());
    }
}
