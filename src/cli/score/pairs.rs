//! The fakes that are nearest to real images, as a picture: what numbers on copying should always be looked at with.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, bail};
use image::{ImageFormat, RgbImage, imageops};

use super::extract::ExtractedFolder;
use crate::metric::report::Report;
use crate::session::write_whole;

/// Pairs that are shown.
const PAIRS: usize = 32;
/// Pairs side by side.
const COLUMNS: usize = 8;
/// Pixels a side of an image.
const SIDE: u32 = 128;
/// Pixels between pairs.
const GAP: u32 = 8;

/// Writes a PNG: each fake above its nearest real image, the nearest pair first.
pub(super) fn write(
    file: &Path,
    report: &Report,
    real: &ExtractedFolder,
    fake: &ExtractedFolder,
) -> anyhow::Result<()> {
    let mut order: Vec<usize> = (0..report.nearest.len()).collect();
    order.sort_by(|a, b| report.nearest[*a].distance.total_cmp(&report.nearest[*b].distance));
    order.truncate(PAIRS);
    if order.is_empty() {
        bail!(
            "there are no pairs to show: --nearest-picture needs one of the scores precision, authentic-percent or nearest-real"
        );
    }
    let length = |count: usize, each: u32| u32::try_from(count).unwrap_or(0) * (each + GAP) + GAP;
    let (columns, rows) = (order.len().min(COLUMNS), order.len().div_ceil(COLUMNS));
    let mut sheet = RgbImage::from_pixel(length(columns, SIDE), length(rows, 2 * SIDE), image::Rgb([255; 3]));
    for (place, at) in order.into_iter().enumerate() {
        let left = i64::from(length(place % COLUMNS, SIDE));
        let top = i64::from(length(place / COLUMNS, 2 * SIDE));
        for (image, below) in [(square(fake, at), 0), (square(real, report.nearest[at].index), i64::from(SIDE))] {
            if let Some(image) = image {
                imageops::replace(&mut sheet, &image, left, top + below);
            }
        }
    }
    let mut png = Cursor::new(Vec::new());
    sheet.write_to(&mut png, ImageFormat::Png).with_context(|| format!("could not encode {}", file.display()))?;
    Ok(write_whole(file, png.get_ref())?)
}

/// The middle square of an image in colour; nothing where its file cannot be opened any more.
fn square(looked: &ExtractedFolder, image: usize) -> Option<RgbImage> {
    let pixels = looked.open(image)?.square(SIDE as usize, 3);
    RgbImage::from_raw(SIDE, SIDE, pixels)
}
