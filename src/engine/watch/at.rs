//! When something was seen of a run, and what is told of it.

use crate::event::{Alarm, AlarmKind, Event, Recovered};

/// When something was seen.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub step: usize,
    /// Seconds of training so far.
    pub seconds: f64,
}

impl At {
    /// That something goes wrong, what is concerned by it, and what helps.
    pub fn alarm(self, kind: AlarmKind, subject: Option<String>, message: String, advice: String) -> Alarm {
        Alarm { step: self.step, kind, subject, message, advice, seconds: self.seconds }
    }

    /// That it is over.
    pub fn recovered(self, kind: AlarmKind, subject: Option<String>) -> Event {
        Event::Recovered(Recovered { step: self.step, kind, subject })
    }
}
