//! Altered copies of images, as classical augmentation makes them: moved, brighter or darker, of other contrast, mirrored.
//!
//! A score's classifier learns from them, so what is done is fixed and the same for everybody; how training varies its own
//! images is another matter, and its settings are those of `data`.

use rand::Rng as _;

use super::Opened;
use crate::config::rng::{Purpose, stream};

/// Copies of each image.
pub const COPIES: usize = 2;
/// How far an image is moved at most, as a share of its side.
const SHIFT: f32 = 0.1;
/// By what share brightness and contrast change at most.
const CHANGE: f32 = 0.2;

/// The `copy`-th altered copy of the `number`-th image of a set, of the same shape: moved by up to a tenth of its sides (what
/// comes in is the image mirrored at its border), its brightness and its contrast changed by up to a fifth, and where
/// `mirrored`, turned left to right and upside down, each in half of the copies. The same for a seed wherever it is made.
pub fn altered(image: &Opened, mirrored: bool, seed: u64, (number, copy): (usize, usize)) -> Opened {
    let mut rng = stream(seed, Purpose::ScoreCopies, (number * COPIES + copy) as u64);
    let [across, down] = [0; 2].map(|_| rng.random::<bool>());
    let mut spread = |most: f32| most * rng.random_range(-1.0..=1.0f32);
    let [width, height] = [image.width, image.height];
    #[expect(clippy::cast_possible_truncation, reason = "a tenth of a side")]
    let [right, below] = [width, height].map(|side| (spread(SHIFT) * side as f32).round() as i64);
    let [brightness, contrast] = [0; 2].map(|_| 1.0 + spread(CHANGE));
    let columns: Vec<usize> = (0..width).map(|x| source(x, right, width, mirrored && across)).collect();
    let total: u64 = image.pixels.iter().map(|value| u64::from(*value)).sum();
    let mean = total as f32 / image.pixels.len().max(1) as f32 * brightness;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
    let table: Vec<u8> = (0..=255u8)
        .map(|value| (mean + (f32::from(value) * brightness - mean) * contrast).round().clamp(0.0, 255.0) as u8)
        .collect();
    let mut pixels = Vec::with_capacity(image.pixels.len());
    for y in 0..height {
        let row = source(y, below, height, mirrored && down) * width;
        for x in &columns {
            let from = (row + x) * image.channels;
            pixels.extend(image.pixels[from..from + image.channels].iter().map(|value| table[usize::from(*value)]));
        }
    }
    Opened { pixels, ..*image }
}

/// Where a row or column of a copy comes from.
fn source(at: usize, shift: i64, side: usize, turned: bool) -> usize {
    // Mirrored at the border, the border twice. A shift is shorter than the side.
    let (at, side) = (at as i64 - shift, side as i64);
    let inside = if at < 0 {
        -1 - at
    } else if at >= side {
        2 * side - 1 - at
    } else {
        at
    };
    let turned = if turned { side - 1 - inside } else { inside };
    usize::try_from(turned.clamp(0, side - 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize, channels: usize) -> Opened {
        let pixels = (0..width * height * channels).map(|i| (i * 37 % 200 + 20) as u8).collect();
        Opened { pixels, height, width, channels }
    }

    #[test]
    fn copies_differ_keep_their_shape_and_follow_from_the_seed() {
        for (width, height, channels) in [(20, 20, 3), (31, 17, 1), (1, 1, 3), (1, 40, 1)] {
            let image = ramp(width, height, channels);
            let one = |seed, at| altered(&image, true, seed, at);
            let copy = one(1, (3, 0));
            assert_eq!((copy.width, copy.height, copy.channels), (width, height, channels));
            assert_eq!((copy.pixels.len(), &one(1, (3, 0))), (image.pixels.len(), &copy));
            assert!(copy != one(1, (3, 1)) && copy != one(1, (4, 0)) && copy != one(2, (3, 0)));
        }
    }

    #[test]
    fn what_is_moved_comes_from_the_image_and_is_mirrored_only_where_it_may_be() {
        assert_eq!((0..5).map(|x| source(x, 2, 5, false)).collect::<Vec<_>>(), [1, 0, 0, 1, 2]);
        assert_eq!((0..5).map(|x| source(x, -2, 5, false)).collect::<Vec<_>>(), [2, 3, 4, 4, 3]);
        assert_eq!((0..5).map(|x| source(x, 0, 5, true)).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
        // Brighter to the right stays so, unless it may be mirrored.
        let slope = Opened { pixels: (0..40).map(|x| 40 + x * 4).collect(), height: 1, width: 40, channels: 1 };
        let rises = |copy: &Opened| copy.pixels[30] > copy.pixels[10];
        let rising = |mirrored| (0..40).filter(|i| rises(&altered(&slope, mirrored, 5, (*i, 0)))).count();
        assert_eq!(rising(false), 40);
        assert!((10..30).contains(&rising(true)), "{}", rising(true));
    }
}
