//! Reads the grey TIFF files that the `image` crate leaves out: floating-point and signed numbers, and those of 32 bits
//! and more, as microscopes and image processing write them.

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::convert::Raster;
use super::depth::{Deep, Level};
use super::limits::{MAX_BYTES, MAX_PIXELS, turn};
use super::window::Window;

/// The first picture of a file, shown from the 1st to the 99th percentile of its values, where `deep` in 16 bits too; nothing where
/// it is not grey.
///
/// # Errors
/// The reason why it cannot be used.
pub(super) fn grey(bytes: &[u8], deep: bool) -> Result<Option<Raster>, String> {
    let wrong = |err: tiff::TiffError| format!("damaged or incomplete TIFF: {err}");
    let mut limits = Limits::default();
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (MAX_BYTES as usize, MAX_BYTES as usize);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(wrong)?.with_limits(limits);
    let ColorType::Gray(bits) = decoder.colortype().map_err(wrong)? else { return Ok(None) };
    let (width, height) = decoder.dimensions().map_err(wrong)?;
    let count = u64::from(width) * u64::from(height);
    if count == 0 || count > MAX_PIXELS || count.saturating_mul(u64::from(bits) / 8) > MAX_BYTES {
        return Err(format!("too large, or empty: {width} x {height} pixels of {bits} bits"));
    }
    let _turn = turn(count);
    let (pixels, values) = match decoder.read_image().map_err(wrong)? {
        DecodingResult::U8(values) => shown(&values, deep),
        DecodingResult::U16(values) => shown(&values, deep),
        DecodingResult::U32(values) => shown(&values, deep),
        DecodingResult::I8(values) => shown(&values, deep),
        DecodingResult::I16(values) => shown(&values, deep),
        DecodingResult::I32(values) => shown(&values, deep),
        DecodingResult::F32(values) => shown(&values, deep),
        DecodingResult::F64(values) => shown(&values, deep),
        DecodingResult::F16(values) => shown(&values.iter().map(|value| value.to_f32()).collect::<Vec<_>>(), deep),
        // No number of a picture needs more than the 53 bits that are left of these.
        DecodingResult::U64(values) => shown(&values.iter().map(|value| *value as f64).collect::<Vec<_>>(), deep),
        DecodingResult::I64(values) => shown(&values.iter().map(|value| *value as f64).collect::<Vec<_>>(), deep),
    };
    let (width, height) = (width as usize, height as usize);
    if pixels.len() != width * height {
        return Err("damaged or incomplete TIFF: it has fewer pixels than it claims".to_owned());
    }
    let deep = if bits > 8 { values } else { Deep::Nothing };
    Ok(Some(Raster { width, height, channels: 1, pixels, deep }))
}

/// Values as bytes, and where `deep` in 16 bits; one value everywhere has no window and is black.
fn shown<T: Copy + Into<f64>>(values: &[T], deep: bool) -> (Vec<u8>, Deep) {
    fn levels<T: Copy + Into<f64>, L: Level>(values: &[T], window: Option<Window>) -> Vec<L> {
        values.iter().map(|value| window.map_or(L::default(), |window| window.level((*value).into()))).collect()
    }
    let window = Window::of(values.iter().map(|value| (*value).into()));
    (levels(values, window), Deep::of(deep, || levels(values, window)))
}

/// The values of a picture as numbers. No number of a picture needs more than 53 bits.
pub(super) fn numbers(values: &DecodingResult) -> Box<dyn Iterator<Item = f64> + '_> {
    match values {
        DecodingResult::U8(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::U16(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::U32(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::U64(values) => Box::new(values.iter().map(|value| *value as f64)),
        DecodingResult::I8(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::I16(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::I32(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::I64(values) => Box::new(values.iter().map(|value| *value as f64)),
        DecodingResult::F16(values) => Box::new(values.iter().map(|value| value.to_f64())),
        DecodingResult::F32(values) => Box::new(values.iter().map(|value| f64::from(*value))),
        DecodingResult::F64(values) => Box::new(values.iter().copied()),
    }
}
