//! The options of the real images: size and colour, how often each class is shown, and how images are varied.

use std::collections::BTreeMap;

use egui::{Grid, Id, RichText, ScrollArea, TextEdit, Ui};

use super::super::number::field;
use super::super::{format, glyph, theme, widgets};
use super::fit::{self, Wanted};
use super::form::{Form, combo, control_size};
use crate::config::{BalanceTo, CLASS_FACTORS, Choice as _, Config};
use crate::event::DataSummary;

/// Image size, colour and balance. `summary` tells the classes, where the data was read.
pub fn images_ui(form: &mut Form<'_>, ui: &mut Ui, summary: Option<&DataSummary>) {
    let kept = Id::unique("wanted at another size");
    form.row(ui, "image_size", "Image size", None, |ui, config| {
        let (before, mut size) = (config.image_size, config.image_size);
        let response = combo(ui, "image_size", &format!("{before} px"), |ui| {
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
    form.row(ui, "channels", "Colour", None, |ui, config| {
        let name = |channels| if channels == 1 { "Grey" } else { "Colour" };
        combo(ui, "channels", name(config.channels), |ui| {
            for channels in [3, 1] {
                ui.selectable_value(&mut config.channels, channels, name(channels));
            }
        })
    });
    let drawn = form.config.data.is_demo().then_some("Only for volumes and files of several frames");
    form.choice_where(ui, "data.slice_axis", "Cut volumes across", drawn, |c| &mut c.data.slice_axis);
    form.count(ui, "data.slice_every", "Every how many slices", drawn, 1..=10_000, |c| &mut c.data.slice_every);
    let demo = (!form.config.data.is_demo()).then_some("Only the drawn demo set has a size to choose");
    form.count(ui, "data.demo_images", "Demo images per class", demo, 2..=100_000, |c| &mut c.data.demo_images);
    form.switch(ui, "data.balance", "Balance classes", None, |c| &mut c.data.balance);
    let off = (!form.config.data.balance).then_some("Only with balanced classes");
    form.row(ui, "data.balance_to", "Balance to", off, |ui, config| {
        let value = &mut config.data.balance_to;
        combo(ui, "data.balance_to", value.key(), |ui| {
            for choice in BalanceTo::ALL {
                ui.selectable_value(value, *choice, choice.key()).on_hover_text(choice.about());
            }
        })
    });
    factors_row(form, ui, summary);
    split_ui(form, ui);
}

/// Which images training never sees.
fn split_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.number(ui, "data.held_out", "Held out", None, 0.0..=0.9, |c| &mut c.data.held_out);
    let off = (form.config.data.held_out == 0.0).then_some("Only with a held-out share above 0");
    form.number(ui, "data.split_seed", "Split seed", off, 0..=i64::MAX as u64, |c| &mut c.data.split_seed);
    let demo = form.config.data.is_demo().then_some("The drawn images have no file names to find groups in");
    form.row(ui, "data.group_by", "Keep together by", off.or(demo), |ui, config| {
        ui.add_sized(control_size(), TextEdit::singleline(&mut config.data.group_by).hint_text("/(p[0-9]+)_"))
    });
}

/// A menu with a factor for each class.
fn factors_row(form: &mut Form<'_>, ui: &mut Ui, summary: Option<&DataSummary>) {
    let classes: Vec<&str> = summary.iter().flat_map(|s| &s.classes).map(|class| class.name.as_str()).collect();
    let nothing = classes.is_empty() && form.config.data.class_factors.is_empty();
    let off = nothing.then_some("The classes are known once the data has been read");
    form.row(ui, "data.class_factors", "Class factors", off, |ui, config| {
        let text = match config.data.class_factors.len() {
            0 => "All 1".to_owned(),
            count => format!("{count} set"),
        };
        let menu = glyph::menu(ui, &text, |ui| factors_ui(ui, config, &classes));
        menu.response
    });
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

/// How the names of the fields of class factors begin.
pub(super) const CLASS_FACTOR: &str = "class-factor ";

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

/// How real images are varied before the discriminator sees them.
pub fn augmentation_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.switch(ui, "data.flip_horizontal", "Mirror left-right", None, |c| &mut c.data.flip_horizontal);
    form.switch(ui, "data.flip_vertical", "Mirror top-bottom", None, |c| &mut c.data.flip_vertical);
    sides_note(ui, form.config);
    share(form, ui, "data.rotation", "Rotation", 180.0, |c| &mut c.data.rotation);
    share(form, ui, "data.zoom", "Zoom", 1.0, |c| &mut c.data.zoom);
    share(form, ui, "data.translation", "Shift", 0.5, |c| &mut c.data.translation);
    share(form, ui, "data.brightness", "Brightness", 1.0, |c| &mut c.data.brightness);
    share(form, ui, "data.contrast", "Contrast", 1.0, |c| &mut c.data.contrast);
    share(form, ui, "data.color_jitter", "Colour jitter", 1.0, |c| &mut c.data.color_jitter);
}

/// How images are read and where they are kept meanwhile.
pub fn reading_ui(form: &mut Form<'_>, ui: &mut Ui) {
    form.count(ui, "data.workers", "Loader threads", None, 1..=64, |c| &mut c.data.workers);
    form.count(ui, "data.memory_limit", "Pixels in memory (MiB)", None, 0..=1_000_000, |c| &mut c.data.memory_limit);
    form.row(ui, "data.cache", "Cache folder", None, |ui, config| {
        ui.add_sized(control_size(), TextEdit::singleline(&mut config.data.cache).hint_text("The user's own"))
    });
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

/// An angle in degrees where it may be above 1, else a share.
fn share(
    form: &mut Form<'_>,
    ui: &mut Ui,
    key: &'static str,
    name: &str,
    most: f32,
    get: impl FnOnce(&mut Config) -> &mut f32,
) {
    form.row(ui, key, name, None, |ui, config| {
        let suffix = if most > 1.0 { "°" } else { "" };
        ui.add_sized(control_size(), field(key, get(config), 0.0..=most).suffix(suffix))
    });
}
