//! Measures the time of a step for the set-up, a moment after its last change and never while something else computes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::jobs;
use super::state::App;
use crate::engine::Job;
use crate::ui::Reading;

/// How long the set-up must have stayed as it is.
const PAUSE: Duration = Duration::from_millis(500);

impl App {
    /// Begins a measurement where one is due.
    pub(super) fn tick_prober(&mut self, ctx: &egui::Context) {
        let bench = &self.workbench;
        let asked = bench.asked_pace();
        let since = match &self.probing {
            Some((known, since)) if *known == asked => *since,
            Some(_) | None => {
                jobs::cancel(&self.jobs.probe);
                let now = Instant::now();
                self.probing = Some((asked.clone(), now));
                now
            }
        };
        let busy = self.engine.is_some()
            || self.jobs.exporter.is_some()
            || self.jobs.scorer.is_some()
            || bench.queue.turn().is_some()
            || matches!(bench.data.reading(), Reading::Busy { .. });
        if busy {
            return jobs::cancel(&self.jobs.probe);
        }
        // One that was cancelled ends before another begins, so that there are never networks of two in memory.
        if self.jobs.probe.is_some() || !bench.can_be_measured() || bench.paces.find(&asked).is_some() {
            return;
        }
        let waited = since.elapsed();
        if waited < PAUSE {
            return ctx.request_repaint_after(PAUSE.saturating_sub(waited));
        }
        self.workbench.paces.begin(asked.clone());
        self.jobs.probe = Some(Job::probe(asked.config, asked.classes, Arc::clone(&self.waker)));
    }
}
