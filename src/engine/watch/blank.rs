//! Grids that show nothing.

use super::super::sheet::cells;
use crate::event::GridPicture;

/// Levels of 256 within which two numbers look alike.
const FLAT: u8 = 6;
/// Levels that are apart in a grid that shows something: far more than in the noise that a generator begins with.
const DRAWN: u8 = 96;

/// How all images of a grid are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    Black,
    White,
    /// Each of one colour.
    Plain,
    /// The same picture.
    Alike,
}

impl Blank {
    /// Nothing where the images differ.
    pub fn of(grid: &GridPicture) -> Option<Self> {
        let rgb = &*grid.picture.rgb;
        let darkest = rgb.iter().min()?;
        if rgb.iter().all(|value| *value <= FLAT) {
            return Some(Self::Black);
        }
        if *darkest >= u8::MAX - FLAT {
            return Some(Self::White);
        }
        let images = cells(grid);
        let images: Vec<&[u8]> = images.chunks_exact((grid.cell * grid.cell * 3).max(1)).collect();
        let near = |a: &u8, b: &u8| a.abs_diff(*b) <= FLAT;
        if images.iter().all(|image| image.iter().zip(image[..3].iter().cycle()).all(|(a, b)| near(a, b))) {
            return Some(Self::Plain);
        }
        let (first, others) = images.split_first()?;
        let same = |image: &&[u8]| image.iter().zip(*first).all(|(a, b)| near(a, b));
        (!others.is_empty() && others.iter().all(same)).then_some(Self::Alike)
    }
}

/// Whether a grid shows more than the noise that a generator begins with.
pub(super) fn is_drawn(grid: &GridPicture) -> bool {
    let rgb = &*grid.picture.rgb;
    rgb.iter().max().zip(rgb.iter().min()).is_some_and(|(most, least)| most - least >= DRAWN)
}
