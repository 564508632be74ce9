//! What fakes are worth beside real images: the balanced accuracy on held-out real images, and the recall of each class, of
//! a classifier that learns from real images alone, with altered copies of them, and with more and more fakes (as
//! Frid-Adar et al. 2018 do for liver lesions; the classification accuracy score of Ravuri & Vinyals 2019 with real images
//! left in).
//!
//! The same images are held out from all of them, so that differences are taken image by image: two accuracies whose own
//! intervals overlap may still differ for certain, and two that look different may not.

use super::compute::Work;
use super::split::members;
use super::{Metric, Score, Side, Warning};
use crate::config::{Beside, Choice as _};
use crate::metric::{Accuracy, Features, MetricError, classify};

/// Fewer held-out images (or patients, where they are known) than these that fakes have changed the answer for may all have changed by chance, however narrow the
/// interval: by a sign test, five that change one way are no rarer than 1 in 16.
const FEWEST_CHANGED: usize = 6;

/// Images that a classifier learns from.
struct Lesson {
    numbers: Vec<f64>,
    labels: Vec<u32>,
    fakes: usize,
}

impl Lesson {
    fn add(&mut self, side: Side<'_>, images: &[usize]) {
        for image in images {
            self.numbers.extend_from_slice(side.features.row(*image));
            self.labels.push(side.labels[*image]);
        }
    }

    fn learn(self, test: Side<'_>, classes: usize) -> Result<(Accuracy, usize), MetricError> {
        let features = Features::from_parts(self.numbers, test.features.dimensions());
        Ok((classify((&features, &self.labels), (test.features, test.labels), classes)?, self.fakes))
    }
}

impl Work<'_> {
    pub(super) fn worth(&mut self) {
        let asked = |metric: &&Metric| metric.beside().is_some() && self.settings.metrics.contains(metric);
        let wanted: Vec<Metric> = Metric::ALL.iter().filter(asked).copied().collect();
        let test = match self.sets.held_out {
            _ if self.known.shared > 0 => Err(MetricError::Shared { images: self.known.shared }),
            Some(test) if !test.labels.is_empty() => Ok(test),
            Some(_) | None => Err(MetricError::NoHeldOut),
        };
        let alone =
            test.clone().and_then(|test| Ok((test, self.lesson(Beside::Nothing)?.learn(test, self.sets.classes)?)));
        let (test, (alone, _)) = match alone {
            Ok(found) => found,
            Err(reason) => return self.missing(&wanted, None, &reason),
        };
        if !self.known.patients {
            self.report.warnings.push(Warning::Strangers);
        }
        for metric in wanted {
            let Some(beside) = metric.beside() else { continue };
            let found = if beside == Beside::Nothing {
                Ok((alone.clone(), 0))
            } else {
                self.lesson(beside).and_then(|lesson| lesson.learn(test, self.sets.classes))
            };
            match found {
                Ok((found, fakes)) => self.tell_worth(metric, test, (&found, fakes), &alone),
                Err(reason) => self.missing(&[metric], None, &reason),
            }
        }
    }

    /// All real images, and what stands beside them.
    fn lesson(&self, beside: Beside) -> Result<Lesson, MetricError> {
        let (real, classes) = (self.sets.real, self.sets.classes);
        let dimensions = real.features.dimensions();
        let others = [self.sets.held_out, self.known.altered, self.known.more, Some(self.sets.fake)];
        if let Some(other) = others.into_iter().flatten().find(|side| side.features.dimensions() != dimensions) {
            return Err(MetricError::Dimensions { real: dimensions, fake: other.features.dimensions() });
        }
        let mut lesson = Lesson { numbers: Vec::new(), labels: Vec::new(), fakes: 0 };
        lesson.add(real, &(0..real.labels.len()).collect::<Vec<_>>());
        match beside {
            Beside::Nothing => {}
            Beside::Altered => {
                let altered = self.known.altered.ok_or(MetricError::NoCopies)?;
                lesson.add(altered, &(0..altered.labels.len()).collect::<Vec<_>>());
            }
            Beside::Fakes(share) => {
                for class in 0..classes {
                    let needed = (members(real.labels, class).len() as f64 * share).round() as usize;
                    let mut left = needed;
                    for side in [Some(self.sets.fake), self.known.more].into_iter().flatten() {
                        let mut own = members(side.labels, class);
                        own.truncate(left);
                        left -= own.len();
                        lesson.add(side, &own);
                    }
                    if left > 0 {
                        return Err(MetricError::FewFakes { images: needed - left, needed });
                    }
                    lesson.fakes += needed;
                }
            }
        }
        Ok(lesson)
    }

    fn tell_worth(&mut self, metric: Metric, test: Side<'_>, (found, fakes): (&Accuracy, usize), alone: &Accuracy) {
        let seed = self.settings.seed.into();
        let is_alone = metric.beside() == Some(Beside::Nothing);
        let (groups, classes) = (self.groups(), self.sets.classes);
        let right = |accuracy: &Accuracy, image: usize| f64::from(u8::from(accuracy.right[image]));
        let all: Vec<usize> = (0..test.labels.len()).collect();
        let score = Score {
            metric,
            class: None,
            value: found.balanced,
            spread: None,
            interval: groups.balanced(test.labels, classes, |image| right(found, image), seed),
            patients: groups.count(&all),
            baseline: (!is_alone).then_some(alone.balanced),
            reals: test.labels.len(),
            fakes,
        };
        let gain = |image: usize| right(found, image) - right(alone, image);
        let changed: Vec<usize> = all.into_iter().filter(|image| gain(*image) != 0.0).collect();
        let changed = groups.count(&changed).unwrap_or(changed.len());
        let [low, high] = groups.balanced(test.labels, classes, gain, seed).unwrap_or([-1.0, 1.0]);
        if !is_alone && (changed < FEWEST_CHANGED || (low <= 0.0 && high >= 0.0)) {
            let difference = found.balanced - alone.balanced;
            let interval = [low.min(0.0), high.max(0.0)];
            self.report.warnings.push(Warning::WithinChance { metric, difference, interval });
        }
        self.report.scores.push(score.clone());
        for (class, recall) in found.recall.iter().enumerate() {
            let Some(recall) = *recall else { continue };
            let own = members(test.labels, class);
            self.report.scores.push(Score {
                class: Some(class),
                value: recall,
                interval: Some(groups.share(&own, |image| found.right[image])),
                patients: groups.count(&own),
                baseline: if is_alone { None } else { alone.recall[class] },
                reals: own.len(),
                ..score.clone()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::bootstrap::wilson;
    use crate::metric::report::{Known, Report, Sets, Settings, scores_knowing};

    /// `each` images of each of two classes, in the plane: round (0, 0) and (`apart`, 0), the first number of the other class
    /// where they are `swapped`.
    fn cloud(each: usize, apart: f64, from: usize, swapped: bool) -> (Features, Vec<u32>) {
        let (mut numbers, mut labels) = (Vec::new(), Vec::new());
        for i in 0..2 * each {
            let angle = ((from + i) * 37 % 101) as f64;
            let class = i % 2;
            numbers.extend([2.0 * angle.sin() + apart * class as f64, 2.0 * (3.0 * angle).cos()]);
            labels.push(if swapped { 1 - class } else { class } as u32);
        }
        (Features::new(numbers, 2).unwrap(), labels)
    }

    fn side((features, labels): &(Features, Vec<u32>)) -> Side<'_> {
        Side { features, labels, logits: None }
    }

    fn report(sets: &Sets<'_>, known: Known<'_>) -> Report {
        let metrics = Metric::ALL.iter().copied().filter(|metric| metric.beside().is_some()).collect();
        scores_knowing(sets, known, &Settings { metrics, ..Settings::default() }, &mut |_, _, _| true).unwrap()
    }

    fn missing(report: &Report) -> Vec<(Vec<Metric>, MetricError)> {
        let of = |warning: &Warning| match warning {
            Warning::Missing { metrics, reason, .. } => Some((metrics.clone(), reason.clone())),
            Warning::FewForFrechet { .. }
            | Warning::SmallClass { .. }
            | Warning::MissingClass { .. }
            | Warning::SplitReals { .. }
            | Warning::WithinChance { .. }
            | Warning::Strangers => None,
        };
        report.warnings.iter().filter_map(of).collect()
    }

    #[test]
    fn every_row_stands_beside_real_images_alone_with_its_own_interval() {
        let (real, test) = (cloud(30, 3.0, 0, false), cloud(40, 3.0, 60, false));
        let (good, more, bad) = (cloud(30, 3.0, 7, false), cloud(30, 3.0, 19, false), cloud(60, 3.0, 7, true));
        let sets = |fake| Sets { classes: 2, real: side(&real), fake, held_out: Some(side(&test)) };
        let known = Known { altered: Some(side(&more)), more: Some(side(&more)), patients: true, ..Known::default() };
        let found = report(&sets(side(&good)), known);
        assert_eq!(missing(&found), []);
        let alone = classify((&real.0, &real.1), (&test.0, &test.1), 2).unwrap();
        for metric in
            [Metric::WorthReal, Metric::WorthAltered, Metric::WorthHalf, Metric::WorthEqual, Metric::WorthDouble]
        {
            let all = found.get(metric, None).unwrap();
            let [low, high] = all.interval.unwrap();
            assert!(low < all.value && all.value < high, "{all:?}");
            let is_alone = metric == Metric::WorthReal;
            assert_eq!((all.baseline, all.reals), ((!is_alone).then_some(alone.balanced), 80));
            for class in 0..2 {
                let one = found.get(metric, Some(class)).unwrap();
                assert_eq!((one.reals, one.fakes), (40, all.fakes));
                assert_eq!(one.interval, Some(wilson((one.value * 40.0).round() as usize, 40)));
                assert_eq!(one.baseline, alone.recall[class].filter(|_| !is_alone));
            }
        }
        let value = |metric| found.get(metric, None).unwrap().value;
        assert_eq!(value(Metric::WorthReal), alone.balanced);
        let fakes =
            [Metric::WorthReal, Metric::WorthAltered, Metric::WorthHalf, Metric::WorthEqual, Metric::WorthDouble];
        assert_eq!(fakes.map(|metric| found.get(metric, None).unwrap().fakes), [0, 0, 30, 60, 120]);
        // One fake for each real image: a classifier of both sets together.
        let both = Features::new([real.0.numbers(), good.0.numbers()].concat(), 2).unwrap();
        let labels = [real.1.clone(), good.1.clone()].concat();
        let joined = classify((&both, &labels), (&test.0, &test.1), 2).unwrap();
        // The fakes stand class by class, which only rounds otherwise.
        assert!((value(Metric::WorthEqual) - joined.balanced).abs() < 0.03);

        // Twice as many fakes with the wrong labels win, and that is no chance.
        let spoilt = report(&sets(side(&bad)), Known { patients: true, ..Known::default() });
        assert!(spoilt.get(Metric::WorthDouble, None).unwrap().value < alone.balanced - 0.3);
        let by_chance = |metric| {
            let of = |w: &Warning| matches!(w, Warning::WithinChance { metric: of, .. } if *of == metric);
            spoilt.warnings.iter().any(of)
        };
        assert!(!by_chance(Metric::WorthDouble) && !by_chance(Metric::WorthReal));
        assert_eq!(missing(&spoilt), [(vec![Metric::WorthAltered], MetricError::NoCopies)]);
        assert!(!spoilt.warnings.contains(&Warning::Strangers));
    }

    #[test]
    fn images_of_one_patient_are_drawn_together() {
        let (real, test) = (cloud(30, 3.0, 0, false), cloud(40, 3.0, 60, false));
        // Ten images of each patient, of one class.
        let groups: Vec<u32> = (0..80).map(|image| image / 20 * 2 + image % 2).collect();
        let sets = Sets { classes: 2, real: side(&real), fake: side(&real), held_out: Some(side(&test)) };
        let of = |groups: &[u32]| report(&sets, Known { groups, patients: true, ..Known::default() });
        let (grouped, alone) = (of(&groups), of(&[]));
        for class in [None, Some(0)] {
            let [grouped, alone] = [&grouped, &alone].map(|report| report.get(Metric::WorthReal, class).unwrap());
            assert_eq!((grouped.value, grouped.reals), (alone.value, alone.reals));
            assert_eq!((grouped.patients, alone.patients), (Some(if class.is_none() { 8 } else { 4 }), None));
            let width = |score: &Score| score.interval.map(|[low, high]| high - low).unwrap();
            // Of a class it is a formula, and as wide as for images where those of a patient are no more alike than others.
            assert!(width(grouped) >= width(alone) || class.is_none(), "{grouped:?}");
            assert!(grouped.interval != alone.interval || class.is_some(), "{grouped:?}");
        }
        // Patients of one image each change nothing.
        assert_eq!(of(&(0..80).collect::<Vec<_>>()).scores, alone.scores);
    }

    #[test]
    fn fakes_that_add_nothing_are_told_to_be_within_chance() {
        let (real, test) = (cloud(30, 3.0, 0, false), cloud(40, 3.0, 60, false));
        let sets = Sets { classes: 2, real: side(&real), fake: side(&real), held_out: Some(side(&test)) };
        let found = report(&sets, Known::default());
        let told = |warning: &&Warning| matches!(warning, Warning::WithinChance { .. });
        let all: Vec<&Warning> = found.warnings.iter().filter(told).collect();
        assert!(all.len() == 2 && all[0].text(&[]).contains("within chance"), "{:?}", found.warnings);
        assert!(found.warnings.contains(&Warning::Strangers));
        let few = MetricError::FewFakes { images: 30, needed: 60 };
        assert!(missing(&found).contains(&(vec![Metric::WorthDouble], few)), "{:?}", missing(&found));
    }

    #[test]
    fn nothing_is_said_without_images_that_nobody_has_seen() {
        let (real, test) = (cloud(10, 3.0, 0, false), cloud(10, 3.0, 30, false));
        let sets = |held_out| Sets { classes: 2, real: side(&real), fake: side(&real), held_out };
        let all: Vec<Metric> = Metric::ALL.iter().copied().filter(|metric| metric.beside().is_some()).collect();
        let without = report(&sets(None), Known::default());
        assert_eq!((without.scores.len(), missing(&without)), (0, vec![(all.clone(), MetricError::NoHeldOut)]));
        let shared = report(&sets(Some(side(&test))), Known { shared: 3, ..Known::default() });
        assert_eq!((shared.scores.len(), missing(&shared)), (0, vec![(all, MetricError::Shared { images: 3 })]));
    }
}
