//! The dialog that goes back to a checkpoint: a new session begins with it, and the old one stays as it is.

use egui::{RichText, Ui};

use super::action::Action;
use super::data_view::{DataView, Reading};
use super::number::field;
use super::run_view::RunView;
use super::{dialog, format, theme, widgets};
use crate::config::Config;
use crate::config::resumable::shapes_networks;
use crate::config::transfer::{Carried, carries};

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
    /// What else is taken from it.
    onto: Onto,
    /// Whether the checkpoint is being read.
    busy: bool,
    /// Why no run could begin with it.
    failed: Option<String>,
}

/// What is taken from the set-up only where that is asked for, since the networks change with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Onto {
    /// Its images.
    data: bool,
    /// Their size.
    size: bool,
}

/// The settings that a branch can take from the set-up, as `key=value`, and how many it cannot.
fn taken(run: &Config, set_up: &Config, onto: Onto) -> (Vec<String>, usize) {
    let mut wanted = set_up.clone();
    if !onto.size {
        wanted.image_size = run.image_size;
    }
    // Steps have a field of their own.
    let own = |key: &str| key == "train.steps" || (key == "data.source" && !onto.data);
    let differ: Vec<_> = run.differences(&wanted).into_iter().filter(|(key, ..)| !own(key)).collect();
    let (free, fixed): (Vec<_>, Vec<_>) = differ.into_iter().partition(|(key, ..)| carries(run, &wanted, key));
    (free.into_iter().map(|(key, _, value)| format!("{key}={value}")).collect(), fixed.len())
}

/// The classes of the set-up's data, where that is read.
fn classes_of(data: &DataView) -> Option<Vec<String>> {
    let summary = data.summary().filter(|_| *data.reading() == Reading::Done)?;
    Some(summary.classes.iter().map(|class| class.name.clone()).collect())
}

/// What is kept of the networks and what begins anew; nothing where all is kept.
fn kept(run: &RunView, set: &[String], onto: Onto, data: &DataView) -> Vec<String> {
    let Some(started) = run.started() else { return Vec::new() };
    let shapes = |entry: &String| entry.split_once('=').is_some_and(|(key, _)| shapes_networks(key));
    if !onto.data && !set.iter().any(shapes) {
        return Vec::new();
    }
    let Ok(config) = started.config.with(set) else { return Vec::new() };
    let classes = match (onto.data, classes_of(data)) {
        (false, _) => started.classes.clone(),
        (true, Some(classes)) => classes,
        (true, None) => {
            return vec![
                "Classes that the run knows by name keep what was learnt of them; others begin anew.".to_owned(),
            ];
        }
    };
    let carried = Carried::between((&started.config, &started.classes), (&config, &classes));
    if carried.is_whole() { Vec::new() } else { carried.lines() }
}

impl Branch {
    /// Opens it for the newest checkpoint of a step or before it.
    pub fn open_for(&mut self, run: &RunView, step: usize) {
        let found = run.checkpoints().iter().rev().find(|checkpoint| checkpoint.step <= step);
        let Some(step) = found.map(|checkpoint| checkpoint.step) else { return };
        let steps = run.steps().max(step + 1);
        let (onto, busy, failed) = (Onto::default(), false, None);
        self.0.open(run, Form { step, steps, set_up: true, onto, busy, failed });
    }

    /// Takes in whether a run could begin: what failed stays here, with the reason. `false` where nobody has asked here.
    pub fn done(&mut self, result: Result<(), String>) -> bool {
        let Some(form) = self.0.content().filter(|form| form.busy) else { return false };
        match result {
            Ok(()) => self.0.close(),
            Err(reason) => (form.busy, form.failed) = (false, Some(reason)),
        }
        true
    }

    /// Draws it over everything else. `busy` says why no run can be started.
    #[must_use]
    pub fn ui(
        &mut self,
        ctx: &egui::Context,
        run: Option<&RunView>,
        (set_up, data): (&Config, &DataView),
        busy: Option<&str>,
    ) -> Option<Action> {
        let frame = ("branch", theme::DIALOG_WIDTH);
        self.0.ui(ctx, frame, run, |form, ui, run| form.ui(ui, run, (set_up, data), busy)).0
    }
}

impl Form {
    fn ui(
        &mut self,
        ui: &mut Ui,
        run: &RunView,
        (set_up, data): (&Config, &DataView),
        busy: Option<&str>,
    ) -> (Option<Action>, bool) {
        ui.heading("Go back to a checkpoint");
        widgets::muted(ui, "A new session goes on from it. This one stays as it is.");
        dialog::row(ui, "Checkpoint", |ui| dialog::checkpoint(ui, "branch-step", run, &mut self.step));
        dialog::row(ui, "Steps in all", |ui| ui.add(field("branch-steps", &mut self.steps, 1..=1_000_000_000)));
        let (free, fixed) = run.started().map_or((Vec::new(), 0), |started| taken(&started.config, set_up, self.onto));
        let about = if free.is_empty() { "Nothing differs that could be changed".to_owned() } else { free.join("\n") };
        let text = format!("With the settings of the set-up ({} differ)", free.len());
        ui.radio_value(&mut self.set_up, true, text).on_hover_text(about);
        if let Some(started) = run.started().filter(|_| self.set_up) {
            self.onto_ui(ui, &started.config, set_up);
            for line in kept(run, &free, self.onto, data) {
                widgets::small(ui, line);
            }
        }
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
        let obstacle = busy.or(reached).or(self.busy.then_some("The checkpoint is being read"));
        if let Some(reason) = &self.failed {
            ui.add(egui::Label::new(RichText::new(reason).color(widgets::palette(ui).error)).wrap());
        }
        ui.separator();
        dialog::buttons(ui, |ui| {
            let go = ui.add_enabled(obstacle.is_none(), widgets::primary(ui, "Go back and train"));
            let go = go.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked();
            let closed = ui.button("Cancel").clicked();
            if go {
                (self.busy, self.failed) = (true, None);
            }
            let set = if self.set_up { free } else { Vec::new() };
            let (parent, step, steps) = (run.folder().to_owned(), self.step, self.steps);
            (go.then_some(Action::Branch { parent, step, steps, set }), closed)
        })
    }
}

impl Form {
    /// What of the set-up changes the networks, and is taken only where that is asked for.
    fn onto_ui(&mut self, ui: &mut Ui, run: &Config, set_up: &Config) {
        if run.data.source != set_up.data.source {
            let text = format!("On the images of the set-up ({})", format::path_end(&set_up.data.source, 36));
            ui.checkbox(&mut self.onto.data, text)
                .on_hover_text("Classes go by their names: known ones keep what was learnt of them");
        } else {
            self.onto.data = false;
        }
        if run.image_size != set_up.image_size && carries(run, set_up, "image_size") {
            let text = format!("At the image size of the set-up ({} px, was {})", set_up.image_size, run.image_size);
            ui.checkbox(&mut self.onto.size, text)
                .on_hover_text("Layers of both sizes are kept; the others begin anew");
        } else {
            self.onto.size = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    #[test]
    fn what_shapes_the_networks_stays_and_the_rest_is_taken() {
        let set = |entries: &[&str]| Config::default().with(entries).unwrap();
        let set_up =
            set(&["data.source=/elsewhere", "train.steps=9", "generator.base_channels=16", "optimizer.clip=2"]);
        let (free, fixed) = taken(&Config::default(), &set_up, Onto::default());
        assert_eq!((free.len(), fixed), (1, 1), "{free:?}");
        assert!(free[0].starts_with("optimizer.clip=2"), "{free:?}");
        let (free, _) = taken(&Config::default(), &set_up, Onto { data: true, size: false });
        assert!(free.iter().any(|entry| entry.starts_with("data.source=")), "{free:?}");
    }

    #[test]
    fn the_size_is_taken_where_it_is_asked_for_and_the_family_has_it() {
        let onto = Onto { size: true, ..Onto::default() };
        for (preset, offered) in [(Preset::Quick, true), (Preset::Improved, false)] {
            let (run, set_up) = (preset.config_at(32), preset.config_at(64));
            let has = |onto| taken(&run, &set_up, onto).0.contains(&"image_size=64".to_owned());
            assert_eq!((has(onto), has(Onto::default())), (offered, false), "{preset:?}");
        }
    }
}
