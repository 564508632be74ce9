//! JPEG 2000 as scanners' archives use it. What a stream claims is held against bounds before it is decoded, so that a small file
//! takes neither much memory nor much time.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// A decoded picture.
pub(super) struct Picture {
    /// Bits of a value.
    pub bits: u32,
    /// One plane of `width * height` values for each component; those of signed components are as in two's complement.
    pub planes: Vec<Vec<u32>>,
}

/// The most pixels.
const MAX_PIXELS: usize = 25_000_000;

/// The most pieces of any kind (tiles, precincts, blocks of coefficients) that are kept at once.
const MAX_PIECES: u64 = 750_000; // a block has up to 24 bytes for each of 32 layers

const SIZE: u8 = 0x51;
const STYLE: u8 = 0x52;
const QUANTISATION: u8 = 0x5C;
const QUANTISATION_OF_COMPONENT: u8 = 0x5D;
const REGION: u8 = 0x5E;
const END: u8 = 0xD9;
const STYLE_OF_COMPONENT: u8 = 0x53;
const TILE_PART: u8 = 0x90;
const DATA: u8 = 0x93;

/// What a stream says of its size.
struct Claimed {
    components: usize,
    bits: u32,
    signed: bool,
}

/// Decodes a picture that must be `width` by `height`, of 1 or 3 components.
///
/// # Errors
/// Where it is damaged, of another size, or claims what no picture needs.
pub(super) fn decode(bytes: &[u8], (width, height): (usize, usize)) -> Result<Picture, String> {
    let damaged = "damaged or incomplete JPEG 2000";
    let start = bytes.windows(4).position(|mark| mark == [0xFF, 0x4F, 0xFF, SIZE]).ok_or(damaged)?;
    // What may stand round the stream (a JP2 file) has no place in DICOM.
    let stream = &bytes[start..];
    let claimed = check(stream, (width, height)).ok_or(damaged)??;
    let settings = DecodeSettings { resolve_palette_indices: false, strict: false, target_resolution: None };
    let failed = |err| format!("{damaged}: {err}");
    let image = Image::new(stream, &settings).map_err(failed)?;
    if (image.width() as usize, image.height() as usize) != (width, height) {
        return Err(other_size());
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(failed)?;
    let (bits, most) = (claimed.bits, (1_i64 << claimed.bits) - 1);
    // The decoder moves values by half of their range, whether they have a sign or not.
    let (moved, mask) = (if claimed.signed { 1_i64 << (bits - 1) } else { 0 }, most);
    let value = |sample: &f32| ((sample.round() as i64).clamp(0, most) - moved) & mask;
    let plane = |samples: &[f32]| samples.iter().map(|sample| value(sample) as u32).collect();
    let planes: Vec<Vec<u32>> = decoded.components().iter().map(|component| plane(component.samples())).collect();
    if planes.len() != claimed.components || planes.iter().any(|plane| plane.len() != width * height) {
        return Err(damaged.to_owned());
    }
    Ok(Picture { bits, planes })
}

fn other_size() -> String {
    "damaged DICOM: the picture inside has another size than the file claims".to_owned()
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field: &[u8; N] = bytes.get(at..)?.first_chunk()?;
    Some(field.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

/// What a stream claims; nothing where its marks end too early.
fn check(stream: &[u8], size: (usize, usize)) -> Option<Result<Claimed, String>> {
    let unread = |what: &str| Some(Err(format!("a kind of JPEG 2000 that is not read: {what}")));
    let size_at = 4;
    let area = [0, 4].map(|at| Some((number::<4>(stream, size_at + 4 + at)?, number::<4>(stream, size_at + 12 + at)?)));
    let [(right, left), (bottom, top)] = [area[0]?, area[1]?];
    let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
    let [tile_width, tile_height] = [number::<4>(stream, size_at + 20)?, number::<4>(stream, size_at + 24)?];
    let components = number::<2>(stream, size_at + 36)? as usize;
    if !matches!(components, 1 | 3) {
        return unread(&format!("{components} components"));
    }
    let depth = *stream.get(size_at + 38)?;
    let whole =
        (0..components).all(|at| stream.get(size_at + 38 + 3 * at..size_at + 41 + 3 * at) == Some(&[depth, 1, 1]));
    if !whole {
        return unread("components of different sizes");
    }
    if (width as usize, height as usize) != size {
        return Some(Err(other_size()));
    }
    if size.0 * size.1 > MAX_PIXELS {
        return Some(Err(format!(
            "too large: {width} x {height} pixels; at most {} million are read of JPEG 2000",
            MAX_PIXELS / 1_000_000
        )));
    }
    let bits = u32::from(depth & 0x7F) + 1;
    if bits > 24 {
        return unread(&format!("values of {bits} bits"));
    }
    let tiles = right.div_ceil(tile_width.max(1)).saturating_mul(bottom.div_ceil(tile_height.max(1)));
    let pixels = width * height * components as u64;
    let mut pieces = tiles.saturating_mul(components as u64);
    for style in styles(stream)? {
        pieces = pieces.max(style.pieces(pixels, tiles));
    }
    if pieces > MAX_PIECES {
        return unread("it is cut into more pieces than any picture needs");
    }
    Some(Ok(Claimed { components, bits, signed: depth & 0x80 != 0 }))
}

/// How fine a part of the stream is cut.
struct Style {
    levels: u64,
    /// The logarithm of the area of the smallest precinct, and of a block of coefficients.
    precinct: u32,
    block: u32,
}

impl Style {
    /// About how many precincts and blocks there are at most.
    fn pieces(&self, pixels: u64, tiles: u64) -> u64 {
        let few = tiles.saturating_mul(3 * (self.levels + 1) * 3);
        let finest = self.precinct.min(self.block).min(40);
        (pixels >> finest).saturating_mul(2).saturating_add(few)
    }
}

/// The styles of the main header and of all parts of tiles; nothing where a mark is cut off.
fn styles(stream: &[u8]) -> Option<Vec<Style>> {
    let mut styles = Vec::new();
    let (mut at, mut part_end) = (2, 0_usize);
    while let Some(&[0xFF, kind]) = stream.get(at..at + 2) {
        // At an end inside of a part the decoder goes on behind the part, too.
        if matches!(kind, DATA | END) {
            // A length of 0 goes to the end.
            if part_end <= at {
                break;
            }
            at = part_end;
            continue;
        }
        // These have neither length nor content.
        if (0x30..=0x3F).contains(&kind) {
            at += 2;
            continue;
        }
        let length = number::<2>(stream, at + 2)? as usize;
        let segment = stream.get(at + 4..at + 2 + length.max(2))?;
        // The decoder goes by what stands in a segment, whatever its length says.
        if !is_whole(kind, segment) {
            return None;
        }
        match kind {
            TILE_PART => {
                let length = number::<4>(segment, 2)? as usize;
                part_end = if length == 0 { 0 } else { at.checked_add(length)? };
            }
            STYLE => styles.push(style(segment, 5, segment.first()? & 1 == 1)?),
            // With so few components, which one is meant takes one byte.
            STYLE_OF_COMPONENT => styles.push(style(segment, 2, segment.get(1)? & 1 == 1)?),
            _ => {}
        }
        at += 2 + length.max(2);
    }
    (!styles.is_empty()).then_some(styles)
}

/// Whether a segment is as long as its content says, so that decoder and check find the next one at the same place.
fn is_whole(kind: u8, segment: &[u8]) -> bool {
    let byte = |at: usize| segment.get(at).copied().unwrap_or(0);
    let precincts = |flags: u8, levels: u8| if flags & 1 == 1 { usize::from(levels) + 1 } else { 0 };
    let steps = |at: usize| match byte(at) & 0x1F {
        1 => segment.len() == at + 3,
        2 => segment.len() % 2 == (at + 1) % 2,
        _ => true,
    };
    match kind {
        SIZE => number::<2>(segment, 34).is_some_and(|count| segment.len() == 36 + 3 * count as usize),
        STYLE => segment.len() == 10 + precincts(byte(0), byte(5)),
        STYLE_OF_COMPONENT => segment.len() == 7 + precincts(byte(1), byte(2)),
        QUANTISATION => steps(0),
        QUANTISATION_OF_COMPONENT => steps(1),
        REGION => segment.len() == 3,
        _ => true,
    }
}

/// The style whose number of levels stands at a place.
fn style(segment: &[u8], at: usize, with_precincts: bool) -> Option<Style> {
    let levels = u64::from(*segment.get(at)?);
    let block = u32::from(segment.get(at + 1)? & 15) + u32::from(segment.get(at + 2)? & 15) + 4;
    let precincts = if with_precincts { segment.get(at + 5..)? } else { &[0xFF][..] };
    // Those of the smallest levels are few, however fine they are.
    let fine = |(level, size): (usize, &u8)| {
        let from_last = precincts.len() - 1 - level;
        u32::from(size & 15) + u32::from(size >> 4) + 2 * from_last as u32
    };
    let precinct = precincts.iter().enumerate().map(fine).min()?;
    Some(Style { levels, precinct, block })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 rows of 9 values, written by OpenJPEG without loss (imagecodecs 2026.3.6, `jpeg2k_encode`); those with a sign are 800 less.
    const PLAIN: &[u8] = &[
        255, 79, 255, 81, 0, 41, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 1, 15, 1, 1, 255, 82, 0, 12, 0, 0, 0, 1, 0, 0, 4, 4, 0, 1, 255, 92, 0, 4, 64, 128, 255, 100,
        0, 37, 0, 1, 67, 114, 101, 97, 116, 101, 100, 32, 98, 121, 32, 79, 112, 101, 110, 74, 80, 69, 71, 32, 118, 101,
        114, 115, 105, 111, 110, 32, 50, 46, 53, 46, 52, 255, 144, 0, 10, 0, 0, 0, 0, 0, 76, 0, 1, 255, 147, 207, 252,
        48, 232, 17, 80, 84, 111, 231, 140, 33, 219, 165, 12, 48, 24, 27, 129, 75, 116, 33, 158, 57, 226, 159, 190,
        200, 208, 171, 166, 143, 62, 55, 49, 255, 75, 99, 19, 140, 80, 240, 253, 241, 60, 166, 68, 161, 204, 241, 221,
        128, 61, 50, 54, 70, 160, 136, 17, 39, 164, 34, 63, 255, 217,
    ];
    const SIGNED: &[u8] = &[
        255, 79, 255, 81, 0, 41, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 1, 143, 1, 1, 255, 82, 0, 12, 0, 0, 0, 1, 0, 0, 4, 4, 0, 1, 255, 92, 0, 4, 64, 128, 255, 100,
        0, 37, 0, 1, 67, 114, 101, 97, 116, 101, 100, 32, 98, 121, 32, 79, 112, 101, 110, 74, 80, 69, 71, 32, 118, 101,
        114, 115, 105, 111, 110, 32, 50, 46, 53, 46, 52, 255, 144, 0, 10, 0, 0, 0, 0, 0, 64, 0, 1, 255, 147, 192, 126,
        197, 192, 43, 196, 221, 194, 177, 184, 17, 253, 118, 204, 153, 6, 147, 142, 3, 73, 219, 68, 82, 12, 247, 48,
        254, 3, 111, 64, 241, 15, 0, 223, 104, 154, 45, 180, 192, 226, 98, 243, 19, 55, 96, 34, 79, 72, 68, 127, 255,
        217,
    ];

    fn value(at: usize) -> u32 {
        let (x, y) = (at % 9, at / 9);
        if (x, y) == (1, 2) {
            703
        } else if x < 4 {
            700
        } else {
            100 + 300 * ((x * 7 + y * 3) % 5) as u32
        }
    }

    #[test]
    fn values_are_those_that_were_written() {
        let wanted: Vec<u32> = (0..45).map(value).collect();
        let plain = decode(PLAIN, (9, 5)).unwrap();
        assert_eq!((plain.bits, plain.planes), (16, vec![wanted.clone()]));
        let signed = decode(SIGNED, (9, 5)).unwrap();
        let wanted: Vec<u32> = wanted.into_iter().map(|value| value.wrapping_sub(800) & 0xFFFF).collect();
        assert_eq!((signed.bits, signed.planes), (16, vec![wanted]));
    }

    #[test]
    fn what_claims_too_much_is_refused_before_it_is_decoded() {
        let changed = |at: usize, bytes: &[u8]| {
            let mut stream = PLAIN.to_vec();
            stream[at..at + bytes.len()].copy_from_slice(bytes);
            decode(&stream, (9, 5)).err().unwrap_or_default()
        };
        assert!(changed(8, &[0, 0, 0, 10]).contains("another size"));
        assert!(changed(40, &[0, 9]).contains("9 components"));
        assert!(changed(8, &[0xFF; 4]).contains("another size"));
        assert!(changed(24, &[0, 0, 0, 0]).contains("damaged"), "tiles without a side");
        let huge = [0x00, 0x01, 0x00, 0x00].repeat(2);
        let mut stream = PLAIN.to_vec();
        stream[8..16].copy_from_slice(&huge);
        assert!(decode(&stream, (65_536, 65_536)).err().is_some_and(|told| told.starts_with("too large")));
        let fine = Style { levels: 5, precinct: 0, block: 12 };
        assert!(fine.pieces(MAX_PIXELS as u64, 1) > MAX_PIECES);
    }

    #[test]
    fn damage_gives_whole_planes_or_a_reason() {
        for whole in [PLAIN, SIGNED] {
            for length in 0..whole.len() {
                let decoded = crate::guard::catch(|| decode(&whole[..length], (9, 5)));
                let data = whole.windows(2).position(|mark| mark == [0xFF, DATA]).unwrap();
                // What ends in the main header is refused.
                assert!(length > data - 12 || !matches!(decoded, Ok(Ok(_))), "{length}");
            }
            for at in 0..whole.len() {
                let mut changed = whole.to_vec();
                changed[at] ^= 1 << (at % 8);
                if let Ok(Ok(picture)) = crate::guard::catch(|| decode(&changed, (9, 5))) {
                    assert!(picture.planes.iter().all(|plane| plane.len() == 45));
                }
            }
        }
    }
}
