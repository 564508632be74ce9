//! The run itself: its parts, and the loop over its steps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, bail};
use candle_core::Device;
use crossbeam_channel::{Receiver, TryRecvError};

use super::begin::{self, Begin, Fixed, Kind};
use super::clock::Clock;
use super::feed::RunFeed;
use super::sample::GridSampler;
use super::scoring::Scoring;
use super::settled::Settling;
use super::store::Good;
use super::watch::{self, At, Watch};
use super::worker::Journal;
use super::{RunRequest, StepHook, device, memory, spread};
use crate::config::{Config, Level, has_errors};
use crate::data::{DataError, Dataset};
use crate::event::{Command, Edited, Event, Number, Numbers, SCHEMA, Started, Step};
use crate::model::Store;
use crate::session::Pending;
use crate::train::Trainer;

/// Steps from one look at the program's memory to the next.
const MEMORY_EVERY: usize = 10;

/// How a run ended without an error.
pub(super) enum Ending {
    Finished,
    Stopped,
}

pub(super) struct Run<'a, 'b> {
    pub(super) config: Config,
    pub(super) fixed: Fixed,
    kind: Kind,
    /// What the present step is still to bring.
    pub(super) pending: Pending,
    pub(super) classes: Vec<String>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) device: Device,
    pub(super) trainer: Trainer,
    pub(super) feed: RunFeed,
    pub(super) grid: GridSampler,
    pub(super) settling: Settling,
    /// Whether grids are stored as the live generator draws them too.
    pub(super) draws_live: bool,
    /// The averaged generator as it leaves training, and the step that it is of.
    pub(super) average: Option<(usize, Store)>,
    pub(super) scoring: Scoring,
    pub(super) watch: Watch,
    /// How far the real images of each class are apart.
    pub(super) real_spreads: Vec<Option<f32>>,
    /// What is written if training breaks.
    pub(super) good: Option<Good>,
    /// Changes of settings that are made again when their step is reached.
    pub(super) edits_to_come: VecDeque<Edited>,
    pub(super) clock: Clock,
    /// Steps done when a single one was granted to the paused run.
    pub(super) stepping: Option<usize>,
    pub(super) inbox: &'a Receiver<Command>,
    pub(super) journal: &'a mut Journal<'b>,
    after_step: Option<StepHook>,
}

impl<'a, 'b> Run<'a, 'b> {
    /// The run and what was asked while it loaded; nothing where its end was asked for.
    pub fn start(
        request: &RunRequest,
        mut begin: Begin,
        inbox: &'a Receiver<Command>,
        journal: &'a mut Journal<'b>,
        threads: usize,
    ) -> anyhow::Result<Option<(Self, Vec<Command>)>> {
        journal.step = begin.step();
        let config = begin.config.clone();
        refuse(&config, None)?;
        let (device, device_name) = device::open(&config.train.device)?;
        let loaded = load(&config, inbox);
        let loaded = if begin.kind == Kind::Resumed { loaded.context(NO_DATA) } else { loaded };
        let Some((dataset, asked)) = loaded? else { return Ok(None) };
        let (classes, data) = (dataset.class_names(), begin::mark(&dataset, &begin.config)?);
        begin.check_data(&data, &classes)?;
        let warnings = refuse(&config, Some(classes.len()))?;
        let mut trainer = Trainer::new(&config, classes.len(), &device)?;
        trainer.weigh_classes(&dataset.class_counts())?;
        begin.load(&mut trainer)?;
        let machine = begin::machine(&device_name, threads);
        let fixed = Fixed { original: begin.original.clone(), data, machine, parent: begin.parent.clone() };
        journal.writer = Some(begin.open(&request.session)?);
        tell_start(journal, request, &begin, &fixed, &trainer, &dataset, warnings)?;
        journal.writer()?.real_images(|| dataset.preview(config.train.grid_columns.max(1)))?;
        let feed = RunFeed::at(&config, dataset.clone(), &device, begin.state.as_ref())?;
        let run = Self {
            fixed,
            kind: begin.kind,
            pending: begin.pending(),
            clock: Clock::at(begin.state.as_ref().map_or(0.0, |state| state.seconds)),
            edits_to_come: begin.edits_to_come(),
            scoring: begin.scoring(),
            stepping: None,
            watch: begin.watch(&config, &classes),
            real_spreads: spread::of_real(&dataset),
            good: None,
            after_step: request.after_step.clone(),
            grid: GridSampler::new(&config, classes.len(), &device)?,
            settling: Settling::new(&config, &classes, &dataset.class_counts(), &device)?,
            draws_live: false,
            average: None,
            config,
            classes,
            dataset,
            device,
            trainer,
            feed,
            inbox,
            journal,
        };
        Ok(Some((run, asked)))
    }

    pub fn train(mut self, asked: Vec<Command>) -> anyhow::Result<Ending> {
        let steps = self.config.train.steps;
        if !self.catch_up()? || !self.obey_later(asked)? {
            self.checkpoint()?;
            return Ok(Ending::Stopped);
        }
        while !self.is_over() {
            self.edit_again()?;
            if !self.obey()? {
                self.checkpoint()?;
                return Ok(Ending::Stopped);
            }
            let step = self.journal.step + 1;
            let (started, lr_factor) = (Instant::now(), self.config.optimizer.lr_factor(step, steps));
            let numbers = self.trainer.step(&mut self.feed, lr_factor)?;
            self.clock.add(started, self.config.images_per_step());
            let at = At { step, seconds: self.clock.seconds };
            if let Some(alarm) = watch::divergence(at, &numbers, &self.config) {
                return Err(self.give_up(alarm));
            }
            self.journal.step = step;
            let last = self.is_over();
            self.pending = Pending {
                grid: due(self.config.train.grid_every, step, last),
                score: due(self.config.score.every, step, last),
            };
            self.tell_step(numbers)?;
            self.tell_stage(Some(step - 1))?;
            if let Some(event) = self.watch.step(at, &numbers) {
                self.journal.tell(event)?;
            }
            self.keep_good()?;
            if self.pending.grid {
                self.store_grid()?;
            }
            if due(self.config.train.checkpoint_every, step, last) {
                self.checkpoint()?;
            }
            // A score takes long and may fail: what it scores is stored first.
            if self.pending.score && !self.score()? {
                self.checkpoint()?;
                return Ok(Ending::Stopped);
            }
            if let Some(hook) = &self.after_step {
                hook(step);
            }
        }
        self.checkpoint()?;
        Ok(Ending::Finished)
    }

    /// Whether all steps are taken, or all the time.
    pub(super) fn is_over(&self) -> bool {
        self.journal.step >= self.config.train.steps || self.config.train.is_timed_out(self.clock.seconds)
    }

    /// Goes on with settings that differ in live keys alone; where that fails, nothing has changed.
    pub(super) fn take_settings(&mut self, config: Config) -> anyhow::Result<()> {
        let trainer = self.trainer.with_settings(&config, &self.dataset.class_counts(), &self.device)?;
        self.feed = self.feed.with_settings(&config, self.dataset.clone(), &self.device)?;
        self.trainer = trainer;
        self.average = None;
        self.watch.take_settings(&config);
        self.scoring.take_settings(&self.config, &config);
        self.config = config;
        Ok(())
    }

    /// Does what comes before the first step, or what the run was killed before it could do after its last one; false where
    /// a command asks for the end meanwhile.
    fn catch_up(&mut self) -> anyhow::Result<bool> {
        if self.kind != Kind::Resumed {
            self.keep_good()?;
        }
        self.tell_stage(None)?;
        if self.pending.grid {
            self.store_grid()?;
        }
        if self.kind == Kind::Forked {
            // From here on it stands without its parent.
            self.checkpoint()?;
        }
        if self.pending.score { self.score() } else { Ok(true) }
    }

    fn tell_step(&mut self, mut numbers: Numbers) -> anyhow::Result<()> {
        let step = self.journal.step;
        let speed = self.clock.images_per_s() as f32;
        if speed > 0.0 {
            numbers.set(Number::ImagesPerS, speed);
        }
        if step % MEMORY_EVERY == 1
            && let Some(held) = memory::held_mb()
        {
            numbers.set(Number::MemoryMb, held as f32);
        }
        self.journal.tell(Event::Step(Step { step, seconds: self.clock.seconds, numbers }))
    }

    /// Tells the stage of a growing network where it differs from that after `before` steps, or where there is none before.
    fn tell_stage(&mut self, before: Option<usize>) -> anyhow::Result<()> {
        let config = &self.config;
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

/// Whether what comes `every` so many steps, and with the last one, comes at this one.
pub(super) fn due(every: usize, step: usize, last: bool) -> bool {
    every > 0 && (step.is_multiple_of(every) || last)
}

/// What a session that goes on says where its data cannot be read.
const NO_DATA: &str =
    "the session cannot go on without its data (where that was moved, name its new place as data.source in run.toml)";

/// Tells the head of a run, its data, and what is to be said about how it begins.
fn tell_start(
    journal: &mut Journal<'_>,
    request: &RunRequest,
    begin: &Begin,
    fixed: &Fixed,
    trainer: &Trainer,
    dataset: &Dataset,
    warnings: Vec<String>,
) -> anyhow::Result<()> {
    let step = begin.step();
    let session = request.session.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    journal.tell(Event::Started(Box::new(Started {
        schema: SCHEMA,
        version: fixed.machine.version.clone(),
        session,
        step,
        parent: fixed.parent.clone(),
        config: begin.config.clone(),
        classes: dataset.class_names(),
        device: fixed.machine.device.clone(),
        threads: fixed.machine.threads,
        generator_parameters: trainer.generator().parameters(),
        discriminator_parameters: trainer.discriminator().parameters(),
        time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_secs()),
    })))?;
    journal.tell(Event::Data(Box::new(dataset.summary().clone())))?;
    // A session that goes on has told what its settings are warned of.
    for message in warnings.into_iter().filter(|_| begin.kind != Kind::Resumed) {
        journal.tell(Event::Warning { step, message })?;
    }
    for event in begin.remarks(journal.writer()?, &fixed.machine)? {
        journal.tell(event)?;
    }
    Ok(())
}

/// The data, and what was asked while it loaded; nothing where the end was asked for.
fn load(config: &Config, inbox: &Receiver<Command>) -> anyhow::Result<Option<(Arc<Dataset>, Vec<Command>)>> {
    let (stopped, asked) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let go_on = |_, _| {
        match inbox.try_recv() {
            Ok(Command::Stop) | Err(TryRecvError::Disconnected) => stopped.store(true, Ordering::Relaxed),
            Ok(command) => asked.lock().unwrap_or_else(PoisonError::into_inner).push(command),
            Err(TryRecvError::Empty) => {}
        }
        !stopped.load(Ordering::Relaxed)
    };
    let dataset = match Dataset::load(config, &go_on) {
        Ok(dataset) => Arc::new(dataset),
        Err(DataError::Cancelled) => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    Ok(Some((dataset, asked.into_inner().unwrap_or_else(PoisonError::into_inner))))
}

/// Errors of a configuration as one, its warnings as a list.
fn refuse(config: &Config, classes: Option<usize>) -> anyhow::Result<Vec<String>> {
    let problems = config.check(classes);
    let of = |level| problems.iter().filter(move |p| p.level == level).map(|p| format!("{}: {}", p.key, p.message));
    if has_errors(&problems) {
        bail!("the settings cannot be run:\n{}", of(Level::Error).collect::<Vec<_>>().join("\n"));
    }
    Ok(of(Level::Warning).collect())
}
