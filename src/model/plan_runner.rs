//! Runs a network that is described as a plan.

use std::collections::BTreeMap;

use candle_core::{DType, Result, Tensor, bail};

use super::layers::{
    POINT, by_batch, by_class, convolution, for_all, linear, project, projection, self_attention, transposed, unit_norm,
};
use super::parameters::{Builder, Held, Pass};
use crate::config::plan::{Node, Op, Plan, Start};
use crate::feature::Lite;
use crate::ops::norm::Over;
use crate::ops::{Geometry, Value, Window};

/// A plan and the weights of its nodes.
pub struct PlanRunner {
    plan: Plan,
    weights: Vec<Vec<Held>>,
}

/// What a network is given.
#[derive(Clone, Copy, Default)]
pub struct NetworkInputs<'a> {
    /// `(B, latent_dim)`, where the plan has noise.
    pub latent: Option<&'a Value>,
    /// `(B)` u32, where the plan reads labels.
    pub labels: Option<&'a Tensor>,
    /// `(B, H, W, C)`, where the plan has sources.
    pub sources: &'a [Value],
    /// Where the plan has a frozen network.
    pub frozen: Option<&'a Lite>,
}

impl<'a> NetworkInputs<'a> {
    fn labels(&self) -> Result<&'a Tensor> {
        self.labels.map_or_else(|| bail!("a plan that reads labels was given none"), Ok)
    }
}

/// What brings an image to half its size for the next scale.
const HALVE: Window = Window::square(3, 2, 1);

impl PlanRunner {
    /// The plan's start weights, drawn by the builder in the plan's order.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(b: &mut Builder<'_>, plan: Plan) -> Result<Self> {
        let mut weights: Vec<Vec<Held>> = vec![Vec::new(); plan.nodes.len()];
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for at in plan.drawn.iter().copied() {
            let node = &plan.nodes[at];
            weights[at] = match known.get(node.name.as_str()) {
                Some(first) => weights[*first].clone(),
                None => plan.weights(node).iter().map(|weight| b.add(&node.name, weight)).collect::<Result<_>>()?,
            };
            if !node.name.is_empty() {
                known.insert(&node.name, at);
            }
        }
        Ok(Self { plan, weights })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the nodes `asked` for give at the pass's stage.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn run(&self, pass: &mut Pass<'_>, given: NetworkInputs<'_>, asked: &[usize]) -> Result<Vec<Value>> {
        let (plan, stage) = (&self.plan, pass.stage());
        let needed = plan.needed(stage, asked);
        // What is read no more need not be kept.
        let mut last = vec![0; plan.nodes.len()];
        for at in &needed {
            plan.read(&plan.nodes[*at], stage).iter().for_each(|input| last[*input] = *at);
        }
        asked.iter().for_each(|at| last[*at] = usize::MAX);
        let mut values: Vec<Option<Value>> = vec![None; plan.nodes.len()];
        for at in needed {
            let node = &plan.nodes[at];
            let read = plan.read(node, stage);
            let inputs: Vec<Value> = read.iter().filter_map(|input| values[*input].clone()).collect();
            read.iter().filter(|input| last[**input] == at).for_each(|input| values[*input] = None);
            values[at] = Some(step(pass, node, &self.weights[at], inputs, given)?);
        }
        let asked = asked.iter().map(|at| values[*at].clone());
        asked.collect::<Option<_>>().map_or_else(|| bail!("a plan asks for what it does not compute"), Ok)
    }
}

fn step(
    pass: &mut Pass<'_>,
    node: &Node,
    weights: &[Held],
    inputs: Vec<Value>,
    given: NetworkInputs<'_>,
) -> Result<Value> {
    let [height, width, channels] = node.shape;
    let stage = pass.stage();
    let x = inputs.first();
    let second = inputs.get(1);
    match (&node.op, weights, x, second) {
        (Op::Latent { unit }, ..) => latent(given, *unit),
        (Op::Source(place), ..) => {
            let Some(source) = given.sources.get(*place) else { bail!("no source {place}") };
            let (wanted_height, wanted_width) = stage.resolution.map_or((height, width), |side| (side, side));
            match *source.dims() {
                [_, h, w, c] if (h, w, c) == (wanted_height, wanted_width, channels) => Ok(source.clone()),
                _ => bail!(
                    "images {:?} where (B, {wanted_height}, {wanted_width}, {channels}) was wanted",
                    source.dims()
                ),
            }
        }
        (Op::Frozen(place), _, Some(x), _) => match given.frozen {
            Some(network) => network.stretch(*place, x),
            None => bail!("a plan with a frozen network was given none"),
        },
        (Op::Embedding { .. }, [table], ..) => {
            let rows = table.value(pass)?.rows(given.labels()?)?;
            rows.reshape(&[rows.dims()[0], 1, 1, channels])
        }
        (Op::Phased { .. }, _, None, _) => {
            let batch = given.labels()?.dim(0)?;
            let device = given.labels()?.device();
            Ok(Value::constant(Tensor::zeros((batch, height, width, channels), DType::F32, device)?))
        }
        (Op::Phased { .. }, _, Some(x), _) if stage.condition < 1.0 => x.scale(stage.condition.max(0.0)),
        (Op::Phased { .. }, _, Some(x), _) | (Op::Grown { .. }, _, Some(x), None) => Ok(x.clone()),
        (Op::Grown { .. }, _, Some(before), Some(now)) => before.scale(1.0 - stage.fade)?.add(&now.scale(stage.fade)?),
        (Op::Join, _, Some(first), _) => {
            inputs[1..].iter().try_fold(first.clone(), |joined, next| joined.join_last(next))
        }
        (Op::Reshape, _, Some(x), _) => x.reshape(&[x.dims()[0], height, width, channels]),
        (Op::Spread, _, Some(x), _) => x.broadcast_as(&[x.dims()[0], height, width, channels]),
        (Op::Convolution(c), [kernel], Some(x), _) if c.start == Start::Fixed => {
            x.conv(&Value::constant(pass.tensor(kernel.id).clone()), POINT)
        }
        (Op::Convolution(c), [kernel, bias @ ..], Some(x), _) => {
            let geometry = Geometry::new(c.stride, c.padding);
            convolution(pass, x, *kernel, bias.first(), (geometry, c.slope))
        }
        (Op::Transposed(c), weights, Some(x), _) => transposed(pass, x, weights, c, (height, width)),
        (Op::Linear { slope }, [weight, bias], Some(x), _) => linear(pass, x, weight, bias, *slope),
        (Op::Upsampled, [kernel], Some(x), _) => x.upsampled_conv(&kernel.value(pass)?),
        (Op::Doubled, _, Some(x), _) => x.upsample(2),
        (Op::Averaged, _, Some(x), _) => averaged(x, (height, width)),
        (Op::Halved { inside }, _, Some(x), _) => {
            if *inside {
                x.average_pool_inside(HALVE)
            } else {
                x.average_pool(HALVE)
            }
        }
        (Op::UnitNorm, [mean, variance, count], Some(x), _) => unit_norm(pass, x, [mean, variance, count]),
        (Op::ConditionalNorm, [mean, variance, count, scale, scale_bias, shift, shift_bias], Some(x), Some(c)) => {
            let vectors = [x.dims()[0], channels];
            let scale = linear(pass, c, scale, scale_bias, 1.0)?.reshape(&vectors)?.affine(1.0, 1.0)?;
            let shift = linear(pass, c, shift, shift_bias, 1.0)?.reshape(&vectors)?;
            by_batch(pass, x, [mean, variance, count], [&scale, &shift], 1.0)
        }
        (Op::ClassNorm { slope, .. }, [mean, variance, count, scale, shift], Some(x), _) => {
            let scale = by_class(pass, scale, given.labels()?)?;
            let shift = by_class(pass, shift, given.labels()?)?;
            by_batch(pass, x, [mean, variance, count], [&scale, &shift], *slope)
        }
        (Op::BatchNorm { slope }, [scale, shift, mean, variance, count], Some(x), _) => {
            let (scale, shift) = (for_all(pass, scale)?, for_all(pass, shift)?);
            by_batch(pass, x, [mean, variance, count], [&scale, &shift], *slope)
        }
        (Op::LayerNorm { slope }, [scale, shift], Some(x), _) => {
            let (scale, shift) = (for_all(pass, scale)?, for_all(pass, shift)?);
            Ok(x.normalise(&scale, &shift, Over::Image, *slope)?.0)
        }
        (Op::Attention { .. }, weights, Some(x), _) => self_attention(pass, x, weights),
        (Op::MinibatchStddev, _, Some(x), of) => x.join_minibatch_stddev_of(of.unwrap_or(x)),
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
        (Op::Project { .. }, [table], Some(x), _) => project(pass, x, table, given.labels()?),
        (Op::Projection { .. }, [table], Some(x), _) => projection(pass, x, table, given.labels()?),
        (op, ..) => bail!("`{}`: {op:?} lacks what it is computed from", node.name),
    }
}

/// Noise as vectors `(B, 1, 1, latent_dim)`, divided by the root of its mean square where it is to be a `unit`.
fn latent(given: NetworkInputs<'_>, unit: bool) -> Result<Value> {
    let Some(z) = given.latent else { bail!("a plan with noise was given none") };
    let (batch, latent) = z.tensor().dims2()?;
    if !unit {
        return z.reshape(&[batch, 1, 1, latent]);
    }
    let inverse = z.mul(z)?.sum_keepdim(1)?.affine(1.0 / latent as f64, 1e-8)?.power(-0.5)?;
    z.mul(&inverse)?.reshape(&[batch, 1, 1, latent])
}

/// Squares of pixels to their means, so that this size results.
fn averaged(x: &Value, (height, width): (usize, usize)) -> Result<Value> {
    let (_, rows, columns, _) = x.tensor().dims4()?;
    let times = rows / height.max(1);
    match times {
        _ if (height * times, width * times) != (rows, columns) => {
            bail!("images of {rows}x{columns} pixels cannot be averaged to {height}x{width}")
        }
        1 => Ok(x.clone()),
        _ => x.average_pool(Window::square(times, times, 0)),
    }
}
