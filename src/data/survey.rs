//! Reads every file of a data set in parallel, and decides which of their pictures training may see.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::convert::{Raster, to_channels};
use super::decode::Decoded;
use super::fact::Fact;
use super::fit::fit;
use super::listing::{Content, File, Tree};
use super::open::Opened;
use super::reading::{Reading, Tiling};
use super::split::{Candidate, Split};
use super::store::Need;
use super::{DataError, demo};
use crate::config::{Config, Data, SplitBy};

/// Called with how many files of how many are done; false cancels.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// The shape that images are brought to.
pub(super) struct Target {
    pub size: usize,
    pub channels: usize,
    /// How scans become pictures.
    pub reading: Reading,
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
        let tiling = Tiling { side: config.data.tile, image: size };
        let reading = Reading { deep: config.is_deep(), tiling, ..Reading::of(&config.data) };
        Ok(Self { size, channels, reading })
    }

    /// Bytes of an image.
    pub fn bytes(&self) -> usize {
        self.size * self.size * self.channels
    }

    /// Bytes that are kept of an image: those, and behind them its values of 16 bits where they are asked for.
    pub fn kept(&self) -> usize {
        self.bytes() * if self.reading.deep { 3 } else { 1 }
    }

    /// What so many images need.
    pub fn need(&self, images: usize) -> Need {
        Need { images, size: self.size, bytes: self.kept() }
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

/// Pictures of one file, and where each goes.
type Run<'f, 'p> = (&'f [File], Vec<Option<&'p mut [u8]>>);

/// Reads a range of the pictures, in parallel, each into its place in `pixels` where those are kept. The outcomes stand in
/// the order of the pictures, whichever thread was first.
pub(super) fn survey(
    tree: &Tree,
    range: Range<usize>,
    target: &Target,
    pixels: Option<&mut [u8]>,
    done: &Done<'_>,
) -> Result<Vec<Result<Fact, String>>, DataError> {
    let mut places = pixels.map(|pixels| pixels.chunks_exact_mut(target.kept()));
    let runs: Vec<Run<'_, '_>> = tree.files[range]
        .chunk_by(File::goes_with)
        .map(|run| (run, run.iter().map(|_| places.as_mut().and_then(Iterator::next)).collect()))
        .collect();
    let read = |(run, places): Run<'_, '_>| {
        let opened = opened(tree, &run[0], target.reading);
        let patient: Option<Arc<str>> = opened.as_ref().ok().and_then(Opened::patient).map(Arc::from);
        let one = |(file, place): (&File, Option<&mut [u8]>)| {
            let outcome =
                picture(tree, file, &opened).map(|decoded| take_in(decoded, target, place).of_patient(patient.clone()));
            done.one_more().map(|()| outcome)
        };
        run.iter().zip(places).map(one).collect::<Result<Vec<_>, DataError>>()
    };
    let outcomes: Result<Vec<Vec<_>>, DataError> = runs.into_par_iter().map(read).collect();
    Ok(outcomes?.into_iter().flatten().collect())
}

/// A file opened, where it is one: an image of an archive needs none.
pub(super) fn opened(tree: &Tree, file: &File, reading: Reading) -> Result<Opened, String> {
    match file.content {
        Content::Row { .. } => Err(String::new()),
        Content::Whole | Content::Part(_) | Content::Tile(..) => Opened::of(file, &tree.archives, reading),
    }
}

/// The picture that an entry stands for, out of its file.
pub(super) fn picture(tree: &Tree, file: &File, opened: &Result<Opened, String>) -> Result<Decoded, String> {
    match (file.content, opened) {
        (Content::Row { array, index }, _) => row(tree, array, index),
        (content, Ok(opened)) => opened.content(content),
        (_, Err(reason)) => Err(reason.clone()),
    }
}

/// An image of an archive.
fn row(tree: &Tree, array: usize, index: usize) -> Result<Decoded, String> {
    let images = tree.arrays.get(array).ok_or("the archive has no such image")?;
    images.get(index).map(Decoded::plain)
}

fn take_in(decoded: Decoded, target: &Target, place: Option<&mut [u8]>) -> Fact {
    let fact = Fact::new(&decoded, digest(&decoded.raster), target.size, target.channels);
    if let Some(place) = place {
        let raster = to_channels(decoded.raster, target.channels);
        let (bytes, words) = place.split_at_mut(target.bytes());
        fit(&raster.pixels, raster.width, raster.height, raster.channels, target.size, bytes);
        if !words.is_empty() {
            let (values, mut fitted) = (raster.deep.values(&raster.pixels), vec![0_u16; bytes.len()]);
            fit(&values, raster.width, raster.height, raster.channels, target.size, &mut fitted);
            for (to, word) in words.chunks_exact_mut(2).zip(fitted) {
                to.copy_from_slice(&word.to_le_bytes());
            }
        }
    }
    fact
}

/// SHA-256 of a picture's shape and bytes. Values of more bits take no part, so that copies, and with them the images that are held
/// out, are the same whatever `data.depth` is.
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
    let by_patient = data.split_by == SplitBy::Columns;
    let usable = tree.files.iter().zip(outcomes).filter_map(|(file, outcome)| Some((file, outcome.as_ref().ok()?)));
    let candidates: Vec<Candidate<'_>> = usable
        .map(|(file, fact)| Candidate {
            class: file.class,
            file: &file.name,
            digest: Some(fact.digest),
            reserved: file.reserved,
            group: file.group.as_deref().or(fact.patient.as_deref().filter(|_| by_patient)),
        })
        .collect();
    let mut split = Split::of(data, &tree.classes, &candidates)?;
    let named = outcomes.iter().flatten().filter_map(|fact| fact.patient.as_deref());
    let patients: BTreeSet<&str> = named.filter(|_| by_patient && data.held_out > 0.0).collect();
    if !patients.is_empty() {
        split.notes.push(format!("DICOM files name {} patients; the images of each stay on one side", patients.len()));
    }
    Ok(split)
}

/// Which of the drawn images are held out. They stand alone: no two are the same, and they have no names.
pub(super) fn hold_out_drawn(data: &Data) -> Result<Split, DataError> {
    let classes = demo::CLASSES.map(str::to_owned);
    let image = |class: usize| Candidate { class, file: "", digest: None, reserved: false, group: None };
    let images: Vec<Candidate<'_>> = (0..classes.len())
        .flat_map(|class| std::iter::repeat_with(move || image(class)).take(data.demo_images))
        .collect();
    Split::of(&Data { group_by: String::new(), ..data.clone() }, &classes, &images)
}
