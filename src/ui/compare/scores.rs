//! The scores of the chosen runs: of each, a table with the best values beside the curves over each other.

use egui::{Align, Grid, Label, Layout, RichText, ScrollArea, Ui, vec2};
use egui_plot::{MarkerShape, PlotPoints, PlotUi, Points};

use super::super::sessions::{SessionRow, best_scores, better};
use super::super::{format, theme, widgets};
use super::charts::{CHART, Drew, chart_ui, shared};
use super::lines::{Drawn, drawn};
use super::{Compare, CompareSettings, ComparedRun};
use crate::config::Prefers;
use crate::event::Score;

/// The width that a table and its chart take at least where several stand beside each other.
const PAIR: f32 = 820.0;
/// The largest width of a run's name.
const NAME: f32 = 150.0;

/// A metric and the network whose features it compares, as [`Score::judge`] names it.
type Kind = (String, String);

impl Compare {
    /// Draws the scores, and the best of each run.
    pub(super) fn scores_ui(&mut self, ui: &mut Ui, settings: &CompareSettings, rows: &[SessionRow]) {
        let runs = self.runs();
        let kinds = kinds(&runs);
        if kinds.is_empty() {
            return widgets::empty(ui, "No scores yet", "A run is scored every score.every steps");
        }
        let groups = drawn(&runs, &settings.grouping);
        let shared = shared(&groups);
        let (cursor, class) = (self.cursor, self.class.clone());
        let mut next = None;
        ScrollArea::vertical().auto_shrink(false).id_salt("compare-scores").show(ui, |ui| {
            let room = ui.available_width();
            let across = ((room / PAIR) as usize).clamp(1, kinds.len());
            let width = ((room - 2.0 * theme::GAP * (across - 1) as f32) / across as f32).floor();
            ui.spacing_mut().item_spacing = vec2(2.0 * theme::GAP, 4.0);
            for line in kinds.chunks(across) {
                ui.horizontal_top(|ui| {
                    for kind in line {
                        ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                            ui.set_width(width);
                            let draw = |plot: &mut PlotUi<'_>| {
                                groups.iter().map(|group| curves(plot, group, kind, class.as_ref(), settings)).collect()
                            };
                            let pointed =
                                ui.push_id(kind, |ui| kind_ui(ui, kind, (&runs, rows), settings, cursor, draw));
                            next = next.or(pointed.inner);
                        });
                    }
                });
                ui.add_space(theme::GAP);
            }
        });
        (self.cursor, self.shared) = (next, shared);
    }
}

/// A score: its name, its table, and its chart on the right. Returns where the pointer is in the chart.
fn kind_ui(
    ui: &mut Ui,
    (metric, extractor): &Kind,
    (runs, rows): (&[(usize, &ComparedRun)], &[SessionRow]),
    settings: &CompareSettings,
    cursor: Option<f64>,
    draw: impl FnOnce(&mut PlotUi<'_>) -> Drew,
) -> Option<f64> {
    widgets::title(ui, &format!("{} ({})", format::metric(metric), format::extractor(extractor)));
    ui.horizontal_top(|ui| {
        let table = ui.vertical(|ui| best_ui(ui, (metric, extractor), runs, rows)).response.rect;
        let size = vec2(ui.available_width() - 12.0, table.height().max(CHART.y));
        chart_ui(ui, "", size.max(vec2(160.0, 0.0)), settings, cursor, format::tick, draw)
    })
    .inner
}

/// Draws the points of one group, and returns them.
fn curves(
    plot: &mut PlotUi<'_>,
    group: &Drawn<'_>,
    (metric, extractor): &Kind,
    class: Option<&String>,
    settings: &CompareSettings,
) -> (String, egui::Color32, Vec<[f64; 2]>) {
    let place = |run: &ComparedRun, step: usize| {
        if settings.by_time { run.clock.seconds(step as f64) } else { step as f64 }
    };
    let mine = |score: &&Score| score.metric == *metric && score.judge() == *extractor && score.class.as_ref() == class;
    let points = |run: &&ComparedRun| -> Vec<[f64; 2]> {
        run.scores.iter().filter(mine).map(|score| [place(run, score.step), score.value]).collect()
    };
    let curves: Vec<_> = group.runs.iter().map(points).filter(|curve| !curve.is_empty()).collect();
    if curves.is_empty() {
        return (group.title(), group.color(), Vec::new());
    }
    for (at, curve) in curves.iter().enumerate() {
        let dots = Points::new(group.name.clone(), PlotPoints::from(curve.clone()));
        let dots = dots.id((&group.name, group.slot, at)).shape(MarkerShape::Circle);
        plot.points(dots.color(group.color()).radius(2.2).allow_hover(false));
    }
    (group.title(), group.color(), group.draw(plot, &curves, settings))
}

/// Every metric and extractor of the runs, in the order in which they come.
fn kinds(runs: &[(usize, &ComparedRun)]) -> Vec<(String, String)> {
    let mut kinds = Vec::new();
    for score in runs.iter().flat_map(|(_, run)| &run.scores) {
        let kind = (score.metric.clone(), score.judge().into_owned());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The best value of a score in every run, and when it was taken.
fn best_ui(ui: &mut Ui, (metric, extractor): (&str, &str), runs: &[(usize, &ComparedRun)], rows: &[SessionRow]) {
    let p = widgets::palette(ui);
    let best_of = |run: &ComparedRun| {
        best_scores(&run.scores).into_iter().find(|best| best.metric == metric && best.extractor == extractor)
    };
    let of: Vec<_> = runs.iter().filter_map(|(slot, run)| Some((*slot, *run, best_of(run)?))).collect();
    let values = of.iter().map(|(.., best)| best.value);
    let winner = match better(metric) {
        Some(Prefers::Low) => values.min_by(f64::total_cmp),
        Some(Prefers::High) => values.max_by(f64::total_cmp),
        None => None,
    };
    if of.windows(2).any(|pair| pair[0].2.samples != pair[1].2.samples) {
        let text = "Taken on different numbers of images: these values cannot be compared";
        ui.label(RichText::new(text).small().color(p.warning));
    }
    Grid::new("best").striped(true).spacing([14.0, 3.0]).min_row_height(18.0).show(ui, |ui| {
        widgets::small(ui, "Run");
        for head in ["Best", "At step", "Last", "Images"] {
            // Above the numbers, which end on the right.
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| widgets::small(ui, head));
        }
        ui.end_row();
        for (slot, run, best) in of {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                widgets::dot(ui, theme::class_color(slot));
                let row = rows.iter().find(|row| row.folder == run.folder);
                let name = Label::new(row.map_or("", |row| row.name.as_str())).truncate();
                ui.scope(|ui| {
                    ui.set_max_width(NAME);
                    ui.add(name);
                });
            });
            let color = if winner == Some(best.value) { p.good } else { p.strong };
            widgets::number(ui, format!("{:>9.3}", best.value), color);
            widgets::number(ui, format!("{:>8}", format::count(best.step)), p.text);
            widgets::number(ui, format!("{:>9.3}", best.last), p.text);
            widgets::number(ui, format!("{:>7}", format::count(best.samples)), p.muted);
            ui.end_row();
        }
    });
}
