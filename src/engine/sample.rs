//! Images of a generator: the fixed grid of a run, and any number of a class from a checkpoint.

use std::path::Path;

use anyhow::{Context as _, bail};
use candle_core::{Device, Tensor};
use rand::Rng as _;
use rand_distr::{Distribution as _, StandardNormal};

use super::feed::noise;
use super::scorer::CHUNK;
use super::sheet::sheet;
use super::standing_stats::StandingStats;
use crate::config::rng::{ChaCha8Rng, Purpose, stream};
use crate::config::{Config, Stage};
use crate::event::GridPicture;
use crate::guard::few;
use crate::model::class_interpolation::with_classes_between;
use crate::model::{Generator, ParameterStore};
use crate::session::{
    CheckpointState, SessionError, checkpoint_folder, checkpoints, inspect, read_checkpoint_file, read_state,
};
use crate::train::Trainer;
use crate::train::state::{EMA, load_store};

/// Draws the same noise with the same labels every time: one row a class.
pub struct GridSampler {
    z: Tensor,
    labels: Tensor,
    rows: usize,
    columns: usize,
    size: usize,
    channels: usize,
}

impl GridSampler {
    /// The noise comes from the run's seed.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(config: &Config, classes: usize, device: &Device) -> candle_core::Result<Self> {
        let columns = config.train.grid_columns;
        let mut rng = stream(config.train.seed, Purpose::Grid, 0);
        let z = noise(&mut rng, classes * columns, config.generator.latent_dim, device)?;
        let labels: Vec<u32> =
            (0..u32::try_from(classes).unwrap_or(0)).flat_map(|class| vec![class; columns]).collect();
        let labels = Tensor::new(labels, device)?;
        Ok(Self { z, labels, rows: classes, columns, size: config.image_size, channels: config.channels })
    }

    /// The grid of a trainer's generator with these numbers.
    ///
    /// # Errors
    /// Those of candle.
    pub fn draw(&self, trainer: &Trainer, store: &ParameterStore, step: usize) -> candle_core::Result<GridPicture> {
        let images = trainer.images(store, &self.z, &self.labels, CHUNK)?;
        let (size, channels) = (self.size, self.channels);
        Ok(sheet(step, (self.rows, self.columns), (size, channels), images.chunks_exact(size * size * channels)))
    }
}

/// The averaged generator of a checkpoint.
pub struct Sampler {
    generator: Generator,
    store: ParameterStore,
    /// What the checkpoint says of its run.
    pub state: CheckpointState,
}

/// Bytes of a file of weights beside its parameters, at most: names, shapes, running statistics.
const MOST_BESIDE: usize = 64 << 20;
/// Numbers of noise further out than this are so rare that cutting them off changes nothing.
const NO_TRUNCATION: f32 = 6.0;
/// Closer than this, redrawing would take forever and every image would be the same.
const LEAST_TRUNCATION: f32 = 0.05;

impl Sampler {
    /// Opens the newest whole checkpoint of a session, or that of a step. A damaged newest one is left out with a remark in
    /// the log, and the one before it is used.
    ///
    /// # Errors
    /// Where there is no such checkpoint or it cannot be read.
    pub fn open(session: &Path, step: Option<usize>) -> anyhow::Result<Self> {
        inspect(session)?;
        let have = checkpoints(session);
        if have.is_empty() {
            bail!("{} holds no checkpoint yet: train it for longer, or choose another session", session.display());
        }
        if let Some(step) = step {
            if !have.contains(&step) {
                let list: Vec<String> = have.iter().map(ToString::to_string).collect();
                bail!("{} holds no checkpoint of step {step}; it has {}", session.display(), few(&list));
            }
            return Self::read(&checkpoint_folder(session, step));
        }
        let mut last_error = None;
        for step in have.into_iter().rev() {
            match Self::read(&checkpoint_folder(session, step)) {
                Ok(sampler) => return Ok(sampler),
                Err(err) if matches!(err.downcast_ref(), Some(SessionError::Newer { .. })) => return Err(err),
                Err(err) => {
                    tracing::warn!("checkpoint {step} is left out: {err:#}");
                    last_error = Some(err);
                }
            }
        }
        Err(last_error.context("no checkpoint can be read")?)
    }

    fn read(folder: &Path) -> anyhow::Result<Self> {
        let state = read_state(folder)?;
        if crate::config::has_errors(&state.config.check(Some(state.classes.len()))) || state.classes.is_empty() {
            bail!("{}: its settings cannot be run", folder.display());
        }
        // The file must hold what the settings ask for, and little else, before memory is taken for it.
        let parameters = state.config.cost(state.classes.len()).generator_parameters;
        let most = MOST_BESIDE.saturating_add(parameters.saturating_mul(16)) as u64;
        if state.files.iter().any(|file| file.name == EMA && file.bytes > most) {
            bail!("{}: too long for {parameters} parameters", folder.join(EMA).display());
        }
        let bytes = read_checkpoint_file(folder, &state, EMA)?;
        if bytes.len() / 4 < parameters {
            bail!("{}: too short for {parameters} parameters", folder.join(EMA).display());
        }
        let (generator, mut store) = Generator::new(&state.config, state.classes.len(), &Device::Cpu)?;
        load_store(&mut store, &bytes).with_context(|| format!("{}", folder.join(EMA).display()))?;
        if !state.settled {
            let counts = match &state.data {
                Some(data) if data.images.len() == state.classes.len() => data.images.clone(),
                Some(_) | None => vec![1; state.classes.len()],
            };
            let settling = StandingStats::new(&state.config, &state.classes, &counts, &Device::Cpu)?;
            store = settling.with_standing_stats(&generator, state.config.stage(state.step as u64), &store)?;
        }
        Ok(Self { generator, store, state })
    }

    /// The network's numbers.
    pub fn store(&self) -> &ParameterStore {
        &self.store
    }

    /// Images `first..first + count` of a class, `(count, size, size, channels)` u8. Image i of a class and a seed is the
    /// same whatever else is drawn. Numbers of noise beyond ± `truncation` are drawn again (Brock et al. 2019); 0 cuts nothing.
    ///
    /// # Errors
    /// Where the class is not there or the truncation is out of range.
    pub fn images(
        &mut self,
        class: usize,
        first: usize,
        count: usize,
        seed: u64,
        truncation: f32,
    ) -> anyhow::Result<Vec<u8>> {
        let z = self.latents(class, first, count, seed, truncation)?;
        self.draw(&vec![u32::try_from(class)?; count], z)
    }

    /// The noise of those images, one after the other.
    ///
    /// # Errors
    /// Where the class is not there or the truncation is out of range.
    pub fn latents(
        &self,
        class: usize,
        first: usize,
        count: usize,
        seed: u64,
        truncation: f32,
    ) -> anyhow::Result<Vec<f32>> {
        if class >= self.state.classes.len() {
            bail!("class {class}: the session has {} classes", self.state.classes.len());
        }
        if !truncation.is_finite() || truncation < 0.0 || (truncation > 0.0 && truncation < LEAST_TRUNCATION) {
            bail!("a truncation of {truncation} is impossible: 0 for none, else {LEAST_TRUNCATION} or more");
        }
        let limit = if truncation == 0.0 { NO_TRUNCATION * 2.0 } else { truncation };
        let latent = self.state.config.generator.latent_dim;
        let mut z = Vec::with_capacity(count * latent);
        for i in first..first.saturating_add(count) {
            let mut rng = stream(seed, Purpose::Export, (class as u64) << 32 | i as u64);
            z.extend((0..latent).map(|_| truncated(&mut rng, limit)));
        }
        Ok(z)
    }

    /// Images of some noise, one for each label, `(count, size, size, channels)` in [-1, 1].
    ///
    /// # Errors
    /// Where there is not as much noise as labels ask for, or a label is no class.
    pub fn numbers(&mut self, labels: &[u32], z: Vec<f32>) -> anyhow::Result<Vec<f32>> {
        let (z, labels, stage) = self.inputs(labels, z)?;
        Ok(self.generator.evaluate(stage, &mut self.store, &z, &labels)?.flatten_all()?.to_vec1()?)
    }

    /// The same as u8.
    ///
    /// # Errors
    /// Where there is not as much noise as labels ask for, or a label is no class.
    pub fn draw(&mut self, labels: &[u32], z: Vec<f32>) -> anyhow::Result<Vec<u8>> {
        let (z, labels, stage) = self.inputs(labels, z)?;
        Ok(self.generator.images(stage, &mut self.store, &z, &labels, CHUNK)?)
    }

    /// Images on the way from one class to another: `rows` of them, each with its noise for each share of the way.
    ///
    /// # Errors
    /// Where there is no such class, or not as much noise as images.
    pub fn draw_between(
        &mut self,
        from: usize,
        to: usize,
        shares: &[f64],
        rows: usize,
        z: Vec<f32>,
    ) -> anyhow::Result<Vec<u8>> {
        let classes = self.state.classes.len();
        if from.max(to) >= classes {
            bail!("class {}: the session has {classes} classes", from.max(to));
        }
        let mut store = with_classes_between(&self.store, from, to, shares)?;
        let own: Vec<u32> = (classes..classes + shares.len()).map(u32::try_from).collect::<Result<_, _>>()?;
        let (z, labels, stage) = self.inputs(&own.repeat(rows), z)?;
        Ok(self.generator.images(stage, &mut store, &z, &labels, CHUNK)?)
    }

    fn inputs(&self, labels: &[u32], z: Vec<f32>) -> anyhow::Result<(Tensor, Tensor, Stage)> {
        let z = Tensor::from_vec(z, (labels.len(), self.state.config.generator.latent_dim), &Device::Cpu)?;
        // What a growing network is follows from the steps of its checkpoint.
        Ok((z, Tensor::new(labels, &Device::Cpu)?, self.state.config.stage(self.state.step as u64)))
    }
}

fn truncated(rng: &mut ChaCha8Rng, limit: f32) -> f32 {
    loop {
        let x: f32 = StandardNormal.sample(rng);
        if x.abs() <= limit {
            return x;
        }
        // One more number, so that a redraw never falls back on the same stream position.
        rng.random::<u32>();
    }
}
