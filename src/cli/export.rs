//! `gandle export` and `gandle sample`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::print::{note, say};
use super::usage::Usage;
use super::{class, step};
use crate::config::Choice as _;
use crate::engine::export::{MOST_IMAGES, export};
use crate::engine::sample::Sampler;
use crate::event::{Content, Export, Exported, Film, ImageFormat, Images, Moving, Walk};
use crate::guard::Digits;

#[derive(Args)]
pub(super) struct ExportArgs {
    /// The session's folder.
    session: PathBuf,
    /// What to export, and in which format.
    #[arg(long)]
    format: Format,
    /// The folder for the files; by default `exports` in the session's folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With safetensors, onnx and a walk: the checkpoint's step, or `best` for the one with the best score (score.best); by
    /// default the newest.
    #[arg(long)]
    step: Option<step::Wanted>,
    /// With gif and webp: what the animation shows; by default the history.
    #[arg(long)]
    of: Option<Of>,
    /// With gif and webp: frames per second, 0.1 to 50.
    #[arg(long, value_name = "X")]
    fps: Option<f64>,
    /// With gif and webp: frames, 2 to 2000; of more grids, as many are taken, evenly spaced.
    #[arg(long, value_name = "N")]
    frames: Option<usize>,
    /// With gif and webp: leave the class names and the step out of the frames.
    #[arg(long)]
    plain: bool,
    /// With a walk: a class by name, or `all` side by side (the default).
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// With a walk: images that it passes through, which are the first ones of `gandle sample` with the same seed.
    #[arg(long, value_name = "N")]
    stops: Option<usize>,
    /// With a walk: the seed of the noise.
    #[arg(long)]
    seed: Option<u64>,
    /// With a walk: redraw noise values beyond ± this (truncation trick). 0 is off.
    #[arg(long, value_name = "X")]
    truncation: Option<f32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The averaged generator as weights for PyTorch.
    Safetensors,
    /// The averaged generator as an ONNX model.
    Onnx,
    /// Every curve and score as tables.
    Csv,
    /// Curves, scores, grids and settings for TensorBoard.
    Tensorboard,
    /// A one-page report.
    Html,
    /// An animation with at most 256 colours per frame.
    Gif,
    /// An animation in full colour.
    Webp,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The sample grids of the run.
    History,
    /// Images along a closed path through latent space.
    Walk,
}

#[derive(Args)]
pub(super) struct SampleArgs {
    /// The session's folder.
    session: PathBuf,
    /// The checkpoint's step, or `best` for the one with the best score (score.best); by default the newest.
    #[arg(long)]
    step: Option<step::Wanted>,
    /// A class by name, or `all`.
    #[arg(long, default_value = "all")]
    class: String,
    /// Images per class, at most a million.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=MOST_IMAGES as i64))]
    count: u32,
    /// Instead of --count: as many images of each class as its real ones, which the session was trained on or held out, fall
    /// short of this number, and a table (.csv) of them. DIR may be the folder of the real ones: nothing is overwritten.
    #[arg(long, value_name = "N", conflicts_with = "count", value_parser = clap::value_parser!(u32).range(1..=MOST_IMAGES as i64))]
    fill_up: Option<u32>,
    /// How the images are stored.
    #[arg(long, value_name = "FORMAT", default_value = ImageFormat::Png.key(), value_parser = formats())]
    format: ImageFormat,
    /// Write the word SYNTHETIC into the pixels of each image.
    #[arg(long)]
    mark: bool,
    /// The seed of the noise.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Redraw noise values beyond ± this (truncation trick): less variety, safer images. 0 is off.
    #[arg(long, default_value_t = 0.0, value_name = "X")]
    truncation: f32,
    /// The folder that gets one sub-folder per class, or the one file.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The formats of images, as they are declared.
fn formats() -> impl TypedValueParser<Value = ImageFormat> {
    let named = |format: &ImageFormat| PossibleValue::new(format.key()).help(format.about());
    PossibleValuesParser::new(ImageFormat::ALL.iter().map(named)).map(|key| {
        let known = ImageFormat::ALL.iter().find(|format| format.key() == key);
        known.copied().unwrap_or_default()
    })
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    write(&Export { session: args.session.clone(), content: content(args)?, folder: args.out.clone() })
}

pub(super) fn sample(args: &SampleArgs) -> anyhow::Result<ExitCode> {
    let step = step::of(&args.session, args.step)?;
    let class = class::of(&args.class, &Sampler::open(&args.session, step)?.state.classes)?;
    let SampleArgs { seed, truncation, format, mark, .. } = *args;
    let fill_up = args.fill_up.is_some();
    if fill_up && !format.is_one_file_each() {
        let each = ImageFormat::of_one_file_each();
        return Err(Usage(format!("--fill-up writes one file per image: --format is one of {each} with it")).into());
    }
    let count = args.fill_up.unwrap_or(args.count) as usize;
    let content = Content::Images(Images { step, class, count, seed, truncation, format, mark, fill_up });
    write(&Export { session: args.session.clone(), content, folder: Some(args.out.clone()) })
}

/// Exports behind a progress bar, and says what was written.
fn write(asked: &Export) -> anyhow::Result<ExitCode> {
    let bar = indicatif::ProgressBar::new(0);
    let stop = Arc::new(AtomicBool::new(false));
    let asked_to_stop = Arc::clone(&stop);
    // What is half written goes; a second Ctrl-C finds the same.
    ctrlc::set_handler(move || asked_to_stop.store(true, Ordering::Relaxed))?;
    let exported = export(asked, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        !stop.load(Ordering::Relaxed)
    })?;
    bar.finish_and_clear();
    match exported {
        None => return Ok(ExitCode::from(130)),
        Some(Exported::Files(files)) => {
            for path in files {
                say!("{}", path.display());
            }
        }
        Some(Exported::Images { count, folder, renamed, table }) => {
            for (class, folder) in &renamed {
                note!(
                    "the class {class:?} is in the folder {folder}: its own name is not valid on every system, or another class has it"
                );
            }
            if let (0, Content::Images(Images { count: wanted, fill_up: true, .. })) = (count, &asked.content) {
                note!(
                    "no class has fewer than {}: there is nothing to add",
                    Digits::Plain.count(*wanted, "real image")
                );
            }
            say!("{} in {}", Digits::Plain.count(count, "image"), folder.display());
            if let Some(table) = table {
                say!("{}", table.display());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn content(args: &ExportArgs) -> anyhow::Result<Content> {
    let step = step::of(&args.session, args.step)?;
    let (content, taken): (Content, &[&str]) = match args.format {
        Format::Csv => (Content::Csv, &[]),
        Format::Html => (Content::Html, &[]),
        Format::Tensorboard => (Content::Tensorboard, &[]),
        Format::Safetensors => (Content::Safetensors { step }, &["step"]),
        Format::Onnx => (Content::Onnx { step }, &["step"]),
        Format::Gif => film(args, step, Moving::Gif)?,
        Format::Webp => film(args, step, Moving::Webp)?,
    };
    let given = [
        ("step", args.step.is_some()),
        ("of", args.of.is_some()),
        ("fps", args.fps.is_some()),
        ("frames", args.frames.is_some()),
        ("plain", args.plain),
        ("class", args.class.is_some()),
        ("stops", args.stops.is_some()),
        ("seed", args.seed.is_some()),
        ("truncation", args.truncation.is_some()),
    ];
    match given.into_iter().find(|(name, given)| *given && !taken.contains(name)) {
        Some((name, _)) => {
            Err(Usage(format!("--{name} is for other exports than this one (see gandle export --help)")).into())
        }
        None => Ok(content),
    }
}

fn film(args: &ExportArgs, step: Option<usize>, moving: Moving) -> anyhow::Result<(Content, &'static [&'static str])> {
    let film = Film { moving, frames: args.frames.unwrap_or(60), fps: args.fps.unwrap_or(10.0), labels: !args.plain };
    match args.of.unwrap_or(Of::History) {
        Of::History => Ok((Content::History(film), &["of", "fps", "frames", "plain"])),
        Of::Walk => {
            let walk = Walk {
                step,
                class: class(args, step)?,
                stops: args.stops.unwrap_or(5),
                seed: args.seed.unwrap_or(0),
                truncation: args.truncation.unwrap_or(0.0),
            };
            let taken = &["of", "fps", "frames", "plain", "step", "class", "stops", "seed", "truncation"];
            Ok((Content::Walk(film, walk), taken))
        }
    }
}

fn class(args: &ExportArgs, step: Option<usize>) -> anyhow::Result<Option<usize>> {
    let Some(name) = &args.class else { return Ok(None) };
    class::of(name, &Sampler::open(&args.session, step)?.state.classes)
}
