//! Convolution without a patch matrix: the product reads padded images where they lie.
//!
//! In a channels-last image, the numbers that a patch has of one image row stand side by side. So a tile of the product
//! (some patches times some vectors of outputs, summed in registers) walks the rows of the kernel and reads each patch's
//! run of `kw * channels` numbers in place. A gradient in the input is one such product for each position within the
//! stride (each reads the taps that reach it); a gradient in the kernel sums over patches instead.
//!
//! Every number is one sum in a fixed order, whatever the number of threads.

mod kernel;

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

pub(super) use kernel::kernel_gradient;

use super::activation::Activation;
use super::padding::Padding;
use super::patches::Patches;
use super::simd::{dispatch, lanes};
use super::tile::{self, Rows, product};

/// Numbers of padded images that a thread works on at a time: they stay in its own cache.
const CHUNK_NUMBERS: usize = 1 << 16;
/// Patches that a thread works on at a time, at least: the weights come from a shared cache for each chunk.
const CHUNK_PATCHES: usize = 128;

/// Where the patches of an image start in its padded copy.
struct Places {
    padding: Padding,
    /// One an output position.
    starts: Vec<usize>,
    /// Rows of the kernel.
    taps: usize,
    /// Numbers of a kernel row.
    run: usize,
}

impl Places {
    fn new(
        padding: Padding,
        (rows, columns): (usize, usize),
        stride: usize,
        first: (usize, usize),
        kernel: (usize, usize),
    ) -> Self {
        let line = padding.line();
        let start =
            |i: usize| (first.0 + i / columns * stride) * line + (first.1 + i % columns * stride) * padding.channels;
        let starts = (0..rows * columns).map(start).collect();
        Self { padding, starts, taps: kernel.0, run: kernel.1 * padding.channels }
    }

    /// The patches of a convolution itself.
    fn of(p: &Patches) -> Self {
        Self::new(Padding::of(p), (p.out_height, p.out_width), p.stride, (0, 0), (p.kh, p.kw))
    }

    /// Images a chunk.
    fn chunk(&self) -> usize {
        let by_memory = CHUNK_NUMBERS / self.padding.image().max(1);
        let by_patches = CHUNK_PATCHES.div_ceil(self.starts.len().max(1));
        by_memory.max(by_patches).max(1)
    }

    fn start(&self, patch: usize) -> usize {
        patch / self.starts.len() * self.padding.image() + self.starts[patch % self.starts.len()]
    }
}

/// Weights as tiles read them: `(groups, taps, run, lanes)`, the last group filled up with zeros.
struct Packed {
    numbers: Vec<f32>,
    outputs: usize,
}

impl Packed {
    /// `at(output, number)` gives a weight, `number` counting through taps and run.
    fn new(outputs: usize, numbers: usize, fill: impl Fn(Range<usize>, &mut [f32], usize) + Sync) -> Self {
        let lanes = lanes();
        let mut packed = vec![0.0; outputs.div_ceil(lanes) * numbers * lanes];
        packed.par_chunks_mut(numbers * lanes).enumerate().for_each(|(group, to)| {
            fill(group * lanes..outputs.min((group + 1) * lanes), to, lanes);
        });
        Self { numbers: packed, outputs }
    }
}

/// Where products go.
#[derive(Clone, Copy)]
struct Target {
    /// Numbers of an output image.
    image: usize,
    /// Output positions of a row that this product writes.
    columns: usize,
    /// Numbers between output positions of a row, and between rows.
    step: (usize, usize),
    first: usize,
}

/// Convolution of `images` (plain, channels-last) with an `(O, kh, kw, I)` kernel into `out`, which is replaced,
/// and activated.
pub(super) fn conv(
    out: &mut [f32],
    images: &[f32],
    kernel: &[f32],
    outputs: usize,
    p: &Patches,
    activation: Option<Activation<'_>>,
) {
    let numbers = p.numbers();
    let packed = Packed::new(outputs, numbers, |range, to, lanes| {
        for (lane, output) in range.enumerate() {
            for (to, from) in to.iter_mut().skip(lane).step_by(lanes).zip(&kernel[output * numbers..][..numbers]) {
                *to = *from;
            }
        }
    });
    let places = Places::of(p);
    let padding = places.padding;
    let image = p.positions() * outputs;
    let target = Target { image, columns: p.out_width, step: (outputs, p.out_width * outputs), first: 0 };
    let chunk = places.chunk();
    let plain = p.height * p.width * p.channels;
    out.par_chunks_mut(chunk * image).zip(images.par_chunks(chunk * plain)).for_each(|(out, images)| {
        padding.with(images, |padded| {
            let patches = images.len() / plain * p.positions();
            let out = &mut *out;
            let places = Placed { places: &places, target, patches };
            dispatch(Product { padded, places, packed: &packed, out });
        });
        if let Some(activation) = activation {
            activation.apply(out);
        }
    });
}

/// One direction of a phase: which taps reach the outputs at `s * i + phase`, and where they read.
struct Phase {
    /// Outputs of this phase.
    count: usize,
    /// Kernel taps, in the order in which they read along the input.
    taps: Vec<usize>,
    /// Where the first tap of output 0 reads, before padding.
    first: isize,
}

impl Phase {
    fn new(phase: usize, size: usize, taps: usize, stride: usize, padding: usize) -> Self {
        let reached = (phase + padding) % stride;
        let mut list: Vec<usize> = (reached..taps).step_by(stride).collect();
        list.reverse();
        let last = (phase + padding - reached) / stride;
        let first = last as isize + 1 - list.len() as isize;
        Self { count: (size.saturating_sub(phase)).div_ceil(stride), taps: list, first }
    }

    /// Zeros that this phase needs before and after an input of `len`.
    fn needs(&self, len: usize) -> (usize, usize) {
        let end = self.first + self.count as isize - 1 + self.taps.len() as isize;
        (usize::try_from(-self.first).unwrap_or(0), usize::try_from(end - len as isize).unwrap_or(0))
    }
}

/// The gradient of a convolution in its input: `grads` are `(B, Ho, Wo, O)`; `out` `(B, H, W, I)` is replaced.
pub(super) fn input_gradient(out: &mut [f32], grads: &[f32], kernel: &[f32], outputs: usize, p: &Patches) {
    let vertical: Vec<Phase> = (0..p.stride).map(|r| Phase::new(r, p.height, p.kh, p.stride, p.above)).collect();
    let horizontal: Vec<Phase> = (0..p.stride).map(|r| Phase::new(r, p.width, p.kw, p.stride, p.left)).collect();
    let most = |phases: &[Phase], len: usize| {
        let needs = phases.iter().map(|phase| phase.needs(len));
        needs.fold((0, 0), |most, need| (most.0.max(need.0), most.1.max(need.1)))
    };
    let ((above, below), (left, right)) = (most(&vertical, p.out_height), most(&horizontal, p.out_width));
    let padding = Padding { height: p.out_height, width: p.out_width, channels: outputs, above, below, left, right };
    let mut products = Vec::new();
    // Where the stride is longer than the kernel, some positions are in no patch.
    let reaches = |phase: &&(usize, &Phase)| !phase.1.taps.is_empty() && phase.1.count > 0;
    for (y, down) in vertical.iter().enumerate().filter(|phase| reaches(&phase)) {
        for (x, across) in horizontal.iter().enumerate().filter(|phase| reaches(&phase)) {
            products.push(phase_product(kernel, outputs, p, padding, (y, down), (x, across)));
        }
    }
    let chunk = products.iter().map(|(places, ..)| places.chunk()).max().unwrap_or(1);
    let (plain, image) = (p.positions() * outputs, p.height * p.width * p.channels);
    let untouched = products.len() < vertical.len() * horizontal.len();
    out.par_chunks_mut(chunk * image).zip(grads.par_chunks(chunk * plain)).for_each(|(out, grads)| {
        if untouched {
            out.fill(0.0);
        }
        padding.with(grads, |padded| {
            for (places, packed, target) in &products {
                let patches = grads.len() / plain * places.starts.len();
                let places = Placed { places, target: *target, patches };
                dispatch(Product { padded, places, packed, out });
            }
        });
    });
}

fn phase_product(
    kernel: &[f32],
    outputs: usize,
    p: &Patches,
    padding: Padding,
    (y, down): (usize, &Phase),
    (x, across): (usize, &Phase),
) -> (Places, Packed, Target) {
    let c = p.channels;
    let taps = (down.taps.len(), across.taps.len());
    let first = |phase: &Phase, before: usize| usize::try_from(phase.first + before as isize).unwrap_or(0);
    let start = (first(down, padding.above), first(across, padding.left));
    let places = Places::new(padding, (down.count, across.count), 1, start, taps);
    let packed = Packed::new(c, taps.0 * taps.1 * outputs, |range, to, lanes| {
        let mut to = to.chunks_exact_mut(lanes);
        for ky in &down.taps {
            for kx in &across.taps {
                for (output, to) in (0..outputs).zip(&mut to) {
                    let from = ((output * p.kh + ky) * p.kw + kx) * c;
                    to[..range.len()].copy_from_slice(&kernel[from + range.start..from + range.end]);
                }
            }
        }
    });
    let target = Target {
        image: p.height * p.width * c,
        columns: across.count,
        step: (p.stride * c, p.stride * p.width * c),
        first: (y * p.width + x) * c,
    };
    (places, packed, target)
}

/// Patches as a product reads them, and where its results go.
struct Placed<'a> {
    places: &'a Places,
    target: Target,
    patches: usize,
}

impl Rows for Placed<'_> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.patches
    }

    #[inline(always)]
    fn runs(&self) -> (usize, usize, usize) {
        (self.places.taps, self.places.padding.line(), self.places.run)
    }

    #[inline(always)]
    fn start(&self, row: usize) -> usize {
        self.places.start(row)
    }

    #[inline(always)]
    fn target(&self, row: usize) -> usize {
        let Target { image, columns, step, first } = self.target;
        let (of, at) = (row / self.places.starts.len(), row % self.places.starts.len());
        of * image + first + at / columns * step.1 + at % columns * step.0
    }
}

struct Product<'a> {
    padded: &'a [f32],
    places: Placed<'a>,
    packed: &'a Packed,
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Packed { numbers: weights, outputs } = self.packed;
        let of = tile::Packed { numbers: self.padded, places: self.places, weights, width: *outputs };
        product(simd, self.out, &of);
    }
}
