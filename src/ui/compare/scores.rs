//! The scores of the chosen runs: of each, a table with the best values beside the curves over each other.

use egui::{Align, Grid, Label, Layout, RichText, ScrollArea, Ui, vec2};

use super::super::action::Action;
use super::super::plot::{self, Chart, ChartSettings, View, pins_ui};
use super::super::sessions::SessionRow;
use super::super::{format, theme, widgets};
use super::charts::{CHART, Looking, Shared, shared};
use super::lines::{What, drawn};
use super::{Compare, CompareSettings, ComparedRun};
use crate::config::Prefers;
use crate::event::Form;
use crate::summary::{best_scores, better};

/// The width that a table and its chart take at least where several stand beside each other.
const PAIR: f32 = 820.0;
/// Below this width the chart stands below its table.
const STACKED: f32 = 700.0;
/// The largest width of a run's name.
const NAME: f32 = 150.0;

/// A metric and the network whose features it compares, as [`crate::event::Score::judge`] names it.
type Kind = (String, String);

impl Compare {
    /// Draws the scores, and the best of each run; returns the colours of the runs beside what is asked for.
    pub(super) fn scores_ui(
        &self,
        ui: &mut Ui,
        view: &mut View,
        settings: &CompareSettings,
        look: (&mut ChartSettings, &mut f64),
        rows: &[SessionRow],
    ) -> (Vec<Action>, Shared) {
        let (runs, class) = (self.runs(), self.class.as_deref());
        let kinds = kinds(&runs);
        let groups = drawn(&runs, &settings.grouping);
        let charts = kinds.iter().map(|(metric, judge)| {
            let what = What::Score(metric, judge, class);
            let curves = groups.iter().map(|group| group.line(what, settings, groups.len())).collect();
            let title = format!("{} ({})", format::metric(metric), format::extractor(judge));
            let id = format!("compared {metric}/{judge}");
            let empty = "No score of this class".to_owned();
            Chart { empty, ..Chart::new(&id, &title, "", Form::Score, curves) }
        });
        let all: Vec<Chart<'_>> = charts.collect();
        let mut actions = Vec::new();
        if all.is_empty() {
            widgets::empty(ui, "No scores yet", "A run is scored every score.every steps");
        } else {
            let mut looking = Looking::new(&runs, settings, look);
            ui.horizontal(|ui| looking.head_ui(ui, view, &all));
            let shown = |at: &usize| !looking.charts.hidden.contains(&all[*at].id);
            let shown: Vec<usize> = (0..all.len()).filter(shown).collect();
            pins_ui(ui, view, &shown.iter().map(|at| &all[*at]).collect::<Vec<_>>(), false);
            ScrollArea::vertical().auto_shrink(false).id_salt("compare-scores").show(ui, |ui| {
                let room = ui.available_width();
                let across = ((room / PAIR) as usize).clamp(1, shown.len().max(1));
                let width = ((room - 2.0 * theme::GAP * (across - 1) as f32) / across as f32).floor();
                ui.spacing_mut().item_spacing = vec2(2.0 * theme::GAP, 4.0);
                for line in shown.chunks(across) {
                    ui.horizontal_top(|ui| {
                        for at in line {
                            let beside = Layout::left_to_right(Align::Min);
                            let layout = if width < STACKED { Layout::top_down(Align::Min) } else { beside };
                            ui.allocate_ui_with_layout(vec2(width, 0.0), layout, |ui| {
                                ui.set_width(width);
                                kind_ui(ui, &kinds[*at], (&runs, rows), &all[*at], (&mut looking, &mut *view));
                            });
                        }
                    });
                    ui.add_space(theme::GAP);
                }
            });
            actions = looking.finish(view, &runs, all);
        }
        (actions, shared(&groups))
    }
}

/// A score: its table, and its chart on the right.
fn kind_ui(
    ui: &mut Ui,
    (metric, extractor): &Kind,
    (runs, rows): (&[(usize, &ComparedRun)], &[SessionRow]),
    chart: &Chart<'_>,
    (looking, view): (&mut Looking<'_>, &mut View),
) {
    ui.push_id(&chart.id, |ui| {
        let table = ui.vertical(|ui| best_ui(ui, (metric, extractor), runs, rows)).response.rect;
        let width = ui.available_width().max(160.0);
        ui.vertical(|ui| {
            ui.set_width(width);
            let keys = plot::keys(ui, chart, width);
            looking.chart_ui(ui, view, (chart, &keys), table.height().max(CHART.y));
        });
    });
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
