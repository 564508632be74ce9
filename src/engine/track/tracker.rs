//! What a tracker is, and how it names what it is told of.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::engine::export::name_of;
use crate::event::Event;
use crate::session::{self, Timed};

/// An MLflow server and what runs are put under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its address, such as `http://localhost:5000`.
    pub uri: String,
    /// The name of an experiment, which is made where there is none.
    pub experiment: String,
}

/// A session, as trackers name it.
pub(super) struct Run {
    pub folder: PathBuf,
    pub name: String,
    /// What tells its run from all others, whatever the session is called.
    pub id: String,
}

impl Run {
    pub fn of(session: &Path) -> anyhow::Result<Self> {
        let told = || format!("{} has told nothing yet: train it first", session.display());
        let id = session::run_id(session).with_context(told)?;
        Ok(Self { folder: session.to_owned(), name: name_of(session), id })
    }
}

/// Something that is told of a run.
pub(super) trait Tracker: Send {
    /// What it is called in messages.
    fn name(&self) -> String;

    /// Finds or begins the run there. Returns how many bytes of the session's events it knows already.
    fn begin(&mut self, run: &Run) -> anyhow::Result<u64>;

    /// Takes note of an event that the target knows already.
    fn know(&mut self, event: &Event);

    /// Takes events, the last of which ends at this byte.
    fn take(&mut self, run: &Run, events: &[Timed], until: u64) -> anyhow::Result<()>;
}
