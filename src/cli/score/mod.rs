//! `gandle score`: scores fakes against real images, in folders or in whatever else data is read from.

mod extract;
mod features;
mod output;
mod pairs;
mod worth;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print::note;
use super::usage::Usage;
use crate::config::{Choice as _, ExtractorName, Shipped};
use crate::engine::device;
use crate::feature::{Extractor, FeatureError, Resize};
use crate::guard::Digits;
use crate::metric::report::{self, Gallery, Known, Report, Sets, Settings, Side, applies, similarities};
use crate::metric::{Metric, Warning};
use extract::{ExtractedFolder, Listed};

/// Pixels a side, at most, at which images are compared with each other.
const MOST_SIDE: usize = 256;

/// What `gandle score` is asked for.
#[derive(Args)]
pub(super) struct ScoreArgs {
    /// The real images that the generator was trained on: a folder, flat or with one sub-folder per class, a table (.csv) or an
    /// archive (.zip, .tar, .npz, .parquet). With --features a file.
    real: PathBuf,
    /// The fakes, with the same class names.
    fake: PathBuf,
    /// Real images that the generator was not trained on, for `copying`, the classifier and the worth of fakes;
    /// without it a third of REAL stands in for the first two, and the last is left out.
    #[arg(long, value_name = "DIR")]
    held_out: Option<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = Shipped::DEFAULT.key(), help = extractors())]
    extractor: String,
    /// REAL, FAKE and --held-out are NumPy files (.npy) of features that were computed elsewhere: one row per image, of
    /// 32-bit or 64-bit floats.
    #[arg(long, conflicts_with_all = ["extractor", "resize", "nearest_picture"])]
    features: bool,
    /// How images are resized for the extractor: pytorch-fid, torch-fidelity or clean.
    #[arg(long, value_name = "MODE", default_value = "pytorch-fid")]
    resize: String,
    /// Bring real images to the size of the fakes first, as training does: the middle square, scaled to their side. For fakes of a
    /// generator that draws smaller images than the files of REAL hold.
    #[arg(long, conflicts_with = "features")]
    resize_real: bool,
    /// The scores to compute, separated by commas; by default all.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    scores: Vec<String>,
    /// Which nearest neighbour sets the radius for precision, recall, density and coverage.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    /// A regular expression with a group in parentheses that finds the patient in the path of an image: patients with images
    /// in both REAL and the held-out folder are refused.
    #[arg(long, value_name = "PATTERN", requires = "held_out", conflicts_with = "features")]
    group_by: Option<String>,
    /// Mirror the altered copies of real images that `worth-altered` learns from: only for images without sides, such as cells.
    #[arg(long, requires = "held_out", conflicts_with = "features")]
    mirrored: bool,
    /// The seed of subsets, splits, pairs and intervals.
    #[arg(long, default_value_t = 2020)]
    seed: u32,
    /// Write the nearest real image of each fake to this file, as comma-separated values.
    #[arg(long, value_name = "FILE")]
    nearest: Option<PathBuf>,
    /// Write a PNG to this file: the fakes that are nearest to real images, each above its nearest real image.
    #[arg(long, value_name = "FILE")]
    nearest_picture: Option<PathBuf>,
    /// CPU threads; 0 takes all cores.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Print one JSON object per score.
    #[arg(long)]
    json: bool,
}

/// The help of `--extractor`.
fn extractors() -> String {
    format!("The network whose features are compared; there are {}", ExtractorName::known())
}

pub(super) fn run(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    if let Some(taken) = [&args.nearest, &args.nearest_picture].into_iter().flatten().find(|file| file.exists()) {
        return Err(
            Usage(format!("{} is there already and is not overwritten: name another file", taken.display())).into()
        );
    }
    // Before hours of looking at images, not behind them.
    crate::config::group_pattern(args.group_by.as_deref().unwrap_or_default())
        .map_err(|message| Usage(format!("--group-by: {message}")))?;
    let resize = Resize::named(&args.resize).ok_or_else(|| {
        let names = Resize::ALL.iter().map(|resize| resize.name()).collect::<Vec<_>>().join(", ");
        Usage(format!("--resize: there is no mode `{}`; there are {names}", args.resize))
    })?;
    let metrics = metrics(&args.scores)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(device::threads(args.threads.into())).build()?;
    if args.features {
        return pool.install(|| features::score(args, metrics));
    }
    let extractor = Extractor::named(&args.extractor).map_err(|err| {
        let unknown = matches!(err, FeatureError::Unknown { .. });
        if unknown { Usage(format!("--extractor: {err}")).into() } else { anyhow::Error::new(err) }
    })?;
    pool.install(|| score(args, &extractor, resize, metrics))
}

/// The metrics of these names; all of them where there is none.
fn metrics(names: &[String]) -> Result<Vec<Metric>, Usage> {
    if names.is_empty() {
        return Ok(Metric::ALL.to_vec());
    }
    let known = || Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ");
    let one = |name: &String| {
        Metric::named(name.trim())
            .ok_or_else(|| Usage(format!("--scores: there is no score `{name}`; there are {}", known())))
    };
    names.iter().map(one).collect()
}

fn score(args: &ScoreArgs, extractor: &Extractor, resize: Resize, metrics: Vec<Metric>) -> anyhow::Result<ExitCode> {
    let real = Listed::at(&args.real, "real images")?;
    let fake = Listed::at(&args.fake, "fakes")?;
    let held_out = args.held_out.as_ref().map(|folder| Listed::at(folder, "held-out images")).transpose()?;
    let fake = ExtractedFolder::of(fake, extractor, resize, None)?;
    let side = args.resize_real.then(|| only_side(&fake)).transpose()?;
    let real = ExtractedFolder::of(real, extractor, resize, side)?;
    let held_out = held_out.map(|listed| ExtractedFolder::of(listed, extractor, resize, side)).transpose()?;
    let mut looked = vec![real, fake];
    looked.extend(held_out);
    let classes = extract::common_classes(&mut looked);
    let (real, fake, held_out) = (&looked[0], &looked[1], looked.get(2));
    warn_of_size("real", real, fake);
    if let Some(held_out) = held_out {
        warn_of_size("held-out", held_out, fake);
    }

    // Without being asked for, a score that this extractor or a folder without classes never has is not missing.
    // Nor is one that is measured on held-out images alone.
    let fits = |metric: &Metric| {
        let tested = metric.beside().is_none() || held_out.is_some();
        !args.scores.is_empty() || (tested && applies(*metric, classes.len(), extractor.logits() > 0))
    };
    let metrics: Vec<Metric> = metrics.into_iter().filter(fits).collect();
    let (mut shared, mut groups) = (0, None);
    if let Some(held_out) = held_out {
        shared = worth::shared(real, held_out);
        if shared > 0 {
            note!(
                "warning: {} are among the real images too, pixel by pixel",
                Digits::Plain.count(shared, "held-out image")
            );
        }
        groups = worth::patients(args.group_by.as_deref().unwrap_or_default(), real, held_out)?;
    }
    let alters = metrics.contains(&Metric::WorthAltered) && held_out.is_some() && shared == 0 && classes.len() > 1;
    let altered = alters.then(|| worth::copies(real, (extractor, resize), args.mirrored, args.seed)).transpose()?;
    let altered = altered.as_ref().map(|(features, labels)| Side { features, labels, logits: None });
    let known = Known {
        altered,
        patients: groups.is_some(),
        groups: groups.as_deref().unwrap_or_default(),
        shared,
        ..Known::default()
    };
    let settings = Settings { metrics, k: args.k.into(), seed: args.seed };
    let sets = Sets {
        classes: classes.len().max(1),
        real: real.side(),
        fake: fake.side(),
        held_out: held_out.map(ExtractedFolder::side),
    };
    let mut report = computed(&sets, known, &settings)?;
    if settings.metrics.contains(&Metric::MsSsim) {
        compare_pixels(real, fake, &sets, args.seed, &mut report);
    }
    report.scores.sort_by_key(|score| (score.metric, score.class));
    for warning in &report.warnings {
        note!("warning: {}", warning.text(&classes));
    }
    if let Some(file) = &args.nearest {
        output::write_nearest(file, &report, &|image| real.name(image), &|image| fake.name(image))?;
    }
    if let Some(file) = &args.nearest_picture {
        pairs::write(file, &report, real, fake)?;
    }
    output::print(
        &report,
        &output::Labels {
            extractor: extractor.name(),
            resize: resize.name(),
            real_side: side,
            classes: &classes,
            settings: &settings,
            json: args.json,
        },
    )?;
    Ok(enough(args, &report, &settings))
}

/// The side of the fakes, to which real images can be brought.
fn only_side(fake: &ExtractedFolder) -> Result<usize, Usage> {
    let mut sizes = fake.sizes.keys();
    match (sizes.next(), sizes.next()) {
        (Some((width, height)), None) if width == height => Ok(*width),
        (first, second) => {
            let found: Vec<String> = [first, second].into_iter().flatten().map(size_name).collect();
            Err(Usage(format!(
                "--resize-real: the fakes must be squares of one size, and there are {}",
                found.join(" and ")
            )))
        }
    }
}

fn size_name((width, height): &(usize, usize)) -> String {
    format!("{width} x {height}")
}

/// Says that most real images have more pixels than the fakes, or fewer, where nothing was done about it.
fn warn_of_size(what: &str, real: &ExtractedFolder, fake: &ExtractedFolder) {
    let (theirs, wanted) = (real.usual_size(), fake.usual_size());
    if real.side.is_none() && theirs.0.min(theirs.1) != wanted.0.min(wanted.1) {
        note!(
            "warning: {what} images have {} pixels (most of them), and fakes {}: every score then also measures how sharp they are, and distances come out far too large. --resize-real brings real images to the size of the fakes first, as training does",
            size_name(&theirs),
            size_name(&wanted)
        );
    }
}

/// The scores, with a bar while they are computed.
fn computed(sets: &Sets<'_>, known: Known<'_>, settings: &Settings) -> anyhow::Result<Report> {
    let bar = output::bar(0, "scores");
    let report = report::scores_knowing(sets, known, settings, &mut |metric, done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(metric.name());
        true
    })?;
    bar.finish_and_clear();
    Ok(report)
}

/// Success where every score that was named is there, or any where none was named.
fn enough(args: &ScoreArgs, report: &Report, settings: &Settings) -> ExitCode {
    let found = |metric: &Metric| report.scores.iter().any(|score| score.metric == *metric);
    let enough = if args.scores.is_empty() { !report.scores.is_empty() } else { settings.metrics.iter().all(found) };
    if enough { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Adds how alike images of one class are.
fn compare_pixels(real: &ExtractedFolder, fake: &ExtractedFolder, sets: &Sets<'_>, seed: u32, report: &mut Report) {
    let side = real.least_side.min(fake.least_side).min(MOST_SIDE);
    let channels = real.channels.max(fake.channels);
    if crate::metric::scales(side) == 0 {
        note!("warning: ms-ssim is left out: its window needs 11 pixels, and the smallest image has {side}");
        return;
    }
    let open =
        |looked: &ExtractedFolder, image: usize| looked.open(image).map(|picture| picture.square(side, channels));
    let (of_real, of_fake) = (|image| open(real, image), |image| open(fake, image));
    let bar = output::bar(sets.classes as u64, "ms-ssim");
    let scores = similarities(
        Gallery { labels: &real.labels, open: &of_real, side, channels },
        Gallery { labels: &fake.labels, open: &of_fake, side, channels },
        sets.classes,
        seed,
        &mut |done, _| {
            bar.set_position(done as u64);
            true
        },
    );
    bar.finish_and_clear();
    if scores.is_empty() {
        let reason = crate::metric::MetricError::Few { images: fake.labels.len(), needed: 2 };
        report.warnings.push(Warning::Missing { metrics: vec![Metric::MsSsim], classes: Vec::new(), reason });
    }
    report.scores.extend(scores);
}
