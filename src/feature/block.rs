//! One inverted bottleneck of EfficientNet: widen each pixel, filter each channel, narrow each pixel again.

use std::ops::Range;

use candle_core::Result;
use candle_nn::VarBuilder;

use super::weights::folded;
use crate::ops::aligned::Aligned;
use crate::ops::depthwise::{Depthwise, Taps};
use crate::ops::epilogue::{BITS, Epilogue};
use crate::ops::pointwise::Pointwise;

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

/// Rows and columns of an image.
pub type Size = (usize, usize);

/// Buffers of a strip, kept from block to block and image to image.
pub struct Strip {
    wide: Aligned,
    filtered: Aligned,
}

impl Strip {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { wide: Aligned::zeros(0), filtered: Aligned::zeros(0) }
    }
}

/// What becomes of the widened and the filtered numbers, for all images of a call.
pub enum Clip<'a> {
    /// Clamped to 0..=6.
    Forget,
    /// The same, and remembered where they were strictly between, a bit for each number.
    Remember([&'a mut [u16]; 2]),
    /// 0 where the bit is not set, and no bias is added.
    Masked([&'a [u16]; 2]),
}

/// The two things that are clipped.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The numbers before the filter.
    Wide = 0,
    /// Those after it.
    Filtered = 1,
}

impl Clip<'_> {
    /// For these numbers of a layer's output.
    pub fn after(&mut self, which: Which, numbers: Range<usize>) -> Epilogue<'_> {
        let words = numbers.start / BITS..numbers.end / BITS;
        match self {
            Clip::Forget => Epilogue::Relu6,
            Clip::Remember(bits) => Epilogue::Remember(&mut bits[which as usize][words]),
            Clip::Masked(bits) => Epilogue::Masked(&bits[which as usize][words]),
        }
    }

    /// Whether the layers add their biases.
    pub fn is_biased(&self) -> bool {
        !matches!(self, Clip::Masked(_))
    }
}

/// A product, with its bias or without.
pub fn product(layer: &Pointwise, out: &mut [f32], input: &[f32], biased: bool, after: Epilogue<'_>) {
    if biased {
        layer.run(out, input, after);
    } else {
        layer.run_unbiased(out, input, after);
    }
}

/// An inverted bottleneck with constant weights, or what takes gradients of its output to those of its input, which has
/// the same form.
pub struct Block {
    widen: Option<Pointwise>,
    filter: Depthwise,
    narrow: Option<Pointwise>,
    residual: bool,
}

impl Block {
    /// The block of these weights.
    pub fn load(vars: &VarBuilder<'_>, shape: Shape) -> Result<Self> {
        let Shape { inputs, outputs, expansion, size, stride } = shape;
        let wide = inputs * expansion;
        let widen = if expansion == 1 {
            None
        } else {
            let layer = folded(vars, "_expand_conv", "_bn0", [wide, inputs, 1, 1])?;
            Some(Pointwise::new(&layer.weights, &layer.bias, inputs))
        };
        let layer = folded(vars, "_depthwise_conv", "_bn1", [wide, 1, size, size])?;
        let filter = Depthwise::new(&layer.weights, &layer.bias, size, stride);
        let layer = folded(vars, "_project_conv", "_bn2", [outputs, wide, 1, 1])?;
        let narrow = Some(Pointwise::new(&layer.weights, &layer.bias, wide));
        Ok(Self { widen, filter, narrow, residual: stride == 1 && inputs == outputs })
    }

    /// What takes gradients back, where the sides divide by the stride. The bits of its widened numbers are those of the
    /// block's filtered ones, and the other way round.
    pub fn transposed(&self) -> Self {
        Self {
            widen: self.narrow.as_ref().map(Pointwise::transposed),
            filter: self.filter.transposed(),
            narrow: self.widen.as_ref().map(Pointwise::transposed),
            residual: self.residual,
        }
    }

    /// Numbers in a pixel while it is wide.
    pub fn wide(&self) -> usize {
        self.filter.channels()
    }

    /// Numbers in an output pixel.
    pub fn outputs(&self) -> usize {
        self.narrow.as_ref().map_or(self.wide(), Pointwise::outputs)
    }

    /// Input pixels from one output pixel to the next.
    pub fn stride(&self) -> usize {
        self.filter.stride()
    }

    /// Rows and columns of the output.
    pub fn size_after(&self, (height, width): Size) -> Size {
        (self.filter.side_after(height), self.filter.side_after(width))
    }

    /// Images `(B, size, inputs)` to `(B, size_after, outputs)`.
    ///
    /// Works in strips of output rows, each taken through all three layers before the next, since a widened image may be
    /// several times larger than the second-level cache; where it is smaller, on as many images at a time as fit, so
    /// that the weights are read less often.
    pub fn run(&self, out: &mut [f32], input: &[f32], size: Size, clip: &mut Clip<'_>, strip: &mut Strip) {
        let after = self.size_after(size);
        let (image, out_image) = (input.len() / self.images(out, after), after.0 * after.1 * self.outputs());
        let numbers = (size.0 * size.1 + after.0 * after.1) * self.wide();
        let together = STRIP / numbers;
        for (index, (out, input)) in
            out.chunks_mut(together.max(1) * out_image).zip(input.chunks(together.max(1) * image)).enumerate()
        {
            let mut run = Run { block: self, input, size, after, first: index * together.max(1), clip };
            if together > 0 {
                run.whole(out, strip);
            } else {
                run.strips(out, strip);
            }
        }
    }

    fn images(&self, out: &[f32], (height, width): Size) -> usize {
        out.len() / (height * width * self.outputs())
    }

    fn narrowed(&self, out: &mut [f32], filtered: &[f32], input: &[f32], biased: bool) {
        if let Some(layer) = &self.narrow {
            let after = if self.residual { Epilogue::Add(input) } else { Epilogue::Linear };
            product(layer, out, filtered, biased, after);
        }
    }
}

/// A block at work on some of its images.
struct Run<'a, 'b> {
    block: &'a Block,
    input: &'a [f32],
    size: Size,
    after: Size,
    /// How many images of the call come before these.
    first: usize,
    clip: &'a mut Clip<'b>,
}

impl Run<'_, '_> {
    /// Numbers of a row, wide and filtered.
    fn rows(&self) -> (usize, usize) {
        (self.size.1 * self.block.wide(), self.after.1 * self.block.wide())
    }

    /// Each layer on all the images before the next.
    fn whole(&mut self, out: &mut [f32], strip: &mut Strip) {
        let (wide_row, filtered_row) = self.rows();
        let (wide_image, filtered_image) = (self.size.0 * wide_row, self.after.0 * filtered_row);
        let images = self.block.images(out, self.after);
        let biased = self.clip.is_biased();
        let mut wide = self.input;
        if let Some(layer) = &self.block.widen {
            let rows = strip.wide.at_least(images * wide_image);
            let begin = self.first * wide_image;
            product(layer, rows, self.input, biased, self.clip.after(Which::Wide, begin..begin + rows.len()));
            wide = rows;
        }
        // What is not narrowed is the output.
        let is_narrowed = self.block.narrow.is_some();
        let filtered = if is_narrowed { strip.filtered.at_least(images * filtered_image) } else { &mut *out };
        for (image, (filtered, wide)) in
            filtered.chunks_exact_mut(filtered_image).zip(wide.chunks_exact(wide_image)).enumerate()
        {
            let rows = |y: usize| &wide[y * wide_row..(y + 1) * wide_row];
            self.filtered(filtered, self.first + image, 0..self.after.0, rows);
        }
        if is_narrowed {
            self.block.narrowed(out, &strip.filtered[..images * filtered_image], self.input, biased);
        }
    }

    /// One image, some rows through all layers before the next.
    fn strips(&mut self, out: &mut [f32], strip: &mut Strip) {
        let (wide_row, filtered_row) = self.rows();
        let (_, out_rows) = (self.size.0, self.after.0);
        let out_row = out.len() / out_rows;
        // Wide rows for so many output rows: two of them lie apart by `stride / spread`.
        let filter = &self.block.filter;
        let per_row = (self.size.0 * wide_row).div_ceil(out_rows) + filtered_row;
        let height = (STRIP.saturating_sub(filter.size() * wide_row) / per_row).clamp(1, out_rows);
        let most = self.size.0.min((height * self.size.0).div_ceil(out_rows) + filter.size());
        let biased = self.clip.is_biased();
        let is_narrowed = self.block.narrow.is_some();
        let mut window = Window { rows: &mut strip.wide, row: wide_row, begin: 0, end: 0, most };
        for top in (0..out_rows).step_by(height) {
            let bottom = (top + height).min(out_rows);
            let end = filter.taps(bottom - 1, self.size.0);
            window.advance(filter.taps(top, self.size.0).from, end.from + end.count, self);
            let begin = window.begin;
            let (wide, begin) = if self.block.widen.is_some() { (&window.rows[..], begin) } else { (self.input, 0) };
            let rows = |y: usize| &wide[(y - begin) * wide_row..][..wide_row];
            let place = top * out_row..bottom * out_row;
            let numbers = (bottom - top) * filtered_row;
            if is_narrowed {
                let filtered = strip.filtered.at_least(numbers);
                self.filtered(filtered, self.first, top..bottom, rows);
                // The residual is as wide as the output.
                let input = if self.block.residual { &self.input[place.clone()] } else { &[] };
                self.block.narrowed(&mut out[place], &strip.filtered[..numbers], input, biased);
            } else {
                self.filtered(&mut out[place], self.first, top..bottom, rows);
            }
        }
    }

    /// The filtered rows `which` of an image whose wide rows are found by `rows`.
    fn filtered<'c>(&mut self, out: &mut [f32], image: usize, which: Range<usize>, rows: impl Fn(usize) -> &'c [f32]) {
        let (_, row) = self.rows();
        let filter = &self.block.filter;
        for (y, out) in which.zip(out.chunks_exact_mut(row)) {
            let Taps { first, from, count } = filter.taps(y, self.size.0);
            let mut under: [&[f32]; 5] = [&[]; 5];
            for (i, under) in under[..count].iter_mut().enumerate() {
                *under = rows(from + i);
            }
            let begin = (image * self.after.0 + y) * row;
            let biased = self.clip.is_biased();
            let after = self.clip.after(Which::Filtered, begin..begin + row);
            if biased {
                filter.row(out, &under[..count], first, after);
            } else {
                filter.row_unbiased(out, &under[..count], first, after);
            }
        }
    }
}

/// The widened rows that the filter is looking at, moving down the image.
struct Window<'a> {
    rows: &'a mut Aligned,
    /// Numbers in one of them.
    row: usize,
    begin: usize,
    end: usize,
    /// Rows at a time, at most.
    most: usize,
}

impl Window<'_> {
    /// Makes the rows `begin..end` ready; those that were so already are kept.
    fn advance(&mut self, begin: usize, end: usize, run: &mut Run<'_, '_>) {
        let Some(widen) = &run.block.widen else { return };
        let rows = self.rows.at_least(self.most * self.row);
        let kept = self.end.saturating_sub(begin);
        let from = begin.max(self.begin) - self.begin;
        rows.copy_within(from * self.row..(from + kept) * self.row, 0);
        let ready = begin + kept;
        let inputs = run.size.1 * widen.inputs();
        let rows = &mut rows[kept * self.row..(end - begin) * self.row];
        let above = run.first * run.size.0;
        let biased = run.clip.is_biased();
        let after = run.clip.after(Which::Wide, (above + ready) * self.row..(above + end) * self.row);
        product(widen, rows, &run.input[ready * inputs..end * inputs], biased, after);
        (self.begin, self.end) = (begin, end);
    }
}
