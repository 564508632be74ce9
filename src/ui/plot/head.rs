//! What stands above the charts of a page: which are shown and how, how much they are smoothed, and the way back to everything.

use egui::{PopupCloseBehavior, Slider, Ui, WidgetInfo};

use super::super::{glyph, widgets};
use super::view::toggle;
use super::{Ask, Chart, ChartSettings, FigureFormat, View};

/// What may be done with all charts of a page.
pub(in crate::ui) struct Head<'a, 'c> {
    pub charts: &'a [Chart<'c>],
    /// Whether scores of single classes may be shown; nothing where they are chosen in another way.
    pub classes: Option<bool>,
    /// Whether steps or seconds are chosen here.
    pub axis: bool,
    /// Points that the slider may take.
    pub slider: f32,
}

const HELP: &str = "Point at a chart to read all curves at a step. Click to pin a step. Drag to zoom into steps, or into a box where you drag up or down too; Ctrl and the wheel zoom as well, and the right button moves the steps; a double click shows everything again. A click on a curve's name hides it.";

/// Menu and slider, from the right to the left; returns what is to be saved.
pub(in crate::ui) fn head_ui(
    ui: &mut Ui,
    head: &Head<'_, '_>,
    smoothing: &mut f64,
    settings: &mut ChartSettings,
) -> Option<Ask> {
    ui.spacing_mut().slider_width = head.slider;
    let slider = ui.add(Slider::new(smoothing, 0.0..=0.99).show_value(false));
    slider.widget_info(|| WidgetInfo::slider(true, *smoothing, "Smoothing"));
    slider.on_hover_text("Time-weighted moving average of what changes with every step; the range of the raw values stays visible behind it");
    if ui.available_width() > 250.0 {
        widgets::small(ui, "Smoothing");
    }
    let menu = egui::containers::menu::MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let menu = glyph::menu_with(ui, "Charts", menu, |ui| menu_ui(ui, head, settings));
    menu.response.on_hover_text(HELP);
    menu.inner.flatten()
}

/// The way back to everything, where not all is shown.
pub(in crate::ui) fn whole_ui(ui: &mut Ui, view: &mut View) {
    if view.is_zoomed() {
        let whole = ui.small_button("Whole run").on_hover_text("Show all steps and values again (double click)");
        if whole.clicked() {
            view.show_all();
        }
    }
}

fn menu_ui(ui: &mut Ui, head: &Head<'_, '_>, settings: &mut ChartSettings) -> Option<Ask> {
    ui.set_min_width(220.0);
    widgets::small(ui, "Shown");
    for chart in head.charts {
        let mut shown = !settings.hidden.contains(&chart.id);
        if ui.checkbox(&mut shown, &chart.title).clicked() {
            toggle(&mut settings.hidden, &chart.id);
        }
    }
    ui.separator();
    ui.checkbox(&mut settings.log_x, "Logarithmic steps").on_hover_text("More room for the beginning of the run");
    if head.axis {
        ui.checkbox(&mut settings.by_time, "Over time").on_hover_text("Time of training, without pauses and scores");
    }
    ui.checkbox(&mut settings.ignore_outliers, "Leave outliers out")
        .on_hover_text("Axes of values go from the 1st to the 99th percentile of what is shown, so that single spikes do not flatten a curve; a spike then leaves the chart");
    if let Some(classes) = head.classes {
        ui.add_enabled(classes, egui::Checkbox::new(&mut settings.classes, "Scores of each class"))
            .on_disabled_hover_text("This run has scores of all classes together alone");
    }
    ui.separator();
    let mut asked = None;
    for format in FigureFormat::ALL {
        if ui.button(format!("Save all as {}…", format.name())).clicked() {
            let charts = head.charts.iter().filter(|chart| !settings.hidden.contains(&chart.id));
            asked = Some(Ask { charts: charts.map(|chart| chart.id.clone()).collect(), format });
            ui.close();
        }
    }
    asked
}
