//! A stretch of a frozen network as one operation through which a gradient reaches its input.
//!
//! Images go through it a few at a time on one thread, in pieces that stay in that core's cache, so what an image becomes
//! is the same bits whatever other images or threads there are. The stretch is linear but for its clipping, of which a
//! bit a number is kept. So its gradient is linear in the gradient of its output, and the gradient of that is the stretch
//! again, without its biases and clipped as before.

use std::ops::Range;
use std::slice::ChunksMut;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::block::{Block, Clip, Size, Strip};
use super::stem::{COLOURS, STEM_OUTPUTS, Stem};
use crate::ops::aligned::Aligned;
use crate::ops::epilogue::BITS;
use crate::ops::tape::recording;
use crate::ops::{Value, cpu};

/// Output pixels that are enough to work on at once: the weights of the last layers are larger than a core's cache, and
/// each of their products reads them once.
const PIXELS: usize = 64;

/// Blocks one after another, the stem before them in the first stretch.
pub struct Segment {
    stem: Option<Stem>,
    blocks: Vec<Block>,
    /// What takes gradients back through each of them.
    back: Vec<Block>,
    inputs: usize,
    /// Buffers waiting for their next images; never more than the threads that ever worked at once.
    scratch: Mutex<Vec<Scratch>>,
}

struct Scratch {
    patches: Aligned,
    here: Aligned,
    there: Aligned,
    strip: Strip,
}

impl Scratch {
    fn new() -> Self {
        let empty = || Aligned::zeros(0);
        Self { patches: empty(), here: empty(), there: empty(), strip: Strip::new() }
    }
}

/// Which way numbers go through a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From the input to the output.
    Ahead,
    /// From the output to the input, transposed.
    Back,
}

/// Where the numbers of a batch were strictly between the ends of their clipping.
struct Bits {
    /// Rows and columns of the input of each block, and of the output.
    sizes: Vec<Size>,
    /// For each block the numbers before and after its filter, `(B, H, W, channels)`. A first block that does not widen
    /// its pixels has those of the stem.
    blocks: Vec<[Vec<u16>; 2]>,
}

impl Segment {
    /// Blocks for input pixels of `inputs` numbers, or for images where there is a stem.
    pub fn new(stem: Option<Stem>, blocks: Vec<Block>, inputs: usize) -> Self {
        let back = blocks.iter().map(Block::transposed).collect();
        let inputs = if stem.is_some() { COLOURS } else { inputs };
        Self { stem, blocks, back, inputs, scratch: Mutex::new(Vec::new()) }
    }

    /// `(B, H, W, inputs)` to `(B, Ho, Wo, outputs)`, f32 on the processor.
    ///
    /// # Errors
    /// Where the input is another, or its sides do not divide by the strides.
    pub fn run(self: &Arc<Self>, x: &Value) -> Result<Value> {
        let (images, height, width, channels) = x.tensor().dims4()?;
        let stride = self.stride();
        if channels != self.inputs || images * height * width == 0 || height % stride + width % stride > 0 {
            let wanted = self.inputs;
            bail!("maps of {height}x{width}x{channels} where sides that {stride} divides and {wanted} were wanted");
        }
        let sizes = self.sizes((height, width));
        if !(x.has_gradient() && recording()) {
            let clips = || self.blocks.iter().map(|_| Clip::Forget).collect();
            let out = self.apply(x, &sizes, Way::Ahead, std::iter::repeat_with(clips))?;
            return Ok(Value::constant(out));
        }
        let mut bits = self.bits(images, sizes);
        let chunk = self.chunk(images, &bits.sizes);
        let out = self.apply(x, &bits.sizes, Way::Ahead, remember(&mut bits.blocks, images, chunk))?;
        let (segment, bits) = (Arc::clone(self), Arc::new(bits));
        Ok(Value::computed(out, &[x], move |b| Ok(vec![b.of(0, || segment.linear(&bits, b.grad, Way::Back))?])))
    }

    /// The gradient, or that of the gradient.
    fn linear(self: &Arc<Self>, bits: &Arc<Bits>, x: &Value, way: Way) -> Result<Value> {
        let images = x.dims()[0];
        let chunk = self.chunk(images, &bits.sizes);
        let clips =
            (0..images).step_by(chunk).map(|first| bits.masked(first..(first + chunk).min(images), images, way));
        let out = self.apply(x, &bits.sizes, way, clips)?;
        let (segment, bits) = (Arc::clone(self), Arc::clone(bits));
        let other = if way == Way::Ahead { Way::Back } else { Way::Ahead };
        Ok(Value::computed(out, &[x], move |b| Ok(vec![b.of(0, || segment.linear(&bits, b.grad, other))?])))
    }

    /// Pixels of the input from one of the output to the next.
    fn stride(&self) -> usize {
        let stem = if self.stem.is_some() { 2 } else { 1 };
        self.blocks.iter().fold(stem, |stride, block| stride * block.stride())
    }

    /// Rows and columns of the input of each block, and of the output.
    fn sizes(&self, (height, width): Size) -> Vec<Size> {
        let first = if self.stem.is_some() { (height / 2, width / 2) } else { (height, width) };
        let mut sizes = vec![first];
        sizes.extend(self.blocks.iter().scan(first, |size, block| {
            *size = block.size_after(*size);
            Some(*size)
        }));
        sizes
    }

    /// How many images go through at once: as few as are enough work, so that all threads have some.
    fn chunk(&self, images: usize, sizes: &[Size]) -> usize {
        (PIXELS / pixels(sizes[sizes.len() - 1])).clamp(1, images.div_ceil(rayon::current_num_threads()))
    }

    fn outputs(&self) -> usize {
        self.blocks.last().map_or(self.inputs, Block::outputs)
    }

    fn bits(&self, images: usize, sizes: Vec<Size>) -> Bits {
        let words = |(height, width): Size, block: &Block| vec![0; images * height * width * block.wide() / BITS];
        let pairs = self.blocks.iter().zip(sizes.windows(2));
        let blocks = pairs.map(|(block, size)| [words(size[0], block), words(size[1], block)]).collect();
        Bits { sizes, blocks }
    }

    /// Bits that are remembered of an input of this size.
    #[cfg(test)]
    pub fn remembered(&self, size: Size) -> usize {
        let Bits { blocks, .. } = self.bits(1, self.sizes(size));
        blocks.iter().flatten().map(|words| words.len() * BITS).sum()
    }

    /// What the input becomes; the clipping of a chunk of images is the next one of `clips`.
    fn apply<'a>(
        &self,
        x: &Value,
        sizes: &[Size],
        way: Way,
        clips: impl Iterator<Item = Vec<Clip<'a>>>,
    ) -> Result<Tensor> {
        let x = x.tensor().contiguous()?;
        let (images, input) = (x.dims()[0], cpu::slice(&x)?);
        let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
        let first = if self.stem.is_some() { doubled(first) } else { first };
        let ((height, width), channels) = match way {
            Way::Ahead => (last, self.outputs()),
            Way::Back => (first, self.inputs),
        };
        let image = height * width * channels;
        // Cleared, though every number is written: that costs little beside the network, and what is not is for `ops` alone.
        let mut out = vec![0.0; images * image];
        let chunk = self.chunk(images, sizes);
        let parts = out.chunks_mut(chunk * image).zip(input.chunks(chunk * (input.len() / images))).zip(clips);
        let parts: Vec<_> = parts.collect();
        parts.into_par_iter().with_max_len(1).for_each(|((out, input), clips)| {
            let waiting = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut scratch = waiting.unwrap_or_else(Scratch::new);
            match way {
                Way::Ahead => self.ahead(out, input, sizes, clips, &mut scratch),
                Way::Back => self.back(out, input, sizes, clips, &mut scratch),
            }
            self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        });
        cpu::tensor(out, (images, height, width, channels))
    }

    fn ahead(&self, out: &mut [f32], input: &[f32], sizes: &[Size], mut clips: Vec<Clip<'_>>, scratch: &mut Scratch) {
        let images = out.len() / (pixels(sizes[sizes.len() - 1]) * self.outputs());
        let Scratch { patches, here, there, strip } = scratch;
        let mut input = input;
        if let Some(stem) = &self.stem {
            let wide = here.at_least(images * pixels(sizes[0]) * STEM_OUTPUTS);
            stem.run(wide, input, doubled(sizes[0]), &mut clips[0], patches);
            input = wide;
        }
        for (index, (block, clip)) in self.blocks.iter().zip(&mut clips).enumerate() {
            if index + 1 == self.blocks.len() {
                return block.run(out, input, sizes[index], clip, strip);
            }
            let numbers = images * pixels(sizes[index + 1]) * block.outputs();
            block.run(there.at_least(numbers), input, sizes[index], clip, strip);
            std::mem::swap(here, there);
            input = &here[..numbers];
        }
    }

    fn back(&self, out: &mut [f32], input: &[f32], sizes: &[Size], clips: Vec<Clip<'_>>, scratch: &mut Scratch) {
        let Scratch { patches, here, there, strip } = scratch;
        let images = input.len() / (pixels(sizes[sizes.len() - 1]) * self.outputs());
        let mut input = input;
        for (index, (block, mut clip)) in self.back.iter().zip(clips).enumerate().rev() {
            if index == 0 && self.stem.is_none() {
                return block.run(out, input, sizes[1], &mut clip, strip);
            }
            let numbers = images * pixels(sizes[index]) * block.outputs();
            block.run(there.at_least(numbers), input, sizes[index + 1], &mut clip, strip);
            std::mem::swap(here, there);
            input = &here[..numbers];
        }
        if let Some(stem) = &self.stem {
            stem.back(out, input, doubled(sizes[0]), patches);
        }
    }
}

/// For each chunk of `images` images the clipping of each block.
fn remember(blocks: &mut [[Vec<u16>; 2]], images: usize, chunk: usize) -> impl Iterator<Item = Vec<Clip<'_>>> {
    fn parts(bits: &mut [u16], images: usize, chunk: usize) -> ChunksMut<'_, u16> {
        bits.chunks_mut(chunk * (bits.len() / images))
    }
    fn next<'a>([wide, filtered]: &mut [ChunksMut<'a, u16>; 2]) -> Option<Clip<'a>> {
        Some(Clip::Remember([wide.next()?, filtered.next()?]))
    }
    let mut pairs: Vec<_> =
        blocks.iter_mut().map(|pair| pair.each_mut().map(|bits| parts(bits, images, chunk))).collect();
    std::iter::from_fn(move || pairs.iter_mut().map(next).collect())
}

impl Bits {
    /// For each block the clipping of these of `images` images.
    fn masked(&self, which: Range<usize>, images: usize, way: Way) -> Vec<Clip<'_>> {
        let part = |block: usize, side: usize| {
            let bits = &self.blocks[block][side];
            let words = bits.len() / images;
            &bits[which.start * words..which.end * words]
        };
        (0..self.blocks.len())
            .map(|block| match way {
                Way::Ahead => Clip::Masked([part(block, 0), part(block, 1)]),
                Way::Back => Clip::Masked([part(block, 1), part(block, 0)]),
            })
            .collect()
    }
}

fn pixels((height, width): Size) -> usize {
    height * width
}

/// What the stem halves to this.
fn doubled((height, width): Size) -> Size {
    (2 * height, 2 * width)
}
