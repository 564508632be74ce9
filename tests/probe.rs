//! The time of a step is measured beside everything else: it ends, it can be cancelled, it refuses what would not fit, and
//! no run notices it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::path::Path;
use std::sync::Arc;

use gandle::config::{Config, Preset};
use gandle::engine::{Engine, Job, RunRequest};
use gandle::event::{Event, JobEvent, Scalar};

fn probe(config: &Config) -> JobEvent {
    Job::probe(config.clone(), 6, Arc::new(|| {})).wait_events().last().unwrap()
}

fn small(more: &[&str]) -> Config {
    small::config(Preset::Improved, more)
}

#[test]
fn a_step_is_measured_whatever_the_set_up() {
    let sets: [&[&str]; 7] = [
        &[],
        &["loss.r1=1", "loss.r1_every=16", "loss.class_weights=inverse-frequency", "data.balance=false"],
        &["optimizer.discriminator_steps=100", "optimizer.accumulation=100", "loss.kind=wasserstein-gp"],
        &["growing.start=8", "transition.to=1000"],
        &["train.batch_size=1", "discriminator.minibatch_stddev=true"],
        &["optimizer.reuse_fakes=true"],
        &["optimizer.reuse_fakes=true", "optimizer.discriminator_steps=2", "optimizer.accumulation=2"],
    ];
    for set in sets {
        let JobEvent::Probed(pace) = probe(&small(set)) else { panic!("{set:?}: {:?}", probe(&small(set))) };
        assert!(pace.seconds > 0.0 && pace.seconds.is_finite() && pace.timed > 0, "{set:?}: {pace:?}");
        assert!(pace.images >= 1, "{set:?}: {pace:?}");
    }
    for preset in Preset::ALL {
        let told = probe(&small::config(preset, &[]));
        assert!(matches!(told, JobEvent::Probed(_)), "{}: {told:?}", preset.name());
    }
}

#[test]
fn what_is_too_large_is_refused_with_the_reason_before_it_is_built() {
    let mut config = Config { image_size: 512, ..Config::default() };
    (config.generator.base_channels, config.discriminator.base_channels) = (128, 128);
    config.train.batch_size = 256;
    (config.generator.attention, config.discriminator.attention) = (Vec::new(), Vec::new());
    let JobEvent::Failed { message } = probe(&config) else { panic!("not refused") };
    assert!(message.contains("GB"), "{message}");
    let JobEvent::Failed { message } = probe(&small(&["train.device=\"cuda:99\""])) else { panic!("not refused") };
    assert!(message.contains("train.device"), "{message}");
    let JobEvent::Failed { message } = probe(&small(&["image_size=48"])) else { panic!("not refused") };
    assert!(message.contains("cannot run"), "{message}");
}

#[test]
fn a_cancelled_one_ends_between_two_batches() {
    let job = Job::probe(small(&[]), 6, Arc::new(|| {}));
    job.cancel();
    assert_eq!(job.wait_events().last(), Some(JobEvent::Cancelled));
}

#[test]
fn a_run_does_not_notice_it() {
    let root = tempfile::tempdir().unwrap();
    let config = small(&["train.steps=6", "train.checkpoint_every=0", "score.every=0"]);
    let run = |folder: &Path| -> Vec<[u32; 2]> {
        let engine = Engine::spawn(RunRequest::new(config.clone(), folder.to_owned()), Arc::new(|| {})).unwrap();
        let losses = |event| {
            let Event::Step(step) = event else { return None };
            Some([Scalar::LossD, Scalar::LossG].map(|loss| step.numbers[loss].to_bits()))
        };
        engine.wait_events().filter_map(losses).collect()
    };
    let alone = run(&root.path().join("alone"));
    assert_eq!(alone.len(), 6);
    let beside = Job::probe(config.clone(), 6, Arc::new(|| {}));
    assert_eq!(run(&root.path().join("beside")), alone);
    assert!(matches!(beside.wait_events().last(), Some(JobEvent::Probed(_))));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2, "the measurement left something");
}
