//! From the values of a DICOM file to grey: rescaling, tables, windows straight and curved, for a whole file or frame by frame
//! (PS3.3 C.11.1, C.11.2, C.7.6.16.2).

use super::depth::Level;
use super::dicom::Header;
use super::dicom_shown::{Function, ReadTable, Shown};
use super::window::Window;

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
    use super::super::dicom_shown::{Inside, Table};
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
