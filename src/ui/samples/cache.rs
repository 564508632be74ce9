//! Grids that were read: the newest used ones stay, up to a number of bytes.

use super::super::grid_image::GridImage;

/// Bytes of grids that are kept.
const KEPT_BYTES: usize = 160 << 20;
/// Grids that are kept however large they are: the one on the screen, the one before it, and the next.
const LEAST: usize = 3;

/// The grids at hand, the one that was used last at the end.
#[derive(Default)]
pub(super) struct Cache(Vec<GridImage>);

impl Cache {
    /// The grid of a step; it stays for longer now.
    pub fn get(&mut self, step: usize) -> Option<&mut GridImage> {
        let at = self.0.iter().position(|image| image.picture.step == step)?;
        let image = self.0.remove(at);
        self.0.push(image);
        self.0.last_mut()
    }

    /// The grid of a step, looked at in passing.
    pub fn peek(&self, step: usize) -> Option<&GridImage> {
        self.0.iter().find(|image| image.picture.step == step)
    }

    /// Takes in a grid; those that were used longest ago make room.
    pub fn keep(&mut self, image: GridImage) {
        self.0.retain(|other| other.picture.step != image.picture.step);
        self.0.push(image);
        let mut bytes: usize = self.0.iter().map(GridImage::bytes).sum();
        while self.0.len() > LEAST && bytes > KEPT_BYTES {
            bytes -= self.0.remove(0).bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{GridPicture, Picture};

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let ctx = egui::Context::default();
        let side = 2048; // 28 MiB a grid
        let rgb: std::sync::Arc<[u8]> = vec![0; side * side * 3].into();
        let grid = |step| {
            let picture = Picture { width: side, height: side, rgb: rgb.clone() };
            GridImage::new(&ctx, GridPicture { step, columns: 1, rows: 1, cell: side, picture })
        };
        let mut cache = Cache::default();
        for step in 0..5 {
            cache.keep(grid(step));
        }
        assert!(cache.get(0).is_some());
        cache.keep(grid(5));
        let there: Vec<bool> = (0..6).map(|step| cache.peek(step).is_some()).collect();
        assert_eq!(there, [true, false, true, true, true, true]);
    }
}
