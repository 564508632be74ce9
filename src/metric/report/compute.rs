//! Computes what a report asks for.

use super::groups::Groups;
use super::split::{Part, members, split};
use super::{Metric, Near, Report, SMALL_CLASS, Score, Sets, Settings, Side, Warning};
use crate::metric::{
    Features, MetricError, Statistics, Subsets, classify, copying, frechet_distance, inception_score, kernel_distance,
    vendi_score,
};

/// Splits of the Inception score.
const SPLITS: usize = 10;

/// Called before each part of the work with its first metric, the parts done and their number; false cancels.
type Progress<'a> = &'a mut dyn FnMut(Metric, usize, usize) -> bool;

/// Computes the scores of `settings.metrics`. What cannot be computed is no error but a warning in the report.
///
/// # Errors
/// For labels that do not fit their images, and [`MetricError::Cancelled`].
pub fn scores(sets: &Sets<'_>, settings: &Settings, progress: Progress<'_>) -> Result<Report, MetricError> {
    scores_knowing(sets, Known::default(), settings, progress)
}

/// As [`scores`], for real images of which something is known from before.
///
/// # Errors
/// As [`scores`].
pub fn scores_knowing(
    sets: &Sets<'_>,
    known: Known<'_>,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<Report, MetricError> {
    for side in [Some(sets.real), Some(sets.fake), sets.held_out, known.altered, known.more].into_iter().flatten() {
        check(side, sets.classes)?;
    }
    let parts: [Task<'_>; 8] = [
        (&[Metric::FrechetDistance, Metric::IntraClassFrechetDistance], Work::frechet),
        (&[Metric::KernelDistance, Metric::KernelDistanceSubsets], Work::kernel),
        (&[Metric::InceptionScore], Work::inception),
        (NEIGHBOURS, Work::neighbours),
        (&[Metric::Copying], Work::copying),
        (&[Metric::VendiScore], Work::vendi),
        (CLASSIFIER, Work::classifier),
        (WORTH, Work::worth),
    ];
    let wanted = |metrics: &[Metric]| metrics.iter().any(|metric| settings.metrics.contains(metric));
    let mut work = Work { sets: *sets, known, settings, report: Report::default(), held_out: None };
    work.look_at_classes();
    let total = parts.iter().filter(|(metrics, _)| wanted(metrics)).count();
    for (done, (metrics, compute)) in parts.into_iter().filter(|(metrics, _)| wanted(metrics)).enumerate() {
        if !progress(metrics[0], done, total) {
            return Err(MetricError::Cancelled);
        }
        compute(&mut work);
    }
    let mut report = work.report;
    report.scores.retain(|score| settings.metrics.contains(&score.metric));
    report.scores.sort_by_key(|score| (score.metric, score.class));
    report.warnings.retain_mut(|warning| match warning {
        Warning::Missing { metrics, .. } => {
            metrics.retain(|metric| settings.metrics.contains(metric));
            !metrics.is_empty()
        }
        Warning::FewForFrechet { .. } => wanted(&[Metric::FrechetDistance]),
        Warning::WithinChance { metric, .. } => wanted(&[*metric]),
        Warning::SmallClass { .. } | Warning::MissingClass { .. } | Warning::SplitReals { .. } | Warning::Strangers => {
            true
        }
    });
    Ok(report)
}

/// Scores that are computed together, and how.
type Task<'a> = (&'static [Metric], fn(&mut Work<'a>));

const NEIGHBOURS: &[Metric] = &[
    Metric::Precision,
    Metric::Recall,
    Metric::Density,
    Metric::Coverage,
    Metric::AuthenticPercent,
    Metric::NearestReal,
];
const CLASSIFIER: &[Metric] =
    &[Metric::ClassifierAccuracy, Metric::ClassifierBalancedAccuracy, Metric::ClassifierRecall, Metric::ClassifierAuc];

const WORTH: &[Metric] =
    &[Metric::WorthReal, Metric::WorthAltered, Metric::WorthHalf, Metric::WorthEqual, Metric::WorthDouble];

fn check(side: Side<'_>, classes: usize) -> Result<(), MetricError> {
    let (images, labels) = (side.features.len(), side.labels.len());
    if images != labels || side.labels.iter().any(|label| *label as usize >= classes) {
        return Err(MetricError::Labels { images, labels, classes });
    }
    Ok(())
}

/// What is known before real images and fakes are compared, and what some scores look at beside them.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// Statistics of all of them, then of each class.
    pub statistics: &'a [Option<Statistics>],
    /// How near they lie to each other.
    pub near: Option<&'a Near>,
    /// Altered copies of the real images, for [`Metric::WorthAltered`].
    pub altered: Option<Side<'a>>,
    /// Fakes beyond those that are scored, for classifiers that learn from more of them than there are real images.
    pub more: Option<Side<'a>>,
    /// Whether images of one patient are known, and none has images both among the held-out ones and the others.
    pub patients: bool,
    /// The patient of each held-out image, or what else they belong together by, as a number; none where nobody knows.
    pub groups: &'a [u32],
    /// Held-out images that are among the others too.
    pub shared: usize,
}

pub(super) struct Work<'a> {
    pub(super) sets: Sets<'a>,
    pub(super) known: Known<'a>,
    pub(super) settings: &'a Settings,
    pub(super) report: Report,
    /// Training images and held-out ones, once somebody has asked for them.
    held_out: Option<(Part, Part)>,
}

impl<'a> Work<'a> {
    /// Which held-out images belong together. Nothing is known of a third of the real ones that stands in for them.
    pub(super) fn groups(&self) -> Groups<'a> {
        Groups::of(self.known.groups, self.sets.held_out.map_or(0, |side| side.labels.len()))
    }
}

impl Work<'_> {
    /// The classes that have images on both sides; none where all images are of one.
    fn classes(&self) -> Vec<usize> {
        let count = self.sets.classes;
        let both = |class: &usize| {
            !members(self.sets.real.labels, *class).is_empty() && !members(self.sets.fake.labels, *class).is_empty()
        };
        if count < 2 { Vec::new() } else { (0..count).filter(both).collect() }
    }

    fn look_at_classes(&mut self) {
        if self.sets.classes < 2 {
            return;
        }
        for class in 0..self.sets.classes {
            let count = |side: Side<'_>| members(side.labels, class).len();
            let (reals, fakes) = (count(self.sets.real), count(self.sets.fake));
            self.report.warnings.extend(match (reals, fakes) {
                (0, 0) => None,
                (0, _) => Some(Warning::MissingClass { class, fakes: false }),
                (_, 0) => Some(Warning::MissingClass { class, fakes: true }),
                (reals, fakes) => {
                    (reals.min(fakes) < SMALL_CLASS).then_some(Warning::SmallClass { class, reals, fakes })
                }
            });
        }
    }

    /// Both sides of a class, or of all images.
    pub(super) fn sides(&self, class: Option<usize>) -> (Features, Features) {
        let of = |side: Side<'_>| match class {
            Some(class) => side.features.take(&members(side.labels, class)),
            None => side.features.clone(),
        };
        (of(self.sets.real), of(self.sets.fake))
    }

    /// All images, then each class.
    pub(super) fn everything(&self) -> Vec<Option<usize>> {
        std::iter::once(None).chain(self.classes().into_iter().map(Some)).collect()
    }

    pub(super) fn score(&self, metric: Metric, class: Option<usize>, value: f64) -> Score {
        let count = |side: Side<'_>| class.map_or(side.labels.len(), |class| members(side.labels, class).len());
        let (reals, fakes) = (count(self.sets.real), count(self.sets.fake));
        Score { metric, class, value, spread: None, interval: None, patients: None, baseline: None, reals, fakes }
    }

    pub(super) fn missing(&mut self, metrics: &[Metric], class: Option<usize>, reason: &MetricError) {
        // What several classes lack for one reason is told once.
        let known = self.report.warnings.iter_mut().find_map(|warning| {
            let Warning::Missing { metrics: of, classes, reason: why } = warning else { return None };
            (of == metrics && why == reason).then_some(classes)
        });
        match (known, class) {
            (Some(classes), Some(class)) if !classes.is_empty() => classes.push(class),
            (_, class) => {
                let classes = class.into_iter().collect();
                self.report.warnings.push(Warning::Missing {
                    metrics: metrics.to_vec(),
                    classes,
                    reason: reason.clone(),
                });
            }
        }
    }

    fn frechet(&mut self) {
        let mut of_classes = Vec::new();
        for class in self.everything() {
            let (real, fake) = self.sides(class);
            let statistics = |side: &Features| Statistics::of_f64(side.numbers(), side.dimensions());
            let distance = match self.known.statistics.get(class.map_or(0, |class| class + 1)) {
                Some(Some(known)) => statistics(&fake).and_then(|fake| frechet_distance(known, &fake)),
                Some(None) | None => statistics(&real).and_then(|real| frechet_distance(&real, &statistics(&fake)?)),
            };
            match distance {
                Ok(value) => {
                    of_classes.extend(class.map(|_| value));
                    self.report.scores.push(self.score(Metric::FrechetDistance, class, value));
                }
                Err(reason) => self.missing(&[Metric::FrechetDistance], class, &reason),
            }
            let (images, features) = (real.len().min(fake.len()), real.dimensions());
            if class.is_none() && images < features {
                self.report.warnings.push(Warning::FewForFrechet { images, features });
            }
        }
        if !of_classes.is_empty() {
            let mean = of_classes.iter().sum::<f64>() / of_classes.len() as f64;
            self.report.scores.push(self.score(Metric::IntraClassFrechetDistance, None, mean));
        } else {
            self.missing(&[Metric::IntraClassFrechetDistance], None, &MetricError::NoClasses);
        }
    }

    fn kernel(&mut self) {
        let subsets = Subsets { seed: self.settings.seed, ..Subsets::default() };
        for class in self.everything() {
            let (real, fake) = self.sides(class);
            // Subsets of classes are not shown, and drawing them costs more than the distance itself.
            let subsets = if class.is_some() { Subsets { count: 1, size: 2, ..subsets } } else { subsets };
            match kernel_distance(&real, &fake, subsets) {
                Ok(distance) => {
                    self.report.scores.push(self.score(Metric::KernelDistance, class, distance.all));
                    if class.is_none() {
                        let score = self.score(Metric::KernelDistanceSubsets, None, distance.mean);
                        self.report.scores.push(Score { spread: Some(distance.spread), ..score });
                    }
                }
                Err(reason) if class.is_some() => self.missing(&[Metric::KernelDistance], class, &reason),
                Err(reason) => self.missing(&[Metric::KernelDistance, Metric::KernelDistanceSubsets], None, &reason),
            }
        }
    }

    fn inception(&mut self) {
        let seed = Some(self.settings.seed);
        let of = |side: Side<'_>| side.logits.map(|logits| inception_score(logits, SPLITS, seed));
        match of(self.sets.fake) {
            None => self.missing(&[Metric::InceptionScore], None, &MetricError::NoLogits),
            Some(Err(reason)) => self.missing(&[Metric::InceptionScore], None, &reason),
            Some(Ok(found)) => {
                let baseline = of(self.sets.real).and_then(Result::ok).map(|real| real.mean);
                let score = self.score(Metric::InceptionScore, None, found.mean);
                self.report.scores.push(Score { spread: Some(found.spread), baseline, ..score });
            }
        }
    }

    /// Training images and held-out ones.
    fn hold_out(&mut self) -> (Part, Part) {
        let real = self.sets.real;
        if let Some(parts) = self.held_out.take() {
            return parts;
        }
        let all = |side: Side<'_>| Part::of(side, &(0..side.labels.len()).collect::<Vec<_>>());
        if let Some(held_out) = self.sets.held_out {
            return (all(real), all(held_out));
        }
        let (kept, held_out) = split(real.labels, self.sets.classes, self.settings.seed);
        self.report.warnings.push(Warning::SplitReals { held_out: held_out.len() });
        (Part::of(real, &kept), Part::of(real, &held_out))
    }

    fn copying(&mut self) {
        let (train, held_out) = self.hold_out();
        let fake = Part::of(self.sets.fake, &(0..self.sets.fake.labels.len()).collect::<Vec<_>>());
        let cells = if self.sets.classes > 1 { (0..self.sets.classes).collect() } else { vec![0] };
        let (mut sum, mut weight, mut failed) = (0.0, 0.0, None);
        for class in cells {
            let (train, held_out, fake) = (train.class(class), held_out.class(class), fake.class(class));
            match copying(&train, &held_out, &fake) {
                Ok(z) => {
                    sum += z * held_out.len() as f64;
                    weight += held_out.len() as f64;
                    if self.sets.classes > 1 {
                        let score = self.score(Metric::Copying, Some(class), z);
                        self.report.scores.push(score);
                    }
                }
                Err(reason) => failed = Some((class, reason)),
            }
        }
        match failed {
            Some((class, reason)) if weight > 0.0 => self.missing(&[Metric::Copying], Some(class), &reason),
            Some((_, reason)) => self.missing(&[Metric::Copying], None, &reason),
            None => {}
        }
        if weight > 0.0 {
            self.report.scores.push(self.score(Metric::Copying, None, sum / weight));
        }
        self.held_out = Some((train, held_out));
    }

    fn vendi(&mut self) {
        for class in self.everything() {
            let (real, fake) = self.sides(class);
            // The score grows with the number of images, so both sides have as many.
            let count = real.len().min(fake.len());
            let evenly = |side: &Features| side.take(&(0..count).map(|i| i * side.len() / count).collect::<Vec<_>>());
            let baseline = vendi_score(&evenly(&real)).ok();
            match vendi_score(&evenly(&fake)) {
                Ok(value) => {
                    let score = self.score(Metric::VendiScore, class, value);
                    self.report.scores.push(Score { baseline, reals: count, fakes: count, ..score });
                }
                Err(reason) => self.missing(&[Metric::VendiScore], class, &reason),
            }
        }
    }

    fn classifier(&mut self) {
        let classes = self.sets.classes;
        let (train, held_out) = self.hold_out();
        let test = (&held_out.features, &held_out.labels[..]);
        let fake = self.sets.fake;
        let learned = classify((fake.features, fake.labels), test, classes);
        let baseline = classify((&train.features, &train.labels), test, classes).ok();
        match learned {
            Ok(found) => {
                let base = baseline.as_ref();
                let (groups, seed) = (self.groups(), self.settings.seed.into());
                let right = |image: usize| f64::from(u8::from(found.right[image]));
                let mut push = |metric, class: Option<usize>, value, baseline, over: Option<Vec<usize>>| {
                    let score = Score { metric, class, value, baseline, ..self.score(metric, class, value) };
                    let interval = over.as_ref().and_then(|images| groups.mean(images, right, seed));
                    let patients = over.filter(|_| interval.is_some()).and_then(|images| groups.count(&images));
                    self.report.scores.push(Score { reals: held_out.labels.len(), interval, patients, ..score });
                };
                let all = (0..held_out.labels.len()).collect();
                push(Metric::ClassifierAccuracy, None, found.accuracy, base.map(|b| b.accuracy), Some(all));
                let balanced = base.map(|b| b.balanced);
                push(Metric::ClassifierBalancedAccuracy, None, found.balanced, balanced, None);
                if let Some(auc) = found.auc {
                    push(Metric::ClassifierAuc, None, auc, base.and_then(|b| b.auc), None);
                }
                for (class, recall) in found.recall.iter().enumerate() {
                    if let Some(recall) = recall {
                        let own = members(&held_out.labels, class);
                        let baseline = base.and_then(|b| b.recall[class]);
                        push(Metric::ClassifierRecall, Some(class), *recall, baseline, Some(own));
                    }
                }
            }
            Err(reason) => self.missing(CLASSIFIER, None, &reason),
        }
        self.held_out = Some((train, held_out));
    }
}
