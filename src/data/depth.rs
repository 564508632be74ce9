//! Grey values of more than 8 bits (`data.depth = 16`): kept beside the bytes of a picture, from its file to the network.
//!
//! The bytes stay what they are without: scores, previews and the search for copies see them, so that a depth changes neither which
//! images are held out nor what is compared with other runs. Colours have 8 bits.

use std::borrow::Cow;

/// A grey value of 8 or 16 bits.
pub(super) trait Level: Copy + Default {
    /// White.
    const MOST: f64;

    /// From a whole number between 0 and [`Level::MOST`]; what is no number is black.
    fn of(number: f64) -> Self;

    /// From one of 16 bits.
    fn of_word(word: u16) -> Self;

    /// Black for white.
    fn inverted(self) -> Self;

    /// On the scale of bytes, from 0 to 255.
    fn on_bytes(self) -> f32;

    /// The sum of values times weights that have so many bits behind the point, rounded.
    fn weigh<'a>(pairs: impl Iterator<Item = (&'a Self, &'a i32)>, precision: u32) -> Self
    where
        Self: 'a;
}

impl Level for u8 {
    const MOST: f64 = 255.0;

    fn of(number: f64) -> Self {
        number as Self
    }

    fn of_word(word: u16) -> Self {
        ((u32::from(word) + 128) / 257) as Self
    }

    fn inverted(self) -> Self {
        !self
    }

    fn on_bytes(self) -> f32 {
        f32::from(self)
    }

    fn weigh<'a>(pairs: impl Iterator<Item = (&'a Self, &'a i32)>, precision: u32) -> Self {
        let sum: i32 = pairs.map(|(byte, weight)| i32::from(*byte) * weight).sum();
        ((sum + (1 << (precision - 1))) >> precision).clamp(0, 255) as Self
    }
}

impl Level for u16 {
    const MOST: f64 = 65_535.0;

    fn of(number: f64) -> Self {
        number as Self
    }

    fn of_word(word: u16) -> Self {
        word
    }

    fn inverted(self) -> Self {
        !self
    }

    fn on_bytes(self) -> f32 {
        f32::from(self) / 257.0
    }

    fn weigh<'a>(pairs: impl Iterator<Item = (&'a Self, &'a i32)>, precision: u32) -> Self {
        let sum: i64 = pairs.map(|(word, weight)| i64::from(*word) * i64::from(*weight)).sum();
        ((sum + (1 << (precision - 1))) >> precision).clamp(0, 65_535) as Self
    }
}

/// What a picture has beyond its bytes.
pub(super) enum Deep {
    /// Nothing: its file has 8 bits, or colours.
    Nothing,
    /// Grey values of more bits, which nobody asked for.
    Left,
    /// Grey values, one a pixel.
    Values(Vec<u16>),
}

impl Deep {
    /// Of a file with more than 8 bits.
    pub fn of(asked: bool, values: impl FnOnce() -> Vec<u16>) -> Self {
        if asked { Self::Values(values()) } else { Self::Left }
    }

    /// The same after something was done to the values.
    pub fn map(&self, change: impl FnOnce(&[u16]) -> Vec<u16>) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Left => Self::Left,
            Self::Values(values) => Self::Values(change(values)),
        }
    }

    /// Whether the file has more than 8 bits.
    pub fn is_wide(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// The values; where there are none, those of the bytes.
    pub fn values(&self, bytes: &[u8]) -> Cow<'_, [u16]> {
        match self {
            Self::Values(values) => Cow::Borrowed(values),
            Self::Nothing | Self::Left => bytes.iter().map(|byte| u16::from(*byte) * 257).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_depths_have_the_same_black_white_and_middle() {
        for byte in 0..=255_u8 {
            let word = u16::from(byte) * 257;
            assert_eq!((u8::of_word(word), word.on_bytes()), (byte, byte.on_bytes()));
            assert_eq!((byte.inverted(), word.inverted()), (255 - byte, 65_535 - word));
        }
        assert_eq!((u8::of(f64::NAN), u16::of(f64::NAN)), (0, 0));
    }
}
