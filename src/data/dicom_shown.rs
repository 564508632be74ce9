//! What a DICOM file says of how its values are shown: rescaling, windows and tables, of the whole file or inside of sequences.

use std::ops::Range;

use dicom_core::header::DataElementHeader;
use dicom_core::{Tag, VR};

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
    pub entries: usize,
    pub first: i32,
    pub bits: u32,
    pub place: Option<Range<usize>>,
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
    pub fn read(&self, bytes: &[u8], little: bool) -> Option<ReadTable> {
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
pub(super) struct ReadTable {
    first: f64,
    values: Vec<u16>,
    /// The largest value that its entries may have.
    pub most: f64,
}

impl ReadTable {
    pub fn look(&self, value: f64) -> f64 {
        let at = (value - self.first).clamp(0.0, (self.values.len() - 1) as f64) as usize;
        f64::from(self.values[at])
    }
}

/// What is inside of sequences and decides how values are shown.
#[derive(Debug, Default)]
pub(super) struct Inside {
    pub modality: Table,
    pub shown: Table,
    pub all_frames: Shown,
    pub each_frame: Vec<Shown>,
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

/// A text without what fills it up.
pub(super) fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_owned()
}

/// A number of two bytes.
pub(super) fn number(little: bool, pair: &[u8]) -> u16 {
    pair.try_into().map_or(0, if little { u16::from_le_bytes } else { u16::from_be_bytes })
}
