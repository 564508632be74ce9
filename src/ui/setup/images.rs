//! Rows of the real images: their size and colour, how often each class is shown, and what mirroring does.

use std::collections::BTreeMap;

use egui::containers::menu::MenuConfig;
use egui::{Grid, Id, PopupCloseBehavior, RichText, ScrollArea, TextEdit, Ui};

use super::super::action::Action;
use super::super::number::field;
use super::super::{format, glyph, theme, widgets};
use super::checked::CLASS_FACTOR;
use super::fit::{self, Wanted};
use super::form::{Form, combo, control_size};
use crate::config::{CLASS_FACTORS, Config, Key, NAMED_WINDOWS, ScanWindow, channels_name};

/// The size of the images, and what it leaves no room for.
pub fn size_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    let kept = Id::unique("wanted at another size");
    form.row(ui, key, None, |ui, config| {
        let (before, mut size) = (config.image_size, config.image_size);
        let response = combo(ui, key.key, &format!("{before} px"), |ui| {
            for choice in fit::image_sizes() {
                ui.selectable_value(&mut size, choice, format!("{choice} px"));
            }
        });
        if size != before {
            let wanted = ui.data(|data| data.get_temp(kept));
            let wanted = Wanted::resize(wanted, config, size);
            ui.data_mut(|data| data.insert_temp(kept, wanted));
        }
        response
    });
    if let Some(text) = ui.data(|data| data.get_temp::<Wanted>(kept)).and_then(|wanted| wanted.told(form.config)) {
        ui.label(RichText::new(text).small().color(widgets::palette(ui).accent));
    }
    None
}

/// Patterns of files with `;` between them.
fn patterns_row(
    form: &mut Form<'_>,
    ui: &mut Ui,
    key: &'static Key,
    get: impl FnOnce(&mut Config) -> &mut Vec<String>,
) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let list = get(config);
        let typed = Id::unique(key.key);
        let mut text = ui.data(|data| data.get_temp::<(Vec<String>, String)>(typed)).filter(|(of, _)| of == list);
        let text = &mut text.get_or_insert_with(|| (list.clone(), list.join("; "))).1;
        let response = ui.add_sized(control_size(), TextEdit::singleline(text).hint_text("*_mask.*; thumbs/*"));
        if response.changed() {
            *list = text.split(';').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect();
            let kept = (list.clone(), text.clone());
            ui.data_mut(|data| data.insert_temp(typed, kept));
        }
        response
    });
    None
}

/// Files that are left out.
pub fn exclude_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    patterns_row(form, ui, key, |config| &mut config.data.exclude)
}

/// Files that are taken.
pub fn include_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    patterns_row(form, ui, key, |config| &mut config.data.include)
}

/// A menu with the windows of scans: their names, or a centre and a width.
pub fn window_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let window = &mut config.data.window;
        let shown = match *window {
            ScanWindow::Auto => "auto".to_owned(),
            ScanWindow::Named(named) => named.name.to_owned(),
            ScanWindow::Values { centre, width } => format!("{centre} / {width}"),
        };
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        glyph::menu_with(ui, &shown, stays, |ui| window_ui(ui, window)).response
    });
    None
}

fn window_ui(ui: &mut Ui, window: &mut ScanWindow) {
    for name in ["auto"].into_iter().chain(NAMED_WINDOWS.iter().map(|window| window.name)) {
        if let Some(choice) = ScanWindow::by_name(name) {
            let values = choice.values().map(|(centre, width)| format!("  {centre} / {width}")).unwrap_or_default();
            ui.selectable_value(window, choice, format!("{name}{values}"));
        }
    }
    let (mut centre, mut width) = window.values().unwrap_or((50.0, 400.0));
    ui.separator();
    Grid::new("window of scans").num_columns(2).show(ui, |ui| {
        let label = ui.label("Centre");
        let mut changed = ui.add(field("window centre", &mut centre, -1e6..=1e6)).labelled_by(label.id).changed();
        ui.end_row();
        let label = ui.label("Width");
        changed |= ui.add(field("window width", &mut width, 1.0..=1e6)).labelled_by(label.id).changed();
        ui.end_row();
        if changed {
            *window = ScanWindow::Values { centre, width };
        }
    });
}

/// Colour or grey.
pub fn channels_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let name = |channels| channels_name(channels != 1);
        combo(ui, key.key, name(config.channels), |ui| {
            for channels in [3, 1] {
                ui.selectable_value(&mut config.channels, channels, name(channels));
            }
        })
    });
    None
}

/// Bits of grey values.
pub fn depth_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let depth = &mut config.data.depth;
        combo(ui, key.key, &format!("{depth} bits"), |ui| {
            for choice in [8, 16] {
                ui.selectable_value(depth, choice, format!("{choice} bits"));
            }
        })
    });
    None
}

/// A menu with a factor for each class.
pub fn factors_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    let classes: Vec<&str> = form.summary.iter().flat_map(|s| &s.classes).map(|class| class.name.as_str()).collect();
    let nothing = classes.is_empty() && form.config.data.class_factors.is_empty();
    let off = nothing.then_some("The classes are known once the data has been read");
    form.row(ui, key, off, |ui, config| {
        let text = match config.data.class_factors.len() {
            0 => "All 1".to_owned(),
            count => format!("{count} set"),
        };
        let menu = glyph::menu(ui, &text, |ui| factors_ui(ui, config, &classes));
        menu.response
    });
    None
}

/// One line a class; a factor of 1 is none. Factors of classes that the data does not have come last.
fn factors_ui(ui: &mut Ui, config: &mut Config, classes: &[&str]) {
    let factors = &mut config.data.class_factors;
    let strangers: Vec<String> = factors.keys().filter(|name| !classes.contains(&name.as_str())).cloned().collect();
    ScrollArea::vertical().max_height(theme::ROW_HEIGHT * 14.0).show(ui, |ui| {
        Grid::new("class-factors").num_columns(2).show(ui, |ui| {
            for class in classes {
                factor_ui(ui, factors, class);
                ui.end_row();
            }
            for name in strangers {
                let color = widgets::palette(ui).error;
                ui.label(RichText::new(format::path_end(&name, 24)).color(color))
                    .on_hover_text("The data has no class of this name: a run would be refused");
                if ui.button("Remove").clicked() {
                    factors.remove(&name);
                }
                ui.end_row();
            }
        });
    });
}

fn factor_ui(ui: &mut Ui, factors: &mut BTreeMap<String, f64>, class: &str) {
    let label = ui.label(format::path_end(class, 24)).on_hover_text(class);
    let mut factor = factors.get(class).copied().unwrap_or(1.0);
    let name = format!("{CLASS_FACTOR}{class}");
    if ui.add(field(&name, &mut factor, CLASS_FACTORS).prefix("× ")).labelled_by(label.id).changed() {
        if factor == 1.0 {
            factors.remove(class);
        } else {
            factors.insert(class.to_owned(), factor);
        }
    }
}

/// The second of the two ways to mirror, with what that does to bodies.
pub fn mirror_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.option(ui, key, None);
    sides_note(ui, form.config);
    None
}

/// What mirroring does to bodies, where it is turned on.
fn sides_note(ui: &mut Ui, config: &Config) {
    let p = widgets::palette(ui);
    let mirrored = config.data.flip_horizontal || config.data.flip_vertical;
    let color = if mirrored && !config.data.is_demo() { p.warning } else { p.muted };
    let text =
        "Mirroring breaks left-right anatomy: hearts on the right. Only for images without sides, such as cells.";
    ui.label(RichText::new(text).small().color(color));
}
