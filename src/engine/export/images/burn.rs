//! Writes into an image that it is synthetic, so that it says so wherever it is shown.

/// The word, of which as many letters are written as there is room for.
const WORD: &str = "SYNTHETIC";
/// Its letters, in five rows of three dots, the leftmost in the highest bit.
const LETTERS: [(char, [u8; 5]); 8] = [
    ('S', [0b011, 0b100, 0b010, 0b001, 0b110]),
    ('Y', [0b101, 0b101, 0b010, 0b010, 0b010]),
    ('N', [0b110, 0b101, 0b101, 0b101, 0b101]),
    ('T', [0b111, 0b010, 0b010, 0b010, 0b010]),
    ('H', [0b101, 0b101, 0b111, 0b101, 0b101]),
    ('E', [0b111, 0b100, 0b110, 0b100, 0b111]),
    ('I', [0b111, 0b010, 0b010, 0b010, 0b111]),
    ('C', [0b011, 0b100, 0b100, 0b100, 0b011]),
];
/// Lengths of the word that are written, the longest that fits: `SYNTHETIC`, `SYNTH`, `SYN`.
const LENGTHS: [usize; 3] = [9, 5, 3];
/// Dots from one letter to the next, and of a letter's height; around the word is a frame of one dot.
const LETTER: usize = 4;
const HEIGHT: usize = 5;
/// Sides from which on a dot is one pixel wider for each such side.
const SIDE: usize = 128;

/// Writes the word into the lower left corner of an image `(size, size, channels)`, white on black.
pub(super) fn burn(image: &mut [f32], size: usize, channels: usize) {
    let dot = (size / SIDE).max(1);
    let width = |letters: usize| (letters * LETTER + 1) * dot;
    let letters = LENGTHS.into_iter().find(|letters| width(*letters) <= size).unwrap_or(1);
    let (width, height) = (width(letters).min(size), ((HEIGHT + 2) * dot).min(size));
    for y in 0..height {
        for x in 0..width {
            let number = if is_ink(x / dot, y / dot, letters) { 1.0 } else { -1.0 };
            let at = ((size - height + y) * size + x) * channels;
            image[at..at + channels].fill(number);
        }
    }
}

/// Whether a dot of the framed word is part of a letter.
fn is_ink(x: usize, y: usize, letters: usize) -> bool {
    let (Some(x), Some(y)) = (x.checked_sub(1), y.checked_sub(1)) else { return false };
    let letter = WORD.chars().take(letters).nth(x / LETTER);
    let rows = letter.and_then(|letter| LETTERS.iter().find(|(known, _)| *known == letter));
    let row = rows.and_then(|(_, rows)| rows.get(y)).copied().unwrap_or(0);
    // The fourth column is the gap to the next letter.
    x % LETTER < 3 && row >> (2 - x % LETTER) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lower left corner as text.
    fn shown(size: usize, channels: usize) -> Vec<String> {
        let mut image = vec![0.25; size * size * channels];
        burn(&mut image, size, channels);
        let line = |line: &[f32]| -> String {
            let letter = |pixel: &[f32]| {
                assert!(pixel.iter().all(|x| *x == pixel[0]));
                if pixel[0] == 0.25 {
                    '.'
                } else if pixel[0] == 1.0 {
                    '#'
                } else {
                    ' '
                }
            };
            line.chunks_exact(channels).map(letter).collect()
        };
        image.chunks_exact(size * channels).map(line).collect()
    }

    #[test]
    fn every_letter_of_the_word_is_known() {
        assert!(WORD.chars().all(|letter| LETTERS.iter().any(|(known, _)| *known == letter)));
    }

    #[test]
    fn the_word_stands_in_the_corner_and_the_rest_is_left_alone() {
        let lines = shown(16, 1);
        assert!(lines[..9].iter().all(|line| line == "................"));
        let want = [
            "             ...",
            "  ## # # ##  ...",
            " #   # # # # ...",
            "  #   #  # # ...",
            "   #  #  # # ...",
            " ##   #  # # ...",
            "             ...",
        ];
        assert_eq!(lines[9..], want);
        assert_eq!(shown(16, 3), lines);
    }

    #[test]
    fn as_much_of_the_word_is_written_as_fits() {
        let width = |size: usize| shown(size, 1)[size - 1].chars().filter(|c| *c == ' ').count();
        assert_eq!([16, 32, 64, 128, 256].map(width), [13, 21, 37, 37, 74]);
        let height = |size: usize| shown(size, 1).iter().filter(|line| line.starts_with(' ')).count();
        assert_eq!([16, 128, 256].map(height), [7, 7, 14]);
        shown(2, 1);
        shown(1, 3);
    }
}
