//! Images as a NumPy archive in the layout of MedMNIST: `train_images` (N, H, W) or (N, H, W, 3) of bytes, and `train_labels` (N, 1).
//!
//! Beside them stand `class_names`, in the order of the labels, and `gandle`, a text that says where the images come from.

use std::fmt::Write as _;
use std::io::{Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::drawing::{Drawing, bytes};

/// Bytes of an array from which on an archive needs wider numbers for it.
const LARGE: u64 = u32::MAX as u64;

/// Writes the images of classes, in the order of their labels; false where it was told to end.
pub(super) fn write(
    file: impl Write + Seek,
    drawing: &mut Drawing,
    part: &[(usize, usize)],
    go_on: &mut dyn FnMut() -> bool,
) -> anyhow::Result<bool> {
    let mut zip = ZipWriter::new(file);
    let (size, channels) = (drawing.size(), drawing.channels());
    let total: usize = part.iter().map(|(_, count)| count).sum();
    let mut shape = vec![total, size, size];
    shape.extend((channels == 3).then_some(3));
    let long = shape.iter().map(|length| *length as u64).product::<u64>() >= LARGE;
    // The time of no clock, so that the same images are the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    zip.start_file("train_images.npy", options.large_file(long))?;
    zip.write_all(&head("|u1", &shape)?)?;
    for (class, count) in part {
        let whole = drawing.each(*class, *count, |_, _, image| {
            if !go_on() {
                return Ok(false);
            }
            zip.write_all(&bytes(image))?;
            Ok(true)
        })?;
        if !whole {
            return Ok(false);
        }
    }
    zip.start_file("train_labels.npy", options)?;
    // As narrow as MedMNIST's where they are as few.
    let narrow = drawing.classes().len() <= 256;
    zip.write_all(&head(if narrow { "|u1" } else { "<u2" }, &[total, 1])?)?;
    for (class, count) in part {
        let label = u16::try_from(*class)?.to_le_bytes();
        let label = if narrow { &label[..1] } else { &label[..] };
        zip.write_all(&label.repeat(*count))?;
    }
    zip.start_file("class_names.npy", options)?;
    let names: Vec<&str> = drawing.classes().iter().map(String::as_str).collect();
    zip.write_all(&texts(&names, &[names.len()])?)?;
    zip.start_file("gandle.npy", options)?;
    zip.write_all(&texts(&[&drawing.json_of_all(None)?], &[])?)?;
    zip.finish()?.flush()?;
    Ok(true)
}

/// The line that describes an array: its kind of numbers and its shape.
fn head(kind: &str, shape: &[usize]) -> anyhow::Result<Vec<u8>> {
    let mut lengths = String::new();
    for length in shape {
        write!(lengths, "{length}, ")?;
    }
    // A shape of one length keeps its comma.
    let lengths = if shape.len() == 1 { lengths.trim_end() } else { lengths.trim_end_matches(", ") };
    let mut line = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Numbers begin at a multiple of 64 bytes.
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    let whole = (before + line.len() + 1).next_multiple_of(64);
    line.extend(std::iter::repeat_n(' ', whole - before - line.len() - 1));
    line.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(u16::try_from(line.len())?.to_le_bytes());
    out.extend(line.as_bytes());
    Ok(out)
}

/// An array of texts: four bytes a letter, each text as long as the longest.
fn texts(texts: &[&str], shape: &[usize]) -> anyhow::Result<Vec<u8>> {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let mut out = head(&format!("<U{longest}"), shape)?;
    for text in texts {
        let letters = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        out.extend(letters.flat_map(u32::to_le_bytes));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_arrays_are_as_numpy_writes_them() {
        // numpy.save of arrays of these shapes
        for (shape, want) in [(&[][..], "()"), (&[3], "(3,)"), (&[3, 1], "(3, 1)"), (&[2, 4, 4, 3], "(2, 4, 4, 3)")] {
            let line = head("|u1", shape).unwrap();
            assert!(line.len().is_multiple_of(64) && line.ends_with(b"\n"));
            assert_eq!(usize::from(u16::from_le_bytes([line[8], line[9]])), line.len() - 10);
            let text = String::from_utf8(line[10..].to_vec()).unwrap();
            assert_eq!(text.trim_end(), format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {want}, }}"));
        }
        let names = texts(&["b", "\u{7d30}\u{80de}"], &[2]).unwrap();
        assert!(names.starts_with(b"\x93NUMPY") && String::from_utf8_lossy(&names).contains("'<U2'"));
        assert_eq!(names[names.len() - 16..], [98, 0, 0, 0, 0, 0, 0, 0, 0x30, 0x7d, 0, 0, 0xde, 0x80, 0, 0]);
    }
}
