//! The data of a run, which loads while commands may come, and what is refused before and after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use crossbeam_channel::{Receiver, TryRecvError};

use crate::config::{Config, Level, has_errors};
use crate::data::{DataError, Dataset};
use crate::event::Command;

/// The data, with the labels that a session has already (`known`), and what was asked while it loaded; nothing where the end was
/// asked for.
pub(super) fn load(
    config: &Config,
    known: &[String],
    inbox: &Receiver<Command>,
) -> anyhow::Result<Option<(Arc<Dataset>, Vec<Command>)>> {
    let (stopped, asked) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let go_on = |_, _| {
        match inbox.try_recv() {
            Ok(Command::Stop) | Err(TryRecvError::Disconnected) => stopped.store(true, Ordering::Relaxed),
            Ok(command) => asked.lock().unwrap_or_else(PoisonError::into_inner).push(command),
            Err(TryRecvError::Empty) => {}
        }
        !stopped.load(Ordering::Relaxed)
    };
    let dataset = match Dataset::load_as(config, known, &go_on) {
        Ok(dataset) => Arc::new(dataset),
        Err(DataError::Cancelled) => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    Ok(Some((dataset, asked.into_inner().unwrap_or_else(PoisonError::into_inner))))
}

/// Errors of a configuration as one, its warnings as a list.
pub(super) fn refuse(config: &Config, classes: Option<usize>) -> anyhow::Result<Vec<String>> {
    let problems = config.check(classes);
    let of = |level| problems.iter().filter(move |p| p.level == level).map(|p| format!("{}: {}", p.key, p.message));
    if has_errors(&problems) {
        bail!("the settings cannot be run:\n{}", of(Level::Error).collect::<Vec<_>>().join("\n"));
    }
    Ok(of(Level::Warning).collect())
}
