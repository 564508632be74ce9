//! Pictures as PNG that say where they come from.

use std::borrow::Cow;

/// An 8-bit picture of one channel or three as a PNG with texts under names (`seed`, `step`, ...).
///
/// # Errors
/// Where the numbers do not fit together.
pub fn png(size: (usize, usize), pixels: &[u8], about: &[(&str, Cow<'_, str>)]) -> Result<Vec<u8>, png::EncodingError> {
    let grey = size.0.checked_mul(size.1) == Some(pixels.len());
    encoded(
        size,
        if grey { png::ColorType::Grayscale } else { png::ColorType::Rgb },
        png::BitDepth::Eight,
        pixels,
        about,
    )
}

/// A grey picture of 16 bits as a PNG with such texts.
///
/// # Errors
/// Where the numbers do not fit together.
pub fn png16(
    size: (usize, usize),
    values: &[u16],
    about: &[(&str, Cow<'_, str>)],
) -> Result<Vec<u8>, png::EncodingError> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    encoded(size, png::ColorType::Grayscale, png::BitDepth::Sixteen, &bytes, about)
}

fn encoded(
    size: (usize, usize),
    colour: png::ColorType,
    depth: png::BitDepth,
    pixels: &[u8],
    about: &[(&str, Cow<'_, str>)],
) -> Result<Vec<u8>, png::EncodingError> {
    let side = |length: usize| u32::try_from(length).unwrap_or(0); // Refused, as no picture is that wide.
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side(size.0), side(size.1));
    encoder.set_color(colour);
    encoder.set_depth(depth);
    for (name, text) in about {
        let (name, text) = ((*name).to_owned(), text.clone().into_owned());
        // The plain kind of text has the characters of Latin-1 alone.
        if text.chars().all(|c| u32::from(c) < 256) {
            encoder.add_text_chunk(name, text)?;
        } else {
            encoder.add_itxt_chunk(name, text)?;
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_and_texts_come_back() {
        let about = [("seed", Cow::from("7")), ("class", "Zelle, größer".into()), ("session", "细胞 \"x\"".into())];
        for channels in [1, 3] {
            let pixels: Vec<u8> = (0..6 * channels).map(|x| x * 9).collect();
            let bytes = png((3, 2), &pixels, &about).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let mut got = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut got).unwrap();
            assert_eq!(got, pixels);
            let info = reader.info();
            let plain: Vec<(&str, &str)> =
                info.uncompressed_latin1_text.iter().map(|text| (text.keyword.as_str(), text.text.as_str())).collect();
            assert_eq!(plain, [("seed", "7"), ("class", "Zelle, größer")]);
            let wide: Vec<String> = info.utf8_text.iter().map(|text| text.get_text().unwrap()).collect();
            assert_eq!(wide, ["细胞 \"x\""]);
        }
    }

    #[test]
    fn values_of_16_bits_come_back() {
        let values = [0, 1, 255, 256, 40_000, 65_535];
        let bytes = png16((3, 2), &values, &[("seed", "7".into())]).unwrap();
        assert_eq!(image::load_from_memory(&bytes).unwrap().into_luma16().into_raw(), values);
        assert!(png16((3, 3), &values, &[]).is_err());
    }

    #[test]
    fn too_few_pixels_are_refused() {
        assert!(png((3, 2), &[0; 5], &[]).is_err());
        assert!(png((0, 2), &[], &[]).is_err());
    }
}
