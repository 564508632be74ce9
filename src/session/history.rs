//! What happened in a session, each thing once.

use std::collections::HashSet;

use super::Stored;
use crate::event::{AlarmKind, Event};

impl Stored {
    /// The events without those of steps that a run has taken again from a checkpoint: steps, scores, grids, checkpoints,
    /// alarms and changes rise. What else was told (beginnings, endings, warnings) stays.
    pub fn history(&self) -> Vec<Event> {
        // At the step that it goes on from, a run may repeat what it was killed amid.
        let mut from = None;
        let repeats = |event: &Event| {
            if let Event::Started(started) = event {
                from = Some(started.step);
            }
            from.is_some() && step(event) == from
        };
        let repeats: Vec<bool> = self.events.iter().map(repeats).collect();
        // Backwards, since what comes later voids what stands before it.
        let mut kept = Vec::with_capacity(self.events.len());
        let (mut last, mut again) = (usize::MAX, HashSet::new());
        for (event, repeats) in self.events.iter().zip(repeats).rev() {
            let stands = |step: usize| {
                step <= last && (again.is_empty() || fact(event).is_none_or(|fact| !again.contains(&fact)))
            };
            if step(event).is_none_or(stands) {
                kept.push(event.clone());
            }
            if repeats {
                again.extend(fact(event));
            }
            if let Event::Started(started) = event {
                last = last.min(started.step);
            }
        }
        kept.reverse();
        kept
    }
}

/// A step, the kind of thing that happened at it, and what it is about; nothing for what is no part of the training.
type Fact = (usize, &'static str, Option<AlarmKind>, Vec<String>);

fn step(event: &Event) -> Option<usize> {
    Some(match event {
        Event::Step(step) => step.step,
        Event::Score(score) => score.step,
        Event::Scored(scored) => scored.step,
        Event::Best(best) => best.step,
        Event::Nearest(nearest) => nearest.step,
        Event::Grid(grid) | Event::LiveGrid(grid) => grid.step,
        Event::Checkpoint(checkpoint) => checkpoint.step,
        Event::Alarm(alarm) => alarm.step,
        Event::Recovered(over) => over.step,
        Event::Edited(edited) => edited.step,
        Event::Stage { step, .. } => *step,
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

fn fact(event: &Event) -> Option<Fact> {
    let named = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let (kind, alarm, about) = match event {
        Event::Step(_) => ("step", None, Vec::new()),
        Event::Score(score) => {
            let mut about = named(&score.class);
            about.extend([score.metric.clone(), score.extractor.clone()]);
            ("score", None, about)
        }
        Event::Scored(_) => ("scored", None, Vec::new()),
        Event::Best(_) => ("best", None, Vec::new()),
        Event::Nearest(_) => ("nearest", None, Vec::new()),
        Event::Grid(_) => ("grid", None, Vec::new()),
        Event::LiveGrid(_) => ("live-grid", None, Vec::new()),
        Event::Checkpoint(_) => ("checkpoint", None, Vec::new()),
        Event::Alarm(alarm) => ("alarm", Some(alarm.kind), named(&alarm.subject)),
        Event::Recovered(over) => ("recovered", Some(over.kind), named(&over.subject)),
        Event::Edited(edited) => ("edited", None, edited.changes.iter().map(ToString::to_string).collect()),
        Event::Stage { .. } => ("stage", None, Vec::new()),
        Event::Started(_)
        | Event::Data(_)
        | Event::Warning { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::Finished { .. }
        | Event::Stopped { .. }
        | Event::Failed { .. } => return None,
    };
    Some((step(event)?, kind, alarm, about))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::{Score, Started, Step};

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
        let started = |step| {
            Event::Started(Box::new(Started {
                schema: 1,
                version: String::new(),
                session: String::new(),
                step,
                parent: None,
                config: Config::default(),
                classes: Vec::new(),
                device: String::new(),
                threads: 1,
                generator_parameters: 0,
                discriminator_parameters: 0,
                time: 0,
            }))
        };
        let mut rng = crate::config::chance::stream(3, crate::config::chance::Purpose::Demo, 0);
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
            let stored = Stored { folder: "".into(), config: Config::default(), events, warnings: Vec::new() };
            assert_eq!(stored.history(), plainly(&stored.events));
        }
    }
}
