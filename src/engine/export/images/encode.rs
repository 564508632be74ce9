//! An image as a file of its own.

use super::drawing::{Drawing, bytes};
use super::{dicom, grey};
use crate::event::ImageFormat;
use crate::session::{png, png16};

/// A file of one image, `(size, size, channels)` in [-1, 1].
pub(super) fn encoded(drawing: &Drawing, class: usize, number: usize, image: &[f32]) -> anyhow::Result<Vec<u8>> {
    let size = (drawing.size(), drawing.size());
    match drawing.images.format {
        ImageFormat::Png16 => Ok(png16(size, &grey::values(image), &drawing.texts(class, number))?),
        ImageFormat::Tiff16 => grey::tiff(size, &grey::values(image), &drawing.json(class, number)?),
        ImageFormat::Dicom => Ok(dicom::file(drawing, class, number, image)),
        // Those that hold many images hold PNGs, where they hold files.
        ImageFormat::Png => Ok(png(size, &bytes(image), &drawing.texts(class, number))?),
        ImageFormat::Stack | ImageFormat::Npz | ImageFormat::Parquet => {
            // They are made to be handed on: where the session lies is nobody else's concern.
            let mut texts = drawing.texts(class, number);
            texts.retain(|(name, _)| *name != "path");
            Ok(png(size, &bytes(image), &texts)?)
        }
    }
}
