//! The curves of a run, and the clock of its steps.

use crate::chart::Series;
use crate::event::{Scalar, Step};

/// Points of a clock up to which each is kept.
const KEPT: usize = 4096;

/// One curve a number, and what follows from them.
#[derive(Clone, Debug)]
pub struct Curves {
    numbers: Vec<Series>,
    /// Seconds that the steps to come would have taken at the speed of their time.
    pub seconds_left: Series,
    /// When each step was done.
    pub clock: Clock,
}

impl Default for Curves {
    fn default() -> Self {
        Self {
            numbers: vec![Series::default(); Scalar::ALL.len()],
            seconds_left: Series::default(),
            clock: Clock::default(),
        }
    }
}

impl Curves {
    /// The curve of a number; empty where it was never told.
    pub fn of(&self, number: Scalar) -> &Series {
        &self.numbers[number as usize]
    }

    /// Forgets the steps after one: a run that goes on from a checkpoint takes them again.
    pub(in crate::ui) fn truncate_after(&mut self, step: usize) {
        for series in self.numbers.iter_mut().chain([&mut self.seconds_left]) {
            series.truncate_after(step);
        }
        self.clock.points.retain(|(known, _)| *known <= step);
    }

    /// Takes in a step; `left` is how long the steps to come would take, where that is known.
    pub(in crate::ui) fn push(&mut self, step: &Step, left: Option<f64>) {
        for (number, value) in step.numbers.iter() {
            // A speed of 0 is none yet.
            if number != Scalar::ImagesPerS || value > 0.0 {
                self.numbers[number as usize].push(step.step, value);
            }
        }
        self.clock.push(step.step, step.seconds);
        // What is no number leaves no point.
        self.seconds_left.push(step.step, left.map_or(f32::NAN, |left| left as f32));
    }
}

/// When each step was done, in seconds of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    points: Vec<(usize, f64)>,
    /// Steps between two points but the last.
    every: usize,
}

impl Clock {
    /// Takes in a step. The newest is always known; of older ones few enough that a long run takes little room.
    fn push(&mut self, step: usize, seconds: f64) {
        let before = self.points.last().copied().unwrap_or_default();
        if !seconds.is_finite() || (step <= before.0 && !self.points.is_empty()) {
            return;
        }
        if let [.., (kept, _), (last, _)] = self.points.as_slice()
            && last - kept < self.every
        {
            self.points.pop();
        }
        self.points.push((step, seconds.max(before.1)));
        if self.points.len() > 2 * KEPT {
            self.every = 2 * self.every.max(1);
            let last = self.points.pop();
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.points.extend(last);
        }
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

    #[test]
    fn the_clock_goes_both_ways_and_stays_small() {
        let mut curves = Curves::default();
        (1..=50_000).for_each(|step| curves.push(&Step::of(step, step as f64 * 0.5, []), None));
        let clock = &curves.clock;
        for step in [1.0, 77.0, 12_345.0, 50_000.0] {
            assert!((clock.seconds(step) - step * 0.5).abs() < 1e-6, "{step}");
            assert!((clock.step(step * 0.5) - step).abs() < 1e-6, "{step}");
        }
        assert_eq!((clock.seconds(1e9), clock.step(1e9)), (25_000.0, 50_000.0));
        assert!(clock.points.len() <= 2 * KEPT + 1, "{}", clock.points.len());
        assert_eq!(Clock::default().seconds(7.0), 0.0);
        curves.truncate_after(100);
        assert!((40.0..=50.0).contains(&curves.clock.seconds(1e9)), "{:?}", curves.clock.seconds(1e9));
    }
}
