//! `gandle resume`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print::note;
use super::step;
use super::track::TrackerArgs;
use super::train::{if_finished, watch_run};
use super::usage::Usage;
use crate::config::has_errors;
use crate::engine::{Refused, RunRequest};
use crate::session;

#[derive(Args)]
pub(super) struct ResumeArgs {
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
    #[command(flatten)]
    trackers: TrackerArgs,
    /// Print every event as a line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let trackers = args.trackers.trackers()?;
    let request = match &args.fork {
        None => match RunRequest::resume(&args.session, args.steps) {
            Ok(request) => request,
            Err(err) => return if_finished(err),
        },
        Some(fork) => {
            if session::has_run(fork) {
                let folder = fork.display();
                return Err(Usage(format!("--fork {folder}: already holds a session; choose another folder")).into());
            }
            let step = step::of(&args.session, args.step)?;
            RunRequest::fork(&args.session, step, fork.clone(), args.steps, &args.set)?
        }
    };
    let problems = request.config.check(None);
    if has_errors(&problems) || args.fork.is_some() {
        problems.iter().for_each(|problem| note!("{problem}"));
    }
    if has_errors(&problems) {
        return Ok(ExitCode::from(2));
    }
    allow(&request, args)?;
    watch_run(request, &trackers, args.json)
}

/// Refuses a run that leads to places that no run of this user's has used, unless its user says that it may.
fn allow(request: &RunRequest, args: &ResumeArgs) -> Result<(), Refused> {
    let typed =
        |key: &str| args.set.iter().any(|entry| entry.split_once('=').is_some_and(|(name, _)| name.trim() == key));
    let unknown = session::untrusted_paths(&request.places);
    let unknown: Vec<String> =
        unknown.iter().filter(|place| !args.trust && !typed(&place.key)).map(|place| format!("  {place}")).collect();
    if unknown.is_empty() {
        session::trust_paths(&request.places);
        return Ok(());
    }
    Err(Refused(format!(
        "{} names places that no run of yours has used:\n{}\nThe run would read from there, or write to it. If the session is your own, or you want this, add --trust; otherwise name places of your own in {}",
        args.session.display(),
        unknown.join("\n"),
        args.session.join("run.toml").display()
    )))
}
