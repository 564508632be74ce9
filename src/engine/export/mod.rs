//! Takes a session's results out of it: curves as tables, the averaged generator as weights, the whole as one page.
//!
//! Every file tells its session, seed, step and classes, appears whole, and never replaces another.

mod page;
mod plot;
mod table;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::config::Config;
use crate::event::{Event, Started};
use crate::session::{Stored, write_whole};

/// What can be taken out of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Every curve and every score as comma-separated tables.
    Csv,
    /// The averaged generator under PyTorch's names.
    Safetensors,
    /// Settings, curves, scores, grids and alarms on one page that needs nothing else.
    Html,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Safetensors, Self::Csv, Self::Html];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Safetensors => "safetensors",
            Self::Html => "html",
        }
    }
}

/// A session as exports see it.
struct Source {
    folder: PathBuf,
    name: String,
    /// What happened, each thing once.
    history: Vec<Event>,
    started: Started,
    /// Steps done.
    step: usize,
}

impl Source {
    fn open(session: &Path) -> anyhow::Result<Self> {
        let stored = Stored::open(session)?;
        let history = stored.history();
        let begun = |event: &Event| if let Event::Started(started) = event { Some((**started).clone()) } else { None };
        let started = history.iter().rev().find_map(begun);
        let started = started.with_context(|| format!("{} has told nothing yet: train it first", session.display()))?;
        let mut steps =
            history.iter().filter_map(|event| if let Event::Step(step) = event { Some(step.step) } else { None });
        let step = steps.next_back().unwrap_or(started.step);
        let folder = session.canonicalize().unwrap_or_else(|_| session.to_owned());
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { folder, name, history, started, step })
    }

    fn config(&self) -> &Config {
        &self.started.config
    }
}

/// Exports a session into a folder (`exports` in the session's own without one) and returns the files that it wrote. `step`
/// is that of the checkpoint whose weights are wanted; without it, the newest whole one.
///
/// # Errors
/// Where the session cannot be read, a file is already there, or the folder cannot be written.
pub fn export(
    session: &Path,
    format: Format,
    step: Option<usize>,
    folder: Option<&Path>,
) -> anyhow::Result<Vec<PathBuf>> {
    let own = session.join("exports");
    let folder = folder.unwrap_or(&own);
    let files = match format {
        Format::Csv => table::files(&Source::open(session)?),
        Format::Html => vec![page::file(&Source::open(session)?)?],
        Format::Safetensors => vec![weights::file(session, step)?],
    };
    if step.is_some() && format != Format::Safetensors {
        bail!("only weights are those of one step: leave --step out, or ask for safetensors");
    }
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    if let Some(taken) = paths.iter().find(|path| path.exists()) {
        bail!("{} is already there and is not overwritten: choose another folder", taken.display());
    }
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    for (path, (_, content)) in paths.iter().zip(&files) {
        write_whole(path, content)?;
    }
    Ok(paths)
}
