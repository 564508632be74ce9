//! What background work tells, and reading the data of the set-up.

use std::sync::Arc;

use super::App;
use crate::engine::Job;
use crate::event::JobEvent;
use crate::ui::Source;

impl App {
    pub(super) fn drain_jobs(&mut self) {
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
        self.retired.retain(|job| !job.events().any(|event| has_ended(&event)));
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
        JobEvent::Progress { .. } => false,
        JobEvent::Preview { .. }
        | JobEvent::Exported { .. }
        | JobEvent::Written { .. }
        | JobEvent::Quiz(_)
        | JobEvent::Rescored { .. }
        | JobEvent::Probed(_)
        | JobEvent::Cancelled
        | JobEvent::Failed { .. } => true,
    }
}
