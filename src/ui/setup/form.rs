//! Rows of the set-up: a name, a control, and on hover what the option means, what it allows and where it comes from.

use std::ops::RangeInclusive;

use egui::{
    Align, Button, ComboBox, Id, Label, Layout, Response, RichText, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2,
};

use super::super::number::{Number, field};
use super::super::{theme, widgets};
use super::Checked;
use crate::config::{Choice, Config, Level, Problem, explain};

/// The configuration that is edited, with what is known about it.
pub struct Form<'a> {
    /// What is edited.
    pub config: &'a mut Config,
    /// What is known about it.
    pub checked: &'a Checked,
}

impl Form<'_> {
    /// A row. `off` says why the option does not matter now; its control is then disabled.
    pub fn row(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        control: impl FnOnce(&mut Ui, &mut Config) -> Response,
    ) -> Response {
        // What networks of another family have is no part of this set-up, unless it is set for them.
        if !self.config.reads(key) && !self.checked.problems.iter().any(|problem| problem.key == key) {
            return ui.response();
        }
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
            let label = self.name(ui, key, name, off, problem, changed);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let drawn = ui.add_enabled_ui(off.is_none(), |ui| control(ui, self.config)).inner;
                let drawn = drawn.labelled_by(label.id);
                let drawn = match off {
                    Some(reason) => drawn.on_disabled_hover_text(reason),
                    None => drawn,
                };
                drawn.on_hover_ui(|ui| explanation(ui, key, off, problem, changed))
            })
            .inner
        });
        for problem in problems.iter().filter(|problem| problem.key == key && problem.level == Level::Error) {
            let color = widgets::palette(ui).error;
            ui.label(RichText::new(&problem.message).small().color(color));
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
        key: &'static str,
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
        label.context_menu(|ui| self.reset_menu(ui, key, changed));
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

    /// A whole number.
    pub fn count(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        range: RangeInclusive<usize>,
        get: impl FnOnce(&mut Config) -> &mut usize,
    ) {
        self.number(ui, key, name, off, range, get);
    }

    /// A number of any kind.
    pub fn number<T: Number>(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        range: RangeInclusive<T>,
        get: impl FnOnce(&mut Config) -> &mut T,
    ) {
        self.row(ui, key, name, off, |ui, config| ui.add_sized(control_size(), field(key, get(config), range)));
    }

    /// A number with a fraction.
    pub fn fraction(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        range: RangeInclusive<f64>,
        get: impl FnOnce(&mut Config) -> &mut f64,
    ) {
        self.number(ui, key, name, off, range, get);
    }

    /// Yes or no.
    pub fn switch(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        get: impl FnOnce(&mut Config) -> &mut bool,
    ) {
        self.row(ui, key, name, off, |ui, config| widgets::switch(ui, get(config), name));
    }

    /// One of a fixed set of names.
    pub fn choice<T: Choice>(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        get: impl FnOnce(&mut Config) -> &mut T,
    ) {
        self.choice_where(ui, key, name, None, get);
    }

    /// As [`Form::choice`], turned off for a reason where there is one.
    pub fn choice_where<T: Choice>(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        get: impl FnOnce(&mut Config) -> &mut T,
    ) {
        self.choice_of(ui, key, name, off, T::ALL, get);
    }

    /// As [`Form::choice_where`], with some of the choices alone.
    pub fn choice_of<T: Choice>(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        name: &str,
        off: Option<&str>,
        choices: &[T],
        get: impl FnOnce(&mut Config) -> &mut T,
    ) {
        self.row(ui, key, name, off, |ui, config| {
            let value = get(config);
            combo(ui, key, value.key(), |ui| {
                for choice in choices {
                    ui.selectable_value(value, *choice, choice.key()).on_hover_text(choice.about());
                }
            })
        });
    }

    /// Toggles for the resolutions at which a network has feature maps.
    pub fn attention(
        &mut self,
        ui: &mut Ui,
        key: &'static str,
        network: &str,
        maps: &[usize],
        get: impl FnOnce(&mut Config) -> &mut Vec<usize>,
    ) {
        self.row(ui, key, "Self-attention", None, |ui, config| {
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
    let about = format!("Fixes {}; Ctrl+Z undoes it", problem.key);
    ui.add(Button::new(RichText::new(name).small()).small()).on_hover_text(about).clicked()
}

/// A list to choose from, as wide as every control.
pub fn combo(ui: &mut Ui, id: &str, selected: &str, choices: impl FnOnce(&mut Ui)) -> Response {
    ComboBox::from_id_salt(id)
        .width(theme::CONTROL_WIDTH)
        .selected_text(selected)
        .truncate()
        .show_ui(ui, choices)
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
        .show_ui(ui, choices)
        .response
}

/// The size of a control.
pub fn control_size() -> egui::Vec2 {
    vec2(theme::CONTROL_WIDTH, theme::ROW_HEIGHT - 2.0)
}

/// The tooltip of an option.
fn explanation(ui: &mut Ui, key: &str, off: Option<&str>, problem: Option<&Problem>, changed: Option<&Checked>) {
    let p = widgets::palette(ui);
    let Some(explanation) = explain::of(key) else { return };
    ui.set_max_width(theme::SETUP_WIDTH);
    ui.label(RichText::new(explanation.text.replace('`', "")).color(p.strong));
    ui.add_space(2.0);
    widgets::small(ui, format!("Values: {}", explanation.values));
    if !explanation.paper.is_empty() {
        widgets::small(ui, explanation.paper);
    }
    ui.label(RichText::new(key).small().monospace().color(p.muted));
    if let Some(checked) = changed {
        let (preset, value) = (checked.preset.name(), checked.base.value_of(key).unwrap_or_default());
        let text = format!("Differs from the preset {preset}, which has {value}; right-click the name to reset it");
        ui.label(RichText::new(text).small().color(p.accent));
    }
    if let Some(reason) = off {
        ui.label(RichText::new(reason).small().color(p.warning));
    }
    if let Some(problem) = problem {
        let color = if problem.level == Level::Error { p.error } else { p.warning };
        ui.label(RichText::new(&problem.message).small().color(color));
    }
}
