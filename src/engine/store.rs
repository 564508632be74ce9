//! What a run stores: sample grids and checkpoints, and what it falls back on when its training breaks.

use std::borrow::Cow;

use anyhow::anyhow;

use super::run::{Run, due};
use super::spread;
use super::watch::{self, At};
use crate::event::{Alarm, Event, SCHEMA};
use crate::model::Store;
use crate::session::CheckpointState;
use crate::train::state::File;

/// Steps between two states that are kept in memory for a break, where no checkpoint is on disk for them: at a hundred
/// their making costs far below 1 % of training, and no more than that many steps are lost.
const GOOD_EVERY: usize = 100;

/// A checkpoint that is not written yet. Its numbers are finite.
pub(super) struct Good {
    state: CheckpointState,
    files: Vec<File>,
}

impl Run<'_, '_> {
    pub(super) fn store_grid(&mut self) -> anyhow::Result<()> {
        self.pending.grid = false;
        let average = self.average()?;
        let grid = self.grid.draw(&self.trainer, &average, self.journal.step)?;
        let about = self.about_grid()?;
        let stored = self.journal.writer()?.grid(&grid, &about)?;
        let spreads = spread::of_grid(&grid, &self.real_spreads);
        let blank = self.watch.picture(self.now(), &grid);
        self.journal.out.show(grid);
        self.journal.tell(Event::Grid(stored))?;
        if self.draws_live {
            self.store_live()?;
        }
        let seen = self.watch.grid(self.now(), &spreads);
        for event in blank.into_iter().chain(seen) {
            self.journal.tell(event)?;
        }
        Ok(())
    }

    /// What a picture of a grid tells of itself.
    fn about_grid(&self) -> anyhow::Result<[(&'static str, Cow<'static, str>); 2]> {
        let seed = self.config.train.seed.to_string();
        Ok([("seed", seed.into()), ("rows", serde_json::to_string(&self.classes)?.into())])
    }

    /// The same grid as the live generator draws it, in evaluation mode and with the running statistics that it trains with. It
    /// takes no part in anything else.
    fn store_live(&mut self) -> anyhow::Result<()> {
        let grid = self.grid.draw(&self.trainer, self.trainer.generator(), self.journal.step)?;
        let [seed, rows] = self.about_grid()?;
        let about = [seed, rows, ("weights", "of the live generator, not averaged".into())];
        let stored = self.journal.writer()?.live_grid(&grid, &about)?;
        self.journal.tell(Event::LiveGrid(stored))
    }

    /// Stores grids of the live generator from now on, or not any more. A run that waits at a step with a grid stores this one
    /// too, so that whoever asks sees something.
    pub(super) fn draw_live(&mut self, on: bool) -> anyhow::Result<()> {
        let begins = on && !self.draws_live;
        self.draws_live = on;
        let drawn = due(self.config.train.grid_every, self.journal.step, self.is_over()) && !self.pending.grid;
        if begins && drawn { self.store_live() } else { Ok(()) }
    }

    /// The averaged generator with statistics of its own, made once a step.
    pub(super) fn average(&mut self) -> anyhow::Result<Store> {
        let step = self.journal.step;
        if let Some((_, average)) = self.average.as_ref().filter(|(of, _)| *of == step) {
            return Ok(average.clone());
        }
        let trainer = &self.trainer;
        let average = self.settling.settled(trainer.architecture(), trainer.stage(), trainer.ema())?;
        self.average = Some((step, average.clone()));
        Ok(average)
    }

    fn now(&self) -> At {
        At { step: self.journal.step, seconds: self.clock.seconds }
    }

    fn state(&self) -> CheckpointState {
        CheckpointState {
            schema: SCHEMA,
            step: self.journal.step,
            config: self.config.clone(),
            original: (self.fixed.original != self.config).then(|| Box::new(self.fixed.original.clone())),
            classes: self.classes.clone(),
            data: Some(self.fixed.data.clone()),
            machine: Some(self.fixed.machine.clone()),
            parent: self.fixed.parent.clone(),
            loader_position: self.feed.loader_position(),
            discriminator_draws: self.feed.discriminator_draws,
            generator_draws: self.feed.generator_draws,
            compared_position: self.feed.compared_position(),
            seconds: self.clock.seconds,
            watched: Some(self.watch.remember()),
            pending: Some(self.pending),
            settled: true,
            files: Vec::new(),
        }
    }

    /// Writes the present state, unless it is on disk already.
    pub(super) fn checkpoint(&mut self) -> anyhow::Result<()> {
        let state = self.state();
        if self.journal.writer()?.has_checkpoint(state.step) {
            return Ok(());
        }
        if !self.trainer.is_finite()? {
            return Err(self.give_up(watch::broken_weights(self.now(), &self.config)));
        }
        let average = self.average()?;
        let files = self.trainer.to_files_with(&average)?;
        self.write(&Good { state, files })?;
        self.good = None; // What is on disk is newer.
        Ok(())
    }

    fn write(&mut self, checkpoint: &Good) -> anyhow::Result<()> {
        let best = self.scoring.best_step(&self.config);
        let stored = self.journal.writer()?.checkpoint(&checkpoint.state, &checkpoint.files, best)?;
        // Told first: nothing goes that the session does not say has gone.
        self.journal.tell(Event::Checkpoint(stored.clone()))?;
        self.journal.writer()?.remove(&stored);
        Ok(())
    }

    /// Now and then takes the present state into memory, so that a break loses few steps wherever checkpoints are rare.
    pub(super) fn keep_good(&mut self) -> anyhow::Result<()> {
        let step = self.journal.step;
        let (steps, every) = (self.config.train.steps, self.config.train.checkpoint_every);
        let written_anyway = step == steps || (every > 0 && step > 0 && step.is_multiple_of(every));
        if !step.is_multiple_of(GOOD_EVERY) || written_anyway {
            return Ok(());
        }
        if !self.trainer.is_finite()? {
            return Err(self.give_up(watch::broken_weights(self.now(), &self.config)));
        }
        let average = self.average()?;
        let files = self.trainer.to_files_with(&average)?;
        self.good = Some(Good { state: self.state(), files });
        Ok(())
    }

    /// Training is broken: tells the alarm, writes the last good state where none newer is on disk, and returns what the
    /// run fails with. Broken numbers are written nowhere.
    pub(super) fn give_up(&mut self, alarm: Alarm) -> anyhow::Error {
        let (message, advice) = (alarm.message.clone(), alarm.advice.clone());
        let good = self.good.take();
        let kept =
            self.journal.tell(Event::Alarm(alarm)).and_then(|()| good.as_ref().map_or(Ok(()), |good| self.write(good)));
        match kept {
            Ok(()) => anyhow!("{message} The last checkpoint is from before. {advice}"),
            Err(err) => anyhow!("{message} The last good state could not be written: {err:#}. {advice}"),
        }
    }
}
