//! What may go on with its training, and the button for it.

use std::path::PathBuf;

use egui::{Button, Ui};

use super::action::Action;
use super::number::field;
use super::run_view::RunView;
use super::{format, theme, widgets};
use crate::summary::Phase;

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
        "{key} depends on the total number of steps: with another, every step so far would have been different. Train a new run, or fork this one with gandle resume --fork"
    ))
}

/// How far a run that has ended shall go.
#[derive(Debug, Default)]
pub(super) struct ResumeForm {
    folder: PathBuf,
    finished: bool,
    /// Steps that it was to take.
    asked: usize,
    steps: usize,
}

impl ResumeForm {
    /// Begins anew for another run, and where the run has ended otherwise. One that is finished is offered as many steps again.
    fn reset_for_run(&mut self, view: &RunView) {
        let finished = *view.phase() == Phase::Finished;
        let asked = view.steps();
        if self.folder != view.folder() || (self.finished, self.asked) != (finished, asked) {
            let steps = if finished { asked.saturating_mul(2) } else { asked };
            *self = Self { folder: view.folder().to_owned(), finished, asked, steps };
        }
    }

    /// The number of steps, by a `name` of its own.
    fn steps_ui(&mut self, ui: &mut Ui, name: &str, busy: bool) -> egui::Response {
        let steps = ui.add_enabled(!busy, field(name, &mut self.steps, 1..=1_000_000_000).suffix(" steps"));
        let steps = steps.on_hover_text("Steps that the run should reach in all; click to type another number");
        steps.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, !busy, "Steps to reach"));
        steps
    }

    fn asked(&self, view: &RunView) -> Action {
        Action::Resume { folder: self.folder.clone(), steps: (self.steps != view.steps()).then_some(self.steps) }
    }

    /// Draws the steps and the button, from the right. `busy` says why no run can be started at all.
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, busy: Option<&str>) -> Option<Action> {
        self.reset_for_run(view);
        let obstacle = busy.map(str::to_owned).or_else(|| obstacle(view, self.steps));
        let from = view.checkpoints().last().map_or(0, |checkpoint| checkpoint.step);
        // From the right, so that it reads: Train longer up to 4,000 steps.
        self.steps_ui(ui, "resume-steps", busy.is_some());
        ui.label("up to");
        let button = ui
            .add_enabled(obstacle.is_none(), Button::new(if self.finished { "Train longer" } else { "Resume" }))
            .on_hover_text(format!("Go on training from the checkpoint of step {}", format::count(from)))
            .on_disabled_hover_text(obstacle.unwrap_or_default());
        button.clicked().then(|| self.asked(view))
    }

    /// Draws the same as a menu, for the run that was trained here.
    pub fn menu_ui(&mut self, ui: &mut Ui, view: &RunView) -> Option<Action> {
        self.reset_for_run(view);
        ui.set_max_width(theme::MENU_WIDTH);
        ui.label("Steps in all");
        self.steps_ui(ui, "longer-steps", false);
        let obstacle = obstacle(view, self.steps);
        let button = ui.add_enabled(obstacle.is_none(), widgets::primary(ui, "Go on"));
        if let Some(obstacle) = &obstacle {
            widgets::small(ui, obstacle);
        }
        button.clicked().then(|| {
            ui.close();
            self.asked(view)
        })
    }
}
