//! Grey images of 16 bits: the generator's numbers themselves, not bytes that were made wider.

use std::io::Cursor;

use anyhow::Context as _;
use tiff::encoder::{TiffEncoder, colortype::Gray16};
use tiff::tags::Tag;

/// A number of an image in [-1, 1] as 16 bits: `clamp(32767.5 x + 32768, 0, 65535)` without its fraction, the nearest of 65536
/// values at equal distances from -1 to 1, as its byte is of 256.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=65535")]
pub(super) fn value(x: f32) -> u16 {
    (32_767.5 * f64::from(x) + 32_768.0).clamp(0.0, 65_535.0) as u16
}

/// An image in 16 bits.
pub(super) fn values(image: &[f32]) -> Vec<u16> {
    image.iter().map(|x| value(*x)).collect()
}

/// A grey TIFF without compression, whose description is a text of ASCII.
pub(super) fn tiff(size: (usize, usize), values: &[u16], about: &str) -> anyhow::Result<Vec<u8>> {
    let failed = "the image could not be written as TIFF";
    let mut out = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).context(failed)?;
    let (width, height) = (u32::try_from(size.0)?, u32::try_from(size.1)?);
    let mut image = encoder.new_image::<Gray16>(width, height).context(failed)?;
    image.encoder().write_tag(Tag::ImageDescription, about).context(failed)?;
    image.encoder().write_tag(Tag::Software, concat!("gandle ", env!("CARGO_PKG_VERSION"))).context(failed)?;
    image.write_data(values).context(failed)?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::byte;

    #[test]
    fn values_are_the_numbers_and_not_wider_bytes() {
        assert_eq!([-9.0, -1.0, 0.0, 1.0, 9.0].map(value), [0, 0, 32_768, 65_535, 65_535]);
        assert_eq!(value(f32::NAN), 0);
        let numbers: Vec<f32> = (0..1000).map(|i| i as f32 / 500.0 - 1.0).collect();
        let wide = values(&numbers);
        assert!(wide.iter().any(|value| value % 257 != 0));
        for (x, value) in numbers.iter().zip(wide) {
            // Both are the nearest of their values, so that one is the other, rounded.
            let narrow = (f64::from(value) / 257.0 - f64::from(byte(*x))).abs();
            assert!(narrow <= 0.502, "{x}: {value}");
            assert!((f64::from(value) / 32_767.5 - 1.0 - f64::from(*x)).abs() < 1.0 / 32_767.0, "{x}: {value}");
        }
    }

    #[test]
    fn a_tiff_holds_values_and_its_description() {
        let values = [0, 1, 256, 40_000, 65_534, 65_535];
        let bytes = tiff((3, 2), &values, "{\"seed\":\"7\"}").unwrap();
        assert_eq!(bytes, tiff((3, 2), &values, "{\"seed\":\"7\"}").unwrap());
        let image = image::load_from_memory(&bytes).unwrap().into_luma16();
        assert_eq!((image.dimensions(), image.into_raw()), ((3, 2), values.to_vec()));
        let mut decoder = tiff::decoder::Decoder::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap(), "{\"seed\":\"7\"}");
        assert!(tiff((3, 3), &values, "").is_err());
    }
}
