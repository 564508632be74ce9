//! The charts of every page: one look, one set of gestures, one way to save them. egui_plot gives them axes, grid and input; what is
//! drawn is described plainly by [`chart`](crate::chart), whose logarithms are straight axes of transformed values to it.

mod chart_ui;
mod figure;
mod head;
mod item;
mod keys;
mod pins;
mod steps;
mod table;
mod view;

use std::borrow::Cow;

use egui::Color32;

use super::theme::Palette;
use crate::chart::{Axis, Color, Curve, Drawing, Mark, Scale, span};
use crate::event::Form;

pub use super::request::FigureFormat;
pub(super) use chart_ui::{chart_ui, keys};
pub use figure::pixels;
pub(super) use figure::{Ask, Page, save};
pub(super) use head::{Head, head_ui, whole_ui};
pub(super) use keys::Keys;
pub(super) use pins::pins_ui;
pub(super) use steps::Steps;
pub use view::ChartSettings;
pub(super) use view::View;

/// Places that are to be drawn.
pub(super) struct Window<'a> {
    pub from: f64,
    pub to: f64,
    /// The edges of the columns of pixels.
    pub edges: &'a [f64],
    /// From 0 to 1.
    pub smoothing: f64,
}

/// Places and values in a table.
pub(super) type Points<'a> = Box<dyn Iterator<Item = (f64, f32)> + 'a>;

/// Where a curve comes from. Places are steps or seconds, as the axis has them.
pub(super) trait Source {
    /// What is drawn of it.
    fn draw(&self, window: &Window<'_>) -> Curve;

    /// Some of its values from one place to another, enough for percentiles; none where few are drawn, so that all count.
    fn sample(&self, from: f64, to: f64) -> Vec<f64>;

    /// Its value at a place, or at the nearest one before it.
    fn at(&self, place: f64) -> Option<f64>;

    /// Its last place and value.
    fn last(&self) -> Option<(f64, f64)>;

    /// Every value in it, under the name of their column.
    fn table(&self, name: &str) -> Vec<(String, Points<'_>)>;
}

/// One curve of a chart.
pub(super) struct Line<'a> {
    pub name: Cow<'a, str>,
    pub color: Color32,
    pub source: Box<dyn Source + 'a>,
    pub dashed: bool,
    /// Whether it stands back behind the others.
    pub faint: bool,
    /// Whether its key stands below the chart instead of beside the title.
    pub below: bool,
}

impl<'a> Line<'a> {
    pub fn new(name: impl Into<Cow<'a, str>>, color: Color32, source: impl Source + 'a) -> Self {
        Self { name: name.into(), color, source: Box::new(source), dashed: false, faint: false, below: false }
    }
}

/// A chart of curves.
pub(super) struct Chart<'a> {
    /// Under which it is hidden and zoomed.
    pub id: String,
    pub title: String,
    pub about: &'static str,
    pub curves: Vec<Line<'a>>,
    /// How its values are written.
    pub form: Form,
    /// Whether the slider smooths it.
    pub smoothed: bool,
    /// What is said beside the title.
    pub note: String,
    /// What is said where there is nothing to show yet; without it, there is no chart then.
    pub empty: String,
}

impl<'a> Chart<'a> {
    pub fn new(id: &str, title: &str, about: &'static str, form: Form, curves: Vec<Line<'a>>) -> Self {
        let (id, title, note, empty) = (id.to_owned(), title.to_owned(), String::new(), String::new());
        Self { id, title, about, curves, form, smoothed: false, note, empty }
    }

    /// Whether nothing was told of what it shows.
    pub fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.source.last().is_none())
    }

    /// What a curve reads at a place, or at its end.
    fn reading(&self, curve: &Line<'_>, place: Option<f64>) -> String {
        let value = match place {
            Some(place) => curve.source.at(place),
            None => curve.source.last().map(|(_, value)| value),
        };
        value.map_or_else(|| "–".to_owned(), |value| self.form.reading(value))
    }
}

/// What a chart is drawn with.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub view: &'a View,
    pub settings: &'a ChartSettings,
    /// The place of the last step.
    pub end: f64,
    /// From 0 to 1.
    pub smoothing: f64,
    pub marks: &'a [Mark],
    /// The place whose samples are shown.
    pub at: Option<f64>,
    /// The place under the pointer.
    pub cursor: Option<f64>,
    /// The number of a curve that stands out from the others.
    pub lit: Option<usize>,
}

impl Look<'_> {
    fn x(&self) -> Axis {
        let (from, to) = self.view.range.unwrap_or((0.0, self.end));
        // Where a logarithm begins: the first step, or so short a time that it is little of all.
        let first = if self.view.by_time { (to / 1e4).clamp(1e-3, 1.0) } else { 1.0 };
        let from = if self.settings.log_x { from.max(first) } else { from };
        let form = if self.view.by_time { Form::Duration } else { Form::Count };
        Axis { scale: Scale { from, to: to.max(from + 1.0), log: self.settings.log_x }, form }
    }

    fn is_log(&self, chart: &str) -> bool {
        self.settings.log_y.iter().any(|id| id == chart)
    }
}

fn plain(color: Color32) -> Color {
    color.to_srgba_unmultiplied()
}

/// Describes a chart where it is so many pixels wide.
pub(super) fn describe(p: &Palette, chart: &Chart<'_>, look: &Look<'_>, columns: usize) -> Drawing {
    let (x, columns) = (look.x(), columns.max(1));
    let Scale { from, to, .. } = x.scale;
    let (start, end) = (x.scale.warp(from), x.scale.warp(to));
    let place = |at: usize| x.scale.unwarp(start + (end - start) * at as f64 / columns as f64);
    let edges: Vec<f64> = (0..=columns).map(place).collect();
    let smoothing = if chart.smoothed { look.smoothing } else { 0.0 };
    let window = Window { from, to, edges: &edges, smoothing };
    let shown = chart.curves.iter().enumerate().filter(|(_, curve)| !look.view.hides(&chart.id, &curve.name));
    let mut curves: Vec<(usize, Curve)> = shown.map(|(at, curve)| (at, curve.source.draw(&window))).collect();
    let log = look.is_log(&chart.id);
    let (low, high) = look.view.values.get(&chart.id).copied().unwrap_or_else(|| {
        let mut values: Vec<f64> = Vec::new();
        for (at, curve) in &curves {
            let few = chart.curves[*at].source.sample(from, to);
            if look.settings.ignore_outliers && !few.is_empty() {
                values.extend(few);
            } else {
                values.extend(curve.values());
            }
        }
        span(values, look.settings.ignore_outliers, log)
    });
    for (at, drawn) in &mut curves {
        let line = &chart.curves[*at];
        let (color, width) = match look.lit.map(|lit| lit == *at) {
            Some(true) => (line.color, drawn.width + 0.5),
            Some(false) => (line.color.gamma_multiply(0.25), 1.0),
            None if line.faint => (line.color.gamma_multiply(0.75), 1.0),
            None => (line.color, drawn.width),
        };
        (drawn.color, drawn.width, drawn.dashed, drawn.below) = (plain(color), width, line.dashed, line.below);
        drawn.name = line.name.clone().into_owned();
    }
    // What stands out lies on top.
    curves.sort_by_key(|(at, _)| look.lit == Some(*at));
    let y = Axis { scale: Scale { from: low, to: high, log }, form: chart.form };
    let curves = curves.into_iter().map(|(_, curve)| curve).collect();
    Drawing { title: chart.title.clone(), x, y, curves, marks: marks(p, look, &x.scale) }
}

/// What happened, the pins, the place whose samples are shown, and the one under the pointer.
fn marks(p: &Palette, look: &Look<'_>, x: &Scale) -> Vec<Mark> {
    let pin = |at: &f64| Mark { pin: true, ..Mark::new(*at, plain(p.strong.gamma_multiply(0.8))) };
    let mut marks: Vec<Mark> = look.marks.iter().filter(|mark| x.shows(mark.at)).cloned().collect();
    marks.extend(look.view.pins.iter().map(pin));
    marks.extend(look.at.map(|at| Mark { width: 1.5, ..Mark::new(at, plain(p.flame.gamma_multiply(0.8))) }));
    marks.extend(look.cursor.map(|at| Mark::new(at, plain(p.muted.gamma_multiply(0.7)))));
    marks
}

#[cfg(test)]
mod tests {
    use super::view::Outcome;
    use super::*;
    use crate::chart::Series;

    #[test]
    fn a_hidden_curve_leaves_the_axis_to_the_others() {
        let (mut low, mut high) = (Series::default(), Series::default());
        for step in 1..=8 {
            low.push(step, step as f32);
            high.push(step, 1000.0);
        }
        let line =
            |name: &'static str, series| Line::new(name, Color32::RED, Steps { series, clock: None, marked: false });
        let chart = Chart::new("x", "", "", Form::Scalar, vec![line("low", &low), line("high", &high)]);
        let (mut view, mut settings) = (View::default(), ChartSettings::default());
        let drawn = |view: &View, settings: &ChartSettings| {
            let look =
                Look { view, settings, end: 10.0, smoothing: 0.5, marks: &[], at: None, cursor: None, lit: None };
            describe(super::super::theme::palette(&egui::Visuals::light()), &chart, &look, 100)
        };
        assert!(drawn(&view, &settings).y.scale.to > 1000.0);
        let mut outcome = Outcome { turned: Some("high".to_owned()), log: true, ..Outcome::default() };
        view.obey("x", &mut outcome, &mut settings);
        let drawing = drawn(&view, &settings);
        assert!(drawing.y.scale.to < 10.0 && drawing.y.scale.log && drawing.curves.len() == 1, "{drawing:?}");
        outcome = Outcome { turned: Some("high".to_owned()), ..Outcome::default() };
        view.obey("x", &mut outcome, &mut settings);
        assert_eq!(drawn(&view, &settings).curves.len(), 2);
    }
}
