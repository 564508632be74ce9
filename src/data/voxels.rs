//! What the header of a volume says, whatever its format, and the values of its voxels.

use super::orient::Turn;
use super::window::Window;
use crate::config::SliceAxis;

/// The most bytes of a volume.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// The longest axis in voxels.
pub(super) const LONGEST: usize = 65_535;

/// How much smaller than its content a gzip file can be at most.
const MOST_COMPRESSED: u64 = 1032;

/// A kind of number.
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

/// How voxels are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are.
    Plain,
    /// gzip, or zlib: told by the first bytes.
    Deflated,
}

/// What a header says, checked.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// What the format is called in messages.
    pub format: &'static str,
    /// Voxels along the three axes.
    pub dims: [usize; 3],
    pub kind: Kind,
    pub little: bool,
    /// Where the voxels begin in the file, after what packs the whole of it is taken off.
    pub offset: u64,
    /// How the voxels alone are packed.
    pub packing: Packing,
    pub slope: f64,
    pub intercept: f64,
    /// The values that the file itself names for black and white.
    pub calibrated: Option<Window>,
    /// There are more volumes than the first.
    pub series: bool,
    /// Millimetres (or another unit) from voxel to voxel along each axis.
    pub spacing: [f64; 3],
    /// How its axes lie in the body; nothing where the file does not say.
    pub turn: Option<Turn>,
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
    /// The same where its volume is not too large.
    pub fn checked(self) -> Result<Self, String> {
        if self.bytes() > MAX_BYTES || self.offset > MAX_BYTES {
            let [x, y, z] = self.dims;
            return Err(format!("too large: {x} x {y} x {z} voxels; at most {} MB are read", MAX_BYTES >> 20));
        }
        Ok(self)
    }

    /// Bytes of the first volume.
    pub fn bytes(&self) -> u64 {
        self.dims.iter().fold(self.kind.bytes() as u64, |product, dim| product.saturating_mul(*dim as u64))
    }

    /// Slices along an axis of the file or, turned, of the body, where a file of `length` bytes can hold the volume; else an
    /// error that says so.
    pub fn slices(&self, axis: SliceAxis, turned: bool, length: u64, packed: bool) -> Result<usize, String> {
        let packed = packed || self.packing == Packing::Deflated;
        let most = if packed { length.saturating_mul(MOST_COMPRESSED) } else { length };
        if most < self.offset.saturating_add(self.bytes()) {
            return Err(self.short());
        }
        let axis = axis as usize;
        let turn = self.turn.as_ref().filter(|_| turned);
        Ok(self.dims[turn.map_or(axis, |turn| turn.axes[axis].from)])
    }

    /// What is said of a file that is cut off.
    pub fn short(&self) -> String {
        format!("damaged or incomplete {}: the file ends too early", self.format)
    }

    /// A voxel's value, scaled as the header says; of colours, the red.
    pub fn value(&self, voxels: &[u8], at: usize) -> f64 {
        let start = at * self.kind.bytes();
        let f = Fields { bytes: voxels, little: self.little };
        let raw = match self.kind {
            Kind::U8 | Kind::Rgb => f64::from(f.at::<1>(start)[0]),
            Kind::I8 => f64::from(i8::from_le_bytes(f.at(start))),
            Kind::I16 => f64::from(f.i16(start)),
            Kind::U16 => f64::from(u16::from_le_bytes(f.at(start))),
            Kind::I32 => f64::from(i32::from_le_bytes(f.at(start))),
            Kind::U32 => f64::from(u32::from_le_bytes(f.at(start))),
            Kind::F32 => f.f32(start),
            Kind::F64 => f.f64(start),
            Kind::I64 => f.i64(start) as f64,
            Kind::U64 => u64::from_le_bytes(f.at(start)) as f64,
        };
        raw * self.slope + self.intercept
    }
}

/// A length of an axis that a text or a number claims.
pub(super) fn axis_length(format: &str, length: i64) -> Result<usize, String> {
    match usize::try_from(length) {
        Ok(length @ 1..=LONGEST) => Ok(length),
        Ok(_) | Err(_) => Err(format!("damaged {format}: it claims an axis of {length} voxels")),
    }
}
