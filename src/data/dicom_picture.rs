//! Turns a DICOM file's values into pictures: rescaled, windowed, coloured.
//!
//! Grey values are rescaled and shown through the file's own first window or table; without one, and with more than 8 bits,
//! from the 1st to the 99th percentile of the frame. `MONOCHROME1` is inverted.

use super::convert::Raster;
use super::depth::Deep;
use super::dicom::{Elements, Header, Pixels};
use super::dicom_samples::{Frames, Samples};
use super::dicom_values::{Grey, How};
use super::packed::most_unpacked;
use super::reading::Reading;
use crate::config::ScanWindow;

/// The most pixels of a frame.
const MAX_PIXELS: usize = 50_000_000;

/// The most frames of a file.
const MAX_FRAMES: usize = 65_535;

/// What is said of masks with one bit a pixel.
const SEGMENTATION: &str = "a segmentation of 1 bit a pixel: it marks regions of other pictures, and is none itself";

/// How many frames of so many pixels a file of this length is believed to hold: packed ones may claim to be of any size.
pub(super) fn most_frames(length: u64, area: usize) -> usize {
    let most = most_unpacked(length) / (area as u64).max(1);
    usize::try_from(most).unwrap_or(usize::MAX).max(1)
}

/// A file that holds a picture of a kind that is read.
pub(super) struct Dicom {
    bytes: Vec<u8>,
    header: Header,
    pixels: Pixels,
    /// Pixels of a frame.
    area: usize,
    reading: Reading,
}

impl Dicom {
    /// Reads a whole file's bytes.
    ///
    /// # Errors
    /// Where it holds no picture, or one that is not read; says why.
    pub fn read(bytes: Vec<u8>, reading: Reading) -> Result<Self, String> {
        let Elements { mut header, bytes } = Elements::read(bytes, reading.is_clinical())?;
        let (rows, columns) = (header.rows, header.columns);
        let Some(pixels) = header.pixels.take() else {
            let nothing = (rows, columns) == (0, 0);
            return Err(if header.has_floats {
                "a kind of DICOM that is not read: its pixels are floating-point numbers".to_owned()
            } else if nothing {
                "a DICOM file without a picture".to_owned()
            } else {
                "damaged or incomplete DICOM: the file ends before its pixels do, or has none".to_owned()
            });
        };
        let area = rows * columns;
        if area == 0 {
            return Err(format!("an empty picture of {columns} x {rows} pixels"));
        }
        if area > MAX_PIXELS {
            let most = MAX_PIXELS / 1_000_000;
            return Err(format!("too large: {columns} x {rows} pixels; at most {most} million are read"));
        }
        let (samples, allocated) = (header.samples, header.allocated);
        if (samples, allocated) == (1, 1) {
            return Err(SEGMENTATION.to_owned());
        }
        let deep = reading.is_clinical() && matches!((samples, allocated), (3, 16 | 32));
        if !deep && !matches!((samples, allocated), (1, 8 | 16 | 32) | (3, 8)) {
            return Err(format!("a kind of DICOM that is not read: {samples} values of {allocated} bits a pixel"));
        }
        header.stored = if (1..=allocated).contains(&header.stored) { header.stored } else { allocated };
        let lowest = header.stored - 1;
        header.high_bit = if (lowest..allocated).contains(&header.high_bit) { header.high_bit } else { lowest };
        Ok(Self { bytes, header, pixels, area, reading })
    }

    /// How many frames the file claims; one more than it holds where it is cut off, so that this is told.
    pub fn frames(&self) -> usize {
        let held = match &self.pixels {
            Pixels::Plain(range) => {
                let halved = self.reading.is_clinical() && self.header.photometric == "YBR_FULL_422";
                let values = if halved { 2 } else { self.header.samples };
                range.len() / (self.area * values * self.header.allocated / 8)
            }
            Pixels::Pieces { pieces, .. } => pieces.len(),
        };
        self.header.frames.clamp(1, MAX_FRAMES).min(held + 1).min(most_frames(self.bytes.len() as u64, self.area))
    }

    /// Pixels of a frame.
    pub fn area(&self) -> usize {
        self.area
    }

    /// The patient that it is of, where the file says and the settings ask.
    pub fn patient(&self) -> Option<&str> {
        let asked = self.reading.is_clinical();
        Some(self.header.patient.as_str()).filter(|patient| asked && !patient.is_empty())
    }

    /// A frame, and how its values became bytes.
    ///
    /// # Errors
    /// Where its bytes are missing, damaged, or compressed in a way that is not read.
    pub fn frame(&self, frame: usize) -> Result<(Raster, How), String> {
        let clinical = self.reading.is_clinical();
        let (bytes, header) = (&self.bytes, &self.header);
        let frames = Frames { bytes, header, pixels: &self.pixels, area: self.area, clinical };
        let mut deep = Deep::Nothing;
        let (channels, pixels, how) = match frames.samples(frame)? {
            Samples::Colours(pixels) => (3, pixels, How::Named),
            Samples::Values(values) if header.photometric == "PALETTE COLOR" => {
                (3, self.coloured(&values)?, How::Named)
            }
            Samples::Values(values) => {
                let grey = Grey { header, bytes, clinical, fixed: self.fixed() };
                let (pixels, how) = grey.levels(frame, &values);
                if header.stored > 8 {
                    deep = Deep::of(self.reading.deep, || grey.levels(frame, &values).0);
                }
                (1, pixels, how)
            }
        };
        Ok((Raster { width: header.columns, height: header.rows, channels, pixels, deep }, how))
    }

    /// Centre and width of the window that the settings name. Those with names are in Hounsfield units, which CT alone has.
    fn fixed(&self) -> Option<(f64, f64)> {
        let is_ct = matches!(self.header.modality.as_str(), "CT" | "");
        match self.reading.window {
            ScanWindow::Named(_) if !is_ct => None,
            window @ (ScanWindow::Auto | ScanWindow::Named(_) | ScanWindow::Values { .. }) => window.values(),
        }
    }

    /// Colours that a palette gives to values (PS3.3 C.7.6.3.1.5).
    fn coloured(&self, values: &[i32]) -> Result<Vec<u8>, String> {
        let mut tables = Vec::new();
        for (about, place) in self.header.palette_about.iter().zip(&self.header.palette) {
            let ([entries, first, bits], Some(place)) = (about.as_slice(), place) else {
                return Err("a DICOM file whose palette is missing or segmented, which is not read".to_owned());
            };
            let entries = if *entries == 0 { 65_536 } else { entries.unsigned_abs() as usize };
            let content = &self.bytes[place.clone()];
            // Entries of 16 bits give their high byte; 8 bits stand one a byte, or in the low byte of two.
            let step = if content.len() >= entries * 2 { 2 } else { 1 };
            if content.len() < entries * step {
                return Err("damaged DICOM: its palette is shorter than it claims".to_owned());
            }
            let high = usize::from(step == 2 && (*bits > 8) == self.header.little);
            let table: Vec<u8> = content[high..].iter().step_by(step).copied().take(entries).collect();
            tables.push((*first, table));
        }
        let look = |value: i32, (first, table): &(i32, Vec<u8>)| {
            let at = value.saturating_sub(*first).max(0).unsigned_abs() as usize;
            table.get(at.min(table.len() - 1)).copied().unwrap_or(0)
        };
        Ok(values.iter().flat_map(|value| tables.iter().map(|table| look(*value, table))).collect())
    }
}
