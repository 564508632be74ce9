//! The run itself, on the engine's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, bail};
use candle_core::Device;
use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError};

use super::device;
use super::feed::RunFeed;
use super::sample::GridSampler;
use super::score::Scorer;
use super::{GridSlot, RunRequest};
use crate::config::{Config, Level, check};
use crate::data::{DataError, Dataset};
use crate::event::{Command, Event, GridPicture, SCHEMA, Score, Started, Step, Waker};
use crate::session::{self, CheckpointState, Writer};
use crate::train::{Losses, Trainer};

/// Where news goes.
pub(super) struct Outbox {
    pub events: Sender<Event>,
    pub grid: GridSlot,
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
    fn show(&self, grid: GridPicture) {
        *self.grid.lock().unwrap_or_else(PoisonError::into_inner) = Some(grid);
        (self.waker)();
    }
}

/// How a run ended without an error.
enum Ending {
    Finished,
    Stopped,
}

/// Runs to the end and tells how it ended, whatever happened.
pub(super) fn run(request: &RunRequest, inbox: &Receiver<Command>, out: &Outbox) {
    let mut journal = Journal { writer: None, out, step: 0, listening: true };
    let ending = catch_unwind(AssertUnwindSafe(|| in_pool(request, inbox, &mut journal)));
    let step = journal.step;
    let event = match ending {
        Ok(Ok(Ending::Finished)) => Event::Finished { step },
        Ok(Ok(Ending::Stopped)) => Event::Stopped { step },
        Ok(Err(err)) => Event::Failed { step, message: format!("{err:#}") },
        Err(panic) => {
            let message = panic_message(&*panic);
            Event::Failed {
                step,
                message: format!(
                    "the training thread panicked at step {step}: {message}. This is a defect of gandle; the session holds everything up to its last checkpoint"
                ),
            }
        }
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

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// All heavy work stays inside one pool of as many threads as the run may use.
fn in_pool(request: &RunRequest, inbox: &Receiver<Command>, journal: &mut Journal<'_>) -> anyhow::Result<Ending> {
    let threads = device::threads(request.config.train.threads);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("gandle-compute-{i}"))
        .build()
        .context("the threads of train.threads could not be started")?;
    pool.install(|| match Run::start(request, inbox, journal, threads)? {
        Some((run, asked)) => run.train(asked),
        None => Ok(Ending::Stopped),
    })
}

/// Tells every event to the session and to whoever listens.
struct Journal<'a> {
    writer: Option<Writer>,
    out: &'a Outbox,
    step: usize,
    /// Whether anybody takes the events; a run that nobody watches ends.
    listening: bool,
}

impl Journal<'_> {
    /// The session first, then whoever listens.
    fn tell(&mut self, event: Event) -> anyhow::Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.event(&event)?;
        }
        self.listening &= self.out.deliver(event);
        Ok(())
    }

    fn writer(&mut self) -> anyhow::Result<&mut Writer> {
        self.writer.as_mut().context("the session is not open")
    }
}

struct Run<'a, 'b> {
    config: Config,
    classes: Vec<String>,
    dataset: Arc<Dataset>,
    device: Device,
    trainer: Trainer,
    feed: RunFeed,
    grid: GridSampler,
    scorer: Option<Scorer>,
    scoring_failed: bool,
    clock: Clock,
    inbox: &'a Receiver<Command>,
    journal: &'a mut Journal<'b>,
    after_step: Option<super::StepHook>,
}

impl<'a, 'b> Run<'a, 'b> {
    /// The run and what was asked while it loaded; nothing where its end was asked for.
    fn start(
        request: &RunRequest,
        inbox: &'a Receiver<Command>,
        journal: &'a mut Journal<'b>,
        threads: usize,
    ) -> anyhow::Result<Option<(Self, Vec<Command>)>> {
        let config = request.config.clone();
        refuse(&config, None)?;
        let (device, device_name) = device::open(&config.train.device)?;
        let (stopped, asked) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let go_on = |_, _| {
            match inbox.try_recv() {
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => stopped.store(true, Ordering::Relaxed),
                Ok(command) => asked.lock().unwrap_or_else(PoisonError::into_inner).push(command),
                Err(TryRecvError::Empty) => {}
            }
            !stopped.load(Ordering::Relaxed)
        };
        let dataset = match Dataset::load(&config, &go_on) {
            Ok(dataset) => Arc::new(dataset),
            Err(DataError::Cancelled) => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let classes = dataset.class_names();
        let warnings = refuse(&config, Some(classes.len()))?;
        let mut trainer = Trainer::new(&config, classes.len(), &device)?;
        trainer.weigh_classes(&dataset.class_counts())?;
        journal.writer = Some(Writer::create(&request.session, &config)?);
        let session = request.session.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        journal.tell(Event::Started(Box::new(Started {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session,
            step: 0,
            config: config.clone(),
            classes: classes.clone(),
            device: device_name,
            threads,
            generator_parameters: trainer.generator().parameters(),
            discriminator_parameters: trainer.discriminator().parameters(),
            time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_secs()),
        })))?;
        journal.tell(Event::Data(Box::new(dataset.summary().clone())))?;
        for message in warnings {
            journal.tell(Event::Warning { step: 0, message })?;
        }
        let feed = RunFeed::new(&config, dataset.clone(), &device)?;
        let grid = GridSampler::new(&config, classes.len(), &device)?;
        let run = Self {
            clock: Clock::default(),
            scorer: None,
            scoring_failed: false,
            after_step: request.after_step.clone(),
            config,
            classes,
            dataset,
            device,
            trainer,
            feed,
            grid,
            inbox,
            journal,
        };
        Ok(Some((run, asked.into_inner().unwrap_or_else(PoisonError::into_inner))))
    }

    fn train(mut self, asked: Vec<Command>) -> anyhow::Result<Ending> {
        let steps = self.config.train.steps;
        if self.config.train.grid_every > 0 {
            self.store_grid()?;
        }
        if !self.obey_later(asked)? {
            self.checkpoint()?;
            return Ok(Ending::Stopped);
        }
        while self.journal.step < steps {
            if !self.obey()? {
                self.checkpoint()?;
                return Ok(Ending::Stopped);
            }
            let step = self.journal.step + 1;
            let (started, lr_factor) = (Instant::now(), self.config.optimizer.lr_factor(step, steps));
            let losses = self.trainer.step(&mut self.feed, lr_factor)?;
            self.clock.add(started, self.config.images_per_step());
            refuse_divergence(&losses, step)?;
            self.journal.step = step;
            self.tell_step(&losses, lr_factor)?;
            let due = |every: usize| every > 0 && (step.is_multiple_of(every) || step == steps);
            if due(self.config.train.grid_every) {
                self.store_grid()?;
            }
            if due(self.config.train.checkpoint_every) {
                self.checkpoint()?;
            }
            // A score takes long and may fail: what it scores is stored first.
            if due(self.config.score.every) && !self.score()? {
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

    /// Takes the commands that are there; false asks for the end.
    fn obey(&mut self) -> anyhow::Result<bool> {
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

    fn tell_step(&mut self, losses: &Losses, lr_factor: f64) -> anyhow::Result<()> {
        let o = &self.config.optimizer;
        let event = Event::Step(Step {
            step: self.journal.step,
            loss_d: losses.discriminator,
            loss_g: losses.generator,
            logits_real: losses.logits_real,
            logits_fake: losses.logits_fake,
            generator_lr: o.generator_lr * lr_factor,
            discriminator_lr: o.discriminator_lr * lr_factor,
            seconds: self.clock.seconds,
            images_per_s: self.clock.images_per_s(),
        });
        self.journal.tell(event)
    }

    fn store_grid(&mut self) -> anyhow::Result<()> {
        let grid = self.grid.draw(&mut self.trainer, self.journal.step)?;
        let stored = self.journal.writer()?.grid(&grid)?;
        self.journal.out.show(grid);
        self.journal.tell(Event::Grid(stored))
    }

    /// False where a command asks for the end meanwhile. A score that cannot be taken is a warning, and no other is tried.
    fn score(&mut self) -> anyhow::Result<bool> {
        if self.scoring_failed {
            return Ok(true);
        }
        self.journal.writer()?.flush()?;
        let inbox = self.inbox;
        // A pause waits for the score; a stop does not.
        let (mut stopped, mut asked) = (false, Vec::new());
        let go_on = &mut || {
            loop {
                match inbox.try_recv() {
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                        stopped = true;
                        return false;
                    }
                    Ok(command) => asked.push(command),
                    Err(TryRecvError::Empty) => return true,
                }
            }
        };
        match self.take_score(go_on) {
            Ok(Some(score)) => self.journal.tell(Event::Score(score))?,
            Ok(None) => {}
            Err(err) => {
                self.scoring_failed = true;
                let message = format!("no score could be taken, and none is tried again in this run: {err:#}");
                self.journal.tell(Event::Warning { step: self.journal.step, message })?;
            }
        }
        self.clock.restart();
        if stopped { Ok(false) } else { self.obey_later(asked) }
    }

    fn take_score(&mut self, go_on: &mut dyn FnMut() -> bool) -> anyhow::Result<Option<Score>> {
        if self.scorer.is_none() {
            self.scorer = Scorer::new(&self.config, &self.dataset, go_on)?;
        }
        let Some(scorer) = &self.scorer else { return Ok(None) };
        scorer.score(&self.config, &mut self.trainer, self.journal.step, &self.device, go_on)
    }

    /// What was asked while nobody could obey.
    fn obey_later(&mut self, commands: Vec<Command>) -> anyhow::Result<bool> {
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

    fn checkpoint(&mut self) -> anyhow::Result<()> {
        let state = CheckpointState {
            schema: SCHEMA,
            step: self.journal.step,
            config: self.config.clone(),
            classes: self.classes.clone(),
            loader_position: self.feed.loader_position(),
            discriminator_draws: self.feed.discriminator_draws,
            generator_draws: self.feed.generator_draws,
            seconds: self.clock.seconds,
            files: Vec::new(),
        };
        if self.journal.writer()?.has_checkpoint(state.step) {
            return Ok(());
        }
        if !self.trainer.is_finite()? {
            bail!("{}", diverged(state.step));
        }
        let files = self.trainer.to_files()?;
        let keep = self.config.train.keep_checkpoints;
        let stored = self.journal.writer()?.checkpoint(&state, &files, keep)?;
        self.journal.tell(Event::Checkpoint(stored))
    }
}

/// Losses and logits that are no numbers any more end a run before they reach a file.
fn refuse_divergence(losses: &Losses, step: usize) -> anyhow::Result<()> {
    let Losses { discriminator, generator, logits_real, logits_fake } = *losses;
    if ![discriminator, generator, logits_real, logits_fake].into_iter().all(f32::is_finite) {
        bail!("{} (losses: D {discriminator}, G {generator})", diverged(step));
    }
    Ok(())
}

fn diverged(step: usize) -> String {
    format!(
        "the networks no longer compute numbers at step {step}: training has diverged. Lower the learning rates, or use spectral normalisation; the last checkpoint is from before"
    )
}

/// Errors of a configuration as one, its warnings as a list.
fn refuse(config: &Config, classes: Option<usize>) -> anyhow::Result<Vec<String>> {
    let problems = config.check(classes);
    let of = |level| problems.iter().filter(move |p| p.level == level).map(|p| format!("{}: {}", p.key, p.message));
    if check::has_errors(&problems) {
        bail!("the settings cannot be run:\n{}", of(Level::Error).collect::<Vec<_>>().join("\n"));
    }
    Ok(of(Level::Warning).collect())
}

/// Time spent in steps, and images a second over about the last second.
#[derive(Default)]
struct Clock {
    seconds: f64,
    recent: std::collections::VecDeque<(f64, usize)>,
}

impl Clock {
    fn add(&mut self, started: Instant, images: usize) {
        let spent = started.elapsed().as_secs_f64();
        self.seconds += spent;
        self.recent.push_back((spent, images));
        while self.recent.len() > 1 && self.recent.iter().skip(1).map(|(spent, _)| spent).sum::<f64>() > 1.0 {
            self.recent.pop_front();
        }
    }

    fn images_per_s(&self) -> f64 {
        let (spent, images) = self.recent.iter().fold((0.0, 0), |(s, n), (spent, images)| (s + spent, n + images));
        images as f64 / spent.max(1e-9)
    }

    fn restart(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_are_no_numbers_end_the_run_with_advice() {
        let losses = |discriminator, generator| Losses { discriminator, generator, logits_real: 0.0, logits_fake: 0.0 };
        assert!(refuse_divergence(&losses(1e30, -3.0), 7).is_ok());
        let logits = Losses { logits_real: f32::INFINITY, ..losses(0.0, 0.0) };
        for broken in [losses(f32::NAN, 0.0), losses(0.0, f32::INFINITY), logits] {
            let err = refuse_divergence(&broken, 7).unwrap_err().to_string();
            assert!(err.contains("diverged") && err.contains("step 7") && err.contains("learning rates"), "{err}");
        }
    }

    #[test]
    fn images_a_second_look_at_the_last_second() {
        let mut clock = Clock::default();
        let ago = |seconds: f64| Instant::now() - std::time::Duration::from_secs_f64(seconds);
        clock.add(ago(30.0), 10);
        assert!((clock.images_per_s() - 1.0 / 3.0).abs() < 0.01);
        for _ in 0..4 {
            clock.add(ago(0.5), 10);
        }
        assert!((clock.images_per_s() - 20.0).abs() < 0.5, "{}", clock.images_per_s());
    }
}
