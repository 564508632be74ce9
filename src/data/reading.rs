//! How scans and files of several pictures are read, as the settings say.

use crate::config::{Data, ScanRules, ScanWindow, SliceAxis};

/// How scans become pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// Along which axis volumes are cut.
    pub axis: SliceAxis,
    pub rules: ScanRules,
    pub window: ScanWindow,
    /// Whether grey values of more than 8 bits are kept.
    pub deep: bool,
    /// How slides are cut.
    pub tiling: Tiling,
}

impl Reading {
    /// That of a configuration, in 8 bits, for images of any size.
    pub fn of(data: &Data) -> Self {
        let tiling = Tiling { side: data.tile, image: 0 };
        Self { axis: data.slice_axis, rules: data.scans, window: data.window, deep: false, tiling }
    }

    /// Whether scans are read as reading rooms do.
    pub fn is_clinical(&self) -> bool {
        self.rules == ScanRules::Clinical
    }
}

/// How slides are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Pixels of the first page a side of a tile; 0 cuts none.
    pub side: usize,
    /// Pixels that an image has.
    pub image: usize,
}

impl Tiling {
    /// Slides are read as any other file.
    pub const NONE: Self = Self { side: 0, image: 0 };

    /// Whether no slide is cut.
    pub fn is_off(self) -> bool {
        self.side == 0
    }
}

/// How files of several pictures become images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    pub reading: Reading,
    /// Every how many slices or frames one is taken.
    pub every: usize,
}

impl Cut {
    /// That of a configuration.
    pub fn of(data: &Data) -> Self {
        Self { reading: Reading::of(data), every: data.slice_every.max(1) }
    }
}
