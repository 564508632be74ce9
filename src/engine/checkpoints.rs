//! The checkpoints of a run, and what is left of it when its training breaks.

use std::time::Instant;

use anyhow::anyhow;

use super::fallback::{self, Snapshot};
use super::run::Run;
use super::training::Training;
use super::watch;
use crate::event::{Alarm, Event, SCHEMA};
use crate::session::CheckpointState;

impl Run<'_, '_> {
    fn state(&self) -> CheckpointState {
        let Training { config, classes, feed, stopwatch, .. } = &self.training;
        CheckpointState {
            schema: SCHEMA,
            step: self.journal.step,
            config: config.clone(),
            original: (self.fixed.original != *config).then(|| Box::new(self.fixed.original.clone())),
            classes: classes.clone(),
            data: Some(self.fixed.data.clone()),
            machine: Some(self.fixed.machine.clone()),
            parent: self.fixed.parent.clone(),
            loader_position: feed.loader_position(),
            discriminator_draws: feed.discriminator_draws,
            generator_draws: feed.generator_draws,
            compared_position: feed.compared_position(),
            seconds: stopwatch.seconds,
            watched: Some(self.watch.remember()),
            pending: Some(self.pending),
            settled: true,
            files: Vec::new(),
        }
    }

    /// The present state, whose numbers are looked at first: broken ones are written nowhere.
    fn snapshot(&mut self) -> anyhow::Result<Snapshot> {
        let state = self.state();
        if !self.training.trainer.is_finite()? {
            let at = self.training.at(state.step);
            return Err(self.give_up(watch::broken_weights(at, &state.config)));
        }
        let average = self.training.average(state.step)?;
        Ok(Snapshot { files: self.training.trainer.to_files_with(&average)?, state })
    }

    /// Writes the present state, unless it is on disk already.
    pub(super) fn checkpoint(&mut self) -> anyhow::Result<()> {
        let step = self.journal.step;
        self.saved = Instant::now();
        if self.journal.writer()?.has_checkpoint(step) {
            return Ok(());
        }
        let snapshot = self.snapshot()?;
        self.write(&snapshot)?;
        self.fallback = None; // What is on disk is newer.
        Ok(())
    }

    /// Whether the last one is older than `train.checkpoint_seconds` lets it be.
    pub(super) fn is_stale(&self) -> bool {
        let most = self.training.config.train.checkpoint_seconds;
        most > 0.0 && self.saved.elapsed().as_secs_f64() >= most
    }

    fn write(&mut self, snapshot: &Snapshot) -> anyhow::Result<()> {
        let best = self.scoring.best_step(&self.training.config);
        let stored = self.journal.write(|writer| writer.checkpoint(&snapshot.state, &snapshot.files, best))?;
        // Told first: nothing goes that the session does not say has gone.
        self.journal.tell(Event::Checkpoint(stored.clone()))?;
        self.journal.writer()?.remove(&stored);
        Ok(())
    }

    /// Now and then takes the present state into memory, so that a break loses few steps wherever checkpoints are rare.
    pub(super) fn keep_fallback(&mut self) -> anyhow::Result<()> {
        if fallback::is_due(&self.training.config, self.journal.step) {
            self.fallback = Some(self.snapshot()?);
        }
        Ok(())
    }

    /// Training is broken: tells the alarm, writes the last good state where none newer is on disk, and returns what the
    /// run fails with. Broken numbers are written nowhere.
    pub(super) fn give_up(&mut self, alarm: Alarm) -> anyhow::Error {
        let (message, advice) = (alarm.message.clone(), alarm.advice.clone());
        let fallback = self.fallback.take();
        let told = self.journal.tell(Event::Alarm(alarm));
        let kept = told.and_then(|()| fallback.map_or(Ok(()), |snapshot| self.write(&snapshot)));
        match kept {
            Ok(()) => anyhow!("{message} The last checkpoint is from before. {advice}"),
            Err(err) => anyhow!("{message} The last good state could not be written: {err:#}. {advice}"),
        }
    }
}
