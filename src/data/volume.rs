//! A volume in memory (NIfTI, NRRD, MetaImage), cut into slices.
//!
//! Values other than bytes and colours are shown from the 1st to the 99th percentile of the whole volume, between the
//! file's own `cal_min` and `cal_max`, or through `data.window`. Of series (four dimensions), the first volume is read.

use std::io::{BufRead, Read, sink};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::convert::Raster;
use super::decode::Scan;
use super::depth::Deep;
use super::fit::resize;
use super::nifti::{self, HEADER, is_gzip};
use super::orient::Axis;
use super::reading::Reading;
use super::voxels::{Header, Kind, Packing};
use super::window::Window;
use crate::config::SliceAxis;

/// How many times as many pixels a slice may get by being made square; no scanner's voxels are longer.
const MOST_DRAWN_OUT: f64 = 64.0;
/// The most pixels of a slice whose pixels were made square.
const MAX_PIXELS: f64 = 50e6;

/// A volume in memory.
pub(super) struct Volume {
    pub header: Header,
    voxels: Vec<u8>,
    /// What is shown from black to white; nothing where values are shown as they are, or are all the same.
    window: Option<Window>,
    reading: Reading,
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
    /// Reads a NIfTI file from its beginning; no more of it than its header needs.
    ///
    /// # Errors
    /// Where it is damaged, too large, or of a kind that is not read.
    pub fn read(mut from: impl BufRead, reading: Reading) -> Result<Self, String> {
        let gzip = is_gzip(from.fill_buf().map_err(|err| damaged("NIfTI", &err))?);
        if gzip { Self::unpacked(MultiGzDecoder::new(from), reading) } else { Self::unpacked(from, reading) }
    }

    fn unpacked(mut from: impl Read, reading: Reading) -> Result<Self, String> {
        let mut head = Vec::new();
        from.by_ref().take(HEADER as u64).read_to_end(&mut head).map_err(|err| damaged("NIfTI", &err))?;
        let header = nifti::read(&head)?;
        // What was read beyond the header of the older kind belongs to the voxels.
        Self::of(header, head.as_slice().chain(from), reading)
    }

    /// The volume of a header whose file this reads from its beginning.
    ///
    /// # Errors
    /// Where the file is damaged or cut off.
    pub fn of(header: Header, mut from: impl Read, reading: Reading) -> Result<Self, String> {
        let failed = |err: std::io::Error| damaged(header.format, &err);
        std::io::copy(&mut from.by_ref().take(header.offset), &mut sink()).map_err(failed)?;
        let mut voxels = Vec::new();
        let mut from = std::io::BufReader::new(from);
        let packed = header.packing == Packing::Deflated;
        if !packed {
            from.take(header.bytes()).read_to_end(&mut voxels).map_err(failed)?;
        } else if is_gzip(from.fill_buf().map_err(failed)?) {
            MultiGzDecoder::new(from).take(header.bytes()).read_to_end(&mut voxels).map_err(failed)?;
        } else {
            ZlibDecoder::new(from).take(header.bytes()).read_to_end(&mut voxels).map_err(failed)?;
        }
        if voxels.len() as u64 != header.bytes() {
            return Err(header.short());
        }
        let mut volume = Self { window: None, header, voxels, reading };
        if let Some((centre, width)) = volume.fixed() {
            volume.window = Some(Window::centred(centre, width));
        } else if volume.is_windowed() {
            let all = (0..volume.header.dims.iter().product()).map(|at| volume.value(at));
            volume.window = volume.header.calibrated.or_else(|| Window::of(all));
        }
        Ok(volume)
    }

    fn value(&self, at: usize) -> f64 {
        self.header.value(&self.voxels, at)
    }

    /// Centre and width that the settings name for volumes of numbers.
    fn fixed(&self) -> Option<(f64, f64)> {
        self.reading.window.values().filter(|_| self.is_windowed())
    }

    /// Whether values are stretched on their way to bytes.
    pub fn is_windowed(&self) -> bool {
        !matches!(self.header.kind, Kind::U8 | Kind::Rgb)
    }

    /// Where the axes of the body come from, or those of the file where it does not say, or is not asked.
    fn axes(&self) -> [Axis; 3] {
        let stored = [0, 1, 2].map(|from| Axis { from, flipped: false });
        self.header.turn.as_ref().filter(|_| self.reading.is_clinical()).map_or(stored, |turn| turn.axes)
    }

    /// How many slices there are.
    pub fn slices(&self) -> usize {
        self.header.dims[self.axes()[self.reading.axis as usize].from]
    }

    /// The slice at a place along the axis, and what was done to it. The later of the other two axes goes
    /// upwards, the earlier to the right, so that heads of the usual orientation stand upright.
    ///
    /// # Errors
    /// Where there is no such slice.
    pub fn slice(&self, place: usize) -> Result<(Raster, Scan), String> {
        let dims = self.header.dims;
        let axes = self.axes();
        let [across, right, up] = match self.reading.axis {
            SliceAxis::X => [axes[0], axes[1], axes[2]],
            SliceAxis::Y => [axes[1], axes[0], axes[2]],
            SliceAxis::Z => [axes[2], axes[0], axes[1]],
        };
        let (width, height, depth) = (dims[right.from], dims[up.from], dims[across.from]);
        if place >= depth {
            return Err("the volume has no such slice".to_owned());
        }
        let strides = [1, dims[0], dims[0] * dims[1]];
        let along = |axis: Axis, place: usize| {
            strides[axis.from] * if axis.flipped { dims[axis.from] - 1 - place } else { place }
        };
        let channels = if self.header.kind == Kind::Rgb { 3 } else { 1 };
        let places = (0..height).rev().flat_map(|row| {
            let line = along(across, place) + along(up, row);
            (0..width).map(move |column| line + along(right, column))
        });
        let mut pixels = Vec::with_capacity(width * height * channels);
        for at in places.clone() {
            match (self.header.kind, self.window) {
                (Kind::Rgb, _) => pixels.extend_from_slice(&self.voxels[at * 3..at * 3 + 3]),
                (Kind::U8, _) => pixels.push(self.voxels[at]),
                (_, Some(window)) => pixels.push(window.level(self.value(at))),
                (_, None) => pixels.push(0),
            }
        }
        let deep = if matches!(self.header.kind, Kind::U8 | Kind::I8 | Kind::Rgb) {
            Deep::Nothing
        } else {
            let level = |at| self.window.map_or(0, |window| window.level(self.value(at)));
            Deep::of(self.reading.deep, || places.map(level).collect())
        };
        let raster = Raster { width, height, channels, pixels, deep };
        let spaces = [right, up].map(|axis| self.header.spacing[axis.from]);
        let mut scan = Scan { fixed: self.fixed().is_some(), ..Scan::default() };
        if !self.reading.is_clinical() {
            return Ok((raster, scan));
        }
        // A file that has no place for it is read as it is stored, and that needs no word.
        if let Some(turn) = &self.header.turn {
            (scan.unnamed, scan.oblique) = (!turn.is_named, turn.oblique);
        }
        let square = squared(&raster, spaces);
        scan.square = square.is_some();
        Ok((square.unwrap_or(raster), scan))
    }
}

/// A slice with pixels that are as wide as high, by drawing out the side whose voxels are farther apart; nothing where they are
/// that already.
fn squared(raster: &Raster, [across, down]: [f64; 2]) -> Option<Raster> {
    let least = across.min(down);
    let long = |length: usize, space: f64| (length as f64 * space / least).round().max(1.0);
    let (width, height) = (long(raster.width, across), long(raster.height, down));
    let same = (width as usize, height as usize) == (raster.width, raster.height);
    let most = MAX_PIXELS.min(MOST_DRAWN_OUT * (raster.width * raster.height) as f64);
    if same || width * height > most {
        return None;
    }
    let (width, height) = (width as usize, height as usize);
    let (was, channels) = ((raster.width, raster.height), raster.channels);
    let pixels = resize(&raster.pixels, was, channels, (width, height));
    let deep = raster.deep.map(|values| resize(values, was, channels, (width, height)));
    Some(Raster { width, height, channels, pixels, deep })
}

fn damaged(format: &str, err: &std::io::Error) -> String {
    format!("damaged or incomplete {format}: {err}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};

    use crate::config::{ScanRules, ScanWindow};
    use crate::data::reading::Tiling;

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

    const PLAIN: Reading = Reading {
        axis: SliceAxis::Z,
        rules: ScanRules::Plain,
        window: ScanWindow::Auto,
        deep: false,
        tiling: Tiling::NONE,
    };

    fn read(bytes: &[u8]) -> Result<Volume, String> {
        Volume::read(Cursor::new(bytes), PLAIN)
    }

    /// The volume along another axis, by the newer rules or not.
    fn along(volume: &Volume, axis: SliceAxis, rules: ScanRules) -> Volume {
        let reading = Reading { axis, rules, ..volume.reading };
        Volume { header: volume.header.clone(), voxels: volume.voxels.clone(), window: volume.window, reading }
    }

    #[test]
    fn slices_go_along_each_axis_the_right_way_up() {
        for little in [true, false] {
            let volume = read(&file(little)).unwrap();
            // 0 to 312 become 0 to 255.
            let grey = |value: i32| (f64::from(value) / 312.0 * 255.0).round() as u8;
            let check = |axis, place, width, height, values: &[i32]| {
                let (slice, _) = along(&volume, axis, ScanRules::Plain).slice(place).unwrap();
                assert_eq!((slice.width, slice.height, slice.channels), (width, height, 1));
                assert_eq!(slice.pixels, values.iter().map(|value| grey(*value)).collect::<Vec<_>>(), "{axis:?}");
            };
            check(SliceAxis::Z, 1, 3, 2, &[110, 111, 112, 100, 101, 102]);
            check(SliceAxis::Y, 1, 3, 4, &[310, 311, 312, 210, 211, 212, 110, 111, 112, 10, 11, 12]);
            check(SliceAxis::X, 2, 2, 4, &[302, 312, 202, 212, 102, 112, 2, 12]);
            assert!(volume.slice(4).is_err());
        }
    }

    #[test]
    fn a_compressed_file_gives_the_same() {
        let (plain, packed) = (file(true), zipped(&file(true)));
        assert_eq!(head(Cursor::new(&packed)).unwrap(), plain, "shorter than what is looked at");
        let slice = |bytes: &[u8]| read(bytes).unwrap().slice(3).unwrap().0.pixels;
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
                        along(&volume, axis, ScanRules::Clinical).slice(0).unwrap();
                    }
                }
            }
        }
    }

    /// The same volume with a matrix whose columns are these.
    fn placed(columns: [[f32; 3]; 3], spaces: [f32; 3]) -> Vec<u8> {
        let mut file = file(true);
        file[254..256].copy_from_slice(&1_i16.to_le_bytes());
        for (axis, space) in spaces.into_iter().enumerate() {
            file[80 + 4 * axis..84 + 4 * axis].copy_from_slice(&space.to_le_bytes());
            for (row, part) in columns[axis].iter().enumerate() {
                let at = 280 + 16 * row + 4 * axis;
                file[at..at + 4].copy_from_slice(&part.to_le_bytes());
            }
        }
        file
    }

    #[test]
    fn a_volume_is_turned_to_right_front_and_head() {
        let grey = |value: i32| (f64::from(value) / 312.0 * 255.0).round() as u8;
        let slice = |columns, axis, place| {
            let volume = read(&placed(columns, [1.0; 3])).unwrap();
            let (slice, scan) = along(&volume, axis, ScanRules::Clinical).slice(place).unwrap();
            assert_eq!(scan, Scan::default());
            (slice.width, slice.height, slice.pixels)
        };
        // Stored as LPS: axial slices are those of the file, turned by half.
        let lps = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(slice(lps, SliceAxis::Z, 1), (3, 2, [102, 101, 100, 112, 111, 110].map(grey).to_vec()));
        // Stored as PIR: x (3 long) goes to the back, y (2) to the feet, z (4) to the right. The axial slice nearest to the
        // feet has y = 1; its columns go along z, and its rows from the front (x = 0) downwards.
        let pir = [[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]];
        let want: Vec<i32> = (0..3).flat_map(|x| (0..4).map(move |z| x + 10 + 100 * z)).collect();
        assert_eq!(slice(pir, SliceAxis::Z, 0), (4, 3, want.into_iter().map(grey).collect()));
        let turned = read(&placed(pir, [1.0; 3])).unwrap().header;
        assert_eq!(turned.slices(SliceAxis::Z, true, 1000, false), Ok(2));
        assert_eq!(turned.slices(SliceAxis::Z, false, 1000, false), Ok(4));
        // By a rotation: half a turn round the axis to the head.
        let mut rotated = file(true);
        rotated[252..254].copy_from_slice(&1_i16.to_le_bytes());
        rotated[264..268].copy_from_slice(&1_f32.to_le_bytes());
        let volume = along(&read(&rotated).unwrap(), SliceAxis::Z, ScanRules::Clinical);
        assert_eq!(volume.slice(1).unwrap().0.pixels, slice(lps, SliceAxis::Z, 1).2);
        // Nothing is said: to the left, and that is told.
        let unnamed = along(&read(&file(true)).unwrap(), SliceAxis::Z, ScanRules::Clinical);
        let (slice, scan) = unnamed.slice(1).unwrap();
        assert_eq!(slice.pixels, [112, 111, 110, 102, 101, 100].map(grey));
        assert!(scan.unnamed && !scan.oblique);
    }

    #[test]
    fn slices_are_square_in_millimetres() {
        let axes = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.5]];
        let volume = along(&read(&placed(axes, [1.0, 2.0, 0.5])).unwrap(), SliceAxis::Z, ScanRules::Clinical);
        let (slice, scan) = volume.slice(0).unwrap();
        assert!(scan.square);
        assert_eq!((slice.width, slice.height), (3, 4));
        // Rows of 10 and 0 become 10, 7.5, 2.5 and 0 of 312.
        assert_eq!(slice.pixels.iter().step_by(3).copied().collect::<Vec<_>>(), [8, 6, 2, 0]);
        let across = along(&volume, SliceAxis::X, ScanRules::Clinical).slice(0).unwrap().0;
        assert_eq!((across.width, across.height), (8, 4));
        let plain = along(&volume, SliceAxis::Z, ScanRules::Plain).slice(0).unwrap();
        assert_eq!((plain.0.width, plain.0.height, plain.1), (3, 2, Scan::default()));
    }

    #[test]
    fn one_window_shows_all_volumes_alike() {
        let window = ScanWindow::Values { centre: 156.5, width: 313.0 };
        let volume = Volume::read(Cursor::new(file(true)), Reading { window, ..PLAIN }).unwrap();
        // From 0 to 312, as PS3.3 C.11.2.1.2.1 has it.
        let grey = |value: i32| (f64::from(value) / 312.0 * 255.0).round() as u8;
        let (slice, scan) = volume.slice(3).unwrap();
        assert_eq!(slice.pixels, [310, 311, 312, 300, 301, 302].map(grey));
        assert!(scan.fixed);
    }
}
