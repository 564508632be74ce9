//! A NIfTI volume in memory, cut into slices.
//!
//! Values other than bytes and colours are shown from the 1st to the 99th percentile of the whole volume, or between the
//! file's own `cal_min` and `cal_max`. Of series (four dimensions), the first volume is read.

use std::io::{BufRead, Read, sink};

use flate2::bufread::MultiGzDecoder;

use super::convert::Raster;
use super::nifti::{Fields, HEADER, Header, Kind, is_gzip};
use super::window::Window;
use crate::config::SliceAxis;

/// A volume in memory.
pub(super) struct Volume {
    pub header: Header,
    voxels: Vec<u8>,
    /// What is shown from black to white; nothing where values are shown as they are, or are all the same.
    window: Option<Window>,
}

/// The uncompressed beginning of a file, which holds its header where it is whole.
pub(super) fn head(mut from: impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_gzip(from.fill_buf()?) {
        MultiGzDecoder::new(from).take(HEADER as u64).read_to_end(&mut bytes)?;
    } else {
        from.take(HEADER as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl Volume {
    /// Reads a file from its beginning; no more of it than its header needs.
    ///
    /// # Errors
    /// Where it is damaged, too large, or of a kind that is not read.
    pub fn read(mut from: impl BufRead) -> Result<Self, String> {
        let gzip = is_gzip(from.fill_buf().map_err(damaged)?);
        if gzip { Self::unpacked(MultiGzDecoder::new(from)) } else { Self::unpacked(from) }
    }

    fn unpacked(mut from: impl Read) -> Result<Self, String> {
        let mut head = Vec::new();
        from.by_ref().take(HEADER as u64).read_to_end(&mut head).map_err(damaged)?;
        let header = Header::read(&head)?;
        // What was read beyond the header of the older kind belongs to the voxels.
        let mut from = head.as_slice().chain(from);
        std::io::copy(&mut from.by_ref().take(header.offset), &mut sink()).map_err(damaged)?;
        let mut voxels = Vec::new();
        from.take(header.bytes()).read_to_end(&mut voxels).map_err(damaged)?;
        if voxels.len() as u64 != header.bytes() {
            return Err("damaged or incomplete NIfTI: the file ends too early".to_owned());
        }
        let mut volume = Self { window: None, header, voxels };
        if volume.is_windowed() {
            let all = (0..volume.header.dims.iter().product()).map(|at| volume.value(at));
            volume.window = volume.header.calibrated.or_else(|| Window::of(all));
        }
        Ok(volume)
    }

    /// A voxel's value, scaled as the header says.
    fn value(&self, at: usize) -> f64 {
        let start = at * self.header.kind.bytes();
        let f = Fields { bytes: &self.voxels, little: self.header.little };
        let raw = match self.header.kind {
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
        raw * self.header.slope + self.header.intercept
    }

    /// Whether values are stretched on their way to bytes.
    pub fn is_windowed(&self) -> bool {
        !matches!(self.header.kind, Kind::U8 | Kind::Rgb)
    }

    /// The slice at a place along an axis. The later of the other two axes goes upwards, the earlier to the right, so that
    /// heads of the usual orientation stand upright.
    pub fn slice(&self, axis: SliceAxis, place: usize) -> Result<Raster, String> {
        let [nx, ny, nz] = self.header.dims;
        let (width, height, depth) = match axis {
            SliceAxis::X => (ny, nz, nx),
            SliceAxis::Y => (nx, nz, ny),
            SliceAxis::Z => (nx, ny, nz),
        };
        if place >= depth {
            return Err("the volume has no such slice".to_owned());
        }
        let channels = if self.header.kind == Kind::Rgb { 3 } else { 1 };
        let mut pixels = Vec::with_capacity(width * height * channels);
        for row in (0..height).rev() {
            for column in 0..width {
                let [x, y, z] = match axis {
                    SliceAxis::X => [place, column, row],
                    SliceAxis::Y => [column, place, row],
                    SliceAxis::Z => [column, row, place],
                };
                let at = x + nx * (y + ny * z);
                match (self.header.kind, self.window) {
                    (Kind::Rgb, _) => pixels.extend_from_slice(&self.voxels[at * 3..at * 3 + 3]),
                    (Kind::U8, _) => pixels.push(self.voxels[at]),
                    (_, Some(window)) => pixels.push(window.byte(self.value(at))),
                    (_, None) => pixels.push(0),
                }
            }
        }
        Ok(Raster { width, height, channels, pixels })
    }
}

fn damaged(err: std::io::Error) -> String {
    format!("damaged or incomplete NIfTI: {err}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};

    /// A NIfTI-1 file of 3 x 2 x 4 voxels whose values are `x + 10 y + 100 z`, in either byte order.
    fn file(little: bool) -> Vec<u8> {
        let mut file = vec![0; 352];
        let mut put = |at: usize, bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if !little {
                bytes.reverse();
            }
            file[at..at + bytes.len()].copy_from_slice(&bytes);
        };
        put(0, &348_i32.to_le_bytes());
        for (index, dim) in [3_i16, 3, 2, 4, 1, 1, 1, 1].into_iter().enumerate() {
            put(40 + 2 * index, &dim.to_le_bytes());
        }
        put(70, &4_i16.to_le_bytes());
        put(72, &16_i16.to_le_bytes());
        put(108, &352_f32.to_le_bytes());
        put(112, &1_f32.to_le_bytes());
        file[344..348].copy_from_slice(b"n+1\0");
        for z in 0..4_i16 {
            for y in 0..2 {
                for x in 0..3 {
                    let value = x + 10 * y + 100 * z;
                    file.extend(if little { value.to_le_bytes() } else { value.to_be_bytes() });
                }
            }
        }
        file
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Volume, String> {
        Volume::read(Cursor::new(bytes))
    }

    #[test]
    fn slices_go_along_each_axis_the_right_way_up() {
        for little in [true, false] {
            let volume = read(&file(little)).unwrap();
            // 0 to 312 become 0 to 255.
            let grey = |value: i32| (f64::from(value) / 312.0 * 255.0).round() as u8;
            let check = |axis, place, width, height, values: &[i32]| {
                let slice = volume.slice(axis, place).unwrap();
                assert_eq!((slice.width, slice.height, slice.channels), (width, height, 1));
                assert_eq!(slice.pixels, values.iter().map(|value| grey(*value)).collect::<Vec<_>>(), "{axis:?}");
            };
            check(SliceAxis::Z, 1, 3, 2, &[110, 111, 112, 100, 101, 102]);
            check(SliceAxis::Y, 1, 3, 4, &[310, 311, 312, 210, 211, 212, 110, 111, 112, 10, 11, 12]);
            check(SliceAxis::X, 2, 2, 4, &[302, 312, 202, 212, 102, 112, 2, 12]);
            assert!(volume.slice(SliceAxis::Z, 4).is_err());
        }
    }

    #[test]
    fn a_compressed_file_gives_the_same() {
        let (plain, packed) = (file(true), zipped(&file(true)));
        assert_eq!(head(Cursor::new(&packed)).unwrap(), plain, "shorter than what is looked at");
        let slice = |bytes: &[u8]| read(bytes).unwrap().slice(SliceAxis::Z, 3).unwrap().pixels;
        assert_eq!(slice(&packed), slice(&plain));
    }

    #[test]
    fn what_is_cut_off_or_claims_too_much_is_an_error() {
        let whole = file(true);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let packed = zipped(&whole);
        for length in 0..packed.len() - 8 {
            assert!(read(&packed[..length]).is_err(), "packed {length}");
        }
        let changed = |at: usize, bytes: &[u8]| {
            let mut file = whole.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            read(&file).err().unwrap_or_default()
        };
        let huge = [30_000_i16.to_le_bytes(); 3].concat();
        assert!(changed(42, &huge).starts_with("too large: 30000 x 30000 x 30000"));
        assert!(changed(42, &(-1_i16).to_le_bytes()).contains("an axis of -1"));
        assert!(changed(108, &f32::MAX.to_le_bytes()).starts_with("too large"));
        assert_eq!(changed(108, &f32::NAN.to_le_bytes()), "", "an offset that is left out");
        assert!(changed(70, &32_i16.to_le_bytes()).contains("data type 32"));
        assert!(changed(344, b"ni1").contains("pair"));
        assert!(changed(0, &[1, 1, 1, 1]).starts_with("not a NIfTI"));
    }

    #[test]
    fn flipped_bits_never_panic() {
        let whole = file(true);
        for at in 0..352 {
            for bit in 0..8 {
                let mut file = whole.clone();
                file[at] ^= 1 << bit;
                if let Ok(volume) = read(&file) {
                    for axis in [SliceAxis::X, SliceAxis::Y, SliceAxis::Z] {
                        volume.slice(axis, 0).unwrap();
                    }
                }
            }
        }
    }
}
