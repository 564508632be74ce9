//! Which images are held out of training: a share of every class, whole groups at a time.
//!
//! Images whose pixels are the same, that come from one file, whose names hold the same group (`data.group_by`), or that the source
//! gives to one patient are one unit and stay on one side: what training has seen of a patient says nothing about strangers.

use std::collections::{BTreeMap, HashMap};

use rand::seq::SliceRandom as _;
use regex::Regex;

use super::DataError;
use crate::config::rng::{Purpose, stream};
use crate::config::{Data, group_pattern};

/// What decides where an image may go.
pub(super) struct Candidate<'a> {
    pub class: usize,
    /// The name of the file that it comes from.
    pub file: &'a str,
    /// SHA-256 of its pixels, where they may stand elsewhere too.
    pub digest: Option<[u8; 32]>,
    /// The source itself keeps it for validation or test.
    pub reserved: bool,
    /// The patient that the source names.
    pub group: Option<&'a str>,
}

/// Which images are held out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// One flag an image.
    pub held_out: Vec<bool>,
    /// The unit of each image, by the number of its first one; none where nothing is held out.
    pub units: Vec<u32>,
    /// What is worth knowing about it.
    pub notes: Vec<String>,
}

/// How many images of each class a unit holds.
type Unit = (Vec<usize>, BTreeMap<usize, usize>);

impl Split {
    /// Nothing is held out.
    pub fn none(images: usize) -> Self {
        Self { held_out: vec![false; images], units: Vec::new(), notes: Vec::new() }
    }

    /// Holds out about `data.held_out` of each of the classes; nothing where that is 0. The images stand in an order that
    /// does not depend on the disk.
    ///
    /// A unit goes to the held-out side, in an order drawn from `data.split_seed`, where that brings the classes that it
    /// holds nearer to their shares and leaves each at least one image to train on. So a class misses its share by
    /// less than one unit, if its units are in no other class. A class that would give nothing gives its smallest unit
    /// where it has another.
    ///
    /// # Errors
    /// Where `data.group_by` is no pattern.
    pub fn of(data: &Data, classes: &[String], images: &[Candidate<'_>]) -> Result<Self, DataError> {
        if data.held_out == 0.0 {
            return Ok(Self::none(images.len()));
        }
        let pattern =
            group_pattern(&data.group_by).map_err(|message| DataError::Settings { key: "data.group_by", message })?;
        let (mut units, strangers) = units(images, pattern.as_ref());
        units.shuffle(&mut stream(data.split_seed, Purpose::Split, 0));
        let mut sides = Sides::new(images, classes.len());
        if images.iter().any(|image| image.reserved) {
            return Ok(sides.reserved(images, &units));
        }
        let share = |count: &usize| (*count as f64 * data.held_out).round() as usize;
        let wanted: Vec<usize> = sides.counts.iter().map(share).collect();
        for unit in &units {
            let off = |class: usize, more: usize| (sides.taken[class] + more).abs_diff(wanted[class]);
            let before: usize = unit.1.keys().map(|class| off(*class, 0)).sum();
            let after: usize = unit.1.iter().map(|(class, more)| off(*class, *more)).sum();
            if after < before && sides.can_give(unit) {
                sides.hold_out(unit);
            }
        }
        for class in 0..classes.len() {
            if sides.taken[class] == 0 {
                let of_class = units.iter().filter(|unit| unit.1.contains_key(&class) && sides.can_give(unit));
                if let Some(unit) = of_class.min_by_key(|unit| unit.0.len()) {
                    sides.hold_out(unit);
                }
            }
        }
        let mut notes = sides.missing(classes);
        if strangers > 0 {
            notes.push(format!(
                "{strangers} images have no group that data.group_by finds in their names; each stands alone"
            ));
        }
        Ok(Self { held_out: sides.held_out, units: numbers(&units, images.len()), notes })
    }
}

/// How far images went to either side.
struct Sides {
    /// Images of each class.
    counts: Vec<usize>,
    /// Those that are held out.
    taken: Vec<usize>,
    /// One flag an image.
    held_out: Vec<bool>,
}

impl Sides {
    fn new(images: &[Candidate<'_>], classes: usize) -> Self {
        let mut counts = vec![0; classes];
        images.iter().for_each(|image| counts[image.class] += 1);
        Self { counts, taken: vec![0; classes], held_out: vec![false; images.len()] }
    }

    /// Whether each class keeps an image to train on.
    fn can_give(&self, (_, more): &Unit) -> bool {
        more.iter().all(|(class, more)| self.taken[*class] + more < self.counts[*class])
    }

    fn hold_out(&mut self, (images, more): &Unit) {
        images.iter().for_each(|image| self.held_out[*image] = true);
        more.iter().for_each(|(class, more)| self.taken[*class] += more);
    }

    /// Holds out what the source itself reserves, and whatever hangs together with it.
    fn reserved(mut self, images: &[Candidate<'_>], units: &[Unit]) -> Split {
        let kept = |unit: &&Unit| unit.0.iter().any(|image| images[*image].reserved);
        units.iter().filter(kept).for_each(|unit| self.hold_out(unit));
        let note = "the source's own images for validation and test are held out, with all of the same pixels; the size of data.held_out and data.split_seed choose nothing";
        Split { held_out: self.held_out, units: numbers(units, images.len()), notes: vec![note.to_owned()] }
    }

    /// A remark for each class that gave nothing.
    fn missing(&self, classes: &[String]) -> Vec<String> {
        let nothing = |class: &usize| self.counts[*class] > 0 && self.taken[*class] == 0;
        let all = (0..classes.len()).filter(nothing);
        all.map(|class| match self.counts[class] {
            1 => format!("nothing of the class {} is held out: it has one image alone", classes[class]),
            count => format!(
                "nothing of the class {} is held out: its {count} images belong to one group, or hang together with groups that cannot be spared",
                classes[class]
            ),
        })
        .collect()
    }
}

/// The unit of each of so many images.
fn numbers(units: &[Unit], images: usize) -> Vec<u32> {
    let mut numbers = vec![0; images];
    for (of, _) in units {
        // Images are fewer than 32 bits count.
        let first = of.first().and_then(|first| u32::try_from(*first).ok()).unwrap_or(u32::MAX);
        of.iter().for_each(|image| numbers[*image] = first);
    }
    numbers
}

/// Images that must stay together, by their first ones, and how many images the pattern does not match.
fn units(images: &[Candidate<'_>], pattern: Option<&Regex>) -> (Vec<Unit>, usize) {
    let mut parents: Vec<usize> = (0..images.len()).collect();
    let mut strangers = 0;
    let mut first_of: HashMap<(u8, &[u8]), usize> = HashMap::new();
    for (at, image) in images.iter().enumerate() {
        let group = pattern.and_then(|pattern| pattern.captures(image.file)?.get(1));
        strangers += usize::from(pattern.is_some() && group.is_none() && image.group.is_none());
        // Pictures of one file carry its name; images without one stand alone.
        let file = (!image.file.is_empty()).then_some(image.file.as_bytes());
        let keys = [
            (0, file),
            (1, image.digest.as_ref().map(|d| &d[..])),
            (2, group.map(|g| g.as_str().as_bytes())),
            (3, image.group.map(str::as_bytes)),
        ];
        for (kind, key) in keys.into_iter().filter_map(|(kind, key)| Some((kind, key?))) {
            let first = *first_of.entry((kind, key)).or_insert(at);
            let (one, other) = (root(&mut parents, first), root(&mut parents, at));
            parents[one.max(other)] = one.min(other);
        }
    }
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (at, image) in images.iter().enumerate() {
        let unit = units.entry(root(&mut parents, at)).or_default();
        unit.0.push(at);
        *unit.1.entry(image.class).or_default() += 1;
    }
    (units.into_values().collect(), strangers)
}

/// The image that stands for all that hang together with this one.
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 images of two classes: of 40 patients, each with a random number of images of one class, or of both.
    fn images(both: bool) -> Vec<(usize, String)> {
        let mut images = Vec::new();
        for index in 0..300_usize {
            let patient = index * index % 40;
            let class = if both { index % 2 } else { patient % 2 };
            images.push((class, format!("{class}/p{patient:03}_{index}.png")));
        }
        images
    }

    fn candidates(images: &[(usize, String)]) -> Vec<Candidate<'_>> {
        images
            .iter()
            .map(|(class, file)| Candidate { class: *class, file, digest: None, reserved: false, group: None })
            .collect()
    }

    fn data(held_out: f64, group_by: &str) -> Data {
        Data { held_out, group_by: group_by.to_owned(), ..Data::default() }
    }

    fn names() -> Vec<String> {
        ["a", "b"].map(str::to_owned).to_vec()
    }

    fn split(data: &Data, images: &[(usize, String)]) -> Vec<bool> {
        Split::of(data, &names(), &candidates(images)).unwrap().held_out
    }

    #[test]
    fn every_class_gives_its_share_to_within_one_group() {
        let images = images(false);
        for (share, group_by) in [(0.2, ""), (0.2, "/(p[0-9]+)_"), (0.5, "/(p[0-9]+)_"), (0.05, "")] {
            let held_out = split(&data(share, group_by), &images);
            let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
            images.iter().for_each(|(_, file)| *sizes.entry(&file[2..6]).or_default() += 1);
            let largest = if group_by.is_empty() { 1 } else { sizes.into_values().max().unwrap() };
            for class in 0..2 {
                let of_class = |at: &usize| images[*at].0 == class;
                let all = (0..300).filter(of_class).count();
                let taken = (0..300).filter(of_class).filter(|at| held_out[*at]).count();
                let miss = (taken as f64 - all as f64 * share).abs();
                assert!(miss < largest as f64, "{share} {group_by}: class {class} misses by {miss} of {largest}");
            }
        }
    }

    #[test]
    fn no_patient_and_no_picture_is_on_both_sides() {
        let images = images(true);
        let held_out = split(&data(0.3, "/(p[0-9]+)_"), &images);
        assert!(held_out.contains(&true) && held_out.contains(&false));
        let mut sides: BTreeMap<&str, bool> = BTreeMap::new();
        for ((_, file), held) in images.iter().zip(&held_out) {
            assert_eq!(sides.entry(&file[2..6]).or_insert(*held), held, "{file}");
        }
        // Pictures that come in pairs, one in either class.
        let mut pairs = candidates(&images);
        for (at, image) in pairs.iter_mut().enumerate() {
            image.digest = Some([(at / 2) as u8; 32]);
        }
        let held_out = Split::of(&data(0.3, ""), &names(), &pairs).unwrap().held_out;
        assert!(held_out.chunks(2).all(|pair| pair[0] == pair[1]) && held_out.contains(&true));
        // Several pictures in each of three files.
        let part = |at: usize| Candidate {
            class: 0,
            file: ["a/1.dcm", "a/2.dcm", "a/3.dcm"][at / 6],
            digest: None,
            reserved: false,
            group: None,
        };
        let parts: Vec<Candidate<'_>> = (0..18).map(part).collect();
        let held_out = Split::of(&data(0.3, ""), &names(), &parts).unwrap().held_out;
        assert!(held_out.chunks(6).all(|file| file.iter().all(|held| *held == file[0])));
        assert_eq!(held_out.iter().filter(|held| **held).count(), 6);
    }

    #[test]
    fn what_the_source_reserves_is_held_out_with_all_that_is_the_same() {
        let images = images(false);
        let mut reserved = candidates(&images);
        for (at, image) in reserved.iter_mut().enumerate() {
            image.reserved = at >= 250;
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&(at % 260).to_le_bytes());
            image.digest = Some(digest);
        }
        // Images 260 to 299 look like 0 to 39; no others are the same.
        let split = Split::of(&data(0.5, ""), &names(), &reserved).unwrap();
        let held: Vec<usize> = (0..300).filter(|at| split.held_out[*at]).collect();
        assert_eq!(held, (0..40).chain(250..300).collect::<Vec<_>>());
        assert!(split.notes[0].contains("own images"), "{:?}", split.notes);
        assert_eq!(Split::of(&data(0.0, ""), &names(), &reserved).unwrap().held_out, [false; 300]);
    }

    #[test]
    fn the_same_seed_holds_out_the_same_images_and_another_others() {
        let images = images(false);
        let with = |split_seed| split(&Data { split_seed, ..data(0.2, "") }, &images);
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
        assert_eq!(split(&data(0.0, ""), &images), [false; 300]);
    }

    #[test]
    fn a_class_of_several_groups_gives_one_and_that_of_one_group_is_told() {
        let few: Vec<(usize, String)> = [(0, "a/p1_1"), (0, "a/p1_2"), (1, "b/x"), (1, "b/y"), (1, "b/z"), (1, "b/w")]
            .map(|(class, file)| (class, file.to_owned()))
            .to_vec();
        let of = |share| Split::of(&data(share, "(p[0-9])_"), &names(), &candidates(&few)).unwrap();
        let half = of(0.5);
        assert_eq!(half.held_out[..2], [false, false]);
        assert_eq!(half.held_out[2..].iter().filter(|held| **held).count(), 2);
        assert!(half.notes[0].contains("class a") && half.notes[1].starts_with("4 images"), "{:?}", half.notes);
        // A tenth of four images rounds to none, and still one is taken.
        assert_eq!(of(0.1).held_out.iter().filter(|held| **held).count(), 1);
        let most = of(0.9).held_out;
        assert_eq!(most[2..].iter().filter(|held| **held).count(), 3, "one is left to train on");
    }
}
