//! Runs a network that is described as a plan.

use candle_core::{DType, Result, Tensor, bail};

use super::layers::{Convolution, Norm, Weight, by_batch};
use super::store::{Builder, COUNTER, Id, Pass};
use crate::config::plan::{Node, Op, Plan};
use crate::ops::{Geometry, Value};

/// A plan and the weights of its nodes.
pub struct Planned {
    plan: Plan,
    weights: Vec<Weights>,
    /// For each node the last one that reads it: what is read no more need not be kept.
    last: Vec<usize>,
}

/// What a node has in the store.
enum Weights {
    None,
    Kernel(Weight),
    /// One that never learns.
    Fixed(Id),
    Convolution(Convolution),
    Norm(Norm),
    Unit {
        running: [Id; 3],
        one: Tensor,
        zero: Tensor,
    },
    Conditional {
        running: [Id; 3],
        scale: Linear,
        shift: Linear,
    },
}

/// A linear layer of vectors.
struct Linear {
    /// `(outputs, inputs)`
    weight: Id,
    bias: Id,
}

/// What a network is given.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `(B, latent_dim)`, where the plan has noise.
    pub latent: Option<&'a Value>,
    /// `(B)` u32, where the plan reads labels.
    pub labels: Option<&'a Tensor>,
    /// `(B, H, W, C)`, where the plan has sources.
    pub sources: &'a [Value],
}

impl<'a> Given<'a> {
    fn labels(&self) -> Result<&'a Tensor> {
        self.labels.map_or_else(|| bail!("a plan that reads labels was given none"), Ok)
    }
}

const POINT: Geometry = Geometry::new(1, 0);

impl Planned {
    /// The plan's start weights, drawn by the builder in the order of the nodes.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, plan: Plan) -> Result<Self> {
        let weights = plan.nodes.iter().map(|node| build(b, &plan, node)).collect::<Result<_>>()?;
        let mut last: Vec<usize> = (0..plan.nodes.len()).collect();
        for (at, node) in plan.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| last[*input] = at);
        }
        plan.outputs.iter().for_each(|output| last[*output] = usize::MAX);
        Ok(Self { plan, weights, last })
    }

    /// What the plan asks for, in its order.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn run(&self, pass: &mut Pass<'_>, given: Given<'_>) -> Result<Vec<Value>> {
        let mut values: Vec<Option<Value>> = vec![None; self.plan.nodes.len()];
        for (at, (node, weights)) in self.plan.nodes.iter().zip(&self.weights).enumerate() {
            let inputs: Vec<Value> = node.inputs.iter().filter_map(|input| values[*input].clone()).collect();
            for input in node.inputs.iter().filter(|input| self.last[**input] == at) {
                values[*input] = None;
            }
            values[at] = Some(step(pass, node, weights, inputs, given)?);
        }
        let asked = self.plan.outputs.iter().map(|output| values[*output].clone());
        asked.collect::<Option<_>>().map_or_else(|| bail!("a plan asks for what it does not compute"), Ok)
    }
}

fn build(b: &mut Builder<'_>, plan: &Plan, node: &Node) -> Result<Weights> {
    let (inputs, [height, width, outputs]) = (plan.channels(node, 0), node.shape);
    let mut b = b.below(&node.name);
    Ok(match &node.op {
        Op::Embedding { classes } => Weights::Kernel(Weight::table(&mut b, *classes, outputs, false)?),
        Op::Convolution(c) => {
            let shape = [outputs, c.kernel, c.kernel, inputs];
            if c.fixed {
                return Ok(Weights::Fixed(b.fixed_kernel("weight", shape, 1.0 / (inputs as f32).sqrt())?));
            }
            let geometry = Geometry::new(c.stride, c.padding);
            Weights::Convolution(Convolution::uniform(&mut b, shape, geometry, c.bias, c.spectral)?)
        }
        Op::Unfold { side } => {
            let bound = 1.0 / (inputs as f32).sqrt();
            let id = b.uniform_kernel("weight", [inputs, *side, *side, outputs], bound)?;
            Weights::Kernel(Weight::of(&mut b, id, false)?)
        }
        Op::Upsampled => {
            let id = b.orthogonal_kernel("weight", [outputs, 3, 3, inputs])?;
            Weights::Kernel(Weight::of(&mut b, id, false)?)
        }
        Op::UnitNorm => {
            let shape = [height, width, outputs];
            let (mean, variance) =
                (b.running_units("running_mean", shape, 0.0)?, b.running_units("running_var", shape, 1.0)?);
            let one = Tensor::ones((1, height * width * outputs), DType::F32, b.device)?;
            let zero = one.zeros_like()?;
            Weights::Unit { running: [mean, variance, b.counter(COUNTER)?], one, zero }
        }
        Op::ConditionalNorm => {
            let condition = plan.channels(node, 1);
            let running = Norm::statistics(&mut b.below("norm"), outputs)?;
            let mut linear = |name| -> Result<Linear> {
                let mut b = b.below(name);
                let weight = b.normal("weight", &[outputs, condition], 0.0, 0.02)?;
                Ok(Linear { weight, bias: b.constant("bias", &[outputs], 0.0)? })
            };
            Weights::Conditional { running, scale: linear("scale")?, shift: linear("shift")? }
        }
        Op::BatchNorm { .. } => Weights::Norm(Norm::batch(&mut b, outputs)?),
        Op::LayerNorm { .. } => Weights::Norm(Norm::layer(&mut b, outputs)?),
        Op::Project { classes, spectral } => {
            let name = if *spectral { "layer.weight" } else { "weight" };
            let id = b.normal(name, &[*classes, inputs], 0.0, 1.0 / (inputs as f32).sqrt())?;
            Weights::Kernel(Weight::of(&mut b, id, *spectral)?)
        }
        Op::Latent
        | Op::Source(_)
        | Op::Join
        | Op::Flatten
        | Op::Glu
        | Op::Silu
        | Op::Sigmoid
        | Op::Tanh
        | Op::ScaleChannels
        | Op::Sum { .. }
        | Op::Resize => Weights::None,
    })
}

fn step(pass: &mut Pass<'_>, node: &Node, weights: &Weights, inputs: Vec<Value>, given: Given<'_>) -> Result<Value> {
    let [height, width, channels] = node.shape;
    let condition = pass.stage().condition;
    let x = inputs.first();
    let second = inputs.get(1);
    match (&node.op, weights, x, second) {
        (Op::Latent, ..) => latent(given),
        (Op::Source(place), ..) => given.sources.get(*place).cloned().map_or_else(|| bail!("no source {place}"), Ok),
        (Op::Embedding { .. }, Weights::Kernel(table), ..) => {
            let rows = table.value(pass)?.rows(given.labels()?)?;
            let rows = if condition < 1.0 { rows.scale(condition.max(0.0))? } else { rows };
            rows.reshape(&[rows.dims()[0], 1, 1, channels])
        }
        (Op::Join, _, Some(first), _) => {
            inputs[1..].iter().try_fold(first.clone(), |joined, next| joined.join_last(next))
        }
        (Op::Flatten, _, Some(x), _) => x.reshape(&[x.dims()[0], 1, 1, height * width * channels]),
        (Op::Convolution(_), Weights::Fixed(kernel), Some(x), _) => {
            x.conv(&Value::constant(pass.tensor(*kernel).clone()), POINT)
        }
        (Op::Convolution(c), Weights::Convolution(layer), Some(x), _) => layer.forward(pass, x, c.slope),
        (Op::Unfold { .. }, Weights::Kernel(kernel), Some(x), _) => {
            x.conv_input_gradient(&kernel.value(pass)?, POINT, (height, width))
        }
        (Op::Upsampled, Weights::Kernel(kernel), Some(x), _) => x.upsampled_conv(&kernel.value(pass)?),
        (Op::UnitNorm, Weights::Unit { running, one, zero }, Some(x), _) => {
            let units = x.reshape(&[x.dims()[0], 1, 1, height * width * channels])?;
            let plain = [&Value::constant(one.clone()), &Value::constant(zero.clone())];
            by_batch(pass, &units, *running, plain, 1.0)?.reshape(x.dims())
        }
        (Op::ConditionalNorm, Weights::Conditional { running, scale, shift }, Some(x), Some(c)) => {
            let (scale, shift) = (scale.run(pass, c)?.affine(1.0, 1.0)?, shift.run(pass, c)?);
            by_batch(pass, x, *running, [&scale, &shift], 1.0)
        }
        (Op::BatchNorm { slope } | Op::LayerNorm { slope }, Weights::Norm(norm), Some(x), _) => {
            norm.forward(pass, x, given.labels()?, *slope)
        }
        (Op::Glu, _, Some(x), _) => x.glu(),
        (Op::Silu, _, Some(x), _) => x.mul(&x.sigmoid()?),
        (Op::Sigmoid, _, Some(x), _) => x.sigmoid(),
        (Op::Tanh, _, Some(x), _) => x.tanh(),
        (Op::ScaleChannels, _, Some(x), Some(gate)) => x.scale_channels(gate),
        (Op::Sum { scale }, _, Some(x), Some(other)) => {
            let sum = x.add(other)?;
            if *scale == 1.0 { Ok(sum) } else { sum.scale(*scale) }
        }
        (Op::Resize, _, Some(x), _) => x.resize_bilinear((height, width)),
        (Op::Project { .. }, Weights::Kernel(table), Some(x), _) => {
            let (batch, height, width, inputs) = x.tensor().dims4()?;
            let rows = table.value(pass)?.rows(given.labels()?)?.reshape(&[batch, inputs, 1])?;
            let towards = x.reshape(&[batch, height * width, inputs])?.matmul(&rows)?;
            let towards = if condition < 1.0 { towards.scale(condition.max(0.0))? } else { towards };
            towards.reshape(&[batch, height, width, 1])
        }
        (op, ..) => bail!("`{}`: {op:?} lacks what it is computed from", node.name),
    }
}

/// Noise divided by the root of its mean square, as vectors `(B, 1, 1, latent_dim)`.
fn latent(given: Given<'_>) -> Result<Value> {
    let Some(z) = given.latent else { bail!("a plan with noise was given none") };
    let (batch, latent) = z.tensor().dims2()?;
    let inverse = z.mul(z)?.sum_keepdim(1)?.affine(1.0 / latent as f64, 1e-8)?.power(-0.5)?;
    z.mul(&inverse)?.reshape(&[batch, 1, 1, latent])
}

impl Linear {
    /// `(B, 1, 1, inputs)` to `(B, outputs)`. A linear layer is a 1x1 convolution of an image of one pixel.
    fn run(&self, pass: &mut Pass<'_>, x: &Value) -> Result<Value> {
        let weight = pass.value(self.weight);
        let (outputs, inputs) = weight.tensor().dims2()?;
        let bias = pass.value(self.bias);
        let y = x.conv_activated(&weight.reshape(&[outputs, 1, 1, inputs])?, POINT, &bias, 1.0)?;
        y.reshape(&[x.dims()[0], outputs])
    }
}
