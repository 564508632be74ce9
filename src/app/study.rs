//! What the Explore and the Quiz page ask of the engine.

use std::path::Path;
use std::sync::Arc;

use super::App;
use super::jobs::drain;
use crate::engine::Job;
use crate::engine::explore::Explorer;
use crate::event::{Exploration, JobEvent, QuizAsk, QuizLog};
use crate::session;
use crate::ui::Notice;

/// Who works for the two pages.
#[derive(Default)]
pub(super) struct Study {
    /// Started with the first question.
    explorer: Option<Explorer>,
    quiz: Option<Job>,
}

impl Study {
    pub fn cancel(&self) {
        self.quiz.iter().for_each(Job::cancel);
    }
}

impl App {
    pub(super) fn drain_study(&mut self, ctx: &egui::Context) {
        for (of, drawn) in self.study.explorer.iter().flat_map(Explorer::answers) {
            self.workbench.explore.take(ctx, of, drawn);
        }
        drain(&mut self.study.quiz, |event| self.workbench.quiz.apply(event));
    }

    pub(super) fn explore(&mut self, wanted: Exploration) {
        if self.study.explorer.is_none() {
            match Explorer::spawn(Arc::clone(&self.waker)) {
                Ok(explorer) => self.study.explorer = Some(explorer),
                Err(err) => return self.complain(format!("The thread that draws could not be started: {err}")),
            }
        }
        self.study.explorer.iter().for_each(|explorer| explorer.ask(wanted.clone()));
    }

    pub(super) fn prepare_quiz(&mut self, ask: QuizAsk) {
        match Job::quiz(ask, session::unknown_places, Arc::clone(&self.waker)) {
            Ok(job) => self.study.quiz = Some(job),
            Err(err) => self.workbench.quiz.apply(JobEvent::Failed { message: err.to_string() }),
        }
    }

    pub(super) fn keep_quiz(&mut self, session: &Path, log: &QuizLog) {
        match session::write_quiz(session, log) {
            Ok(path) => self.workbench.notice = Some(Notice::info(format!("The test is kept as {}", path.display()))),
            Err(err) => self.complain(format!("The test could not be kept: {err}")),
        }
    }
}
