//! Measures the time of a step for the set-up, a moment after its last change and never while something else computes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::App;
use super::jobs::drain;
use crate::engine::Job;
use crate::event::JobEvent;
use crate::ui::{Asked, Reading};

/// How long the set-up must have stayed as it is.
const PAUSE: Duration = Duration::from_millis(500);

/// The measurement that is under way, and what it waits for.
#[derive(Default)]
pub(super) struct Prober {
    job: Option<Job>,
    /// What the set-up asks about, and since when.
    asked: Option<(Asked, Instant)>,
}

impl App {
    /// Takes in what was measured, and begins a measurement where one is due.
    pub(super) fn tick_prober(&mut self, ctx: &egui::Context) {
        drain(&mut self.prober.job, |event| self.workbench.paces.apply(event));
        let bench = &self.workbench;
        let asked = bench.asked_pace();
        let prober = &mut self.prober;
        let since = match &prober.asked {
            Some((known, since)) if *known == asked => *since,
            Some(_) | None => {
                prober.job.iter().for_each(Job::cancel);
                let now = Instant::now();
                prober.asked = Some((asked.clone(), now));
                now
            }
        };
        let busy = self.engine.is_some()
            || self.exporter.is_some()
            || self.scorer.is_some()
            || bench.queue.turn().is_some()
            || matches!(bench.data.reading(), Reading::Busy { .. });
        if busy {
            return prober.job.iter().for_each(Job::cancel);
        }
        // One that was cancelled ends before another begins, so that there are never networks of two in memory.
        if prober.job.is_some() || !bench.can_be_measured() || bench.paces.find(&asked).is_some() {
            return;
        }
        let waited = since.elapsed();
        if waited < PAUSE {
            return ctx.request_repaint_after(PAUSE.saturating_sub(waited));
        }
        self.workbench.paces.begin(asked.clone());
        match Job::probe(asked.config, asked.classes, Arc::clone(&self.waker)) {
            Ok(job) => prober.job = Some(job),
            Err(err) => self.workbench.paces.apply(JobEvent::Failed { message: err.to_string() }),
        }
    }
}
