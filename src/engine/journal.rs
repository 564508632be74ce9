//! Where a run's news goes: its session first, then whoever listens.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use crossbeam_channel::Sender;

use crate::event::{Event, GridPicture, ScoreProgress, Waker};
use crate::session::Writer;

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
}

impl<'a> Journal<'a> {
    pub fn new(out: &'a Outbox) -> Self {
        Self { writer: None, out, step: 0, listening: true }
    }

    /// The session first, then whoever listens.
    pub fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.event(&event)?;
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

    pub fn writer(&mut self) -> anyhow::Result<&mut Writer> {
        self.writer.as_mut().context("the session is not open")
    }
}
