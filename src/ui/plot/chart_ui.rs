//! One chart in the window: its head with values, its plot, its keys, and what the pointer does in it.

use egui::{
    Align, Align2, Event, FontId, Layout, PointerButton, Pos2, Rangef, Rect, Response, RichText, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use egui_plot::{AxisHints, GridInput, GridMark, Plot, PlotTransform};

use super::super::glyph::{self, Glyph};
use super::super::request::FigureFormat;
use super::super::{theme, widgets};
use super::item::Item;
use super::keys::{self, Keys};
use super::view::Outcome;
use super::{Chart, Line, Look, describe};
use crate::chart::{Axis, Drawing, Mark, Scale};
use crate::event::Form;

/// Points that the pointer must move to zoom, and beyond which up and down count too.
const DRAGGED: f32 = 6.0;
const BOX: f32 = 24.0;
/// Points within which a click hits a pin.
const HIT: f32 = 5.0;
/// Steps, or seconds, that are shown at least.
const LEAST: f64 = 4.0;
/// Room for the numbers left of and below the plot, and for half of the last one on its right.
const LEFT: f32 = 54.0;
const BELOW: f32 = 16.0;
const RIGHT: f32 = 10.0;
/// The spacing between two lines of the grid that egui_plot counts with.
const SPACING: Rangef = Rangef { min: 8.0, max: 300.0 };

/// Room around what is in a chart's card.
const MARGIN: egui::Margin = egui::Margin { left: 12, right: 12, top: 8, bottom: 6 };

/// The keys of a chart in a card that is so wide.
pub(in crate::ui) fn keys(ui: &Ui, chart: &Chart<'_>, width: f32) -> Keys {
    Keys::of(ui.painter(), chart, width - f32::from(MARGIN.left + MARGIN.right), keys::LINES)
}

/// Draws a chart of a height, to which that of its keys comes.
pub(in crate::ui) fn chart_ui(
    ui: &mut Ui,
    (chart, keys): (&Chart<'_>, &Keys),
    height: f32,
    look: &Look<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    widgets::card_frame(ui).inner_margin(MARGIN).show(ui, |ui| {
        ui.set_height(height + keys.height() - f32::from(MARGIN.top + MARGIN.bottom) - 2.0);
        ui.set_min_width(ui.available_width());
        if !ui.is_rect_visible(ui.max_rect()) {
            return;
        }
        ui.push_id(&chart.id, |ui| {
            ui.horizontal(|ui| head_ui(ui, chart, look, &mut outcome));
            if chart.is_empty() {
                return widgets::empty(ui, "Nothing to show yet", &chart.empty);
            }
            let rect = ui.available_rect_before_wrap();
            let place = rect.with_min_y(rect.bottom() - keys.height());
            let (lit, turned) = keys.ui(ui, place, chart, look);
            outcome.turned = outcome.turned.take().or(turned);
            plot_ui(ui, (chart, keys), rect.size() - vec2(0.0, keys.height()), &Look { lit, ..*look }, &mut outcome);
            ui.advance_cursor_after_rect(rect);
        });
    });
    outcome
}

/// The marks of an axis of a plot for egui_plot: at the transformed values, and all of the same strength.
fn marks(input: &GridInput, axis: &Axis, ticks: fn(&Axis, f64) -> Vec<(f64, String)>) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let points = (to - from) / input.base_step_size * f64::from(SPACING.min);
    let scale = Scale { from: axis.scale.unwarp(from), to: axis.scale.unwarp(to), ..axis.scale };
    let mark = |(value, _)| GridMark { value: scale.warp(value), step_size: to - from };
    ticks(&Axis { scale, ..*axis }, points).into_iter().map(mark).collect()
}

/// The words for such a mark. What a logarithm and back have moved in the last digits is put right.
fn written(axis: &Axis, mark: GridMark) -> String {
    let value = axis.scale.unwarp(mark.value);
    axis.form.tick(if axis.scale.log { format!("{value:.9e}").parse().unwrap_or(value) } else { value })
}

fn plot_ui(ui: &mut Ui, (chart, keys): (&Chart<'_>, &Keys), size: egui::Vec2, look: &Look<'_>, outcome: &mut Outcome) {
    let p = widgets::palette(ui);
    let x = look.x();
    // The ends of the axis of values follow when the width is known.
    let y = Axis { scale: Scale { from: 0.0, to: 1.0, log: look.is_log(&chart.id) }, form: chart.form };
    let hints = |hints: AxisHints<'static>, thickness| {
        let hints = hints.tick_label_font(FontId::monospace(10.5)).tick_label_color(p.muted);
        hints.label_spacing(Rangef::new(0.0, 1.0)).min_thickness(thickness)
    };
    let plot = Plot::new("plot")
        .width(size.x - RIGHT)
        .height(size.y)
        .custom_x_axes(vec![hints(AxisHints::new_x(), BELOW).formatter(move |mark, _| written(&x, mark))])
        .custom_y_axes(vec![hints(AxisHints::new_y(), LEFT).formatter(move |mark, _| written(&y, mark))])
        .x_grid_spacer(move |input| marks(&input, &x, Drawing::x_ticks))
        .y_grid_spacer(move |input| marks(&input, &y, Drawing::y_ticks))
        .grid_spacing(SPACING)
        .grid_color(p.border.gamma_multiply(0.7))
        .grid_fade(0.0)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .label_formatter(|_| None)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .allow_axis_zoom_drag(false)
        .allow_zoom([true, false])
        .allow_drag([true, false])
        .pan_pointer_button(PointerButton::Secondary);
    let shown = plot.show(ui, |plot| {
        let drawing = describe(p, chart, look, plot.response().rect.width() as usize);
        let (x, y) = (drawing.x.scale, drawing.y.scale);
        plot.set_plot_bounds_x(x.warp(x.from)..=x.warp(x.to));
        plot.set_plot_bounds_y(y.warp(y.from)..=y.warp(y.to));
        plot.add(Item::new(drawing));
        (x, y)
    });
    let response = shown.response;
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, described(chart)));
    let (x, y) = shown.inner;
    let area = Area { transform: shown.transform, x, y };
    area.moved(ui, &response, outcome);
    area.pointer(ui, &response, look, outcome);
    if keys.has_more() && outcome.cursor.is_some() && !response.dragged() {
        response.on_hover_ui_at_pointer(|ui| keys::all_ui(ui, chart, look));
    }
}

/// What a screen reader says of a chart.
fn described(chart: &Chart<'_>) -> String {
    let value = |curve: &Line<'_>| {
        let (place, value) = curve.source.last()?;
        Some(format!("{} {} at {}", curve.name, chart.form.reading(value).trim(), Form::Count.reading(place)))
    };
    let values: Vec<String> = chart.curves.iter().filter_map(value).collect();
    format!("Chart of {}, {}", chart.title, values.join(", "))
}

fn head_ui(ui: &mut Ui, chart: &Chart<'_>, look: &Look<'_>, outcome: &mut Outcome) {
    let p = widgets::palette(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let name = format!("Options of {}", chart.title);
        let button = glyph::button(ui, Glyph::Dots, vec2(22.0, 18.0), false, &name);
        egui::Popup::menu(&button).show(|ui| menu_ui(ui, chart, look, outcome));
        let beside = chart.curves.iter().filter(|curve| !curve.below);
        let several = beside.clone().count() > 1;
        for curve in beside.rev() {
            let hidden = look.view.hides(&chart.id, &curve.name);
            let text = chart.reading(curve, look.cursor.or(look.at));
            let color = if hidden { p.muted } else { p.strong };
            widgets::number(ui, format!("{text:>8}"), color).on_hover_text(&*curve.name);
            if several {
                let name = RichText::new(&*curve.name).small();
                let name = if hidden { name.color(p.muted).strikethrough() } else { name.color(curve.color) };
                let key = ui.add(egui::Label::new(name).sense(Sense::click())).on_hover_text(keys::HINT);
                key.widget_info(|| keys::info(chart, curve, !hidden));
                if key.clicked() {
                    outcome.turned = Some(curve.name.clone().into_owned());
                }
            }
        }
        // Last, so that in a narrow chart it is the title that is cut, and not run over by the values.
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let title = egui::Label::new(RichText::new(&chart.title).strong().color(p.strong)).truncate();
            let title = ui.add(title);
            if !chart.about.is_empty() {
                title.on_hover_text(chart.about);
            }
            if !chart.note.is_empty() {
                let note = egui::Label::new(RichText::new(&chart.note).small().color(p.muted)).truncate();
                ui.add(note).on_hover_text("Images on either side of the newest score");
            }
        });
    });
}

fn menu_ui(ui: &mut Ui, chart: &Chart<'_>, look: &Look<'_>, outcome: &mut Outcome) {
    ui.set_min_width(170.0);
    let mut log = look.is_log(&chart.id);
    let log = ui.checkbox(&mut log, "Logarithmic values").on_hover_text("Values of 0 and below have no place then");
    outcome.log = log.clicked();
    outcome.hide = ui.button("Hide this chart").on_hover_text("The menu Charts above shows it again").clicked();
    ui.separator();
    for format in FigureFormat::ALL {
        if ui.add_enabled(!chart.is_empty(), egui::Button::new(format!("Save as {}…", format.name()))).clicked() {
            outcome.save = Some(format);
        }
    }
}

/// Whether it ends a press of the primary button.
fn is_release(event: &Event) -> bool {
    matches!(event, Event::PointerButton { button: PointerButton::Primary, pressed: false, .. })
}

/// Where a chart was drawn.
struct Area {
    transform: PlotTransform,
    x: Scale,
    y: Scale,
}

impl Area {
    fn rect(&self) -> Rect {
        *self.transform.frame()
    }

    /// The place and the value at a point of the screen.
    fn at(&self, point: Pos2) -> (f64, f64) {
        let at = self.transform.value_from_position(point);
        (self.x.unwarp(at.x), self.y.unwarp(at.y))
    }

    fn x_of(&self, place: f64) -> f32 {
        self.transform.position_from_point_x(self.x.warp(place))
    }

    /// What egui_plot's own gestures, zooming with Ctrl and the wheel and dragging with the secondary button, led to.
    fn moved(&self, ui: &Ui, response: &Response, outcome: &mut Outcome) {
        let bounds = self.transform.bounds();
        let (from, to) = (self.x.unwarp(bounds.min()[0]), self.x.unwarp(bounds.max()[0]));
        let same = |a: f64, b: f64| (a - b).abs() <= (self.x.to - self.x.from) * 1e-6;
        if same(from, self.x.from) && same(to, self.x.to) {
            return;
        }
        outcome.range = Some(if response.dragged() {
            let back = if self.x.log { 0.0 } else { (-from).max(0.0) };
            (from + back, to + back)
        } else if to - from < LEAST {
            let middle = f64::midpoint(from, to);
            ((middle - LEAST / 2.0).max(0.0), middle + LEAST / 2.0)
        } else {
            (from.max(0.0), to)
        });
        ui.ctx().request_repaint();
    }

    /// Cursor, pins, and zooming by dragging.
    fn pointer(&self, ui: &Ui, response: &Response, look: &Look<'_>, outcome: &mut Outcome) {
        let at = response.hover_pos().or(response.interact_pointer_pos());
        let at = at.filter(|at| self.rect().x_range().contains(at.x));
        // A step is a whole one.
        let whole = |place: f64| if look.view.by_time { (place * 10.0).round() / 10.0 } else { place.round() };
        let place = at.map(|at| whole(self.at(at).0).max(0.0));
        if let (Some(at), Some(place)) = (at, place) {
            outcome.cursor = Some(place);
            self.tell_place(ui, at, place, look);
        }
        let memory = response.id.with("drag");
        if response.drag_started_by(PointerButton::Primary) {
            let origin = ui.input(|input| input.pointer.press_origin());
            ui.data_mut(|data| data.insert_temp(memory, origin.unwrap_or_default()));
        }
        let stopped = response.drag_stopped_by(PointerButton::Primary);
        if response.dragged_by(PointerButton::Primary) || stopped {
            // When the button is released, where it went down is forgotten by all but us.
            let from = ui.data(|data| data.get_temp::<Pos2>(memory));
            if let Some(ends) = from.zip(ui.input(|input| input.pointer.latest_pos())) {
                self.drag(ui, stopped, ends, outcome);
            }
        }
        outcome.reset = response.double_clicked();
        // Both clicks of a double click may come in one slow frame: then the second takes back what the first did.
        let clicks = ui.input(|input| input.events.iter().filter(|event| is_release(event)).count());
        if let (true, Some(at), Some(place)) = (response.clicked() && clicks != 2, at, place) {
            let near = |pin: &&f64| (self.x_of(**pin) - at.x).abs() <= HIT;
            outcome.pin = Some(look.view.pins.iter().find(near).copied().unwrap_or(place));
        }
    }

    /// The chosen part while the pointer is dragged, and what it shows when that ends.
    fn drag(&self, ui: &Ui, stopped: bool, (from, to): (Pos2, Pos2), outcome: &mut Outcome) {
        let (from, to) = (self.rect().clamp(from), self.rect().clamp(to));
        let boxed = (to.y - from.y).abs() > BOX;
        let mut chosen = Rect::from_two_pos(from, to);
        if !boxed {
            chosen = Rect::from_x_y_ranges(chosen.x_range(), self.rect().y_range());
        }
        let p = widgets::palette(ui);
        let stroke = Stroke::new(1.0, p.accent);
        ui.painter().rect(chosen, 0.0, p.accent.gamma_multiply(0.15), stroke, StrokeKind::Inside);
        if stopped && chosen.width() > DRAGGED {
            let ((left, low), (right, high)) = (self.at(chosen.left_bottom()), self.at(chosen.right_top()));
            outcome.range = Some((left.max(0.0), right));
            outcome.values = boxed.then_some((low, high));
        }
    }

    /// The place under the pointer, and what happened near it.
    fn tell_place(&self, ui: &Ui, at: Pos2, place: f64, look: &Look<'_>) {
        let p = widgets::palette(ui);
        let near = |mark: &&Mark| !mark.about.is_empty() && (self.x_of(mark.at) - at.x).abs() <= HIT;
        let about = look.marks.iter().find(near).map(|mark| format!(": {}", mark.about));
        let text = format!("{}{}", look.view.told(place), about.unwrap_or_default());
        let font = FontId::proportional(theme::SMALL);
        let rect = self.rect();
        let galley = ui.painter().layout(text, font, p.strong, rect.width() - 16.0);
        let right = at.x + 12.0 + galley.size().x < rect.right();
        let corner = if right { pos2(at.x + 8.0, rect.bottom() - 4.0) } else { pos2(at.x - 8.0, rect.bottom() - 4.0) };
        let align = if right { Align2::LEFT_BOTTOM } else { Align2::RIGHT_BOTTOM };
        let place = align.anchor_size(corner, galley.size());
        // A long text about what happened there has room on neither side.
        let least = rect.left() + 8.0;
        let place = if place.left() < least { place.translate(vec2(least - place.left(), 0.0)) } else { place };
        ui.painter().rect_filled(place.expand2(vec2(4.0, 2.0)), 3.0, p.surface.gamma_multiply(0.9));
        ui.painter().galley(place.min, galley, p.strong);
    }
}
