//! What the worth of fakes needs beside features: altered copies of the real images, and that the held-out ones are others.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use rayon::prelude::*;

use super::extract::{ExtractedFolder, picture};
use super::output;
use crate::cli::Usage;
use crate::config::group_pattern;
use crate::data::{COPIES, Opened, altered};
use crate::feature::{Extractor, Resize};
use crate::metric::Features;

/// Copies that are made between two looks at the progress, by each thread.
const PER_THREAD: usize = 8;

/// Altered copies of all images of a folder that can still be opened, as an extractor sees them, with their classes.
pub(super) fn copies(
    real: &ExtractedFolder,
    (extractor, resize): (&Extractor, Resize),
    mirrored: bool,
    seed: u32,
) -> anyhow::Result<(Features, Vec<u32>)> {
    let all: Vec<(usize, usize)> =
        (0..COPIES).flat_map(|copy| (0..real.labels.len()).map(move |image| (image, copy))).collect();
    let bar = output::bar(all.len() as u64, "altered images");
    let (mut numbers, mut labels) = (Vec::new(), Vec::new());
    for chunk in all.chunks(PER_THREAD * rayon::current_num_threads()) {
        let make = |at: &(usize, usize)| Some((at.0, altered(&real.open(at.0)?, mirrored, seed.into(), *at)));
        let made: Vec<(usize, Opened)> = chunk.par_iter().filter_map(make).collect();
        let pictures: Vec<_> = made.iter().map(|(_, image)| picture(image)).collect();
        numbers.extend(extractor.look(&pictures, resize)?.features.into_iter().map(f64::from));
        labels.extend(made.iter().map(|(image, _)| real.labels[*image]));
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    let features = Features::new(numbers, extractor.features()).context("what the extractor saw of altered images")?;
    Ok((features, labels))
}

/// How many held-out images are among the real ones, pixel by pixel.
pub(super) fn shared(real: &ExtractedFolder, held_out: &ExtractedFolder) -> usize {
    let known: BTreeSet<&[u8; 32]> = real.digests.iter().collect();
    held_out.digests.iter().filter(|digest| known.contains(digest)).count()
}

/// The patient of each held-out image, as a number, where every image has one by this pattern, and no patient has images in both
/// folders.
///
/// # Errors
/// For a pattern that is none, and for patients in both folders.
pub(super) fn patients(
    pattern: &str,
    real: &ExtractedFolder,
    held_out: &ExtractedFolder,
) -> Result<Option<Vec<u32>>, Usage> {
    let wrong = |message: String| Usage(format!("--group-by: {message}"));
    let Some(pattern) = group_pattern(pattern).map_err(wrong)? else { return Ok(None) };
    // Of each patient the first file, and its number.
    let of = |looked: &ExtractedFolder| {
        let mut found: BTreeMap<String, (String, u32)> = BTreeMap::new();
        let mut numbers = Vec::new();
        for image in 0..looked.labels.len() {
            let name = looked.name(image);
            if let Some(group) = pattern.captures(&name).and_then(|found| found.get(1)) {
                let next = u32::try_from(found.len()).unwrap_or(u32::MAX);
                let group = group.as_str().to_owned();
                numbers.push(found.entry(group).or_insert_with(|| (name.clone(), next)).1);
            }
        }
        (found, numbers)
    };
    let images = [real, held_out].map(|looked| looked.labels.len());
    let ((trained, of_trained), (held_out, of_held_out)) = (of(real), of(held_out));
    let both: Vec<String> = held_out
        .iter()
        .filter_map(|(group, (file, _))| Some(format!("`{group}` ({} and {file})", trained.get(group)?.0)))
        .collect();
    if both.is_empty() {
        let all = [of_trained.len(), of_held_out.len()] == images;
        return Ok(all.then_some(of_held_out));
    }
    let named = both.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    Err(wrong(format!(
        "{} of --held-out have images among the real ones too: {named}{}. Scores on them would say nothing of new patients: take these patients out of one side",
        both.len(),
        if both.len() > 3 { ", ..." } else { "" }
    )))
}
