//! The generator, whatever its plan.

use candle_core::{Device, Result, Tensor, bail};

use super::parameters::{Builder, COUNTER, Mode, ParameterStore, Pass};
use super::plan_runner::{NetworkInputs, PlanRunner};
use crate::config::rng::{Purpose, stream};
use crate::config::{Config, Stage};
use crate::ops::Value;

/// `(B, latent_dim)` noise and `(B)` labels to `(B, size, size, channels)` images in [-1, 1].
pub struct Generator {
    latent_dim: usize,
    size: usize,
    network: PlanRunner,
}

impl Generator {
    /// The architecture and a store of start weights, drawn from the configuration's seed.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(config: &Config, classes: usize, device: &Device) -> Result<(Self, ParameterStore)> {
        let mut rng = stream(config.train.seed, Purpose::Weights, 0);
        let mut store = ParameterStore::default();
        let mut b = Builder { store: &mut store, rng: &mut rng, device };
        let network = PlanRunner::new(&mut b, config.generator_plan(classes))?;
        let (latent_dim, size) = (config.generator.latent_dim, config.image_size);
        Ok((Self { latent_dim, size, network }, store))
    }

    /// `z (B, latent_dim)` and `labels (B)` u32 to images, of the size of the pass's stage.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, z: &Value, labels: &Tensor) -> Result<Value> {
        let (batch, latent) = z.tensor().dims2()?;
        if latent != self.latent_dim || labels.dims() != [batch] {
            bail!(
                "generator: noise {:?} and labels {:?}, wanted ({batch}, {}) and ({batch})",
                z.dims(),
                labels.dims(),
                self.latent_dim
            );
        }
        let stage = pass.stage();
        let Some(images) = self.network.plan().images(stage) else {
            bail!("generator: there is no stage of {:?} px", stage.resolution)
        };
        let given = NetworkInputs { latent: Some(z), labels: Some(labels), ..NetworkInputs::default() };
        Ok(self.network.run(pass, given, &[images])?.swap_remove(0))
    }

    /// Replaces all running statistics by the means of those of batches of noise and labels, each normalised by its own, and
    /// moves nothing else.
    ///
    /// # Errors
    /// Those of [`Generator::forward`].
    pub fn update_batch_norm(
        &self,
        stage: Stage,
        store: &mut ParameterStore,
        batches: &[(Tensor, Tensor)],
    ) -> Result<()> {
        for entry in store.entries_mut().iter_mut().filter(|entry| entry.name.ends_with(COUNTER)) {
            entry.tensor = entry.tensor.zeros_like()?;
        }
        for (index, (z, labels)) in batches.iter().enumerate() {
            let mut pass = Pass::new(store, Mode::Train, false).at(stage).averaging(index + 1);
            self.forward(&mut pass, &Value::constant(z.clone()), labels)?;
        }
        Ok(())
    }

    /// Images in evaluation mode, as they are at `stage` but enlarged to full size: `(B, size, size, channels)` in [-1, 1].
    ///
    /// # Errors
    /// Those of [`Generator::forward`].
    pub fn evaluate(&self, stage: Stage, store: &mut ParameterStore, z: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let mut pass = Pass::new(store, Mode::Evaluate, false).at(stage);
        let images = self.forward(&mut pass, &Value::constant(z.clone()), labels)?;
        match self.size / images.dims()[1].max(1) {
            0 | 1 => Ok(images.tensor().clone()),
            times => Ok(images.upsample(times)?.tensor().clone()),
        }
    }

    /// What [`Generator::evaluate`] gives, `chunk` at a time, as `(B, size, size, channels)` u8: each number's [`byte`].
    ///
    /// # Errors
    /// Those of [`Generator::forward`].
    pub fn images(
        &self,
        stage: Stage,
        store: &mut ParameterStore,
        z: &Tensor,
        labels: &Tensor,
        chunk: usize,
    ) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for start in (0..z.dim(0)?).step_by(chunk.max(1)) {
            let count = chunk.max(1).min(z.dim(0)? - start);
            let z = z.narrow(0, start, count)?.contiguous()?;
            let images = self.evaluate(stage, store, &z, &labels.narrow(0, start, count)?.contiguous()?)?;
            let numbers = images.flatten_all()?.to_vec1::<f32>()?;
            out.extend(numbers.into_iter().map(byte));
        }
        Ok(out)
    }
}

/// A number of an image in [-1, 1] as a byte: `clamp(127.5 x + 128, 0, 255)` without its fraction, as generated images are
/// quantised everywhere that Frechet distances are compared.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
pub fn byte(x: f32) -> u8 {
    (127.5 * x + 128.0).clamp(0.0, 255.0) as u8
}
