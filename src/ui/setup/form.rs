//! Rows of the set-up: a name, a control, and on hover what the option means, what it allows and where it comes from.

use std::ops::RangeInclusive;

use egui::{
    Align, Button, ComboBox, Id, Label, Layout, Response, RichText, Role, Sense, TextEdit, Ui, UiBuilder, WidgetInfo,
    vec2,
};

use super::super::number::{Number, field};
use super::super::{theme, widgets};
use super::checked::Checked;
use crate::config::{Choices, Config, Key, Kind, Lens, Level, Problem, When};
use crate::event::DataSummary;

/// From a number that is excluded to one that a control offers.
const BELOW: f64 = 1e-6;

/// The configuration that is edited, with what is known about it.
pub struct Form<'a> {
    /// What is edited.
    pub config: &'a mut Config,
    /// What is known about it.
    pub checked: &'a Checked,
    /// What its data holds, where that was read.
    pub summary: Option<&'a DataSummary>,
}

impl Form<'_> {
    /// A row. Where nothing reads the option its control is disabled and says why; `off` is a further reason.
    pub fn row(
        &mut self,
        ui: &mut Ui,
        key: &'static Key,
        off: Option<&str>,
        control: impl FnOnce(&mut Ui, &mut Config) -> Response,
    ) -> Response {
        self.named_row(ui, key, key.label, off, control)
    }

    /// A row of another name.
    pub fn named_row(
        &mut self,
        ui: &mut Ui,
        known: &'static Key,
        name: &str,
        off: Option<&str>,
        control: impl FnOnce(&mut Ui, &mut Config) -> Response,
    ) -> Response {
        let key = known.key;
        // What networks of another family have is no part of this set-up, unless it is set for them.
        if !known.is_part(self.config) && !self.checked.problems.iter().any(|problem| problem.key == key) {
            return ui.response();
        }
        let unread = known.unread(self.config).map(When::reason);
        let off = unread.as_deref().or(off);
        let checked = self.checked;
        let problems = &checked.problems;
        let problem = problems.iter().find(|problem| problem.key == key);
        let changed = checked.changed.iter().any(|other| other == key).then_some(checked);
        // Its controls have the same identity whatever stands above them, so that nobody who types is interrupted.
        let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
        let place = egui::Rect::from_min_size(ui.available_rect_before_wrap().min, size);
        let row = UiBuilder::new().scope_id(Id::unique(("set-up", key, name))).max_rect(place);
        let drawn = ui.scope_builder(row.layout(Layout::left_to_right(Align::Center)), |ui| {
            ui.set_min_height(theme::ROW_HEIGHT);
            let label = self.name(ui, known, name, off, problem, changed);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let drawn = ui.add_enabled_ui(off.is_none(), |ui| control(ui, self.config)).inner;
                let drawn = drawn.labelled_by(label.id);
                let drawn = match off {
                    Some(reason) => drawn.on_disabled_hover_text(reason),
                    None => drawn,
                };
                drawn.on_hover_ui(|ui| explanation(ui, known, off, problem, changed))
            })
            .inner
        });
        for problem in problems.iter().filter(|problem| problem.key == key && problem.level == Level::Error) {
            let color = widgets::palette(ui).error;
            ui.label(RichText::new(problem.in_window()).small().color(color));
            if fix_ui(ui, problem)
                && let Some(config) = problem.fixed(self.config)
            {
                *self.config = config;
            }
        }
        drawn.inner
    }

    fn name(
        &mut self,
        ui: &mut Ui,
        key: &'static Key,
        name: &str,
        off: Option<&str>,
        problem: Option<&Problem>,
        changed: Option<&Checked>,
    ) -> Response {
        let p = widgets::palette(ui);
        let color = if off.is_some() { p.muted.gamma_multiply(0.7) } else { p.text };
        let width = (ui.available_width() - theme::CONTROL_WIDTH - ui.spacing().item_spacing.x).max(40.0);
        let size = vec2(width, theme::ROW_HEIGHT);
        let area = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.spacing_mut().item_spacing.x = 5.0;
            // It is clicked for its menu, but is no stop of the Tab key: from one control that leads to the next.
            let label = Label::new(RichText::new(name).color(color)).truncate().sense(Sense::CLICK);
            let label = ui.add(label);
            match problem.map(|problem| problem.level) {
                Some(Level::Error) => _ = widgets::dot(ui, p.error),
                Some(Level::Warning) => _ = widgets::dot(ui, p.warning),
                None if changed.is_some() && off.is_none() => _ = widgets::dot(ui, p.accent.gamma_multiply(0.8)),
                None => {}
            }
            label
        });
        // The gap between the name and the control explains the option too.
        area.response.on_hover_ui(|ui| explanation(ui, key, off, problem, changed));
        let label = area.inner;
        label.context_menu(|ui| self.reset_menu(ui, key.key, changed));
        label.on_hover_ui(|ui| explanation(ui, key, off, problem, changed))
    }

    fn reset_menu(&mut self, ui: &mut Ui, key: &str, changed: Option<&Checked>) {
        let Some(value) = self.checked.base.value_of(key) else { return };
        let name = format!("Reset to {value}, as in the preset {}", self.checked.preset.name());
        if ui.add_enabled(changed.is_some(), Button::new(name)).clicked() {
            if let Ok(config) = self.config.with(&[format!("{key}={value}")]) {
                *self.config = config;
            }
            ui.close();
        }
    }

    /// The row of an option like most others: its control follows from what its values are.
    pub fn option(&mut self, ui: &mut Ui, key: &'static Key, off: Option<&str>) {
        match &key.kind {
            Kind::Count(lens, bounds) => self.number(ui, key, off, lens, bounds.offered(|most| most - 1), ""),
            Kind::Seed(lens, bounds) => self.number(ui, key, off, lens, bounds.offered(|most| most - 1), ""),
            Kind::Fraction(lens, bounds) => self.number(ui, key, off, lens, bounds.offered(|most| most - BELOW), ""),
            // An angle where it may be above 1, else a share.
            Kind::Share(lens, bounds) => {
                let suffix = if bounds.most() > 1.0 { "°" } else { "" };
                self.number(ui, key, off, lens, bounds.offered(|most| most - BELOW as f32), suffix);
            }
            Kind::Switch(lens) => {
                self.row(ui, key, off, |ui, config| widgets::switch(ui, (lens.get_mut)(config), key.label));
            }
            Kind::Choice(choices) => self.choice(ui, key, off, choices.as_ref(), |_| true),
            Kind::Text(lens, hint) => {
                self.row(ui, key, off, |ui, config| {
                    ui.add_sized(control_size(), TextEdit::singleline((lens.get_mut)(config)).hint_text(*hint))
                });
            }
            Kind::Own => {}
        }
    }

    /// A number.
    pub fn number<T: Number>(
        &mut self,
        ui: &mut Ui,
        key: &'static Key,
        off: Option<&str>,
        lens: &Lens<T>,
        range: RangeInclusive<T>,
        suffix: &str,
    ) {
        self.row(ui, key, off, |ui, config| {
            ui.add_sized(control_size(), field(key.key, (lens.get_mut)(config), range).suffix(suffix))
        });
    }

    /// One of those names that are offered.
    pub fn choice(
        &mut self,
        ui: &mut Ui,
        key: &'static Key,
        off: Option<&str>,
        choices: &dyn Choices<Config>,
        offered: impl Fn(&str) -> bool,
    ) {
        self.row(ui, key, off, |ui, config| {
            let chosen = choices.chosen(config);
            combo(ui, key.key, chosen, |ui| {
                for (name, about) in choices.all().into_iter().filter(|(name, _)| offered(name)) {
                    if ui.selectable_label(name == chosen, name).on_hover_text(about).clicked() {
                        choices.choose(config, name);
                    }
                }
            })
        });
    }

    /// Toggles for the resolutions at which a network has feature maps.
    pub fn attention(
        &mut self,
        ui: &mut Ui,
        key: &'static Key,
        network: &str,
        maps: &[usize],
        get: impl FnOnce(&mut Config) -> &mut Vec<usize>,
    ) {
        self.row(ui, key, None, |ui, config| {
            let attention = get(config);
            ui.spacing_mut().item_spacing.x = 3.0;
            ui.spacing_mut().button_padding.x = 5.0;
            let draw = |ui: &mut Ui| {
                for resolution in maps.iter().rev() {
                    let on = attention.contains(resolution);
                    let text = RichText::new(resolution.to_string()).small();
                    let button = ui.add(Button::selectable(on, text).frame_when_inactive(true));
                    let name = format!("{network} attention at {resolution}");
                    button.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, &name));
                    if button.clicked() {
                        super::fit::toggle_attention(attention, *resolution);
                    }
                }
            };
            ui.scope(draw).response
        });
    }
}

/// A button that is named by what mends a problem, where something plain does. `true` where it was clicked.
pub fn fix_ui(ui: &mut Ui, problem: &Problem) -> bool {
    let Some(name) = problem.fix_name() else { return false };
    let about = format!("Fixes {}; Ctrl+Z undoes it", problem.label());
    ui.add(Button::new(RichText::new(name).small())).on_hover_text(about).clicked()
}

/// A list to choose from, as wide as every control.
pub fn combo(ui: &mut Ui, id: &str, selected: &str, choices: impl FnOnce(&mut Ui)) -> Response {
    ComboBox::from_id_salt(id)
        .width(theme::CONTROL_WIDTH)
        .selected_text(selected)
        .truncate()
        .show_ui(ui, |ui| {
            widgets::enter_list(ui);
            choices(ui);
        })
        .response
}

/// A list of which any number can be chosen: it stays open until something beside it is clicked.
pub fn checks(ui: &mut Ui, id: &str, selected: &str, choices: impl FnOnce(&mut Ui)) -> Response {
    ComboBox::from_id_salt(id)
        .width(theme::CONTROL_WIDTH)
        .selected_text(selected)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .height(460.0)
        .truncate()
        .show_ui(ui, |ui| {
            widgets::enter_list(ui);
            choices(ui);
        })
        .response
}

/// The size of a control.
pub fn control_size() -> egui::Vec2 {
    vec2(theme::CONTROL_WIDTH, theme::ROW_HEIGHT - 2.0)
}

/// The tooltip of an option.
fn explanation(ui: &mut Ui, key: &Key, off: Option<&str>, problem: Option<&Problem>, changed: Option<&Checked>) {
    let p = widgets::palette(ui);
    ui.set_max_width(theme::SETUP_WIDTH);
    ui.label(RichText::new(key.text.replace('`', "")).color(p.strong));
    ui.add_space(2.0);
    widgets::small(ui, format!("Values: {}", key.values));
    if !key.paper.is_empty() {
        widgets::small(ui, key.paper);
    }
    ui.label(RichText::new(key.key).small().monospace().color(p.muted));
    if let Some(checked) = changed {
        let (preset, value) = (checked.preset.name(), checked.base.value_of(key.key).unwrap_or_default());
        let text = format!("Differs from the preset {preset}, which has {value}; right-click the name to reset it");
        ui.label(RichText::new(text).small().color(p.accent));
    }
    if let Some(reason) = off {
        ui.label(RichText::new(reason).small().color(p.warning));
    }
    if let Some(problem) = problem {
        let color = if problem.level == Level::Error { p.error } else { p.warning };
        ui.label(RichText::new(problem.in_window()).small().color(color));
    }
}
