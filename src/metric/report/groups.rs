//! Intervals of what is measured image by image, where images belong together: those of one patient (Davison & Hinkley 1997,
//! section 3.8). They are more alike than strangers, so that drawing them one by one would make intervals too narrow.

use std::collections::{BTreeMap, BTreeSet};

use super::split::members;
use crate::metric::bootstrap::{balanced_interval, drawn_interval, interval, wilson, wilson_of_groups};

/// Which images belong together.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a>(Option<&'a [u32]>);

impl<'a> Groups<'a> {
    /// By the number of each image's group; each stands alone where there is none for each, or no two are the same.
    pub fn of(numbers: &'a [u32], images: usize) -> Self {
        let different: BTreeSet<&u32> = numbers.iter().collect();
        Self(Some(numbers).filter(|numbers| numbers.len() == images && different.len() < images))
    }

    /// How many groups some images are of; nothing where each stands alone.
    pub fn count(self, images: &[usize]) -> Option<usize> {
        self.parts(images).map(|parts| parts.len())
    }

    /// Some images, group by group.
    fn parts(self, images: &[usize]) -> Option<Vec<Vec<usize>>> {
        let numbers = self.0?;
        let mut parts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        images.iter().for_each(|image| parts.entry(numbers[*image]).or_default().push(*image));
        Some(parts.into_values().collect())
    }

    /// The interval of a mean over images.
    pub fn mean(self, images: &[usize], value: impl Fn(usize) -> f64, seed: u64) -> Option<[f64; 2]> {
        match self.parts(images) {
            None => interval(&images.iter().map(|image| value(*image)).collect::<Vec<_>>(), seed),
            Some(parts) => {
                let sum = |part: &Vec<usize>| part.iter().map(|image| (0, value(*image))).collect();
                drawn_interval(&[parts.iter().map(sum).collect()], 1, seed)
            }
        }
    }

    /// The interval of the mean of the means of classes; nothing where a class has one image, or images of one group, alone.
    pub fn balanced(self, labels: &[u32], classes: usize, value: impl Fn(usize) -> f64, seed: u64) -> Option<[f64; 2]> {
        let own: Vec<Vec<usize>> = (0..classes).map(|class| members(labels, class)).collect();
        let filled = || own.iter().filter(|images| !images.is_empty());
        let Some(parts) = self.parts(&(0..labels.len()).collect::<Vec<_>>()) else {
            let values: Vec<Vec<f64>> =
                filled().map(|images| images.iter().map(|image| value(*image)).collect()).collect();
            return balanced_interval(&values, seed);
        };
        if filled().any(|images| self.count(images) == Some(1)) {
            return None;
        }
        // Groups are drawn among those of the same class, that of most of their images.
        let mut strata = vec![Vec::new(); classes];
        for part in parts {
            let count = |class: usize| part.iter().filter(|image| labels[**image] as usize == class).count();
            let most = (0..classes).rev().max_by_key(|class| count(*class)).unwrap_or(0);
            strata[most].push(part.iter().map(|image| (labels[*image] as usize, value(*image))).collect());
        }
        drawn_interval(&strata, classes, seed)
    }

    /// The interval of the share of images that are right.
    pub fn share(self, images: &[usize], right: impl Fn(usize) -> bool) -> [f64; 2] {
        let count = |part: &[usize]| part.iter().filter(|image| right(**image)).count();
        match self.parts(images) {
            None => wilson(count(images), images.len()),
            Some(parts) => wilson_of_groups(&parts.iter().map(|part| (count(part), part.len())).collect::<Vec<_>>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 patients of each of two classes with five images each, of which all are right or all wrong.
    fn made() -> (Vec<u32>, Vec<u32>, Vec<f64>) {
        let image = |at: usize| (at / 5, (at / 5) % 2, f64::from(u8::from(at / 5 % 4 < 2)));
        let all: Vec<(usize, usize, f64)> = (0..200).map(image).collect();
        let numbers = all.iter().map(|(patient, ..)| *patient as u32).collect();
        let labels = all.iter().map(|(_, class, _)| *class as u32).collect();
        (numbers, labels, all.into_iter().map(|(.., value)| value).collect())
    }

    #[test]
    fn patients_with_five_like_images_have_intervals_as_wide_as_of_one_image_each() {
        let (numbers, labels, values) = made();
        let (groups, alone) = (Groups::of(&numbers, 200), Groups::of(&[], 200));
        let width = |interval: Option<[f64; 2]>| interval.map(|[low, high]| high - low).unwrap();
        let all: Vec<usize> = (0..200).collect();
        let of = |groups: Groups<'_>| {
            [
                width(groups.mean(&all, |image| values[image], 3)),
                width(groups.balanced(&labels, 2, |image| values[image], 3)),
                width(Some(groups.share(&all, |image| values[image] > 0.5))),
            ]
        };
        // Five like images are worth one: intervals are the root of five times as wide.
        for (grouped, single) in of(groups).into_iter().zip(of(alone)) {
            assert!((grouped / single - 5.0_f64.sqrt()).abs() < 0.25, "{grouped} for {single}");
        }
        assert_eq!((groups.count(&all), groups.count(&all[..12]), alone.count(&all)), (Some(40), Some(3), None));
    }

    #[test]
    fn images_that_stand_alone_have_the_intervals_that_they_had() {
        let (_, labels, values) = made();
        let numbers: Vec<u32> = (0..200).rev().collect();
        let groups = Groups::of(&numbers, 200);
        let all: Vec<usize> = (0..200).collect();
        assert_eq!(groups.mean(&all, |image| values[image], 3), interval(&values, 3));
        let right = values.iter().filter(|value| **value > 0.5).count();
        assert_eq!(groups.share(&all, |image| values[image] > 0.5), wilson(right, 200));
        assert_eq!(groups.count(&all), None);
        assert!(groups.balanced(&labels, 2, |image| values[image], 3).is_some());
    }

    #[test]
    fn one_patient_says_nothing_of_others() {
        let groups = Groups::of(&[7; 10], 10);
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(groups.mean(&all, |_| 1.0, 1), None);
        assert_eq!(groups.balanced(&[0; 10], 1, |_| 1.0, 1), None);
        let [low, high] = groups.share(&all, |_| true);
        assert!(low < 0.25 && high == 1.0, "one patient whose images are all right is one of one: {low}");
        let (numbers, labels) = ([0, 0, 1, 2, 2], [0, 0, 0, 1, 1]);
        assert_eq!(Groups::of(&numbers, 5).balanced(&labels, 2, |_| 1.0, 1), None, "a class of one patient");
    }
}
