//! The nearest real image beneath each generated one: what numbers on copying should be looked at with.

use std::sync::Arc;

use egui::Context;

use super::super::grid_image::GridImage;
use super::super::run_view::RunView;
use crate::event::{Grid, GridPicture, Picture};

/// The nearest real images of the grid on the screen.
#[derive(Default)]
pub(super) struct Neighbours {
    asked: Option<usize>,
    read: Option<GridPicture>,
    failed: Option<usize>,
    woven: Option<(usize, GridImage)>,
}

impl Neighbours {
    /// Takes in a picture of them.
    pub fn take(&mut self, step: usize, result: Result<GridPicture, String>) {
        self.asked = None;
        match result {
            Ok(picture) => self.read = Some(picture),
            Err(message) => {
                tracing::warn!("the nearest real images of step {step} cannot be shown: {message}");
                self.failed = Some(step);
            }
        }
    }

    /// Those of a step to be read, where the run stored them.
    pub fn want(&mut self, view: &RunView, step: usize) -> Option<Grid> {
        let there = self.read.as_ref().is_some_and(|read| read.step == step);
        if there || self.asked.is_some() || self.failed == Some(step) {
            return None;
        }
        let file = view.nearest().iter().find(|nearest| nearest.step == step)?.file.clone();
        self.asked = Some(step);
        Some(Grid { step, file })
    }

    /// The grid with the nearest real images beneath its own, once they are read.
    pub fn woven(&mut self, ctx: &Context, grid: &GridPicture) -> Option<&mut GridImage> {
        if self.woven.as_ref().is_none_or(|(step, _)| *step != grid.step) {
            let read = self.read.as_ref().filter(|read| read.step == grid.step)?;
            self.woven = Some((grid.step, GridImage::new(ctx, weave(grid, read)?)));
        }
        self.woven.as_mut().map(|(_, image)| image)
    }
}

/// Each row of `above` and then the same of `below`; nothing where they are not of one shape.
fn weave(above: &GridPicture, below: &GridPicture) -> Option<GridPicture> {
    let shape = |grid: &GridPicture| (grid.rows, grid.columns, grid.cell, grid.picture.width, grid.picture.height);
    let row = above.cell * above.picture.width * 3;
    if shape(above) != shape(below) || row == 0 {
        return None;
    }
    let rows = above.picture.rgb.chunks_exact(row).zip(below.picture.rgb.chunks_exact(row));
    let rgb: Arc<[u8]> = rows.flat_map(|(above, below)| [above, below].concat()).collect();
    let picture = Picture { width: above.picture.width, height: 2 * above.picture.height, rgb };
    Some(GridPicture { rows: 2 * above.rows, picture, ..above.clone() })
}

/// What stands beside the rows.
pub(super) fn names(classes: &[String]) -> Vec<String> {
    classes.iter().flat_map(|class| [class.clone(), "nearest real".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_neighbours_beneath() {
        let grid = |first: u8| {
            let rgb: Vec<u8> = (0..2).flat_map(|row| vec![first + row; 6]).collect();
            let picture = Picture { width: 2, height: 2, rgb: rgb.into() };
            GridPicture { step: 4, columns: 2, rows: 2, cell: 1, picture }
        };
        let woven = weave(&grid(10), &grid(20)).expect("one shape");
        assert_eq!((woven.rows, woven.picture.height), (4, 4));
        let firsts: Vec<u8> = woven.picture.rgb.chunks(6).map(|row| row[0]).collect();
        assert_eq!(firsts, [10, 20, 11, 21]);
        assert_eq!(weave(&grid(0), &GridPicture { columns: 1, ..grid(0) }), None);
        assert_eq!(names(&["a".to_owned()]), ["a", "nearest real"]);
    }
}
