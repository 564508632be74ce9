//! What is drawn for each run or group: a colour, a name, and its points.

use egui::Color32;
use egui_plot::{FilledArea, Line, LineStyle, PlotPoints, PlotUi};

use super::super::series::{outline, smooth_buckets};
use super::super::theme;
use super::group::{Spread, at, key_of, spread};
use super::{Band, CompareSettings, ComparedRun, Grouping};
use crate::event::Number;

/// Places at which a group's mean is taken.
const PLACES: usize = 240;
/// Curves in a chart up to which the range of the raw values is drawn behind each; more would hide each other.
const RAW: usize = 4;
/// Colours that are not dashed.
const PLAIN: usize = 8;

/// One run, or several that belong together.
pub struct Drawn<'a> {
    /// What it is.
    pub name: String,
    /// The number of its colour.
    pub slot: usize,
    /// The runs.
    pub runs: Vec<&'a ComparedRun>,
}

/// The runs in their groups.
pub fn drawn<'a>(runs: &[(usize, &'a ComparedRun)], grouping: &Grouping) -> Vec<Drawn<'a>> {
    let mut groups: Vec<(String, Drawn<'a>)> = Vec::new();
    for (slot, run) in runs {
        let name = run.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let key = key_of(grouping, run, &run.folder.display().to_string());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.runs.push(run),
            None => {
                let name = match grouping {
                    Grouping::None | Grouping::Seeds => name,
                    Grouping::Key(setting) => format!("{setting} = {}", super::super::sessions::plain(&key)),
                };
                groups.push((key, Drawn { name, slot: *slot, runs: vec![run] }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl Drawn<'_> {
    /// Its colour.
    pub fn color(&self) -> Color32 {
        theme::class_color(self.slot)
    }

    /// Its name, with the number of runs where they are more than one.
    pub fn title(&self) -> String {
        if self.runs.len() > 1 { format!("{} ({} runs)", self.name, self.runs.len()) } else { self.name.clone() }
    }

    fn style(&self) -> LineStyle {
        if self.slot < PLAIN { LineStyle::Solid } else { LineStyle::dashed_dense() }
    }

    /// Draws what these points of its runs come to, and returns that.
    pub fn draw(&self, plot: &mut PlotUi<'_>, curves: &[Vec<[f64; 2]>], settings: &CompareSettings) -> Vec<[f64; 2]> {
        let color = self.color();
        let points = if let [alone] = curves {
            alone.clone()
        } else {
            let places = spread(curves, PLACES);
            self.band(plot, &places, settings.band);
            places.iter().map(|(x, spread)| [*x, spread.mean]).collect()
        };
        let line = Line::new(self.name.clone(), PlotPoints::from(points.clone())).id((&self.name, self.slot));
        plot.line(line.color(color).width(theme::CURVE).style(self.style()).allow_hover(false));
        points
    }

    fn band(&self, plot: &mut PlotUi<'_>, places: &[(f64, Spread)], band: Band) {
        let ends: Vec<(f64, (f64, f64))> =
            places.iter().filter_map(|(x, spread)| Some((*x, spread.ends(band)?))).collect();
        if ends.len() < 2 {
            return;
        }
        let xs: Vec<f64> = ends.iter().map(|(x, _)| *x).collect();
        let low: Vec<f64> = ends.iter().map(|(_, (low, _))| *low).collect();
        let high: Vec<f64> = ends.iter().map(|(_, (_, high))| *high).collect();
        let area = FilledArea::new(format!("{} band", self.name), &xs, &low, &high).id((&self.name, self.slot, "band"));
        plot.add(area.fill_color(self.color().gamma_multiply(0.18)).allow_hover(false));
    }

    /// The points of a number in the visible range, for each of its runs; behind a run
    /// that stands alone, the range of its raw values is drawn, where it has few `neighbours`.
    pub fn curve(
        &self,
        plot: &mut PlotUi<'_>,
        number: Number,
        settings: &CompareSettings,
        smoothing: f64,
        neighbours: usize,
    ) -> Vec<[f64; 2]> {
        let bounds = plot.plot_bounds();
        let (from, to) = if plot.auto_bounds().x { (f64::MIN, f64::MAX) } else { (bounds.min()[0], bounds.max()[0]) };
        let pixels = plot.response().rect.width().max(64.0) as usize;
        let mut curves = Vec::new();
        for run in &self.runs {
            let place = |x: f64| if settings.by_time { run.clock.seconds(x) } else { x };
            let step = |x: f64| if settings.by_time { run.clock.step(x.clamp(0.0, 1e12)) } else { x };
            let ends = if from == f64::MIN { (from, to) } else { (step(from), step(to)) };
            let buckets = run.curve(number, ends.0, ends.1, pixels);
            if buckets.is_empty() {
                continue;
            }
            let range = buckets.last().map_or(0, |b| b.last).saturating_sub(buckets.first().map_or(0, |b| b.first));
            let moved = |points: Vec<[f64; 2]>| points.into_iter().map(|[x, y]| [place(x), y]).collect::<Vec<_>>();
            if self.runs.len() == 1 && smoothing > 0.0 && neighbours <= RAW {
                let raw = PlotPoints::from(moved(outline(&buckets)));
                let raw = Line::new(self.name.clone(), raw).id((&self.name, self.slot, "raw")).allow_hover(false);
                plot.line(raw.color(self.color().gamma_multiply(0.3 / neighbours.max(1) as f32)).width(1.0));
            }
            let line = if self.runs.len() == 1 && smoothing <= 0.0 {
                outline(&buckets)
            } else {
                smooth_buckets(&buckets, smoothing, range as f64)
            };
            curves.push(moved(line));
        }
        if curves.is_empty() { Vec::new() } else { self.draw(plot, &curves, settings) }
    }
}

/// The value under the pointer.
pub fn reading(points: &[[f64; 2]], x: f64) -> Option<f64> {
    at(points, x)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn run(name: &str, entries: &[&str]) -> ComparedRun {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        ComparedRun::fold(Path::new(name), Config::default().with(&entries).unwrap(), [])
    }

    #[test]
    fn runs_are_grouped_by_what_is_the_same() {
        let runs = [run("a", &["train.seed=1"]), run("b", &["train.seed=2"]), run("c", &["loss.kind=bce"])];
        let runs: Vec<(usize, &ComparedRun)> = runs.iter().enumerate().collect();
        let titles = |grouping: Grouping| drawn(&runs, &grouping).iter().map(Drawn::title).collect::<Vec<_>>();
        assert_eq!(titles(Grouping::None), ["a", "b", "c"]);
        assert_eq!(titles(Grouping::Seeds), ["a (2 runs)", "c"]);
        assert_eq!(titles(Grouping::Key("loss.kind".into())), ["loss.kind = hinge (2 runs)", "loss.kind = bce"]);
    }
}
