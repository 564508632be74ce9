//! The engine's thread: runs to the end and tells how it ended, whatever happened.

use std::sync::PoisonError;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender};

use super::begin::Begin;
use super::run::{Ending, Run};
use super::{GridSlot, RunRequest, ScoreSlot, device};
use crate::event::{Command, Event, GridPicture, ScoreProgress, Waker};
use crate::guard::{self, Panicked};
use crate::session::{self, Writer};

/// Where news goes.
pub(super) struct Outbox {
    pub events: Sender<Event>,
    pub grid: GridSlot,
    pub scores: ScoreSlot,
    pub waker: Waker,
}

impl Outbox {
    /// Waits for room; false where nobody is listening any more.
    fn deliver(&self, event: Event) -> bool {
        let there = self.events.send(event).is_ok();
        (self.waker)();
        there
    }

    /// Replaces a grid that was not taken yet.
    pub fn show(&self, grid: GridPicture) {
        *self.grid.lock().unwrap_or_else(PoisonError::into_inner) = Some(grid);
        (self.waker)();
    }

    /// Says how far scores are; nothing where none are being taken.
    pub fn show_scores(&self, progress: Option<ScoreProgress>) {
        *self.scores.lock().unwrap_or_else(PoisonError::into_inner) = progress;
        (self.waker)();
    }
}

/// Runs to the end and tells how it ended, whatever happened.
pub(super) fn run(request: &RunRequest, inbox: &Receiver<Command>, out: &Outbox) {
    let mut journal = Journal { writer: None, out, step: 0, listening: true };
    let ending = guard::catch(|| in_pool(request, inbox, &mut journal));
    let step = journal.step;
    let event = match ending {
        Ok(Ok(Ending::Finished)) => Event::Finished { step },
        Ok(Ok(Ending::Stopped)) => Event::Stopped { step },
        Ok(Err(err)) => Event::Failed { step, message: format!("{err:#}") },
        Err(Panicked(message)) => Event::Failed {
            step,
            message: format!(
                "the training thread panicked at step {step}: {message}. This is a defect of gandle; the session holds everything up to its last checkpoint"
            ),
        },
    };
    if journal.writer.is_none() {
        session::release(&request.session);
    }
    if let Err(err) = journal.tell(event.clone()) {
        // The session cannot be written: at least whoever listens is told.
        tracing::error!("the ending could not be stored: {err:#}");
        out.deliver(event);
    }
}

/// All heavy work stays inside one pool of as many threads as the run may use.
fn in_pool(request: &RunRequest, inbox: &Receiver<Command>, journal: &mut Journal<'_>) -> anyhow::Result<Ending> {
    let begin = Begin::of(request)?;
    let threads = device::threads(begin.config.train.threads);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("gandle-compute-{i}"))
        .build()
        .context("the threads of train.threads could not be started")?;
    pool.install(|| match Run::start(request, begin, inbox, journal, threads)? {
        Some((run, asked)) => run.train(asked),
        None => Ok(Ending::Stopped),
    })
}

/// Tells every event to the session and to whoever listens.
pub(super) struct Journal<'a> {
    pub writer: Option<Writer>,
    pub out: &'a Outbox,
    pub step: usize,
    /// Whether anybody takes the events; a run that nobody watches ends.
    pub listening: bool,
}

impl Journal<'_> {
    /// The session first, then whoever listens.
    pub fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.event(&event)?;
        }
        self.listening &= self.out.deliver(event);
        Ok(())
    }

    pub fn writer(&mut self) -> anyhow::Result<&mut Writer> {
        self.writer.as_mut().context("the session is not open")
    }
}
