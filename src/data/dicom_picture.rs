//! Turns a DICOM file's values into pictures: rescaled, windowed, coloured.
//!
//! Grey values are rescaled (slope and intercept) and shown through the file's own first window; without one, and with
//! more than 8 bits, from the 1st to the 99th percentile of the frame. `MONOCHROME1` is inverted.

use super::convert::Raster;
use super::dicom::{Elements, Header, Pixels};
use super::dicom_samples::{Frames, Samples};
use super::window::Window;

/// The most pixels of a frame.
const MAX_PIXELS: usize = 50_000_000;

/// The most frames of a file.
const MAX_FRAMES: usize = 65_535;

/// A file that holds a picture of a kind that is read.
pub(super) struct Dicom {
    bytes: Vec<u8>,
    header: Header,
    pixels: Pixels,
    /// Pixels of a frame.
    area: usize,
}

impl Dicom {
    /// Reads a whole file's bytes.
    ///
    /// # Errors
    /// Where it holds no picture, or one that is not read; says why.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let Elements { mut header, bytes } = Elements::read(bytes)?;
        let (rows, columns) = (header.rows, header.columns);
        let Some(pixels) = header.pixels.take() else {
            let nothing = (rows, columns) == (0, 0);
            return Err(if nothing {
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
        if !matches!((samples, allocated), (1, 8 | 16 | 32) | (3, 8)) {
            return Err(format!("a kind of DICOM that is not read: {samples} values of {allocated} bits a pixel"));
        }
        header.stored = if (1..=allocated).contains(&header.stored) { header.stored } else { allocated };
        let lowest = header.stored - 1;
        header.high_bit = if (lowest..allocated).contains(&header.high_bit) { header.high_bit } else { lowest };
        Ok(Self { bytes, header, pixels, area })
    }

    /// How many frames the file claims; one more than it holds where it is cut off, so that this is told.
    pub fn frames(&self) -> usize {
        let held = match &self.pixels {
            Pixels::Plain(range) => range.len() / (self.area * self.header.samples * self.header.allocated / 8),
            Pixels::Pieces { pieces, .. } => pieces.len(),
        };
        self.header.frames.clamp(1, MAX_FRAMES).min(held + 1)
    }

    /// Pixels of a frame.
    pub fn area(&self) -> usize {
        self.area
    }

    /// A frame, and whether its values were shown through the percentiles.
    ///
    /// # Errors
    /// Where its bytes are missing, damaged, or compressed in a way that is not read.
    pub fn frame(&self, frame: usize) -> Result<(Raster, bool), String> {
        let frames = Frames { bytes: &self.bytes, header: &self.header, pixels: &self.pixels, area: self.area };
        let (channels, pixels, windowed) = match frames.samples(frame)? {
            Samples::Colours(pixels) => (3, pixels, false),
            Samples::Values(values) if self.header.photometric == "PALETTE COLOR" => {
                (3, self.coloured(&values)?, false)
            }
            Samples::Values(values) => {
                let (pixels, windowed) = self.grey(&values);
                (1, pixels, windowed)
            }
        };
        Ok((Raster { width: self.header.columns, height: self.header.rows, channels, pixels }, windowed))
    }

    /// Grey values as bytes.
    fn grey(&self, values: &[i32]) -> (Vec<u8>, bool) {
        let h = &self.header;
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let slope = finite(h.slope).filter(|slope| *slope != 0.0).unwrap_or(1.0);
        let intercept = finite(h.intercept).unwrap_or(0.0);
        let scaled = |value: &i32| f64::from(*value) * slope + intercept;
        let bytes = Window { low: 0.0, high: 255.0 };
        let (window, windowed) = match (finite(h.window.0), finite(h.window.1).filter(|width| *width >= 1.0)) {
            // PS3.3 C.11.2.1.2.1; a width of 1 is a threshold.
            (Some(centre), Some(width)) => {
                let half = ((width - 1.0) / 2.0).max(0.25);
                (Window { low: centre - 0.5 - half, high: centre - 0.5 + half }, false)
            }
            _ if h.stored <= 8 && !h.signed && (slope, intercept) == (1.0, 0.0) => (bytes, false),
            // One value everywhere has no window; it is black.
            _ => (Window::of(values.iter().map(scaled)).unwrap_or(Window { low: f64::MAX, high: f64::INFINITY }), true),
        };
        let invert = if h.photometric == "MONOCHROME1" { 255 } else { 0 };
        (values.iter().map(|value| window.byte(scaled(value)) ^ invert).collect(), windowed)
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
