//! Real images to look at, with the names of their files.

use super::GridPicture;

/// Which real images are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowseRequest {
    /// Images `first..first + count` of a class, in the order of their files.
    Class {
        /// The label.
        class: usize,
        /// The first, counted from 0.
        first: usize,
        /// How many.
        count: usize,
    },
    /// These files, by the names that a [`super::DataSummary`] gives them.
    Files(Vec<String>),
}

/// Real images that were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowsePage {
    /// What was asked for.
    pub look: BrowseRequest,
    /// Files of the class, or files that were asked for.
    pub total: usize,
    /// The file of each image, in order, and why it cannot be shown where it cannot.
    pub files: Vec<(String, Option<String>)>,
    /// The images as the networks see them, in rows; what cannot be shown is black.
    pub picture: GridPicture,
}
