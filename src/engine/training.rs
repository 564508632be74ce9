//! What a run trains, and what it trains on.

use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;

use super::feed::RunFeed;
use super::standing_stats::StandingStats;
use super::stopwatch::Stopwatch;
use super::watch::At;
use crate::config::Config;
use crate::data::Dataset;
use crate::event::Scalars;
use crate::model::ParameterStore;
use crate::session::CheckpointState;
use crate::train::Trainer;

/// The networks, their data and the settings in force.
pub(super) struct Training {
    pub config: Config,
    pub classes: Vec<String>,
    pub dataset: Arc<Dataset>,
    pub device: Device,
    pub trainer: Trainer,
    pub feed: RunFeed,
    pub stopwatch: Stopwatch,
    settling: StandingStats,
    /// The averaged generator as it leaves training, and the step that it is of.
    average: Option<(usize, ParameterStore)>,
}

impl Training {
    /// Goes on from where a checkpoint stands, whose numbers the trainer has already.
    pub fn new(
        config: Config,
        dataset: Arc<Dataset>,
        device: Device,
        trainer: Trainer,
        state: Option<&CheckpointState>,
    ) -> anyhow::Result<Self> {
        let classes = dataset.class_names();
        let feed = RunFeed::at(&config, dataset.clone(), &device, state)?;
        let settling = StandingStats::new(&config, &classes, &dataset.class_counts(), &device)?;
        let stopwatch = Stopwatch::at(state.map_or(0.0, |state| state.seconds));
        Ok(Self { config, classes, dataset, device, trainer, feed, stopwatch, settling, average: None })
    }

    /// Takes the `step`-th step.
    pub fn step(&mut self, step: usize) -> anyhow::Result<Scalars> {
        let started = Instant::now();
        let lr_factor = self.config.optimizer.lr_factor(step, self.config.train.steps);
        let numbers = self.trainer.step(&mut self.feed, lr_factor)?;
        self.stopwatch.add(started, self.config.images_per_step());
        Ok(numbers)
    }

    /// The averaged generator with statistics of its own, made once a step.
    pub fn average(&mut self, step: usize) -> anyhow::Result<ParameterStore> {
        if let Some((_, average)) = self.average.as_ref().filter(|(of, _)| *of == step) {
            return Ok(average.clone());
        }
        let trainer = &self.trainer;
        let average = self.settling.with_standing_stats(trainer.architecture(), trainer.stage(), trainer.ema())?;
        self.average = Some((step, average.clone()));
        Ok(average)
    }

    /// Goes on with settings that differ in live keys alone; where that fails, nothing has changed.
    pub fn take_settings(&mut self, config: Config) -> anyhow::Result<()> {
        let trainer = self.trainer.with_settings(&config, &self.dataset.class_counts(), &self.device)?;
        self.feed = self.feed.with_settings(&config, self.dataset.clone(), &self.device)?;
        (self.trainer, self.config, self.average) = (trainer, config, None);
        Ok(())
    }

    /// Whether all steps are taken, or all the time.
    pub fn is_over(&self, step: usize) -> bool {
        step >= self.config.train.steps || self.config.train.is_timed_out(self.stopwatch.seconds)
    }

    /// When the `step`-th step is over.
    pub fn at(&self, step: usize) -> At {
        At { step, seconds: self.stopwatch.seconds }
    }
}
