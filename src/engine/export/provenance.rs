//! What every exported file tells of itself.

use std::collections::BTreeMap;
use std::path::Path;

use crate::event::Started;
use crate::session::CheckpointState;

use super::source::{Source, name_of};

/// Session, seed, step, classes and the program, each under a name.
#[derive(Clone, Debug)]
pub(super) struct Provenance(BTreeMap<&'static str, String>);

impl Provenance {
    fn new(session: String, seed: u64, step: usize, classes: &[String]) -> anyhow::Result<Self> {
        Ok(Self(BTreeMap::from([
            ("session", session),
            ("seed", seed.to_string()),
            ("step", step.to_string()),
            // In label order: label i stands for the i-th of them.
            ("classes", serde_json::to_string(classes)?),
            ("written_by", format!("gandle {}", env!("CARGO_PKG_VERSION"))),
        ])))
    }

    /// Of the averaged generator of a checkpoint.
    pub fn of_checkpoint(session: &Path, state: &CheckpointState) -> anyhow::Result<Self> {
        let seed = state.config.train.seed;
        let marks = Self::new(name_of(session), seed, state.step, &state.classes)?;
        Ok(marks
            .with("config", serde_json::to_string(&state.config)?)
            .with("weights", "moving average of the generator".to_owned()))
    }

    /// Of a run that begins.
    pub fn of_run(session: String, started: &Started) -> anyhow::Result<Self> {
        Self::new(session, started.config.train.seed, started.step, &started.classes)
    }

    /// Of a whole session.
    pub fn of_session(source: &Source) -> anyhow::Result<Self> {
        Self::new(source.name.clone(), source.config().train.seed, source.step, &source.started.classes)
    }

    /// With one more, or another value of one.
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.0.insert(name, value);
        self
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// All of them as one JSON object.
    pub fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&self.0)?)
    }
}
