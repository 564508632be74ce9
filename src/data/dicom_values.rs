//! From the values of a DICOM file to grey: rescaling, tables, windows straight and curved, for a whole file or frame by frame
//! (PS3.3 C.11.1, C.11.2, C.7.6.16.2).

use std::ops::Range;

use dicom_core::header::DataElementHeader;
use dicom_core::{Tag, VR};

use super::depth::Level;
use super::dicom::{Header, number, words};
use super::window::Window;

/// Sequences that hold tables and what is said of frames.
const MODALITY_TABLE: Tag = Tag(0x0028, 0x3000);
const SHOWN_TABLE: Tag = Tag(0x0028, 0x3010);
const ALL_FRAMES: Tag = Tag(0x5200, 0x9229);
const EACH_FRAME: Tag = Tag(0x5200, 0x9230);
const TRANSFORM: Tag = Tag(0x0028, 0x9145);
const FRAME_WINDOW: Tag = Tag(0x0028, 0x9132);

/// The most frames of which something of their own is kept.
const MOST_FRAMES: usize = 65_535;

/// How a window maps values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

/// How values are rescaled and shown, as far as it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shown {
    pub slope: Option<f64>,
    pub intercept: Option<f64>,
    /// Centre and width of the first window.
    pub centre: Option<f64>,
    pub width: Option<f64>,
    pub function: Option<Function>,
}

impl Shown {
    /// This, and of another what this does not say. A window is taken whole.
    pub fn or(self, other: Self) -> Self {
        let (window, scale) = (self.centre.and(self.width).is_some(), self.slope.or(self.intercept).is_some());
        let shown = if window { self } else { other };
        let scaled = if scale { self } else { other };
        Self { slope: scaled.slope, intercept: scaled.intercept, ..shown }
    }

    /// Remembers an element's value where it matters.
    pub fn note(&mut self, tag: Tag, value: &[u8]) {
        let decimal = || words(value).split('\\').next().and_then(|first| first.trim().parse::<f64>().ok());
        match (tag.0, tag.1) {
            (0x0028, 0x1050) => self.centre = decimal(),
            (0x0028, 0x1051) => self.width = decimal(),
            (0x0028, 0x1052) => self.intercept = decimal(),
            (0x0028, 0x1053) => self.slope = decimal(),
            (0x0028, 0x1056) => {
                self.function = match words(value).to_ascii_uppercase().as_str() {
                    "LINEAR" => Some(Function::Linear),
                    "LINEAR_EXACT" => Some(Function::LinearExact),
                    "SIGMOID" => Some(Function::Sigmoid),
                    _ => None,
                };
            }
            _ => {}
        }
    }
}

/// A table of values: where its description and its entries stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: usize,
    first: i32,
    bits: u32,
    place: Option<Range<usize>>,
}

impl Table {
    fn note(&mut self, element: &DataElementHeader, (little, signed): (bool, bool), value: &[u8], place: Range<usize>) {
        let short = |at: usize| value.get(at..at + 2).map_or(0, |pair| number(little, pair));
        match (element.tag.0, element.tag.1) {
            (0x0028, 0x3002) => {
                self.entries = if short(0) == 0 { 65_536 } else { short(0).into() };
                let with_sign = element.vr == VR::SS || signed;
                self.first = if with_sign { (short(2) as i16).into() } else { short(2).into() };
                self.bits = short(4).into();
            }
            (0x0028, 0x3006) => self.place = Some(place),
            _ => {}
        }
    }

    /// The entries, where there are as many as described.
    fn read(&self, bytes: &[u8], little: bool) -> Option<ReadTable> {
        let content = bytes.get(self.place.clone()?)?;
        let bits = Some(self.bits).filter(|bits| (1..=16).contains(bits))?;
        let values: Vec<u16> = if content.len() >= self.entries * 2 {
            content.chunks_exact(2).take(self.entries).map(|pair| number(little, pair)).collect()
        } else if content.len() >= self.entries {
            content.iter().take(self.entries).map(|byte| u16::from(*byte)).collect()
        } else {
            return None;
        };
        Some(ReadTable { first: self.first.into(), values, most: f64::from((1_u32 << bits) - 1) })
    }
}

/// A table that can be looked at; it has one entry at least.
struct ReadTable {
    first: f64,
    values: Vec<u16>,
    /// The largest value that its entries may have.
    most: f64,
}

impl ReadTable {
    fn look(&self, value: f64) -> f64 {
        let at = (value - self.first).clamp(0.0, (self.values.len() - 1) as f64) as usize;
        f64::from(self.values[at])
    }
}

/// What is inside of sequences and decides how values are shown.
#[derive(Debug, Default)]
pub(super) struct Inside {
    modality: Table,
    shown: Table,
    all_frames: Shown,
    each_frame: Vec<Shown>,
}

impl Inside {
    /// Remembers an element's value, inside of sequences and of their items (counted from 1), where it matters.
    pub fn note(
        &mut self,
        path: &[(Tag, usize)],
        element: &DataElementHeader,
        kind: (bool, bool),
        value: &[u8],
        place: Range<usize>,
    ) {
        match *path {
            [(MODALITY_TABLE, 1)] => self.modality.note(element, kind, value, place),
            [(SHOWN_TABLE, 1)] => self.shown.note(element, kind, value, place),
            [(ALL_FRAMES, 1), (TRANSFORM | FRAME_WINDOW, 1)] => self.all_frames.note(element.tag, value),
            [(EACH_FRAME, frame @ 1..=MOST_FRAMES), (TRANSFORM | FRAME_WINDOW, 1)] => {
                if self.each_frame.len() < frame {
                    self.each_frame.resize(frame, Shown::default());
                }
                self.each_frame[frame - 1].note(element.tag, value);
            }
            _ => {}
        }
    }
}

/// How grey values became bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// As the file says, or as they are.
    Named,
    /// From the 1st to the 99th percentile.
    Percentiles,
    /// Through `data.window`.
    Fixed,
}

enum View {
    Window(Window),
    Sigmoid { centre: f64, width: f64 },
    Table(ReadTable),
}

/// How the grey values of a frame are shown. `clinical` follows all that the file says, and else a straight window for all
/// frames alone; `fixed` is centre and width of a window for all files.
pub(super) struct Grey<'a> {
    pub header: &'a Header,
    pub bytes: &'a [u8],
    pub clinical: bool,
    pub fixed: Option<(f64, f64)>,
}

impl Grey<'_> {
    /// The values of a frame as greys of so many bits.
    pub fn levels<T: Level>(&self, frame: usize, values: &[i32]) -> (Vec<T>, How) {
        let h = self.header;
        let shown = if self.clinical { self.of_frame(frame) } else { h.shown };
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let slope = finite(shown.slope).filter(|slope| *slope != 0.0).unwrap_or(1.0);
        let intercept = finite(shown.intercept).unwrap_or(0.0);
        let table = if self.clinical { h.inside.modality.read(self.bytes, h.little) } else { None };
        let scaled = |value: &i32| match &table {
            Some(table) => table.look(f64::from(*value)),
            None => f64::from(*value) * slope + intercept,
        };
        let function = shown.function.filter(|_| self.clinical).unwrap_or(Function::Linear);
        let least = if function == Function::Linear { 1.0 } else { f64::MIN_POSITIVE };
        let window = finite(shown.centre).zip(finite(shown.width).filter(|width| *width >= least));
        let plain = h.stored <= 8 && !h.signed && (slope, intercept) == (1.0, 0.0) && table.is_none();
        let (view, how) = if let Some((centre, width)) = self.fixed.filter(|_| !plain) {
            (View::Window(Window::centred(centre, width)), How::Fixed)
        } else if let Some(table) = h.inside.shown.read(self.bytes, h.little).filter(|_| self.clinical) {
            (View::Table(table), How::Named)
        } else if let Some((centre, width)) = window {
            let view = match function {
                Function::Linear => View::Window(Window::centred(centre, width)),
                Function::LinearExact => View::Window(Window { low: centre - width / 2.0, high: centre + width / 2.0 }),
                Function::Sigmoid => View::Sigmoid { centre, width },
            };
            (view, How::Named)
        } else if plain {
            (View::Window(Window { low: 0.0, high: 255.0 }), How::Named)
        } else {
            let padding = if self.clinical { h.padding() } else { None };
            let own = |value: &&i32| padding.as_ref().is_none_or(|padding| !padding.contains(value));
            // One value everywhere has no window; it is black.
            let window = Window::of(values.iter().filter(own).map(scaled));
            (View::Window(window.unwrap_or(Window { low: f64::MAX, high: f64::INFINITY })), How::Percentiles)
        };
        let rounded = |number: f64| T::of(number.round().clamp(0.0, T::MOST));
        let level = |value: f64| match &view {
            View::Window(window) => window.level(value),
            View::Sigmoid { centre, width } => rounded(T::MOST / (1.0 + (-4.0 * (value - centre) / width).exp())),
            View::Table(table) => rounded(table.look(value) / table.most * T::MOST),
        };
        let is_inverted = h.photometric == "MONOCHROME1";
        let shown = |value: &i32| {
            let level: T = level(scaled(value));
            if is_inverted { level.inverted() } else { level }
        };
        (values.iter().map(shown).collect(), how)
    }

    /// What is said of a frame: of itself, else of all frames, else of the file.
    fn of_frame(&self, frame: usize) -> Shown {
        let inside = &self.header.inside;
        let own = inside.each_frame.get(frame).copied().unwrap_or_default();
        own.or(inside.all_frames).or(self.header.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(header: Header, bytes: &[u8], values: &[i32]) -> Vec<u8> {
        Grey { header: &header, bytes, clinical: true, fixed: None }.levels(0, values).0
    }

    fn header(shown: Shown) -> Header {
        Header { stored: 16, allocated: 16, little: true, shown, ..Header::default() }
    }

    #[test]
    fn windows_are_straight_exact_or_curved() {
        let shown =
            |function| Shown { centre: Some(100.0), width: Some(50.0), function: Some(function), ..Shown::default() };
        let of = |function| grey(header(shown(function)), &[], &[0, 80, 100, 115, 200]);
        // pydicom 3.0.2, apply_windowing(values, 16 bits) / 65535 * 255.
        assert_eq!(of(Function::Linear), [0, 26, 130, 208, 255]);
        assert_eq!(of(Function::LinearExact), [0, 26, 128, 204, 255]);
        assert_eq!(of(Function::Sigmoid), [0, 43, 128, 196, 255]);
    }

    #[test]
    fn padding_takes_no_part_in_percentiles() {
        let values: Vec<i32> = (0..1000).map(|at| if at < 700 { -2000 } else { at - 700 }).collect();
        let padded = Header { signed: true, padding: Some(-2000_i16 as u16), ..header(Shown::default()) };
        let bytes = grey(padded, &[], &values);
        assert_eq!((bytes[0], bytes[999]), (0, 255));
        assert!((100..160).contains(&bytes[850]), "{}", bytes[850]);
        let range = Header {
            signed: true,
            padding: Some(0),
            padding_limit: Some(-2000_i16 as u16),
            ..header(Shown::default())
        };
        assert_eq!(range.padding(), Some(-2000..=0));
        assert!(grey(header(Shown::default()), &[], &values)[850] > 200, "without a word of it, it is tissue");
    }

    #[test]
    fn tables_come_before_windows_and_after_rescaling() {
        // Modality: 4 entries from -1 on; shown: 3 entries of 8 bits from 20 on, in words.
        let bytes: Vec<u8> = [10_u16, 20, 21, 30, 0, 100, 255].into_iter().flat_map(u16::to_le_bytes).collect();
        let modality = Table { entries: 4, first: -1, bits: 16, place: Some(0..8) };
        let shown = Table { entries: 3, first: 20, bits: 8, place: Some(8..14) };
        let both = Header { inside: Inside { modality, shown, ..Inside::default() }, ..header(Shown::default()) };
        assert_eq!(grey(both, &bytes, &[-5, -1, 0, 1, 2, 9]), [0, 0, 0, 100, 255, 255]);
    }

    #[test]
    fn a_frame_s_own_values_come_first() {
        let all_frames = Shown { slope: Some(2.0), intercept: Some(0.0), ..Shown::default() };
        let own = Shown { centre: Some(10.5), width: Some(11.0), ..Shown::default() };
        let inside = Inside { all_frames, each_frame: vec![Shown::default(), own], ..Inside::default() };
        let whole = Shown { centre: Some(100.5), width: Some(101.0), ..Shown::default() };
        let header = Header { inside, ..header(whole) };
        let grey = Grey { header: &header, bytes: &[], clinical: true, fixed: None };
        // 2 v from 50 to 150, and from 5 to 15.
        assert_eq!(grey.levels::<u8>(0, &[25, 50, 75]).0, [0, 128, 255]);
        assert_eq!(grey.levels::<u8>(1, &[2, 5, 8]).0, [0, 128, 255]);
        assert_eq!(grey.levels::<u16>(0, &[25, 50, 75]).0, [0, 32_768, 65_535]);
        let plain = Grey { clinical: false, ..grey };
        assert_eq!(plain.levels::<u8>(1, &[50, 100, 150]).0, [0, 128, 255]);
        let fixed = Grey { fixed: Some((20.5, 21.0)), ..grey };
        assert_eq!(fixed.levels::<u8>(0, &[5, 10, 15]), (vec![0, 128, 255], How::Fixed));
    }
}
