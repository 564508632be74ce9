//! What background work tells, and reading the data of the set-up.

use std::sync::Arc;

use super::App;
use crate::engine::Job;
use crate::event::{JobEvent, Look};
use crate::ui::Source;

impl App {
    pub(super) fn drain_jobs(&mut self, ctx: &egui::Context) {
        drain(&mut self.reader, |event| {
            // A path that could be read is worth coming back to.
            if let (JobEvent::Preview { .. }, data) = (&event, &self.workbench.config.data)
                && !data.is_demo()
            {
                self.workbench.settings.remember(&data.source);
            }
            self.workbench.data.apply(event);
        });
        drain(&mut self.scorer, |event| self.workbench.scores.apply(event));
        drain(&mut self.exporter, |event| self.workbench.export.apply(event));
        self.drain_looker(ctx);
        self.retired.retain(|job| !job.events().any(|event| has_ended(&event)));
    }

    /// Takes in real images that were read to look at.
    fn drain_looker(&mut self, ctx: &egui::Context) {
        let Some((look, job)) = &self.looker else { return };
        let Some(event) = job.events().find(has_ended) else { return };
        let result = match event {
            JobEvent::Looked(looked) => Ok(*looked),
            JobEvent::Failed { message } => Err(message),
            JobEvent::Cancelled
            | JobEvent::Progress { .. }
            | JobEvent::Scoring(_)
            | JobEvent::Preview { .. }
            | JobEvent::Exported { .. }
            | JobEvent::Written { .. }
            | JobEvent::Rescored { .. }
            | JobEvent::Quiz(_)
            | JobEvent::Probed(_) => return,
        };
        self.workbench.take_looked(ctx, look, result);
        self.looker = None;
    }

    /// Reads some real images of the set-up's data to look at; what was read for that before is not wanted any more.
    pub(super) fn browse(&mut self, ctx: &egui::Context, look: Look) {
        match Job::look(self.workbench.config.clone(), look.clone(), Arc::clone(&self.waker)) {
            Ok(job) => {
                let before = self.looker.replace((look, job));
                self.retired.extend(before.map(|(_, job)| job));
            }
            Err(err) => self.workbench.take_looked(ctx, &look, Err(format!("no thread could be started: {err}"))),
        }
    }

    pub(super) fn read_data(&mut self) {
        if let Some(job) = self.reader.take() {
            job.cancel();
            self.retired.push(job);
        }
        let config = self.workbench.config.clone();
        self.workbench.data.ask(Source::of(&config));
        if config.data.source.trim().is_empty() {
            let message = "No folder is named".to_owned();
            return self.workbench.data.apply(JobEvent::Failed { message });
        }
        match Job::preview(config, Arc::clone(&self.waker)) {
            Ok(job) => self.reader = Some(job),
            Err(err) => self.workbench.data.apply(JobEvent::Failed { message: err.to_string() }),
        }
    }
}

/// Takes in what a job has told, and lets go of one that has ended.
pub(super) fn drain(job: &mut Option<Job>, mut apply: impl FnMut(JobEvent)) {
    let mut ended = false;
    for event in job.iter().flat_map(Job::events) {
        ended |= has_ended(&event);
        apply(event);
    }
    if ended {
        *job = None;
    }
}

/// Whether a job has nothing more to say after this.
fn has_ended(event: &JobEvent) -> bool {
    match event {
        JobEvent::Progress { .. } | JobEvent::Scoring(_) => false,
        JobEvent::Preview { .. }
        | JobEvent::Looked(_)
        | JobEvent::Exported { .. }
        | JobEvent::Written { .. }
        | JobEvent::Quiz(_)
        | JobEvent::Rescored { .. }
        | JobEvent::Probed(_)
        | JobEvent::Cancelled
        | JobEvent::Failed { .. } => true,
    }
}
