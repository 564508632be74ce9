//! Trains a small run from a program and prints what it tells.
//!
//! ```console
//! $ cargo run --release --example train -- FOLDER
//! ```
//!
//! FOLDER will be the session, which `gandle FOLDER` opens and `gandle resume FOLDER` continues.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use gandle::config::{Preset, has_errors};
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Event, Scalar};

// Training is a tenth slower on an allocator that hands freed memory back at once.
#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

fn main() -> anyhow::Result<()> {
    let session = std::env::args_os().nth(1).map(PathBuf::from).context("name a folder for the session")?;
    // The keys are those of `run.toml` and of `--set`.
    let settings = ["data.source=demo", "train.steps=200", "score.every=100", "score.images=120"];
    let config = Preset::Quick.config_at(32).with(&settings)?;
    let problems = config.check(None);
    for problem in &problems {
        println!("{}: {}", problem.key, problem.message);
    }
    if has_errors(&problems) {
        bail!("nothing is trained with these settings");
    }

    // The run has a thread of its own. What it calls when there is news would wake a window; here nobody sleeps.
    let engine = Engine::spawn(RunRequest::new(config, session), Arc::new(|| {}))?;
    for event in engine.wait_events() {
        if let Event::Step(step) = &event
            && step.step.is_multiple_of(20)
        {
            let [d, g] = [Scalar::LossD, Scalar::LossG].map(|number| step.numbers[number]);
            println!("step {:4}  D {d:.3}  G {g:.3}", step.step);
        } else if let Event::Score(score) = &event
            && score.class.is_none()
        {
            println!("step {:4}  {} {:.2} ({})", score.step, score.metric, score.value, score.judge());
        } else if let Event::Failed { message, .. } = event {
            bail!(message);
        }
    }
    println!("{} holds the run", engine.session().display());
    Ok(())
}
