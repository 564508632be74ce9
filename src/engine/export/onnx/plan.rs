//! A network that is described as a plan in ONNX's operators, one arm an operation.
//!
//! Feature maps are channels-first, and vectors are maps of one pixel.

use anyhow::bail;
use candle_core::Tensor;

use super::graph::{Builder, Name, Set};
use crate::config::Stage;
use crate::config::plan::{Convolution, Node, Op, Plan};
use crate::ops::norm::EPSILON;

/// The first result of a plan from noise `z` and labels, as a network in evaluation mode computes it.
pub(super) fn result(b: &mut Builder<'_>, plan: &Plan, stage: Stage, z: &Name, label: &Name) -> anyhow::Result<Name> {
    let mut made: Vec<Name> = Vec::new();
    let mut drawing = Drawing { b, plan, stage, z, label };
    for (at, node) in plan.nodes.iter().enumerate() {
        let inputs: Vec<Name> = node.inputs.iter().map(|input| made[*input].clone()).collect();
        // Nodes without weights have no name of their own.
        let name = if node.name.is_empty() { format!("node.{at}") } else { node.name.clone() };
        made.push(drawing.node(&name, node, &inputs)?);
    }
    match plan.outputs.first() {
        Some(output) => Ok(made[*output].clone()),
        None => bail!("a plan without a result: this is a defect of gandle"),
    }
}

struct Drawing<'a, 'b> {
    b: &'a mut Builder<'b>,
    plan: &'a Plan,
    stage: Stage,
    z: &'a Name,
    label: &'a Name,
}

impl Drawing<'_, '_> {
    fn node(&mut self, name: &str, node: &Node, inputs: &[Name]) -> anyhow::Result<Name> {
        let named = |part: &str| format!("{name}.{part}");
        let x = inputs.first().cloned().unwrap_or_default();
        let second = inputs.get(1).cloned().unwrap_or_default();
        Ok(match &node.op {
            Op::Latent => self.latent(name)?,
            Op::Embedding { .. } => self.embedding(name)?,
            Op::Join => {
                let inputs: Vec<&Name> = inputs.iter().collect();
                self.b.node(name, "Concat", &inputs, &[Set::Int("axis", 1)])
            }
            Op::Convolution(c) => self.convolution(name, c, &x)?,
            Op::Unfold { .. } => {
                let weight = self.b.weight(&named("weight"))?;
                self.b.node(name, "ConvTranspose", &[&x, &weight], &[])
            }
            Op::Upsampled => {
                let scales = Tensor::new(&[1.0_f32, 1.0, 2.0, 2.0], &candle_core::Device::Cpu)?;
                let scales = self.b.constant("twice", &scales)?;
                let settings = [
                    Set::Text("mode", "nearest"),
                    Set::Text("coordinate_transformation_mode", "asymmetric"),
                    Set::Text("nearest_mode", "floor"),
                ];
                // The second input, a region of interest, is for other modes.
                let large = self.b.node(&named("larger"), "Resize", &[&x, &String::new(), &scales], &settings);
                let weight = self.b.weight(&named("weight"))?;
                self.b.node(name, "Conv", &[&large, &weight], &[Set::Ints("pads", &[1; 4])])
            }
            Op::UnitNorm => self.unit_norm(name, node, &x)?,
            Op::ConditionalNorm => self.conditional_norm(name, node, &x, &second)?,
            Op::Glu => {
                let half = i64::try_from(node.shape[2])?;
                let axis = self.b.whole("channels", &[1]);
                let mut part = |part: &str, from: i64| {
                    let (start, end) = (self.b.whole(&format!("at.{from}"), &[from]), from + half);
                    let end = self.b.whole(&format!("at.{end}"), &[end]);
                    self.b.node(&named(part), "Slice", &[&x, &start, &end, &axis], &[])
                };
                let (passed, gate) = (part("passed", 0), part("gate", half));
                let gate = self.b.node(&named("open"), "Sigmoid", &[&gate], &[]);
                self.b.node(name, "Mul", &[&passed, &gate], &[])
            }
            Op::Silu => {
                let gate = self.b.node(&named("open"), "Sigmoid", &[&x], &[]);
                self.b.node(name, "Mul", &[&x, &gate], &[])
            }
            Op::Sigmoid => self.b.node(name, "Sigmoid", &[&x], &[]),
            Op::Tanh => self.b.node(name, "Tanh", &[&x], &[]),
            Op::ScaleChannels => self.b.node(name, "Mul", &[&x, &second], &[]),
            // What only discriminators have: they are not exported.
            Op::Source(_)
            | Op::Flatten
            | Op::BatchNorm { .. }
            | Op::LayerNorm { .. }
            | Op::Sum { .. }
            | Op::Resize
            | Op::Project { .. } => {
                bail!("`{name}`: {:?} is no part of a generator: this is a defect of gandle", node.op)
            }
        })
    }

    /// Noise over the root of its mean square.
    fn latent(&mut self, name: &str) -> anyhow::Result<Name> {
        let named = |part: &str| format!("{name}.{part}");
        let square = self.b.node(&named("square"), "Mul", &[self.z, self.z], &[]);
        let mean = self.b.node(&named("mean"), "ReduceMean", &[&square], &[Set::Ints("axes", &[1])]);
        let little = self.b.constant(&named("little"), &Tensor::new(&[1e-8_f32], &candle_core::Device::Cpu)?)?;
        let mean = self.b.node(&named("positive"), "Add", &[&mean, &little], &[]);
        let root = self.b.node(&named("root"), "Sqrt", &[&mean], &[]);
        let unit = self.b.node(&named("unit"), "Div", &[self.z, &root], &[]);
        let axes = self.b.whole("axes", &[2, 3]);
        Ok(self.b.node(name, "Unsqueeze", &[&unit, &axes], &[]))
    }

    /// What stands for the labels, as much as they count at this stage.
    fn embedding(&mut self, name: &str) -> anyhow::Result<Name> {
        let weight = format!("{name}.weight");
        let table = self.b.numbers(&weight)?.affine(self.stage.condition, 0.0)?;
        let table = self.b.constant(&weight, &table)?;
        let rows = self.b.node(&format!("{name}.rows"), "Gather", &[&table, self.label], &[Set::Int("axis", 0)]);
        let axes = self.b.whole("axes", &[2, 3]);
        Ok(self.b.node(name, "Unsqueeze", &[&rows, &axes], &[]))
    }

    fn convolution(&mut self, name: &str, c: &Convolution, x: &Name) -> anyhow::Result<Name> {
        if c.spectral {
            bail!("`{name}` has spectral normalisation, which generators have not: this is a defect of gandle");
        }
        let weight = self.b.weight(&format!("{name}.weight"))?;
        let bias = if c.bias { Some(self.b.weight(&format!("{name}.bias"))?) } else { None };
        let inputs: Vec<&Name> = [x, &weight].into_iter().chain(&bias).collect();
        let (stride, padding) = (i64::try_from(c.stride)?, i64::try_from(c.padding)?);
        let settings = [Set::Ints("strides", &[stride; 2]), Set::Ints("pads", &[padding; 4])];
        let y = self.b.node(name, "Conv", &inputs, &settings);
        #[expect(clippy::float_cmp, reason = "1 stands for no activation")]
        if c.slope == 1.0 {
            return Ok(y);
        }
        Ok(self.b.node(&format!("{name}.leaky"), "LeakyRelu", &[&y], &[Set::Float("alpha", c.slope)]))
    }

    /// By running statistics alone: `x` is channels-first, or `(batch, numbers)`.
    fn plain_norm(&mut self, name: &str, of: &str, x: &Name) -> anyhow::Result<Name> {
        let mean = self.b.weight(&format!("{of}.running_mean"))?;
        let variance = self.b.weight(&format!("{of}.running_var"))?;
        let unit = self.b.numbers(&mean)?;
        let one = self.b.constant(&format!("ones.{}", unit.elem_count()), &unit.ones_like()?)?;
        let zero = self.b.constant(&format!("zeros.{}", unit.elem_count()), &unit.zeros_like()?)?;
        #[expect(clippy::cast_possible_truncation, reason = "a setting of the format is a float32")]
        let epsilon = [Set::Float("epsilon", EPSILON as f32)];
        Ok(self.b.node(name, "BatchNormalization", &[x, &one, &zero, &mean, &variance], &epsilon))
    }

    fn unit_norm(&mut self, name: &str, node: &Node, x: &Name) -> anyhow::Result<Name> {
        let [height, width, channels] = node.shape.map(|side| i64::try_from(side).unwrap_or(i64::MAX));
        let flat = self.b.whole("flat", &[0, -1]);
        let units = self.b.node(&format!("{name}.flat"), "Reshape", &[x, &flat], &[]);
        let units = self.plain_norm(&format!("{name}.norm"), name, &units)?;
        let shape = self.b.whole(&format!("{name}.shape"), &[0, channels, height, width]);
        Ok(self.b.node(name, "Reshape", &[&units, &shape], &[]))
    }

    fn conditional_norm(&mut self, name: &str, node: &Node, x: &Name, condition: &Name) -> anyhow::Result<Name> {
        let y = self.plain_norm(&format!("{name}.norm"), &format!("{name}.norm"), x)?;
        let (outputs, inputs) = (node.shape[2], self.plan.channels(node, 1));
        let mut linear = |part: &str| -> anyhow::Result<Name> {
            let name = format!("{name}.{part}");
            let weight = self.b.weight(&format!("{name}.weight"))?;
            let shape = [outputs, inputs, 1, 1].map(|side| i64::try_from(side).unwrap_or(i64::MAX));
            let shape = self.b.whole(&format!("{name}.shape"), &shape);
            let kernel = self.b.node(&format!("{name}.kernel"), "Reshape", &[&weight, &shape], &[]);
            let bias = self.b.weight(&format!("{name}.bias"))?;
            Ok(self.b.node(&name, "Conv", &[condition, &kernel, &bias], &[]))
        };
        let (scale, shift) = (linear("scale")?, linear("shift")?);
        let one = self.b.constant("one", &Tensor::new(&[1.0_f32], &candle_core::Device::Cpu)?)?;
        let scale = self.b.node(&format!("{name}.factor"), "Add", &[&scale, &one], &[]);
        let y = self.b.node(&format!("{name}.scaled"), "Mul", &[&y, &scale], &[]);
        Ok(self.b.node(name, "Add", &[&y, &shift], &[]))
    }
}
