//! Steps that were pinned: the values of every curve at each of them.

use egui::{Align, Grid, Layout, Panel, RichText, ScrollArea, Ui, Vec2};

use super::super::glyph::{self, Glyph};
use super::super::{format, widgets};
use super::charts::Chart;
use super::{Asked, Charts};

/// Steps that can be pinned at a time.
pub(super) const MOST: usize = 12;

impl Charts {
    /// The values at the pinned steps; nothing where none is.
    pub(super) fn pins_ui(&mut self, ui: &mut Ui, charts: &[&Chart<'_>], asked: &mut Asked) {
        if self.pins.is_empty() {
            return;
        }
        // Below the charts, so that they stay where they are.
        let frame = widgets::card_frame(ui).inner_margin(egui::Margin::symmetric(12, 6));
        let panel = Panel::bottom("pinned-steps").frame(frame).resizable(true).default_size(170.0).min_size(80.0);
        panel.max_size(ui.available_height() * 0.6).show_separator_line(false).show(ui, |ui| {
            ui.horizontal(|ui| {
                widgets::title(ui, "Pinned steps")
                    .on_hover_text("Click into a chart to pin a step, and again to take the pin out");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.small_button("Remove all pins").clicked() {
                        self.pins.clear();
                    }
                });
            });
            let area = ScrollArea::both().id_salt("pins").auto_shrink(false);
            area.show(ui, |ui| self.table_ui(ui, charts, asked));
        });
    }

    fn table_ui(&mut self, ui: &mut Ui, charts: &[&Chart<'_>], asked: &mut Asked) {
        let p = widgets::palette(ui);
        let mut removed = None;
        ui.spacing_mut().interact_size.y = 16.0;
        Grid::new("pinned")
            .num_columns(self.pins.len() + 1)
            .striped(true)
            .min_row_height(16.0)
            .spacing([14.0, 2.0])
            .show(ui, |ui| {
                widgets::small(ui, "Curve");
                for step in &self.pins {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 2.0;
                        let go = ui.small_button(format::count(*step)).on_hover_text("Show the samples of this step");
                        if go.clicked() {
                            asked.go_to = Some(*step);
                        }
                        let name = format!("Remove the pin at {}", format::count(*step));
                        if glyph::button(ui, Glyph::Cross, Vec2::splat(16.0), false, &name).clicked() {
                            removed = Some(*step);
                        }
                    });
                }
                ui.end_row();
                for chart in charts {
                    for curve in chart.curves.iter().filter(|curve| !curve.series.is_empty()) {
                        let own = if chart.curves.len() > 1 { curve.name } else { "" };
                        let text = format!("{} {own}", short(&chart.title));
                        ui.label(RichText::new(text.trim()).small().color(curve.color));
                        for step in &self.pins {
                            let value = curve.series.at(*step as f64).map(|value| (chart.write)(value.into()));
                            widgets::number(ui, format!("{:>8}", value.unwrap_or_else(|| "–".to_owned())), p.text);
                        }
                        ui.end_row();
                    }
                }
            });
        if let Some(step) = removed {
            self.pins.retain(|pin| *pin != step);
        }
    }
}

/// A title without what stands in brackets.
fn short(title: &str) -> &str {
    title.split(" (").next().unwrap_or(title)
}
