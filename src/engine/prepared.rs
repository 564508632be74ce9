//! The start of a run, in one line: what was asked, then its data, then its trainer, then its session.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use candle_core::Device;
use crossbeam_channel::Receiver;

use super::control::Control;
use super::device;
use super::fingerprint::{data_fingerprint, described, machine};
use super::grids::Grids;
use super::journal::Journal;
use super::loading::{load, refuse};
use super::request::{Origin, RunRequest};
use super::resume::{Damaged, Plan, Recorded, Refused, refuse_unfit};
use super::run::{Fixed, Run, Start};
use super::schedule;
use super::score_history::ScoreHistory;
use super::training::Training;
use super::watch::Watch;
use crate::config::Config;
use crate::config::transfer::Carried;
use crate::data::Dataset;
use crate::event::{self, Command, Edited, Event, Parent, SCHEMA, Started};
use crate::guard::{few, few_lines};
use crate::session::{
    CheckpointState, DataFingerprint, Lock, Machine, Pending, Writer, checkpoint_folder, inspect, read_checkpoint_file,
    read_whole, run_id,
};
use crate::train::Trainer;

/// What a session that goes on says where its data cannot be read.
const NO_DATA: &str =
    "the session cannot go on without its data (where that was moved, name its new place as data.source in run.toml)";

/// What is told of blocks that are frozen before they have learnt anything.
const RANDOM_BLOCKS: &str = "optimizer.frozen_blocks: this run is no fork, so the frozen blocks of its discriminator have learnt nothing and stay random; set it to 0, or fork a run that has learnt something";

/// What is told of a fork whose held-out images its parent may have been trained on.
const OTHER_SPLIT: &str = "data.held_out: this fork holds out other images than its parent did. Those that the parent was trained on have been seen, and scores on them (worth, copying, the classifier) say nothing about new images";

/// The checkpoint that a run goes on from.
struct Checkpoint {
    state: CheckpointState,
    folder: PathBuf,
}

/// A run whose session is locked, where it has one already, and whose checkpoint is read, where it goes on from one.
pub(super) struct Prepared<'r> {
    request: &'r RunRequest,
    /// As it will be in force.
    pub config: Config,
    original: Config,
    parent: Option<Parent>,
    start: Start,
    checkpoint: Option<Checkpoint>,
    lock: Option<Lock>,
    damaged: Damaged,
    recorded: Recorded,
    /// Whether settings were changed at the step of the checkpoint.
    edited: bool,
}

/// ... whose settings fit its data.
pub(super) struct WithData<'r> {
    prepared: Prepared<'r>,
    device: Device,
    device_name: String,
    dataset: Arc<Dataset>,
    mark: DataFingerprint,
    warnings: Vec<String>,
}

/// ... whose networks stand as they did at its checkpoint.
pub(super) struct WithTrainer<'r> {
    data: WithData<'r>,
    trainer: Trainer,
    machine: Machine,
}

impl<'r> Prepared<'r> {
    /// Takes the session's lock where there is a session, and reads what its checkpoint says.
    pub fn of(request: &'r RunRequest) -> anyhow::Result<Self> {
        let mut prepared = Self {
            request,
            config: request.config.clone(),
            original: request.config.clone(),
            parent: None,
            start: Start::Fresh,
            checkpoint: None,
            lock: None,
            damaged: Damaged::new(),
            recorded: Recorded::default(),
            edited: false,
        };
        match &request.from {
            Origin::New => Ok(prepared),
            Origin::Resume { steps, set } => {
                let lock = Lock::take(&request.session)?;
                // Once more, now that nobody else can change anything.
                let Plan { config, original, state, damaged, recorded, edited } =
                    Plan::of(&request.session, *steps, set)?;
                if let Some(state) = state {
                    prepared.parent.clone_from(&state.parent);
                    let folder = checkpoint_folder(&request.session, state.step);
                    (prepared.checkpoint, prepared.start) = (Some(Checkpoint { state, folder }), Start::Resumed);
                }
                Ok(Self { config, original, lock: Some(lock), damaged, recorded, edited, ..prepared })
            }
            Origin::Fork { parent, step } => {
                inspect(parent)?;
                let state = read_whole(parent, *step)?;
                refuse_unfit(&state.config, &request.config)?;
                let session = parent.canonicalize().unwrap_or_else(|_| parent.clone());
                let session = session.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let checkpoint = Some(Checkpoint { folder: checkpoint_folder(parent, state.step), state });
                let parent = Some(Parent { session, step: *step, run: run_id(parent) });
                Ok(Self { parent, checkpoint, start: Start::Forked, ..prepared })
            }
        }
    }

    /// Loads the data and refuses what cannot be trained on it; with it comes what was asked meanwhile. Nothing where the end
    /// was asked for.
    pub fn with_data(self, inbox: &Receiver<Command>) -> anyhow::Result<Option<(WithData<'r>, Vec<Command>)>> {
        refuse(&self.config, None)?;
        let (device, device_name) = device::open(&self.config.train.device)?;
        // A session keeps the labels that it began with, whatever order classes have in the data today.
        let known = self.state().map_or(&[][..], |state| &state.classes);
        let loaded = load(&self.config, known, inbox);
        let loaded = if self.start == Start::Resumed { loaded.context(NO_DATA) } else { loaded };
        let Some((dataset, asked)) = loaded? else { return Ok(None) };
        let (classes, mark) = (dataset.class_names(), data_fingerprint(&dataset, &self.config)?);
        self.check(&mark, &classes)?;
        let warnings = refuse(&self.config, Some(classes.len()))?;
        Ok(Some((WithData { prepared: self, device, device_name, dataset, mark, warnings }, asked)))
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.state().map_or(0, |state| state.step)
    }

    fn state(&self) -> Option<&CheckpointState> {
        self.checkpoint.as_ref().map(|checkpoint| &checkpoint.state)
    }

    /// The checkpoint, where the run goes on from it as the same one.
    fn resumed(&self) -> Option<&CheckpointState> {
        self.state().filter(|_| self.start == Start::Resumed)
    }

    /// Whether this run goes on from another one's checkpoint with other images held out.
    fn is_fork_with_other_split(&self) -> bool {
        let split = |config: &Config| {
            let d = &config.data;
            (d.source.clone(), d.held_out.to_bits(), d.split_seed, d.split_by, d.group_by.clone())
        };
        let parent = self.state().filter(|_| self.start == Start::Forked);
        parent.is_some_and(|state| split(&state.config) != split(&self.config))
    }

    /// Refuses data with which the run would be another one.
    fn check(&self, data: &DataFingerprint, classes: &[String]) -> anyhow::Result<()> {
        let Some(Checkpoint { state, .. }) = &self.checkpoint else { return Ok(()) };
        if self.start == Start::Forked {
            return Ok(()); // Its networks go by the names of the classes.
        }
        let mut wrong = Vec::new();
        if state.classes != classes {
            wrong.push(format!("classes: were {}; are {}", few(&state.classes), few(classes)));
        }
        if let Some(before) = state.data.as_ref().filter(|_| wrong.is_empty()) {
            for (class, (was, is)) in classes.iter().zip(before.images.iter().zip(&data.images)) {
                if was != is {
                    wrong.push(format!("images of {class}: were {was}, are {is}"));
                }
            }
            if wrong.is_empty() && before.sha256 != data.sha256 {
                wrong.push("pixels: as many images as before, but different ones".to_owned());
            }
            let features = [&before.features, &data.features];
            if let [Some(was), Some(is)] = features
                && was != is
            {
                wrong.push(format!("loss.vgg19: {} holds different weights", self.config.loss.vgg19));
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Refused(format!(
            "the data in {} is not what the checkpoint of step {} was trained on, and the session would continue as another run:\n{}\nRestore the old data, or fork a new session: gandle resume SESSION --fork NEW",
            self.config.data.source,
            state.step,
            few_lines(&wrong)
        ))
        .into())
    }

    /// What a fork for these classes keeps of the networks that it begins with; nothing where that is all there is.
    fn carried(&self, classes: &[String]) -> anyhow::Result<Option<Carried>> {
        let Some(state) = self.state().filter(|_| self.start == Start::Forked) else { return Ok(None) };
        let carried = Carried::between((&state.config, &state.classes), (&self.config, classes));
        if carried.is_whole() {
            return Ok(None);
        }
        let new = &carried.discriminator.new;
        if let Some(frozen) = new.iter().find(|layer| self.config.freezes(&format!("{layer}."))) {
            return Err(Refused(format!(
                "optimizer.frozen_blocks = {}: {frozen} of the discriminator begins anew in this fork, and frozen it would stay random. Freeze fewer blocks, or none",
                self.config.optimizer.frozen_blocks
            ))
            .into());
        }
        Ok(Some(carried))
    }

    /// Takes over what was learnt. What the settings have switched on since begins anew.
    fn load(&self, trainer: &mut Trainer, carried: Option<&Carried>) -> anyhow::Result<()> {
        let Some(Checkpoint { state, folder }) = &self.checkpoint else { return Ok(()) };
        let switched = self.start == Start::Forked || self.edited;
        let fresh = if switched { trainer.to_files()? } else { Vec::new() };
        let read = |name: &str| {
            let kept = state.files.iter().any(|file| file.name == name);
            match fresh.iter().find(|(file, _)| *file == name && !kept) {
                Some((_, bytes)) => Ok(bytes.clone()),
                None => Ok(read_checkpoint_file(folder, state, name)?),
            }
        };
        let loaded = match carried {
            Some(carried) => trainer.carry_files(carried, read),
            None => trainer.load_files(read),
        };
        loaded.with_context(|| format!("the checkpoint {} does not fit", folder.display()))
    }

    /// What the step is still to bring.
    fn pending(&self) -> Pending {
        let (step, config) = (self.step(), &self.config);
        let Some(state) = self.resumed() else {
            return Pending { grid: config.train.grid_every > 0, score: false };
        };
        let of_old = || {
            let last = step == config.train.steps;
            Pending { grid: false, score: step > 0 && schedule::pending(config, step, last).score }
        };
        let pending = state.pending.unwrap_or_else(of_old);
        Pending { score: pending.score && !self.recorded.scored, ..pending }
    }

    /// What the alarms remember: a fork is watched afresh.
    fn watch(&self, classes: &[String]) -> Watch {
        let mut watch = Watch::new(&self.config, classes);
        if let Some(state) = self.resumed() {
            match &state.watched {
                Some(watched) => watch.restore(watched),
                None => watch.restore_alarms(&self.recorded.alarms),
            }
            watch.restore_scores(&self.recorded.alarms);
            let before = self.recorded.edits.iter().filter(|edited| edited.step < self.step());
            before.for_each(|edited| watch.edited(edited));
        }
        watch
    }

    /// What was told of scores: a fork is judged afresh.
    fn scoring(&self) -> ScoreHistory {
        if self.start == Start::Resumed {
            ScoreHistory::at(self.recorded.bests.last().cloned(), self.recorded.last_scored)
        } else {
            ScoreHistory::default()
        }
    }

    /// What was changed from the step on that the run goes on from, in the order of the steps: it is changed there again.
    fn edits_to_come(&self) -> VecDeque<Edited> {
        let mut edits: Vec<Edited> = self.recorded.edits.clone();
        edits.retain(|edited| edited.step >= self.step());
        edits.sort_by_key(|edited| edited.step);
        edits.into()
    }

    /// What is to be told after the head of the run.
    fn remarks(&self, writer: &Writer, machine: &Machine) -> anyhow::Result<Vec<Event>> {
        let step = self.step();
        let mut events = Vec::new();
        let mut warn = |message: String| events.push(Event::Warning { step, message });
        for (damaged, reason) in &self.damaged {
            let kept = writer.set_aside(*damaged)?;
            warn(format!("The checkpoint of step {damaged} is damaged and was set aside as {kept}: {reason}"));
        }
        if self.recorded.last > step {
            let (last, lost) = (self.recorded.last, self.recorded.last - step);
            let since = if self.checkpoint.is_some() {
                format!("its checkpoint of step {step}")
            } else {
                "any checkpoint".to_owned()
            };
            warn(format!(
                "The run broke off at step {last} without a checkpoint since {since}: {lost} steps are taken again."
            ));
        }
        if let Some(at) = self.recorded.diverged {
            warn(format!(
                "The run diverged at step {at}, and the same steps with the same settings will do so again: stop it, and fork it with other settings (gandle resume SESSION --fork NEW --set KEY=VALUE)."
            ));
        }
        let before = self.state().and_then(|state| state.machine.as_ref());
        if let Some(before) = before.filter(|before| *before != machine) {
            warn(format!(
                "The run was computed by {} so far and is by {} from here on: it goes on from the same state, but rounds differently than if it had stayed.",
                described(before),
                described(machine)
            ));
        }
        if self.start == Start::Resumed && !self.recorded.checkpoint {
            // Its writer was killed before it could say so.
            let folder = format!("checkpoints/{step:07}");
            events.push(Event::Checkpoint(event::Checkpoint { step, folder, removed: Vec::new() }));
        }
        Ok(events)
    }
}

impl<'r> WithData<'r> {
    /// Makes the networks and takes over what was learnt, to be computed by so many threads.
    pub fn with_trainer(mut self, threads: usize) -> anyhow::Result<WithTrainer<'r>> {
        let classes = self.dataset.class_names();
        let mut trainer = Trainer::new(&self.prepared.config, classes.len(), &self.device)?;
        trainer.weigh_classes(&self.dataset.class_counts())?;
        let carried = self.prepared.carried(&classes)?;
        self.prepared.load(&mut trainer, carried.as_ref())?;
        let lines = carried.iter().flat_map(Carried::lines);
        self.warnings.extend(lines.map(|line| format!("Carried over from the parent. {line}")));
        if self.prepared.start == Start::Fresh && self.prepared.config.optimizer.frozen_blocks > 0 {
            self.warnings.push(RANDOM_BLOCKS.to_owned());
        }
        if self.prepared.is_fork_with_other_split() && self.dataset.held_out().is_some() {
            self.warnings.push(OTHER_SPLIT.to_owned());
        }
        let machine = machine(&self.device_name, threads);
        Ok(WithTrainer { data: self, trainer, machine })
    }
}

impl WithTrainer<'_> {
    /// Opens the session for writing, tells the head of the run, and puts its parts together.
    pub fn open<'a, 'b>(
        self,
        inbox: &'a Receiver<Command>,
        journal: &'a mut Journal<'b>,
    ) -> anyhow::Result<Run<'a, 'b>> {
        let Self { data: WithData { mut prepared, device, dataset, mark, warnings, .. }, trainer, machine } = self;
        let (original, parent) = (prepared.original.clone(), prepared.parent.clone());
        let fixed = Fixed { original, data: mark, machine, parent };
        let session = &prepared.request.session;
        journal.writer = Some(match prepared.lock.take() {
            Some(lock) => Writer::reopen(session, lock)?,
            None => Writer::create(session, &fixed.original)?,
        });
        prepared.tell(journal, &fixed, &trainer, &dataset, warnings)?;
        let columns = prepared.config.train.grid_columns.max(1);
        journal.write(|writer| writer.real_images(|| dataset.preview(columns)))?;
        let training = Training::new(prepared.config.clone(), dataset, device, trainer, prepared.state())?;
        Ok(Run {
            fixed,
            start: prepared.start,
            pending: prepared.pending(),
            grids: Grids::new(&training)?,
            scoring: prepared.scoring(),
            watch: prepared.watch(&training.classes),
            fallback: None,
            saved: Instant::now(),
            control: Control { inbox, stepping: None, edits_to_come: prepared.edits_to_come() },
            journal,
            after_step: prepared.request.after_step.clone(),
            training,
        })
    }
}

impl Prepared<'_> {
    /// Tells the head of a run, its data, and what is to be said about how it begins.
    fn tell(
        &self,
        journal: &mut Journal<'_>,
        fixed: &Fixed,
        trainer: &Trainer,
        dataset: &Dataset,
        warnings: Vec<String>,
    ) -> anyhow::Result<()> {
        let session = self.request.session.file_name();
        journal.tell(Event::Started(Box::new(Started {
            schema: SCHEMA,
            version: fixed.machine.version.clone(),
            session: session.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            step: self.step(),
            parent: fixed.parent.clone(),
            config: self.config.clone(),
            classes: dataset.class_names(),
            device: fixed.machine.device.clone(),
            threads: fixed.machine.threads,
            generator_parameters: trainer.generator().parameter_count(),
            discriminator_parameters: trainer.discriminator().parameter_count(),
            time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_secs()),
        })))?;
        journal.tell(Event::Data(Box::new(dataset.summary().clone())))?;
        // A session that goes on has told what its settings are warned of.
        let doubtful = dataset.summary().findings.iter().map(|finding| format!("data: {}", finding.message));
        for message in warnings.into_iter().chain(doubtful).filter(|_| self.start != Start::Resumed) {
            journal.warn(message)?;
        }
        let remarks = self.remarks(journal.writer()?, &fixed.machine)?;
        journal.tell_all(remarks)
    }
}
