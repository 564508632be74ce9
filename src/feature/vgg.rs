//! VGG19 up to the output of its last convolution, from a file of torchvision's weights (Simonyan & Zisserman 2015).

use std::path::Path;

use candle_core::{Device, Result};

use super::layer::Layer;
use super::{FeatureError, TensorFile};
use crate::ops::{Geometry, Value, Window};

/// Outputs of the 3x3 convolutions between one halving of the side and the next.
const STAGES: [(usize, usize); 5] = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)];

/// `torchvision.models.vgg19().features[:36]`: sixteen convolutions with ReLU, four of 2x2 maximum pooling.
pub(super) struct Vgg19 {
    stages: Vec<Vec<Layer>>,
}

impl Vgg19 {
    /// The network with the weights of a file, whose names and shapes are checked.
    pub fn open(path: &Path, device: &Device) -> std::result::Result<Self, FeatureError> {
        let mut file = TensorFile::open(path)?;
        let (mut stages, mut inputs, mut number) = (Vec::new(), 3, 0);
        for (repeats, outputs) in STAGES {
            let mut layers = Vec::new();
            for _ in 0..repeats {
                let weights = file.numbers(&format!("features.{number}.weight"), &[outputs, inputs, 3, 3]);
                let bias = file.numbers(&format!("features.{number}.bias"), &[outputs]);
                // Both, so that the first that is missing is named.
                let (weights, bias) = (weights.map_err(wanted)?, bias.map_err(wanted)?);
                let layer = Layer::dense(&weights, bias, [inputs, 3], Geometry::new(1, 1), device);
                layers.push(layer.map_err(|err| file.unfit(err.to_string()))?);
                inputs = outputs;
                number += 2; // The ReLU has a number too,
            }
            number += 1; // and so has the pooling.
            stages.push(layers);
        }
        Ok(Self { stages })
    }

    /// The feature map `(B, side / 16, side / 16, 512)` of images `(B, side, side, 3)`, normalised as the network wants them.
    pub fn features(&self, images: &Value) -> Result<Vec<Value>> {
        let mut x = images.clone();
        for (number, layers) in self.stages.iter().enumerate() {
            if number > 0 {
                x = x.max_pool(Window::square(2, 2, 0))?;
            }
            for layer in layers {
                x = layer.run(&x, 0.0)?;
            }
        }
        Ok(vec![x])
    }
}

/// Says which file would have been the right one.
fn wanted(err: FeatureError) -> FeatureError {
    match err {
        FeatureError::File { path, reason } => {
            FeatureError::File { path, reason: format!("{reason}; wanted are torchvision's weights of vgg19") }
        }
        err @ (FeatureError::Weights { .. }
        | FeatureError::Unknown { .. }
        | FeatureError::Images { .. }
        | FeatureError::Cancelled { .. }) => err,
    }
}
