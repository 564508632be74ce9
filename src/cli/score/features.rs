//! `gandle score --features`: scores features that another program computed, with every score of features alone.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{ScoreArgs, computed, enough, output};
use crate::cli::print::note;
use crate::data::matrix;
use crate::metric::report::{Known, Sets, Settings, Side, applies};
use crate::metric::{Features, Metric};

/// What stands in place of an extractor's name.
const NAME: &str = "features";

/// The features of a file, one row an image.
struct FeatureFile {
    features: Features,
    /// All images are of one class.
    labels: Vec<u32>,
}

impl FeatureFile {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let read = matrix(file)?;
        let features = Features::new(read.numbers, read.columns)
            .with_context(|| format!("{} cannot be scored: compute its features again", file.display()))?;
        Ok(Self { labels: vec![0; features.len()], features })
    }

    fn side(&self) -> Side<'_> {
        Side { features: &self.features, labels: &self.labels, logits: None }
    }
}

/// Whether features alone tell a score: some look at pixels, at classes, or at a network's last layer.
fn possible(metric: Metric) -> bool {
    metric != Metric::MsSsim && applies(metric, 1, false)
}

pub(super) fn score(args: &ScoreArgs, metrics: Vec<Metric>) -> anyhow::Result<ExitCode> {
    let (real, fake) = (FeatureFile::read(&args.real)?, FeatureFile::read(&args.fake)?);
    let held_out = args.held_out.as_deref().map(FeatureFile::read).transpose()?;
    let others = [Some((&args.fake, &fake)), args.held_out.as_ref().zip(held_out.as_ref())];
    for (file, other) in others.into_iter().flatten() {
        let (wanted, found) = (real.features.dimensions(), other.features.dimensions());
        if wanted != found {
            bail!(
                "{} has {found} features per image and {} has {wanted}: compute both with the same network",
                file.display(),
                args.real.display()
            );
        }
    }
    let (metrics, impossible): (Vec<Metric>, Vec<Metric>) = metrics.into_iter().partition(|metric| possible(*metric));
    if !impossible.is_empty() {
        let names: Vec<&str> = impossible.iter().map(|metric| metric.name()).collect();
        note!("left out, since they cannot be computed from features alone: {}", names.join(", "));
    }
    let settings = Settings { metrics, k: args.k.into(), seed: args.seed };
    let held_out = held_out.as_ref().map(FeatureFile::side);
    let sets = Sets { classes: 1, real: real.side(), fake: fake.side(), held_out };
    let report = computed(&sets, Known::default(), &settings)?;
    for warning in &report.warnings {
        note!("warning: {}", warning.text(&[]));
    }
    if let Some(file) = &args.nearest {
        let row = |image: usize| format!("row {image}");
        output::write_nearest(file, &report, &row, &row)?;
    }
    let labels = output::Labels {
        extractor: NAME,
        resize: "none",
        real_side: None,
        classes: &[],
        settings: &settings,
        json: args.json,
    };
    output::print(&report, &labels)?;
    Ok(if impossible.is_empty() || args.scores.is_empty() {
        enough(args, &report, &settings)
    } else {
        ExitCode::from(1)
    })
}
