//! The dialog that goes back to a checkpoint: a new session begins with it, and the old one stays as it is.

use egui::Ui;

use super::action::Action;
use super::number::field;
use super::run_view::RunView;
use super::{dialog, format, theme, widgets};
use crate::config::Config;
use crate::config::again::shapes_networks;

/// The dialog.
#[derive(Debug, Default)]
pub(super) struct Branch(dialog::OfRun<Form>);

#[derive(Debug)]
struct Form {
    step: usize,
    /// Steps in all.
    steps: usize,
    /// Whether the settings of the set-up hold from there on.
    set_up: bool,
}

/// The settings that a branch can take from the set-up, as `key=value`, and how many it cannot.
fn taken(run: &Config, set_up: &Config) -> (Vec<String>, usize) {
    // The data stays that of the run, and the steps have a field of their own.
    let own = |key: &str| matches!(key, "data.source" | "train.steps");
    let differ: Vec<_> = run.differences(set_up).into_iter().filter(|(key, ..)| !own(key)).collect();
    let (fixed, free): (Vec<_>, Vec<_>) = differ.into_iter().partition(|(key, ..)| shapes_networks(key));
    (free.into_iter().map(|(key, _, value)| format!("{key}={value}")).collect(), fixed.len())
}

impl Branch {
    /// Opens it for the newest checkpoint of a step or before it.
    pub fn open_for(&mut self, run: &RunView, step: usize) {
        let found = run.checkpoints().iter().rev().find(|checkpoint| checkpoint.step <= step);
        let Some(step) = found.map(|checkpoint| checkpoint.step) else { return };
        let steps = run.steps().max(step + 1);
        self.0.open(run, Form { step, steps, set_up: true });
    }

    /// Draws it over everything else. `busy` says why no run can be started.
    #[must_use]
    pub fn ui(
        &mut self,
        ctx: &egui::Context,
        run: Option<&RunView>,
        set_up: &Config,
        busy: Option<&str>,
    ) -> Option<Action> {
        let frame = ("branch", theme::DIALOG_WIDTH);
        self.0.ui(ctx, frame, run, |form, ui, run| form.ui(ui, run, set_up, busy)).0
    }
}

impl Form {
    fn ui(&mut self, ui: &mut Ui, run: &RunView, set_up: &Config, busy: Option<&str>) -> (Option<Action>, bool) {
        ui.heading("Go back to a checkpoint");
        widgets::muted(ui, "A new session goes on from it. This one stays as it is.");
        dialog::row(ui, "Checkpoint", |ui| dialog::checkpoint(ui, "branch-step", run, &mut self.step));
        dialog::row(ui, "Steps in all", |ui| ui.add(field("branch-steps", &mut self.steps, 1..=1_000_000_000)));
        let (free, fixed) = run.started().map_or((Vec::new(), 0), |started| taken(&started.config, set_up));
        let about = if free.is_empty() { "Nothing differs that could be changed".to_owned() } else { free.join("\n") };
        let text = format!("With the settings of the set-up ({} differ)", free.len());
        ui.radio_value(&mut self.set_up, true, text).on_hover_text(about);
        ui.radio_value(&mut self.set_up, false, "With the settings that held at that step")
            .on_hover_text("The same steps give the same images again, bit for bit");
        if fixed > 0 {
            let text = format!(
                "{} of the set-up would change the networks, and stay as they are",
                format::plural(fixed, "setting")
            );
            widgets::small(ui, text);
        }
        let reached = (self.steps <= self.step).then_some("These steps are taken already; ask for more");
        let obstacle = busy.or(reached);
        ui.separator();
        dialog::buttons(ui, |ui| {
            let go = ui.add_enabled(obstacle.is_none(), widgets::primary(ui, "Go back and train"));
            let go = go.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked();
            let closed = ui.button("Cancel").clicked() || go;
            let set = if self.set_up { free } else { Vec::new() };
            let (parent, step, steps) = (run.folder().to_owned(), self.step, self.steps);
            (go.then_some(Action::Branch { parent, step, steps, set }), closed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shapes_the_networks_stays_and_the_rest_is_taken() {
        let set = |entries: &[&str]| {
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
            Config::default().with(&entries).unwrap()
        };
        let set_up =
            set(&["data.source=/elsewhere", "train.steps=9", "generator.base_channels=16", "optimizer.clip=2"]);
        let (free, fixed) = taken(&Config::default(), &set_up);
        assert_eq!((free.len(), fixed), (1, 1), "{free:?}");
        assert!(free[0].starts_with("optimizer.clip=2"), "{free:?}");
    }
}
