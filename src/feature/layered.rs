//! EfficientNet-Lite0 layer by layer, for devices other than the processor, and what [`super::Lite`] is measured against.

use candle_core::{Device, Result, bail};
use candle_nn::VarBuilder;

use super::efficientnet::{STAGES, TAKEN, WEIGHTS};
use super::layer::Layer;
use super::stem::STEM_OUTPUTS;
use super::weights::{folded, parse};
use crate::ops::Value;

/// The ceiling of its ReLU.
const CEILING: f32 = 6.0;

/// The network without its last, pointwise layer.
pub struct Layered {
    stem: Layer,
    stages: Vec<Vec<Block>>,
}

/// Widen each pixel, filter each channel, narrow each pixel again.
struct Block {
    expand: Option<Layer>,
    depthwise: Layer,
    project: Layer,
    residual: bool,
}

impl Layered {
    /// The network with the weights that are compiled in.
    pub fn shipped(device: &Device) -> Result<Self> {
        let vars = parse(WEIGHTS)?;
        let layer = |vars: &VarBuilder<'_>, conv, norm, [outputs, inputs, size, stride]: [usize; 4], depthwise| {
            let folded = folded(vars, conv, norm, [outputs, inputs, size, size])?;
            Layer::same(&folded.weights, folded.bias, [inputs, size, stride], depthwise, device)
        };
        let stem = layer(&vars, "_conv_stem", "_bn0", [STEM_OUTPUTS, 3, 3, 2], false)?;
        let (mut stages, mut inputs, mut number) = (Vec::new(), STEM_OUTPUTS, 0);
        for (repeats, size, first_stride, expansion, outputs) in STAGES {
            let mut blocks = Vec::new();
            for repeat in 0..repeats {
                let stride = if repeat == 0 { first_stride } else { 1 };
                let (wide, vars) = (inputs * expansion, vars.pp("_blocks").pp(number));
                let expand = if expansion == 1 {
                    None
                } else {
                    Some(layer(&vars, "_expand_conv", "_bn0", [wide, inputs, 1, 1], false)?)
                };
                blocks.push(Block {
                    expand,
                    depthwise: layer(&vars, "_depthwise_conv", "_bn1", [wide, 1, size, stride], true)?,
                    project: layer(&vars, "_project_conv", "_bn2", [outputs, wide, 1, 1], false)?,
                    residual: stride == 1 && inputs == outputs,
                });
                inputs = outputs;
                number += 1;
            }
            stages.push(blocks);
        }
        Ok(Self { stem, stages })
    }

    /// What leads from images, or from the map before, to the map at one of the places of [`TAKEN`].
    pub fn stretch(&self, place: usize, x: &Value) -> Result<Value> {
        let Some(last) = TAKEN.get(place) else { bail!("the network has no stretch {place}") };
        let (mut x, first) = match place {
            0 => (self.stem.run(x, 1.0)?.clipped_relu(CEILING)?, 0),
            _ => (x.clone(), TAKEN[place - 1] + 1),
        };
        for block in self.stages[first..=*last].iter().flatten() {
            x = block.run(&x)?;
        }
        Ok(x)
    }
}

impl Block {
    fn run(&self, x: &Value) -> Result<Value> {
        let wide = match &self.expand {
            Some(layer) => layer.run(x, 1.0)?.clipped_relu(CEILING)?,
            None => x.clone(),
        };
        let out = self.project.run(&self.depthwise.run(&wide, 1.0)?.clipped_relu(CEILING)?, 1.0)?;
        if self.residual { out.add(x) } else { Ok(out) }
    }
}
