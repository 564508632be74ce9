//! Which charts there are, what is in them, and what they tell.

use egui::Color32;

use super::super::format;
use super::super::run_view::RunView;
use super::super::series::Series;
use super::super::theme::{self, Palette};
use super::scores::{SCORE_ABOUT, Scores};
use crate::event::{Chart as Declared, Form, Number, Tint};

/// Charts that are always there, also before the first step.
const FIRST: usize = 2;

/// Writes a value.
type Write = fn(f64) -> String;

/// One curve of a chart.
pub(super) struct Curve<'a> {
    pub name: &'a str,
    pub color: Color32,
    pub series: &'a Series,
    /// Whether its points are few and marked one by one.
    pub marked: bool,
    /// Whether it stands back behind the others.
    pub faint: bool,
}

/// A chart of curves.
pub(super) struct Chart<'a> {
    /// Under which it is hidden and zoomed.
    pub id: String,
    pub title: String,
    pub about: &'static str,
    pub curves: Vec<Curve<'a>>,
    /// How its numbers are written.
    pub write: Write,
    /// How the numbers of its axis are written.
    pub tick: Write,
    /// Whether the slider smooths it.
    pub smoothed: bool,
    /// What is said beside the title.
    pub note: String,
    /// What is said where there is nothing to show yet; without it, there is no chart then.
    pub empty: String,
}

impl Chart<'_> {
    /// Whether nothing was told of what it shows.
    pub fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.series.is_empty())
    }
}

/// The charts of a run that have something to show, in their order; the first two are always there.
pub(super) fn of<'a>(p: &Palette, view: &'a RunView, scores: &'a Scores, classes: bool) -> Vec<Chart<'a>> {
    let (before, after) = of_steps(p, view);
    let mut charts = before;
    charts.extend(scores.groups().iter().map(|group| of_scores(p, view.classes(), group, classes)));
    if scores.groups().is_empty() {
        charts.push(no_scores(view));
    }
    charts.extend(after);
    charts.retain(|chart| !chart.is_empty() || !chart.empty.is_empty());
    charts
}

fn number(value: f64) -> String {
    format::reading(value as f32)
}

fn percent(value: f64) -> String {
    format!("{:>5.1} %", value * 100.0)
}

fn minutes(value: f64) -> String {
    format::duration(value)
}

fn curve<'a>(name: &'a str, color: Color32, series: &'a Series) -> Curve<'a> {
    Curve { name, color, series, marked: false, faint: false }
}

/// A chart of numbers that every step tells.
fn plain<'a>(id: &str, title: &str, about: &'static str, curves: Vec<Curve<'a>>) -> Chart<'a> {
    let curves = curves.into_iter().filter(|curve| !curve.series.is_empty()).collect();
    let (id, title, note, empty) = (id.to_owned(), title.to_owned(), String::new(), String::new());
    Chart { id, title, about, curves, write: number, tick: format::tick, smoothed: true, note, empty }
}

/// The charts before those of the scores and after.
fn of_steps<'a>(p: &Palette, view: &'a RunView) -> (Vec<Chart<'a>>, Vec<Chart<'a>>) {
    let mut charts: Vec<Chart<'a>> = Declared::ALL.iter().map(|chart| of_numbers(p, view, *chart)).collect();
    let left = Chart {
        write: minutes,
        tick: minutes,
        ..plain(
            "left",
            "Time left",
            "How long the steps to come would take at the speed of the newest ones.",
            vec![curve("left", p.muted, &view.curves().seconds_left)],
        )
    };
    charts.insert(charts.len() - 1, left);
    let after = charts.split_off(FIRST);
    for chart in &mut charts {
        chart.empty = "The first step has not been taken yet".to_owned();
    }
    (charts, after)
}

/// The chart of some numbers of the steps.
fn of_numbers<'a>(p: &Palette, view: &'a RunView, chart: Declared) -> Chart<'a> {
    let info = chart.info();
    let numbers = Number::ALL.iter().map(|number| (number, number.info())).filter(|(_, of)| of.chart == chart);
    let curves = numbers.map(|(number, of)| curve(of.curve, color(p, of.tint), view.curves().of(*number))).collect();
    let (write, tick): (Write, Write) = match info.form {
        Form::Number => (number, format::tick),
        Form::Share => (percent, format::percent_tick),
        Form::Rate => (format::rate, format::rate),
    };
    Chart { write, tick, smoothed: info.noisy, ..plain(info.id, info.title, info.about, curves) }
}

fn color(p: &Palette, tint: Tint) -> Color32 {
    match tint {
        Tint::Discriminator => p.discriminator,
        Tint::Generator => p.generator,
        Tint::GeneratorPart => p.generator.gamma_multiply(0.6),
        Tint::Real => p.real,
        Tint::Fake => p.fake,
        Tint::Main => p.accent,
        Tint::Machine => p.flame,
        Tint::Nth(place) => theme::class_color(place),
    }
}

fn of_scores<'a>(p: &Palette, names: &[String], group: &'a super::scores::Group, classes: bool) -> Chart<'a> {
    let color = |class: &str| theme::class_color(names.iter().position(|name| name == class).unwrap_or(0));
    let mine = group.classes.iter().filter(|_| classes);
    let mut curves: Vec<Curve<'a>> = mine
        .map(|(class, series)| Curve { name: class, color: color(class), series, marked: true, faint: true })
        .collect();
    curves.push(Curve { name: "all classes", color: p.accent, series: &group.all, marked: true, faint: false });
    curves.retain(|curve| !curve.series.is_empty());
    let title = format!("{} ({})", format::metric(&group.metric), format::extractor(&group.extractor));
    Chart {
        id: format!("{}/{}", group.metric, group.extractor),
        title,
        about: SCORE_ABOUT,
        curves,
        write: score,
        tick: format::tick,
        smoothed: false,
        note: format!("N {}", format::count(group.samples)),
        empty: String::new(),
    }
}

/// What stands in the place of scores before the first.
fn no_scores<'a>(view: &RunView) -> Chart<'a> {
    let chart = plain("scores", "Scores", SCORE_ABOUT, Vec::new());
    // At the last step it comes all the same.
    let first = |every: usize| if every == 0 { 0 } else { every.min(view.steps().max(1)) };
    let empty = match view.started().map(|started| first(started.config.score.every)) {
        Some(0) => "Scores are turned off in this run".to_owned(),
        Some(every) => format!("The first score comes at step {}", format::count(every)),
        None => String::new(),
    };
    Chart { empty, ..chart }
}

fn score(value: f64) -> String {
    format!("{:>8}", format::score(value))
}
