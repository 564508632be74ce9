//! Decodes one image file, whatever it claims to be, and says in plain words why where it cannot.
//!
//! Files come from anywhere: they are cut off, misnamed, or made to fill the memory. So the content decides the
//! format, and sizes are checked before pixels are decoded.

use std::io::Cursor;
use std::path::Path;

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{AnimationDecoder as _, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::catch_panic::catch_panic;
use super::convert::{Conversion, Raster, flatten};
use super::limits::{MAX_BYTES, MAX_PIXELS, turn};
use super::tiff_values;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    Bmp,
    Tiff,
    WebP,
    Gif,
}

/// The formats, with their names and extensions.
const FORMATS: [(Format, ImageFormat, &str, &[&str]); 6] = [
    (Format::Png, ImageFormat::Png, "PNG", &["png", "apng"]),
    (Format::Jpeg, ImageFormat::Jpeg, "JPEG", &["jpg", "jpeg", "jpe", "jfif"]),
    (Format::Bmp, ImageFormat::Bmp, "BMP", &["bmp", "dib"]),
    (Format::Tiff, ImageFormat::Tiff, "TIFF", &["tif", "tiff", "svs"]),
    (Format::WebP, ImageFormat::WebP, "WebP", &["webp"]),
    (Format::Gif, ImageFormat::Gif, "GIF", &["gif"]),
];

/// Whether files with this extension (in lower case) are opened. Those with none are too: their content decides.
pub(super) fn is_image_extension(extension: &str) -> bool {
    FORMATS.iter().any(|(.., extensions)| extensions.contains(&extension))
}

/// A file's picture, upright, and what was noticed on the way.
pub(super) struct Decoded {
    pub raster: Raster,
    pub conversion: Conversion,
    /// The file holds more pictures than the first, which is the one here.
    pub several: bool,
    /// The camera's orientation tag was followed.
    pub turned: bool,
    /// The extension names another format than the file holds.
    pub misnamed: bool,
    /// Its values were shown from their 1st to their 99th percentile, or between limits that a volume names.
    pub windowed: bool,
    /// It comes from the first volume of several.
    pub series: bool,
    /// What is to be told of a scan.
    pub scan: Scan,
}

/// What was done to a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Its values were shown through `data.window`.
    pub fixed: bool,
    /// It was turned, though its file does not say how it lies.
    pub unnamed: bool,
    /// Its axes lie between those of the body; it was turned to the nearest.
    pub oblique: bool,
    /// Its pixels were made square.
    pub square: bool,
}

/// A path's extension in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

/// Bytes that what stands before the pixels of a PNG may take once it is unpacked.
const MOST_BEFORE_PIXELS: u64 = 32 << 20;

/// Decodes an image file's bytes, where `deep` with its grey values of more than 8 bits; the error is the reason why it cannot be used.
pub(super) fn decode(bytes: &[u8], extension: Option<&str>, deep: bool) -> Result<Decoded, String> {
    let guessed = guessed(bytes);
    let Some((format, _, name, extensions)) = FORMATS.iter().find(|(_, known, ..)| Some(*known) == guessed) else {
        return Err(not_an_image(bytes, guessed, extension));
    };
    let misnamed = extension.is_some_and(|extension| !extensions.contains(&extension));
    let (picture, several) = match format {
        Format::Png => {
            // What stands before the pixels, such as a colour profile, is small in any real file.
            let mut head = limits();
            head.max_alloc = Some(MOST_BEFORE_PIXELS);
            let decoder = PngDecoder::with_limits(Cursor::new(bytes), head).map_err(|err| reason(err, name))?;
            let several = decoder.is_apng().unwrap_or(false);
            (pixels(decoder, name)?, several)
        }
        Format::Jpeg => {
            if !jpeg_has_end(bytes) {
                return Err("damaged or incomplete JPEG: its end is missing".to_owned());
            }
            (pixels(JpegDecoder::new(Cursor::new(bytes)).map_err(|err| reason(err, name))?, name)?, false)
        }
        Format::Bmp => (pixels(BmpDecoder::new(Cursor::new(bytes)).map_err(|err| reason(err, name))?, name)?, false),
        Format::Tiff => {
            let several = tiff_has_second_page(bytes).unwrap_or(false);
            match TiffDecoder::new(Cursor::new(bytes)) {
                Ok(decoder) => (pixels(decoder, name)?, several),
                Err(err @ ImageError::Unsupported(_)) => {
                    let Some(raster) = tiff_values::grey(bytes, deep)? else { return Err(reason(err, name)) };
                    let conversion = Conversion { stretched: true, ..Conversion::default() };
                    return Ok(Decoded { conversion, several, misnamed, ..Decoded::plain(raster) });
                }
                Err(err) => return Err(reason(err, name)),
            }
        }
        Format::WebP => {
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|err| reason(err, name))?;
            let several = decoder.has_animation();
            (pixels(decoder, name)?, several)
        }
        Format::Gif => {
            let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|err| reason(err, name))?;
            let picture = pixels(decoder, name)?;
            let again = GifDecoder::new(Cursor::new(bytes)).map_err(|err| reason(err, name))?;
            (picture, again.into_frames().take(2).filter(Result::is_ok).count() == 2)
        }
    };
    let (picture, turned) = picture;
    let Some((raster, conversion)) = flatten(picture, deep) else {
        return Err(format!("a kind of {name} that is not read: its pixels are neither grey nor RGB"));
    };
    Ok(Decoded { conversion, several, turned, misnamed, ..Decoded::plain(raster) })
}

/// The format that bytes begin like.
fn guessed(bytes: &[u8]) -> Option<ImageFormat> {
    // TIFF files with offsets of 64 bits begin otherwise than `image` knows.
    let big_tiff = || [b"II\x2B\0", b"MM\0\x2B"].iter().any(|mark| bytes.starts_with(*mark));
    image::guess_format(bytes).ok().or_else(|| big_tiff().then_some(ImageFormat::Tiff))
}

/// How many pixels a file of so many bytes takes to decode, by its beginning; 0 of what is none of these formats or is refused for
/// its size, and as many as can be where the beginning does not say.
pub(super) fn claimed_pixels(beginning: &[u8], length: u64) -> u64 {
    let Some(format) = guessed(beginning) else { return 0 };
    let mut reader = ImageReader::with_format(Cursor::new(beginning), format);
    let mut head = limits();
    head.max_alloc = Some(MOST_BEFORE_PIXELS);
    reader.limits(head);
    match catch_panic(|| reader.into_dimensions().map_err(|err| err.to_string())) {
        Ok((width, height)) => {
            Some(u64::from(width) * u64::from(height)).filter(|area| *area <= MAX_PIXELS).unwrap_or(0)
        }
        Err(_) if (beginning.len() as u64) < length => MAX_PIXELS,
        Err(_) => 0,
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

/// Checks the size, decodes, and turns the picture upright (true where that changed it).
fn pixels(mut decoder: impl ImageDecoder, name: &str) -> Result<(DynamicImage, bool), String> {
    let (width, height) = decoder.dimensions();
    let count = u64::from(width) * u64::from(height);
    if count == 0 {
        return Err(format!("an empty picture of {width} x {height} pixels"));
    }
    if count > MAX_PIXELS || decoder.total_bytes() > MAX_BYTES {
        return Err(format!(
            "too large: {width} x {height} pixels; at most {} million are read",
            MAX_PIXELS / 1_000_000
        ));
    }
    decoder.set_limits(limits()).map_err(|err| reason(err, name))?;
    // A broken tag is no reason to lose the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let _turn = turn(count);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|err| reason(err, name))?;
    picture.apply_orientation(orientation);
    Ok((picture, orientation != Orientation::NoTransforms))
}

/// An error of the `image` crate in plain words.
pub(super) fn reason(err: ImageError, name: &str) -> String {
    let said = match err {
        ImageError::Limits(_) => return format!("too large: decoding would take more than {} MB", MAX_BYTES >> 20),
        ImageError::Unsupported(err) => {
            let said = err.to_string();
            let (_, said) = said.split_once("does not support the format features ").unwrap_or(("", &said));
            return format!("a kind of {name} that is not read: {said}");
        }
        err @ (ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_)) => err.to_string(),
    };
    // What is left is for people: no wrapping by the crates that the error came through, no quotes, one line.
    let said =
        said.strip_prefix("Format error decoding ").and_then(|said| said.split_once(": ")).map_or(&*said, |s| s.1);
    let said = said.split_once("Reason:").map_or(said, |(_, reason)| reason);
    let said = said.trim_matches(|c: char| c.is_whitespace() || c == '"');
    let lower = said.to_lowercase();
    if lower.contains("8-bit images") {
        format!("a kind of {name} that is not read: {said}")
    } else if lower.contains("crc error") {
        format!("damaged or incomplete {name}: a checksum in it does not match")
    } else if said.contains("ChunkType {") {
        format!("damaged or incomplete {name}: its chunks are in disorder")
    } else if ["end of file", "unexpected eof", "failed to fill", "not enough bytes"]
        .iter()
        .any(|words| lower.contains(words))
    {
        format!("damaged or incomplete {name}: the file ends too early")
    } else {
        format!("damaged or incomplete {name}: {said}")
    }
}

/// What a file is that holds none of the formats.
fn not_an_image(bytes: &[u8], guessed: Option<ImageFormat>, extension: Option<&str>) -> String {
    let start = bytes.trim_ascii_start();
    if bytes.is_empty() {
        "the file is empty".to_owned()
    } else if let Some(other) = guessed {
        let name = other.extensions_str().first().copied().unwrap_or("another format");
        format!("holds {name}, which is not read; convert it to PNG first")
    } else if matches!(extension, Some("dcm" | "dicom")) {
        "not a DICOM file, whatever its name: it begins neither with the mark DICM nor with an element of one"
            .to_owned()
    } else if start.starts_with(b"<") {
        "a web page or other text, not an image".to_owned()
    } else {
        "not an image, whatever its name: its content is none of PNG, JPEG, BMP, TIFF, WebP, GIF, DICOM and NIfTI"
            .to_owned()
    }
}

/// Whether a JPEG's end marker stands somewhere after its first scan begins. The decoder would fill what is missing
/// with grey and say nothing.
fn jpeg_has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[marker, kind, high, low]) = bytes.get(at..at + 4) {
        if marker != 0xFF {
            at += 1;
        } else if kind == 0xDA {
            return bytes[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]);
        } else if kind == 0xFF || kind == 0x00 || kind == 0x01 || (0xD0..=0xD8).contains(&kind) {
            at += if kind == 0xFF { 1 } else { 2 };
        } else {
            at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
        }
    }
    // No scan at all: the decoder will say so.
    true
}

/// Each width and height that a JPEG claims before its pixels begin, or its end; nothing where its parts do not follow each other.
pub(super) fn jpeg_sizes(bytes: &[u8]) -> Option<Vec<(usize, usize)>> {
    let (mut at, mut sizes) = (2, Vec::new());
    loop {
        let kind = *bytes.get(at..)?.strip_prefix(&[0xFF])?.first()?;
        let number = |place: usize| Some(usize::from(u16::from_be_bytes(*bytes.get(place..)?.first_chunk()?)));
        match kind {
            0xD9 | 0xDA => return Some(sizes),
            0xC0..=0xCF if !matches!(kind, 0xC4 | 0xC8 | 0xCC) => sizes.push((number(at + 7)?, number(at + 5)?)),
            _ => {}
        }
        at += if kind == 0xFF { 1 } else { 2 + number(at + 2)? };
    }
}

/// Whether a TIFF's first directory names a second.
fn tiff_has_second_page(bytes: &[u8]) -> Option<bool> {
    let little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        let value = if little { field.iter().rev().fold(0, fold) } else { field.iter().fold(0, fold) };
        usize::try_from(value).ok()
    };
    // Big TIFFs (version 43) have wider offsets, counts and entries.
    let (offset, wide, count, entry) = if number(2, 2)? == 43 { (8, 8, 8, 20) } else { (4, 4, 2, 12) };
    let directory = number(offset, wide)?;
    let entries = number(directory, count)?;
    let next = directory.checked_add(count)?.checked_add(entries.checked_mul(entry)?)?;
    Some(number(next, wide)? != 0)
}
