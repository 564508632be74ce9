//! Places that were pinned: the values of every curve at each of them.

use egui::{Align, Grid, Layout, Panel, RichText, ScrollArea, Ui, Vec2};

use super::super::glyph::{self, Glyph};
use super::super::widgets;
use super::{Chart, View};
use crate::event::Form;

/// The values at the pins of a page; nothing where there are none. Returns a place that is to be gone to, where the page can do that.
pub(in crate::ui) fn pins_ui(ui: &mut Ui, view: &mut View, charts: &[&Chart<'_>], goes: bool) -> Option<f64> {
    if view.pins.is_empty() {
        return None;
    }
    let what = if view.by_time { "Pinned times" } else { "Pinned steps" };
    // Below the charts, so that they stay where they are.
    let frame = widgets::card_frame(ui).inner_margin(egui::Margin::symmetric(12, 6));
    let panel =
        Panel::bottom(ui.scope_id().with("pins")).frame(frame).resizable(true).default_size(170.0).min_size(80.0);
    let panel = panel.max_size(ui.available_height() * 0.6).show_separator_line(false);
    let shown = panel.show(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::title(ui, what).on_hover_text("Click into a chart to set a pin, and again to take the pin out");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.small_button("Remove all pins").clicked() {
                    view.pins.clear();
                }
            });
        });
        let area = ScrollArea::both().id_salt("pins").auto_shrink(false);
        area.show(ui, |ui| table_ui(ui, view, charts, goes)).inner
    });
    shown.inner
}

fn table_ui(ui: &mut Ui, view: &mut View, charts: &[&Chart<'_>], goes: bool) -> Option<f64> {
    let p = widgets::palette(ui);
    let (mut removed, mut gone) = (None, None);
    let told = |place: f64| if view.by_time { view.told(place) } else { Form::Count.reading(place) };
    ui.spacing_mut().interact_size.y = 16.0;
    let grid = Grid::new("pinned").num_columns(view.pins.len() + 1).striped(true).min_row_height(16.0);
    grid.spacing([14.0, 2.0]).show(ui, |ui| {
        widgets::small(ui, "Curve");
        for place in &view.pins {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                if !goes {
                    widgets::number(ui, told(*place), p.text);
                } else if ui.small_button(told(*place)).on_hover_text("Show the samples of this step").clicked() {
                    gone = Some(*place);
                }
                let name = format!("Remove the pin at {}", told(*place));
                if glyph::button(ui, Glyph::Cross, Vec2::splat(16.0), false, &name).clicked() {
                    removed = Some(*place);
                }
            });
        }
        ui.end_row();
        for chart in charts {
            let shown = |curve: &&super::Line<'_>| !view.hides(&chart.id, &curve.name);
            for curve in chart.curves.iter().filter(|curve| curve.source.last().is_some()).filter(shown) {
                let own = if chart.curves.len() > 1 { &curve.name } else { "" };
                let text = format!("{} {own}", short(&chart.title));
                ui.label(RichText::new(text.trim()).small().color(curve.color));
                for place in &view.pins {
                    widgets::number(ui, format!("{:>8}", chart.reading(curve, Some(*place))), p.text);
                }
                ui.end_row();
            }
        }
    });
    if let Some(place) = removed {
        view.pins.retain(|pin| *pin != place);
    }
    gone
}

/// A title without what stands in brackets.
fn short(title: &str) -> &str {
    title.split(" (").next().unwrap_or(title)
}
