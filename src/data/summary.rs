//! What is said about a data set: counts, sizes, duplicates, and one remark for each kind of thing that was done.

use std::collections::BTreeMap;

use super::exclusion::findings;
use super::fact::{Fact, REMARKS};
use super::listing::{File, Tree};
use super::split::Split;
use crate::config::{Config, SplitBy, group_pattern};
use crate::event::{ClassCount, DataSummary, FileNote, Finding, SizeCount, Skipped};

/// Files that are named with what is told of them; the rest is counted alone.
const NAMED: usize = 500;

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
    let mut findings = findings(tree, outcomes, config);
    findings.extend(depth_finding(outcomes.iter().flatten(), config));
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
        notes.push(format!(
            "the class {name} has no usable image: training refuses it until it has, or is left out with data.exclude"
        ));
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

/// That most images have grey values which the depth leaves out, or that none has what it keeps room for.
fn depth_finding<'a>(facts: impl Iterator<Item = &'a Fact>, config: &Config) -> Option<Finding> {
    let (mut images, mut wide) = (0_usize, 0_usize);
    for fact in facts {
        (images, wide) = (images + 1, wide + usize::from(fact.is_wide));
    }
    let fix = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (message, fix) = if config.is_deep() {
        if images == 0 || wide > 0 {
            return None;
        }
        let message = "no image has grey values of more than 8 bits: data.depth = 16 takes three times the memory for their pixels and changes nothing";
        (message.to_owned(), vec![fix("data.depth", "8")])
    } else {
        // Colour files among them are a reason to train in colour.
        let is_grey = wide == images || (config.channels == 1 && wide * 2 > images);
        if wide == 0 || !is_grey || config.data.depth == 16 {
            return None;
        }
        let (have, them) = if wide == 1 { ("image has", "it") } else { ("images have", "them") };
        let grey = (config.channels != 1).then(|| fix("channels", "1"));
        let also = if grey.is_some() { ", with channels = 1," } else { "" };
        let message = format!(
            "{wide} grey {have} more than 8 bits, and training sees 256 greys of {them}: data.depth = 16{also} keeps all"
        );
        (message, grey.into_iter().chain([fix("data.depth", "16")]).collect())
    };
    Some(Finding { message, files: Vec::new(), fix })
}
