//! Which charts of a run there are, what is in them, and what they tell.

use std::borrow::Cow;

use egui::Color32;

use super::super::format;
use super::super::plot::{Chart, ChartSettings, Line, Steps};
use super::super::run_view::RunView;
use super::super::theme::{self, Palette};
use super::scores::{Group, SCORE_ABOUT, Scores};
use crate::chart::Series;
use crate::event::{Chart as Declared, Form, Scalar, Tint};

/// Charts that are always there, also before the first step.
const FIRST: usize = 2;

/// What the charts of a run are made of.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub p: &'static Palette,
    pub view: &'a RunView,
    pub scores: &'a Scores,
}

impl<'a> Of<'a> {
    /// The charts that have something to show, in their order; the first two are always there.
    pub fn charts(&self, settings: &ChartSettings) -> Vec<Chart<'a>> {
        let mut charts = self.of_steps(settings.by_time);
        let after = charts.split_off(FIRST);
        for chart in &mut charts {
            chart.empty = "The first step has not been taken yet".to_owned();
        }
        charts.extend(self.scores.groups().iter().map(|group| self.of_scores(group, settings)));
        if self.scores.groups().is_empty() {
            charts.push(self.no_scores());
        }
        charts.extend(after);
        charts.retain(|chart| !chart.is_empty() || !chart.empty.is_empty());
        charts
    }

    fn line(&self, name: impl Into<Cow<'a, str>>, color: Color32, series: &'a Series, by_time: bool) -> Line<'a> {
        let clock = by_time.then_some(&self.view.curves().clock);
        Line::new(name, color, Steps { series, clock, marked: false })
    }

    fn of_steps(&self, by_time: bool) -> Vec<Chart<'a>> {
        let curves = self.view.curves();
        let chart = |of: &Declared| {
            let info = of.info();
            let numbers =
                Scalar::ALL.iter().map(|number| (number, number.info())).filter(|(_, info)| info.chart == *of);
            let told = numbers.filter(|(number, _)| !curves.of(**number).is_empty());
            let line = |(number, info): (&Scalar, crate::event::ScalarInfo)| {
                self.line(info.curve, color(self.p, info.tint), curves.of(*number), by_time)
            };
            let chart = Chart::new(info.id, info.title, info.about, info.form, told.map(line).collect());
            Chart { smoothed: info.noisy, ..chart }
        };
        let mut charts: Vec<Chart<'a>> = Declared::ALL.iter().map(chart).collect();
        let about = "How long the steps to come would take at the speed of the newest ones.";
        let lines = vec![self.line("left", self.p.muted, &curves.seconds_left, by_time)];
        let left = Chart::new("left", "Time left", about, Form::Duration, lines);
        let left = Chart { smoothed: true, ..left };
        charts.insert(charts.len() - 1, left);
        charts
    }

    fn of_scores(&self, group: &'a Group, settings: &ChartSettings) -> Chart<'a> {
        let names = self.view.classes();
        let line = |name: &'a str, color: Color32, series: &'a Series, faint: bool| {
            let clock = settings.by_time.then_some(&self.view.curves().clock);
            Line { faint, below: faint, ..Line::new(name, color, Steps { series, clock, marked: true }) }
        };
        let color = |class: &str| theme::class_color(names.iter().position(|name| name == class).unwrap_or(0));
        let mine = group.classes.iter().filter(|_| settings.classes);
        let mut curves: Vec<Line<'a>> = mine.map(|(class, series)| line(class, color(class), series, true)).collect();
        curves.push(line("all classes", self.p.accent, &group.all, false));
        curves.retain(|curve| curve.source.last().is_some());
        let title = format!("{} ({})", format::metric(&group.metric), format::extractor(&group.extractor));
        let id = format!("{}/{}", group.metric, group.extractor);
        let note = format!("N {}", format::count(group.samples));
        Chart { note, ..Chart::new(&id, &title, SCORE_ABOUT, Form::Score, curves) }
    }

    /// What stands in the place of scores before the first.
    fn no_scores(&self) -> Chart<'a> {
        // At the last step it comes all the same.
        let from = self.view.started().and_then(|started| started.parent.as_ref()).map_or(0, |parent| parent.step);
        let next = |every: usize| (from / every + 1).saturating_mul(every).min(self.view.steps().max(1));
        let first = |every: usize| if every == 0 { 0 } else { next(every) };
        let empty = match self.view.started().map(|started| first(started.config.score.every)) {
            Some(0) => "Scores are turned off in this run".to_owned(),
            Some(every) => format!("The first score comes at step {}", format::count(every)),
            None => String::new(),
        };
        Chart { empty, ..Chart::new("scores", "Scores", SCORE_ABOUT, Form::Score, Vec::new()) }
    }
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
