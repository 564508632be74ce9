//! Owns the worker thread: takes commands, runs the loop, emits events.
//!
//! Light news goes through a bounded channel whose sender waits for room; sample grids go through a slot that keeps the
//! newest alone, so a slow window never backs up on pictures. Whatever ends the worker (a last step, a command, an error, a
//! panic) becomes one ending event, which the session holds too.

mod advice;
mod browse;
mod checkpoints;
mod commands;
mod control;
pub mod device;
mod diversity;
pub mod explore;
pub mod export;
mod fallback;
mod feature_cache;
mod feed;
mod fingerprint;
mod grids;
mod job;
mod journal;
mod latent;
mod loading;
mod memory;
mod prepared;
mod probe;
mod quiz;
mod reference;
mod request;
mod rescore;
mod resume;
mod room;
mod run;
pub mod sample;
mod schedule;
mod score_history;
mod scorer;
mod scoring;
mod service;
mod sheet;
mod standing_stats;
mod stopwatch;
mod task;
mod track;
mod training;
mod watch;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::config::ExternalPath;
use crate::event::{Command, Event, GridPicture, ScoreProgress, Waker};

pub use feed::{Noise, RunFeed};
pub use job::Job;
use journal::{GridSlot, ScoreSlot};
pub use probe::probe;
pub use request::{Origin, RunRequest, StepHook};
pub use rescore::Rescore;
pub use resume::{AlreadyFinished, Refused};
pub use service::{Answered, Service, Waiting, Work};
pub use task::{Reporter, Task};
pub use track::{Server, Trackers, Tracking};

/// Events that may wait for a slow reader before training waits for it.
const WAITING_EVENTS: usize = 4096;

/// Tells which of some places no run of the user's has used: [`crate::session::untrusted_paths`], or nothing for programs that
/// embed the engine and read their own sessions alone.
pub type UntrustedPaths = fn(&[ExternalPath]) -> Vec<ExternalPath>;

/// Refuses such places where a session names them.
fn refuse_unknown(named: &[ExternalPath], unknown: UntrustedPaths) -> anyhow::Result<()> {
    let unknown: Vec<String> = unknown(named).iter().map(ToString::to_string).collect();
    if !unknown.is_empty() {
        anyhow::bail!(
            "the session names places that no run of yours has used, and nothing is read there unasked: {}. Resume it first, which asks",
            unknown.join(", ")
        );
    }
    Ok(())
}

/// A run on its own thread.
pub struct Engine {
    session: PathBuf,
    commands: Option<Sender<Command>>,
    events: Option<Receiver<Event>>,
    grid: GridSlot,
    scores: ScoreSlot,
    worker: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts a run; `waker` is called when there is news.
    ///
    /// # Errors
    /// Where the system gives no thread. Everything else is told by events.
    pub fn spawn(request: RunRequest, waker: Waker) -> std::io::Result<Self> {
        let (commands, inbox) = bounded(64);
        let (out, events) = bounded(WAITING_EVENTS);
        let (grid, scores) = (GridSlot::default(), ScoreSlot::default());
        let session = request.session.clone();
        let outbox = journal::Outbox { events: out, grid: grid.clone(), scores: scores.clone(), waker };
        let worker = std::thread::Builder::new()
            .name("gandle-engine".to_owned())
            .spawn(move || worker::run(&request, &inbox, &outbox))?;
        Ok(Self { session, commands: Some(commands), events: Some(events), grid, scores, worker: Some(worker) })
    }

    /// The session's folder.
    pub fn session(&self) -> &Path {
        &self.session
    }

    /// The events that are there now, without waiting.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.iter().flat_map(Receiver::try_iter)
    }

    /// Every event until the run has ended, waiting for each.
    pub fn wait_events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.iter().flat_map(Receiver::iter)
    }

    /// The next event, waiting so long for it at most.
    ///
    /// # Errors
    /// [`RecvTimeoutError::Timeout`] where none came in time, and [`RecvTimeoutError::Disconnected`] where none comes any more.
    pub fn wait_event(&self, at_most: Duration) -> Result<Event, RecvTimeoutError> {
        self.events.as_ref().map_or(Err(RecvTimeoutError::Disconnected), |events| events.recv_timeout(at_most))
    }

    /// How far the scores are that are being taken; nothing where none are.
    pub fn scores(&self) -> Option<ScoreProgress> {
        *self.scores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest sample grid, if one has come since the last call.
    pub fn latest_grid(&self) -> Option<GridPicture> {
        self.grid.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Asks something of the run. A run that has ended does nothing.
    pub fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            commands.try_send(command).ok(); // Full or closed: 64 commands wait already, or nobody is there.
        }
    }

    /// Asks for commands from elsewhere, such as a signal handler.
    pub fn sender(&self) -> Option<Sender<Command>> {
        self.commands.clone()
    }

    /// Whether the worker has ended and every event has been taken.
    pub fn is_finished(&self) -> bool {
        let ended = self.worker.as_ref().is_none_or(JoinHandle::is_finished);
        ended && self.events.as_ref().is_none_or(Receiver::is_empty)
    }
}

impl Drop for Engine {
    /// Stops the run, with a checkpoint, and waits for it.
    fn drop(&mut self) {
        // Without a receiver the worker cannot wait for room; without commands a paused one goes on to its end.
        self.send(Command::Stop);
        self.events = None;
        self.commands = None;
        if let Some(worker) = self.worker.take() {
            worker.join().ok(); // A panic has been told by an event.
        }
    }
}
