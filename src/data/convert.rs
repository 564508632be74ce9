//! Turns whatever a file holds into 8-bit grey or RGB, by rules that are written down and reported.
//!
//! - 16-bit values: divided by 257. Where an image spans less than half of the range between its 1st and its 99th
//!   percentile (12-bit scans in 16-bit files would look black), these become 0 and 255 instead. Those of floating-point
//!   files always do.
//! - Transparency: grey pictures are laid over black, as radiographs are shown; coloured ones over white, like a
//!   slide. A file in colour whose visible pixels are all grey counts as grey here.
//! - Beside the bytes of a grey picture of more than 8 bits stand, where they are asked for, its values in 16 bits, by the same rules.
//! - Colour to grey: luma by ITU-R BT.601. Grey to colour: three equal channels.

use image::DynamicImage;

use super::depth::{Deep, Level};
use super::window::Window;

/// A decoded picture: `height` rows of `width` pixels of 1 (grey) or 3 (RGB) bytes.
pub(super) struct Raster {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub pixels: Vec<u8>,
    pub deep: Deep,
}

/// What was done to a picture on the way to a [`Raster`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// The values were shown from their 1st to their 99th percentile.
    pub stretched: bool,
    /// What shows where the picture is transparent, if it is anywhere.
    pub backdrop: Option<Backdrop>,
}

/// What is put behind transparent pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backdrop {
    Black,
    White,
}

/// Luma of an RGB pixel by ITU-R BT.601, with the rounding of Pillow's mode `L`.
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// RGB bytes to one byte of luma a pixel.
pub(super) fn rgb_to_grey(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect()
}

/// The picture with 1 or 3 channels, as asked for.
pub(super) fn to_channels(raster: Raster, channels: usize) -> Raster {
    let pixels = match (raster.channels, channels) {
        (1, 3) => raster.pixels.iter().flat_map(|v| [*v; 3]).collect(),
        (3, 1) => rgb_to_grey(&raster.pixels),
        (_, _) => return raster,
    };
    Raster { channels, pixels, deep: Deep::Nothing, ..raster }
}

/// The picture in 8 bits without transparency, in the number of colour channels that the file has, and where `deep` the grey
/// values of 16 bits; nothing where its kind of pixel is unknown.
pub(super) fn flatten(image: DynamicImage, deep: bool) -> Option<(Raster, Conversion)> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let channels = if image.color().has_color() { 3 } else { 1 };
    let alpha = image.color().has_alpha();
    let mut conversion = Conversion::default();
    let deep = if let DynamicImage::ImageLuma16(b) = &image {
        Deep::of(deep, || narrow_u16(b, 1, false).0)
    } else if let DynamicImage::ImageLumaA16(b) = &image {
        Deep::of(deep, || over_black(&narrow_u16(b, 1, true).0))
    } else {
        Deep::Nothing
    };
    let mut narrowed = |(bytes, stretched)| {
        conversion.stretched = stretched;
        bytes
    };
    let samples = match image {
        DynamicImage::ImageLuma8(b) => b.into_raw(),
        DynamicImage::ImageLumaA8(b) => b.into_raw(),
        DynamicImage::ImageRgb8(b) => b.into_raw(),
        DynamicImage::ImageRgba8(b) => b.into_raw(),
        DynamicImage::ImageLuma16(b) => narrowed(narrow_u16(&b, channels, alpha)),
        DynamicImage::ImageLumaA16(b) => narrowed(narrow_u16(&b, channels, alpha)),
        DynamicImage::ImageRgb16(b) => narrowed(narrow_u16(&b, channels, alpha)),
        DynamicImage::ImageRgba16(b) => narrowed(narrow_u16(&b, channels, alpha)),
        DynamicImage::ImageRgb32F(b) => narrowed(narrow_f32(&b, channels, alpha)),
        DynamicImage::ImageRgba32F(b) => narrowed(narrow_f32(&b, channels, alpha)),
        _ => return None,
    };
    let pixels = if alpha {
        let (pixels, backdrop) = lay_over(&samples, channels);
        conversion.backdrop = backdrop;
        pixels
    } else {
        samples
    };
    Some((Raster { width, height, channels, pixels, deep }, conversion))
}

/// 16-bit samples to bytes, or to as many bits, and whether they were stretched. Alpha, where there is any, is the last of each
/// pixel.
fn narrow_u16<T: Level>(samples: &[u16], channels: usize, alpha: bool) -> (Vec<T>, bool) {
    let each = channels + usize::from(alpha);
    let colours = samples.chunks_exact(each).flat_map(|pixel| &pixel[..channels]).map(|value| f64::from(*value));
    // The half: a photograph seldom reaches both ends of the range, a 12-bit scan never gets near.
    let window = Window::of(colours).filter(|window| window.high - window.low < 32_768.0);
    let narrow = |(at, value): (usize, &u16)| match window {
        Some(window) if at % each < channels => window.level((*value).into()),
        Some(_) | None => T::of_word(*value),
    };
    (samples.iter().enumerate().map(narrow).collect(), window.is_some())
}

/// Floating-point samples to bytes: from their 1st to their 99th percentile, as no range is agreed on. NaN becomes 0.
fn narrow_f32(samples: &[f32], channels: usize, alpha: bool) -> (Vec<u8>, bool) {
    let each = channels + usize::from(alpha);
    let colours = samples.chunks_exact(each).flat_map(|pixel| &pixel[..channels]).map(|value| f64::from(*value));
    // One value everywhere has no window; it is black.
    let window = Window::of(colours);
    let narrow = |(at, value): (usize, &f32)| match window {
        _ if at % each >= channels => (value * 255.0).round() as u8,
        Some(window) => window.level((*value).into()),
        None => 0,
    };
    (samples.iter().enumerate().map(narrow).collect(), true)
}

/// Grey values, each before its alpha, laid over black.
fn over_black(samples: &[u16]) -> Vec<u16> {
    let blend = |pixel: &[u16]| ((u32::from(pixel[0]) * u32::from(pixel[1]) + 32_767) / 65_535) as u16;
    samples.chunks_exact(2).map(blend).collect()
}

/// Pixels whose last byte is alpha, laid over a backdrop that their colours choose.
fn lay_over(samples: &[u8], channels: usize) -> (Vec<u8>, Option<Backdrop>) {
    let pixels = || samples.chunks_exact(channels + 1);
    let opaque = pixels().all(|p| p[channels] == 255);
    let grey = pixels().all(|p| p[channels] == 0 || p[..channels].iter().all(|v| *v == p[0]));
    let backdrop = if grey { Backdrop::Black } else { Backdrop::White };
    let behind = match backdrop {
        Backdrop::Black => 0,
        Backdrop::White => 255_u32,
    };
    let blend = |v: u8, alpha: u32| ((u32::from(v) * alpha + behind * (255 - alpha) + 127) / 255) as u8;
    let flat = pixels().flat_map(|p| p[..channels].iter().map(move |v| blend(*v, u32::from(p[channels])))).collect();
    (flat, (!opaque).then_some(backdrop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Luma, LumaA, Rgb, Rgba};

    fn one<P: image::Pixel>(pixels: Vec<P::Subpixel>) -> ImageBuffer<P, Vec<P::Subpixel>> {
        let width = pixels.len() / P::CHANNEL_COUNT as usize;
        ImageBuffer::from_raw(width as u32, 1, pixels).expect("one row")
    }

    #[test]
    fn luma_is_pillows() {
        // Image.new("RGB", (1, 1), c).convert("L")
        for ([r, g, b], grey) in [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([10, 200, 90], 131)] {
            assert_eq!(luma(r, g, b), grey);
        }
    }

    #[test]
    fn transparent_grey_goes_over_black_and_colour_over_white() {
        let flat = |image| flatten(image, false).map(|(raster, how)| (raster.channels, raster.pixels, how.backdrop));
        let grey = DynamicImage::ImageLumaA8(one::<LumaA<u8>>(vec![200, 255, 200, 0]));
        assert_eq!(flat(grey), Some((1, vec![200, 0], Some(Backdrop::Black))));
        let colour = DynamicImage::ImageRgba8(one::<Rgba<u8>>(vec![200, 0, 0, 255, 9, 9, 9, 0]));
        assert_eq!(flat(colour), Some((3, vec![200, 0, 0, 255, 255, 255], Some(Backdrop::White))));
        let opaque = DynamicImage::ImageRgba8(one::<Rgba<u8>>(vec![200, 0, 0, 255]));
        assert_eq!(flat(opaque), Some((3, vec![200, 0, 0], None)));
    }

    #[test]
    fn twelve_bit_scans_are_stretched_and_full_range_is_not() {
        let flat = |image| flatten(image, false).map(|(raster, how)| (raster.pixels, how.stretched));
        let scan = DynamicImage::ImageLuma16(one::<Luma<u16>>(vec![100, 2100, 4100]));
        assert_eq!(flat(scan), Some((vec![0, 128, 255], true)));
        let full = DynamicImage::ImageLuma16(one::<Luma<u16>>(vec![0, 257, 65535]));
        assert_eq!(flat(full), Some((vec![0, 1, 255], false)));
        let flat_grey = DynamicImage::ImageLuma16(one::<Luma<u16>>(vec![257 * 9; 2]));
        assert_eq!(flat(flat_grey), Some((vec![9, 9], false)));
        let float = DynamicImage::ImageRgb32F(one::<Rgb<f32>>(vec![-1.0, 0.0, 1.0]));
        assert_eq!(flat(float), Some((vec![0, 128, 255], true)));
    }

    #[test]
    fn grey_values_of_16_bits_stand_beside_the_bytes_where_they_are_asked_for() {
        let deep = |image: DynamicImage| match flatten(image, true).map(|(raster, _)| raster.deep) {
            Some(Deep::Values(values)) => values,
            Some(Deep::Nothing | Deep::Left) | None => Vec::new(),
        };
        let full = || DynamicImage::ImageLuma16(one::<Luma<u16>>(vec![0, 258, 40_001, 65_535]));
        assert_eq!(deep(full()), [0, 258, 40_001, 65_535]);
        assert!(matches!(flatten(full(), false), Some((Raster { deep: Deep::Left, .. }, _))));
        assert_eq!(deep(DynamicImage::ImageLuma16(one::<Luma<u16>>(vec![100, 2100, 4100]))), [0, 32_768, 65_535]);
        let alpha = DynamicImage::ImageLumaA16(one::<LumaA<u16>>(vec![0, 65_535, 60_000, 32_768, 65_535, 0]));
        assert_eq!(deep(alpha), [0, 30_000, 0]);
        let bytes = DynamicImage::ImageLuma8(one::<Luma<u8>>(vec![3, 200]));
        assert!(matches!(flatten(bytes, true), Some((Raster { deep: Deep::Nothing, .. }, _))));
        let colour = DynamicImage::ImageRgb16(one::<Rgb<u16>>(vec![0, 300, 65_535]));
        assert!(matches!(flatten(colour, true), Some((Raster { deep: Deep::Nothing, .. }, _))));
    }
}
