//! Reads the headers of NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), and checks all that they claim.

use super::window::Window;
use crate::config::SliceAxis;

/// The most bytes of a volume.
const MAX_BYTES: u64 = 512 << 20;

/// Bytes that hold either header.
pub(super) const HEADER: usize = 540;

/// How much smaller than its content a gzip file can be at most.
const MOST_COMPRESSED: u64 = 1032;

/// A kind of number, by its code in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I16,
    I32,
    F32,
    F64,
    Rgb,
    I8,
    U16,
    U32,
    I64,
    U64,
}

impl Kind {
    fn of(code: i16) -> Option<Self> {
        Some(match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            128 => Self::Rgb,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            _ => return None,
        })
    }

    /// Bytes of a voxel.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::Rgb => 3,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

/// What a header says, checked.
#[derive(Debug)]
pub(super) struct Header {
    /// Voxels along the three axes.
    pub dims: [usize; 3],
    pub kind: Kind,
    pub little: bool,
    /// Where the voxels begin in the file.
    pub offset: u64,
    pub slope: f64,
    pub intercept: f64,
    /// The values that the file itself names for black and white.
    pub calibrated: Option<Window>,
    /// There are more volumes than the first.
    pub series: bool,
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

/// Numbers at places, in either byte order; 0 where the bytes end before.
pub(super) struct Fields<'a> {
    pub bytes: &'a [u8],
    pub little: bool,
}

impl Fields<'_> {
    /// So many bytes, in the order of little-endian machines.
    pub fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field: [u8; N] = self.bytes.get(at..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N]);
        if !self.little {
            field.reverse();
        }
        field
    }

    pub fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.at(at))
    }

    pub fn f32(&self, at: usize) -> f64 {
        f32::from_le_bytes(self.at(at)).into()
    }

    pub fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.at(at))
    }

    pub fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.at(at))
    }
}

impl Header {
    /// The header at the start of a file's (uncompressed) bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
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
        let kind = Kind::of(code).ok_or_else(|| format!("voxels of a kind that is not read (data type {code})"))?;
        let rank = dim(0);
        if !(1..=7).contains(&rank) {
            return Err(format!("damaged NIfTI: it claims {rank} dimensions"));
        }
        let length = |axis: i64| -> Result<usize, String> {
            let length = if axis <= rank { dim(axis as usize) } else { 1 };
            let allowed = (1..=65_535).contains(&length);
            if allowed {
                Ok(length as usize)
            } else {
                Err(format!("damaged NIfTI: it claims an axis of {length} voxels"))
            }
        };
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
        let header = Self { dims, kind, little, offset, slope, intercept, calibrated, series };
        if header.bytes() > MAX_BYTES || offset > MAX_BYTES {
            let [x, y, z] = dims;
            return Err(format!("too large: {x} x {y} x {z} voxels; at most {} MB are read", MAX_BYTES >> 20));
        }
        Ok(header)
    }

    /// Bytes of the first volume.
    pub fn bytes(&self) -> u64 {
        self.dims.iter().fold(self.kind.bytes() as u64, |product, dim| product.saturating_mul(*dim as u64))
    }

    /// Slices along an axis, where a file of `length` bytes can hold the volume; else an error that says so.
    pub fn slices(&self, axis: SliceAxis, length: u64, gzip: bool) -> Result<usize, String> {
        let most = if gzip { length.saturating_mul(MOST_COMPRESSED) } else { length };
        if most < self.offset + self.bytes() {
            return Err("damaged or incomplete NIfTI: the file ends too early".to_owned());
        }
        Ok(self.dims[axis as usize])
    }
}
