//! Everything of a trainer that a resume needs, as named files of tensors; what is beside it (counters, the loader's
//! position) is the engine's.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use candle_core::{Device, Tensor};

use super::adam::Moments;
use super::augment::Adaptive;
use super::gap_scheduler::GapScheduler;
use super::lecam::LeCam;
use super::{Adam, Trainer};
use crate::config::Config;
use crate::model::{Entry, ParameterStore};

/// A file of a checkpoint: its name and its bytes.
pub type File = (&'static str, Vec<u8>);

pub(super) const GENERATOR: &str = "generator.safetensors";
pub(super) const DISCRIMINATOR: &str = "discriminator.safetensors";
/// The averaged generator, which grids, scores and exports use.
pub const EMA: &str = "ema.safetensors";
pub(super) const GENERATOR_OPTIMIZER: &str = "generator_optimizer.safetensors";
pub(super) const DISCRIMINATOR_OPTIMIZER: &str = "discriminator_optimizer.safetensors";

/// The moving averages of the LeCam regularisation: `real` and `fake`, one f64 a scale.
const LECAM: &str = "lecam.safetensors";

/// The adaptive probability of changes (f64), and the signs (f64), logits and images (i64) seen since it moved, one number
/// each.
const AUGMENT: &str = "augment.safetensors";

/// The moving average of the discriminator's adversarial loss, one f64.
const GAP: &str = "gap.safetensors";

/// Every file of a trainer's checkpoint, to which `loss.lecam` adds `lecam.safetensors`, `augment.adaptive`
/// `augment.safetensors`, and `optimizer.gap` `gap.safetensors`.
pub const FILES: [&str; 5] = [GENERATOR, DISCRIMINATOR, EMA, GENERATOR_OPTIMIZER, DISCRIMINATOR_OPTIMIZER];

impl Trainer {
    /// Every tensor of the trainer, under the names of the PyTorch reference.
    ///
    /// # Errors
    /// Where a device cannot be read.
    pub fn to_files(&self) -> anyhow::Result<Vec<File>> {
        self.to_files_with(&self.ema)
    }

    /// The same with an averaged generator that has the statistics of its own weights. Training replaces them at its next step
    /// and never reads them, so that a run goes on alike from either.
    ///
    /// # Errors
    /// Where a device cannot be read.
    pub fn to_files_with(&self, average: &ParameterStore) -> anyhow::Result<Vec<File>> {
        let mut files = vec![
            (GENERATOR, store_bytes(&self.generator_store)?),
            (DISCRIMINATOR, store_bytes(&self.discriminator_store)?),
            (EMA, store_bytes(average)?),
            (GENERATOR_OPTIMIZER, moment_bytes(&self.generator_optimizer)?),
            (DISCRIMINATOR_OPTIMIZER, moment_bytes(&self.discriminator_optimizer)?),
        ];
        if self.config.loss.lecam > 0.0 {
            files.push((LECAM, lecam_bytes(&self.lecam)?));
        }
        if self.config.augment.adaptive {
            files.push((AUGMENT, adaptive_bytes(&self.adaptive)?));
        }
        if self.config.optimizer.gap > 0.0 {
            files.push((GAP, gap_bytes(self.gap)?));
        }
        Ok(files)
    }

    /// The trainer as it would go on from a checkpoint of this moment with other settings, for data with so many
    /// `images` a class. The state of what these settings switch on starts anew.
    ///
    /// # Errors
    /// Where the settings are of other networks, and those of candle.
    pub fn with_settings(&self, config: &Config, images: &[usize], device: &Device) -> anyhow::Result<Self> {
        let mut other = Self::new(config, images.len(), device)?;
        other.weigh_classes(images)?;
        let files: Vec<File> = self.to_files()?.into_iter().chain(other.to_files()?).collect();
        other.load_files(|name| {
            let file = files.iter().find(|(file, _)| *file == name);
            Ok(file.with_context(|| format!("no state called {name}"))?.1.clone())
        })?;
        Ok(other)
    }

    /// Takes over every tensor of a checkpoint of the same configuration.
    ///
    /// # Errors
    /// Where a file cannot be read or does not fit the architecture; the trainer must not be used then.
    pub fn load_files(&mut self, read: impl Fn(&str) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
        for (name, store) in [
            (GENERATOR, &mut self.generator_store),
            (DISCRIMINATOR, &mut self.discriminator_store),
            (EMA, &mut self.ema),
        ] {
            load_store(store, &read(name)?).with_context(|| format!("checkpoint file {name}"))?;
        }
        for (name, optimizer) in [
            (GENERATOR_OPTIMIZER, &mut self.generator_optimizer),
            (DISCRIMINATOR_OPTIMIZER, &mut self.discriminator_optimizer),
        ] {
            load_moments(optimizer, &read(name)?).with_context(|| format!("checkpoint file {name}"))?;
        }
        self.load_remembered(read)
    }

    /// Takes over what is remembered beside the networks and their optimisers.
    pub(super) fn load_remembered(&mut self, read: impl Fn(&str) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
        if self.config.loss.lecam > 0.0 {
            self.lecam = parse_lecam(&read(LECAM)?).with_context(|| format!("checkpoint file {LECAM}"))?;
        }
        if self.config.augment.adaptive {
            self.adaptive = parse_adaptive(&read(AUGMENT)?).with_context(|| format!("checkpoint file {AUGMENT}"))?;
        }
        if self.config.optimizer.gap > 0.0 {
            self.gap = parse_gap(&read(GAP)?).with_context(|| format!("checkpoint file {GAP}"))?;
        }
        Ok(())
    }
}

/// Replaces a store's numbers by those of a checkpoint file.
///
/// # Errors
/// Where the bytes are no safetensors file or do not fit the architecture.
pub fn load_store(store: &mut ParameterStore, bytes: &[u8]) -> anyhow::Result<()> {
    let mut tensors = parse(bytes)?;
    Ok(store.load(|name| tensors.remove(name))?)
}

pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<HashMap<String, Tensor>> {
    candle_core::safetensors::load_buffer(bytes, &Device::Cpu).context("not a whole safetensors file")
}

fn bytes(tensors: &BTreeMap<String, Tensor>) -> anyhow::Result<Vec<u8>> {
    let on_cpu = tensors.iter().map(|(name, tensor)| Ok((name.as_str(), tensor.to_device(&Device::Cpu)?)));
    Ok(safetensors::serialize(on_cpu.collect::<anyhow::Result<Vec<_>>>()?, None)?)
}

fn store_bytes(store: &ParameterStore) -> anyhow::Result<Vec<u8>> {
    let entries = store.entries().iter().map(|entry| Ok((entry.name.clone(), entry.to_file()?)));
    bytes(&entries.collect::<anyhow::Result<_>>()?)
}

pub(super) const STEPS: &str = "steps";
/// Before the name of an entry: its updates, where they are fewer than the optimiser's. Files without it count all alike.
pub(super) const OWN_STEPS: &str = "steps/";

pub(super) fn moment_name(entry: &Entry, order: &str) -> String {
    format!("{order}/{}", entry.name)
}

fn moment_bytes(optimizer: &Adam) -> anyhow::Result<Vec<u8>> {
    let steps = i64::try_from(optimizer.steps())?;
    let mut tensors = BTreeMap::from([(STEPS.to_owned(), Tensor::new(steps, &Device::Cpu)?)]);
    for moments in optimizer.moments() {
        tensors.insert(moment_name(&moments.first, "first"), moments.first.to_file()?);
        tensors.insert(moment_name(&moments.second, "second"), moments.second.to_file()?);
        if moments.steps != optimizer.steps() {
            let own = Tensor::new(i64::try_from(moments.steps)?, &Device::Cpu)?;
            tensors.insert(format!("{OWN_STEPS}{}", moments.first.name), own);
        }
    }
    bytes(&tensors)
}

fn load_moments(optimizer: &mut Adam, bytes: &[u8]) -> anyhow::Result<()> {
    let mut tensors = parse(bytes)?;
    let steps = tensors.remove(STEPS).context("`steps` is missing")?.to_scalar::<i64>()?;
    optimizer.set_steps(u64::try_from(steps).context("`steps` is negative")?);
    let all = optimizer.steps();
    for Moments { first, second, steps, .. } in optimizer.moments_mut() {
        let own = tensors.remove(&format!("{OWN_STEPS}{}", first.name));
        *steps = match own {
            Some(own) => u64::try_from(own.to_scalar::<i64>()?)
                .with_context(|| format!("`{OWN_STEPS}{}` is negative", first.name))?,
            None => all,
        };
        for (entry, order) in [(first, "first"), (second, "second")] {
            let name = moment_name(entry, order);
            entry.set_from_file(&tensors.remove(&name).with_context(|| format!("`{name}` is missing"))?)?;
        }
    }
    Ok(())
}

fn lecam_bytes(lecam: &LeCam) -> anyhow::Result<Vec<u8>> {
    let tensor = |averages: &[f64]| Tensor::from_slice(averages, averages.len(), &Device::Cpu);
    bytes(&BTreeMap::from([("real".to_owned(), tensor(&lecam.real)?), ("fake".to_owned(), tensor(&lecam.fake)?)]))
}

fn parse_lecam(bytes: &[u8]) -> anyhow::Result<LeCam> {
    let mut tensors = parse(bytes)?;
    let mut averages = |name: &str| -> anyhow::Result<Vec<f64>> {
        Ok(tensors.remove(name).with_context(|| format!("`{name}` is missing"))?.to_vec1()?)
    };
    Ok(LeCam { real: averages("real")?, fake: averages("fake")? })
}

fn gap_bytes(gap: GapScheduler) -> anyhow::Result<Vec<u8>> {
    bytes(&BTreeMap::from([("loss".to_owned(), Tensor::new(&[gap.loss], &Device::Cpu)?)]))
}

fn parse_gap(bytes: &[u8]) -> anyhow::Result<GapScheduler> {
    match parse(bytes)?.remove("loss").context("`loss` is missing")?.to_vec1()?[..] {
        [loss] => Ok(GapScheduler { loss }),
        _ => anyhow::bail!("`loss` is not one number"),
    }
}

fn adaptive_bytes(adaptive: &Adaptive) -> anyhow::Result<Vec<u8>> {
    let real = |number: f64| Tensor::new(&[number], &Device::Cpu);
    let count = |number: u64| anyhow::Ok(Tensor::new(&[i64::try_from(number)?], &Device::Cpu)?);
    bytes(&BTreeMap::from([
        ("probability".to_owned(), real(adaptive.probability)?),
        ("signs".to_owned(), real(adaptive.signs)?),
        ("logits".to_owned(), count(adaptive.logits)?),
        ("images".to_owned(), count(adaptive.images)?),
    ]))
}

fn parse_adaptive(bytes: &[u8]) -> anyhow::Result<Adaptive> {
    let tensors = parse(bytes)?;
    let tensor = |name: &str| tensors.get(name).with_context(|| format!("`{name}` is missing"));
    let real = |name: &str| -> anyhow::Result<f64> { Ok(tensor(name)?.reshape(())?.to_scalar()?) };
    let count = |name: &str| -> anyhow::Result<u64> {
        let number: i64 = tensor(name)?.reshape(())?.to_scalar()?;
        u64::try_from(number).with_context(|| format!("`{name}` is negative"))
    };
    let probability = real("probability")?;
    if !(0.0..=1.0).contains(&probability) {
        anyhow::bail!("a `probability` of {probability}");
    }
    Ok(Adaptive { probability, signs: real("signs")?, logits: count("logits")?, images: count("images")? })
}
