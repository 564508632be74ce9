//! Paints a chart: axes, marks and curves. The same code draws the window and the pictures that are saved.

use egui::epaint::{BandPoint, BandShape};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2};

use super::super::format;
use super::super::series::{Bucket, smooth_buckets};
use super::super::stages::StageMark;
use super::super::theme::{self, Palette};
use super::charts::{Chart, Curve};
use super::scale::{Scale, span};

/// Room for the numbers left of and below the plot.
const LEFT: f32 = 54.0;
const BOTTOM: f32 = 16.0;
/// Points between two numbers of an axis, at least.
const X_APART: f32 = 90.0;
const Y_APART: f32 = 26.0;
/// Values of a curve that are looked at for the range of its axis where outliers are left out.
const SAMPLED: usize = 1000;

/// What happened at steps, marked in every chart.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Steps at which alarms were raised.
    pub alarms: Vec<f64>,
    /// Steps after which settings were changed, and what was changed.
    pub edits: Vec<(f64, String)>,
    /// Stages of a growing network.
    pub stages: Vec<StageMark>,
}

/// How a chart is looked at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// The steps that are shown.
    pub x: (f64, f64),
    pub log_x: bool,
    /// The values that are shown, where that was chosen.
    pub y: Option<(f64, f64)>,
    pub log_y: bool,
    pub ignore_outliers: bool,
    /// From 0 to 1.
    pub smoothing: f64,
    pub marks: &'a Marks,
    pub pins: &'a [usize],
    /// The step whose samples are shown.
    pub at: Option<usize>,
    /// The step under the pointer.
    pub cursor: Option<f64>,
    /// The number of a curve that stands out from the others.
    pub lit: Option<usize>,
}

/// Where a chart was painted.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub rect: Rect,
    pub x: Scale,
    pub y: Scale,
}

/// Paints a chart into a rectangle.
pub(super) fn chart(painter: &Painter, p: &Palette, rect: Rect, chart: &Chart<'_>, look: &Look<'_>) -> Area {
    let plot =
        Rect::from_min_max(pos2(rect.left() + LEFT, rect.top() + 2.0), pos2(rect.right(), rect.bottom() - BOTTOM));
    let (from, to) = look.x;
    let from = if look.log_x { from.max(1.0) } else { from };
    let to = to.max(from + 1.0);
    let x = Scale { from, to, start: plot.left(), end: plot.right(), log: look.log_x };
    let columns = (plot.width().max(1.0)) as usize;
    let edges: Vec<f64> = (0..=columns).map(|at| x.value(plot.left() + at as f32)).collect();
    let seen: Vec<Vec<Bucket>> = chart.curves.iter().map(|curve| curve.series.columns(&edges)).collect();
    let (low, high) = look.y.unwrap_or_else(|| values(chart, &seen, look, (from, to)));
    let y = Scale { from: low, to: high, start: plot.bottom(), end: plot.top(), log: look.log_y };
    let area = Area { rect: plot, x, y };
    axes(painter, p, &area, chart.tick);
    let inside = painter.with_clip_rect(plot.intersect(painter.clip_rect()));
    marks(&inside, p, &area, look);
    let smoothing = if chart.smoothed { look.smoothing } else { 0.0 };
    // What stands out lies on top.
    let (others, lit): (Vec<_>, Vec<_>) = (0..seen.len()).partition(|number| look.lit != Some(*number));
    for number in others.into_iter().chain(lit) {
        draw(&inside, &area, &chart.curves[number], &seen[number], smoothing, look.lit.map(|lit| lit == number));
    }
    if let Some(step) = look.cursor {
        vertical(&inside, &area, step, Stroke::new(1.0, p.muted.gamma_multiply(0.7)), 0.0);
    }
    area
}

/// The range of the values on the screen.
fn values(chart: &Chart<'_>, seen: &[Vec<Bucket>], look: &Look<'_>, (from, to): (f64, f64)) -> (f64, f64) {
    let mut values: Vec<f64> = Vec::new();
    for (curve, buckets) in chart.curves.iter().zip(seen) {
        if look.ignore_outliers && !curve.marked {
            values.extend(curve.series.sample(from, to, SAMPLED).map(f64::from));
        } else {
            values.extend(buckets.iter().flat_map(|bucket| [bucket.min, bucket.max]).map(f64::from));
        }
    }
    span(values, look.ignore_outliers, look.log_y)
}

fn axes(painter: &Painter, p: &Palette, area: &Area, tick: fn(f64) -> String) {
    let font = FontId::monospace(10.5);
    let Area { rect, x, y } = area;
    let grid = Stroke::new(1.0, p.border.gamma_multiply(0.7));
    for value in y.ticks(f64::from(rect.height() / Y_APART).max(2.0)) {
        let at = y.place(value);
        painter.hline(rect.x_range(), at, grid);
        painter.text(pos2(rect.left() - 6.0, at), Align2::RIGHT_CENTER, tick(value), font.clone(), p.muted);
    }
    for value in x.ticks(f64::from(rect.width() / X_APART).max(2.0)) {
        let at = x.place(value);
        painter.vline(at, rect.y_range(), grid);
        let align = if at > rect.right() - 24.0 { Align2::RIGHT_TOP } else { Align2::CENTER_TOP };
        let text = format::count(value.max(0.0).round() as usize);
        painter.text(pos2(at.min(rect.right()), rect.bottom() + 3.0), align, text, font.clone(), p.muted);
    }
}

/// Stages, alarms, edits, pinned steps and the step whose samples are shown.
fn marks(painter: &Painter, p: &Palette, area: &Area, look: &Look<'_>) {
    let mut named = None;
    for stage in &look.marks.stages {
        let dash = if stage.fading { 2.0 } else { 0.0 };
        vertical(painter, area, stage.step as f64, Stroke::new(1.0, p.muted.gamma_multiply(0.5)), dash);
        if named != Some(stage.resolution) {
            named = Some(stage.resolution);
            let at = pos2(area.x.place(stage.step as f64) + 4.0, area.rect.top());
            let text = format!("{} px", stage.resolution);
            painter.text(at, Align2::LEFT_TOP, text, FontId::proportional(10.5), p.muted);
        }
    }
    for step in &look.marks.alarms {
        vertical(painter, area, *step, Stroke::new(1.0, p.warning), 4.0);
    }
    for (step, _) in &look.marks.edits {
        vertical(painter, area, *step, Stroke::new(1.0, p.accent), 4.0);
    }
    for step in look.pins {
        vertical(painter, area, *step as f64, Stroke::new(1.0, p.strong.gamma_multiply(0.8)), 0.0);
        let at = pos2(area.x.place(*step as f64), area.rect.top());
        let corners = vec![at + egui::vec2(-4.0, 0.0), at + egui::vec2(4.0, 0.0), at + egui::vec2(0.0, 6.0)];
        painter.add(Shape::convex_polygon(corners, p.strong, Stroke::NONE));
    }
    if let Some(step) = look.at {
        vertical(painter, area, step as f64, Stroke::new(1.5, p.flame.gamma_multiply(0.8)), 0.0);
    }
}

/// A line at a step, dashed where `dash` is not 0.
fn vertical(painter: &Painter, area: &Area, step: f64, stroke: Stroke, dash: f32) {
    let at = area.x.place(step);
    if !area.x.has(step) || !area.rect.x_range().expand(1.0).contains(at) {
        return;
    }
    if dash > 0.0 {
        let ends = [pos2(at, area.rect.top()), pos2(at, area.rect.bottom())];
        painter.extend(Shape::dashed_line(&ends, stroke, dash, 3.0));
    } else {
        painter.vline(at, area.rect.y_range(), stroke);
    }
}

/// A curve: where a pixel has several points, their range and their mean; before it, the smoothed curve.
/// `lit` tells whether it is the one that stands out, where any does.
fn draw(painter: &Painter, area: &Area, curve: &Curve<'_>, buckets: &[Bucket], smoothing: f64, lit: Option<bool>) {
    let Some((first, last)) = buckets.first().zip(buckets.last()) else { return };
    let (color, width) = match lit {
        Some(true) => (curve.color, theme::CURVE + 0.5),
        Some(false) => (curve.color.gamma_multiply(0.25), 1.0),
        None if curve.faint => (curve.color.gamma_multiply(0.75), 1.0),
        None => (curve.color, theme::CURVE),
    };
    let behind = smoothing > 0.0;
    let means: Vec<[f64; 2]> = buckets.iter().map(|bucket| [bucket.middle(), bucket.mean()]).collect();
    if buckets.iter().any(|bucket| bucket.count > 1) {
        let fill = color.gamma_multiply(if behind { 0.22 } else { 0.4 });
        band(painter, area, buckets, fill);
    } else if behind {
        line(painter, area, &means, Stroke::new(1.0, color.gamma_multiply(0.25)));
    }
    let shown = if behind { smooth_buckets(buckets, smoothing, (last.last - first.first) as f64) } else { means };
    line(painter, area, &shown, Stroke::new(width, color));
    if curve.marked || shown.len() == 1 {
        for [step, value] in shown.iter().filter(|[_, value]| area.y.has(*value)) {
            painter.circle_filled(pos2(area.x.place(*step), area.y.place(*value)), width + 1.0, color);
        }
    }
}

/// From the smallest to the largest value in each column.
fn band(painter: &Painter, area: &Area, buckets: &[Bucket], fill: Color32) {
    let point = |bucket: &Bucket| {
        let (top, bottom) = (area.y.place(bucket.max.into()), area.y.place(bucket.min.into()));
        // What is one value is still seen.
        BandPoint::new(area.x.place(bucket.middle()), (top - 0.5)..=(bottom + 0.5))
    };
    let mut points: Vec<BandPoint> = Vec::with_capacity(buckets.len());
    for bucket in buckets.iter().filter(|bucket| area.y.has(bucket.max.into())) {
        let point = point(bucket);
        if points.last().is_none_or(|before| before.x < point.x) {
            points.push(point);
        }
    }
    painter.add(Shape::Band(BandShape::filled(points, fill)));
}

/// A line through points; it is broken where a value has no place.
fn line(painter: &Painter, area: &Area, points: &[[f64; 2]], stroke: Stroke) {
    let mut part: Vec<Pos2> = Vec::with_capacity(points.len());
    for [step, value] in points {
        if area.y.has(*value) && area.x.has(*step) {
            part.push(pos2(area.x.place(*step), area.y.place(*value)));
        } else if !part.is_empty() {
            painter.line(std::mem::take(&mut part), stroke);
        }
    }
    if part.len() > 1 {
        painter.line(part, stroke);
    }
}
