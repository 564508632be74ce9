//! One inverted bottleneck of EfficientNet: widen each pixel, filter each channel, narrow each pixel again.

use super::weights::Weights;
use crate::ops::aligned::Aligned;
use crate::ops::depthwise::{Depthwise, padding_before};
use crate::ops::pointwise::{After, Pointwise};

/// Floats that the widened rows of a strip and their filtered ones may take together: half of a 1 MiB second-level
/// cache, the other half being for weights.
const STRIP: usize = 128 * 1024;

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Numbers in an input pixel.
    pub inputs: usize,
    /// Numbers in an output pixel.
    pub outputs: usize,
    /// How many times wider the pixels are between; 1 leaves the widening out.
    pub expansion: usize,
    /// Rows and columns of the filter.
    pub size: usize,
    /// Input pixels from one output pixel to the next.
    pub stride: usize,
}

/// Buffers of a strip, kept from block to block and image to image.
pub struct Strip {
    wide: Aligned,
    filtered: Aligned,
    /// Never written to: the row above and below an image.
    zeros: Aligned,
}

impl Strip {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { wide: Aligned::zeros(0), filtered: Aligned::zeros(0), zeros: Aligned::zeros(0) }
    }
}

/// An inverted bottleneck with constant weights.
pub struct Block {
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
    residual: bool,
}

impl Block {
    /// The block whose weights' names begin with `prefix`.
    pub fn load(weights: &Weights<'_>, prefix: &str, shape: Shape) -> Result<Self, String> {
        let Shape { inputs, outputs, expansion, size, stride } = shape;
        let wide = inputs * expansion;
        let name = |part: &str| format!("{prefix}.{part}");
        let expand = if expansion == 1 {
            None
        } else {
            let layer = weights.folded(&name("_expand_conv"), &name("_bn0"), [wide, inputs, 1, 1])?;
            Some(Pointwise::new(&layer.weights, &layer.bias, inputs))
        };
        let layer = weights.folded(&name("_depthwise_conv"), &name("_bn1"), [wide, 1, size, size])?;
        let depthwise = Depthwise::new(&layer.weights, &layer.bias, size, stride);
        let layer = weights.folded(&name("_project_conv"), &name("_bn2"), [outputs, wide, 1, 1])?;
        let project = Pointwise::new(&layer.weights, &layer.bias, wide);
        Ok(Self { expand, depthwise, project, residual: stride == 1 && inputs == outputs })
    }

    /// Numbers in an output pixel.
    pub fn outputs(&self) -> usize {
        self.project.outputs()
    }

    /// Rows and columns of the output for an input of `side` rows and columns.
    pub fn side_after(&self, side: usize) -> usize {
        side.div_ceil(self.depthwise.stride())
    }

    /// Input `(side, side, inputs)`, out `(side_after, side_after, outputs)`.
    ///
    /// Works in strips of output rows, each taken through all three layers before the next, since the widened image is
    /// several times larger than the second-level cache.
    pub fn run(&self, out: &mut [f32], input: &[f32], side: usize, strip: &mut Strip) {
        let (size, stride) = (self.depthwise.size(), self.depthwise.stride());
        let wide_row = side * self.depthwise.channels();
        let out_side = self.side_after(side);
        let filtered_row = out_side * self.depthwise.channels();
        let out_row = out_side * self.outputs();
        let before = padding_before(side, size, stride);
        let height = (STRIP.saturating_sub(size * wide_row) / (stride * wide_row + filtered_row)).clamp(1, out_side);

        let zeros = &*strip.zeros.at_least(wide_row);
        let filtered = strip.filtered.at_least(height * filtered_row);
        let mut wide = Window::new(&mut strip.wide, input, self.expand.as_ref(), side, height * stride + size);
        for top in (0..out_side).step_by(height) {
            let bottom = (top + height).min(out_side);
            let first = (top * stride).saturating_sub(before);
            wide.advance(first, ((bottom - 1) * stride + size - before).min(side));
            for (y, row) in (top..bottom).zip(filtered.chunks_exact_mut(filtered_row)) {
                let mut under = [zeros; 5];
                for (ky, under) in under[..size].iter_mut().enumerate() {
                    let place = y * stride + ky;
                    if (before..side + before).contains(&place) {
                        *under = wide.row(place - before);
                    }
                }
                self.depthwise.row(row, &under[..size]);
            }
            let rows = top * out_row..bottom * out_row;
            let after = if self.residual { After::Add(&input[rows.clone()]) } else { After::Linear };
            self.project.run(&mut out[rows], &filtered[..(bottom - top) * filtered_row], after);
        }
    }
}

/// The widened rows that the filter is looking at, moving down the image.
struct Window<'a> {
    rows: &'a mut [f32],
    input: &'a [f32],
    expand: Option<&'a Pointwise>,
    side: usize,
    row_len: usize,
    begin: usize,
    end: usize,
}

impl<'a> Window<'a> {
    fn new(
        buffer: &'a mut Aligned,
        input: &'a [f32],
        expand: Option<&'a Pointwise>,
        side: usize,
        most_rows: usize,
    ) -> Self {
        let row_len = expand.map_or(input.len() / side, |layer| side * layer.outputs());
        let rows = if expand.is_some() { buffer.at_least(most_rows * row_len) } else { &mut [] };
        Self { rows, input, expand, side, row_len, begin: 0, end: 0 }
    }

    /// Makes the rows `begin..end` ready; those that were so already are kept.
    fn advance(&mut self, begin: usize, end: usize) {
        let Some(expand) = self.expand else { return };
        let kept = self.end.saturating_sub(begin);
        let from = begin.max(self.begin) - self.begin;
        self.rows.copy_within(from * self.row_len..(from + kept) * self.row_len, 0);
        let ready = begin + kept;
        let inputs = self.side * expand.inputs();
        let rows = &mut self.rows[kept * self.row_len..(end - begin) * self.row_len];
        expand.run(rows, &self.input[ready * inputs..end * inputs], After::Relu6);
        (self.begin, self.end) = (begin, end);
    }

    fn row(&self, y: usize) -> &[f32] {
        match self.expand {
            Some(_) => &self.rows[(y - self.begin) * self.row_len..][..self.row_len],
            None => &self.input[y * self.row_len..][..self.row_len],
        }
    }
}
