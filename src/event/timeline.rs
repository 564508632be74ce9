//! The one rule of what a session tells: a run that goes on from a checkpoint takes the steps after it again, so that a
//! [`Started`] voids what stands before it of later steps.

use std::collections::HashSet;

use super::{
    Alarm, AlarmKind, Best, Checkpoint, Edited, Event, Grid, GridPicture, Nearest, Recovered, Score, Scored, Started,
};

/// What is told of a step of the training.
pub trait OfStep {
    /// The step.
    fn step(&self) -> usize;
}

macro_rules! of_step {
    ($($name:ty),*) => {$(
        impl OfStep for $name {
            fn step(&self) -> usize {
                self.step
            }
        }
    )*};
}

of_step!(Alarm, Best, Checkpoint, Edited, Grid, GridPicture, Nearest, Recovered, Score, Scored);

impl Started {
    /// Whether what was told of this step before the run began so is void.
    pub fn voids(&self, step: usize) -> bool {
        step > self.step
    }

    /// Leaves of a list what stands, now that the run begins so.
    pub fn leave(&self, told: &mut Vec<impl OfStep>) {
        told.retain(|told| !self.voids(told.step()));
    }
}

/// The events without those that are void: steps, scores, grids, checkpoints, alarms and changes rise. What else was told
/// (beginnings, endings, warnings) stays.
pub fn standing(mut events: Vec<Event>) -> Vec<Event> {
    // At the step that it goes on from, a run may repeat what it was killed amid.
    let mut from = None;
    let repeats = |event: &Event| {
        if let Event::Started(started) = event {
            from = Some(started.step);
        }
        fact(event).is_some_and(|(step, ..)| Some(step) == from)
    };
    let repeats: Vec<bool> = events.iter().map(repeats).collect();
    // Backwards, since what comes later voids what stands before it.
    let (mut last, mut again) = (None::<&Started>, HashSet::new());
    let mut stands = Vec::with_capacity(events.len());
    for (event, repeats) in events.iter().zip(repeats).rev() {
        let fact = fact(event);
        let void = |fact: &Fact| last.is_some_and(|last| last.voids(fact.0)) || again.contains(fact);
        stands.push(!fact.as_ref().is_some_and(void));
        again.extend(fact.filter(|_| repeats));
        if let Event::Started(started) = event
            && last.is_none_or(|last| last.step > started.step)
        {
            last = Some(started);
        }
    }
    let mut stands = stands.into_iter().rev();
    events.retain(|_| stands.next().unwrap_or(true));
    events
}

/// A step, the kind of thing that happened at it, and what it is about; nothing for what is no part of the training.
type Fact = (usize, &'static str, Option<AlarmKind>, Vec<String>);

fn fact(event: &Event) -> Option<Fact> {
    let named = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let plain = |step: usize, kind| (step, kind, None, Vec::new());
    Some(match event {
        Event::Step(step) => plain(step.step, "step"),
        Event::Score(score) => {
            let mut about = named(&score.class);
            about.extend([score.metric.clone(), score.extractor.clone()]);
            (score.step, "score", None, about)
        }
        Event::Scored(scored) => plain(scored.step, "scored"),
        Event::Best(best) => plain(best.step, "best"),
        Event::Nearest(nearest) => plain(nearest.step, "nearest"),
        Event::Grid(grid) => plain(grid.step, "grid"),
        Event::LiveGrid(grid) => plain(grid.step, "live-grid"),
        Event::Checkpoint(checkpoint) => plain(checkpoint.step, "checkpoint"),
        Event::Alarm(alarm) => (alarm.step, "alarm", Some(alarm.kind), named(&alarm.subject)),
        Event::Recovered(over) => (over.step, "recovered", Some(over.kind), named(&over.subject)),
        Event::Edited(edited) => {
            (edited.step, "edited", None, edited.changes.iter().map(ToString::to_string).collect())
        }
        Event::Stage { step, .. } => plain(*step, "stage"),
        Event::Started(_)
        | Event::Data(_)
        | Event::Warning { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::Finished { .. }
        | Event::Stopped { .. }
        | Event::Failed { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Score, Step};

    /// What is asked for in plain words: each event in turn voids what stands before it.
    fn plainly(events: &[Event]) -> Vec<Event> {
        let mut kept: Vec<Event> = Vec::new();
        let mut from = None;
        for event in events {
            if let Event::Started(started) = event {
                from = Some(started.step);
                kept.retain(|old| fact(old).is_none_or(|(step, ..)| step <= started.step));
            }
            if let Some(fact_of_event) = fact(event).filter(|(step, ..)| Some(*step) == from) {
                kept.retain(|old| fact(old).as_ref() != Some(&fact_of_event));
            }
            kept.push(event.clone());
        }
        kept
    }

    #[test]
    fn later_events_void_earlier_ones_whatever_their_order() {
        use rand::Rng as _;
        let started = |step| Event::Started(Box::new(Started { step, ..Started::default() }));
        let mut rng = crate::config::rng::stream(3, crate::config::rng::Purpose::Demo, 0);
        for _ in 0..200 {
            let count: usize = rng.random_range(0..40);
            let event = |_: usize| {
                let step: usize = rng.random_range(0..5);
                match rng.random_range(0..6) {
                    0 => started(step),
                    1 => Event::Score(Score {
                        step,
                        class: Some(rng.random_range(0..3u8).to_string()),
                        ..Score::default()
                    }),
                    2 => Event::Paused { step },
                    3 => Event::Stage { step, resolution: 16, fading: false },
                    _ => Event::Step(Step { step, seconds: rng.random(), ..Step::default() }),
                }
            };
            let events: Vec<Event> = (0..count).map(event).collect();
            assert_eq!(standing(events.clone()), plainly(&events));
        }
    }
}
