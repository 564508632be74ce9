//! How a grid differs from the one before it.

use std::sync::Arc;

use crate::event::{GridPicture, Picture};

/// Half of what each pixel has changed by, around the middle grey; nothing where the grids are not of one size.
pub(super) fn between(before: &GridPicture, after: &GridPicture) -> Option<GridPicture> {
    let (old, new) = (&before.picture, &after.picture);
    if (old.width, old.height) != (new.width, new.height) {
        return None;
    }
    let change = |(old, new): (&u8, &u8)| {
        let half = (i16::from(*new) - i16::from(*old)) / 2;
        u8::try_from(128 + half).unwrap_or(u8::MAX)
    };
    let rgb: Arc<[u8]> = old.rgb.iter().zip(new.rgb.iter()).map(change).collect();
    let picture = Picture { width: new.width, height: new.height, rgb };
    Some(GridPicture { picture, ..after.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_grey_and_the_largest_changes_are_black_and_white() {
        let grid = |bytes: [u8; 6]| {
            let picture = Picture { width: 2, height: 1, rgb: bytes.to_vec().into() };
            GridPicture { step: 1, columns: 2, rows: 1, cell: 1, picture }
        };
        let difference = between(&grid([0, 255, 9, 10, 20, 30]), &grid([255, 0, 9, 14, 10, 30])).expect("one size");
        assert_eq!(*difference.picture.rgb, [255, 1, 128, 130, 123, 128]);
        let other = GridPicture { picture: Picture { width: 1, height: 1, rgb: vec![0; 3].into() }, ..grid([0; 6]) };
        assert_eq!(between(&grid([0; 6]), &other), None);
    }
}
