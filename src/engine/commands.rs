//! What a run does when it is asked to pause, go on, write a checkpoint or end.

use crossbeam_channel::{RecvError, TryRecvError};

use super::run::Run;
use crate::event::{Command, Event};

impl Run<'_, '_> {
    /// Takes the commands that are there; false asks for the end.
    pub(super) fn obey(&mut self) -> anyhow::Result<bool> {
        loop {
            match self.inbox.try_recv() {
                Err(TryRecvError::Empty) => return Ok(self.journal.listening),
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(false),
                Ok(Command::Checkpoint) => self.checkpoint()?,
                Ok(Command::Resume) => {}
                Ok(Command::Pause) => {
                    if !self.pause()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Waits, with everything on disk; false asks for the end.
    fn pause(&mut self) -> anyhow::Result<bool> {
        self.checkpoint()?;
        let step = self.journal.step;
        self.journal.tell(Event::Paused { step })?;
        loop {
            match self.inbox.recv() {
                Ok(Command::Resume) => break,
                Ok(Command::Stop) | Err(RecvError) => return Ok(false),
                Ok(Command::Pause | Command::Checkpoint) => {}
            }
        }
        self.journal.tell(Event::Resumed { step })?;
        self.clock.restart();
        Ok(true)
    }

    /// What was asked while nobody could obey.
    pub(super) fn obey_later(&mut self, commands: Vec<Command>) -> anyhow::Result<bool> {
        let mut paused = false;
        for command in commands {
            match command {
                Command::Pause => paused = true,
                Command::Resume => paused = false,
                Command::Checkpoint => self.checkpoint()?,
                Command::Stop => return Ok(false),
            }
        }
        if paused { self.pause() } else { Ok(true) }
    }
}
