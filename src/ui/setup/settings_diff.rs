//! What the set-up has otherwise than a stored session or a preset, and taking it over, one by one or all at once.

use std::path::PathBuf;

use egui::{Button, Context, Grid, Label, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::sessions::SessionRow;
use super::super::{dialog, format, theme, widgets};
use super::{fit, form};
use crate::config::{Config, Preset, options};
use crate::summary::plain;

/// Characters of a value that are shown.
const MOST: usize = 24;

/// What the set-up is compared with.
#[derive(Clone, Debug, PartialEq)]
enum Other {
    Preset(Preset),
    Session(PathBuf),
}

impl Other {
    fn name(&self) -> String {
        match self {
            Self::Preset(preset) => format!("Preset {}", preset.name()),
            Self::Session(folder) => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// Its settings, where they are known. A preset says nothing of data and run, in which it is like the set-up.
    fn config(&self, mine: &Config, rows: &[SessionRow]) -> Option<Config> {
        match self {
            Self::Preset(preset) => {
                let mut config = mine.clone();
                fit::apply_preset(&mut config, *preset);
                Some(config)
            }
            Self::Session(folder) => {
                let row = rows.iter().find(|row| row.folder == *folder)?;
                row.brief.as_ref().map(|brief| brief.config.clone())
            }
        }
    }
}

/// The dialog.
#[derive(Debug, Default)]
pub struct SettingsDiff {
    open: bool,
    /// Whether the sessions are still to be looked for.
    fresh: bool,
    other: Option<Other>,
}

impl SettingsDiff {
    /// Opens it.
    pub fn open(&mut self) {
        (self.open, self.fresh) = (true, true);
    }

    /// Whether it is open, so that the settings of the sessions are wanted.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it. What is taken is a change of the set-up like any other.
    #[must_use]
    pub fn ui(&mut self, ctx: &Context, config: &mut Config, rows: &[SessionRow]) -> Option<Action> {
        if !self.open {
            return None;
        }
        let (closed, escaped) = dialog::show(ctx, "theirs", theme::DIALOG_WIDTH * 1.5, |ui| {
            ui.heading("Compare the set-up");
            let other = self.choose_ui(ui, config, rows);
            match other.config(config, rows) {
                Some(theirs) => differences_ui(ui, config, &theirs),
                None => _ = widgets::muted(ui, "The settings of this session are not read yet, or it is gone"),
            }
            ui.separator();
            ui.button("Close").clicked()
        });
        if closed || escaped {
            self.open = false;
        }
        std::mem::take(&mut self.fresh).then_some(Action::ListSessions)
    }

    /// The choice of what it is compared with: until one is made, the preset that the set-up has most of.
    fn choose_ui(&mut self, ui: &mut Ui, config: &Config, rows: &[SessionRow]) -> Other {
        let nearest = || Other::Preset(fit::nearest_preset(config));
        let mut other = self.other.clone().unwrap_or_else(nearest);
        ui.horizontal(|ui| {
            let label = ui.label("Compare with");
            let shown = form::combo(ui, "theirs", &other.name(), |ui| {
                for preset in Preset::ALL {
                    let choice = Other::Preset(preset);
                    let name = choice.name();
                    ui.selectable_value(&mut other, choice, name).on_hover_text(preset.about());
                }
                for row in rows {
                    let choice = Other::Session(row.folder.clone());
                    let name = choice.name();
                    ui.selectable_value(&mut other, choice, format::path_end(&name, 40)).on_hover_text(name);
                }
            });
            shown.labelled_by(label.id);
        });
        self.other = Some(other.clone());
        other
    }
}

/// The lines of what differs, each with a button.
fn differences_ui(ui: &mut Ui, config: &mut Config, theirs: &Config) {
    let differences = config.differences(theirs);
    if differences.is_empty() {
        widgets::muted(ui, "No setting differs");
        return;
    }
    let mut taken: Vec<&(String, String, String)> = Vec::new();
    ui.horizontal(|ui| {
        let verb = if differences.len() == 1 { "differs" } else { "differ" };
        widgets::small(ui, format!("{} {verb}", format::plural(differences.len(), "setting")));
        if ui.button("Take all").on_hover_text("Ctrl+Z undoes it").clicked() {
            taken.extend(&differences);
        }
    });
    let p = widgets::palette(ui);
    ScrollArea::vertical().max_height(420.0).auto_shrink([false, true]).show(ui, |ui| {
        Grid::new("theirs").num_columns(4).striped(true).min_row_height(22.0).spacing([16.0, 4.0]).show(ui, |ui| {
            for head in ["Setting", "Here", "There", ""] {
                widgets::muted(ui, head);
            }
            ui.end_row();
            for line in &differences {
                let (key, here, there) = line;
                let about = options::find(key).map_or("", |known| known.text);
                ui.add(Label::new(RichText::new(key).monospace().color(p.text)).extend()).on_hover_text(about);
                for (value, color) in [(here, p.muted), (there, p.accent)] {
                    let text = RichText::new(format::path_end(plain(value), MOST)).monospace().color(color);
                    ui.add(Label::new(text).extend()).on_hover_text(value);
                }
                let button = ui.add(Button::new("Use this").small());
                let name = format!("Take {key} of the other");
                button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                if button.clicked() {
                    taken.push(line);
                }
                ui.end_row();
            }
        });
    });
    let taken: Vec<String> = taken.into_iter().map(|(key, _, value)| format!("{key}={value}")).collect();
    // Values of another configuration are readable in this one.
    if let Ok(with) = config.with(&taken) {
        *config = with;
    }
}
