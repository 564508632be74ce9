//! Reads convolutions out of a safetensors file and folds the batch normalisation behind each into it.

use safetensors::{Dtype, SafeTensors};

/// Added to a batch normalisation's variance when EfficientNet was trained.
const EPSILON: f64 = 1e-3;

/// A convolution with its batch normalisation folded in.
pub struct Convolution {
    /// `(outputs, inputs per group, size, size)` row by row.
    pub weights: Vec<f32>,
    /// `(outputs,)`
    pub bias: Vec<f32>,
}

/// The tensors of a file; errors name what was missing or of the wrong shape.
pub struct Weights<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> Weights<'a> {
    /// Reads the header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|err| err.to_string())?;
        Ok(Self { tensors })
    }

    /// The convolution `{conv}.weight` of this shape, scaled and shifted as the batch normalisation `norm` would do it
    /// with its running statistics.
    pub fn folded(&self, conv: &str, norm: &str, shape: [usize; 4]) -> Result<Convolution, String> {
        let mut weights = self.tensor(&format!("{conv}.weight"), &shape)?;
        let part = |name: &str| self.tensor(&format!("{norm}.{name}"), &shape[..1]);
        let (gain, shift) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
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

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.tensor(name).map_err(|err| format!("{name}: {err}"))?;
        if tensor.shape() != shape || tensor.dtype() != Dtype::F16 {
            let (found, dtype) = (tensor.shape(), tensor.dtype());
            return Err(format!("{name} is {dtype:?} {found:?} and should be F16 {shape:?}"));
        }
        let (halves, _) = tensor.data().as_chunks::<2>();
        Ok(halves.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect())
    }
}
