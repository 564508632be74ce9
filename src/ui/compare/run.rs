//! A run as comparisons need it: curves reduced to a few thousand ranges, scores, grids, and the clock.

use std::path::{Path, PathBuf};

use super::super::run_view::RunView;
use super::super::series::Bucket;
use crate::config::Config;
use crate::event::{Event, Grid, Number, Score, standing};

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
    curves: Vec<(Number, Vec<Bucket>)>,
}

impl ComparedRun {
    /// Folds what stands of a session's events into what is compared.
    pub fn fold(folder: &Path, config: Config, events: impl IntoIterator<Item = Event>) -> Self {
        let mut view = RunView::new(folder.to_owned());
        let mut clock = Clock::default();
        for event in standing(events.into_iter().collect()) {
            if let Event::Step(step) = &event {
                clock.points.push((step.step, step.seconds));
            }
            view.apply(event);
        }
        clock.thin();
        let reduced = |number: &Number| (*number, view.curves().of(*number).buckets(f64::MIN, f64::MAX, KEPT));
        Self {
            folder: folder.to_owned(),
            settings: config.settings(),
            config,
            classes: view.classes().to_vec(),
            step: view.step(),
            scores: view.scores().to_vec(),
            grids: view.grids().to_vec(),
            clock,
            curves: Number::ALL.iter().map(reduced).filter(|(_, curve)| !curve.is_empty()).collect(),
        }
    }

    /// A curve from one step to another (and a little more on either side) as at most about `most` ranges.
    pub fn curve(&self, number: Number, from: f64, to: f64, most: usize) -> Vec<Bucket> {
        let Some((_, whole)) = self.curves.iter().find(|(which, _)| *which == number) else { return Vec::new() };
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

    /// Whether it has a curve.
    pub fn has(&self, number: Number) -> bool {
        self.curves.iter().any(|(which, _)| *which == number)
    }
}

/// When each step was done, in seconds of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    points: Vec<(usize, f64)>,
}

impl Clock {
    fn thin(&mut self) {
        let every = self.points.len().div_ceil(KEPT).max(1);
        let last = self.points.last().copied();
        let mut at = 0;
        self.points.retain(|point| {
            at += 1;
            (at - 1) % every == 0 || Some(*point) == last
        });
    }

    /// Seconds of training at a step, from a straight line between the known ones.
    pub fn seconds(&self, step: f64) -> f64 {
        let after = self.points.partition_point(|(known, _)| (*known as f64) < step);
        let left = if after == 0 { Some((0, 0.0)) } else { self.points.get(after - 1).copied() };
        let (Some((x0, y0)), Some((x1, y1))) = (left, self.points.get(after)) else {
            return self.points.last().map_or(0.0, |(_, seconds)| *seconds);
        };
        y0 + (y1 - y0) * ((step - x0 as f64) / (*x1 as f64 - x0 as f64).max(1e-9)).clamp(0.0, 1.0)
    }

    /// The step that was being done after so many seconds of training.
    pub fn step(&self, seconds: f64) -> f64 {
        let after = self.points.partition_point(|(_, known)| *known < seconds);
        let left = if after == 0 { Some((0, 0.0)) } else { self.points.get(after - 1).copied() };
        let (Some((x0, y0)), Some((x1, y1))) = (left, self.points.get(after)) else {
            return self.points.last().map_or(0.0, |(step, _)| *step as f64);
        };
        x0 as f64 + (*x1 as f64 - x0 as f64) * ((seconds - y0) / (y1 - y0).max(1e-9)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Step;

    fn run(steps: usize) -> ComparedRun {
        let step = |step: usize| {
            let loss_d = if step == 4321 { 9.0 } else { 1.0 };
            Event::Step(Step::of(step, step as f64 * 0.5, [(Number::LossD, loss_d)]))
        };
        ComparedRun::fold(Path::new("x"), Config::default(), (1..=steps).map(step))
    }

    #[test]
    fn long_curves_are_kept_as_ranges_that_lose_no_spike() {
        let run = run(50_000);
        let whole = run.curve(Number::LossD, f64::MIN, f64::MAX, 300);
        assert!(whole.len() <= 300 && whole.iter().any(|bucket| bucket.max == 9.0), "{}", whole.len());
        assert!(run.curves.iter().all(|(_, curve)| curve.len() <= KEPT) && run.clock.points.len() <= KEPT + 1);
        let part = run.curve(Number::LossD, 4000.0, 5000.0, 300);
        assert!(part[0].first < 4000 && part[part.len() - 1].last > 5000 && part.len() < 120, "{}", part.len());
        assert!(!run.has(Number::LossFeatures) && run.curve(Number::LossFeatures, 0.0, 1.0, 9).is_empty());
    }

    #[test]
    fn the_clock_goes_both_ways() {
        let clock = run(50_000).clock;
        for step in [1.0, 77.0, 12_345.0, 50_000.0] {
            assert!((clock.seconds(step) - step * 0.5).abs() < 1e-6, "{step}");
            assert!((clock.step(step * 0.5) - step).abs() < 1e-6, "{step}");
        }
        assert_eq!((clock.seconds(1e9), clock.step(1e9)), (25_000.0, 50_000.0));
        assert_eq!(Clock::default().seconds(7.0), 0.0);
    }
}
