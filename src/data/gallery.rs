//! The images of any folder, flat or with one sub-folder per class, opened one by one at their own sizes: for scores, which
//! compare whatever two folders they are given.

use std::path::Path;

use super::DataError;
use super::convert::{Raster, to_channels};
use super::fit::fit;
use super::listing::{Content, File, Tree};
use super::open;
use super::source::{scan, scan_flat};
use crate::config::{ScanRules, ScanWindow, SliceAxis};
use crate::event::Skipped;

/// Every slice of a volume, as new set-ups take them unless told otherwise.
const CUT: open::Cut = open::Cut {
    reading: open::Reading { axis: SliceAxis::Z, rules: ScanRules::Clinical, window: ScanWindow::Auto },
    every: 1,
};

/// The image files of a folder.
pub struct Gallery {
    tree: Tree,
}

/// A picture as it came out of its file, upright and in 8 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// `(height, width, channels)`
    pub pixels: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

impl Gallery {
    /// Lists a folder: its sub-folders are classes, or, where there is none, its own files have no class.
    ///
    /// # Errors
    /// Where the folder is missing or cannot be listed.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let mut tree = match scan(folder) {
            Err(DataError::NoClasses { .. }) => scan_flat(folder)?,
            // Sub-folders that hold no image are no classes.
            Ok(tree) if tree.files.is_empty() => scan_flat(folder)?,
            other => other?,
        };
        open::expand(&mut tree, folder, CUT)?;
        Ok(Self { tree })
    }

    /// Images that files may hold.
    pub fn len(&self) -> usize {
        self.tree.files.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tree.files.is_empty()
    }

    /// Names of the classes; none for a flat folder.
    pub fn classes(&self) -> &[String] {
        &self.tree.classes
    }

    /// The class of a file; nothing in a flat folder.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn class(&self, file: usize) -> Option<usize> {
        (!self.tree.classes.is_empty()).then_some(self.tree.files[file].class)
    }

    /// The path of a file below the folder, with `/` between its parts, and which picture in it.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn name(&self, file: usize) -> String {
        self.tree.files[file].title()
    }

    /// Files that were passed over while listing, with the reasons.
    pub fn skipped(&self) -> &[Skipped] {
        &self.tree.skipped
    }

    /// Opens a file; the error is the reason why it cannot be used.
    ///
    /// # Errors
    /// Where it cannot be read or is no image.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn read(&self, file: usize) -> Result<Opened, String> {
        let File { path, content, .. } = &self.tree.files[file];
        let part = if let Content::Part(part) = content { *part } else { 0 };
        let opened = open::Opened::open(path, CUT.reading)?;
        let Raster { width, height, channels, pixels } = opened.picture(part)?.raster;
        Ok(Opened { pixels, height, width, channels })
    }
}

impl Opened {
    /// The middle square of the picture at `side` pixels with 1 or 3 channels, as training would see it.
    pub fn square(self, side: usize, channels: usize) -> Vec<u8> {
        let Self { pixels, height, width, channels: own } = self;
        let raster = to_channels(Raster { width, height, channels: own, pixels }, channels);
        let mut out = vec![0; side * side * raster.channels];
        fit(&raster.pixels, raster.width, raster.height, raster.channels, side, &mut out);
        out
    }
}
