//! What is drawn for each run or group: a colour, a name, and where its curves come from.

use egui::Color32;

use super::super::plot::{Line, Points, Source, Window};
use super::super::theme;
use super::group::{at, spread};
use super::{Band, CompareSettings, ComparedRun};
use crate::chart::{self, Curve};
use crate::event::{Scalar, Score};
use crate::summary::{Grouping, Spread, plain};

/// Places at which a group's mean is taken.
const PLACES: usize = 240;
/// Curves in a chart up to which the range of the raw values is drawn behind each; more would hide each other.
const RAW: usize = 4;
/// Values of a run that are looked at for the range of an axis where outliers are left out.
const SAMPLED: usize = 500;
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
        let key = grouping.key_of(&run.settings, &run.folder.display().to_string());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.runs.push(run),
            None => {
                let name = match grouping {
                    Grouping::None | Grouping::Seeds => run.name(),
                    Grouping::Key(setting) => format!("{setting} = {}", plain(&key)),
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

    /// One curve in a chart of so many.
    pub fn line<'a>(&'a self, what: What<'a>, settings: &CompareSettings, of: usize) -> Line<'a> {
        let source = Compared { group: self, what, by_time: settings.by_time, band: settings.band, of };
        Line { dashed: self.slot >= PLAIN, below: true, ..Line::new(self.title(), self.color(), source) }
    }
}

/// What is compared.
#[derive(Clone, Copy)]
pub enum What<'a> {
    /// A number of the steps.
    Scalar(Scalar),
    /// A score by its metric and extractor, of a class or of all together.
    Score(&'a str, &'a str, Option<&'a str>),
}

/// A curve of a group.
struct Compared<'a> {
    group: &'a Drawn<'a>,
    what: What<'a>,
    by_time: bool,
    band: Band,
    /// Curves in the chart.
    of: usize,
}

impl Compared<'_> {
    fn place(&self, run: &ComparedRun, step: f64) -> f64 {
        if self.by_time { run.clock.seconds(step) } else { step }
    }

    fn step(&self, run: &ComparedRun, place: f64) -> f64 {
        if self.by_time { run.clock.step(place) } else { place }
    }

    /// The places and values of a run.
    fn points<'s>(&'s self, run: &'s ComparedRun) -> Box<dyn DoubleEndedIterator<Item = [f64; 2]> + 's> {
        match self.what {
            What::Scalar(number) => {
                let point = move |bucket: &chart::Bucket| [self.place(run, bucket.middle()), bucket.mean()];
                Box::new(run.whole(number).iter().map(point))
            }
            What::Score(metric, judge, class) => {
                let mine = move |score: &&Score| {
                    score.metric == metric && score.judge() == judge && score.class.as_deref() == class
                };
                let scores = run.scores.iter().filter(mine).filter(|score| score.value.is_finite());
                Box::new(scores.map(move |score| [self.place(run, score.step as f64), score.value]))
            }
        }
    }

    fn curve(&self, run: &ComparedRun, window: &Window<'_>) -> Curve {
        match self.what {
            What::Scalar(number) => {
                let (from, to) = (self.step(run, window.from), self.step(run, window.to));
                let buckets = run.curve(number, from, to, window.edges.len());
                Curve::of(&buckets, window.smoothing, &|step| self.place(run, step))
            }
            What::Score(..) => {
                let line: Vec<[f64; 2]> = self.points(run).collect();
                Curve { dots: line.clone(), line, width: chart::WIDTH, ..Curve::default() }
            }
        }
    }
}

impl Source for Compared<'_> {
    fn draw(&self, window: &Window<'_>) -> Curve {
        let mut curves: Vec<Curve> = self.group.runs.iter().map(|run| self.curve(run, window)).collect();
        curves.retain(|curve| !curve.is_empty());
        if curves.len() > 1 {
            return mean(&curves, self.band);
        }
        let mut alone = curves.pop().unwrap_or_default();
        if self.of > RAW {
            (alone.band, alone.raw) = (Vec::new(), Vec::new());
        } else {
            alone.shade /= self.of.max(1) as f32;
        }
        alone
    }

    fn sample(&self, from: f64, to: f64) -> Vec<f64> {
        let What::Scalar(number) = self.what else { return Vec::new() };
        let part = |run: &&ComparedRun| run.curve(number, self.step(run, from), self.step(run, to), SAMPLED);
        self.group.runs.iter().flat_map(part).map(|bucket| bucket.mean()).collect()
    }

    fn at(&self, place: f64) -> Option<f64> {
        let value = |run: &&ComparedRun| match self.what {
            What::Scalar(number) => run.at(number, self.step(run, place)),
            What::Score(..) => at(&self.points(run).collect::<Vec<_>>(), place),
        };
        let values: Vec<f64> = self.group.runs.iter().filter_map(value).collect();
        Some(Spread::of(&values)?.mean)
    }

    fn last(&self) -> Option<(f64, f64)> {
        let ends = self.group.runs.iter().filter_map(|run| self.points(run).next_back());
        let place = ends.map(|[place, _]| place).max_by(f64::total_cmp)?;
        let ends = self.group.runs.iter().filter_map(|run| self.points(run).next_back());
        let values: Vec<f64> = ends.map(|[_, value]| value).collect();
        Some((place, Spread::of(&values)?.mean))
    }

    fn table(&self, name: &str) -> Vec<(String, Points<'_>)> {
        let column = |run: &&'_ ComparedRun| {
            let name = if self.group.runs.len() > 1 { format!("{name}: {}", run.name()) } else { name.to_owned() };
            (name, self.points(run).map(|[place, value]| (place, value as f32)).collect::<Vec<_>>())
        };
        let columns = self.group.runs.iter().map(column);
        columns.map(|(name, points)| (name, Box::new(points.into_iter()) as Points<'_>)).collect()
    }
}

/// The mean of curves, with what is drawn around it, and their single points.
fn mean(curves: &[Curve], band: Band) -> Curve {
    let lines: Vec<Vec<[f64; 2]>> = curves.iter().map(|curve| curve.line.clone()).collect();
    let places = spread(&lines, PLACES);
    let around = places.iter().filter_map(|(x, spread)| band.ends(spread).map(|(low, high)| [*x, low, high]));
    Curve {
        band: around.collect(),
        shade: 0.18,
        line: places.iter().map(|(x, spread)| [*x, spread.mean]).collect(),
        dots: curves.iter().flat_map(|curve| curve.dots.iter().copied()).collect(),
        width: chart::WIDTH,
        ..Curve::default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn run(name: &str, entries: &[&str]) -> ComparedRun {
        ComparedRun::fold(Path::new(name), Config::default().with(entries).unwrap(), [])
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
