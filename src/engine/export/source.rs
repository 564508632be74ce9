//! A session as exports see it, and where what they make of it goes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::Config;
use crate::event::{Event, Export, Started};
use crate::session::{self, EXPORTS, Stored};

/// A file below the folder that is exported to, and what it holds.
pub(super) type File = (String, Vec<u8>);

/// A session as exports see it.
pub(super) struct Source {
    pub folder: PathBuf,
    pub name: String,
    /// What happened, each thing once.
    pub history: Vec<Event>,
    pub started: Started,
    /// Steps done.
    pub step: usize,
}

impl Source {
    pub fn open(session: &Path) -> anyhow::Result<Self> {
        let stored = Stored::open(session)?;
        let history = stored.history();
        let begun = |event: &Event| if let Event::Started(started) = event { Some((**started).clone()) } else { None };
        let started = history.iter().rev().find_map(begun);
        let started = started.with_context(|| format!("{} has told nothing yet: train it first", session.display()))?;
        let mut steps =
            history.iter().filter_map(|event| if let Event::Step(step) = event { Some(step.step) } else { None });
        let step = steps.next_back().unwrap_or(started.step);
        Ok(Self { folder: session.to_owned(), name: name_of(session), history, started, step })
    }

    pub fn config(&self) -> &Config {
        &self.started.config
    }
}

/// A session's name: that of its folder.
pub(in crate::engine) fn name_of(session: &Path) -> String {
    let folder = session.canonicalize().unwrap_or_else(|_| session.to_owned());
    folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Whether work goes on: it is told `(done, total)`.
pub(super) type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> bool;

/// The folder for the files of an export, or a folder below it. In the session's own, nothing may lead elsewhere.
pub(super) fn folder_of(asked: &Export, below: &str) -> anyhow::Result<PathBuf> {
    match &asked.folder {
        Some(folder) if below.is_empty() => Ok(folder.clone()),
        Some(folder) => Ok(folder.join(below)),
        None => Ok(session::folder(&asked.session, format!("{EXPORTS}/{below}").trim_end_matches('/'))?),
    }
}
