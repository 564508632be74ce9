//! The Quiz page: a blind test, real or fake, as readers take it in the medical literature (the visual Turing test).

mod ask;
mod results;
mod tally;

use std::path::PathBuf;
use std::time::Instant;

use egui::{TextureHandle, Ui};

pub use tally::Tally;

use super::action::Action;
use super::run_view::RunView;
use super::widgets;
use crate::event::{JobEvent, QuizAnswer, QuizLog, QuizRequest, QuizSet};

/// Where a test stands.
#[derive(Default)]
enum Stage {
    /// Being set up.
    #[default]
    Form,
    /// Images are read and drawn.
    Preparing { done: usize, total: usize },
    /// Being taken.
    Asking(Box<Asking>),
    /// Taken.
    Done(Box<QuizSet>, QuizLog),
}

/// A test that is being taken.
struct Asking {
    set: QuizSet,
    answers: Vec<QuizAnswer>,
    /// When the present image came up.
    since: Instant,
    texture: Option<TextureHandle>,
}

/// The page.
pub struct Quiz {
    folder: PathBuf,
    step: Option<usize>,
    class: Option<usize>,
    count: usize,
    seed: u64,
    stage: Stage,
    /// Why no test could be prepared.
    failed: Option<String>,
}

impl Default for Quiz {
    fn default() -> Self {
        Self { folder: PathBuf::new(), step: None, class: None, count: 40, seed: 1, stage: Stage::Form, failed: None }
    }
}

impl Quiz {
    /// Whether a test has answers that are not kept yet.
    pub fn is_under_way(&self) -> bool {
        if let Stage::Asking(asking) = &self.stage { !asking.answers.is_empty() } else { false }
    }

    /// Takes in news of the test that is being prepared.
    pub fn apply(&mut self, event: JobEvent) {
        match event {
            JobEvent::Progress { done, total } => {
                if let Stage::Preparing { .. } = self.stage {
                    self.stage = Stage::Preparing { done, total };
                }
            }
            JobEvent::Quiz(set) => {
                if set.ask.session == self.folder {
                    let (set, answers) = (*set, Vec::new());
                    self.stage = Stage::Asking(Box::new(Asking { set, answers, since: Instant::now(), texture: None }));
                }
            }
            JobEvent::Cancelled => self.stage = Stage::Form,
            JobEvent::Failed { message } => (self.stage, self.failed) = (Stage::Form, Some(message)),
            JobEvent::Scoring(_)
            | JobEvent::BrowsePage(_)
            | JobEvent::Refused(_)
            | JobEvent::Preview { .. }
            | JobEvent::Exported(_)
            | JobEvent::Rescored { .. }
            | JobEvent::Probed(_) => {}
        }
    }

    /// Draws the page.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, run: Option<&RunView>) -> Vec<Action> {
        let Some(run) = run.filter(|run| !run.checkpoints().is_empty()) else {
            let text = "A blind test needs a run with a checkpoint: train one, or open a session";
            widgets::empty(ui, "Nothing to tell apart yet", text);
            return Vec::new();
        };
        if self.folder != run.folder() {
            *self = Self { folder: run.folder().to_owned(), ..Self::default() };
        }
        match &self.stage {
            Stage::Form => self.form_ui(ui, run),
            Stage::Preparing { done, total } => preparing_ui(ui, *done, *total),
            Stage::Asking(_) => self.asking_ui(ui),
            Stage::Done(..) => self.done_ui(ui),
        }
    }

    /// The test that the form describes.
    fn wanted(&self, step: usize) -> QuizRequest {
        QuizRequest { session: self.folder.clone(), step, class: self.class, count: self.count, seed: self.seed }
    }
}

fn preparing_ui(ui: &mut Ui, done: usize, total: usize) -> Vec<Action> {
    widgets::empty(ui, "Preparing the test\u{2026}", &format!("{done} of {total} real images are read"));
    let mut actions = Vec::new();
    ui.vertical_centered(|ui| {
        if ui.button("Cancel").clicked() {
            actions.push(Action::CancelQuiz);
        }
    });
    actions
}
