//! Prints scores.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::cli::print::{WIDEST, json};
use crate::cli::print::{note, say};
use crate::guard::csv_cell;
use crate::metric::Metric;
use crate::metric::report::{Report, Score, Settings};
use crate::session::write_whole;

/// What stands beside every score.
pub(super) struct Labels<'a> {
    pub extractor: &'a str,
    pub resize: &'a str,
    /// The side that real images were brought to.
    pub real_side: Option<usize>,
    pub classes: &'a [String],
    pub settings: &'a Settings,
    pub json: bool,
}

/// A score as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    metric: Metric,
    extractor: &'a str,
    resize: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    real_side: Option<usize>,
    class: Option<&'a str>,
    /// Fakes.
    samples: usize,
    reals: usize,
    seed: u32,
    /// For the scores that depend on it.
    k: Option<usize>,
    value: f64,
    interval: Option<[f64; 2]>,
    /// Patients that the interval draws, where it does not draw images.
    #[serde(skip_serializing_if = "Option::is_none")]
    patients: Option<usize>,
    spread: Option<f64>,
    /// What real images score.
    baseline: Option<f64>,
}

/// A progress bar on standard error.
pub(super) fn bar(length: u64, what: &'static str) -> indicatif::ProgressBar {
    let style = indicatif::ProgressStyle::with_template("{prefix} {bar:40} {pos}/{len} {msg}");
    let bar = indicatif::ProgressBar::new(length).with_prefix(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

pub(super) fn print(report: &Report, labels: &Labels<'_>) -> anyhow::Result<()> {
    let class = |score: &Score| score.class.and_then(|class| labels.classes.get(class)).map(String::as_str);
    if labels.json {
        for score in &report.scores {
            let k = matches!(score.metric, Metric::Precision | Metric::Recall | Metric::Density | Metric::Coverage);
            json(&Line {
                metric: score.metric,
                // Similarity looks at pixels.
                extractor: if score.metric == Metric::MsSsim { "pixels" } else { labels.extractor },
                resize: if score.metric == Metric::MsSsim { "none" } else { labels.resize },
                real_side: labels.real_side,
                class: class(score),
                samples: score.fakes,
                reals: score.reals,
                seed: labels.settings.seed,
                k: k.then_some(labels.settings.k),
                value: score.value,
                interval: score.interval,
                patients: score.patients,
                spread: score.spread,
                baseline: score.baseline,
            })?;
        }
        return Ok(());
    }
    let Settings { k, seed, .. } = labels.settings;
    let side = labels.real_side.map_or_else(String::new, |side| format!(", real images at {side} x {side}"));
    if let Some(patients) = report.scores.iter().filter_map(|score| score.patients).max() {
        note!(
            "intervals of the classifier's scores and of the worth of fakes draw {patients} patients, not their images"
        );
    }
    say!("extractor {}, resize {}{side}, k {k}, seed {seed}", labels.extractor, labels.resize);
    let width = labels.classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(5, WIDEST);
    say!(
        "{:30} {:width$} {:>12} {:>25} {:>12} {:>7} {:>7}",
        "score",
        "class",
        "value",
        "",
        "of reals",
        "reals",
        "fakes"
    );
    for score in &report.scores {
        let sure = match (score.interval, score.spread) {
            (Some([low, high]), _) => format!("{} to {}", short(low), short(high)),
            (None, Some(spread)) => format!("± {}", short(spread)),
            (None, None) => String::new(),
        };
        let (value, baseline) = (short(score.value), score.baseline.map(short).unwrap_or_default());
        let (name, reals, fakes) = (class(score).unwrap_or("all"), score.reals, score.fakes);
        say!("{:30} {name:width$} {value:>12} {sure:>25} {baseline:>12} {reals:>7} {fakes:>7}", score.metric);
    }
    Ok(())
}

/// Five digits.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 => 1,
        size if size >= 100.0 => 2,
        size if size >= 10.0 => 3,
        _ => 5,
    };
    format!("{value:.digits$}")
}

/// What an image is called, by its place.
type Name<'a> = &'a dyn Fn(usize) -> String;

/// Writes the nearest real image of each fake.
pub(super) fn write_nearest(file: &Path, report: &Report, real: Name<'_>, fake: Name<'_>) -> anyhow::Result<()> {
    let mut text = Vec::new();
    writeln!(text, "fake,real,distance,authentic")?;
    for (image, nearest) in report.nearest.iter().enumerate() {
        let (fake, real) = (csv_cell(&fake(image)), csv_cell(&real(nearest.index)));
        writeln!(text, "{fake},{real},{},{}", nearest.distance, nearest.authentic)?;
    }
    Ok(write_whole(file, &text)?)
}
