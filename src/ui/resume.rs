//! What may go on with its training, and the button for it.

use std::path::PathBuf;

use egui::{Button, DragValue, Ui};

use super::action::Action;
use super::format;
use super::phase::Phase;
use super::run_view::RunView;

/// Why a run that is not going on cannot go on to so many steps; nothing where it can.
pub(super) fn obstacle(view: &RunView, steps: usize) -> Option<String> {
    let Some(started) = view.started() else {
        return Some("The run ended before it began; train again".to_owned());
    };
    let Some(checkpoint) = view.checkpoints().last() else {
        return Some("The session has no checkpoint to go on from".to_owned());
    };
    if steps < checkpoint.step || (steps == checkpoint.step && *view.phase() == Phase::Finished) {
        return Some(format!("All {} steps are taken; ask for more", format::count(checkpoint.step)));
    }
    let key = started.config.bound_to_steps().filter(|_| steps != view.steps())?;
    Some(format!(
        "{key} follows the steps in all: with others, every step so far would have been another. Train a new run, or branch off with gandle resume --fork"
    ))
}

/// How far a stored session shall go.
#[derive(Debug, Default)]
pub(super) struct ResumeForm {
    folder: PathBuf,
    steps: usize,
}

impl ResumeForm {
    /// Draws the steps and the button. `busy` says why no run can be started at all.
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, busy: Option<&str>) -> Option<Action> {
        if self.folder != view.folder() {
            *self = Self { folder: view.folder().to_owned(), steps: view.steps() };
        }
        let obstacle = busy.map(str::to_owned).or_else(|| obstacle(view, self.steps));
        let from = view.checkpoints().last().map_or(0, |checkpoint| checkpoint.step);
        let button = ui
            .add_enabled(obstacle.is_none(), Button::new("Resume"))
            .on_hover_text(format!("Go on training from the checkpoint of step {}", format::count(from)))
            .on_disabled_hover_text(obstacle.unwrap_or_default());
        let drag = DragValue::new(&mut self.steps).range(1..=1_000_000_000).suffix(" steps").speed(10);
        let drag = ui.add_enabled(busy.is_none(), drag).on_hover_text("Steps that the run should reach in all");
        drag.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, busy.is_none(), "Steps to reach"));
        let steps = (self.steps != view.steps()).then_some(self.steps);
        button.clicked().then(|| Action::Resume { folder: self.folder.clone(), steps })
    }
}
