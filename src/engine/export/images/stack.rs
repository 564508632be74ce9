//! Images as the slices of a compressed NIfTI-1 volume.
//!
//! Grey ones are 16-bit values, coloured ones RGB of 8 bits. The first axis goes to the right and the second upwards, as the
//! reader in `data` and most viewers show them, and the header says so; a voxel is one unit wide.

use std::io::Write;

use anyhow::{Context as _, bail};
use flate2::{Compression, GzBuilder};

use super::drawing::{Drawing, bytes};
use super::grey;

/// The longest axis that the format has.
const MOST_SLICES: usize = i16::MAX as usize;
/// Bytes of the header, and what follows it: whether there is more before the voxels.
const HEADER: usize = 348;
/// What kind of text stands behind the header: a comment.
const COMMENT: i32 = 6;
/// Codes of the kinds of voxels, with their bits.
const U16: (i16, i16) = (512, 16);
const RGB: (i16, i16) = (128, 24);

/// Writes the images of a class; false where it was told to end.
pub(super) fn write(
    file: impl Write,
    drawing: &mut Drawing,
    (class, count): (usize, usize),
    go_on: &mut dyn FnMut() -> bool,
) -> anyhow::Result<bool> {
    if count > MOST_SLICES {
        bail!(
            "a NIfTI volume has at most {MOST_SLICES} slices, and {count} images per class are asked for: ask for fewer"
        );
    }
    // Neither a time nor a system in its head, so that the same images are the same bytes.
    let mut out = GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::default());
    let (size, channels) = (drawing.size(), drawing.channels());
    let about = drawing.json_of_all(Some(class))?;
    let name = &drawing.classes()[class];
    let summary = format!("synthetic, step {}, seed {}, {name}", drawing.step(), drawing.images.seed);
    out.write_all(&header(size, count, channels, &summary, &about)?)?;
    let whole = drawing.each(class, count, |_, _, image| {
        if !go_on() {
            return Ok(false);
        }
        let rows = image.chunks_exact(size * channels).rev();
        let slice: Vec<u8> = if channels == 1 {
            rows.flatten().flat_map(|x| grey::value(*x).to_le_bytes()).collect()
        } else {
            rows.flat_map(bytes).collect()
        };
        out.write_all(&slice)?;
        Ok(true)
    })?;
    out.finish()?;
    Ok(whole)
}

/// Everything before the voxels of a volume of `count` slices.
fn header(size: usize, count: usize, channels: usize, summary: &str, about: &str) -> anyhow::Result<Vec<u8>> {
    let mut head = vec![0; HEADER];
    let mut put = |at: usize, field: &[u8]| head[at..at + field.len()].copy_from_slice(field);
    let side = i16::try_from(size).context("images are too wide for NIfTI")?;
    let dims = [3, side, side, i16::try_from(count)?, 1, 1, 1, 1];
    put(0, &348_i32.to_le_bytes());
    dims.iter().enumerate().for_each(|(axis, length)| put(40 + 2 * axis, &length.to_le_bytes()));
    let (code, bits) = if channels == 1 { U16 } else { RGB };
    put(70, &code.to_le_bytes());
    put(72, &bits.to_le_bytes());
    (0..4).for_each(|axis| put(76 + 4 * axis, &1_f32.to_le_bytes()));
    // The axes are said to go to the right, to the front and to the head: a file that says nothing is taken to begin at the right by
    // most readers, the one in `data` too, which would mirror the images.
    put(252, &2_i16.to_le_bytes());
    put(254, &2_i16.to_le_bytes());
    [280, 300, 320].into_iter().for_each(|at| put(at, &1_f32.to_le_bytes()));
    // The text behind the header comes in pieces of 16 bytes, behind two numbers.
    let extension = (about.len() + 8).next_multiple_of(16);
    let offset = HEADER + 4 + extension;
    put(108, &(offset as f32).to_le_bytes());
    put(112, &1_f32.to_le_bytes());
    if channels == 1 {
        // Black and white, so that nobody stretches the values by their own range.
        put(124, &65_535_f32.to_le_bytes());
    }
    // A field of 80 bytes that end in a zero, of no encoding but ASCII.
    let summary: String = summary.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).take(79).collect();
    put(148, summary.as_bytes());
    put(344, b"n+1\0");
    head.extend([1, 0, 0, 0]);
    head.extend(i32::try_from(extension)?.to_le_bytes());
    head.extend(COMMENT.to_le_bytes());
    head.extend(about.as_bytes());
    head.resize(offset, 0);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_voxels_is_where_the_format_has_it() {
        for about in ["", "{\"a\":1}", &"x".repeat(300)] {
            let head = header(16, 300, 1, "synthetic", about).unwrap();
            let short = |at: usize| i16::from_le_bytes([head[at], head[at + 1]]);
            assert_eq!((short(40), short(42), short(44), short(46), short(70), short(72)), (3, 16, 16, 300, 512, 16));
            let offset = f32::from_le_bytes(head[108..112].try_into().unwrap()) as usize;
            assert!(offset == head.len() && offset.is_multiple_of(16), "{offset}");
            let extension = i32::from_le_bytes(head[352..356].try_into().unwrap()) as usize;
            assert_eq!((head[348], extension % 16, 352 + extension), (1, 0, offset));
            assert_eq!((short(252), short(254), head[280..284].to_vec()), (2, 2, 1_f32.to_le_bytes().to_vec()));
            assert!(head[360..].starts_with(about.as_bytes()) && head[344..].starts_with(b"n+1\0"));
        }
        assert!(header(16, 40_000, 3, "", "").is_err());
        let long = header(16, 3, 3, &"\u{7d30}".repeat(99), "").unwrap();
        assert_eq!((long[148], long[226], long[227], long[228]), (b'?', b'?', 0, 0));
    }
}
