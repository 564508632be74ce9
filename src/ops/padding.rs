//! Images with zeros around them.

use super::patches::Patches;
use super::scratch::scratch;

/// How images are laid out with zeros around them.
#[derive(Clone, Copy)]
pub(super) struct Padding {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub above: usize,
    pub below: usize,
    pub left: usize,
    pub right: usize,
}

impl Padding {
    /// Numbers of a row.
    pub fn line(&self) -> usize {
        (self.left + self.width + self.right) * self.channels
    }

    /// Numbers of an image.
    pub fn image(&self) -> usize {
        (self.above + self.height + self.below) * self.line()
    }

    /// How a convolution reads its images.
    pub fn of(p: &Patches) -> Self {
        Self {
            height: p.height,
            width: p.width,
            channels: p.channels,
            above: p.above,
            below: p.above,
            left: p.left,
            right: p.left,
        }
    }

    /// Numbers of an image without its padding.
    pub fn plain(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Lends padded copies of some images.
    pub fn with<T>(&self, images: &[f32], work: impl FnOnce(&[f32]) -> T) -> T {
        scratch(images.len() / self.plain() * self.image(), |padded| {
            let (row, line, left) = (self.width * self.channels, self.line(), self.left * self.channels);
            for (to, from) in padded.chunks_exact_mut(self.image()).zip(images.chunks_exact(self.plain())) {
                to[..self.above * line].fill(0.0);
                let body = &mut to[self.above * line..];
                for (to, from) in body.chunks_exact_mut(line).zip(from.chunks_exact(row)) {
                    to[..left].fill(0.0);
                    to[left..left + row].copy_from_slice(from);
                    to[left + row..].fill(0.0);
                }
                body[self.height * line..].fill(0.0);
            }
            work(padded)
        })
    }

    /// Copies the inside of a padded image.
    pub fn crop(&self, out: &mut [f32], padded: &[f32]) {
        let (row, line, left) = (self.width * self.channels, self.line(), self.left * self.channels);
        let body = padded[self.above * line..].chunks_exact(line);
        for (to, from) in out.chunks_exact_mut(row).zip(body) {
            to.copy_from_slice(&from[left..left + row]);
        }
    }
}
