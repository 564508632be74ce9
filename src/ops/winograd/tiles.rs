//! Tiles of 2x2 outputs, and how they are shared out.

use super::super::padding::Padding;
use super::super::patches::Patches;

/// Products a tile.
pub(super) const POINTS: usize = 9;
/// Tiles that a thread works on at a time: their numbers stay near the core, the weights are read once for all.
const TILES: usize = 64;

/// Tiles of 2x2 outputs and what they read.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub padding: Padding,
    pub down: usize,
    pub across: usize,
    pub outputs: usize,
}

impl Tiles {
    pub fn new(p: &Patches, outputs: usize) -> Self {
        Self { padding: Padding::of(p), down: p.out_height / 2, across: p.out_width / 2, outputs }
    }

    /// Tiles an image.
    pub fn image(&self) -> usize {
        self.down * self.across
    }

    /// Numbers of a pair of pixels.
    pub fn pair(&self) -> usize {
        2 * self.padding.channels
    }

    /// Numbers that an output is summed over: a pair of pixels in rows of both parities.
    pub fn inner(&self) -> usize {
        2 * self.pair()
    }

    /// Numbers of an image's outputs.
    pub fn out(&self) -> usize {
        4 * self.image() * self.outputs
    }

    /// Images that a thread works on at a time, so many that every thread has as many chunks.
    pub fn chunk(&self, images: usize) -> usize {
        let chunks = (images * self.image()).div_ceil(TILES).next_multiple_of(rayon::current_num_threads());
        images.div_ceil(chunks)
    }

    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { down, across, .. } = *self;
        (0..down).flat_map(move |y| (0..across).map(move |x| (y, x)))
    }
}
