//! The curves of a run, one chart below the other, with one step axis and one cursor for all.

use egui::{Align, Color32, Id, Layout, RichText, Slider, Ui, WidgetInfo};
use egui_plot::{
    AxisHints, GridInput, GridMark, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoints, PlotUi, Points,
    VLine,
};

use super::run_view::RunView;
use super::series::{Series, outline, smooth_buckets};
use super::stages::{StageMark, draw_marks};
use super::theme::Palette;
use super::{format, theme, widgets};
use crate::event::{Edited, Score};

/// What the user set about the charts, and where the pointer is.
#[derive(Debug, Default)]
pub struct Charts {
    /// The step under the pointer.
    cursor: Option<f64>,
    /// Steps at which alarms were raised.
    alarms: Vec<f64>,
    /// Steps after which settings were changed, and what was changed.
    edits: Vec<(f64, String)>,
    /// Stages of a growing network.
    stages: Vec<StageMark>,
}

/// One curve of a chart.
struct Curve<'a> {
    name: &'static str,
    color: Color32,
    series: &'a Series,
}

/// A chart of curves.
struct Chart<'a> {
    title: &'a str,
    about: &'a str,
    curves: Vec<Curve<'a>>,
    /// How its numbers are written.
    write: fn(f64) -> String,
    /// How the numbers of its axis are written.
    tick: fn(f64) -> String,
    /// Whether the slider smooths it.
    smoothed: bool,
}

impl Charts {
    /// Draws all charts. `smoothing` is the slider, from 0 to 1.
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, smoothing: &mut f64) {
        head_ui(ui, smoothing, self.near(view.step().max(10) as f64));
        let scores = score_groups(view.scores());
        let charts = charts(ui, view);
        let count = charts.len() + scores.len().max(1);
        let gap = theme::GAP - 2.0;
        let each = ((ui.available_height() - gap * (count - 1) as f32) / count as f32).floor();
        let height = each.max(theme::PLOT_HEIGHT + 46.0);
        let end = view.step().max(10) as f64;
        let mut cursor = None;
        self.alarms = view.alarms().iter().map(|entry| entry.alarm.step as f64).collect();
        let told = |edited: &Edited| edited.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.edits = view.edits().iter().map(|edited| (edited.step as f64, told(edited))).collect();
        // The first begins with the run.
        self.stages = view.stages().iter().filter(|stage| stage.step > 0).copied().collect();
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = gap;
            for (at, chart) in charts.iter().enumerate() {
                let amount = if chart.smoothed { *smoothing } else { 0.0 };
                cursor = cursor.or(self.chart_ui(ui, chart, height, amount, end));
                if at == 1 {
                    cursor = cursor.or(self.scores_ui(ui, &scores, height, view, end));
                }
            }
        });
        self.cursor = cursor;
    }

    /// What was changed near the pointer, for a run of so many steps.
    fn near(&self, end: f64) -> Option<String> {
        const REACH: f64 = 0.02; // share of the axis
        let cursor = self.cursor?;
        let distance = |(step, _): &&(f64, String)| (step - cursor).abs();
        let near = self.edits.iter().filter(|edit| distance(edit) <= REACH * end);
        let (step, told) = near.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        Some(format!("After step {}: {told}", format::count(*step as usize)))
    }

    fn chart_ui(&self, ui: &mut Ui, chart: &Chart<'_>, height: f32, smoothing: f64, end: f64) -> Option<f64> {
        framed(ui, height, |ui| {
            ui.horizontal(|ui| {
                widgets::title(ui, chart.title).on_hover_text(chart.about);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    for curve in chart.curves.iter().rev() {
                        let value = match self.cursor {
                            Some(step) => curve.series.at(step),
                            None => curve.series.last().map(|(_, value)| value),
                        };
                        let text = value.map_or_else(|| "–".to_owned(), |value| (chart.write)(value.into()));
                        widgets::number(ui, format!("{text:>8}"), widgets::palette(ui).strong);
                        ui.label(RichText::new(curve.name).color(curve.color).small());
                    }
                });
            });
            let p = widgets::palette(ui);
            plot(ui, chart.title, end, chart.tick)
                .show(ui, |plot| {
                    for curve in &chart.curves {
                        draw_curve(plot, curve, smoothing);
                    }
                    self.marks(plot, p)
                })
                .inner
        })
    }

    fn scores_ui(&self, ui: &mut Ui, groups: &[Group<'_>], height: f32, view: &RunView, end: f64) -> Option<f64> {
        if groups.is_empty() {
            framed(ui, height, |ui| {
                widgets::title(ui, "Frechet distance").on_hover_text(SCORE_ABOUT);
                let text = match view.started().map(|started| started.config.score.every) {
                    Some(0) => "Scores are turned off in this run".to_owned(),
                    Some(every) => format!("The first score comes at step {}", format::count(every)),
                    None => String::new(),
                };
                widgets::empty(ui, "No score yet", &text);
            });
        }
        let mut cursor = None;
        for group in groups {
            cursor = cursor.or(self.score_ui(ui, group, height, view.classes(), end));
        }
        cursor
    }

    fn score_ui(&self, ui: &mut Ui, group: &Group<'_>, height: f32, classes: &[String], end: f64) -> Option<f64> {
        let title = format!("{} ({})", format::metric(group.metric), format::extractor(group.extractor));
        framed(ui, height, |ui| {
            ui.horizontal(|ui| {
                widgets::title(ui, &title).on_hover_text(SCORE_ABOUT);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let all = group.scores.iter().rev().filter(|score| score.class.is_none());
                    let before = |score: &&&Score| self.cursor.is_none_or(|step| score.step as f64 <= step + 0.5);
                    if let Some(score) = all.clone().find(before).or(all.clone().next_back()) {
                        let p = widgets::palette(ui);
                        widgets::number(ui, format!("{:>8.2}", score.value), p.strong);
                        widgets::small(ui, format!("N {}", format::count(score.samples)))
                            .on_hover_text("Images on either side");
                    }
                });
            });
            let p = widgets::palette(ui);
            let formatter = |position: &HoverPosition<'_>| match position {
                HoverPosition::NearDataPoint { plot_name, position, .. } => {
                    Some(format!("{plot_name}\n{:.2} at step {}", position.y, format::count(position.x as usize)))
                }
                HoverPosition::Elsewhere { .. } => None,
            };
            let shown = plot(ui, &title, end, format::tick).label_formatter(formatter).show(ui, |plot| {
                for (at, class) in classes.iter().enumerate() {
                    let color = theme::class_color(at);
                    score_line(plot, class, points_of(group, Some(class)), color.gamma_multiply(0.7), 1.0);
                }
                score_line(plot, "All classes", points_of(group, None), p.accent, 2.0);
                self.marks(plot, p)
            });
            shown.inner
        })
    }

    /// Marks stages, alarms, edits and the step under the pointer in every chart, and says where the pointer is in this one.
    fn marks(&self, plot: &mut PlotUi<'_>, p: &Palette) -> Option<f64> {
        draw_marks(plot, &self.stages, p);
        for step in &self.alarms {
            let line = VLine::new("alarm", *step).id(("alarm", step.to_bits()));
            plot.vline(line.color(p.warning).width(1.0).style(LineStyle::dashed_dense()).allow_hover(false));
        }
        for (step, _) in &self.edits {
            let line = VLine::new("edit", *step).id(("edit", step.to_bits()));
            plot.vline(line.color(p.accent).width(1.0).style(LineStyle::dashed_dense()).allow_hover(false));
        }
        if let Some(step) = self.cursor {
            plot.vline(VLine::new("cursor", step).color(p.muted.gamma_multiply(0.6)).width(1.0).allow_hover(false));
        }
        let hovered = plot.response().contains_pointer();
        plot.pointer_coordinate().filter(|_| hovered).map(|point| point.x)
    }
}

/// What a Frechet distance is, and what it is not.
const SCORE_ABOUT: &str = "How far the features of generated images are from those of real ones; lower is better. \
The features come from the network named here, so the numbers are not the FID of papers, which take Inception. \
Only scores with the same network and the same number of images can be compared.";

/// Scores of one metric and extractor.
struct Group<'a> {
    metric: &'a str,
    extractor: &'a str,
    scores: Vec<&'a Score>,
}

fn score_groups(scores: &[Score]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for score in scores {
        let same = |group: &&mut Group<'_>| group.metric == score.metric && group.extractor == score.extractor;
        match groups.iter_mut().find(same) {
            Some(group) => group.scores.push(score),
            None => groups.push(Group { metric: &score.metric, extractor: &score.extractor, scores: vec![score] }),
        }
    }
    groups
}

fn points_of(group: &Group<'_>, class: Option<&String>) -> Vec<[f64; 2]> {
    let mine = group.scores.iter().filter(|score| score.class.as_ref() == class);
    mine.map(|score| [score.step as f64, score.value]).collect()
}

fn score_line(plot: &mut PlotUi<'_>, name: &str, points: Vec<[f64; 2]>, color: Color32, width: f32) {
    let markers = Points::new(name, PlotPoints::from(points.clone()));
    plot.line(Line::new(name, PlotPoints::from(points)).color(color).width(width).allow_hover(false));
    plot.points(markers.id((name, "markers")).color(color).radius(width + 1.0).shape(MarkerShape::Circle));
}

fn head_ui(ui: &mut Ui, smoothing: &mut f64, near: Option<String>) {
    ui.horizontal(|ui| {
        widgets::title(ui, "Curves");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let color = widgets::palette(ui).muted;
            widgets::number(ui, format!("{smoothing:.2}"), color);
            ui.spacing_mut().slider_width = 110.0;
            let slider = ui.add(Slider::new(smoothing, 0.0..=0.99).show_value(false));
            slider.widget_info(|| WidgetInfo::slider(true, *smoothing, "Smoothing"));
            slider.on_hover_text("Time-weighted moving average of losses and logits; the range of the raw values stays visible behind it");
            widgets::small(ui, "Smoothing");
            if let Some(near) = near {
                let color = widgets::palette(ui).accent;
                ui.add(egui::Label::new(RichText::new(near).small().color(color)).truncate());
            }
        });
    });
}

fn charts<'a>(ui: &Ui, view: &'a RunView) -> Vec<Chart<'a>> {
    let p = widgets::palette(ui);
    let c = view.curves();
    let number: fn(f64) -> String = |value| format::reading(value as f32);
    let tick: fn(f64) -> String = format::tick;
    let curve = |name, color, series| Curve { name, color, series };
    let mut losses = vec![curve("D", p.discriminator, &c.loss_d), curve("G", p.generator, &c.loss_g)];
    if !c.loss_features.is_empty() {
        losses.push(curve("G features", p.generator.gamma_multiply(0.6), &c.loss_features));
    }
    let mut charts = vec![
        Chart {
            title: "Losses",
            about: "What each network is trained to lower. In a healthy run neither runs away; they need not fall. The perceptual and the texture loss, where they are on, are a part of G's and shown beside it.",
            curves: losses,
            write: number,
            tick,
            smoothed: true,
        },
        Chart {
            title: "Logits of D",
            about: "The discriminator's mean decision on real and on generated images. Far apart, it wins; on top of each other, it is fooled.",
            curves: vec![curve("real", p.real, &c.logits_real), curve("fake", p.fake, &c.logits_fake)],
            write: number,
            tick,
            smoothed: true,
        },
        Chart {
            title: "Learning rates",
            about: "The rates that the schedule gives to the generator and the discriminator.",
            curves: vec![curve("D", p.discriminator, &c.discriminator_lr), curve("G", p.generator, &c.generator_lr)],
            write: format::rate,
            tick: format::rate,
            smoothed: false,
        },
    ];
    if c.augment_probability.last().is_some() {
        let mut curves = vec![curve("p", p.accent, &c.augment_probability)];
        if c.sign_real.last().is_some() {
            curves.push(curve("sign of real", p.real, &c.sign_real));
        }
        charts.push(Chart {
            title: "Augmentation of what D sees",
            about: "The probability with which what the discriminator sees is changed, and the mean sign of its decisions on real images: near 1 it knows them by heart. The adaptive probability rises while that is above its target.",
            curves,
            write: number,
            tick,
            smoothed: true,
        });
    }
    charts
}

fn framed<R>(ui: &mut Ui, height: f32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let margin = egui::Margin { left: 12, right: 12, top: 8, bottom: 6 };
    widgets::card_frame(ui)
        .inner_margin(margin)
        .show(ui, |ui| {
            ui.set_height(height - f32::from(margin.top + margin.bottom) - 2.0);
            contents(ui)
        })
        .inner
}

fn plot<'a>(ui: &Ui, title: &str, end: f64, tick: fn(f64) -> String) -> Plot<'a> {
    let p = widgets::palette(ui);
    let font = egui::FontId::monospace(10.5);
    let y = AxisHints::new_y()
        .formatter(move |mark, _| tick(mark.value))
        .min_thickness(46.0)
        .tick_label_color(p.muted)
        .label_spacing(egui::Rangef::new(8.0, 12.0))
        .tick_label_font(font.clone());
    let x = AxisHints::new_x()
        .label_spacing(egui::Rangef::new(24.0, 32.0))
        .formatter(|mark, _| if mark.value < 0.0 { String::new() } else { format::count(mark.value as usize) })
        .tick_label_color(p.muted)
        .tick_label_font(font);
    Plot::new(("curve", title.to_owned()))
        .custom_y_axes(vec![y])
        .custom_x_axes(vec![x])
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .grid_color(p.border)
        .show_crosshair(false)
        .label_formatter(|_| None)
        .x_grid_spacer(|input| marks(input, X_MARKS))
        .y_grid_spacer(|input| marks(input, Y_MARKS))
        .link_axis(Id::unique("curves-steps"), [true, false])
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_drag([true, false])
        .allow_zoom([true, false])
        .allow_axis_zoom_drag([true, false])
        .set_margin_fraction(egui::vec2(0.01, 0.08))
        .include_x(0.0)
        .include_x(end)
}

/// Draws what the pixels can show: the range of the values, and before it the smoothed curve.
fn draw_curve(plot: &mut PlotUi<'_>, curve: &Curve<'_>, smoothing: f64) {
    let bounds = plot.plot_bounds();
    let (from, to) = if plot.auto_bounds().x { (f64::MIN, f64::MAX) } else { (bounds.min()[0], bounds.max()[0]) };
    let pixels = plot.response().rect.width().max(64.0) as usize;
    let buckets = curve.series.buckets(from, to, pixels);
    let range = buckets.last().map_or(0, |b| b.last).saturating_sub(buckets.first().map_or(0, |b| b.first));
    let raw = Line::new(curve.name, PlotPoints::from(outline(&buckets))).allow_hover(false);
    if smoothing <= 0.0 {
        plot.line(raw.color(curve.color).width(theme::CURVE));
        return;
    }
    let smoothed = smooth_buckets(&buckets, smoothing, range as f64);
    plot.line(raw.id((curve.name, "raw")).color(curve.color.gamma_multiply(0.25)).width(1.0));
    plot.line(
        Line::new(curve.name, PlotPoints::from(smoothed)).allow_hover(false).color(curve.color).width(theme::CURVE),
    );
}

/// Marks that an axis of steps, and one of values, should have at most.
pub(super) const X_MARKS: f64 = 6.0;
pub(super) const Y_MARKS: f64 = 4.0;

/// Marks at 1, 2 or 5 times a power of ten, at most about so many.
pub(super) fn marks(input: GridInput, most: f64) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let least = (to - from) / most;
    if !(least.is_finite() && least > 0.0) {
        return Vec::new();
    }
    let power = 10_f64.powf(least.log10().floor());
    let step_size =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(power);
    let (first, last) = ((from / step_size).ceil() as i64, (to / step_size).floor() as i64);
    (first..=last).map(|at| GridMark { value: at as f64 * step_size, step_size }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let values = |from, to| {
            let input = GridInput { bounds: (from, to), base_step_size: 1.0 };
            marks(input, 4.0).into_iter().map(|mark| mark.value).collect::<Vec<_>>()
        };
        assert_eq!(values(0.0, 1000.0), [0.0, 500.0, 1000.0]);
        assert_eq!(values(-1.1, 1.3), [-1.0, 0.0, 1.0]);
        assert_eq!(values(38.0, 55.0), [40.0, 45.0, 50.0, 55.0]);
        assert!(values(1.0, 1.0).is_empty() && values(0.0, f64::NAN).is_empty());
    }
}
