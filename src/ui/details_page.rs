//! The Details page: what a run is, where it is stored, its scores, and every setting.

use egui::{Grid, RichText, Ui};

use super::action::{Action, Actions, WindowAction};
use super::alarms::AlarmEntry;
use super::run_view::RunView;
use super::sessions::SessionRow;
use super::setup::fit;
use super::{format, score_cards, theme, widgets};
use crate::config::{Config, Key, options};

/// Height of a row of a table.
const ROW: f32 = 18.0;

/// The settings of the run, written out once.
#[derive(Debug, Default)]
pub struct DetailsPage {
    config: Option<Config>,
    /// The preset that they began with, or are nearest to.
    preset: &'static str,
    settings: Vec<Setting>,
}

#[derive(Debug)]
struct Setting {
    key: &'static str,
    value: String,
    changed: bool,
    about: &'static str,
}

impl DetailsPage {
    /// Draws the page; `stored` is the run's session as the list has it, where it is there already.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, stored: Option<&SessionRow>) -> Actions {
        if let Some(started) = view.started().filter(|started| self.config.as_ref() != Some(&started.config)) {
            let preset = fit::nearest_preset(&started.config);
            self.preset = preset.name();
            self.settings = settings(&started.config, &fit::preset_beside(preset, &started.config));
            self.config = Some(started.config.clone());
        }
        details_ui(ui, view, stored, (self.preset, &self.settings))
    }
}

/// Every setting, and whether it differs from that of a preset.
fn settings(config: &Config, base: &Config) -> Vec<Setting> {
    let changed = config.differences(base);
    let setting = |explanation: &'static Key| {
        let changed = changed.iter().any(|(key, ..)| key == explanation.key);
        let value = config.value_of(explanation.key)?;
        Some(Setting { key: explanation.key, value, changed, about: explanation.text })
    };
    options::ALL.iter().filter_map(setting).collect()
}

fn details_ui(
    ui: &mut Ui,
    view: &RunView,
    stored: Option<&SessionRow>,
    settings: (&'static str, &[Setting]),
) -> Actions {
    let mut actions = Actions::default();
    let gap = theme::GAP;
    let half = ((ui.available_width() - gap) / 2.0).floor();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        widgets::column(ui, "details-left", half, |ui| {
            actions.join(facts_ui(ui, view, stored));
            score_cards::scores_ui(ui, view);
        });
        widgets::column(ui, "details-right", half, |ui| actions.join(settings_ui(ui, view, settings)));
    });
    actions
}

fn facts_ui(ui: &mut Ui, view: &RunView, stored: Option<&SessionRow>) -> Actions {
    let mut actions = Actions::default();
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widgets::title(ui, "Run");
        ui.add_space(4.0);
        Grid::new("facts").num_columns(2).min_row_height(ROW).spacing([18.0, 5.0]).show(ui, |ui| {
            let on_disk = stored.and_then(SessionRow::on_disk).map(|text| ("On disk", text));
            for (name, value) in facts(view).into_iter().chain(on_disk) {
                widgets::muted(ui, name);
                ui.add(egui::Label::new(value).wrap().selectable(true));
                ui.end_row();
            }
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if ui.button("Copy folder path").clicked() {
                actions.push(Action::Copy(view.folder().display().to_string()));
            }
            let score = ui.add_enabled(!view.checkpoints().is_empty(), egui::Button::new("Score a checkpoint…"));
            let about = "With the run's own scores or others, such as precision and recall";
            if score.on_hover_text(about).on_disabled_hover_text("There is no checkpoint yet").clicked() {
                actions.push(WindowAction::OpenScores);
            }
        });
    });
    actions
}

fn facts(view: &RunView) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Session", view.name()),
        ("Folder", view.folder().display().to_string()),
        (
            "State",
            format!(
                "{} at step {} of {}",
                view.phase().name(),
                format::count(view.step()),
                format::count(view.steps())
            ),
        ),
    ];
    if let Some(started) = view.started() {
        facts.extend([
            ("Started", format!("{} UTC", format::date(view.begun().unwrap_or(started.time)))),
            ("Computed on", format!("{}, {}", started.device, format::plural(started.threads, "thread"))),
            ("Generator", format!("{} parameters", format::count(started.generator_parameters))),
            ("Discriminator", format!("{} parameters", format::count(started.discriminator_parameters))),
            ("Classes", format::name(&started.classes.join(", ")).into_owned()),
            ("Written by", format!("gandle {}", started.version)),
        ]);
        if view.begun().is_some_and(|begun| begun < started.time) {
            facts.push(("Went on", format!("{} UTC", format::date(started.time))));
        }
        facts.extend(view.parent().map(|parent| ("Branched off", parent)));
    }
    if let Some(data) = view.data() {
        facts.push(("Data", format!("{}, {}", data.source, format::plural(data.images(), "image"))));
    }
    if let Some(last) = view.last() {
        facts.push(("Training time", format::duration(last.seconds)));
    }
    let alarms: Vec<String> = view.alarms().iter().map(AlarmEntry::summary).collect();
    facts.push(("Alarms", if alarms.is_empty() { "none".to_owned() } else { alarms.join("; ") }));
    let steps: Vec<String> = view.checkpoints().iter().map(|checkpoint| format::count(checkpoint.step)).collect();
    facts.push(("Checkpoints", if steps.is_empty() { "none".to_owned() } else { format!("at {}", steps.join("; ")) }));
    if let Some(best) = view.best() {
        let (step, metric) = (format::count(best.step), format::metric(&best.metric));
        let kept = view.checkpoints().iter().any(|checkpoint| checkpoint.step == best.step);
        let kept = if kept { "" } else { "; its checkpoint is gone" };
        facts.push(("Best step", format!("{step}, {metric} {}{kept}", score_cards::digits(best.value))));
    }
    facts
}

/// Room between keys and values.
const APART: f32 = 18.0;

/// Characters of a value that are shown at least.
const LEAST: usize = 9;

/// Characters of keys and of values that fit beside each other.
fn fitting(ui: &Ui, settings: &[Setting]) -> (usize, usize) {
    let font = egui::TextStyle::Monospace.resolve(ui.style());
    let letter = ui.painter().layout_no_wrap("0".to_owned(), font, egui::Color32::WHITE).size().x;
    let key = settings.iter().map(|setting| setting.key.chars().count()).max().unwrap_or(0);
    let most = ((ui.available_width() - APART) / letter) as usize;
    let key = key.min(most.saturating_sub(LEAST + 2));
    (key, most.saturating_sub(key + 2).max(LEAST))
}

fn settings_ui(ui: &mut Ui, view: &RunView, (preset, settings): (&str, &[Setting])) -> Actions {
    let mut actions = Actions::default();
    let Some(started) = view.started() else { return actions };
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        widgets::head(ui, "Settings", "", |ui| {
            if ui.button("Use these settings").on_hover_text("Copies them into the set-up").clicked() {
                actions.push(WindowAction::UseSettings(Box::new(started.config.clone())));
            }
            let about = "The whole configuration, as gandle train --config reads it";
            if ui.button("Copy run.toml").on_hover_text(about).clicked() {
                actions.push(Action::Copy(started.config.to_toml()));
            }
        });
        widgets::small(ui, format!("Coloured where they differ from the preset {preset}"));
        ui.add_space(4.0);
        let (keys, most) = fitting(ui, settings);
        Grid::new("settings").num_columns(2).min_row_height(ROW).striped(true).spacing([APART, 4.0]).show(ui, |ui| {
            let p = widgets::palette(ui);
            for setting in settings {
                let key = ui.label(RichText::new(format::path_end(setting.key, keys)).monospace().color(p.muted));
                key.on_hover_text(format!("{}\n{}", setting.key, setting.about));
                let color = if setting.changed { p.accent } else { p.text };
                let value = ui.label(RichText::new(format::path_end(&setting.value, most)).monospace().color(color));
                value.on_hover_text(&setting.value);
                ui.end_row();
            }
        });
    });
    actions
}
