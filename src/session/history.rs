//! What happened in a session, each thing once.

use super::Stored;
use crate::event::{AlarmKind, Event};

impl Stored {
    /// The events without those of steps that a run has taken again from a checkpoint: steps, scores, grids, checkpoints,
    /// alarms and changes rise. What else was told (beginnings, endings, warnings) stays.
    pub fn history(&self) -> Vec<Event> {
        let mut kept: Vec<Event> = Vec::with_capacity(self.events.len());
        let mut from = None;
        for event in &self.events {
            if let Event::Started(started) = event {
                from = Some(started.step);
                kept.retain(|old| fact(old).is_none_or(|(step, ..)| step <= started.step));
            }
            // At the step that it goes on from, a run may repeat what it was killed amid.
            if let Some(fact_of_event) = fact(event).filter(|(step, ..)| Some(*step) == from) {
                kept.retain(|old| fact(old).as_ref() != Some(&fact_of_event));
            }
            kept.push(event.clone());
        }
        kept
    }
}

/// A step, the kind of thing that happened at it, and what it is about; nothing for what is no part of the training.
type Fact = (usize, &'static str, Option<AlarmKind>, Vec<String>);

fn fact(event: &Event) -> Option<Fact> {
    let named = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    Some(match event {
        Event::Step(step) => (step.step, "step", None, Vec::new()),
        Event::Score(score) => {
            let mut about = named(&score.class);
            about.extend([score.metric.clone(), score.extractor.clone()]);
            (score.step, "score", None, about)
        }
        Event::Scored(scored) => (scored.step, "scored", None, Vec::new()),
        Event::Best(best) => (best.step, "best", None, Vec::new()),
        Event::Nearest(nearest) => (nearest.step, "nearest", None, Vec::new()),
        Event::Grid(grid) => (grid.step, "grid", None, Vec::new()),
        Event::Checkpoint(checkpoint) => (checkpoint.step, "checkpoint", None, Vec::new()),
        Event::Alarm(alarm) => (alarm.step, "alarm", Some(alarm.kind), named(&alarm.subject)),
        Event::Recovered(over) => (over.step, "recovered", Some(over.kind), named(&over.subject)),
        Event::Edited(edited) => {
            (edited.step, "edited", None, edited.changes.iter().map(ToString::to_string).collect())
        }
        Event::Stage { step, .. } => (*step, "stage", None, Vec::new()),
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
