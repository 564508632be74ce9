//! `gandle bench`: times the training step as the PyTorch reference is timed. Batches are made before, two steps go by
//! untimed, and the median counts.

use std::time::Instant;

use anyhow::Context as _;
use candle_core::Device;
use clap::Args;
use serde::Serialize;

use super::print::{json, note, say};
use super::settings::Settings;
use super::usage::Usage;
use crate::config::{Config, has_errors};
use crate::engine::device;
use crate::guard::Digits;
use crate::train::{SyntheticFeed, Trainer};

#[derive(Serialize)]
struct Report {
    step_ms: f64,
    images_per_s: f64,
    /// Nothing where the system does not tell.
    peak_memory_mb: Option<f64>,
    threads: usize,
    config: Config,
}

#[derive(Args)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    settings: Settings,
    /// Images per batch.
    #[arg(long)]
    batch: Option<usize>,
    /// Steps that are timed, after two untimed warm-up steps.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    /// Classes of the made-up data.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    classes: u32,
    /// CPU threads; 0 takes all cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
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
    problems.iter().for_each(|problem| note!("{problem}"));
    let threads = device::threads(config.train.threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (device, _) = device::open(&config.train.device)?;
    let step_ms = pool.install(|| median_step(&config, args, &device))?;
    let images_per_s = config.images_per_step() as f64 / step_ms * 1e3;
    let report = Report { step_ms, images_per_s, peak_memory_mb: peak_memory_mb(), threads, config };
    if args.json {
        return json(&report);
    }
    say!("{step_ms:.1} ms per step, {images_per_s:.1} images per second, {}", Digits::Plain.count(threads, "thread"));
    if let Some(memory) = report.peak_memory_mb {
        say!("{memory:.0} MB at the peak");
    }
    Ok(())
}

fn median_step(config: &Config, args: &BenchArgs, device: &Device) -> anyhow::Result<f64> {
    let mut trainer = Trainer::new(config, args.classes as usize, device)?;
    trainer.weigh_classes(&vec![1; args.classes as usize])?;
    let mut feed = SyntheticFeed::new(config, args.classes, device)?;
    let mut times = Vec::new();
    for _ in 0..args.steps + 2 {
        feed.rewind();
        let start = Instant::now();
        trainer.step(&mut feed, 1.0)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut timed = times.split_off(2);
    timed.sort_by(f64::total_cmp);
    timed.get(timed.len() / 2).copied().context("no step was timed")
}

/// The most memory that this process has had, where the system tells (Linux).
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
