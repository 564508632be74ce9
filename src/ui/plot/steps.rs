//! The numbers of a run's steps as a curve.

use super::super::series::Clock;
use super::{Points, Source, Window};
use crate::chart::{Curve, Series};

/// Values of a curve that are looked at for the range of its axis where outliers are left out.
const SAMPLED: usize = 1000;

/// The numbers of a run's steps as a curve.
pub(in crate::ui) struct Steps<'a> {
    pub series: &'a Series,
    /// What turns steps into seconds where the axis has those.
    pub clock: Option<&'a Clock>,
    /// Whether its points are few and marked one by one.
    pub marked: bool,
}

impl Steps<'_> {
    fn place(&self, step: f64) -> f64 {
        self.clock.map_or(step, |clock| clock.seconds(step))
    }

    fn step(&self, place: f64) -> f64 {
        self.clock.map_or(place, |clock| clock.step(place))
    }
}

impl Source for Steps<'_> {
    fn draw(&self, window: &Window<'_>) -> Curve {
        let buckets = match self.clock {
            None => self.series.columns(window.edges),
            Some(clock) => self.series.columns(&window.edges.iter().map(|edge| clock.step(*edge)).collect::<Vec<_>>()),
        };
        let mut curve = Curve::of(&buckets, window.smoothing, &|step| self.place(step));
        if self.marked {
            curve.dots.clone_from(&curve.line);
        }
        curve
    }

    fn sample(&self, from: f64, to: f64) -> Vec<f64> {
        if self.marked {
            return Vec::new();
        }
        self.series.sample(self.step(from), self.step(to), SAMPLED).map(f64::from).collect()
    }

    fn at(&self, place: f64) -> Option<f64> {
        self.series.at(self.step(place)).map(f64::from)
    }

    fn last(&self) -> Option<(f64, f64)> {
        let (step, value) = self.series.last()?;
        Some((self.place(step as f64), value.into()))
    }

    fn table(&self, name: &str) -> Vec<(String, Points<'_>)> {
        let points = self.series.points().map(move |(step, value)| (self.place(step as f64), value));
        let points: Points<'_> = Box::new(points);
        vec![(name.to_owned(), points)]
    }
}
