//! `gandle track`, and the trackers of commands that train.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::print::note;
use super::usage::Usage;
use crate::engine::{Server, Trackers, Tracking};
use crate::session;

/// Where else to send what a run tells.
#[derive(Args, Clone)]
pub(super) struct TrackerArgs {
    /// Write what the run tells for TensorBoard as well, as it comes: the session gets a folder of its own in DIR.
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    /// Send it to an MLflow server, such as http://localhost:5000. What it does not take now, it gets later, or by `gandle track`.
    #[arg(long, value_name = "URI")]
    mlflow: Option<String>,
    /// The experiment of MLflow that the run belongs to.
    #[arg(long, value_name = "NAME", default_value = "gandle", requires = "mlflow")]
    experiment: String,
}

impl TrackerArgs {
    /// All of it.
    ///
    /// # Errors
    /// Where an address is none.
    pub fn trackers(&self) -> Result<Trackers, Usage> {
        let mlflow = self.mlflow.clone().map(|uri| Server { uri, experiment: self.experiment.clone() });
        let wrong =
            mlflow.as_ref().filter(|server| !["http://", "https://"].iter().any(|way| server.uri.starts_with(way)));
        if let Some(Server { uri, .. }) = wrong {
            return Err(Usage(format!(
                "--mlflow {uri}: wanted the address of a server, such as http://localhost:5000"
            )));
        }
        Ok(Trackers { tensorboard: self.tensorboard.clone(), mlflow })
    }

    /// The same for another program's command line.
    pub fn words(&self) -> Vec<String> {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let board = self.tensorboard.as_ref().map(|folder| format!("--tensorboard={}", absolute(folder).display()));
        let mlflow = self.mlflow.as_ref().map(|uri| format!("--mlflow={uri}"));
        let experiment = self.mlflow.as_ref().map(|_| format!("--experiment={}", self.experiment));
        board.into_iter().chain(mlflow).chain(experiment).collect()
    }
}

#[derive(Args)]
pub(super) struct TrackArgs {
    /// The session's folder.
    session: PathBuf,
    #[command(flatten)]
    to: TrackerArgs,
}

pub(super) fn run(args: &TrackArgs) -> anyhow::Result<ExitCode> {
    let trackers = args.to.trackers()?;
    if trackers == Trackers::default() {
        return Err(Usage("where to? Name --tensorboard DIR or --mlflow URI".to_owned()).into());
    }
    session::read_settings(&args.session)?;
    let all = Tracking::start(&args.session, &trackers, &(Arc::new(|| {}) as _)).finish(|line| note!("{line}"));
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
