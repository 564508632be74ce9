//! What is said about a data set: counts, sizes, duplicates, and one remark for each kind of thing that was done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::{Backdrop, Raster};
use super::decode::Decoded;
use super::depth;
use super::exclusion::findings;
use super::listing::{File, Tree};
use super::split::Split;
use crate::config::{Config, SplitBy, group_pattern};
use crate::event::{ClassCount, DataSummary, FileNote, SizeCount, Skipped};

/// What is remembered of a usable file.
pub(super) struct Fact {
    pub width: u32,
    pub height: u32,
    /// SHA-256 of its size and pixels.
    pub digest: [u8; 32],
    /// Every pixel has one of two colours, as in a mask.
    pub two_valued: bool,
    /// Its grey values have more than 8 bits.
    pub is_wide: bool,
    /// The patient that its file names, where that is asked for.
    pub patient: Option<Arc<str>>,
    /// One flag for each of [`REMARKS`].
    flags: Flags,
}

type Flags = [bool; REMARKS.len()];

/// What is said of files whose flag is set.
struct Remark {
    /// Of one file, after its count.
    one: &'static str,
    /// Of several files, after their count.
    many: &'static str,
    /// Beside the name of each file; nothing for what is plain from its picture.
    own: Option<&'static str>,
}

const fn remark(one: &'static str, many: &'static str, own: Option<&'static str>) -> Remark {
    Remark { one, many, own }
}

/// In the order of the flags.
const REMARKS: [Remark; 16] = [
    remark(
        "file holds several frames; only the first is used",
        "files hold several frames; only the first is used",
        Some("the first of several frames"),
    ),
    remark("grey file was given three equal channels", "grey files were given three equal channels", None),
    remark("colour file was turned grey", "colour files were turned grey", None),
    remark(
        "transparent grey file was laid over black",
        "transparent grey files were laid over black",
        Some("laid over black, where transparent"),
    ),
    remark(
        "transparent colour file was laid over white",
        "transparent colour files were laid over white",
        Some("laid over white, where transparent"),
    ),
    remark(
        "file of more than 8 bits uses part of its range and was shown from its 1st to its 99th percentile",
        "files of more than 8 bits use part of their range and were shown, each from its 1st to its 99th percentile",
        Some("shown from the 1st to the 99th percentile of its values"),
    ),
    remark(
        "file was turned upright by its orientation tag",
        "files were turned upright by their orientation tag",
        Some("turned upright by its orientation tag"),
    ),
    remark(
        "file holds another format than its name says; its content was believed",
        "files hold another format than their names say; their content was believed",
        Some("holds another format than its name says"),
    ),
    remark(
        "file is smaller than image_size and was enlarged",
        "files are smaller than image_size and were enlarged",
        None,
    ),
    remark(
        "file is more than half as long again as it is wide, or the reverse; the crop to a square loses a third or more of it",
        "files are more than half as long again as they are wide, or the reverse; the crop to a square loses a third or more of them",
        None,
    ),
    remark(
        "picture of a scan was shown from the 1st to the 99th percentile of its values, or between limits that its file names",
        "pictures of scans were shown from the 1st to the 99th percentile of their values, or between limits that their files name",
        Some("shown from the 1st to the 99th percentile of its values, or between limits that it names"),
    ),
    remark(
        "slice comes from a series of volumes, of which only the first is used",
        "slices come from a series of volumes, of which only the first is used",
        Some("the first of several volumes"),
    ),
    remark(
        "picture of a scan was shown through data.window",
        "pictures of scans were shown through data.window, all alike",
        None,
    ),
    remark(
        "slice comes from a volume that does not say how it lies in the body; its first axis was taken to go to the left",
        "slices come from volumes that do not say how they lie in the body; their first axes were taken to go to the left",
        Some("does not say how it lies in the body; its first axis was taken to go to the left"),
    ),
    remark(
        "slice comes from a volume that was scanned at an angle; it was turned to the nearest axes of the body",
        "slices come from volumes that were scanned at an angle; they were turned to the nearest axes of the body",
        Some("scanned at an angle; turned to the nearest axes of the body"),
    ),
    remark(
        "slice was drawn out along one side, so that its pixels are as wide as high in millimetres",
        "slices were drawn out along one side, so that their pixels are as wide as high in millimetres",
        Some("drawn out along one side, so that its pixels are as wide as high in millimetres"),
    ),
];

/// Files that are named with what is told of them; the rest is counted alone.
const NAMED: usize = 500;

impl Fact {
    /// What is worth remembering of a file that becomes an image of `size` pixels and `channels` channels.
    pub fn new(decoded: &Decoded, digest: [u8; 32], size: usize, channels: usize) -> Self {
        let raster = &decoded.raster;
        let (short, long) = (raster.width.min(raster.height), raster.width.max(raster.height));
        let backdrop = decoded.conversion.backdrop;
        let flags = [
            decoded.several,
            raster.channels < channels,
            raster.channels > channels,
            backdrop == Some(Backdrop::Black),
            backdrop == Some(Backdrop::White),
            decoded.conversion.stretched,
            decoded.turned,
            decoded.misnamed,
            short < size,
            long * 2 > short * 3,
            decoded.windowed,
            decoded.series,
            decoded.scan.fixed,
            decoded.scan.unnamed,
            decoded.scan.oblique,
            decoded.scan.square,
        ];
        // The size of a picture came from 32-bit numbers.
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            width: side(raster.width),
            height: side(raster.height),
            digest,
            two_valued: is_two_valued(raster),
            is_wide: raster.deep.is_wide(),
            patient: None,
            flags,
        }
    }

    /// The same, of a patient.
    pub fn of_patient(self, patient: Option<Arc<str>>) -> Self {
        Self { patient, ..self }
    }

    /// One of a square picture, for tests.
    #[cfg(test)]
    pub fn made(side: u32, digest: [u8; 32], two_valued: bool) -> Self {
        Self { width: side, height: side, digest, two_valued, is_wide: false, patient: None, flags: Flags::default() }
    }

    /// What is told of this file beside its name.
    fn own(&self) -> Vec<&'static str> {
        REMARKS.iter().zip(self.flags).filter(|(_, flag)| *flag).filter_map(|(remark, _)| remark.own).collect()
    }
}

/// Whether a picture has exactly two colours. Of the smallest pictures that says nothing.
fn is_two_valued(raster: &Raster) -> bool {
    let mut pixels = raster.pixels.chunks_exact(raster.channels.max(1));
    let Some(first) = pixels.next().filter(|_| raster.width * raster.height >= 64) else { return false };
    let Some(second) = pixels.find(|pixel| *pixel != first) else { return false };
    pixels.all(|pixel| pixel == first || pixel == second)
}

/// Puts together what was found: `outcomes` has one entry for each of `tree.files`, `split` one for each usable one.
pub(super) fn summarise(
    config: &Config,
    source: &str,
    tree: &Tree,
    outcomes: &[Result<Fact, String>],
    split: &Split,
) -> DataSummary {
    let mut images = vec![[0; 2]; tree.classes.len()];
    let mut held_out = split.held_out.iter();
    let mut skipped = tree.skipped.clone();
    let mut sizes: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut same: Vec<(&[u8; 32], &File)> = Vec::new();
    let mut counts = [0; REMARKS.len()];
    for (file, outcome) in tree.files.iter().zip(outcomes) {
        match outcome {
            Ok(fact) => {
                images[file.class][usize::from(held_out.next() == Some(&true))] += 1;
                *sizes.entry((fact.width, fact.height)).or_default() += 1;
                same.push((&fact.digest, file));
                for (count, flag) in counts.iter_mut().zip(fact.flags) {
                    *count += usize::from(flag);
                }
            }
            Err(reason) => skipped.push(Skipped { file: file.title(), reason: reason.clone() }),
        }
    }
    skipped.sort_by(|a, b| a.file.cmp(&b.file));
    let mut sizes: Vec<_> =
        sizes.into_iter().map(|((width, height), images)| SizeCount { width, height, images }).collect();
    sizes.sort_by_key(|size| std::cmp::Reverse(size.images));
    // Sorted, not looked up one by one: of a million files that would be as many ways through all of the memory.
    same.sort_by_key(|(digest, _)| *digest);
    let groups: Vec<Vec<&File>> = same
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(_, file)| *file).collect())
        .collect();
    let contradicting = groups.iter().filter(|group| group.iter().any(|file| file.class != group[0].class)).count();
    let mut notes = notes(tree, &images, &counts, contradicting);
    notes.extend(split.notes.iter().cloned());
    let mut duplicates: Vec<Vec<String>> =
        groups.iter().map(|group| group.iter().map(|file| file.title()).collect()).collect();
    duplicates.sort();
    let count = |(name, [images, held_out]): (&String, [usize; 2])| ClassCount { name: name.clone(), images, held_out };
    let classes = tree.classes.iter().zip(images).map(count);
    let (source, classes, file_notes) = (source.to_owned(), classes.collect(), file_notes(tree, outcomes));
    let mut findings = findings(tree, outcomes, &config.data, config.image_size);
    findings.extend(depth::finding(outcomes.iter().flatten(), config));
    let patients = has_patients(config, tree, outcomes);
    DataSummary { source, classes, skipped, duplicates, contradicting, sizes, notes, file_notes, patients, findings }
}

/// Whether every file is known to be of some patient. A pattern that is none is refused elsewhere.
fn has_patients(config: &Config, tree: &Tree, outcomes: &[Result<Fact, String>]) -> bool {
    let pattern = group_pattern(&config.data.group_by).ok().flatten();
    let by_patient = config.data.split_by == SplitBy::Columns;
    // What cannot be read is in no split.
    let named = |(file, outcome): (&File, &Result<Fact, String>)| {
        let Ok(fact) = outcome else { return true };
        let by_name = pattern.as_ref().and_then(|pattern| pattern.captures(&file.name)?.get(1));
        file.group.is_some() || by_name.is_some() || (by_patient && fact.patient.is_some())
    };
    outcomes.iter().any(Result::is_ok) && tree.files.iter().zip(outcomes).all(named)
}

/// What is told of single files; once for those that hold several pictures.
fn file_notes(tree: &Tree, outcomes: &[Result<Fact, String>]) -> Vec<FileNote> {
    let mut noted: Vec<FileNote> = Vec::new();
    for (file, outcome) in tree.files.iter().zip(outcomes) {
        let own = outcome.as_ref().map(Fact::own).unwrap_or_default();
        if own.is_empty() || noted.last().is_some_and(|last| last.file == file.name) {
            continue;
        }
        if noted.len() == NAMED {
            break;
        }
        noted.push(FileNote { file: file.name.clone(), note: own.join("; ") });
    }
    noted
}

fn notes(tree: &Tree, images: &[[usize; 2]], counts: &[usize; REMARKS.len()], across: usize) -> Vec<String> {
    let mut notes = tree.notes.clone();
    for (name, _) in tree.classes.iter().zip(images).filter(|(_, images)| **images == [0; 2]) {
        notes.push(format!("the class {name} has no usable image: training refuses it until it has"));
    }
    if tree
        .classes
        .iter()
        .all(|name| matches!(name.to_lowercase().as_str(), "train" | "test" | "val" | "valid" | "validation"))
    {
        let names = tree.classes.join(", ");
        notes.push(format!("the classes are called {names}: if each holds the true classes, name that folder instead"));
    }
    if across > 0 {
        notes.push(format!(
            "{} with the same pixels in different classes: their labels contradict each other",
            plural(across, "group of files", "groups of files")
        ));
    }
    for (count, remark) in counts.iter().zip(&REMARKS) {
        if *count > 0 {
            notes.push(plural(*count, remark.one, remark.many));
        }
    }
    notes
}

/// A count and what is counted.
fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
