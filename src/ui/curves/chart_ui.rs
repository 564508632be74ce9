//! One chart in the window: its head with values, its plot, and what the pointer does in it.

use egui::{
    Align, Align2, FontId, Layout, Pos2, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use super::super::glyph::{self, Glyph};
use super::super::{format, theme, widgets};
use super::ChartSettings;
use super::charts::{Chart, Curve};
use super::figure::{Ask, FigureFormat};
use super::keys::{self, Keys};
use super::paint::{self, Area, Look};

/// Points that the pointer must move to zoom, and beyond which up and down count too.
const DRAGGED: f32 = 6.0;
const BOX: f32 = 24.0;
/// Points within which a click hits a pin.
const HIT: f32 = 5.0;

/// What was done in a chart.
#[derive(Default)]
pub(super) struct Outcome {
    /// The step under the pointer.
    pub cursor: Option<f64>,
    /// A step that was clicked.
    pub pin: Option<usize>,
    /// Steps to show.
    pub range: Option<(f64, f64)>,
    /// Values to show.
    pub values: Option<(f64, f64)>,
    /// Show everything again.
    pub reset: bool,
    pub save: Option<Ask>,
}

/// Room around what is in a chart's card.
const MARGIN: egui::Margin = egui::Margin { left: 12, right: 12, top: 8, bottom: 6 };

/// The keys of a chart in a card as wide as the room here.
pub(super) fn keys(ui: &Ui, chart: &Chart<'_>) -> Keys {
    Keys::of(ui.painter(), chart, ui.available_width() - f32::from(MARGIN.left + MARGIN.right), keys::LINES)
}

/// Draws a chart of a height, to which that of its keys comes.
pub(super) fn chart_ui(
    ui: &mut Ui,
    (chart, keys): (&Chart<'_>, &Keys),
    height: f32,
    look: &Look<'_>,
    settings: &mut ChartSettings,
) -> Outcome {
    let mut outcome = Outcome::default();
    widgets::card_frame(ui).inner_margin(MARGIN).show(ui, |ui| {
        ui.set_height(height + keys.height() - f32::from(MARGIN.top + MARGIN.bottom) - 2.0);
        ui.set_min_width(ui.available_width());
        if !ui.is_rect_visible(ui.max_rect()) {
            return;
        }
        ui.push_id(&chart.id, |ui| {
            ui.horizontal(|ui| head_ui(ui, chart, look, settings, &mut outcome));
            if chart.is_empty() {
                return widgets::empty(ui, "Nothing to show yet", &chart.empty);
            }
            let rect = ui.available_rect_before_wrap();
            let (p, value) = (widgets::palette(ui), |curve: &Curve<'_>| reading(chart, curve, look).trim().to_owned());
            let place = rect.with_min_y(rect.bottom() - keys.height());
            let look = &Look { lit: keys.pointed(ui, place, chart, &value), ..*look };
            let area = paint::chart(ui.painter(), p, rect.with_max_y(place.top()), chart, look);
            keys.paint(ui.painter(), p, place, chart, &value);
            let response = ui.interact(area.rect, ui.scope_id().with("plot"), Sense::click_and_drag());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, described(chart)));
            pointer(ui, &response, &area, look, &mut outcome);
            ui.advance_cursor_after_rect(rect);
        });
    });
    outcome
}

/// What a screen reader says of a chart.
fn described(chart: &Chart<'_>) -> String {
    let value = |curve: &Curve<'_>| {
        let (step, value) = curve.series.last()?;
        Some(format!("{} {} at step {step}", curve.name, (chart.write)(value.into()).trim()))
    };
    let values: Vec<String> = chart.curves.iter().filter_map(value).collect();
    format!("Chart of {}, {}", chart.title, values.join(", "))
}

fn head_ui(ui: &mut Ui, chart: &Chart<'_>, look: &Look<'_>, settings: &mut ChartSettings, outcome: &mut Outcome) {
    let p = widgets::palette(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let name = format!("Options of {}", chart.title);
        let button = glyph::button(ui, Glyph::Dots, vec2(22.0, 18.0), false, &name);
        egui::Popup::menu(&button).show(|ui| menu_ui(ui, chart, settings, outcome));
        let main = chart.curves.iter().filter(|curve| !curve.faint);
        let several = main.clone().count() > 1;
        for curve in main.rev() {
            let text = reading(chart, curve, look);
            widgets::number(ui, format!("{text:>8}"), p.strong).on_hover_text(curve.name);
            if several {
                ui.label(RichText::new(curve.name).color(curve.color).small());
            }
        }
        // Last, so that in a narrow chart it is the title that is cut, and not run over by the values.
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let title = egui::Label::new(RichText::new(&chart.title).strong().color(p.strong)).truncate();
            ui.add(title).on_hover_text(chart.about);
            if !chart.note.is_empty() {
                let note = egui::Label::new(RichText::new(&chart.note).small().color(p.muted)).truncate();
                ui.add(note).on_hover_text("Images on either side of the newest score");
            }
        });
    });
}

/// The value of a curve at the step that is looked at: under the pointer, of the samples, or the newest.
fn reading(chart: &Chart<'_>, curve: &Curve<'_>, look: &Look<'_>) -> String {
    let at = look.cursor.or(look.at.map(|step| step as f64));
    let value = at.map_or_else(|| curve.series.last().map(|(_, value)| value), |step| curve.series.at(step));
    value.map_or_else(|| "–".to_owned(), |value| (chart.write)(value.into()))
}

fn menu_ui(ui: &mut Ui, chart: &Chart<'_>, settings: &mut ChartSettings, outcome: &mut Outcome) {
    ui.set_min_width(170.0);
    let mut log = settings.log_y.contains(&chart.id);
    if ui.checkbox(&mut log, "Logarithmic values").on_hover_text("Values of 0 and below have no place then").clicked() {
        ChartSettings::toggle(&mut settings.log_y, &chart.id);
    }
    if ui.button("Hide this chart").on_hover_text("The menu Charts above shows it again").clicked() {
        ChartSettings::toggle(&mut settings.hidden, &chart.id);
    }
    ui.separator();
    for format in FigureFormat::ALL {
        if ui.add_enabled(!chart.is_empty(), egui::Button::new(format!("Save as {}…", format.name()))).clicked() {
            outcome.save = Some(Ask { charts: vec![chart.id.clone()], format, classes: settings.classes });
        }
    }
}

/// Cursor, pins, zooming by dragging or with Ctrl and the wheel.
fn pointer(ui: &Ui, response: &Response, area: &Area, look: &Look<'_>, outcome: &mut Outcome) {
    let at = response.hover_pos().or(response.interact_pointer_pos());
    if let Some(at) = at.filter(|at| area.rect.x_range().contains(at.x)) {
        outcome.cursor = Some(area.x.value(at.x).round());
        tell_step(ui, area, at, look);
        let zoom = f64::from(ui.input(egui::InputState::zoom_delta));
        if response.hovered() && zoom != 1.0 {
            outcome.range = Some(zoomed(area, look.x, at.x, zoom));
        }
    }
    let memory = response.id.with("drag");
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin());
        ui.data_mut(|data| data.insert_temp(memory, origin.unwrap_or_default()));
    }
    if response.dragged() || response.drag_stopped() {
        // When the button is released, where it went down is forgotten by all but us.
        let from = ui.data(|data| data.get_temp::<Pos2>(memory));
        if let Some(ends) = from.zip(ui.input(|input| input.pointer.latest_pos())) {
            drag(ui, response, area, ends, outcome);
        }
    }
    if response.double_clicked() {
        outcome.reset = true;
    }
    if let (true, Some(at)) = (response.clicked(), at) {
        let near = |step: &&usize| (area.x.place(**step as f64) - at.x).abs() <= HIT;
        let step = look.pins.iter().find(near).copied();
        outcome.pin = Some(step.unwrap_or(area.x.value(at.x).round().max(0.0) as usize));
    }
}

/// The chosen part while the pointer is dragged, and what it shows when that ends.
fn drag(ui: &Ui, response: &Response, area: &Area, (from, to): (Pos2, Pos2), outcome: &mut Outcome) {
    let (from, to) = (area.rect.clamp(from), area.rect.clamp(to));
    let boxed = (to.y - from.y).abs() > BOX;
    let mut chosen = Rect::from_two_pos(from, to);
    if !boxed {
        chosen = Rect::from_x_y_ranges(chosen.x_range(), area.rect.y_range());
    }
    let p = widgets::palette(ui);
    let stroke = Stroke::new(1.0, p.accent);
    ui.painter().rect(chosen, 0.0, p.accent.gamma_multiply(0.15), stroke, StrokeKind::Inside);
    if response.drag_stopped() && chosen.width() > DRAGGED {
        outcome.range = Some((area.x.value(chosen.left()).max(0.0), area.x.value(chosen.right())));
        outcome.values = boxed.then(|| (area.y.value(chosen.bottom()), area.y.value(chosen.top())));
    }
}

/// Steps around the pointer, so many times nearer.
fn zoomed(area: &Area, (from, to): (f64, f64), at: f32, zoom: f64) -> (f64, f64) {
    let middle = area.x.value(at);
    let (from, to) = (middle - (middle - from) / zoom, middle + (to - middle) / zoom);
    if to - from < 4.0 { (middle - 2.0, middle + 2.0) } else { (from.max(0.0), to) }
}

/// The step under the pointer, and what was changed near it.
fn tell_step(ui: &Ui, area: &Area, at: Pos2, look: &Look<'_>) {
    let p = widgets::palette(ui);
    let step = area.x.value(at.x).round().max(0.0);
    let near = |edit: &&(f64, String)| (area.x.place(edit.0) - at.x).abs() <= HIT;
    let edit = look.marks.edits.iter().find(near).map(|(_, told)| format!(": then changed {told}"));
    let text = format!("step {}{}", format::count(step as usize), edit.unwrap_or_default());
    let font = FontId::proportional(theme::SMALL);
    let galley = ui.painter().layout(text, font, p.strong, area.rect.width() - 16.0);
    let right = at.x + 12.0 + galley.size().x < area.rect.right();
    let corner =
        if right { pos2(at.x + 8.0, area.rect.bottom() - 4.0) } else { pos2(at.x - 8.0, area.rect.bottom() - 4.0) };
    let align = if right { Align2::LEFT_BOTTOM } else { Align2::RIGHT_BOTTOM };
    let place = align.anchor_size(corner, galley.size());
    ui.painter().rect_filled(place.expand2(vec2(4.0, 2.0)), 3.0, p.surface.gamma_multiply(0.9));
    ui.painter().galley(place.min, galley, p.strong);
}
