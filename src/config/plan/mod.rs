//! A network described once: nodes with names, operations and shapes, from which running, counting, drawing and export derive.
//!
//! A family of networks is one file that writes such a list, and an arm for its [`GeneratorFamily`](super::GeneratorFamily) or
//! [`DiscriminatorFamily`](super::DiscriminatorFamily). What an operation computes stands in `model`, what it is in ONNX in
//! `engine`, each with one arm an operation, so that a family which makes do with the operations that are there touches neither.
//!
//! A network that grows is one list, too: what it is at a [`Stage`] are those of its nodes that the results of that stage are
//! computed from. Where images of a smaller size come in, a node names both ways and the stage picks one, or blends them.

pub mod dcgan;
pub mod fast;
pub mod projected;
mod weights;

use std::ops::Range;

use super::{AttentionForm, Stage};
pub use weights::{Init, Weight};

/// What a node computes. Shapes are height, width and channels of one image; vectors are images of one pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The noise that an image is made from.
    Latent {
        /// Whether it is divided by the root of its mean square (Karras et al. 2018).
        unit: bool,
    },
    /// A learnt vector of the label; the table is `NAME.weight`.
    Embedding {
        /// Rows of the table.
        classes: usize,
    },
    /// What comes from outside: images, which are as small as a stage has them, or maps of them.
    Source(usize),
    /// This stretch of a frozen EfficientNet-Lite0: the first from images, each further one from the map of that before.
    Frozen(usize),
    /// What comes of the label, as much as it counts at the stage.
    Phased {
        /// Whether it is computed, and learns, even where it does not count at all.
        eager: bool,
    },
    /// The channels of all inputs, one after the other. The inputs' other sides are alike.
    Join,
    /// The same numbers, row by row, in the node's shape.
    Reshape,
    /// A vector at every position.
    Spread,
    /// A convolution.
    Convolution(Convolution),
    /// A transposed convolution.
    Transposed(Convolution),
    /// A linear layer of vectors, with a bias and LeakyReLU of this slope behind it.
    Linear {
        /// Below zero.
        slope: f32,
    },
    /// Nearest-neighbour upsampling by 2 and a convolution of 3x3 without bias.
    Upsampled,
    /// Nearest-neighbour upsampling by 2.
    Doubled,
    /// The mean of each square of pixels, squares so large that the node's shape results; what has that shape stays.
    Averaged,
    /// The mean of 3x3 pixels round every second one.
    Halved {
        /// Whether pixels beyond the border are left out, and not counted as zeros.
        inside: bool,
    },
    /// Every number of the map normalised on its own over the images of a batch, without scale or shift.
    UnitNorm,
    /// Batch normalisation of the first input, whose scale and shift are linear in the vector that is the second one.
    ConditionalNorm,
    /// Batch normalisation with a scale and a shift for every class, and LeakyReLU of this slope behind it.
    ClassNorm {
        /// Rows of their tables.
        classes: usize,
        /// Below zero.
        slope: f32,
    },
    /// Batch normalisation with scale and shift, and LeakyReLU of this slope behind it.
    BatchNorm {
        /// Below zero.
        slope: f32,
    },
    /// Normalisation of each image by itself, with scale and shift, and LeakyReLU of this slope behind it.
    LayerNorm {
        /// Below zero.
        slope: f32,
    },
    /// Self-attention over all positions, added with a learnt gate that starts at 0 (Zhang et al. 2019).
    Attention {
        /// How it is built.
        form: AttentionForm,
        /// Whether its kernels are divided by their largest singular values, which `plain` leaves out.
        spectral: bool,
    },
    /// One more channel: how much the images of a batch differ in the second input, or in the first where there is one alone.
    MinibatchStddev,
    /// The first half of the channels times the sigmoid of the second.
    Glu,
    /// `x * sigmoid(x)`
    Silu,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// The channels of the first input, each times its number in the second, a vector.
    ScaleChannels,
    /// The sum of both inputs, times a constant.
    Sum {
        /// The constant.
        scale: f64,
    },
    /// Bilinear resizing to the node's shape.
    Resize,
    /// The product, summed over channels, of each pixel with a learnt vector of the label: one number a pixel. The table's rows
    /// are `NAME.weight`, or `NAME.layer.weight` where it is divided by its largest singular value.
    Project {
        /// Rows of the table.
        classes: usize,
        /// Whether the table is divided by its largest singular value.
        spectral: bool,
    },
    /// The product of the sum over all pixels with a learnt vector of the label (Miyato & Koyama 2018): one number.
    Projection {
        /// Rows of the table.
        classes: usize,
        /// Whether the table is divided by its largest singular value.
        spectral: bool,
    },
    /// The first input before images have this side, the second once they do, and both while that fades in (Karras et al. 2018).
    Grown {
        /// The side of images.
        side: usize,
    },
}

/// How the numbers of a convolution start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Uniform in ± 1 / sqrt(numbers that an output is summed from), the bias too, as PyTorch starts.
    Uniform,
    /// From N(0, 0.02), the bias at 0, as DCGAN starts.
    Normal,
    /// From N(0, 1 / inputs), and never changed.
    Fixed,
}

/// What a convolution is beside the shapes that it lies between.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Side of the kernel.
    pub kernel: usize,
    /// Step between patches.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Whether the kernel is divided by its largest singular value. That of a transposed convolution is taken as that of the
    /// convolution that it transposes: inputs by the rest. PyTorch takes outputs by the rest, which is about a fifth larger;
    /// neither is the norm of the map itself.
    pub spectral: bool,
    /// How it starts.
    pub start: Start,
    /// Slope below zero of the LeakyReLU behind it; 1 for none.
    pub slope: f32,
}

impl Convolution {
    /// One pixel to one pixel, with a bias.
    pub const POINT: Self =
        Self { kernel: 1, stride: 1, padding: 0, bias: true, spectral: false, start: Start::Uniform, slope: 1.0 };

    /// 3x3 to the same size, with a bias.
    pub const SAME: Self = Self { kernel: 3, padding: 1, ..Self::POINT };
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Stands before the names of its weights, such as `blocks.0`; empty where there are none. Nodes of one name share them.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The places of what it computes it from.
    pub inputs: Vec<usize>,
    /// Height, width and channels of what it gives.
    pub shape: [usize; 3],
}

/// A network: nodes in an order in which each comes after its inputs, and the places of those that are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The nodes, in the order in which they are computed.
    pub nodes: Vec<Node>,
    /// What is asked for. A generator that grows is asked for one of several: images of the stage's side.
    pub outputs: Vec<usize>,
    /// The places of the nodes in the order in which their weights are drawn, and stored.
    pub drawn: Vec<usize>,
}

/// A discriminator: first what it makes of images before anything that learns, then what it says of that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiscriminatorPlan {
    /// From images, source 0: those themselves, or what a frozen network sees in them. The outputs are `judge`'s sources.
    pub look: Plan,
    /// What learns.
    pub judge: Plan,
    /// What is asked of it, for each scale or network that judges on its own.
    pub verdicts: Vec<DiscriminatorHead>,
}

/// The places of what is said of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscriminatorHead {
    /// A vector, above 0 for real: one number, or one for each place that is judged.
    pub logits: usize,
    /// A vector with a logit for each class.
    pub classes: Option<usize>,
    /// A map with a logit for each pixel.
    pub pixels: Option<usize>,
}

impl DiscriminatorHead {
    /// All that there is, the logits first.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        [Some(self.logits), self.classes, self.pixels].into_iter().flatten()
    }
}

impl Plan {
    /// Adds a node and returns its place.
    pub(super) fn node(&mut self, name: impl Into<String>, op: Op, inputs: &[usize], shape: [usize; 3]) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), shape });
        self.drawn.push(at);
        at
    }

    /// Adds a node that keeps the shape of its first input, and has no weights.
    pub(super) fn same(&mut self, op: Op, inputs: &[usize]) -> usize {
        let shape = self.shape(inputs[0]);
        self.node("", op, inputs, shape)
    }

    /// Draws the weights of some nodes after those of all others so far.
    pub(super) fn draw_last(&mut self, nodes: Range<usize>) {
        self.drawn.retain(|at| !nodes.contains(at));
        self.drawn.extend(nodes);
    }

    /// The shape of a node.
    pub fn shape(&self, at: usize) -> [usize; 3] {
        self.nodes[at].shape
    }

    /// Channels of a node's `index`-th input.
    pub fn channels(&self, node: &Node, index: usize) -> usize {
        node.inputs.get(index).map_or(0, |at| self.nodes[*at].shape[2])
    }

    /// Where a generator's images of a stage are; nothing where it has no such stage.
    pub fn images(&self, stage: Stage) -> Option<usize> {
        let fits = |at: &&usize| stage.resolution.is_none_or(|side| self.shape(**at)[0] == side);
        self.outputs.iter().rev().find(fits).copied()
    }

    /// The inputs of a node that are read at a stage.
    pub fn read<'a>(&self, node: &'a Node, stage: Stage) -> &'a [usize] {
        match (&node.op, node.inputs.as_slice()) {
            (Op::Phased { eager: false }, _) if stage.condition <= 0.0 => &[],
            (Op::Grown { side }, inputs @ [_, _]) => match stage.resolution {
                Some(resolution) if resolution < *side => &inputs[..1],
                Some(resolution) if resolution == *side && stage.fading() => inputs,
                Some(_) | None => &inputs[1..],
            },
            (_, inputs) => inputs,
        }
    }

    /// The places of what must be computed for some nodes at a stage, each after what it reads.
    pub fn needed(&self, stage: Stage, asked: &[usize]) -> Vec<usize> {
        let mut needed = vec![false; self.nodes.len()];
        asked.iter().for_each(|at| needed[*at] = true);
        for at in (0..self.nodes.len()).rev() {
            if needed[at] {
                self.read(&self.nodes[at], stage).iter().for_each(|input| needed[*input] = true);
            }
        }
        (0..self.nodes.len()).filter(|at| needed[*at]).collect()
    }
}
