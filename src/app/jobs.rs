//! Jobs beside training: what the window asks of them, and what they tell.

use std::path::PathBuf;
use std::sync::Arc;

use super::state::App;
use crate::engine::{Job, Rescore};
use crate::event::{BrowseRequest, Export, JobEvent, QuizLog, QuizRequest};
use crate::guard::from_home;
use crate::session;
use crate::ui::{ScoreRequest, Source};

impl App {
    pub(super) fn drain_jobs(&mut self, ctx: &egui::Context) {
        let (jobs, bench) = (&mut self.jobs, &mut self.workbench);
        drain(&mut jobs.reader, |event| {
            // A path that could be read is worth coming back to.
            if let (JobEvent::Preview { .. }, data) = (&event, &bench.config.data)
                && !data.is_demo()
            {
                bench.settings.remember(&data.source);
            }
            bench.data.apply(event);
        });
        drain(&mut jobs.scorer, |event| bench.scores.apply(event));
        drain(&mut jobs.exporter, |event| bench.export.apply(event));
        drain(&mut jobs.quiz, |event| bench.quiz.apply(event));
        drain(&mut jobs.probe, |event| bench.paces.apply(event));
        self.drain_looker(ctx);
    }

    /// Takes in real images that were read to look at.
    fn drain_looker(&mut self, ctx: &egui::Context) {
        let Some((look, job)) = &self.jobs.looker else { return };
        let Some(event) = job.events().find(has_ended) else { return };
        let result = match event {
            JobEvent::BrowsePage(looked) => Ok(*looked),
            JobEvent::Failed { message } => Err(message),
            JobEvent::Cancelled
            | JobEvent::Progress { .. }
            | JobEvent::Scoring(_)
            | JobEvent::Refused(_)
            | JobEvent::Preview { .. }
            | JobEvent::Exported(_)
            | JobEvent::Rescored { .. }
            | JobEvent::Quiz(_)
            | JobEvent::Probed(_) => return,
        };
        self.workbench.take_looked(ctx, look, result);
        self.jobs.looker = None;
    }

    /// Reads some real images of the set-up's data to look at; what was read for that before is not wanted any more.
    pub(super) fn browse(&mut self, look: BrowseRequest) {
        let job = Job::look(self.workbench.config.clone(), look.clone(), Arc::clone(&self.waker));
        self.jobs.looker = Some((look, job));
    }

    pub(super) fn read_data(&mut self) {
        self.jobs.reader = None;
        let config = self.workbench.config.clone();
        self.workbench.data.ask(Source::of(&config));
        if config.data.source.trim().is_empty() {
            let message = "No folder is named".to_owned();
            return self.workbench.data.apply(JobEvent::Failed { message });
        }
        self.jobs.reader = Some(Job::preview(config, Arc::clone(&self.waker)));
    }

    pub(super) fn export(&mut self, mut asked: Export) {
        // Also where the button was pressed before the field was left.
        asked.folder = asked.folder.map(|folder| from_home(&folder.to_string_lossy()).into());
        self.jobs.exporter = Some(Job::export(asked, Arc::clone(&self.waker)));
    }

    pub(super) fn score(&mut self, ask: ScoreRequest) {
        let ScoreRequest { session, step, score } = ask;
        let own = &self.workbench.config;
        if score.extractor == own.score.extractor {
            // What the set-up names is the user's own; what the session names may be somebody else's.
            let named = own.external_paths().into_iter().filter(|place| place.key == "score.extractor");
            session::trust_paths(&named.collect::<Vec<_>>());
        }
        let asked = Rescore { session, step, score };
        self.jobs.scorer = Some(Job::rescore(asked, session::untrusted_paths, Arc::clone(&self.waker)));
    }

    pub(super) fn prepare_quiz(&mut self, ask: QuizRequest) {
        self.jobs.quiz = Some(Job::quiz(ask, session::untrusted_paths, Arc::clone(&self.waker)));
    }

    pub(super) fn keep_quiz(&mut self, session: PathBuf, log: QuizLog) {
        self.later(
            "quiz",
            move || session::write_quiz(&session, &log),
            |app, kept| match kept {
                Ok(path) => app.inform(format!("The test is kept as {}", path.display())),
                Err(reason) => app.complain(format!("The test could not be kept: {reason}")),
            },
        );
    }
}

/// Asks a job to end early, where it goes on.
pub(super) fn cancel(job: &Option<Job>) {
    job.iter().for_each(Job::cancel);
}

/// Takes in what a job has told, and lets go of one that has ended.
fn drain(job: &mut Option<Job>, mut apply: impl FnMut(JobEvent)) {
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
        | JobEvent::BrowsePage(_)
        | JobEvent::Refused(_)
        | JobEvent::Exported(_)
        | JobEvent::Quiz(_)
        | JobEvent::Rescored { .. }
        | JobEvent::Probed(_)
        | JobEvent::Cancelled
        | JobEvent::Failed { .. } => true,
    }
}
