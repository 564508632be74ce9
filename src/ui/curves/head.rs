//! The line above the charts: which are shown and how, and how much they are smoothed.

use egui::{Align, Layout, PopupCloseBehavior, Slider, Ui, WidgetInfo};

use super::super::{glyph, widgets};
use super::charts::Chart;
use super::figure::{Ask, FigureFormat};
use super::scores::Scores;
use super::{Asked, ChartSettings, Charts};

impl Charts {
    pub(super) fn head_ui(
        &mut self,
        ui: &mut Ui,
        (charts, scores): (&[Chart<'_>], &Scores),
        smoothing: &mut f64,
        settings: &mut ChartSettings,
        asked: &mut Asked,
    ) {
        ui.horizontal(|ui| {
            let narrow = ui.available_width() < NARROW;
            if !narrow {
                widgets::title(ui, "Curves").on_hover_text(HELP);
            }
            if self.range.is_some() || !self.values.is_empty() {
                let whole = ui.small_button("Whole run").on_hover_text("Show all steps and values again (double click)");
                if whole.clicked() {
                    self.show_all();
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if !narrow {
                    let color = widgets::palette(ui).muted;
                    widgets::number(ui, format!("{smoothing:.2}"), color);
                }
                ui.spacing_mut().slider_width = if narrow { 40.0 } else { 76.0 };
                let slider = ui.add(Slider::new(smoothing, 0.0..=0.99).show_value(false));
                slider.widget_info(|| WidgetInfo::slider(true, *smoothing, "Smoothing"));
                slider.on_hover_text("Time-weighted moving average of what changes with every step; the range of the raw values stays visible behind it");
                if ui.available_width() > 250.0 {
                    widgets::small(ui, "Smoothing");
                }
                let menu = egui::containers::menu::MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
                glyph::menu_with(ui, "Charts", menu, |ui| menu_ui(ui, charts, scores, settings, asked));
                let about = "What the present losses of this run mean, in words";
                widgets::toggle(ui, &mut settings.meaning, "Meaning").on_hover_text(about);
            });
        });
    }
}

/// Below this width only what can be pressed is shown.
const NARROW: f32 = 340.0;

const HELP: &str = "Point at a chart to read all curves at a step. Click to pin a step. Drag to zoom into steps, or into a box where you drag up or down too; Ctrl and the wheel zoom as well; a double click shows everything again. The orange line is the step of the samples on the left.";

fn menu_ui(ui: &mut Ui, charts: &[Chart<'_>], scores: &Scores, settings: &mut ChartSettings, asked: &mut Asked) {
    ui.set_min_width(220.0);
    widgets::small(ui, "Shown");
    for chart in charts {
        let mut shown = !settings.hidden.contains(&chart.id);
        if ui.checkbox(&mut shown, &chart.title).clicked() {
            ChartSettings::toggle(&mut settings.hidden, &chart.id);
        }
    }
    ui.separator();
    ui.checkbox(&mut settings.log_x, "Logarithmic steps").on_hover_text("More room for the beginning of the run");
    ui.checkbox(&mut settings.ignore_outliers, "Leave outliers out")
        .on_hover_text("Axes of values go from the 1st to the 99th percentile of what is shown, so that single spikes do not flatten a curve; a spike then leaves the chart");
    ui.add_enabled(scores.has_classes(), egui::Checkbox::new(&mut settings.classes, "Scores of each class"))
        .on_disabled_hover_text("This run has scores of all classes together alone");
    ui.separator();
    for format in FigureFormat::ALL {
        if ui.button(format!("Save all as {}…", format.name())).clicked() {
            let charts = charts.iter().filter(|chart| !settings.hidden.contains(&chart.id));
            let charts = charts.map(|chart| chart.id.clone()).collect();
            asked.save = Some(Ask { charts, format, classes: settings.classes });
            ui.close();
        }
    }
}
