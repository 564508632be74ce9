//! The values of a frame of a DICOM file, whichever way they are stored: plain, by run lengths, or as JPEG.

use std::io::Cursor;
use std::ops::Range;

use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;
use jpeg_decoder::ColorTransform;

use super::decode::reason;
use super::dicom::{Header, Pixels};
use super::{jpeg_12, jpeg_2000, jpeg_ls};

/// How the values of a frame are held.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Samples {
    /// Grey values or places in a palette.
    Values(Vec<i32>),
    /// RGB bytes.
    Colours(Vec<u8>),
}

/// A file's bytes, what it says about its picture (checked: there are pixels, of a size and kind that is read), and the
/// pixels of a frame.
pub(super) struct Frames<'a> {
    pub bytes: &'a [u8],
    pub header: &'a Header,
    pub pixels: &'a Pixels,
    pub area: usize,
    /// Every compression, and colours of any depth.
    pub clinical: bool,
}

impl Frames<'_> {
    /// The values of a frame.
    ///
    /// # Errors
    /// Where its bytes are missing, damaged, or compressed in a way that is not read.
    pub fn samples(&self, frame: usize) -> Result<Samples, String> {
        let h = self.header;
        let width = h.allocated / 8;
        match (self.pixels, h.syntax.as_str()) {
            (Pixels::Plain(range), _) if h.photometric == "YBR_FULL_422" && self.clinical && width == 1 => {
                self.halved(&self.bytes[range.clone()], frame)
            }
            // Half of its colours are left out, so that its length says nothing of damage.
            (Pixels::Plain(_), _) if h.photometric == "YBR_FULL_422" => {
                Err("a kind of DICOM that is not read: colours in YBR_FULL_422 without compression".to_owned())
            }
            (Pixels::Plain(range), _) => {
                let (all, bytes) = (&self.bytes[range.clone()], self.area * h.samples * width);
                let start = frame.saturating_mul(bytes);
                let content = all.get(start..start.saturating_add(bytes));
                let content = content.ok_or("damaged or incomplete DICOM: it has fewer pixels than it claims")?;
                if h.words && !h.little && width == 1 {
                    // Bytes that are stored as words come in pairs, the second first.
                    let pairs: Vec<u8> = (start..start + bytes).filter_map(|at| all.get(at ^ 1)).copied().collect();
                    return self.plain(if pairs.len() == bytes { &pairs } else { content }, h.planar, h.little);
                }
                self.plain(content, h.planar, h.little)
            }
            (Pixels::Pieces { .. }, "1.2.840.10008.1.2.5") => {
                // Each byte of each value stands alone, the high ones first; like planes of single bytes.
                let planes = unpacked(&self.piece(frame)?, self.area, h.samples * width)?;
                if width == 1 {
                    return self.plain(&planes, true, true);
                }
                let place = |sample: usize| {
                    let (plane, at) = (sample / self.area, sample % self.area);
                    (0..width).rev().map(move |byte| (plane * width + byte) * self.area + at)
                };
                let mixed: Vec<u8> = (0..self.area * h.samples).flat_map(place).map(|place| planes[place]).collect();
                self.plain(&mixed, true, true)
            }
            (Pixels::Pieces { .. }, "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51") => {
                let piece = self.piece(frame)?;
                if self.clinical && h.samples == 1 && jpeg_12::is_12_bit(&piece) {
                    let values = jpeg_12::decode(&piece, (h.columns, h.rows))?;
                    return Ok(Samples::Values(values.into_iter().map(|value| self.value(value.into())).collect()));
                }
                // Without a word about it inside the JPEG, the header says which colours it holds.
                if h.photometric == "RGB" && !names_colours(&piece) {
                    return self.by_kind(&piece, Some(ColorTransform::RGB));
                }
                self.jpeg(&piece)
            }
            (Pixels::Pieces { .. }, "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70") => {
                self.by_kind(&self.piece(frame)?, None)
            }
            (Pixels::Pieces { .. }, "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81") if self.clinical => {
                let jpeg_ls::Picture { bits, planes } = jpeg_ls::decode(&self.piece(frame)?, (h.columns, h.rows))?;
                self.planes(bits, &planes)
            }
            (Pixels::Pieces { .. }, "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91") if self.clinical => {
                let jpeg_2000::Picture { bits, planes } = jpeg_2000::decode(&self.piece(frame)?, (h.columns, h.rows))?;
                self.planes(bits, &planes)
            }
            (Pixels::Pieces { .. }, other) => Err(format!(
                "a DICOM file compressed with {}, which is not read; store it uncompressed first, for example with gdcmconv --raw",
                compression(other)
            )),
        }
    }

    /// The compressed bytes of a frame.
    fn piece(&self, frame: usize) -> Result<Vec<u8>, String> {
        let Pixels::Pieces { offsets, pieces } = self.pixels else { return Ok(Vec::new()) };
        let frames = self.header.frames.max(1);
        let missing = || "damaged or incomplete DICOM: a frame is missing".to_owned();
        let join = |pieces: &[Range<usize>]| -> Vec<u8> {
            pieces.iter().flat_map(|piece| &self.bytes[piece.clone()]).copied().collect()
        };
        if frames == 1 {
            return if pieces.is_empty() || frame > 0 { Err(missing()) } else { Ok(join(pieces)) };
        }
        if pieces.len() == frames {
            return pieces.get(frame).map(|piece| join(std::slice::from_ref(piece))).ok_or_else(missing);
        }
        if offsets.is_empty() && self.clinical {
            return self.by_ends(pieces, frame).map(join).ok_or_else(missing);
        }
        // Offsets count from the head of the first piece; a head has 8 bytes.
        let base = pieces.first().ok_or_else(missing)?.start.saturating_sub(8);
        let place = |offset: &u64| base.saturating_add(usize::try_from(*offset).unwrap_or(usize::MAX));
        let start = offsets.get(frame).map(place).ok_or_else(missing)?;
        let end = offsets.get(frame + 1).map_or(usize::MAX, place);
        let of_frame = |piece: &&Range<usize>| (start..end).contains(&piece.start.saturating_sub(8));
        Ok(join(&pieces.iter().filter(of_frame).cloned().collect::<Vec<_>>()))
    }

    /// The pieces of a frame where nothing says where each begins: behind one whose last bytes are the mark of a picture's end.
    fn by_ends<'p>(&self, pieces: &'p [Range<usize>], frame: usize) -> Option<&'p [Range<usize>]> {
        let ends = |piece: &Range<usize>| {
            let last = &self.bytes[piece.end.saturating_sub(10).max(piece.start)..piece.end];
            last.windows(2).any(|pair| pair == [0xFF, 0xD9])
        };
        pieces.split_inclusive(ends).nth(frame)
    }

    /// Values without compression; of colours, pixel by pixel or plane by plane.
    fn plain(&self, bytes: &[u8], planar: bool, little: bool) -> Result<Samples, String> {
        let h = self.header;
        let width = h.allocated / 8;
        let fold = |sum: u32, byte: &u8| (sum << 8) | u32::from(*byte);
        let raw = |value: &[u8]| if little { value.iter().rev().fold(0, fold) } else { value.iter().fold(0, fold) };
        if h.samples == 1 {
            return Ok(Samples::Values(bytes.chunks_exact(width).map(|value| self.value(raw(value))).collect()));
        }
        let place = |at: usize, c: usize| if planar { c * self.area + at } else { at * 3 + c };
        if width == 1 {
            return self.colours(|at, c| bytes[place(at, c)]);
        }
        self.colours(|at, c| {
            let start = place(at, c) * width;
            narrow(raw(&bytes[start..start + width]), h.stored as u32)
        })
    }

    /// Colours of which this gives the three values of each pixel.
    fn colours(&self, value: impl Fn(usize, usize) -> u8) -> Result<Samples, String> {
        let colour: fn([u8; 3]) -> [u8; 3] = match self.header.photometric.as_str() {
            // What JPEG 2000 changes on its own account is changed back by then.
            "RGB" | "YBR_RCT" | "YBR_ICT" => |pixel| pixel,
            "YBR_FULL" => from_ybr,
            "YBR_FULL_422" if self.clinical => from_ybr,
            other => return Err(format!("a kind of DICOM that is not read: colours in {other}")),
        };
        Ok(Samples::Colours((0..self.area).flat_map(|at| colour([0, 1, 2].map(|c| value(at, c)))).collect()))
    }

    /// Decoded planes of so many bits.
    fn planes<T: Copy + Into<u32>>(&self, bits: u32, planes: &[Vec<T>]) -> Result<Samples, String> {
        match (planes, self.header.samples) {
            ([grey], 1) => {
                // The picture's own bits tell where its sign is.
                let unused = 32 - bits;
                let value = |raw: u32| {
                    if bits as usize > self.header.high_bit {
                        // As in plain files: what stands above the stored bits is no part of the value.
                        self.value(raw)
                    } else if self.header.signed {
                        ((raw << unused) as i32) >> unused
                    } else {
                        i32::try_from(raw).unwrap_or(i32::MAX)
                    }
                };
                Ok(Samples::Values(grey.iter().map(|raw| value((*raw).into())).collect()))
            }
            ([_, _, _], 3) => self.colours(|at, c| narrow(planes[c][at].into(), bits)),
            _ => Err("damaged DICOM: the picture inside has other colours than the file claims".to_owned()),
        }
    }

    /// Colours of which each pair of pixels has a luma each, and the rest together (PS3.3 C.7.6.3.1.2).
    fn halved(&self, all: &[u8], frame: usize) -> Result<Samples, String> {
        let bytes = self.area * 2;
        let start = frame.saturating_mul(bytes);
        let content = all.get(start..start.saturating_add(bytes));
        let content = content.ok_or("damaged or incomplete DICOM: it has fewer pixels than it claims")?;
        if self.header.columns % 2 == 1 {
            return Err("a kind of DICOM that is not read: YBR_FULL_422 with an odd number of columns".to_owned());
        }
        self.colours(|at, c| content[at / 2 * 4 + if c == 0 { at % 2 } else { 1 + c }])
    }

    /// The stored bits of a value, with its sign.
    fn value(&self, raw: u32) -> i32 {
        let h = self.header;
        let (unused, shift) = (31 - h.high_bit as u32, 32 - h.stored as u32);
        if h.signed {
            ((raw << unused) as i32) >> shift
        } else {
            ((raw << unused) >> shift).min(i32::MAX as u32) as i32
        }
    }

    fn jpeg(&self, bytes: &[u8]) -> Result<Samples, String> {
        let failed = |err| reason(err, "JPEG inside the DICOM file");
        let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(failed)?;
        let colours = usize::from(decoder.color_type().channel_count());
        self.same_size(decoder.dimensions())?;
        let mut pixels = vec![0; self.area * colours];
        if decoder.total_bytes() != pixels.len() as u64 || !matches!(colours, 1 | 3) {
            return Err("a kind of JPEG inside the DICOM file that is not read".to_owned());
        }
        decoder.read_image(&mut pixels).map_err(failed)?;
        Ok(if colours == 3 {
            Samples::Colours(pixels)
        } else {
            Samples::Values(pixels.into_iter().map(|value| self.value(value.into())).collect())
        })
    }

    /// A JPEG of any kind, as its own words say or as told.
    fn by_kind(&self, bytes: &[u8], transform: Option<ColorTransform>) -> Result<Samples, String> {
        let damaged = "a JPEG inside the DICOM file is damaged";
        let failed = |err: jpeg_decoder::Error| format!("{damaged}: {err}");
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        transform.into_iter().for_each(|transform| decoder.set_color_transform(transform));
        // What the header claims is held against the file before anything is decoded.
        decoder.read_info().map_err(failed)?;
        let about = decoder.info().ok_or(damaged)?;
        self.same_size((about.width.into(), about.height.into()))?;
        let decoded = decoder.decode().map_err(failed)?;
        let fits = |bytes: usize| if decoded.len() == self.area * bytes { Ok(()) } else { Err(damaged) };
        match about.pixel_format {
            jpeg_decoder::PixelFormat::L8 => {
                fits(1)?;
                Ok(Samples::Values(decoded.into_iter().map(|value| self.value(value.into())).collect()))
            }
            jpeg_decoder::PixelFormat::L16 => {
                fits(2)?;
                let value = |b: &[u8]| self.value(u16::from_ne_bytes([b[0], b[1]]).into());
                Ok(Samples::Values(decoded.chunks_exact(2).map(value).collect()))
            }
            jpeg_decoder::PixelFormat::RGB24 => {
                fits(3)?;
                Ok(Samples::Colours(decoded))
            }
            jpeg_decoder::PixelFormat::CMYK32 => {
                Err("a kind of JPEG inside the DICOM file that is not read: four colours".to_owned())
            }
        }
    }

    fn same_size(&self, (width, height): (u32, u32)) -> Result<(), String> {
        let same = (width as usize, height as usize) == (self.header.columns, self.header.rows);
        let other = || "damaged DICOM: the picture inside has another size than the file claims".to_owned();
        if same { Ok(()) } else { Err(other()) }
    }
}

/// A value of so many bits as a byte.
fn narrow(value: u32, bits: u32) -> u8 {
    let most = (1_u64 << bits) - 1;
    ((u64::from(value).min(most) * 255 + most / 2) / most) as u8
}

/// Full-range YCbCr to RGB (PS3.3 C.7.6.3.1.2).
pub(super) fn from_ybr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// A frame compressed by run lengths (PS3.5 G): `planes` planes of `area` bytes. It grows as it is unpacked, so that a
/// small file cannot claim much memory.
fn unpacked(bytes: &[u8], area: usize, planes: usize) -> Result<Vec<u8>, String> {
    let damaged = || "damaged or incomplete DICOM: its run lengths do not give a whole picture".to_owned();
    let number = |at: usize| -> Option<usize> {
        let field = bytes.get(at * 4..at * 4 + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(field)).ok()
    };
    if number(0) != Some(planes) {
        return Err(damaged());
    }
    let mut out = Vec::new();
    for plane in 0..planes {
        let mut at = number(plane + 1).ok_or_else(damaged)?;
        let end = (plane + 1) * area;
        while out.len() < end {
            let count = *bytes.get(at).ok_or_else(damaged)? as i8;
            let left = end - out.len();
            let length = usize::from(count.unsigned_abs()) + 1;
            if count >= 0 {
                let literal = bytes.get(at + 1..at + 1 + length).ok_or_else(damaged)?;
                out.extend_from_slice(&literal[..length.min(left)]);
                at += length;
            } else if count != i8::MIN {
                let value = *bytes.get(at + 1).ok_or_else(damaged)?;
                out.extend(std::iter::repeat_n(value, length.min(left)));
                at += 1;
            }
            at += 1;
        }
    }
    Ok(out)
}

/// Whether a JPEG says by a segment of its own, JFIF's or Adobe's, which colours it holds.
fn names_colours(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, kind, high, low]) = bytes.get(at..at + 4) {
        match kind {
            0xE0 | 0xEE => return true,
            0xDA => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// The name of a compression.
fn compression(syntax: &str) -> String {
    match syntax.strip_prefix("1.2.840.10008.1.2.4.") {
        Some("80" | "81") => "JPEG-LS".to_owned(),
        Some("90" | "91" | "92" | "93") => "JPEG 2000".to_owned(),
        Some("110" | "111" | "112") => "JPEG XL".to_owned(),
        Some("201" | "202" | "203") => "high-throughput JPEG 2000".to_owned(),
        Some(kind) if kind.starts_with("10") => "MPEG".to_owned(),
        _ => format!("a transfer syntax that is not known ({syntax})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_give_planes_or_an_error() {
        // Two planes of four bytes: a literal of four; then a run of three, nothing, and a literal of one.
        let packed = [&[2, 0, 0, 0, 12, 0, 0, 0, 17, 0, 0, 0][..], &[3, 1, 2, 3, 4], &[0xFE, 9, 0x80, 0, 7]].concat();
        assert_eq!(unpacked(&packed, 4, 2).unwrap(), [1, 2, 3, 4, 9, 9, 9, 7]);
        for length in 0..packed.len() {
            assert!(unpacked(&packed[..length], 4, 2).is_err(), "{length}");
        }
        assert!(unpacked(&packed, 4, 1).is_err(), "another number of planes");
        assert!(unpacked(&packed, 1 << 40, 2).is_err(), "a picture that the file cannot hold");
    }

    #[test]
    fn values_keep_their_sign_and_their_bits() {
        let pixels = Pixels::Plain(0..0);
        let value = |stored, high_bit, signed, raw| {
            let header = Header { stored, high_bit, signed, ..Header::default() };
            Frames { bytes: &[], header: &header, pixels: &pixels, area: 1, clinical: true }.value(raw)
        };
        assert_eq!(value(12, 11, false, 0xF123), 0x123);
        assert_eq!(value(12, 11, true, 0x0FFF), -1);
        assert_eq!(value(16, 15, true, 0x8000), -32768);
        assert_eq!(value(12, 15, false, 0xABCD), 0xABC);
        assert_eq!(value(8, 7, false, 200), 200);
        assert_eq!(value(32, 31, false, u32::MAX), i32::MAX);
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        assert_eq!([[76, 85, 255], [255, 128, 128], [0, 128, 128]].map(from_ybr), [[254, 0, 0], [255; 3], [0; 3]]);
    }
}
