//! The weights of every operation, described once: counting, drawing and storing go by it.

use std::collections::BTreeSet;

use super::{Convolution, Node, Op, Plan, Start};
use crate::config::AttentionForm;

/// What numbers a weight starts with, and whether they learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// From N(mean, deviation).
    Normal {
        /// Their mean.
        mean: f32,
        /// Their standard deviation.
        deviation: f32,
    },
    /// Uniform in ± this.
    Uniform(f32),
    /// A kernel whose rows `(kh, kw, I)` are orthogonal and of unit length, or its columns where there are fewer of those
    /// (Saxe et al. 2014).
    Orthogonal,
    /// All this.
    Constant(f32),
    /// From N(0, deviation); they never change.
    Fixed(f32),
    /// All this; they follow statistics of batches.
    Running(f32),
    /// A count of batches.
    Count,
}

/// A named array of numbers of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Behind the node's name, such as `weight`.
    pub name: String,
    /// Its sides. Four are a convolution's kernel, `(O, kh, kw, I)`, and three the numbers of a map `(H, W, C)`, which lie flat;
    /// files hold channels before positions.
    pub shape: Vec<usize>,
    /// What they start with.
    pub init: Init,
    /// Whether it is divided by its largest singular value; the vectors `u` and `v` of that stand beside it.
    pub spectral: bool,
    /// Whether it is a table with a row for each class.
    pub by_class: bool,
}

impl Weight {
    fn new(name: impl Into<String>, shape: &[usize], init: Init) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), init, spectral: false, by_class: false }
    }

    fn table(name: impl Into<String>, [classes, width]: [usize; 2], init: Init) -> Self {
        Self { by_class: true, ..Self::new(name, &[classes, width], init) }
    }

    /// One that is named `layer.weight` where it is divided by its largest singular value.
    fn spectral(self, spectral: bool) -> Self {
        let name = if spectral { self.name.replace("weight", "layer.weight") } else { self.name };
        Self { name, spectral, ..self }
    }

    /// Whether an optimiser moves it.
    pub fn is_trainable(&self) -> bool {
        !matches!(self.init, Init::Fixed(_) | Init::Running(_) | Init::Count)
    }
}

/// Convolutions and tables of DCGAN start so.
const NARROW: Init = Init::Normal { mean: 0.0, deviation: 0.02 };
/// So do vectors of classes.
const STANDARD: Init = Init::Normal { mean: 0.0, deviation: 1.0 };
/// And scales of normalisations.
const NEAR_ONE: Init = Init::Normal { mean: 1.0, deviation: 0.02 };

impl Plan {
    /// The weights of a node, in the order in which they are drawn and stored.
    pub fn weights(&self, node: &Node) -> Vec<Weight> {
        let (inputs, [height, width, outputs]) = (self.channels(node, 0), node.shape);
        match &node.op {
            Op::Embedding { classes } => vec![Weight::table("weight", [*classes, outputs], STANDARD)],
            Op::Convolution(c) => {
                let summed = c.kernel * c.kernel * inputs;
                convolution(c, [outputs, c.kernel, c.kernel, inputs], summed, outputs)
            }
            Op::Transposed(c) => convolution(c, [inputs, c.kernel, c.kernel, outputs], inputs, outputs),
            Op::Linear { .. } => {
                let start = Init::Uniform(inverse_root(inputs));
                vec![Weight::new("weight", &[outputs, inputs], start), Weight::new("bias", &[outputs], start)]
            }
            Op::Upsampled => vec![Weight::new("weight", &[outputs, 3, 3, inputs], Init::Orthogonal)],
            Op::UnitNorm => statistics("", &[height, width, outputs]),
            Op::ConditionalNorm => {
                let condition = self.channels(node, 1);
                let mut weights = statistics("norm.", &[outputs]);
                for part in ["scale", "shift"] {
                    weights.push(Weight::new(format!("{part}.weight"), &[outputs, condition], NARROW));
                    weights.push(Weight::new(format!("{part}.bias"), &[outputs], Init::Constant(0.0)));
                }
                weights
            }
            Op::ClassNorm { classes, .. } => {
                let mut weights = statistics("norm.", &[outputs]);
                for (name, value) in [("scale.weight", 1.0), ("shift.weight", 0.0)] {
                    weights.push(Weight::table(name, [*classes, outputs], Init::Constant(value)));
                }
                weights
            }
            Op::BatchNorm { .. } => [scale_and_shift(outputs), statistics("", &[outputs])].concat(),
            Op::LayerNorm { .. } => scale_and_shift(outputs),
            Op::Attention { form, spectral } => attention(*form, *spectral, outputs),
            Op::Project { classes, spectral } => {
                let start = Init::Normal { mean: 0.0, deviation: inverse_root(inputs) };
                vec![Weight::table("weight", [*classes, inputs], start).spectral(*spectral)]
            }
            Op::Projection { classes, spectral } => {
                vec![Weight::table("weight", [*classes, inputs], STANDARD).spectral(*spectral)]
            }
            Op::Latent { .. }
            | Op::Source(_)
            | Op::Frozen(_)
            | Op::Phased { .. }
            | Op::Join
            | Op::Reshape
            | Op::Spread
            | Op::Doubled
            | Op::Averaged
            | Op::Halved { .. }
            | Op::MinibatchStddev
            | Op::Glu
            | Op::Silu
            | Op::Sigmoid
            | Op::Tanh
            | Op::ScaleChannels
            | Op::Sum { .. }
            | Op::Resize
            | Op::Grown { .. } => Vec::new(),
        }
    }

    /// Numbers that it learns.
    pub fn parameter_count(&self) -> usize {
        let (mut known, mut total) = (BTreeSet::new(), 0);
        for node in &self.nodes {
            if node.name.is_empty() || known.insert(node.name.as_str()) {
                let learnt = self.weights(node).into_iter().filter(Weight::is_trainable);
                total += learnt.map(|weight| weight.shape.iter().product::<usize>()).sum::<usize>();
            }
        }
        total
    }
}

/// 1 / sqrt(count)
fn inverse_root(count: usize) -> f32 {
    1.0 / (count as f32).sqrt()
}

/// A kernel whose outputs are sums of so many numbers, and a bias for each channel that results.
fn convolution(c: &Convolution, kernel: [usize; 4], summed: usize, outputs: usize) -> Vec<Weight> {
    let (kernel_start, bias_start) = match c.start {
        Start::Uniform => [Init::Uniform(inverse_root(summed)); 2].into(),
        Start::Normal => (NARROW, Init::Constant(0.0)),
        Start::Fixed => (Init::Fixed(inverse_root(kernel[3])), Init::Constant(0.0)),
    };
    named("", c.spectral, (&kernel, kernel_start), c.bias.then_some((outputs, bias_start)))
}

/// A kernel, and a bias where there is one; `at` stands before their names.
fn named(at: &str, spectral: bool, kernel: (&[usize], Init), bias: Option<(usize, Init)>) -> Vec<Weight> {
    let mut weights = vec![Weight::new(format!("{at}weight"), kernel.0, kernel.1).spectral(spectral)];
    let name = if spectral { "layer.bias" } else { "bias" };
    weights.extend(bias.map(|(channels, start)| Weight::new(format!("{at}{name}"), &[channels], start)));
    weights
}

fn scale_and_shift(channels: usize) -> Vec<Weight> {
    vec![Weight::new("weight", &[channels], NEAR_ONE), Weight::new("bias", &[channels], Init::Constant(0.0))]
}

/// Running means, running variances and the count of batches.
fn statistics(at: &str, shape: &[usize]) -> Vec<Weight> {
    let running = |name, start| Weight::new(format!("{at}{name}"), shape, Init::Running(start));
    let count = Weight::new(format!("{at}num_batches_tracked"), &[], Init::Count);
    vec![running("running_mean", 0.0), running("running_var", 1.0), count]
}

impl AttentionForm {
    /// Channels of query and key, and of the value, on a map with so many.
    pub fn widths(self, channels: usize) -> (usize, usize) {
        let wide = match self {
            Self::Plain => channels,
            Self::Sagan => (channels / 2).max(1),
        };
        ((channels / 8).max(1), wide)
    }
}

/// Query, key and value, in SAGAN's form the output, and the gate.
fn attention(form: AttentionForm, spectral: bool, channels: usize) -> Vec<Weight> {
    let (narrow, wide) = form.widths(channels);
    let sagan = form == AttentionForm::Sagan;
    let mut layers = vec![("query.", narrow, channels), ("key.", narrow, channels), ("value.", wide, channels)];
    if sagan {
        layers.push(("output.", channels, wide));
    }
    let mut weights = Vec::new();
    for (at, outputs, inputs) in layers {
        let bias = (!sagan).then_some((outputs, Init::Constant(0.0)));
        weights.extend(named(at, sagan && spectral, (&[outputs, 1, 1, inputs], NARROW), bias));
    }
    weights.push(Weight::new("gamma", &[1], Init::Constant(0.0)));
    weights
}
