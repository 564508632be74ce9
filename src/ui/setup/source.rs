//! Where the images come from: a typed path, a chosen or dropped folder or file, a recent one, or the drawn demo set.

use egui::{Button, RichText, TextEdit, Ui};

use super::super::action::Action;
use super::super::data_view::{DataView, Reading};
use super::super::paths::{self, Wanted};
use super::super::{format, glyph, widgets};
use crate::config::{Config, DATA_FILES, DEMO};

/// The rows that choose the data, and what was read of it. `draft` is a path that is being typed; `recent` were used before.
#[must_use]
pub fn source_ui(
    ui: &mut Ui,
    config: &mut Config,
    draft: &mut Option<String>,
    data: &DataView,
    recent: &[String],
) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut text = draft.clone().unwrap_or_else(|| config.data.source.clone());
    let edit = TextEdit::singleline(&mut text)
        .hint_text("Folder of class folders, table or archive")
        .desired_width(f32::INFINITY);
    let response = paths::field(ui, "data.source", edit, Wanted::File(&DATA_FILES));
    let info = || egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Data folder");
    response.widget_info(info);
    let response = response.on_hover_text(
        "A folder with one sub-folder per class, a table (.csv) of files and labels, or an archive (.zip, .tar, .npz, .parquet); Enter reads it. It may also be dropped on the window",
    );
    if response.changed() {
        *draft = Some(text);
    }
    if response.lost_focus()
        && let Some(typed) = draft.take()
    {
        actions.push(Action::UseData(typed.trim().to_owned()));
    }
    ui.add_space(3.0);
    // In a narrow panel the last of them goes to a line of its own, where it would else widen the panel's content.
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        if ui.button("Folder…").on_hover_text("A folder with one sub-folder per class").clicked() {
            actions.push(Action::ChooseData);
        }
        let file = ui
            .button("File…")
            .on_hover_text("A table (.csv) of files and labels, or an archive (.zip, .tar, .npz, .parquet)");
        if file.clicked() {
            actions.push(Action::ChooseDataFile);
        }
        let demo = ui.add(Button::selectable(config.data.is_demo(), "Demo set").frame_when_inactive(true));
        if demo.on_hover_text("Six kinds of stained blood cell, drawn by the program").clicked() {
            actions.push(Action::UseData(DEMO.to_owned()));
        }
        ui.add_enabled_ui(!recent.is_empty(), |ui| {
            glyph::menu(ui, "Recent", |ui| {
                for folder in recent {
                    if ui.button(format::path_end(folder, 48)).on_hover_text(folder).clicked() {
                        actions.push(Action::UseData(folder.clone()));
                        ui.close();
                    }
                }
            });
        });
    });
    ui.add_space(3.0);
    state_ui(ui, data);
    actions
}

fn state_ui(ui: &mut Ui, data: &DataView) {
    let p = widgets::palette(ui);
    // As high as what was found, so that nothing below jumps.
    let line = |ui: &mut Ui, text: &str| _ = ui.horizontal(|ui| widgets::small(ui, text));
    match data.reading() {
        Reading::Nothing => line(ui, "Nothing was read yet"),
        Reading::Busy { done, total } if *total > 0 => {
            line(ui, &format!("Reading {} of {}", format::count(*done), format::count(*total)));
        }
        Reading::Busy { .. } => line(ui, "Reading…"),
        Reading::Done => {
            let Some(summary) = data.summary() else { return };
            let found = format!(
                "{}, {}",
                format::plural(summary.classes.len(), "class"),
                format::plural(summary.images(), "image")
            );
            let skipped = summary.skipped.len();
            ui.horizontal(|ui| {
                ui.label(RichText::new(found).small().color(p.text));
                if skipped > 0 {
                    let text = format!("{} skipped", format::plural(skipped, "file"));
                    ui.label(RichText::new(text).small().color(p.warning))
                        .on_hover_text("The Data page names each with its reason");
                }
            });
            if summary.classes.len() == 1 {
                let text = "With a single class there are no labels to learn; put other classes in folders beside it";
                ui.label(RichText::new(text).small().color(p.warning));
            }
        }
        Reading::Failed(message) => _ = ui.label(RichText::new(format::name(message)).small().color(p.error)),
    }
}
