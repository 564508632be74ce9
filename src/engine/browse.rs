//! Real images to look at, in one picture with the names of their files.

use crate::config::Config;
use crate::data::browse;
use crate::event::{BrowsePage, BrowseRequest};

use super::sheet::sheet;

/// Images in a row of the picture.
const COLUMNS: usize = 8;

/// Reads what is asked for.
pub(super) fn look_at(config: &Config, look: BrowseRequest) -> anyhow::Result<BrowsePage> {
    let (images, total) = browse(config, &look)?;
    let blank = vec![0; config.image_size * config.image_size * config.channels];
    let pixels = images.iter().map(|image| image.pixels.as_ref().map_or(blank.as_slice(), Vec::as_slice));
    let rows = images.len().div_ceil(COLUMNS).max(1);
    let picture = sheet(0, (rows, COLUMNS), (config.image_size, config.channels), pixels);
    let files = images.into_iter().map(|image| (image.file, image.pixels.err())).collect();
    Ok(BrowsePage { look, total, files, picture })
}
