//! The curves of the chosen runs over each other.

use std::path::PathBuf;

use egui::{Grid, Id, Label, ScrollArea, Ui, vec2};
use egui_plot::{AxisHints, Plot, VLine};

use super::super::curves::span;
use super::super::{format, theme, widgets};
use super::lines::{Drawn, drawn, reading};
use super::marks::{X_MARKS, Y_MARKS, marks};
use super::{Compare, CompareSettings};
use crate::event::{Form, Number};

/// The least height and width of a chart.
pub(super) const CHART: egui::Vec2 = vec2(330.0, 150.0);

/// Width by height of a chart that reads well.
const ASPECT: f32 = 1.8;

/// What was drawn in a chart: a title, its points, and a colour each.
pub(super) type Drew = Vec<(String, egui::Color32, Vec<[f64; 2]>)>;

impl Compare {
    /// Draws the curves.
    pub(super) fn curves_ui(&mut self, ui: &mut Ui, settings: &CompareSettings, smoothing: f64) {
        let runs = self.runs();
        let groups = drawn(&runs, &settings.grouping);
        let has = |number| runs.iter().any(|(_, run)| run.has(number));
        let charts: Vec<Number> = Number::ALL.iter().copied().filter(|number| has(*number)).collect();
        if charts.is_empty() {
            return widgets::empty(ui, "No curves yet", "They begin with the first step of training");
        }
        let shared = shared(&groups);
        let cursor = self.cursor;
        let mut next = None;
        ScrollArea::vertical().auto_shrink(false).id_salt("compare-curves").show(ui, |ui| {
            let size = tile(ui, charts.len());
            ui.spacing_mut().item_spacing = vec2(theme::GAP, theme::GAP);
            ui.horizontal_wrapped(|ui| {
                for number in &charts {
                    let info = number.info();
                    let tick: fn(f64) -> String = match info.chart.info().form {
                        Form::Number => format::tick,
                        Form::Share => format::percent_tick,
                        Form::Rate => format::rate,
                    };
                    let amount = if number.is_noisy() { smoothing } else { 0.0 };
                    next = next.or(chart_ui(ui, info.title, size, settings, cursor, tick, |plot| {
                        let draw = |group: &Drawn<'_>| {
                            let points = group.curve(plot, *number, settings, amount, groups.len());
                            (group.title(), group.color(), points)
                        };
                        groups.iter().map(draw).collect()
                    }));
                }
            });
        });
        (self.cursor, self.shared) = (next, shared);
    }
}

/// The colours of the runs in their groups.
pub(super) fn shared(groups: &[Drawn<'_>]) -> Vec<(PathBuf, usize)> {
    let of = |group: &Drawn<'_>| group.runs.iter().map(|run| (run.folder.clone(), group.slot)).collect::<Vec<_>>();
    groups.iter().flat_map(of).collect()
}

/// The size of each of so many charts.
fn tile(ui: &Ui, count: usize) -> egui::Vec2 {
    let mut size = tiled(ui.available_size(), count);
    // The last number of an axis stands out a little.
    size.x -= 12.0;
    size
}

/// As many charts beside each other as come nearest to a shape in which curves read well, with few places left empty.
fn tiled(room: egui::Vec2, count: usize) -> egui::Vec2 {
    let most = (((room.x + theme::GAP) / (CHART.x + theme::GAP)) as usize).clamp(1, count.max(1));
    let size = |across: usize| {
        let down = count.div_ceil(across) as f32;
        let width = ((room.x - theme::GAP * (across - 1) as f32) / across as f32).floor();
        let height = ((room.y - theme::GAP * (down - 1.0)) / down).floor();
        vec2(width, height.max(CHART.y))
    };
    let off = |across: &usize| {
        let (size, holes) = (size(*across), count.div_ceil(*across) * across - count);
        (size.x / size.y / ASPECT).ln().abs() + holes as f32 / count.max(1) as f32
    };
    (1..=most).min_by(|a, b| off(a).total_cmp(&off(b))).map_or(CHART, size)
}

/// A chart with its title; returns where the pointer is in it.
pub(super) fn chart_ui(
    ui: &mut Ui,
    title: &str,
    size: egui::Vec2,
    settings: &CompareSettings,
    cursor: Option<f64>,
    tick: fn(f64) -> String,
    draw: impl FnOnce(&mut egui_plot::PlotUi<'_>) -> Drew,
) -> Option<f64> {
    ui.allocate_ui(size, |ui| {
        ui.set_min_size(size);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            if !title.is_empty() {
                widgets::title(ui, title);
            }
            let p = widgets::palette(ui);
            let shown = plot(ui, title, settings.by_time, tick).show(ui, |plot| {
                let drew = draw(plot);
                bound(plot, &drew);
                if let Some(x) = cursor {
                    plot.vline(
                        VLine::new("cursor", x).color(p.muted.gamma_multiply(0.6)).width(1.0).allow_hover(false),
                    );
                }
                let hovered = plot.response().contains_pointer();
                (plot.pointer_coordinate().filter(|_| hovered).map(|point| point.x), drew)
            });
            let (x, drew) = shown.inner;
            if let Some(x) = x {
                shown.response.on_hover_ui_at_pointer(|ui| readings_ui(ui, x, settings.by_time, &drew));
            }
            x
        })
        .inner
    })
    .inner
}

/// Values that are all the same have no range of their own, and would get one of thousands.
fn bound(plot: &mut egui_plot::PlotUi<'_>, drew: &Drew) {
    let values = || drew.iter().flat_map(|(.., points)| points).map(|[_, value]| *value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let auto = plot.auto_bounds();
    if high - low <= low.abs().max(high.abs()) * 1e-6 {
        let (from, to) = span(vec![low, high], false, false);
        plot.set_plot_bounds_y(from..=to);
    } else if !auto.y {
        plot.set_auto_bounds([auto.x, true]);
    }
}

/// What every curve reads under the pointer.
fn readings_ui(ui: &mut Ui, x: f64, by_time: bool, drew: &Drew) {
    let p = widgets::palette(ui);
    let x_text =
        if by_time { format::duration(x.max(0.0)) } else { format!("step {}", format::count(x.max(0.0) as usize)) };
    widgets::small(ui, x_text);
    Grid::new("readings").num_columns(2).min_row_height(16.0).spacing([14.0, 2.0]).show(ui, |ui| {
        for (title, color, points) in drew.iter().filter(|(.., points)| !points.is_empty()) {
            ui.horizontal(|ui| {
                widgets::dot(ui, *color);
                ui.add(Label::new(title).extend());
            });
            let value = reading(points, x).map_or_else(|| "–".to_owned(), |value| format::reading(value as f32));
            widgets::number(ui, format!("{value:>8}"), p.strong);
            ui.end_row();
        }
    });
}

fn plot<'a>(ui: &Ui, title: &str, by_time: bool, tick: fn(f64) -> String) -> Plot<'a> {
    let p = widgets::palette(ui);
    let font = egui::FontId::monospace(10.5);
    let y = AxisHints::new_y().formatter(move |mark, _| tick(mark.value)).min_thickness(46.0).tick_label_color(p.muted);
    let y = y.label_spacing(egui::Rangef::new(8.0, 12.0)).tick_label_font(font.clone());
    let write = move |value: f64| match (value < 0.0, by_time) {
        (true, _) => String::new(),
        (false, true) => format::duration(value),
        (false, false) => format::count(value as usize),
    };
    let x = AxisHints::new_x().formatter(move |mark, _| write(mark.value)).tick_label_color(p.muted);
    let x = x.label_spacing(egui::Rangef::new(40.0, 52.0)).tick_label_font(font);
    Plot::new(("compare", title.to_owned(), by_time))
        .custom_y_axes(vec![y])
        .custom_x_axes(vec![x])
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .grid_color(p.border)
        .show_crosshair(false)
        .label_formatter(|_| None)
        .x_grid_spacer(|input| marks(input, X_MARKS - 2.0))
        .y_grid_spacer(|input| marks(input, Y_MARKS))
        .link_axis(Id::unique(("compare-axis", by_time)), [true, false])
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_drag([true, false])
        .allow_zoom([true, false])
        .allow_axis_zoom_drag([true, false])
        .set_margin_fraction(vec2(0.01, 0.08))
        .include_x(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_stand_in_rows_that_suit_the_room() {
        let across = |room: egui::Vec2, count| {
            let size = tiled(room, count);
            ((room.x + theme::GAP) / (size.x + theme::GAP)).round()
        };
        assert_eq!(across(vec2(2180.0, 700.0), 6), 3.0, "six in one row would be narrow");
        assert_eq!(across(vec2(880.0, 300.0), 6), 2.0);
        assert_eq!(across(vec2(2180.0, 700.0), 1), 1.0);
        assert_eq!(across(vec2(200.0, 100.0), 4), 1.0);
        assert!(tiled(vec2(880.0, 300.0), 6).y >= CHART.y);
    }
}
