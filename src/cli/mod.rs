//! The same runs without a window, printing the same events.
//!
//! Standard output carries results alone (with `--json`, one JSON object a line); progress and messages go to standard
//! error. Exit status: 0 done, 1 failed, 2 bad usage or bad configuration, 130 ended by Ctrl-C.

mod bench;
mod export;
mod inspect;
mod print;
mod prune;
mod release;
mod resume;
mod score;
mod step;
mod train;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use serde::Serialize;

use crate::config::{Config, Preset};
use crate::engine::Refused;
use crate::guard;
use crate::train::replay;
use print::{note, say};

/// A desktop workbench for conditional GANs on class-labelled images.
#[derive(Parser)]
#[command(version = release::version(), about, long_about = None, args_conflicts_with_subcommands = true)]
struct Cli {
    /// The folder of a session to open in the window.
    session: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Train a run without a window.
    Train(TrainArgs),
    /// Continue a session as if it had never stopped, or fork a new one from it.
    Resume(ResumeArgs),
    /// Draw images of a trained generator.
    Sample(export::SampleArgs),
    /// Export curves, weights, a model, a report or an animation from a session.
    Export(export::ExportArgs),
    /// List the checkpoints of a session that can go and the disk space they take, or remove them.
    Prune(prune::PruneArgs),
    /// Score fakes against real images.
    Score(score::ScoreArgs),
    /// Show what is in a data folder: classes, counts, sizes, duplicates, every skipped file with its reason.
    Inspect(InspectArgs),
    /// List the presets, or print one as a commented run.toml.
    Presets {
        /// The preset to print.
        name: Option<String>,
    },
    /// Replay recorded training traces and print the distance from what they recorded.
    Replay(ReplayArgs),
    /// Time the training step of a configuration.
    Bench(BenchArgs),
    /// Write the manual pages, one per command, into a folder; without one, the first page to standard output.
    #[command(hide = true)]
    Man {
        /// The folder.
        folder: Option<PathBuf>,
    },
    /// Print the completions of this program's commands for a shell.
    #[command(hide = true)]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Where a configuration comes from.
#[derive(Args)]
struct Settings {
    /// The preset to start from.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    preset: Option<String>,
    /// A run.toml to start from, such as that of an earlier session.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting to change, such as train.batch_size=16; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
struct TrainArgs {
    /// A folder with one sub-folder per class, a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo` for the drawn set.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Steps that the run should reach.
    #[arg(long)]
    steps: Option<usize>,
    /// Minutes of training after which the run ends, whatever its steps.
    #[arg(long)]
    minutes: Option<f64>,
    /// The seed of all random numbers.
    #[arg(long)]
    seed: Option<u64>,
    /// The session's folder, which must not hold a session yet.
    #[arg(long, value_name = "SESSION")]
    out: Option<PathBuf>,
    /// auto, cpu, cuda, cuda:N or metal.
    #[arg(long)]
    device: Option<String>,
    /// CPU threads; 0 takes all cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Print every event as a line of JSON.
    #[arg(long)]
    json: bool,
    /// Print the resolved run.toml and its problems, and train nothing.
    #[arg(long, conflicts_with = "json")]
    dry_run: bool,
}

#[derive(Args)]
struct ResumeArgs {
    /// The session's folder.
    session: PathBuf,
    /// Steps that the run should reach in all; by default, those that it was set to take.
    #[arg(long)]
    steps: Option<usize>,
    /// Start a new session in this folder with the weights of the checkpoint, and leave the old one as it is.
    #[arg(long, value_name = "NEW")]
    fork: Option<PathBuf>,
    /// Read and write wherever the session's settings say, even in places that no run of yours has used; they are
    /// then remembered.
    #[arg(long)]
    trust: bool,
    /// With --fork: the checkpoint's step, or `best`; by default the newest.
    #[arg(long, requires = "fork")]
    step: Option<step::Wanted>,
    /// With --fork: a setting to change, such as optimizer.generator_lr=0.00005; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "fork")]
    set: Vec<String>,
    /// Print every event as a line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct InspectArgs {
    /// A folder with one sub-folder per class (or just of images), a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo`.
    data: String,
    /// A setting of the data, such as data.held_out=0.2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// List every duplicate, note and skipped file, however many there are.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ReplayArgs {
    /// Trace files (.safetensors).
    #[arg(required = true)]
    traces: Vec<PathBuf>,
    /// Print one JSON object per trace.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct BenchArgs {
    #[command(flatten)]
    settings: Settings,
    /// Images per batch.
    #[arg(long)]
    batch: Option<usize>,
    /// Steps that are timed, after two untimed warm-up steps.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    /// Classes of the made-up data.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    classes: u32,
    /// CPU threads; 0 takes all cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The most bytes of a run.toml; one with everything in it has some tens of thousands.
const MOST_CONFIG: u64 = 4 << 20;

/// What was asked cannot be done as it was asked: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// The whole program.
pub fn main() -> ExitCode {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("GANDLE_LOG").unwrap_or_else(|_| "warn,gandle=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| print::Log).without_time().init();
    guard::hush();
    let cli = Cli::parse();
    // A command that panics has failed like any other: in words.
    match guard::catch(|| run(cli)).unwrap_or_else(|panicked| Err(panicked.into())) {
        Ok(code) => code,
        // Whoever read our output has seen enough (`gandle presets | head`).
        Err(err) if err.chain().any(is_broken_pipe) => ExitCode::SUCCESS,
        Err(err) => {
            note!("gandle: {err:#}");
            ExitCode::from(if err.is::<Usage>() || err.is::<Refused>() { 2 } else { 1 })
        }
    }
}

fn is_broken_pipe(err: &(dyn std::error::Error + 'static)) -> bool {
    let io = err.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let json = err.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => {
            if let Some(session) = &cli.session
                && !session.join("run.toml").is_file()
            {
                let what = session.display();
                return Err(Usage(format!(
                    "`{what}` is neither a command (see gandle --help) nor the folder of a session"
                ))
                .into());
            }
            window(cli.session)
        }
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Resume(args)) => resume::run(&args),
        Some(Command::Sample(args)) => export::sample(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Export(args)) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Prune(args)) => prune::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Score(args)) => score::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Presets { name }) => presets(name.as_deref()).map(|()| ExitCode::SUCCESS),
        Some(Command::Replay(args)) => replay_all(&args),
        Some(Command::Bench(args)) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Man { folder }) => {
            release::manual(&Cli::command(), folder.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Completions { shell }) => release::completions(Cli::command(), shell).map(|()| ExitCode::SUCCESS),
    }
}

#[cfg(feature = "gui")]
fn window(session: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    crate::app::run(session).map(|()| ExitCode::SUCCESS)
}

#[cfg(not(feature = "gui"))]
fn window(session: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let without = match session {
        None => "`gandle train` trains without one, and `gandle --help` lists all that works without one".to_owned(),
        Some(session) => format!(
            "`gandle resume {0}` continues the session, and `gandle export {0} --format html` writes a report of it",
            session.display()
        ),
    };
    let text = format!(
        "this build of gandle has no window: {without}; for the window, build without `--no-default-features` or install a package"
    );
    Err(Usage(text).into())
}

impl Settings {
    fn resolve(&self) -> anyhow::Result<Config> {
        let base = match (&self.preset, &self.config) {
            (Some(name), _) => self.of_preset(preset(name)?)?,
            (None, Some(path)) => {
                let text = read_config(path)
                    .map_err(|err| Usage(format!("--config {}: could not be read: {err}", path.display())))?;
                Config::from_toml(&text).map_err(|err| Usage(format!("{}:\n{err}", path.display())))?
            }
            (None, None) => self.of_preset(Preset::DEFAULT)?,
        };
        Ok(base.with(&self.set).map_err(|err| Usage(err.to_string()))?)
    }

    /// A preset as it is at the image size that is asked for.
    fn of_preset(&self, preset: Preset) -> anyhow::Result<Config> {
        let asked = preset.config().with(&self.set).map_err(|err| Usage(err.to_string()))?;
        Ok(preset.config_at(asked.image_size))
    }
}

/// A run.toml, which may come out of a pipe, but not without end.
fn read_config(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, Read as _};
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_CONFIG + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_CONFIG {
        return Err(Error::other(format!("it is larger than {} MB, and no run.toml is", MOST_CONFIG >> 20)));
    }
    Ok(text)
}

fn preset(name: &str) -> anyhow::Result<Preset> {
    let names: Vec<&str> = Preset::ALL.into_iter().map(Preset::name).collect();
    Ok(Preset::named(name)
        .ok_or_else(|| Usage(format!("there is no preset `{name}`; there are {}", names.join(", "))))?)
}

fn presets(name: Option<&str>) -> anyhow::Result<()> {
    match name {
        Some(name) => print_config(&preset(name)?.config())?,
        None => {
            for preset in Preset::ALL {
                say!("{:10} {}", preset.name(), preset.about());
            }
        }
    }
    Ok(())
}

fn print_config(config: &Config) -> anyhow::Result<()> {
    for line in config.to_toml().trim_end().lines() {
        say!("{line}");
    }
    Ok(())
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

fn replay_all(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for path in &args.traces {
        // Opening a pipe would wait for ever.
        let file = guard::open_regular(path).with_context(|| path.display().to_string());
        match file.and_then(|_| replay::replay(path)) {
            Ok(report) => {
                if args.json {
                    print_json(&report)?;
                } else {
                    let r = &report;
                    let verdict = if r.ok { "ok" } else { "TOO FAR" };
                    say!(
                        "{:40} {verdict}  losses {:.1e}  generator {:.1e}  discriminator {:.1e}  ema {:.1e}  images {:.1e}  ema images {:.1e}",
                        r.trace,
                        r.losses,
                        r.generator,
                        r.discriminator,
                        r.ema,
                        r.generator_images,
                        r.ema_images
                    );
                }
                if !report.ok {
                    code = ExitCode::from(1);
                }
            }
            Err(err) => {
                note!("gandle: {err:#}");
                code = ExitCode::from(1);
            }
        }
    }
    Ok(code)
}

/// A class by its name; nothing for all of them.
fn class_of(name: &str, classes: &[String]) -> anyhow::Result<Option<usize>> {
    let found = classes.iter().position(|class| class == name);
    if found.is_none() && name != "all" {
        bail!(Usage(format!("there is no class `{name}`; there are {}, or `all`", classes.join(", "))));
    }
    Ok(found)
}
