//! Patches of channels-last images as the rows of a matrix, and back.

use std::cell::RefCell;

use rayon::prelude::*;

use super::cpu;

/// Where the patches of an image lie. A row of the patch matrix holds `kh * kw * channels` numbers in that order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kh: usize,
    pub kw: usize,
    pub stride: usize,
    /// Rows of zeros above (and below).
    pub above: usize,
    /// Columns of zeros to the left (and right).
    pub left: usize,
    pub out_height: usize,
    pub out_width: usize,
}

impl Patches {
    /// Patches of an image.
    pub fn positions(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Numbers of a patch.
    pub fn numbers(&self) -> usize {
        self.kh * self.kw * self.channels
    }

    /// Whether the patch matrix holds the image's own numbers in their own order, so that nothing need be copied:
    /// a 1x1 kernel at every position, or one patch that is the whole image.
    pub fn are_the_image(&self) -> bool {
        let unpadded = self.above == 0 && self.left == 0;
        let every_position = (self.kh, self.kw, self.stride) == (1, 1, 1);
        let one_patch = (self.kh, self.kw) == (self.height, self.width);
        unpadded && (every_position || one_patch)
    }

    /// The part of a patch's row of the kernel that lies in the image, as (first tap, last tap + 1).
    #[inline(always)]
    fn taps(&self, out_x: usize) -> (usize, usize) {
        let start = out_x * self.stride;
        (self.left.saturating_sub(start).min(self.kw), (self.width + self.left - start).min(self.kw))
    }
}

thread_local! {
    /// The patch matrix of the thread that asks for convolutions, kept between them.
    static COLUMNS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer of `len` numbers with any content.
fn with_columns<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = COLUMNS.take();
    if buffer.len() < len {
        buffer = cpu::fresh(len);
    }
    let out = work(&mut buffer[..len]);
    COLUMNS.set(buffer);
    out
}

/// Lends the patch matrix of some images: `images * positions` rows of `numbers`.
pub(super) fn im2col<T>(images: &[f32], p: &Patches, work: impl FnOnce(&[f32]) -> T) -> T {
    let line = p.out_width * p.numbers();
    let image = p.height * p.width * p.channels;
    let count = images.len() / image;
    with_columns(count * p.out_height * line, |columns| {
        columns.par_chunks_mut(line).enumerate().for_each(|(i, columns)| {
            let source = &images[i / p.out_height * image..][..image];
            copy_line(columns, source, i % p.out_height, p);
        });
        work(columns)
    })
}

/// The patches of one output row.
fn copy_line(columns: &mut [f32], image: &[f32], out_y: usize, p: &Patches) {
    let tap_row = p.kw * p.channels;
    for (out_x, patch) in columns.chunks_mut(p.numbers()).enumerate() {
        let (first, end) = p.taps(out_x);
        for (ky, to) in patch.chunks_mut(tap_row).enumerate() {
            let y = (out_y * p.stride + ky).wrapping_sub(p.above);
            if y >= p.height || first >= end {
                to.fill(0.0);
                continue;
            }
            let (from, until) = (first * p.channels, end * p.channels);
            let x = out_x * p.stride + first - p.left;
            to[..from].fill(0.0);
            to[from..until].copy_from_slice(&image[(y * p.width + x) * p.channels..][..until - from]);
            to[until..].fill(0.0);
        }
    }
}

/// Adds the rows of a patch matrix, which `fill` writes, back to where they were taken from: the reverse of [`im2col`].
/// `out` is replaced.
pub(super) fn col2im(out: &mut [f32], p: &Patches, fill: impl FnOnce(&mut [f32])) {
    let line = p.width * p.channels;
    let count = out.len() / (p.height * line);
    let numbers = p.numbers();
    with_columns(count * p.positions() * numbers, |columns| {
        fill(columns);
        let columns = &*columns;
        out.par_chunks_mut(line).enumerate().for_each(|(i, out)| {
            let patches = &columns[i / p.height * p.positions() * numbers..][..p.positions() * numbers];
            cpu::vectorised(|| add_line(out, patches, i % p.height, p));
        });
    });
}

/// One input row: the sum of all taps that read it.
#[inline(always)]
fn add_line(out: &mut [f32], patches: &[f32], y: usize, p: &Patches) {
    let tap_row = p.kw * p.channels;
    out.fill(0.0);
    for ky in 0..p.kh {
        let from_top = (y + p.above).wrapping_sub(ky);
        if from_top > y + p.above || !from_top.is_multiple_of(p.stride) || from_top / p.stride >= p.out_height {
            continue;
        }
        let out_y = from_top / p.stride;
        for out_x in 0..p.out_width {
            let (first, end) = p.taps(out_x);
            if first >= end {
                continue;
            }
            let patch = &patches[(out_y * p.out_width + out_x) * p.numbers() + ky * tap_row..][..tap_row];
            let x = out_x * p.stride + first - p.left;
            let to = &mut out[x * p.channels..][..(end - first) * p.channels];
            for (to, from) in to.iter_mut().zip(&patch[first * p.channels..end * p.channels]) {
                *to += *from;
            }
        }
    }
}
