//! Watches over a run: numbers of its steps and grids go in, alarms come out. It computes nothing on tensors and reads no
//! clock, so the same numbers always raise the same alarms.
//!
//! Each alarm is raised once and again only after what it told of is over. The state is part of a checkpoint, so that a run
//! that goes on from one raises what it would have raised.

mod at;
mod blank;
mod collapse;
mod divergence;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::advice;
use crate::config::Config;
use crate::event::{Alarm, AlarmKind, Edited, Event, GridPicture, Scalar, Scalars};
use crate::session::{Watched, WatchedClass};
pub(super) use at::At;
use blank::{Blank, is_drawn};
use collapse::{Class, warm_up};
pub(super) use divergence::{broken_weights, divergence};

/// Steps over which the discriminator's accuracy is averaged: single steps are all right often, hundreds in a row are not.
const ACCURACY_STEPS: usize = 200;
/// From this mean accuracy on the discriminator is said to be saturated: at a batch of 32, one image of six batches is
/// judged wrong.
const SATURATED: f32 = 0.995;
/// Below this mean accuracy it is not any more; well apart, so that an accuracy between them raises no second alarm.
const CONTESTED: f32 = 0.97;

/// Generated images whose median distance to their nearest training image is below this share of that of other real images
/// are said to be copies. Fakes that are all near the middle of the data come somewhat nearer than real ones without that.
const COPIES: f64 = 0.8;
/// From this share on they are not any more; well apart, so that a share between them raises no second alarm.
const NEW: f64 = 0.9;

/// What was seen of a run so far.
pub(super) struct Watch {
    config: Config,
    accuracies: VecDeque<f32>,
    saturated: bool,
    classes: Vec<Class>,
    warm_up: usize,
    /// Whether generated images are said to be copies.
    copies: bool,
    /// Whether a grid ever showed pictures that differ, and whether all are said to be blank.
    drawn: bool,
    blank: bool,
    /// What was changed last while the run went on.
    edited: Option<Edited>,
}

impl Watch {
    pub fn new(config: &Config, classes: &[String]) -> Self {
        let class = |name: &String| Class { name: name.clone(), seen: WatchedClass::default() };
        Self {
            config: config.clone(),
            accuracies: VecDeque::with_capacity(ACCURACY_STEPS),
            saturated: false,
            classes: classes.iter().map(class).collect(),
            warm_up: warm_up(config),
            copies: false,
            drawn: false,
            blank: false,
            edited: None,
        }
    }

    /// Takes in what was changed: whatever breaks next may come from it.
    pub fn edited(&mut self, edited: &Edited) {
        self.edited = Some(edited.clone());
    }

    /// Advice goes by the settings in force.
    pub fn take_settings(&mut self, config: &Config) {
        (self.config, self.warm_up) = (config.clone(), warm_up(config));
    }

    /// Goes on where a checkpoint stands.
    pub fn restore(&mut self, watched: &Watched) {
        self.accuracies = watched.accuracies.iter().copied().take(ACCURACY_STEPS).collect();
        self.saturated = watched.saturated;
        (self.drawn, self.blank) = (watched.drawn, watched.blank);
        for (class, seen) in self.classes.iter_mut().zip(&watched.classes) {
            class.seen = seen.clone();
        }
    }

    /// Goes on from the alarms of scores that are not over. Checkpoints say nothing of them, since the best one is written
    /// amid the scores of its step.
    pub fn restore_scores(&mut self, alarms: &[Alarm]) {
        self.copies = alarms.iter().any(|alarm| alarm.kind == AlarmKind::Copies);
    }

    /// Goes on from alarms that are not over, where a checkpoint of an older release says nothing more.
    pub fn restore_alarms(&mut self, alarms: &[Alarm]) {
        for alarm in alarms {
            match alarm.kind {
                AlarmKind::Divergence | AlarmKind::Copies => {}
                AlarmKind::SaturatedDiscriminator => self.saturated = true,
                AlarmKind::BlankImages => self.blank = true,
                AlarmKind::ClassCollapse => {
                    let named = self.classes.iter_mut().filter(|class| alarm.subject.as_ref() == Some(&class.name));
                    named.for_each(|class| class.seen.collapsed = true);
                }
            }
        }
    }

    /// What a checkpoint needs.
    pub fn remember(&self) -> Watched {
        Watched {
            accuracies: self.accuracies.iter().copied().collect(),
            saturated: self.saturated,
            classes: self.classes.iter().map(|class| class.seen.clone()).collect(),
            drawn: self.drawn,
            blank: self.blank,
        }
    }

    /// Takes in the share of the discriminator's right decisions in a step, where there is one.
    pub fn step(&mut self, at: At, numbers: &Scalars) -> Option<Event> {
        let accuracy = 0.5 * (numbers.get(Scalar::AccuracyReal)? + numbers.get(Scalar::AccuracyFake)?);
        if self.accuracies.len() == ACCURACY_STEPS {
            self.accuracies.pop_front();
        }
        self.accuracies.push_back(accuracy);
        if self.accuracies.len() < ACCURACY_STEPS {
            return None;
        }
        let mean = self.accuracies.iter().sum::<f32>() / ACCURACY_STEPS as f32;
        let kind = AlarmKind::SaturatedDiscriminator;
        if !self.saturated && mean >= SATURATED {
            self.saturated = true;
            let message = format!(
                "The discriminator was right about {:.1} % of the images of the last {ACCURACY_STEPS} steps. The generator learns little from a discriminator that it can never fool.",
                mean * 100.0
            );
            return Some(Event::Alarm(at.alarm(kind, None, message, advice::saturation(&self.config))));
        }
        if self.saturated && mean < CONTESTED {
            self.saturated = false;
            return Some(at.recovered(kind, None));
        }
        None
    }

    /// Takes in how far generated images are from their nearest training image, as a share of how far other real images are;
    /// `picture` shows the nearest images of the step.
    pub fn nearness(&mut self, at: At, share: f64, picture: Option<&str>) -> Option<Event> {
        let kind = AlarmKind::Copies;
        if !self.copies && share < COPIES {
            self.copies = true;
            let message = format!(
                "The generated images are closer to the training images than other real images are: at {:.0} % of their distance. Some may be copies.",
                share * 100.0
            );
            let look = picture.map(|picture| format!("Compare the grid with {picture}. ")).unwrap_or_default();
            return Some(Event::Alarm(at.alarm(kind, None, message, look + &advice::copies(&self.config))));
        }
        if self.copies && share >= NEW {
            self.copies = false;
            return Some(at.recovered(kind, None));
        }
        None
    }

    /// Takes in a grid as it is seen: a generator that has broken down draws one colour, or one picture, whatever it is asked for.
    pub fn picture(&mut self, at: At, grid: &GridPicture) -> Option<Event> {
        let kind = AlarmKind::BlankImages;
        let Some(shows) = Blank::of(grid) else {
            self.drawn |= is_drawn(grid);
            let over = std::mem::take(&mut self.blank);
            return over.then_some(at.recovered(kind, None));
        };
        // A generator that has learnt nothing yet draws the grey in the middle.
        if self.blank || !(self.drawn || matches!(shows, Blank::Black | Blank::White)) {
            return None;
        }
        self.blank = true;
        let what = match shows {
            Blank::Black => "black",
            Blank::White => "white",
            Blank::Plain => "of one colour",
            Blank::Alike => "the same",
        };
        let message = format!("All images of the grid are {what}: the generator has broken down.");
        let advice = advice::blank(self.edited.as_ref());
        Some(Event::Alarm(at.alarm(kind, None, message, advice)))
    }

    /// Takes in what a grid shows: for each class, how far its generated images are apart as a share of how far real ones
    /// are; nothing where there are too few of either.
    pub fn grid(&mut self, at: At, spreads: &[Option<f32>]) -> Vec<Event> {
        let early = at.step < self.warm_up;
        let help = advice::collapse(&self.config);
        let seen = self.classes.iter_mut().zip(spreads);
        seen.filter_map(|(class, spread)| class.see(at, (*spread)?, early, &help)).collect()
    }
}
