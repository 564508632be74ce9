//! A run as comparisons need it: curves reduced to a few thousand ranges, scores, grids, and the clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::run_view::RunView;
use super::super::series::Clock;
use super::super::sessions::SessionRow;
use crate::chart::Bucket;
use crate::config::Config;
use crate::event::{Event, Grid, Scalar, Score, standing};
use crate::summary::{Brief, best_scores};

/// Ranges that a whole curve is kept as. Each has the extremes and the mean of its points.
const KEPT: usize = 4096;

/// A run as comparisons need it.
#[derive(Clone, Debug)]
pub struct ComparedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Every key with its value as TOML.
    pub settings: Vec<(String, String)>,
    /// Names of its classes.
    pub classes: Vec<String>,
    /// Steps done.
    pub step: usize,
    /// Its scores, oldest first.
    pub scores: Vec<Score>,
    /// Its sample grids, oldest first.
    pub grids: Vec<Grid>,
    /// When each step was done.
    pub clock: Clock,
    curves: Vec<(Scalar, Vec<Bucket>)>,
}

impl ComparedRun {
    /// Folds what stands of a session's events into what is compared.
    pub fn fold(folder: &Path, config: Config, events: impl IntoIterator<Item = Event>) -> Self {
        let mut view = RunView::new(folder.to_owned());
        standing(events.into_iter().collect()).into_iter().for_each(|event| view.apply(event));
        let reduced = |number: &Scalar| (*number, view.curves().of(*number).buckets(f64::MIN, f64::MAX, KEPT));
        Self {
            folder: folder.to_owned(),
            settings: config.settings(),
            config,
            classes: view.classes().to_vec(),
            step: view.step(),
            scores: view.scores().to_vec(),
            grids: view.grids().to_vec(),
            clock: view.curves().clock.clone(),
            curves: Scalar::ALL.iter().map(reduced).filter(|(_, curve)| !curve.is_empty()).collect(),
        }
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        self.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// A curve from one step to another (and a little more on either side) as at most about `most` ranges.
    pub fn curve(&self, number: Scalar, from: f64, to: f64, most: usize) -> Vec<Bucket> {
        let whole = self.whole(number);
        let start = whole.partition_point(|bucket| (bucket.last as f64) < from).saturating_sub(1);
        let end = (whole.partition_point(|bucket| (bucket.first as f64) <= to) + 1).min(whole.len());
        let part = whole.get(start..end).unwrap_or_default();
        let size = part.len().div_ceil(most.max(1)).max(1);
        let join = |neighbours: &[Bucket]| {
            let (first, rest) = neighbours.split_first()?;
            let mut joined = *first;
            rest.iter().for_each(|bucket| joined.join(bucket));
            Some(joined)
        };
        part.chunks(size).filter_map(join).collect()
    }

    /// The value at a step, or at the nearest one before it; nothing where the run did not reach it.
    pub fn at(&self, number: Scalar, step: f64) -> Option<f64> {
        let whole = self.whole(number);
        let after = whole.partition_point(|bucket| bucket.first as f64 <= step + 0.5);
        let bucket = whole.get(after.checked_sub(1)?)?;
        (after < whole.len() || step <= bucket.last as f64 + 0.5).then(|| bucket.mean())
    }

    /// A whole curve, as it is kept.
    pub fn whole(&self, number: Scalar) -> &[Bucket] {
        self.curves.iter().find(|(which, _)| *which == number).map_or(&[], |(_, whole)| whole)
    }

    /// Whether it has a curve.
    pub fn has(&self, number: Scalar) -> bool {
        self.curves.iter().any(|(which, _)| *which == number)
    }
}

/// Rows of which that of the run which goes on has its newest scores, not those from when the list was read.
pub fn newest(rows: &[SessionRow], live: Option<&RunView>) -> Vec<SessionRow> {
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter(|row| live.is_some_and(|live| live.folder() == row.folder)) {
        if let (Some(live), Some(brief)) = (live, &row.brief) {
            let (step, scores) = (live.step(), best_scores(live.scores()));
            row.brief = Some(Arc::new(Brief { step, scores, ..(**brief).clone() }));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Step;

    fn run(steps: usize) -> ComparedRun {
        let step = |step: usize| {
            let loss_d = if step == 4321 { 9.0 } else { 1.0 };
            Event::Step(Step::of(step, step as f64 * 0.5, [(Scalar::LossD, loss_d)]))
        };
        ComparedRun::fold(Path::new("x"), Config::default(), (1..=steps).map(step))
    }

    #[test]
    fn long_curves_are_kept_as_ranges_that_lose_no_spike() {
        let run = run(50_000);
        let whole = run.curve(Scalar::LossD, f64::MIN, f64::MAX, 300);
        assert!(whole.len() <= 300 && whole.iter().any(|bucket| bucket.max == 9.0), "{}", whole.len());
        assert!(run.curves.iter().all(|(_, curve)| curve.len() <= KEPT));
        let part = run.curve(Scalar::LossD, 4000.0, 5000.0, 300);
        assert!(part[0].first < 4000 && part[part.len() - 1].last > 5000 && part.len() < 120, "{}", part.len());
        assert_eq!((run.at(Scalar::LossD, 50_000.0), run.at(Scalar::LossD, 50_002.0)), (Some(1.0), None));
        assert!(!run.has(Scalar::LossFeatures) && run.curve(Scalar::LossFeatures, 0.0, 1.0, 9).is_empty());
    }
}
