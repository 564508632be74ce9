//! Reads the headers of NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), and checks all that they claim.

use super::orient::{Steps, Turn};
use super::voxels::{Fields, Header, Kind, Packing, axis_length};
use super::window::Window;

/// Bytes that hold either header.
pub(super) const HEADER: usize = 540;

/// What the format is called.
const NAME: &str = "NIfTI";

/// A kind of number, by its code in the file.
fn kind(code: i16) -> Option<Kind> {
    Some(match code {
        2 => Kind::U8,
        4 => Kind::I16,
        8 => Kind::I32,
        16 => Kind::F32,
        64 => Kind::F64,
        128 => Kind::Rgb,
        256 => Kind::I8,
        512 => Kind::U16,
        768 => Kind::U32,
        1024 => Kind::I64,
        1280 => Kind::U64,
        _ => return None,
    })
}

/// Whether bytes begin like a gzip file.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B])
}

/// Whether bytes begin like a NIfTI file (or its header alone).
pub(super) fn is_nifti(bytes: &[u8]) -> bool {
    let magic = |at: usize| bytes.get(at..at + 3);
    [magic(344), magic(4)].into_iter().flatten().any(|magic| matches!(magic, b"n+1" | b"ni1" | b"n+2" | b"ni2"))
}

/// The header at the start of a file's (uncompressed) bytes.
///
/// # Errors
/// Where it is damaged, or of a kind that is not read.
pub(super) fn read(bytes: &[u8]) -> Result<Header, String> {
    let short = || "damaged or incomplete NIfTI: the file ends in its header".to_owned();
    let first: [u8; 4] = *bytes.first_chunk().ok_or_else(short)?;
    let (little, second) = match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
        (348, _) => (true, false),
        (_, 348) => (false, false),
        (540, _) => (true, true),
        (_, 540) => (false, true),
        _ => return Err("not a NIfTI file, whatever its name".to_owned()),
    };
    if bytes.len() < if second { 540 } else { 348 } {
        return Err(short());
    }
    if bytes[if second { 4 } else { 344 }..].starts_with(b"ni") {
        return Err("the header of a pair of NIfTI files; convert both to one .nii file".to_owned());
    }
    let f = Fields { bytes, little };
    let dim = |index: usize| if second { f.i64(16 + 8 * index) } else { f.i16(40 + 2 * index).into() };
    let code = f.i16(if second { 12 } else { 70 });
    let kind = kind(code).ok_or_else(|| format!("voxels of a kind that is not read (data type {code})"))?;
    let rank = dim(0);
    if !(1..=7).contains(&rank) {
        return Err(format!("damaged NIfTI: it claims {rank} dimensions"));
    }
    let length = |axis: i64| axis_length(NAME, if axis <= rank { dim(axis as usize) } else { 1 });
    let dims = [length(1)?, length(2)?, length(3)?];
    let mut series = false;
    for axis in 4..=rank {
        series |= length(axis)? > 1;
    }
    let (offset, slope, intercept, high, low) = if second {
        (f.i64(168), f.f64(176), f.f64(184), f.f64(192), f.f64(200))
    } else {
        (f.f32(108) as i64, f.f32(112), f.f32(116), f.f32(124), f.f32(128))
    };
    let scaled = slope != 0.0 && slope.is_finite() && intercept.is_finite();
    let (slope, intercept) = if scaled { (slope, intercept) } else { (1.0, 0.0) };
    let calibrated = (low < high && (high - low).is_finite()).then_some(Window { low, high });
    // Some writers leave it at 0; nothing can begin before the header's end.
    let offset = u64::try_from(offset).unwrap_or(0).max(if second { 544 } else { 352 });
    let (turn, spacing) = placed(&f, second);
    let packing = Packing::Plain;
    Header {
        format: NAME,
        dims,
        kind,
        little,
        offset,
        packing,
        slope,
        intercept,
        calibrated,
        series,
        spacing,
        turn: Some(turn),
    }
    .checked()
}

/// How the axes lie, by the file's matrix or rotation, and how far its voxels are apart. Files that say neither have their first
/// axis to the left, as the older format whose header this is.
fn placed(f: &Fields<'_>, second: bool) -> (Turn, [f64; 3]) {
    let (codes, rotation, spaces, rows) = if second { (344, 352, 104, 400) } else { (252, 256, 76, 280) };
    let number = |start: usize, at: usize| if second { f.f64(start + 8 * at) } else { f.f32(start + 4 * at) };
    let code = |at: usize| {
        if second { i32::from_le_bytes(f.at(codes + 4 * at)) } else { f.i16(codes + 2 * at).into() }
    };
    let space = |axis: usize| Some(number(spaces, axis).abs()).filter(|space| space.is_finite() && *space > 0.0);
    let spacing = [1, 2, 3].map(|axis| space(axis).unwrap_or(1.0));
    // Its rows are directions of the body, its columns axes of the file.
    let matrix: Steps = [0, 1, 2].map(|axis| [0, 1, 2].map(|row| number(rows, 4 * row + axis)));
    let of_matrix = (code(1) > 0).then(|| Turn::nearest(&matrix)).flatten();
    let side = if number(spaces, 0) < 0.0 { -1.0 } else { 1.0 };
    let of_rotation = || Turn::nearest(&rotated([0, 1, 2].map(|at| number(rotation, at)), side));
    let turn = of_matrix.or_else(|| if code(0) > 0 { of_rotation() } else { None });
    (turn.unwrap_or(Turn::UNNAMED), spacing)
}

/// Steps along the axes by a unit quaternion, of which three parts are stored.
fn rotated([b, c, d]: [f64; 3], side: f64) -> Steps {
    let left = 1.0 - (b * b + c * c + d * d);
    // Rounding may leave a little less than nothing; then the three parts are made a unit.
    let (a, [b, c, d]) = if left < 1e-7 {
        let length = (b * b + c * c + d * d).sqrt();
        (0.0, [b, c, d].map(|part| part / length))
    } else {
        (left.sqrt(), [b, c, d])
    };
    [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)],
        [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)],
        [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - c * c - b * b].map(|part| part * side),
    ]
}
