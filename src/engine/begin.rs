//! The beginning of a run: what it takes over from a checkpoint, and what it says about that.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::RunRequest;
use super::resume::{Damaged, Origin, Plan, Refused, Told};
use super::run::due;
use super::scoring::Scoring;
use super::watch::Watch;
use crate::config::{Config, FeatureNetwork};
use crate::data::Dataset;
use crate::event::{Checkpoint, Edited, Event, Parent};
use crate::feature::file::sha256;
use crate::ops::cpu;
use crate::session::{
    CheckpointState, DataMark, Lock, Machine, Pending, Writer, checkpoint_folder, inspect, read_checkpoint_file,
    read_whole,
};
use crate::train::Trainer;

/// What every checkpoint of a run carries unchanged.
pub(super) struct Fixed {
    /// The configuration as `run.toml` has it.
    pub original: Config,
    pub data: DataMark,
    pub machine: Machine,
    pub parent: Option<Parent>,
}

/// Where a run stands before its first step.
pub(super) struct Begin {
    pub config: Config,
    pub original: Config,
    pub parent: Option<Parent>,
    /// The checkpoint that it goes on from.
    pub state: Option<CheckpointState>,
    /// The checkpoint's folder.
    folder: PathBuf,
    pub kind: Kind,
    lock: Option<Lock>,
    damaged: Damaged,
    told: Told,
    /// Whether settings were changed at the step of the checkpoint.
    edited: bool,
}

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With start weights.
    Fresh,
    /// As the same run.
    Resumed,
    /// As another run than the one whose checkpoint it begins with.
    Forked,
}

impl Begin {
    /// Takes the session's lock where there is a session, and reads what its checkpoint says.
    pub fn of(request: &RunRequest) -> anyhow::Result<Self> {
        let config = request.config.clone();
        let mut begin = Self {
            original: config.clone(),
            config,
            parent: None,
            state: None,
            folder: PathBuf::new(),
            kind: Kind::Fresh,
            lock: None,
            damaged: Vec::new(),
            told: Told::default(),
            edited: false,
        };
        match &request.from {
            Origin::New => {}
            Origin::Resume { steps } => {
                begin.lock = Some(Lock::take(&request.session)?);
                // Once more, now that nobody else can change anything.
                let plan = Plan::of(&request.session, *steps)?;
                (begin.config, begin.original) = (plan.config, plan.original);
                (begin.damaged, begin.told, begin.edited) = (plan.damaged, plan.told, plan.edited);
                if let Some(state) = plan.state {
                    begin.parent.clone_from(&state.parent);
                    begin.take(&request.session, state, Kind::Resumed);
                }
            }
            Origin::Fork { parent, step } => {
                inspect(parent)?;
                let state = read_whole(parent, *step)?;
                let session = parent.canonicalize().unwrap_or_else(|_| parent.clone());
                let session = session.file_name().unwrap_or_default().to_string_lossy().into_owned();
                begin.parent = Some(Parent { session, step: *step });
                begin.take(parent, state, Kind::Forked);
            }
        }
        Ok(begin)
    }

    fn take(&mut self, session: &Path, state: CheckpointState, kind: Kind) {
        self.folder = checkpoint_folder(session, state.step);
        (self.state, self.kind) = (Some(state), kind);
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.step)
    }

    /// Refuses data with which the run would be another one.
    pub fn check_data(&self, data: &DataMark, classes: &[String]) -> anyhow::Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let (was, is) = (state.classes.len(), classes.len());
        if self.kind == Kind::Forked {
            if was != is {
                return Err(Refused(format!(
                    "the data has {is} classes and the networks were trained on {was}: a fork keeps the networks, so it needs the same number"
                ))
                .into());
            }
            return Ok(());
        }
        let mut wrong = Vec::new();
        if state.classes != classes {
            wrong.push(format!("classes: were {}; are {}", state.classes.join(", "), classes.join(", ")));
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
            wrong.join("\n")
        ))
        .into())
    }

    /// Takes over what was learnt. What the settings have switched on since begins anew.
    pub fn load(&self, trainer: &mut Trainer) -> anyhow::Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let switched = self.kind == Kind::Forked || self.edited;
        let fresh = if switched { trainer.to_files()? } else { Vec::new() };
        let loaded = trainer.load_files(|name| {
            let kept = state.files.iter().any(|file| file.name == name);
            match fresh.iter().find(|(file, _)| *file == name && !kept) {
                Some((_, bytes)) => Ok(bytes.clone()),
                None => Ok(read_checkpoint_file(&self.folder, state, name)?),
            }
        });
        loaded.with_context(|| format!("the checkpoint {} does not fit", self.folder.display()))
    }

    /// What the step is still to bring.
    pub fn pending(&self) -> Pending {
        let (step, config) = (self.step(), &self.config);
        let Some(state) = self.state.as_ref().filter(|_| self.kind == Kind::Resumed) else {
            return Pending { grid: config.train.grid_every > 0, score: false };
        };
        let of_old =
            || Pending { grid: false, score: step > 0 && due(config.score.every, step, step == config.train.steps) };
        let pending = state.pending.unwrap_or_else(of_old);
        Pending { score: pending.score && !self.told.scored, ..pending }
    }

    /// What the alarms remember: a fork is watched afresh.
    pub fn watch(&self, config: &Config, classes: &[String]) -> Watch {
        let mut watch = Watch::new(config, classes);
        if let Some(state) = self.state.as_ref().filter(|_| self.kind == Kind::Resumed) {
            match &state.watched {
                Some(watched) => watch.restore(watched),
                None => watch.restore_alarms(&self.told.alarms),
            }
            watch.restore_scores(&self.told.alarms);
            let before = self.told.edits.iter().filter(|edited| edited.step < self.step());
            before.for_each(|edited| watch.edited(edited));
        }
        watch
    }

    /// What was told of scores: a fork is judged afresh.
    pub fn scoring(&self) -> Scoring {
        if self.kind == Kind::Resumed {
            Scoring::at(self.told.bests.last().cloned(), self.told.last_scored)
        } else {
            Scoring::default()
        }
    }

    /// What was changed from the step on that the run goes on from, in the order of the steps: it is changed there again.
    pub fn edits_to_come(&self) -> VecDeque<Edited> {
        let mut edits: Vec<Edited> = self.told.edits.clone();
        edits.retain(|edited| edited.step >= self.step());
        edits.sort_by_key(|edited| edited.step);
        edits.into()
    }

    /// Opens the session for writing.
    pub fn open(&mut self, session: &Path) -> anyhow::Result<Writer> {
        Ok(match self.lock.take() {
            Some(lock) => Writer::reopen(session, lock)?,
            None => Writer::create(session, &self.original)?,
        })
    }

    /// What is to be told after the head of the run.
    pub fn remarks(&self, writer: &Writer, machine: &Machine) -> anyhow::Result<Vec<Event>> {
        let step = self.step();
        let mut events = Vec::new();
        let mut warn = |message: String| events.push(Event::Warning { step, message });
        for (damaged, reason) in &self.damaged {
            let kept = writer.set_aside(*damaged)?;
            warn(format!("The checkpoint of step {damaged} is damaged and was set aside as {kept}: {reason}"));
        }
        if self.told.last > step {
            let (last, lost) = (self.told.last, self.told.last - step);
            let since = if self.state.is_some() {
                format!("its checkpoint of step {step}")
            } else {
                "any checkpoint".to_owned()
            };
            warn(format!(
                "The run broke off at step {last} without a checkpoint since {since}: {lost} steps are taken again."
            ));
        }
        if let Some(at) = self.told.diverged {
            warn(format!(
                "The run diverged at step {at}, and the same steps with the same settings will do so again: stop it, and fork it with other settings (gandle resume SESSION --fork NEW --set KEY=VALUE)."
            ));
        }
        let before = self.state.as_ref().and_then(|state| state.machine.as_ref());
        if let Some(before) = before.filter(|before| *before != machine) {
            warn(format!(
                "The run was computed by {} so far and is by {} from here on: it goes on from the same state, but rounds differently than if it had stayed.",
                described(before),
                described(machine)
            ));
        }
        if self.kind == Kind::Resumed && !self.told.checkpoint {
            // Its writer was killed before it could say so.
            let folder = format!("checkpoints/{step:07}");
            events.push(Event::Checkpoint(Checkpoint { step, folder, removed: Vec::new() }));
        }
        Ok(events)
    }
}

fn described(machine: &Machine) -> String {
    let Machine { version, device, threads, instructions } = machine;
    format!("gandle {version} on {device} with {threads} threads ({instructions})")
}

/// What decides how this process rounds.
pub(super) fn machine(device: &str, threads: usize) -> Machine {
    let (version, instructions) = (env!("CARGO_PKG_VERSION").to_owned(), cpu::instruction_set());
    Machine { version, device: device.to_owned(), threads, instructions }
}

/// What tells this data set from others: the images of each class, and a sum over their pixels in order, and over those
/// that are held out; and a sum over the weights that its features are compared with.
///
/// # Errors
/// Where the file of these weights cannot be read.
pub(super) fn mark(dataset: &Dataset, config: &Config) -> anyhow::Result<DataMark> {
    let mut whole = Sha256::new();
    for number in [dataset.size(), dataset.channels()] {
        whole.update((number as u64).to_le_bytes());
    }
    for side in [Some(dataset), dataset.held_out()].into_iter().flatten() {
        let sums: Vec<_> = (0..side.len()).into_par_iter().map(|i| Sha256::digest(side.pixels(i))).collect();
        sums.iter().for_each(|sum| whole.update(sum));
    }
    let loss = &config.loss;
    let from_file = loss.compares_features() && loss.features == FeatureNetwork::Vgg19;
    let features = from_file.then(|| sha256(Path::new(&loss.vgg19)));
    let features = features.transpose().with_context(|| format!("loss.vgg19: {} cannot be read", loss.vgg19))?;
    let sha256 = whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(DataMark { images: dataset.class_counts(), sha256, features })
}

#[cfg(test)]
mod tests {
    use super::super::watch::At;
    use super::*;
    use crate::event::{Number, Numbers};
    use crate::session::Watched;

    #[test]
    fn alarms_go_on_as_if_the_run_had_never_ended() {
        let names = ["a", "b"].map(str::to_owned);
        let accuracy = |step: usize| if (300..340).contains(&step) { 0.6 } else { 1.0 };
        let see = |watch: &mut Watch, step: usize| {
            let at = At { step, seconds: 0.0 };
            let right = [Number::AccuracyReal, Number::AccuracyFake].map(|number| (number, accuracy(step)));
            let mut told: Vec<Event> = watch.step(at, &Numbers::of(right)).into_iter().collect();
            if step.is_multiple_of(10) {
                let share = if step % 200 < 100 { 0.8 } else { 0.05 };
                told.extend(watch.grid(at, &[Some(0.6), Some(share)]));
            }
            told
        };
        let config = Config::default();
        let mut whole = Watch::new(&config, &names);
        let want: Vec<Event> = (1..=700).flat_map(|step| see(&mut whole, step)).collect();
        assert!(want.len() > 6, "{want:?}");
        for stop in [50, 110, 199, 250, 305, 330, 530] {
            let mut first = Watch::new(&config, &names);
            let mut told: Vec<Event> = (1..=stop).flat_map(|step| see(&mut first, step)).collect();
            let kept = serde_json::to_vec(&first.remember()).unwrap();
            let mut second = Watch::new(&config, &names);
            second.restore(&serde_json::from_slice::<Watched>(&kept).unwrap());
            told.extend((stop + 1..=700).flat_map(|step| see(&mut second, step)));
            assert_eq!(told, want, "stopped after {stop}");
        }
    }

    #[test]
    fn other_weights_that_features_are_compared_with_make_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vgg19.pth");
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.demo_images = 1;
        config.loss.vgg19 = file.display().to_string();
        let data = Dataset::load(&config, &|_, _| true).unwrap();
        config.loss.features = FeatureNetwork::Vgg19;
        assert_eq!(mark(&data, &config).unwrap().features, None, "nothing is compared");
        config.loss.texture = 1.0;
        let missing = format!("{:#}", mark(&data, &config).unwrap_err());
        assert!(missing.contains("loss.vgg19") && missing.contains("vgg19.pth"), "{missing}");
        let of = |content: &str| {
            std::fs::write(&file, content).unwrap();
            mark(&data, &config).unwrap()
        };
        let (first, second) = (of("weights"), of("other weights"));
        assert_eq!(first.features.as_deref().map(str::len), Some(64));
        assert!(first != second && first == of("weights"));
    }

    #[test]
    fn the_mark_of_data_follows_order_and_pixels_alone() {
        let mut config = Config::default();
        (config.image_size, config.data.demo_images) = (16, 3);
        let of = |config: &Config| mark(&Dataset::load(config, &|_, _| true).unwrap(), config).unwrap();
        let first = of(&config);
        assert_eq!(first.images, [3; 6]);
        config.data.rotation = 20.0;
        config.train.seed = 9;
        assert_eq!(of(&config), first);
        config.channels = 1;
        assert_ne!(of(&config).sha256, first.sha256);
        (config.channels, config.data.held_out) = (3, 0.34);
        let held = of(&config);
        assert_eq!(held.images, [2; 6]);
        config.data.split_seed = 1;
        let other = of(&config);
        assert!(other.images == held.images && other.sha256 != held.sha256, "another split is another data set");
    }
}
