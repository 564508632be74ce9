//! What a run is asked to be.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, ExternalPath};

/// What a run begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Start weights.
    #[default]
    New,
    /// The newest whole checkpoint of its own session, or start weights where that has none.
    Resume {
        /// Steps in all, where they are to be others than before.
        steps: Option<usize>,
        /// `KEY=VALUE` of settings that may be others in the same run, to be laid over those of its `run.toml`.
        set: Vec<String>,
    },
    /// A checkpoint of another session.
    Fork {
        /// The other session's folder.
        parent: PathBuf,
        /// The checkpoint's step.
        step: usize,
    },
}

/// A call on the worker thread, after a step and its events.
pub type StepHook = Arc<dyn Fn(usize) + Send + Sync>;

/// What to run.
#[derive(Clone)]
pub struct RunRequest {
    /// The whole configuration.
    pub config: Config,
    /// The session's folder, which must not hold a session yet unless the run resumes it.
    pub session: PathBuf,
    /// What the run begins with.
    pub from: Origin,
    /// Where it leads outside of its session, by its settings and by changes of them that it will make again. Whoever goes
    /// on with a session that somebody sent asks before ([`crate::session::untrusted_paths`]).
    pub places: Vec<ExternalPath>,
    /// Called on the worker thread after each step, for programs that embed the engine and for tests.
    pub after_step: Option<StepHook>,
}

impl RunRequest {
    /// A new run without a hook.
    pub fn new(config: Config, session: PathBuf) -> Self {
        Self { places: config.external_paths(), config, session, from: Origin::New, after_step: None }
    }
}
