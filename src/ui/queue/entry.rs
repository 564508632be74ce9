//! A run in the queue.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Preset};
use crate::summary::{cost, plain};

/// Where a run in the queue stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryState {
    /// Its turn is still to come.
    Waiting,
    /// It is being trained.
    Running,
    /// All its steps were taken.
    Finished,
    /// The user stopped it.
    Stopped,
    /// It failed, with the reason.
    Failed(String),
}

/// A run in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Tells it from the others.
    pub id: u64,
    /// What it is, in a few words.
    pub name: String,
    /// Its settings.
    pub config: Config,
    /// Where it stands.
    pub state: EntryState,
    /// Its session, once it has begun.
    pub session: Option<PathBuf>,
    /// The settings that are others than recommended, as `key = value`.
    pub differs: Vec<String>,
    /// What the time of a step depends on.
    pub(super) cost: String,
}

impl Entry {
    /// A run that waits.
    pub fn new(id: u64, name: String, config: Config) -> Self {
        let differs = Preset::DEFAULT.config().differences(&config);
        let differs = differs.into_iter().filter(|(key, ..)| key != "train.seed");
        let differs = differs.map(|(key, _, value)| format!("{key} = {}", plain(&value))).collect();
        let cost = cost(&config.settings());
        Self { id, name, config, state: EntryState::Waiting, session: None, differs, cost }
    }
}

/// The stored form of a run in the queue.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub id: u64,
    pub name: String,
    /// As `run.toml`, so that a key of another version makes this one entry unreadable and no other.
    pub config: String,
    pub state: EntryState,
    pub session: Option<PathBuf>,
}

impl From<&Entry> for Stored {
    fn from(entry: &Entry) -> Self {
        let Entry { id, name, config, state, session, .. } = entry.clone();
        let text = config.to_toml();
        let plain = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { id, name, config: plain.collect::<Vec<_>>().join("\n"), state, session }
    }
}

impl From<Stored> for Entry {
    /// A run that was being trained when the program ended waits again, and goes on with its session then.
    fn from(stored: Stored) -> Self {
        let read = Config::from_stored(&stored.config);
        let state = match (&read, stored.state) {
            (Err(err), EntryState::Waiting | EntryState::Running) => {
                EntryState::Failed(format!("Its settings were stored by another version and cannot be read: {err}"))
            }
            (Ok(_), EntryState::Running) => EntryState::Waiting,
            (_, state) => state,
        };
        let entry = Self::new(stored.id, stored.name, read.unwrap_or_default());
        Self { state, session: stored.session, ..entry }
    }
}
