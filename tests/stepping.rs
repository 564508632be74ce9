//! A run that is watched step by step: the same steps as ever, with what the window shows of them.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on fails")]

#[path = "common/folder.rs"]
mod folder;
#[path = "common/small.rs"]
mod small;

use folder::copy;
use std::path::Path;
use std::sync::Arc;

use gandle::config::{Change, Config, Preset, Updates};
use gandle::engine::{Engine, RunRequest};
use gandle::event::{Command, Event, Grid, REAL_IMAGES, Scalar, Step};
use gandle::session::read_grid;

fn config(loss: &str) -> Config {
    let loss = format!("loss.kind={loss}");
    small::config(
        Preset::Improved,
        &[
            "train.steps=12",
            "train.grid_every=5",
            "train.grid_columns=3",
            "train.checkpoint_every=0",
            "score.every=0",
            &loss,
        ],
    )
}

fn start(config: &Config, folder: &Path) -> Engine {
    Engine::spawn(RunRequest::new(config.clone(), folder.to_owned()), Arc::new(|| {})).unwrap()
}

fn steps(events: &[Event]) -> Vec<Step> {
    let step = |event: &Event| if let Event::Step(step) = event { Some(*step) } else { None };
    events.iter().filter_map(step).collect()
}

#[test]
fn steps_that_are_taken_one_by_one_are_those_of_a_run_that_was_never_paused() {
    let root = tempfile::tempdir().unwrap();
    let config = config("hinge");
    let (whole, single) = (root.path().join("whole"), root.path().join("single"));
    start(&config, &whole).wait_events().for_each(drop);

    let engine = start(&config, &single);
    engine.send(Command::Pause);
    let (mut seen, mut taken) = (Vec::new(), 0);
    for event in engine.wait_events() {
        match &event {
            Event::Paused { .. } => engine.send(Command::Step),
            Event::Step(_) if taken < 5 => {
                taken += 1;
                engine.send(if taken < 5 { Command::Step } else { Command::Resume });
            }
            _ => {}
        }
        seen.push(event);
    }
    assert_eq!(seen.last(), Some(&Event::Finished { step: 12 }));
    // One pause, however many single steps.
    let resumed = seen.iter().position(|event| matches!(event, Event::Resumed { .. })).unwrap();
    assert_eq!(steps(&seen[..resumed]).len(), 5);
    assert_eq!(seen.iter().filter(|event| matches!(event, Event::Paused { .. })).count(), 1);
    for file in ["generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer"] {
        let read = |run: &Path| std::fs::read(run.join(format!("checkpoints/0000012/{file}.safetensors"))).unwrap();
        assert!(read(&whole) == read(&single), "{file}");
    }
}

/// A run whose steps from one on train the network that `plan` names there, by (step, network).
fn watched(config: &Config, folder: &Path, plan: &[(usize, &str)], kept: usize) {
    let engine = start(config, folder);
    engine.send(Command::Pause);
    let mut done = 0;
    let ask = |done: usize| {
        if done == kept {
            engine.send(Command::Checkpoint);
        }
        if let Some((_, to)) = plan.iter().find(|(step, _)| *step == done) {
            let change = Change { key: "optimizer.updates".to_owned(), from: String::new(), to: (*to).to_owned() };
            engine.send(Command::Edit(vec![change]));
        }
        let last = plan.iter().all(|(step, _)| *step <= done);
        engine.send(if last { Command::Resume } else { Command::Step });
    };
    for event in engine.wait_events() {
        match &event {
            Event::Paused { .. } => ask(done),
            Event::Step(step) => {
                done = step.step;
                if plan.iter().any(|(step, _)| *step >= done) {
                    ask(done);
                }
            }
            _ => {}
        }
    }
}

/// The files of a checkpoint.
fn files(run: &Path, step: usize) -> Vec<(&'static str, Vec<u8>)> {
    let read = |file: &'static str| {
        (file, std::fs::read(run.join(format!("checkpoints/{step:07}/{file}.safetensors"))).unwrap())
    };
    ["generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer"].map(read).into()
}

/// Whether every number of a network that is learnt has the same bits in two checkpoints.
fn stood_still(run: &Path, file: &str, steps: [usize; 2]) -> bool {
    let [before, after] = steps.map(|step| {
        let bytes = std::fs::read(run.join(format!("checkpoints/{step:07}/{file}.safetensors"))).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let learnt = tensors.tensors().into_iter().filter(|(name, _)| {
            !["running_mean", "running_var", "num_batches_tracked", ".u", ".v"].iter().any(|end| name.ends_with(end))
        });
        let mut learnt: Vec<(String, Vec<u8>)> = learnt.map(|(name, view)| (name, view.data().to_vec())).collect();
        learnt.sort();
        learnt
    });
    assert!(!before.is_empty());
    before == after
}

#[test]
fn one_network_learns_alone_and_is_taken_up_again_alike() {
    let root = tempfile::tempdir().unwrap();
    let mut config = config("hinge");
    (config.loss.r1, config.loss.r1_every, config.train.instance_noise) = (1.0, 2, 0.1);
    (config.train.checkpoint_every, config.train.keep_checkpoints) = (2, 0);
    let run = root.path().join("run");
    watched(&config, &run, &[(0, "discriminator"), (2, "generator"), (4, "both")], 3);
    let moved = |file: &str| [[2, 4], [4, 12]].map(|steps| !stood_still(&run, file, steps));
    assert_eq!(moved("generator"), [true, true]);
    assert_eq!(moved("ema"), [true, true]);
    assert_eq!(moved("discriminator"), [false, true]);
    // From the checkpoint of a pause amid it, the rest comes as it came.
    let again = root.path().join("again");
    copy(&run, &again);
    for step in [4, 6, 8, 10, 12] {
        std::fs::remove_dir_all(again.join(format!("checkpoints/{step:07}"))).unwrap();
    }
    let request = RunRequest::resume(&again, None).unwrap();
    Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().for_each(drop);
    for step in [4, 12] {
        for ((name, want), (_, got)) in files(&run, step).into_iter().zip(files(&again, step)) {
            assert!(want == got, "{name} of step {step}");
        }
    }
    // The other way round: the generator waits for the discriminator.
    let first = root.path().join("first");
    config.optimizer.updates = Updates::Discriminator;
    start(&config, &first).wait_events().for_each(drop);
    assert!(stood_still(&first, "generator", [2, 12]) && stood_still(&first, "ema", [2, 12]));
    assert!(!stood_still(&first, "discriminator", [2, 12]));
}

#[test]
fn steps_tell_accuracies_and_norms_where_they_mean_something() {
    let root = tempfile::tempdir().unwrap();
    let told = |loss: &str| {
        let events: Vec<Event> = start(&config(loss), &root.path().join(loss)).wait_events().collect();
        steps(&events)
    };
    let hinge = told("hinge");
    assert!(
        hinge
            .iter()
            .all(|step| step.numbers.get(Scalar::AccuracyReal).is_some_and(|share| (0.0..=1.0).contains(&share)))
    );
    let norms = |step: &Step| {
        step.numbers.get(Scalar::GradientD).zip(step.numbers.get(Scalar::GradientG)).map(|(d, g)| d > 0.0 && g > 0.0)
    };
    let looked: Vec<usize> = hinge.iter().filter(|step| norms(step) == Some(true)).map(|step| step.step).collect();
    assert_eq!(looked, [1, 11]);
    // A critic's decisions have no border between real and generated.
    assert!(told("wasserstein-gp").iter().all(|step| {
        [Scalar::AccuracyReal, Scalar::AccuracyFake].iter().all(|share| step.numbers.get(*share).is_none())
    }));
}

#[test]
fn clipping_tells_the_norm_of_every_step_and_leaves_it_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let norms = |name: &str, clip: f64| {
        let mut config = config("hinge");
        config.optimizer.clip = clip;
        let events: Vec<Event> = start(&config, &root.path().join(name)).wait_events().collect();
        steps(&events).into_iter().map(|step| step.numbers.get(Scalar::GradientD)).collect::<Vec<_>>()
    };
    let (free, clipped) = (norms("free", 0.0), norms("clipped", 1e6));
    assert!(clipped.iter().all(Option::is_some));
    assert_eq!((free[0], free[10]), (clipped[0], clipped[10]));
}

#[test]
fn real_images_are_stored_beside_the_grids() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    start(&config("hinge"), &folder).wait_events().for_each(drop);
    let real = read_grid(&folder, &Grid { step: 0, file: REAL_IMAGES.to_owned() }, 6, 3).unwrap();
    assert_eq!((real.rows, real.columns), (6, 3));
    assert!(real.picture.rgb.iter().any(|byte| *byte != real.picture.rgb[0]));
}

#[test]
fn drawing_the_live_generator_changes_nothing_but_adds_its_grids() {
    let root = tempfile::tempdir().unwrap();
    let config = config("hinge");
    let (plain, live) = (root.path().join("plain"), root.path().join("live"));
    let told = |engine: &Engine, paused: &dyn Fn()| {
        let mut events = Vec::new();
        for event in engine.wait_events() {
            if matches!(event, Event::Paused { .. }) {
                paused();
            }
            events.push(event);
        }
        events
    };
    let engine = start(&config, &plain);
    engine.send(Command::Pause);
    let without = told(&engine, &|| engine.send(Command::Resume));
    let engine = start(&config, &live);
    engine.send(Command::Pause);
    let with = told(&engine, &|| {
        engine.send(Command::DrawLive(true));
        engine.send(Command::Resume);
    });
    let grids = |events: &[Event]| -> Vec<usize> {
        events.iter().filter_map(|e| if let Event::LiveGrid(grid) = e { Some(grid.step) } else { None }).collect()
    };
    assert_eq!(grids(&without), [0; 0]);
    assert_eq!(grids(&with), [0, 5, 10, 12], "also that at which it was asked for");
    assert!(!plain.join("live").exists());
    // But for them, the events are the same, clocks aside.
    let bare = |events: &[Event]| -> Vec<String> {
        let name = |event: &Event| match event {
            Event::Step(step) => {
                Some(format!("{} {:?} {:?}", step.step, step.numbers[Scalar::LossD], step.numbers[Scalar::LossG]))
            }
            Event::Grid(grid) => Some(format!("{grid:?}")),
            Event::Alarm(alarm) => Some(alarm.message.clone()),
            _ => None,
        };
        events.iter().filter_map(name).collect()
    };
    assert_eq!(bare(&without), bare(&with));
    let state = ["generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer"];
    let weights = state.map(|file| format!("checkpoints/0000012/{file}.safetensors"));
    let averages = ["grids/0000005.png".to_owned(), "grids/0000012.png".to_owned()];
    let pixels = |run: &Path, file: &str| {
        let grid = Grid { step: 12, file: file.to_owned() };
        read_grid(run, &grid, 6, 3).unwrap().picture
    };
    for file in &weights {
        assert!(std::fs::read(plain.join(file)).unwrap() == std::fs::read(live.join(file)).unwrap(), "{file}");
    }
    for file in &averages {
        assert_eq!(pixels(&plain, file), pixels(&live, file), "{file}");
    }
    // What is added is another picture: the weights of the step, not their average.
    assert_ne!(pixels(&live, "live/0000012.png"), pixels(&live, "grids/0000012.png"));
}

#[test]
fn whoever_watches_hears_how_far_scores_are() {
    let root = tempfile::tempdir().unwrap();
    let mut config = config("hinge");
    (config.train.steps, config.score.every) = (2, 2);
    config.data.cache = root.path().join("cache").display().to_string();
    let engine = start(&config, &root.path().join("run"));
    let mut seen = Vec::new();
    loop {
        match engine.wait_event(std::time::Duration::from_micros(200)) {
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
            Ok(_) | Err(crossbeam_channel::RecvTimeoutError::Timeout) => seen.extend(engine.scores()),
        }
    }
    let doing = |what: &str| seen.iter().any(|progress| progress.doing == what && progress.total == 36);
    assert!(doing("real images") && doing("generated images"), "{seen:?}");
    assert!(seen.iter().all(|progress| progress.done <= progress.total));
    assert_eq!(engine.scores(), None, "they are taken");
}
