//! What is remembered of a usable file, and how it is told.

use std::sync::Arc;

use super::convert::{Backdrop, Raster};
use super::decode::Decoded;

/// What is remembered of a usable file.
pub(super) struct Fact {
    pub width: u32,
    pub height: u32,
    /// SHA-256 of its size and pixels.
    pub digest: [u8; 32],
    /// Every pixel has one of two colours, as in a mask.
    pub two_valued: bool,
    /// No pixel has any colour, however the file stores it.
    pub grey: bool,
    /// Its grey values have more than 8 bits.
    pub is_wide: bool,
    /// The patient that its file names, where that is asked for.
    pub patient: Option<Arc<str>>,
    /// One flag for each of [`REMARKS`].
    pub flags: Flags,
}

pub(super) type Flags = [bool; REMARKS.len()];

/// What is said of files whose flag is set.
pub(super) struct Remark {
    /// Of one file, after its count.
    pub one: &'static str,
    /// Of several files, after their count.
    pub many: &'static str,
    /// Beside the name of each file; nothing for what is plain from its picture.
    own: Option<&'static str>,
}

const fn remark(one: &'static str, many: &'static str, own: Option<&'static str>) -> Remark {
    Remark { one, many, own }
}

/// In the order of the flags.
pub(super) const REMARKS: [Remark; 16] = [
    remark(
        "file holds several frames; only the first is used",
        "files hold several frames; only the first is used",
        Some("the first of several frames"),
    ),
    remark("grey file was given three equal channels", "grey files were given three equal channels", None),
    remark("colour file was turned grey", "colour files were turned grey", None),
    remark(
        "transparent grey file was laid over black",
        "transparent grey files were laid over black",
        Some("laid over black, where transparent"),
    ),
    remark(
        "transparent colour file was laid over white",
        "transparent colour files were laid over white",
        Some("laid over white, where transparent"),
    ),
    remark(
        "file of more than 8 bits uses part of its range and was shown from its 1st to its 99th percentile",
        "files of more than 8 bits use part of their range and were shown, each from its 1st to its 99th percentile",
        Some("shown from the 1st to the 99th percentile of its values"),
    ),
    remark(
        "file was turned upright by its orientation tag",
        "files were turned upright by their orientation tag",
        Some("turned upright by its orientation tag"),
    ),
    remark(
        "file holds another format than its name says; its content was believed",
        "files hold another format than their names say; their content was believed",
        Some("holds another format than its name says"),
    ),
    remark(
        "file is smaller than image_size and was enlarged",
        "files are smaller than image_size and were enlarged",
        None,
    ),
    remark(
        "file is more than half as long again as it is wide, or the reverse; the crop to a square loses a third or more of it",
        "files are more than half as long again as they are wide, or the reverse; the crop to a square loses a third or more of them",
        None,
    ),
    remark(
        "picture of a scan was shown from the 1st to the 99th percentile of its values, or between limits that its file names",
        "pictures of scans were shown from the 1st to the 99th percentile of their values, or between limits that their files name",
        Some("shown from the 1st to the 99th percentile of its values, or between limits that it names"),
    ),
    remark(
        "slice comes from a series of volumes, of which only the first is used",
        "slices come from a series of volumes, of which only the first is used",
        Some("the first of several volumes"),
    ),
    remark(
        "picture of a scan was shown through data.window",
        "pictures of scans were shown through data.window, all alike",
        None,
    ),
    remark(
        "slice comes from a volume that does not say how it lies in the body; its first axis was taken to go to the left",
        "slices come from volumes that do not say how they lie in the body; their first axes were taken to go to the left",
        Some("does not say how it lies in the body; its first axis was taken to go to the left"),
    ),
    remark(
        "slice comes from a volume that was scanned at an angle; it was turned to the nearest axes of the body",
        "slices come from volumes that were scanned at an angle; they were turned to the nearest axes of the body",
        Some("scanned at an angle; turned to the nearest axes of the body"),
    ),
    remark(
        "slice was drawn out along one side, so that its pixels are as wide as high in millimetres",
        "slices were drawn out along one side, so that their pixels are as wide as high in millimetres",
        Some("drawn out along one side, so that its pixels are as wide as high in millimetres"),
    ),
];

impl Fact {
    /// What is worth remembering of a file that becomes an image of `size` pixels and `channels` channels.
    pub fn new(decoded: &Decoded, digest: [u8; 32], size: usize, channels: usize) -> Self {
        let raster = &decoded.raster;
        let (short, long) = (raster.width.min(raster.height), raster.width.max(raster.height));
        let backdrop = decoded.conversion.backdrop;
        let flags = [
            decoded.several,
            raster.channels < channels,
            raster.channels > channels,
            backdrop == Some(Backdrop::Black),
            backdrop == Some(Backdrop::White),
            decoded.conversion.stretched,
            decoded.turned,
            decoded.misnamed,
            short < size,
            long * 2 > short * 3,
            decoded.windowed,
            decoded.series,
            decoded.scan.fixed,
            decoded.scan.unnamed,
            decoded.scan.oblique,
            decoded.scan.square,
        ];
        // The size of a picture came from 32-bit numbers.
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            width: side(raster.width),
            height: side(raster.height),
            digest,
            two_valued: is_two_valued(raster),
            grey: is_grey(raster),
            is_wide: raster.deep.is_wide(),
            patient: None,
            flags,
        }
    }

    /// The same, of a patient.
    pub fn of_patient(self, patient: Option<Arc<str>>) -> Self {
        Self { patient, ..self }
    }

    /// One of a square picture, for tests.
    #[cfg(test)]
    pub fn made(side: u32, digest: [u8; 32], two_valued: bool) -> Self {
        let (grey, is_wide, flags) = (false, false, Flags::default());
        Self { width: side, height: side, digest, two_valued, grey, is_wide, patient: None, flags }
    }

    /// What is told of this file beside its name.
    pub fn own(&self) -> Vec<&'static str> {
        REMARKS.iter().zip(self.flags).filter(|(_, flag)| *flag).filter_map(|(remark, _)| remark.own).collect()
    }
}

/// Whether a picture has exactly two colours. Of the smallest pictures that says nothing.
fn is_two_valued(raster: &Raster) -> bool {
    let mut pixels = raster.pixels.chunks_exact(raster.channels.max(1));
    let Some(first) = pixels.next().filter(|_| raster.width * raster.height >= 64) else { return false };
    let Some(second) = pixels.find(|pixel| *pixel != first) else { return false };
    pixels.all(|pixel| pixel == first || pixel == second)
}

/// Whether no pixel has any colour: one value each, or three that are equal.
fn is_grey(raster: &Raster) -> bool {
    raster.pixels.chunks_exact(raster.channels.max(1)).all(|pixel| pixel.iter().all(|value| *value == pixel[0]))
}
