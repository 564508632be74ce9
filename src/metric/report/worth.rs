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
use crate::metric::bootstrap::{balanced_interval, wilson};
use crate::metric::{Accuracy, Features, MetricError, classify};

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
        let alone = test.clone().and_then(|test| Ok((test, self.lesson(Beside::Nothing)?.learn(test, self.sets.classes)?)));
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
        let per_class = |value: &dyn Fn(usize) -> f64| -> Vec<Vec<f64>> {
            let of = |class| members(test.labels, class).into_iter().map(value).collect::<Vec<_>>();
            (0..self.sets.classes).map(of).filter(|values: &Vec<f64>| !values.is_empty()).collect()
        };
        let right = |accuracy: &Accuracy, image: usize| f64::from(u8::from(accuracy.right[image]));
        let score = Score {
            metric,
            class: None,
            value: found.balanced,
            spread: None,
            interval: balanced_interval(&per_class(&|image| right(found, image)), seed),
            baseline: (!is_alone).then_some(alone.balanced),
            reals: test.labels.len(),
            fakes,
        };
        let gains = per_class(&|image| right(found, image) - right(alone, image));
        if let Some(interval) = balanced_interval(&gains, seed).filter(|[low, high]| *low <= 0.0 && *high >= 0.0 && !is_alone) {
            let difference = found.balanced - alone.balanced;
            self.report.warnings.push(Warning::WithinChance { metric, difference, interval });
        }
        self.report.scores.push(score.clone());
        for (class, recall) in found.recall.iter().enumerate() {
            let Some(recall) = *recall else { continue };
            let own = members(test.labels, class);
            let named = own.iter().filter(|image| found.right[**image]).count();
            self.report.scores.push(Score {
                class: Some(class),
                value: recall,
                interval: Some(wilson(named, own.len())),
                baseline: if is_alone { None } else { alone.recall[class] },
                reals: own.len(),
                ..score.clone()
            });
        }
    }
}
