//! Reads every file of a data set in parallel, and decides which of their pictures training may see.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::convert::{Raster, to_channels};
use super::decode;
use super::fit::fit;
use super::folder::{File, Tree};
use super::split::{Candidate, Split};
use super::store::Need;
use super::summary::Fact;
use super::{DataError, demo};
use crate::config::{Config, Data};

/// Called with how many files of how many are done; false cancels.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// The shape that images are brought to.
pub(super) struct Target {
    pub size: usize,
    pub channels: usize,
}

impl Target {
    /// That of a configuration, where it makes sense.
    pub fn of(config: &Config) -> Result<Self, DataError> {
        let (size, channels) = (config.image_size, config.channels);
        if !(1..=4096).contains(&size) {
            let message = format!("{size} is not a power of two from 16 to 512");
            return Err(DataError::Settings { key: "image_size", message });
        }
        if !matches!(channels, 1 | 3) {
            let message = format!("{channels} is neither 3 (colour) nor 1 (grey)");
            return Err(DataError::Settings { key: "channels", message });
        }
        Ok(Self { size, channels })
    }

    /// Bytes of an image.
    pub fn bytes(&self) -> usize {
        self.size * self.size * self.channels
    }

    /// What so many images need.
    pub fn need(&self, images: usize) -> Need {
        Need { images, size: self.size, bytes: self.bytes() }
    }
}

/// Counts what is done and tells it.
pub(super) struct Done<'a> {
    count: AtomicUsize,
    total: usize,
    progress: Progress<'a>,
}

impl<'a> Done<'a> {
    /// So many files are to be done.
    pub fn of(total: usize, progress: Progress<'a>) -> Self {
        Self { count: AtomicUsize::new(0), total, progress }
    }

    /// An error where the work was cancelled.
    pub fn one_more(&self) -> Result<(), DataError> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if (self.progress)(count, self.total) { Ok(()) } else { Err(DataError::Cancelled) }
    }
}

/// Reads every file, in parallel, into its place in `pixels` where those are kept. The outcomes stand in the order of
/// the files, whichever thread was first.
pub(super) fn survey(
    files: &[File],
    target: &Target,
    pixels: Option<&mut [u8]>,
    done: &Done<'_>,
) -> Result<Vec<Result<Fact, String>>, DataError> {
    let one = |file: &File, place: Option<&mut [u8]>| {
        let outcome = take_in(file, target, place);
        done.one_more().map(|()| outcome)
    };
    match pixels {
        Some(pixels) => {
            let places = pixels.par_chunks_exact_mut(target.bytes());
            files.par_iter().zip(places).map(|(file, place)| one(file, Some(place))).collect()
        }
        None => files.par_iter().map(|file| one(file, None)).collect(),
    }
}

fn take_in(file: &File, target: &Target, place: Option<&mut [u8]>) -> Result<Fact, String> {
    let decoded = decode::read(&file.path)?;
    let fact = Fact::new(&decoded, digest(&decoded.raster), target.size, target.channels);
    if let Some(place) = place {
        let raster = to_channels(decoded.raster, target.channels);
        fit(&raster.pixels, raster.width, raster.height, raster.channels, target.size, place);
    }
    Ok(fact)
}

/// SHA-256 of a picture's shape and pixels.
fn digest(raster: &Raster) -> [u8; 32] {
    let mut hash = Sha256::new();
    for length in [raster.width, raster.height, raster.channels] {
        hash.update((length as u64).to_le_bytes());
    }
    hash.update(&raster.pixels);
    hash.finalize().into()
}

/// Which of the usable files are held out.
pub(super) fn hold_out(data: &Data, tree: &Tree, outcomes: &[Result<Fact, String>]) -> Result<Split, DataError> {
    let usable = tree.files.iter().zip(outcomes).filter_map(|(file, outcome)| Some((file, outcome.as_ref().ok()?)));
    let candidates: Vec<Candidate<'_>> = usable
        .map(|(file, fact)| Candidate { class: file.class, file: &file.name, digest: Some(fact.digest) })
        .collect();
    Split::of(data, &tree.classes, &candidates)
}

/// Which of the drawn images are held out. They stand alone: no two are the same, and they have no names.
pub(super) fn hold_out_drawn(data: &Data) -> Result<Split, DataError> {
    let classes = demo::CLASSES.map(str::to_owned);
    let image = |class: usize| Candidate { class, file: "", digest: None };
    let images: Vec<Candidate<'_>> = (0..classes.len())
        .flat_map(|class| std::iter::repeat_with(move || image(class)).take(data.demo_images))
        .collect();
    Split::of(&Data { group_by: String::new(), ..data.clone() }, &classes, &images)
}
