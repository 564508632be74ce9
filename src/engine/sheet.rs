//! Images side by side in one picture, and out of it again.

use crate::event::{GridPicture, Picture};

/// Images `(cell, cell, channels)` of 1 or 3 channels, row by row; what is missing is black.
pub(super) fn sheet<'a>(
    step: usize,
    (rows, columns): (usize, usize),
    (cell, channels): (usize, usize),
    images: impl Iterator<Item = &'a [u8]>,
) -> GridPicture {
    sheet_on(0, step, (rows, columns), (cell, channels), images)
}

/// The same, with this grey where images are missing.
pub(super) fn sheet_on<'a>(
    ground: u8,
    step: usize,
    (rows, columns): (usize, usize),
    (cell, channels): (usize, usize),
    images: impl Iterator<Item = &'a [u8]>,
) -> GridPicture {
    let (width, height) = (columns * cell, rows * cell);
    let mut rgb = vec![ground; width * height * 3];
    for (i, image) in images.take(rows * columns).enumerate() {
        let (top, left) = (i / columns * cell, i % columns * cell);
        for (y, line) in image.chunks_exact(cell * channels).enumerate() {
            let to = &mut rgb[((top + y) * width + left) * 3..][..cell * 3];
            for (to, from) in to.chunks_exact_mut(3).zip(line.chunks_exact(channels)) {
                to.copy_from_slice(&if channels == 3 { [from[0], from[1], from[2]] } else { [from[0]; 3] });
            }
        }
    }
    let picture = Picture { width, height, rgb: rgb.into() };
    GridPicture { step, columns, rows, cell, picture }
}

/// The images of a picture, `(cell, cell, 3)` each, row by row and one behind the other.
pub(super) fn cells(grid: &GridPicture) -> Vec<u8> {
    let GridPicture { columns, rows, cell, picture, .. } = grid;
    let mut out = Vec::with_capacity(picture.rgb.len());
    for image in 0..rows * columns {
        let (top, left) = (image / columns * cell, image % columns * cell);
        for y in 0..*cell {
            out.extend_from_slice(&picture.rgb[((top + y) * picture.width + left) * 3..][..cell * 3]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_out_as_they_went_in() {
        let image = |seed: u8| (0..12).map(|i| i * 7 + seed).collect::<Vec<u8>>();
        let images: Vec<Vec<u8>> = (0..6).map(image).collect();
        let grid = sheet(3, (2, 3), (2, 3), images.iter().map(Vec::as_slice));
        assert_eq!((grid.picture.width, grid.picture.height), (6, 4));
        assert_eq!(cells(&grid), images.concat());
        // Grey becomes colour, and what is missing stays black.
        let grey = sheet(0, (1, 2), (1, 1), [&[9_u8][..]].into_iter());
        assert_eq!(grey.picture.rgb[..], [9, 9, 9, 0, 0, 0]);
        let white = sheet_on(255, 0, (1, 2), (1, 1), [&[9_u8][..]].into_iter());
        assert_eq!(white.picture.rgb[..], [9, 9, 9, 255, 255, 255]);
    }
}
