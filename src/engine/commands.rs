//! What a run does when it is asked to pause, go on, write a checkpoint or end.

use crossbeam_channel::{RecvError, TryRecvError};

use super::run::Run;
use crate::config::Change;
use crate::event::{Command, Edited, Event};

impl Run<'_, '_> {
    /// Takes the commands that are there; false asks for the end.
    pub(super) fn obey(&mut self) -> anyhow::Result<bool> {
        let taken = self.control.stepping.is_some_and(|granted| self.journal.step > granted);
        if taken && !self.wait()? {
            return Ok(false);
        }
        let asked = std::mem::take(&mut self.journal.asked);
        if !asked.is_empty() && !self.obey_later(asked)? {
            return Ok(false);
        }
        loop {
            match self.control.inbox.try_recv() {
                Err(TryRecvError::Empty) => return Ok(self.journal.listening),
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(false),
                Ok(Command::Checkpoint) => self.checkpoint()?,
                Ok(Command::Edit(changes)) => self.edit(&changes)?,
                Ok(Command::DrawLive(on)) => self.draw_live(on)?,
                // A run that goes on takes its steps anyway.
                Ok(Command::Resume | Command::Step) => {}
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
        self.wait()
    }

    /// Waits for a command; false asks for the end. Single steps are those that the run would have taken: nothing is written
    /// for them that is not written anyway, since from the checkpoint of the pause they are taken again alike.
    fn wait(&mut self) -> anyhow::Result<bool> {
        loop {
            match self.control.inbox.recv() {
                Ok(Command::Resume) => break,
                Ok(Command::Step) => {
                    self.control.stepping = Some(self.journal.step);
                    self.training.stopwatch.restart();
                    return Ok(true);
                }
                Ok(Command::Stop) | Err(RecvError) => return Ok(false),
                Ok(Command::Edit(changes)) => self.edit(&changes)?,
                Ok(Command::DrawLive(on)) => self.draw_live(on)?,
                Ok(Command::Checkpoint) => self.checkpoint()?,
                Ok(Command::Pause) => {}
            }
        }
        self.go_on()
    }

    /// Tells that the run goes on after a pause.
    fn go_on(&mut self) -> anyhow::Result<bool> {
        self.control.stepping = None;
        self.journal.tell(Event::Resumed { step: self.journal.step })?;
        self.training.stopwatch.restart();
        Ok(true)
    }

    /// Goes on with other settings, exactly as from a checkpoint of this step that was written with them.
    pub(super) fn edit(&mut self, changes: &[Change]) -> anyhow::Result<()> {
        let step = self.journal.step;
        let (config, changes) = match self.training.config.edited(changes) {
            Ok((_, changes)) if changes.is_empty() => return Ok(()),
            Ok(edited) => edited,
            Err(err) => return self.refuse_edit(&err.to_string()),
        };
        match self.take_settings(config) {
            Ok(()) => {
                let edited = Edited { step, changes };
                self.watch.edited(&edited);
                self.journal.tell(Event::Edited(edited))
            }
            // Such as a file of weights that is another network's.
            Err(err) => self.refuse_edit(&format!("{err:#}")),
        }
    }

    /// Makes those changes again that an earlier attempt at the run had made after the present step.
    pub(super) fn edit_again(&mut self) -> anyhow::Result<()> {
        while let Some(edited) = self.control.edits_to_come.pop_front_if(|edited| edited.step <= self.journal.step) {
            self.edit(&edited.changes)?;
        }
        Ok(())
    }

    fn refuse_edit(&mut self, reason: &str) -> anyhow::Result<()> {
        let message = format!("The run goes on with its old settings, since a change was refused: {reason}");
        self.journal.warn(message)
    }

    /// What was asked while nobody could obey.
    pub(super) fn obey_later(&mut self, commands: Vec<Command>) -> anyhow::Result<bool> {
        let mut paused = false;
        for command in commands {
            match command {
                Command::Pause => paused = true,
                Command::Resume if self.control.stepping.is_some() => _ = self.go_on()?,
                Command::Resume => paused = false,
                Command::Step => {}
                Command::Checkpoint => self.checkpoint()?,
                Command::Edit(changes) => self.edit(&changes)?,
                Command::DrawLive(on) => self.draw_live(on)?,
                Command::Stop => return Ok(false),
            }
        }
        if paused { self.pause() } else { Ok(true) }
    }
}
