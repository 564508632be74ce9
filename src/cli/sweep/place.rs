//! Where the runs of a sweep and its files stand.

use std::path::PathBuf;

use crate::config::sweep::SweepRun;
use crate::summary::Brief;

/// What says all of a sweep.
pub(super) const SWEEP: &str = "sweep.toml";
/// The settings of its runs.
pub(super) const RUNS: &str = "runs";
/// What they said.
pub(super) const LOGS: &str = "logs";

/// A run with its place.
pub(super) struct Planned {
    pub run: SweepRun,
    pub folder: PathBuf,
    /// What its session tells, where it has begun.
    pub brief: Option<Brief>,
    /// Who writes to it now.
    pub holder: Option<String>,
}

impl Planned {
    pub fn name(&self) -> &str {
        &self.run.name
    }

    pub fn is_finished(&self) -> bool {
        self.brief.as_ref().is_some_and(|brief| brief.state(false) == "finished")
    }

    pub fn state(&self) -> &'static str {
        self.brief.as_ref().map_or("new", |brief| brief.state(self.holder.is_some()))
    }
}

/// Where the files of a sweep stand.
pub(super) struct Place(pub PathBuf);

impl Place {
    pub fn sweep(&self) -> PathBuf {
        self.0.join(SWEEP)
    }

    pub fn settings(&self, run: &str) -> PathBuf {
        self.0.join(RUNS).join(format!("{run}.toml"))
    }

    pub fn log(&self, run: &str) -> PathBuf {
        self.0.join(LOGS).join(format!("{run}.log"))
    }
}
