//! `gandle bench`: times the training step as the PyTorch reference is timed. Batches are made before, two steps go by
//! untimed, and the median counts.

use std::time::Instant;

use anyhow::Context as _;
use candle_core::{Device, Tensor};
use rand::Rng as _;
use serde::Serialize;

use super::{BenchArgs, Usage, print_json, say};
use crate::config::chance::{ChaCha8Rng, Purpose, stream};
use crate::config::{Config, has_errors};
use crate::engine::device;
use crate::train::{DiscriminatorBatch, Feed, GeneratorBatch, Trainer};

#[derive(Serialize)]
struct Report {
    step_ms: f64,
    images_per_s: f64,
    /// Nothing where the system does not tell.
    peak_memory_mb: Option<f64>,
    threads: usize,
    config: Config,
}

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let mut config = args.settings.resolve()?;
    config.train.batch_size = args.batch.unwrap_or(config.train.batch_size);
    config.train.threads = args.threads.unwrap_or(config.train.threads);
    let problems = config.check(Some(args.classes as usize));
    if has_errors(&problems) {
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(Usage(list.join("\n")).into());
    }
    let threads = device::threads(config.train.threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (device, _) = device::open(&config.train.device)?;
    let step_ms = pool.install(|| median_step(&config, args, &device))?;
    let images_per_s = config.images_per_step() as f64 / step_ms * 1e3;
    let report = Report { step_ms, images_per_s, peak_memory_mb: peak_memory_mb(), threads, config };
    if args.json {
        return print_json(&report);
    }
    say!("{step_ms:.1} ms a step, {images_per_s:.1} images a second, {threads} threads");
    if let Some(memory) = report.peak_memory_mb {
        say!("{memory:.0} MB at the peak");
    }
    Ok(())
}

fn median_step(config: &Config, args: &BenchArgs, device: &Device) -> anyhow::Result<f64> {
    let mut trainer = Trainer::new(config, args.classes as usize, device)?;
    trainer.weigh_classes(&vec![1; args.classes as usize])?;
    let mut feed = Made::new(config, args.classes, device)?;
    let mut times = Vec::new();
    for _ in 0..args.steps.max(1) + 2 {
        feed.taken = (0, 0);
        let start = Instant::now();
        trainer.step(&mut feed, 1.0)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut timed = times.split_off(2);
    timed.sort_by(f64::total_cmp);
    timed.get(timed.len() / 2).copied().context("no step was timed")
}

/// Batches of made-up numbers, made before anything is timed and handed out again for every step.
struct Made {
    batches: Vec<[Tensor; 4]>,
    taken: (usize, usize),
}

impl Made {
    fn new(config: &Config, classes: u32, device: &Device) -> anyhow::Result<Self> {
        let mut rng = stream(0, Purpose::Demo, 0);
        let count = config.optimizer.discriminator_steps * config.optimizer.accumulation;
        let batches = (0..count).map(|_| Self::batch(&mut rng, config, classes, device));
        Ok(Self { batches: batches.collect::<anyhow::Result<_>>()?, taken: (0, 0) })
    }

    fn batch(rng: &mut ChaCha8Rng, config: &Config, classes: u32, device: &Device) -> anyhow::Result<[Tensor; 4]> {
        let (batch, size) = (config.train.batch_size, config.image_size);
        let mut uniform =
            |count: usize, low: f32| -> Vec<f32> { (0..count).map(|_| rng.random_range(low..1.0)).collect() };
        let real = Tensor::from_vec(
            uniform(batch * size * size * config.channels, -1.0),
            (batch, size, size, config.channels),
            device,
        )?;
        let z = Tensor::from_vec(
            uniform(batch * config.generator.latent_dim, -1.0),
            (batch, config.generator.latent_dim),
            device,
        )?;
        let alpha = Tensor::from_vec(uniform(batch, 0.0), (batch, 1, 1, 1), device)?;
        let labels: Vec<u32> = (0..batch).map(|_| rng.random_range(0..classes)).collect();
        Ok([real, Tensor::from_vec(labels, batch, device)?, z, alpha])
    }
}

impl Feed for Made {
    fn discriminator(&mut self) -> anyhow::Result<DiscriminatorBatch> {
        let [real, labels, z, alpha] = self.batches[self.taken.0].clone();
        self.taken.0 += 1;
        Ok(DiscriminatorBatch { real, labels, z, alpha })
    }

    fn generator(&mut self) -> anyhow::Result<GeneratorBatch> {
        let [_, labels, z, _] = self.batches[self.taken.1].clone();
        self.taken.1 += 1;
        Ok(GeneratorBatch { z, labels })
    }
}

/// The most memory that this process has had, where the system tells (Linux).
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
