//! How scans and files of several pictures are read, as the settings say.

use crate::config::{Data, ScanRules, ScanWindow, SliceAxis};

/// How scans become pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// Along which axis volumes are cut.
    pub axis: SliceAxis,
    pub rules: ScanRules,
    pub window: ScanWindow,
}

impl Reading {
    /// That of a configuration.
    pub fn of(data: &Data) -> Self {
        Self { axis: data.slice_axis, rules: data.scans, window: data.window }
    }

    /// Whether scans are read as reading rooms do.
    pub fn is_clinical(&self) -> bool {
        self.rules == ScanRules::Clinical
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
