//! The images of any source, opened one by one at their own sizes: for scores, which compare whatever two sources they are given.
//! A folder may also be flat.

use std::path::Path;

use super::DataError;
use super::convert::{Raster, to_channels};
use super::depth::Deep;
use super::fit::fit;
use super::listing::Tree;
use super::open::expand;
use super::reading::{Cut, Reading, Tiling};
use super::source::{list, scan_flat};
use super::survey::{opened, picture};
use crate::config::{Data, ScanRules, ScanWindow, SliceAxis};
use crate::event::Skipped;

/// Every slice of a volume, as new set-ups take them unless told otherwise.
const CUT: Cut = Cut {
    reading: Reading {
        axis: SliceAxis::Z,
        rules: ScanRules::Clinical,
        window: ScanWindow::Auto,
        deep: false,
        tiling: Tiling::NONE,
    },
    every: 1,
};

/// The images of a source.
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
    /// Lists a source, with the settings that data has unless told otherwise. Sub-folders of a folder are classes, or, where there is
    /// none, its own files have no class.
    ///
    /// # Errors
    /// Where the source is missing, or cannot be listed.
    pub fn open(source: &Path) -> Result<Self, DataError> {
        let Reading { axis: slice_axis, rules: scans, window, .. } = CUT.reading;
        let data = Data { source: source.display().to_string(), slice_axis, scans, window, ..Data::default() };
        let tree = match list(&data, source) {
            Err(DataError::NoClasses { .. }) => Self::flat(source)?,
            // Sub-folders that hold no image are no classes.
            Ok(tree) if tree.files.is_empty() && source.is_dir() => Self::flat(source)?,
            other => other?,
        };
        Ok(Self { tree })
    }

    fn flat(folder: &Path) -> Result<Tree, DataError> {
        let mut tree = scan_flat(folder)?;
        expand(&mut tree, folder, CUT)?;
        Ok(tree)
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

    /// What is worth knowing about the source as a whole.
    pub fn notes(&self) -> &[String] {
        &self.tree.notes
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
        self.read_all(&[file]).pop().unwrap_or_else(|| Err("there is no such file".to_owned()))
    }

    /// Opens several; pictures of one file that follow each other are read from it together.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn read_all(&self, files: &[usize]) -> Vec<Result<Opened, String>> {
        let at = |file: &usize| &self.tree.files[*file];
        let together = |file: &usize, next: &usize| at(file).goes_with(at(next));
        let read = |run: &[usize]| {
            let opened = opened(&self.tree, at(&run[0]), CUT.reading);
            let one = |file: &usize| {
                let Raster { width, height, channels, pixels, .. } = picture(&self.tree, at(file), &opened)?.raster;
                Ok(Opened { pixels, height, width, channels })
            };
            run.iter().map(one).collect::<Vec<_>>()
        };
        files.chunk_by(together).flat_map(read).collect()
    }
}

impl Opened {
    /// The same as training would see it at `side` pixels, in its own colours.
    pub fn at_side(self, side: usize) -> Self {
        let channels = self.channels;
        Self { pixels: self.square(side, channels), height: side, width: side, channels }
    }

    /// The middle square of the picture at `side` pixels with 1 or 3 channels, as training would see it.
    pub fn square(self, side: usize, channels: usize) -> Vec<u8> {
        let Self { pixels, height, width, channels: own } = self;
        let raster = to_channels(Raster { width, height, channels: own, pixels, deep: Deep::Nothing }, channels);
        let mut out = vec![0; side * side * raster.channels];
        fit(&raster.pixels, raster.width, raster.height, raster.channels, side, &mut out);
        out
    }
}
