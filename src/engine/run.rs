//! The run itself: its parts, and the loop over its steps.

use std::time::Instant;

use super::control::Control;
use super::fallback::Snapshot;
use super::grids::Grids;
use super::journal::Journal;
use super::memory;
use super::request::StepHook;
use super::schedule;
use super::score_history::ScoreHistory;
use super::training::Training;
use super::watch::{self, Watch};
use crate::config::Config;
use crate::event::{Command, Event, Parent, Scalar, Scalars, Step};
use crate::session::{DataFingerprint, Machine, Pending};

/// Steps from one look at the program's memory to the next.
const MEMORY_EVERY: usize = 10;

/// How a run ended without an error.
pub(super) enum Ending {
    Finished,
    Stopped,
}

/// What every checkpoint of a run carries unchanged.
pub(super) struct Fixed {
    /// The configuration as `run.toml` has it.
    pub original: Config,
    pub data: DataFingerprint,
    pub machine: Machine,
    pub parent: Option<Parent>,
}

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With start weights.
    Fresh,
    /// As the same run.
    Resumed,
    /// As another run than the one whose checkpoint it begins with.
    Forked,
}

/// What learns, and whoever looks on: each in a stage of the loop.
pub(super) struct Run<'a, 'b> {
    pub training: Training,
    pub fixed: Fixed,
    pub start: Start,
    /// What the present step is still to bring.
    pub pending: Pending,
    pub grids: Grids,
    pub scoring: ScoreHistory,
    pub watch: Watch,
    /// What is written if training breaks.
    pub fallback: Option<Snapshot>,
    /// When a checkpoint was written last, or the run begun.
    pub saved: Instant,
    pub control: Control<'a>,
    pub journal: &'a mut Journal<'b>,
    pub after_step: Option<StepHook>,
}

impl Run<'_, '_> {
    /// Trains to the end, after what was `asked` while the data loaded.
    pub fn train(mut self, asked: Vec<Command>) -> anyhow::Result<Ending> {
        let mut goes_on = self.catch_up()? && self.obey_later(asked)?;
        while goes_on && !self.is_over() {
            self.edit_again()?;
            goes_on = self.obey()? && self.step()?;
        }
        self.checkpoint()?;
        Ok(if goes_on { Ending::Finished } else { Ending::Stopped })
    }

    /// A step and all that comes with it; false where a command asks for the end meanwhile.
    fn step(&mut self) -> anyhow::Result<bool> {
        let step = self.journal.step + 1;
        let numbers = self.training.step(step)?;
        if let Some(alarm) = watch::divergence(self.training.at(step), &numbers, &self.training.config) {
            return Err(self.give_up(alarm));
        }
        self.journal.step = step;
        let last = self.is_over();
        self.pending = schedule::pending(&self.training.config, step, last);

        // What it was in numbers.
        self.tell_step(numbers)?;
        self.tell_stage(Some(step - 1))?;
        self.journal.tell_all(self.watch.step(self.training.at(step), &numbers))?;

        // What it left. A score takes long and may fail: what it scores is stored first.
        self.keep_fallback()?;
        self.draw_grid()?;
        if schedule::stores(&self.training.config, step, last) || self.is_stale() {
            self.checkpoint()?;
        }
        if self.pending.score && !self.score()? {
            return Ok(false);
        }
        if let Some(hook) = &self.after_step {
            hook(step);
        }
        Ok(true)
    }

    /// Whether all steps are taken, or all the time.
    pub fn is_over(&self) -> bool {
        self.training.is_over(self.journal.step)
    }

    /// Goes on with settings that differ in live keys alone; where that fails, nothing has changed.
    pub fn take_settings(&mut self, config: Config) -> anyhow::Result<()> {
        let before = self.training.config.clone();
        self.training.take_settings(config)?;
        self.watch.take_settings(&self.training.config);
        self.scoring.take_settings(&before, &self.training.config);
        Ok(())
    }

    /// Does what comes before the first step, or what the run was killed before it could do after its last one; false where
    /// a command asks for the end meanwhile.
    fn catch_up(&mut self) -> anyhow::Result<bool> {
        if self.start != Start::Resumed {
            self.keep_fallback()?;
        }
        self.tell_stage(None)?;
        self.draw_grid()?;
        if self.start == Start::Forked {
            // From here on it stands without its parent.
            self.checkpoint()?;
        }
        if self.pending.score { self.score() } else { Ok(true) }
    }

    /// The grid, where the step is still to bring one.
    fn draw_grid(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.pending.grid) {
            self.grids.after(&mut self.training, &mut self.watch, self.journal)?;
        }
        Ok(())
    }

    /// Stores grids of the live generator from now on, or not any more. A run that waits at a step with a grid stores this one
    /// too, so that whoever asks sees something.
    pub fn draw_live(&mut self, on: bool) -> anyhow::Result<()> {
        let begins = on && !self.grids.draws_live;
        self.grids.draws_live = on;
        let every = self.training.config.train.grid_every;
        let drawn = schedule::due(every, self.journal.step, self.is_over()) && !self.pending.grid;
        if begins && drawn { self.grids.store_live(&self.training, self.journal) } else { Ok(()) }
    }

    fn tell_step(&mut self, mut numbers: Scalars) -> anyhow::Result<()> {
        let step = self.journal.step;
        let speed = self.training.stopwatch.images_per_s() as f32;
        if speed > 0.0 {
            numbers.set(Scalar::ImagesPerS, speed);
        }
        if step % MEMORY_EVERY == 1
            && let Some(held) = memory::held_mb()
        {
            numbers.set(Scalar::MemoryMb, held as f32);
        }
        self.journal.tell(Event::Step(Step { step, seconds: self.training.stopwatch.seconds, numbers }))
    }

    /// Tells the stage of a growing network where it differs from that after `before` steps, or where there is none before.
    fn tell_stage(&mut self, before: Option<usize>) -> anyhow::Result<()> {
        let config = &self.training.config;
        if config.growing.start == 0 {
            return Ok(());
        }
        let shown = |steps: usize| {
            let stage = config.stage(steps as u64);
            (stage.resolution.unwrap_or(config.image_size), stage.fading())
        };
        let step = self.journal.step;
        let (resolution, fading) = shown(step);
        if before.map(shown) == Some((resolution, fading)) {
            return Ok(());
        }
        self.journal.tell(Event::Stage { step, resolution, fading })
    }
}
