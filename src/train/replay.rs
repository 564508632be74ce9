//! Replays recorded training traces and measures the distance from what they recorded.
//!
//! A trace holds start weights, every random number and batch of a few steps of another implementation, and what came out.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use candle_core::{DType, Device, Tensor};
use serde::Serialize;

use super::feed::{DiscriminatorBatch, Feed, GeneratorBatch};
use super::trainer::Trainer;
use crate::config::{Config, has_errors};
use crate::event::Scalar;
use crate::model::ParameterStore;

/// How far a replay landed from its trace. Losses: the largest `|got - want| / max(|want|, 0.1)`. Networks and images: the
/// norm of the difference over the norm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The trace's file name.
    pub trace: String,
    /// Both losses of every step.
    pub losses: f64,
    /// The generator after the last step.
    pub generator: f64,
    /// The discriminator after the last step.
    pub discriminator: f64,
    /// The averaged generator after the last step.
    pub ema: f64,
    /// Images of the generator in evaluation mode.
    pub generator_images: f64,
    /// Images of the averaged generator in evaluation mode.
    pub ema_images: f64,
    /// Losses within 3e-4 and the rest within 1e-4.
    pub ok: bool,
}

struct Trace {
    config: Config,
    classes: usize,
    steps: usize,
    tensors: HashMap<String, Tensor>,
}

impl Trace {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path)?;
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).context("not a safetensors file")?;
        let metadata = metadata.metadata().clone().unwrap_or_default();
        let text = |key: &str| metadata.get(key).with_context(|| format!("no `{key}` in its metadata: not a trace"));
        let mut table: serde_json::Value = serde_json::from_str(text("config")?).context("its `config` is not JSON")?;
        let classes = table.as_object_mut().and_then(|table| table.remove("classes"));
        let classes = classes.and_then(|classes| classes.as_u64()).context("its `config` has no `classes`")?;
        let config: Config = serde_json::from_value(table).context("its `config` is not a configuration")?;
        let steps: usize = text("steps")?.parse().context("its `steps` is not a number")?;
        let classes = usize::try_from(classes)?;
        if steps == 0 {
            bail!("it records no step");
        }
        let problems = config.check(Some(classes));
        if has_errors(&problems) {
            bail!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        let cost = config.cost(classes);
        if bytes.len() / 4 < cost.generator_parameters + cost.discriminator_parameters {
            bail!("it is too short for the networks of its `config`");
        }
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
        Ok(Self { config, classes, steps, tensors })
    }

    fn tensor(&self, name: &str) -> anyhow::Result<Tensor> {
        self.tensors.get(name).cloned().with_context(|| format!("tensor `{name}` is missing"))
    }

    fn labels(&self, name: &str) -> anyhow::Result<Tensor> {
        Ok(self.tensor(name)?.to_dtype(DType::U32)?)
    }
}

/// Hands out one step's recorded batches.
struct Recorded<'a> {
    trace: &'a Trace,
    step: usize,
    taken_d: usize,
    taken_g: usize,
}

impl Feed for Recorded<'_> {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let accumulation = self.trace.config.optimizer.accumulation;
        let at = format!("step{}/d{}/m{}", self.step, self.taken_d / accumulation, self.taken_d % accumulation);
        self.taken_d += 1;
        Ok(DiscriminatorBatch {
            real: self.trace.tensor(&format!("{at}/real"))?.permute((0, 2, 3, 1))?.contiguous()?,
            labels: self.trace.labels(&format!("{at}/labels"))?,
            z: self.trace.tensor(&format!("{at}/z"))?,
            alpha: self.trace.tensor(&format!("{at}/alpha"))?,
        })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let at = format!("step{}/g/m{}", self.step, self.taken_g);
        self.taken_g += 1;
        Ok(GeneratorBatch {
            z: self.trace.tensor(&format!("{at}/z"))?,
            labels: self.trace.labels(&format!("{at}/labels"))?,
            real: None,
        })
    }
}

/// Replays one trace.
///
/// # Errors
/// Where the file is no trace, or asks for what is not built.
pub fn replay(path: &Path) -> anyhow::Result<Report> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    run(path, &name).with_context(|| format!("replay of {}", path.display()))
}

fn run(path: &Path, name: &str) -> anyhow::Result<Report> {
    let trace = Trace::read(path)?;
    let mut trainer = Trainer::new(&trace.config, trace.classes, &Device::Cpu)?;
    for (store, prefix) in [
        (&mut trainer.generator_store, "start/generator"),
        (&mut trainer.ema, "start/generator"),
        (&mut trainer.discriminator_store, "start/discriminator"),
    ] {
        store.load(|name| trace.tensors.get(&format!("{prefix}/{name}")).cloned())?;
    }
    let mut losses = 0.0f64;
    for step in 0..trace.steps {
        let mut feed = Recorded { trace: &trace, step, taken_d: 0, taken_g: 0 };
        let got = trainer.step(&mut feed, 1.0)?;
        for number in [Scalar::LossD, Scalar::LossG] {
            let got = got[number];
            let want = f64::from(trace.tensor(&format!("step{step}/{}", number.info().key))?.to_scalar::<f32>()?);
            let distance = (f64::from(got) - want).abs() / want.abs().max(0.1);
            // `max` would forget a distance that is no number.
            losses = if distance <= losses { losses } else { distance };
        }
    }
    let network = |store: &ParameterStore, name: &str| distance(store, &trace, &format!("final/{name}"));
    let mut report = Report {
        trace: name.to_owned(),
        losses,
        generator: network(trainer.generator(), "generator")?,
        discriminator: network(trainer.discriminator(), "discriminator")?,
        ema: network(trainer.ema(), "ema")?,
        generator_images: images(&trainer, trainer.generator(), &trace, "generator")?,
        ema_images: images(&trainer, trainer.ema(), &trace, "ema")?,
        ok: false,
    };
    let rest = [report.generator, report.discriminator, report.ema, report.generator_images, report.ema_images];
    report.ok = report.losses <= 3e-4 && rest.iter().all(|distance| *distance <= 1e-4);
    Ok(report)
}

fn distance(store: &ParameterStore, trace: &Trace, prefix: &str) -> anyhow::Result<f64> {
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for entry in store.entries() {
        got.extend(numbers(&entry.to_file()?)?);
        want.extend(numbers(&trace.tensor(&format!("{prefix}/{}", entry.name))?)?);
    }
    relative(&got, &want).with_context(|| format!("`{prefix}`"))
}

/// The norm of the difference over the norm.
fn relative(got: &[f64], want: &[f64]) -> anyhow::Result<f64> {
    if got.len() != want.len() {
        bail!("it has {} numbers where {} are wanted", want.len(), got.len());
    }
    let difference: f64 = got.iter().zip(want).map(|(got, want)| (got - want).powi(2)).sum();
    let norm: f64 = want.iter().map(|want| want.powi(2)).sum();
    Ok(difference.sqrt() / norm.sqrt().max(1e-12))
}

fn images(trainer: &Trainer, store: &ParameterStore, trace: &Trace, name: &str) -> anyhow::Result<f64> {
    let (z, labels) = (trace.tensor("check/z")?, trace.labels("check/labels")?);
    let got = numbers(&trainer.evaluate(store, &z, &labels)?.permute((0, 3, 1, 2))?.contiguous()?)?;
    let want = numbers(&trace.tensor(&format!("check/{name}"))?)?;
    relative(&got, &want).with_context(|| format!("`check/{name}`"))
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_or_no_number_is_never_near() {
        assert!(relative(&[1.0, 2.0], &[1.0]).is_err());
        assert!(relative(&[f64::NAN], &[1.0]).unwrap().is_nan());
        assert_eq!(relative(&[3.0, 4.0], &[3.0, 0.0]).unwrap(), 4.0 / 3.0);
    }
}
