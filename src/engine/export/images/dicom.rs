//! An image as a DICOM file: a secondary capture of no patient, which says so in every place that has a word for it.
//!
//! Explicit little endian, without compression: grey images in 16 bits with a window over the whole range, coloured ones as RGB.
//! Nothing in it comes from a clock, and its identifiers follow from what it says, so that the same image is the same file.

use sha2::{Digest as _, Sha256};

use super::drawing::{Drawing, bytes};
use super::grey;
use crate::guard;

/// Secondary Capture Image Storage.
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Explicit VR Little Endian.
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Bytes of the longest text of a line (LO) and of a paragraph (ST).
const LINE: usize = 64;
const PARAGRAPH: usize = 1024;

/// The file of one image, `(size, size, channels)` in [-1, 1].
pub(super) fn file(drawing: &Drawing, class: usize, number: usize, image: &[f32]) -> Vec<u8> {
    let (name, images) = (clean(&drawing.classes()[class]), drawing.images);
    let run = drawing.run.as_deref().unwrap_or("unknown");
    let (step, seed, session) = (drawing.step(), images.seed, clean(&drawing.session));
    let told = format!(
        "Synthetic image of no patient, drawn by gandle {}: session {session}, run {run}, step {step}, class {name}, seed {seed}, image {number}, truncation {}{}",
        env!("CARGO_PKG_VERSION"),
        images.truncation,
        if images.mark { ", with the word SYNTHETIC in its pixels" } else { "" },
    );
    // One study a checkpoint, and one series a class and seed. The label tells apart classes whose names end up the same.
    let study = uid(&["study", &session, run, &step.to_string()]);
    let way = format!("{class} {seed} {} {}", images.truncation, images.mark);
    let series = uid(&["series", &study, &way]);
    let instance = uid(&["image", &series, &number.to_string(), &told]);

    let mut e = Elements::default();
    e.text(0x0008_0005, "CS", "ISO_IR 192");
    e.text(0x0008_0008, "CS", "DERIVED\\SECONDARY\\SYNTHETIC");
    e.text(0x0008_0016, "UI", SECONDARY_CAPTURE);
    e.text(0x0008_0018, "UI", &instance);
    e.text(0x0008_001C, "CS", "YES"); // Synthetic Data
    e.text(0x0008_0020, "DA", "");
    e.text(0x0008_0030, "TM", "");
    e.text(0x0008_0050, "SH", "");
    e.text(0x0008_0060, "CS", "OT");
    e.text(0x0008_0064, "CS", "SYN"); // Conversion Type: a synthetic image
    e.text(0x0008_0070, "LO", "gandle");
    e.text(0x0008_0090, "PN", "");
    e.text(0x0008_1030, "LO", "Synthetic images of no patient");
    e.text(0x0008_103E, "LO", cut(&format!("SYNTHETIC step {step} seed {seed} {name}"), LINE));
    e.text(0x0008_1090, "LO", "gandle");
    e.text(0x0008_2111, "ST", cut(&told, PARAGRAPH));
    e.text(0x0010_0010, "PN", "SYNTHETIC^NO PATIENT");
    e.text(0x0010_0020, "LO", "SYNTHETIC");
    e.text(0x0010_0030, "DA", "");
    e.text(0x0010_0040, "CS", "");
    e.text(0x0018_1020, "LO", env!("CARGO_PKG_VERSION"));
    e.text(0x0020_000D, "UI", &study);
    e.text(0x0020_000E, "UI", &series);
    e.text(0x0020_0010, "SH", "");
    e.text(0x0020_0011, "IS", &(class + 1).to_string());
    e.text(0x0020_0013, "IS", &(number + 1).to_string());
    e.text(0x0020_0020, "CS", "");
    let side = u16::try_from(drawing.size()).unwrap_or(u16::MAX);
    let grey = drawing.channels() == 1;
    let bits = if grey { 16 } else { 8 };
    e.number(0x0028_0002, if grey { 1 } else { 3 });
    e.text(0x0028_0004, "CS", if grey { "MONOCHROME2" } else { "RGB" });
    if !grey {
        e.number(0x0028_0006, 0);
    }
    e.number(0x0028_0010, side);
    e.number(0x0028_0011, side);
    e.number(0x0028_0100, bits);
    e.number(0x0028_0101, bits);
    e.number(0x0028_0102, bits - 1);
    e.number(0x0028_0103, 0);
    // It asks whether a patient can be told from what is written into the picture, which the mark never does.
    e.text(0x0028_0301, "CS", "NO");
    if grey {
        e.text(0x0028_1050, "DS", "32768");
        e.text(0x0028_1051, "DS", "65536");
        let values: Vec<u8> = image.iter().flat_map(|x| grey::value(*x).to_le_bytes()).collect();
        e.long(0x7FE0_0010, "OW", &values);
    } else {
        e.long(0x7FE0_0010, "OB", &bytes(image));
    }
    [head(&instance), e.0].concat()
}

/// The file's description of itself, with what stands before it.
fn head(instance: &str) -> Vec<u8> {
    let mut e = Elements::default();
    e.long(0x0002_0001, "OB", &[0, 1]);
    e.text(0x0002_0002, "UI", SECONDARY_CAPTURE);
    e.text(0x0002_0003, "UI", instance);
    e.text(0x0002_0010, "UI", EXPLICIT);
    e.text(0x0002_0012, "UI", &uid(&["gandle"]));
    e.text(
        0x0002_0013,
        "SH",
        concat!("GANDLE ", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR")),
    );
    let mut length = Elements::default();
    length.element(0x0002_0000, "UL", &u32::try_from(e.0.len()).unwrap_or(0).to_le_bytes());
    [vec![0; 128], b"DICM".to_vec(), length.0, e.0].concat()
}

/// An identifier below 2.25, the root that nobody has to ask for: 128 bits in the form of a UUID (version 8, whose bits are its
/// maker's own), here of a sum over what is identified.
fn uid(parts: &[&str]) -> String {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    let mut bits = [0; 16];
    bits.copy_from_slice(&sum.finalize()[..16]);
    bits[6] = bits[6] & 0x0F | 0x80;
    bits[8] = bits[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bits))
}

/// A name of others without what would act: a backslash begins another value.
fn clean(text: &str) -> String {
    guard::line(text).replace('\\', "/")
}

/// As much of a text as has room in so many bytes.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Elements, one behind the other, in rising order.
#[derive(Default)]
struct Elements(Vec<u8>);

impl Elements {
    fn tag(&mut self, tag: u32, kind: &str) {
        self.0.extend(((tag >> 16) as u16).to_le_bytes());
        self.0.extend(((tag & 0xFFFF) as u16).to_le_bytes());
        self.0.extend(kind.as_bytes());
    }

    /// An element of a kind whose length has two bytes.
    fn element(&mut self, tag: u32, kind: &str, value: &[u8]) {
        self.tag(tag, kind);
        self.0.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
        self.0.extend(value);
    }

    /// A text, made even.
    fn text(&mut self, tag: u32, kind: &str, text: &str) {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if kind == "UI" { 0 } else { b' ' });
        }
        self.element(tag, kind, &value);
    }

    fn number(&mut self, tag: u32, number: u16) {
        self.element(tag, "US", &number.to_le_bytes());
    }

    /// An element of a kind whose length has four bytes, made even.
    fn long(&mut self, tag: u32, kind: &str, value: &[u8]) {
        self.tag(tag, kind);
        let odd = value.len() % 2;
        self.0.extend([0, 0]);
        self.0.extend(u32::try_from(value.len() + odd).unwrap_or(0).to_le_bytes());
        self.0.extend(value);
        self.0.extend(std::iter::repeat_n(0, odd));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_uuids_below_their_root_and_follow_from_what_they_are_of() {
        let one = uid(&["image", "a"]);
        let number: u128 = one.strip_prefix("2.25.").unwrap().parse().unwrap();
        let bits = number.to_be_bytes();
        assert_eq!((bits[6] >> 4, bits[8] >> 6), (8, 2));
        assert!(one.len() <= 64 && !one[5..].starts_with('0'));
        assert_eq!(uid(&["image", "a"]), one);
        assert_ne!(uid(&["imagea"]), one);
        assert_ne!(uid(&["image", "b"]), one);
    }

    #[test]
    fn elements_are_even_and_names_of_others_are_one_value() {
        let mut e = Elements::default();
        e.text(0x0010_0020, "LO", "abc");
        e.long(0x7FE0_0010, "OB", &[1]);
        let want: &[u8] = &[
            0x10, 0, 0x20, 0, b'L', b'O', 4, 0, b'a', b'b', b'c', b' ', //
            0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 1, 0,
        ];
        assert_eq!(e.0, want);
        assert_eq!(clean("a\\b\nc"), "a/b/nc");
        assert_eq!(cut("\u{fc}\u{fc}", 3), "\u{fc}");
    }
}
