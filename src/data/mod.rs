//! Turns files (or the drawn demo set) into seeded, balanced, augmented batches.
//!
//! A file becomes a square of bytes once, when a [`Dataset`] is loaded, and those are kept in memory or, beyond
//! `data.memory_limit`, in a memory-mapped file; a [`Loader`] turns them into batches of floats ahead of training. Whatever is wrong with a file is reported in the summary and costs that file alone.

mod altered;
mod augment;
mod browse;
mod catch_panic;
mod convert;
mod dataset;
mod decode;
pub mod demo;
mod depth;
mod dicom;
mod dicom_picture;
mod dicom_samples;
mod dicom_shown;
mod dicom_values;
mod exclusion;
mod fact;
mod fit;
mod gallery;
mod jpeg_12;
mod jpeg_2000;
mod jpeg_ls;
mod limits;
mod listing;
mod loader;
mod metaimage;
mod nifti;
mod npy;
mod nrrd;
mod open;
mod orient;
mod packed;
mod reading;
mod sampler;
mod scratch;
mod slide;
mod source;
mod split;
mod store;
mod summary;
mod survey;
mod tiff_stack;
mod tiff_values;
mod volume;
mod volume_file;
mod voxels;
mod window;

use std::path::PathBuf;

pub use altered::{COPIES, altered};
pub use browse::{Browsed, browse};
pub use dataset::{Dataset, inspect};
pub use gallery::{Gallery, Opened};
pub use loader::{Batch, Loader};
pub use npy::{Matrix, matrix};

use crate::event::Finding;

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is nothing at the path.
    #[error(
        "{} does not exist; name a folder with one sub-folder of images per class, or `demo`",
        folder.display()
    )]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The path is a file of a kind that is no source.
    #[error(
        "{} is a file of a kind that is no data; name a folder with one sub-folder of images per class, a table (.csv, .tsv), an archive (.zip, .tar, .tar.gz, .npz), a .parquet file, or `demo`",
        folder.display()
    )]
    NotAFolder {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A table or an archive cannot be used.
    #[error("{} cannot be used: {message}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// More pictures than are taken.
    #[error(
        "{} holds {pictures} images, and at most {} are taken: leave some out, or take fewer slices of its volumes (data.slice_every)",
        data.display(),
        listing::MOST_PICTURES
    )]
    TooMany {
        /// The folder or table.
        data: PathBuf,
        /// Images, frames and slices that it claims to have.
        pictures: usize,
    },
    /// The folder cannot be listed.
    #[error("{} cannot be read: {cause}; check its permissions", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// No class sub-folder.
    #[error(
        "{} holds no class: it should have one sub-folder of images per class, but {found}; put each class's images in a sub-folder named after it",
        folder.display()
    )]
    NoClasses {
        /// The folder.
        folder: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// A class without a usable image.
    #[error(
        "the class `{class}` in {} has no usable image: {found}; add images to it, or leave it out{how}",
        folder.display(),
        how = how(fix)
    )]
    EmptyClass {
        /// The data folder.
        folder: PathBuf,
        /// The class.
        class: String,
        /// What was found instead.
        found: String,
        /// The key with the value that leaves it out, where there is one.
        fix: Option<(String, String)>,
    },
    /// Settings that no image can be read with.
    #[error("{key}: {message}")]
    Settings {
        /// The key to change.
        key: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The images do not fit the memory.
    #[error(
        "{images} images of {size} x {size} pixels need {megabytes} MB of memory at once, more than the system can give; lower data.memory_limit or image_size, or use fewer images"
    )]
    Memory {
        /// How many images.
        images: usize,
        /// Their width and height.
        size: usize,
        /// What they need at once.
        megabytes: usize,
    },
    /// More pixels than `data.memory_limit` allows, and the file for them cannot be made or written.
    #[error(
        "{megabytes} MB of pixels, more than data.memory_limit keeps in memory, could not be written to the cache folder {}: {cause}; free some space there, name another folder in data.cache, or raise data.memory_limit",
        folder.display()
    )]
    Cache {
        /// The cache folder.
        folder: PathBuf,
        /// What all images need together.
        megabytes: usize,
        /// What the system said.
        cause: std::io::Error,
    },
    /// More pixels than `data.memory_limit` allows, and nowhere to put them.
    #[error(
        "{megabytes} MB of pixels are more than data.memory_limit keeps in memory, and this system names no cache folder for them; name a folder in data.cache, or raise data.memory_limit"
    )]
    NoCache {
        /// What all images need together.
        megabytes: usize,
    },
    /// The caller asked to stop.
    #[error("loading was cancelled")]
    Cancelled,
    /// A thread that prepares batches could not start.
    #[error("a thread that prepares batches could not be started: {0}; lower data.workers")]
    Thread(std::io::Error),
    /// A thread that prepares batches has ended.
    #[error("preparing batch {batch} failed: {message}; this is a fault of the program, please report it")]
    Worker {
        /// The number of the batch.
        batch: u64,
        /// What the thread said.
        message: String,
    },
}

/// How a setting leaves a class out.
fn how(fix: &Option<(String, String)>) -> String {
    fix.as_ref().map_or_else(String::new, |(key, value)| format!(" ({key} = {value})"))
}

impl DataError {
    /// The same as what was found in the data, where a setting mends it.
    pub fn finding(&self) -> Option<Finding> {
        let Self::EmptyClass { fix: Some(fix), .. } = self else { return None };
        Some(Finding { message: self.to_string(), files: Vec::new(), fix: vec![fix.clone()] })
    }
}
