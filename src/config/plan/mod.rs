//! A network described once: nodes with names, operations and shapes, from which running, counting, drawing and export derive.
//!
//! A family of networks is one file that writes such a list. What an operation computes stands in `model`, what it is in ONNX in
//! `engine`, each with one arm an operation, so that a family which makes do with the operations that are there touches neither.

pub mod fast;
pub mod projected;

/// What a node computes. Shapes are height, width and channels of one image; vectors are images of one pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The noise that an image is made from, divided by the root of its mean square (Karras et al. 2018).
    Latent,
    /// A learnt vector of the label; the table is `NAME.weight`.
    Embedding {
        /// Rows of the table.
        classes: usize,
    },
    /// What comes from outside, such as the feature map of a frozen network.
    Source(usize),
    /// The channels of all inputs, one after the other. The inputs' other sides are alike.
    Join,
    /// Every number of an image as one vector, row by row.
    Flatten,
    /// A convolution.
    Convolution(Convolution),
    /// A transposed convolution of a vector: a map of the kernel's size, without bias.
    Unfold {
        /// Side of the map.
        side: usize,
    },
    /// Nearest-neighbour upsampling by 2 and a convolution of 3x3 without bias.
    Upsampled,
    /// Every number of the map normalised on its own over the images of a batch, without scale or shift.
    UnitNorm,
    /// Batch normalisation of the first input, whose scale and shift are linear in the vector that is the second one.
    ConditionalNorm,
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
    /// Whether the kernel is divided by its largest singular value.
    pub spectral: bool,
    /// Whether it never learns: drawn from N(0, 1 / inputs) and kept.
    pub fixed: bool,
    /// Slope below zero of the LeakyReLU behind it; 1 for none.
    pub slope: f32,
}

impl Convolution {
    /// One pixel to one pixel, with a bias.
    pub const POINT: Self =
        Self { kernel: 1, stride: 1, padding: 0, bias: true, spectral: false, fixed: false, slope: 1.0 };

    /// 3x3 to the same size, with a bias.
    pub const SAME: Self = Self { kernel: 3, padding: 1, ..Self::POINT };
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Stands before the names of its weights, such as `blocks.0`; empty where there are none.
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
    /// The nodes. Their weights are stored, and drawn, in this order.
    pub nodes: Vec<Node>,
    /// What is asked for.
    pub outputs: Vec<usize>,
}

impl Plan {
    /// Adds a node and returns its place.
    pub(super) fn node(&mut self, name: impl Into<String>, op: Op, inputs: &[usize], shape: [usize; 3]) -> usize {
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), shape });
        self.nodes.len() - 1
    }

    /// Adds a node that keeps the shape of its first input, and has no weights.
    pub(super) fn same(&mut self, op: Op, inputs: &[usize]) -> usize {
        let shape = self.shape(inputs[0]);
        self.node("", op, inputs, shape)
    }

    /// The shape of a node.
    pub fn shape(&self, at: usize) -> [usize; 3] {
        self.nodes[at].shape
    }

    /// Channels of a node's `index`-th input.
    pub fn channels(&self, node: &Node, index: usize) -> usize {
        node.inputs.get(index).map_or(0, |at| self.nodes[*at].shape[2])
    }

    /// Numbers that it learns.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(|node| self.learnt(node)).sum()
    }

    /// Numbers that a node learns.
    pub fn learnt(&self, node: &Node) -> usize {
        let (inputs, outputs) = (self.channels(node, 0), node.shape[2]);
        match &node.op {
            Op::Embedding { classes } => classes * outputs,
            Op::Convolution(c) if c.fixed => 0,
            Op::Convolution(c) => inputs * outputs * c.kernel * c.kernel + if c.bias { outputs } else { 0 },
            Op::Unfold { side } => inputs * outputs * side * side,
            Op::Upsampled => inputs * outputs * 9,
            Op::ConditionalNorm => 2 * outputs * (self.channels(node, 1) + 1),
            Op::BatchNorm { .. } | Op::LayerNorm { .. } => 2 * outputs,
            Op::Project { classes, .. } => classes * inputs,
            Op::Latent
            | Op::Source(_)
            | Op::Join
            | Op::Flatten
            | Op::UnitNorm
            | Op::Glu
            | Op::Silu
            | Op::Sigmoid
            | Op::Tanh
            | Op::ScaleChannels
            | Op::Sum { .. }
            | Op::Resize => 0,
        }
    }

    /// Numbers that all its nodes give for one image: what waits for a gradient.
    pub fn activations(&self) -> usize {
        self.nodes.iter().map(|node| node.shape.iter().product::<usize>()).sum()
    }
}
