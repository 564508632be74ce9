//! The curves of a run.

use super::Series;
use crate::event::{Number, Step};

/// One curve a number, and what follows from them.
#[derive(Clone, Debug)]
pub struct Curves {
    numbers: Vec<Series>,
    /// Seconds that the steps to come would have taken at the speed of their time.
    pub seconds_left: Series,
}

impl Default for Curves {
    fn default() -> Self {
        Self { numbers: vec![Series::default(); Number::ALL.len()], seconds_left: Series::default() }
    }
}

impl Curves {
    /// The curve of a number; empty where it was never told.
    pub fn of(&self, number: Number) -> &Series {
        &self.numbers[number as usize]
    }

    pub(in crate::ui) fn all(&mut self) -> impl Iterator<Item = &mut Series> {
        self.numbers.iter_mut().chain([&mut self.seconds_left])
    }

    /// Takes in a step; `left` is how long the steps to come would take, where that is known.
    pub(in crate::ui) fn push(&mut self, step: &Step, left: Option<f64>) {
        for (number, value) in step.numbers.iter() {
            // A speed of 0 is none yet.
            if number != Number::ImagesPerS || value > 0.0 {
                self.numbers[number as usize].push(step.step, value);
            }
        }
        // What is no number leaves no point.
        self.seconds_left.push(step.step, left.map_or(f32::NAN, |left| left as f32));
    }
}
