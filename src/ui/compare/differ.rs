//! The settings in which the chosen runs differ, and those alone.

use std::path::Path;

use egui::{Grid, Label, RichText, ScrollArea, Ui};

use super::super::sessions::SessionRow;
use super::super::{format, theme, widgets};
use crate::config::options;
use crate::summary::differing;

/// Characters of a value or a name that are shown.
const MOST: usize = 22;

/// Draws the table of settings that differ between runs, each with its folder and its colour.
pub fn differ_ui<'a>(ui: &mut Ui, chosen: impl Iterator<Item = (&'a Path, usize)>, rows: &'a [SessionRow]) {
    let chosen = chosen.filter_map(|(folder, slot)| {
        let row = rows.iter().find(|row| row.folder == folder)?;
        Some((slot, row, row.brief.as_ref()?))
    });
    let chosen: Vec<_> = chosen.collect();
    if chosen.len() < 2 {
        return widgets::empty(ui, "Nothing to tell apart yet", "Choose two runs or more in the table above");
    }
    let settings: Vec<&[(String, String)]> = chosen.iter().map(|(.., brief)| brief.settings.as_slice()).collect();
    let differing = differing(&settings);
    if differing.is_empty() {
        return widgets::empty(ui, "No difference", "Every setting of these runs is the same");
    }
    let p = widgets::palette(ui);
    let count = format::plural(differing.len(), "setting");
    widgets::small(
        ui,
        format!("{count} of {} differ; coloured where another than in the first run", settings[0].len()),
    );
    ui.add_space(4.0);
    ScrollArea::both().auto_shrink(false).id_salt("differ").show(ui, |ui| {
        Grid::new("differ").striped(true).min_row_height(20.0).spacing([18.0, 4.0]).show(ui, |ui| {
            widgets::muted(ui, "Setting");
            for (slot, row, _) in &chosen {
                ui.horizontal(|ui| {
                    widgets::dot(ui, theme::class_color(*slot));
                    let name = RichText::new(format::path_end(&row.name, MOST)).color(p.strong);
                    ui.add(Label::new(name).extend()).on_hover_text(&row.name);
                });
            }
            ui.end_row();
            for (key, values) in &differing {
                let about = options::find(key).map_or("", |known| known.text);
                ui.add(Label::new(RichText::new(key).monospace().color(p.muted)).extend()).on_hover_text(about);
                for value in values {
                    let color = if Some(value) == values.first() { p.text } else { p.accent };
                    let text = RichText::new(format::path_end(value, MOST)).monospace().color(color);
                    ui.add(Label::new(text).extend()).on_hover_text(value);
                }
                ui.end_row();
            }
        });
    });
}
