//! The same runs without a window, printing the same events.
//!
//! Standard output carries results alone (with `--json`, one JSON object a line); progress and messages go to standard
//! error. Exit statuses: `STATUSES`.

mod bench;
mod class;
mod compare;
mod export;
mod inspect;
mod print;
mod prune;
mod release;
mod replay;
mod resume;
mod score;
mod settings;
mod signals;
mod step;
mod sweep;
mod track;
mod train;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::Preset;
use crate::engine::Refused;
use crate::guard;
use print::{note, say};
use usage::Usage;

/// What statuses the program leaves with.
const STATUSES: &str = "Exit status: 0 done, 1 failed, 2 bad usage or bad configuration, 75 asked to end, saved and not finished (the same command with --resume, or `gandle resume`, goes on), 130 ended by Ctrl-C, saved too.

Signals of a run without a window: TERM, USR1 and HUP save and end with 75, USR2 saves and goes on, Ctrl-C saves and ends with 130. A full disk makes a run wait for room.";

/// A desktop workbench for conditional GANs on class-labelled images.
#[derive(Parser)]
#[command(version = release::version(), about, long_about = None, args_conflicts_with_subcommands = true, after_help = STATUSES)]
struct Cli {
    /// The folder of a session to open in the window.
    session: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Train a run without a window.
    #[command(after_help = STATUSES)]
    Train(train::TrainArgs),
    /// Continue a session as if it had never stopped, or fork a new one from it.
    #[command(after_help = STATUSES)]
    Resume(resume::ResumeArgs),
    /// Train a run for every combination of some settings' values and every seed, here or by Slurm.
    #[command(after_help = STATUSES)]
    Sweep(sweep::SweepArgs),
    /// Send what a session tells to TensorBoard's folder or an MLflow server: all of it, or what is missing there.
    ///
    /// A session that is being trained is followed to its end.
    Track(track::TrackArgs),
    /// Show runs beside each other: state, best score, mean and spread over seeds, settings that differ.
    Compare(compare::CompareArgs),
    /// Draw images of a trained generator.
    Sample(export::SampleArgs),
    /// Export curves, weights, a model, a report or an animation from a session.
    Export(export::ExportArgs),
    /// List the checkpoints of a session that can go and the disk space they take, or remove them.
    Prune(prune::PruneArgs),
    /// Score fakes against real images.
    Score(score::ScoreArgs),
    /// Show what is in a data folder: classes, counts, sizes, duplicates, every skipped file with its reason.
    Inspect(inspect::InspectArgs),
    /// List the presets, or print one as a commented run.toml.
    Presets {
        /// The preset to print.
        name: Option<String>,
    },
    /// Replay recorded training traces and print the distance from what they recorded.
    Replay(replay::ReplayArgs),
    /// Time the training step of a configuration.
    Bench(bench::BenchArgs),
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

/// The whole program.
pub fn main() -> ExitCode {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("GANDLE_LOG").unwrap_or_else(|_| "warn,gandle=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| print::Log).without_time().init();
    guard::silence_panics();
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
        Some(Command::Sweep(args)) => sweep::run(&args),
        Some(Command::Track(args)) => track::run(&args),
        Some(Command::Compare(args)) => compare::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Sample(args)) => export::sample(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Prune(args)) => prune::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Score(args)) => score::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Presets { name }) => presets(name.as_deref()).map(|()| ExitCode::SUCCESS),
        Some(Command::Replay(args)) => replay::run(&args),
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

fn presets(name: Option<&str>) -> anyhow::Result<()> {
    match name {
        Some(name) => print::config(&settings::preset(name)?.config())?,
        None => {
            for preset in Preset::ALL {
                say!("{:10} {}\n{:10} {}", preset.name(), preset.about(), "", preset.measured());
            }
        }
    }
    Ok(())
}
