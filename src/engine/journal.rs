//! Where a run's news goes: its session first, then whoever listens. A full disk makes the run wait here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::room;
use crate::event::{Command, Event, GridPicture, ScoreProgress, Waker};
use crate::session::{SessionError, Writer};

/// The wait from one try to write onto a full disk to the next.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The newest sample grid that nobody has taken yet.
pub(super) type GridSlot = Arc<Mutex<Option<GridPicture>>>;

/// How far the scores are that are being taken.
pub(super) type ScoreSlot = Arc<Mutex<Option<ScoreProgress>>>;

/// Where news goes.
pub(super) struct Outbox {
    pub events: Sender<Event>,
    pub grid: GridSlot,
    pub scores: ScoreSlot,
    pub waker: Waker,
}

impl Outbox {
    /// Waits for room; false where nobody is listening any more.
    pub fn deliver(&self, event: Event) -> bool {
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

/// Tells every event to the session and to whoever listens.
pub(super) struct Journal<'a> {
    /// Nothing before the session is open.
    pub writer: Option<Writer>,
    pub out: &'a Outbox,
    /// Steps done.
    pub step: usize,
    /// Whether anybody takes the events; a run that nobody watches ends.
    pub listening: bool,
    inbox: &'a Receiver<Command>,
    /// What was asked while the run waited for room.
    pub asked: Vec<Command>,
    /// Whether the end was asked for while nothing could be written.
    gave_up: bool,
}

impl<'a> Journal<'a> {
    pub fn new(out: &'a Outbox, inbox: &'a Receiver<Command>) -> Self {
        Self { writer: None, out, step: 0, listening: true, inbox, asked: Vec::new(), gave_up: false }
    }

    /// The session first, then whoever listens.
    pub fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        if self.writer.is_some() {
            let mut waits = false;
            // Once: what could not be written waits by itself.
            self.write(
                |writer| if std::mem::replace(&mut waits, true) { writer.flush() } else { writer.event(&event) },
            )?;
        }
        self.listening &= self.out.deliver(event);
        Ok(())
    }

    pub fn tell_all(&mut self, events: impl IntoIterator<Item = Event>) -> anyhow::Result<()> {
        events.into_iter().try_for_each(|event| self.tell(event))
    }

    /// What was asked for could not be had, at the present step.
    pub fn warn(&mut self, message: String) -> anyhow::Result<()> {
        self.tell(Event::Warning { step: self.step, message })
    }

    /// Writes to the session. A full disk makes the run wait until there is room, or until the end is asked for.
    pub fn write<T>(&mut self, mut write: impl FnMut(&mut Writer) -> Result<T, SessionError>) -> anyhow::Result<T> {
        let mut waited = false;
        loop {
            match write(self.writer()?) {
                Err(err) if err.is_full() && !self.gave_up => {
                    if !std::mem::replace(&mut waited, true) {
                        let message = room::wanted(self.writer()?.folder(), &err);
                        self.tell_later(Event::Warning { step: self.step, message })?;
                        self.tell_later(Event::Paused { step: self.step })?;
                    }
                    self.wait_for_room(&err)?;
                }
                written => {
                    if waited && written.is_ok() {
                        self.tell_later(Event::Resumed { step: self.step })?;
                    }
                    return Ok(written?);
                }
            }
        }
    }

    /// Tells whoever listens now, and the session as soon as it has room.
    fn tell_later(&mut self, event: Event) -> anyhow::Result<()> {
        self.writer()?.push(&event)?;
        self.listening &= self.out.deliver(event);
        Ok(())
    }

    /// Waits until it is time to try again, or somebody says so.
    fn wait_for_room(&mut self, err: &SessionError) -> anyhow::Result<()> {
        loop {
            match self.inbox.recv_timeout(TRY_AGAIN) {
                Err(RecvTimeoutError::Timeout) | Ok(Command::Resume | Command::Checkpoint) => return Ok(()),
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.gave_up = true;
                    bail!(
                        "the end was asked for while the disk was full, and what is newer than the last checkpoint is lost: {err}"
                    );
                }
                Ok(command @ (Command::Pause | Command::Step | Command::DrawLive(_) | Command::Edit(_))) => {
                    self.asked.push(command);
                }
            }
        }
    }

    pub fn writer(&mut self) -> anyhow::Result<&mut Writer> {
        self.writer.as_mut().context("the session is not open")
    }
}
