//! Whole runs of the engine, small enough to take a second or two.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on fails")]

#[path = "common/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gandle::config::{Change, Config, Preset};
use gandle::engine::export::export;
use gandle::engine::sample::Sampler;
use gandle::engine::{Engine, Job, RunRequest};
use gandle::event::{AlarmKind, Command, Content, Event, Export, Exported, Images, JobEvent, Scalar};
use gandle::session::{Stored, checkpoints, read_grid};

fn small() -> Config {
    small::config(
        Preset::Improved,
        &["train.steps=12", "train.grid_every=5", "train.grid_columns=3", "train.checkpoint_every=4", "score.every=0"],
    )
}

fn start(config: &Config, folder: &Path) -> Engine {
    Engine::spawn(RunRequest::new(config.clone(), folder.to_owned()), Arc::new(|| {})).unwrap()
}

fn run(config: &Config, folder: &Path) -> Vec<Event> {
    start(config, folder).wait_events().collect()
}

/// Events without what a clock says.
fn timeless(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        match event {
            Event::Step(step) => {
                step.seconds = 0.0;
                step.numbers.clear(Scalar::ImagesPerS);
                step.numbers.clear(Scalar::MemoryMb);
            }
            Event::Score(score) => score.seconds = 0.0,
            Event::Scored(scored) => (scored.seconds, scored.total_seconds, scored.share) = (0.0, 0.0, 0.0),
            Event::Alarm(alarm) => alarm.seconds = 0.0,
            Event::Started(started) => (started.time, started.session) = (0, String::new()),
            _ => {}
        }
    }
    events
}

#[test]
fn a_run_tells_everything_and_leaves_a_session_that_opens_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = small();
    config.score.every = 8;
    let engine = start(&config, &folder);
    let events: Vec<Event> = engine.wait_events().collect();
    assert!(matches!(events.first(), Some(Event::Started(_))), "{:?}", events.first());
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }));
    let steps: Vec<usize> =
        events.iter().filter_map(|e| if let Event::Step(s) = e { Some(s.step) } else { None }).collect();
    assert_eq!(steps, (1..=12).collect::<Vec<_>>());
    let grids: Vec<_> =
        events.iter().filter_map(|e| if let Event::Grid(g) = e { Some(g.clone()) } else { None }).collect();
    assert_eq!(grids.iter().map(|g| g.step).collect::<Vec<_>>(), [0, 5, 10, 12]);
    let scores: Vec<_> = events.iter().filter_map(|e| if let Event::Score(s) = e { Some(s) } else { None }).collect();
    let of = |metric: &str, class: Option<&str>| -> Vec<_> {
        let mine = scores.iter().filter(|s| s.metric == metric && s.class.as_deref() == class);
        mine.map(|s| (s.step, s.samples, s.reals)).collect()
    };
    for metric in ["frechet-distance", "intra-class-frechet-distance"] {
        assert_eq!(of(metric, None), [(8, 36, Some(36)), (12, 36, Some(36))], "{metric}");
    }
    // Each class beside all of them, with a word of care for so few images.
    assert_eq!(of("frechet-distance", Some("lymphocyte")), [(8, 6, Some(6)), (12, 6, Some(6))]);
    for metric in ["authentic-percent", "nearest-real"] {
        assert_eq!(of(metric, None), [(8, 36, Some(36)), (12, 36, Some(36))], "{metric}");
        // Nothing was held out, but the real images tell what others of their kind would score.
        assert!(scores.iter().all(|s| s.metric != metric || s.class.is_some() || s.baseline.is_some()));
    }
    assert_eq!(scores.len(), 2 * (1 + 6 + 1 + 1 + 6 + 1 + 1 + 6));
    // Such fakes cover nothing.
    assert!(scores.iter().all(|s| s.metric.contains("authentic") || s.metric == "coverage" || s.value > 0.0));
    assert!(scores.iter().all(|s| s.extractor == "efficientnet-lite2" && s.resize == "pytorch-fid"));
    assert!(scores.iter().all(|s| s.caution.is_some() == (s.class.is_some() || s.metric == "frechet-distance")));
    assert_eq!(checkpoints(&folder), [4, 8, 12]);

    let stored = Stored::open(&folder).unwrap();
    assert_eq!((stored.events, stored.config, stored.warnings), (events, config, vec![]));
    let last = engine.latest_grid().unwrap();
    assert_eq!(read_grid(&folder, &grids[3], 6, 3).unwrap(), last);
    assert!(engine.latest_grid().is_none());
    assert!(engine.is_finished());
}

#[test]
fn one_seed_gives_the_same_events_and_bits_whatever_the_threads_of_the_loader() {
    let root = tempfile::tempdir().unwrap();
    let mut config = small();
    config.score.every = 12;
    config.data.rotation = 20.0;
    let one = run(&config, &root.path().join("one"));
    let two = run(&config, &root.path().join("two"));
    assert_eq!(timeless(&one), timeless(&two));
    config.data.workers = 3;
    let three = run(&config, &root.path().join("three"));
    // The first event names the configuration, which differs.
    assert_eq!(timeless(&one)[1..], timeless(&three)[1..]);
    for file in ["generator", "discriminator", "ema", "generator_optimizer", "discriminator_optimizer"] {
        let read = |run: &str| {
            std::fs::read(root.path().join(run).join(format!("checkpoints/0000012/{file}.safetensors"))).unwrap()
        };
        assert!(read("one") == read("two") && read("one") == read("three"), "{file}");
    }
    config.train.seed = 1;
    let other = run(&config, &root.path().join("other"));
    assert_ne!(timeless(&one)[3..], timeless(&other)[3..]);
}

#[test]
fn every_loss_conditioning_and_norm_trains() {
    let root = tempfile::tempdir().unwrap();
    let cases = [
        ["loss.kind=bce", "discriminator.conditioning=label-map", "discriminator.norm=batch"],
        ["loss.kind=wasserstein-gp", "discriminator.conditioning=projection", "discriminator.norm=layer"],
        ["loss.kind=hinge", "discriminator.conditioning=auxiliary", "generator.norm=conditional-batch"],
        ["optimizer.accumulation=2", "discriminator.conditioning=replicated", "generator.skip=residual"],
        ["optimizer.discriminator_steps=2", "discriminator.conditioning=none", "discriminator.spectral_norm=false"],
        ["channels=1", "optimizer.schedule=cosine", "data.balance=false"],
    ];
    for (i, case) in cases.iter().enumerate() {
        let mut config = small().with(&case.map(str::to_owned)).unwrap();
        config.train.steps = 2;
        let events = run(&config, &root.path().join(i.to_string()));
        assert_eq!(events.last(), Some(&Event::Finished { step: 2 }), "{case:?}: {:?}", events.last());
    }
}

#[test]
fn pause_resume_and_stop_leave_checkpoints() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = small();
    (config.train.steps, config.train.checkpoint_every) = (1_000_000, 0);
    let engine = start(&config, &folder);
    let mut seen = Vec::new();
    for event in engine.wait_events() {
        match &event {
            Event::Step(s) if s.step == 3 => engine.send(Command::Pause),
            Event::Paused { step } => {
                assert_eq!(checkpoints(&folder), [*step]);
                engine.send(Command::Resume);
            }
            Event::Resumed { .. } => engine.send(Command::Stop),
            _ => {}
        }
        seen.push(event);
    }
    let Some(Event::Stopped { step }) = seen.last() else { panic!("{:?}", seen.last()) };
    assert!(*step >= 3 && checkpoints(&folder).contains(step));
    assert!(Stored::open(&folder).unwrap().warnings.is_empty());
}

fn change(key: &str, to: &str) -> Change {
    Change { key: key.to_owned(), from: String::new(), to: to.to_owned() }
}

/// A run that takes changes after its sixth step.
fn edited_run(config: &Config, folder: &Path, changes: &[Change]) -> Vec<Event> {
    let (release, wait) = crossbeam_channel::bounded::<()>(1);
    let mut request = RunRequest::new(config.clone(), folder.to_owned());
    request.after_step = Some(Arc::new(move |step| {
        if step == 6 {
            wait.recv().unwrap();
        }
    }));
    let engine = Engine::spawn(request, Arc::new(|| {})).unwrap();
    let mut events = Vec::new();
    for event in engine.wait_events() {
        if matches!(event, Event::Step(step) if step.step == 6) {
            engine.send(Command::Edit(changes.to_vec()));
            release.send(()).unwrap();
        }
        events.push(event);
    }
    events
}

#[test]
fn an_edit_holds_from_the_next_step_on_and_is_an_event() {
    let root = tempfile::tempdir().unwrap();
    let mut config = small();
    config.data.rotation = 5.0;
    let changes = [
        change("optimizer.generator_lr", "0.0003"),
        change("optimizer.discriminator_steps", "2"),
        change("loss.r1", "0.5"),
        change("loss.lecam", "0.1"),
        change("data.rotation", "30.0"),
    ];
    let events = edited_run(&config, &root.path().join("run"), &changes);
    let told = events.iter().find_map(|event| if let Event::Edited(edited) = event { Some(edited) } else { None });
    let told = told.unwrap();
    assert_eq!(told.step, 6);
    let from: Vec<&str> = told.changes.iter().map(|change| change.from.as_str()).collect();
    // In the order of the configuration.
    assert_eq!(from, ["5.0", "0.0", "0.0", "0.0001", "1"]);
    for event in &events {
        let Event::Step(step) = event else { continue };
        let want = if step.step <= 6 { 1e-4 } else { 3e-4 };
        assert_eq!(step.numbers[Scalar::GeneratorLr], want, "step {}", step.step);
    }
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }));
    let state = gandle::session::read_state(&gandle::session::checkpoint_folder(&root.path().join("run"), 12)).unwrap();
    assert_eq!((state.config.loss.lecam, state.config.optimizer.discriminator_steps), (0.1, 2));
    let again = edited_run(&config, &root.path().join("again"), &changes);
    assert_eq!(timeless(&events), timeless(&again));
}

#[test]
fn an_edit_that_cannot_be_made_is_a_warning_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let config = small();
    let plain = edited_run(&config, &root.path().join("plain"), &[]);
    for refused in [change("generator.base_channels", "8"), change("optimizer.clip", "-1")] {
        let mut events = edited_run(&config, &root.path().join(&refused.key), std::slice::from_ref(&refused));
        let at = events.iter().position(|event| matches!(event, Event::Warning { .. })).unwrap();
        let Event::Warning { message, .. } = events.remove(at) else { unreachable!() };
        assert!(message.contains(&refused.key) && message.contains("old settings"), "{message}");
        assert_eq!(timeless(&events), timeless(&plain));
    }
}

#[test]
fn dropping_the_engine_stops_the_run_with_a_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = small();
    (config.train.steps, config.train.checkpoint_every) = (1_000_000, 0);
    let engine = start(&config, &folder);
    let step = engine.wait_events().find(|event| matches!(event, Event::Step(_)));
    assert!(step.is_some());
    drop(engine);
    assert_eq!(checkpoints(&folder).len(), 1);
    assert!(matches!(Stored::open(&folder).unwrap().events.last(), Some(Event::Stopped { .. })));
}

#[test]
fn a_panic_in_the_worker_is_one_event_and_the_session_opens() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut request = RunRequest::new(small(), folder.clone());
    request.after_step = Some(Arc::new(|step| assert!(step < 6, "made to fail")));
    let events: Vec<Event> = Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().collect();
    let Some(Event::Failed { step: 6, message }) = events.last() else { panic!("{:?}", events.last()) };
    assert!(message.contains("made to fail"), "{message}");
    assert_eq!(Stored::open(&folder).unwrap().events.last(), events.last());
    assert_eq!(Sampler::open(&folder, None).unwrap().state.step, 4);
}

#[test]
fn what_cannot_start_says_why() {
    let root = tempfile::tempdir().unwrap();
    let failure = |config: &Config, folder: &str| match run(config, &root.path().join(folder)).as_slice() {
        [Event::Failed { step: 0, message }] => message.clone(),
        other => panic!("{other:?}"),
    };
    let mut config = small();
    config.train.steps = 0;
    assert!(failure(&config, "a").contains("train.steps"));
    let mut config = small();
    config.data.source = root.path().join("nowhere").display().to_string();
    assert!(failure(&config, "b").contains("nowhere"));
    let mut config = small();
    config.train.device = "cuda:7".into();
    assert!(failure(&config, "c").contains("cuda:7"));
    std::fs::create_dir(root.path().join("d")).unwrap();
    std::fs::write(root.path().join("d/run.toml"), "mine").unwrap();
    assert!(failure(&small(), "d").contains("already holds a session"));
    assert_eq!(std::fs::read_to_string(root.path().join("d/run.toml")).unwrap(), "mine");
}

#[test]
fn the_waker_is_called_for_news() {
    let root = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let request = RunRequest::new(small(), root.path().join("run"));
    let engine = Engine::spawn(
        request,
        Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }),
    )
    .unwrap();
    while !engine.is_finished() && calls.load(Ordering::Relaxed) < 12 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let steps = engine.wait_events().filter(|event| matches!(event, Event::Step(_))).count();
    assert_eq!(steps, 12);
}

#[test]
fn exports_repeat_and_never_overwrite() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    run(&small(), &session);
    let images = Images { step: Some(8), class: None, count: 3, seed: 5, truncation: 0.7, ..Images::default() };
    let written = |folder: &str, images: Images| {
        let folder = root.path().join(folder);
        let asked = Export { session: session.clone(), content: Content::Images(images), folder: Some(folder.clone()) };
        match export(&asked, |_, _| true) {
            Ok(Some(Exported::Images { count, folder: told, renamed, table })) => {
                assert_eq!((told, renamed, table), (folder, Vec::new(), None));
                Ok(count)
            }
            Ok(other) => panic!("{other:?}"),
            Err(err) => Err(err.to_string()),
        }
    };
    assert_eq!(written("a", images), Ok(18));
    // As many as asked for: image i does not depend on how many are drawn.
    assert_eq!(written("b", Images { count: 5, class: Some(2), ..images }), Ok(5));
    let name = "lymphocyte/step0000008-seed5-000002.png";
    let read = |folder: &str| std::fs::read(root.path().join(folder).join(name)).unwrap();
    assert_eq!(read("a"), read("b"));
    let err = written("a", images).unwrap_err();
    assert!(err.contains("not overwritten"), "{err}");
    let err = written("c", Images { step: Some(7), ..images }).unwrap_err();
    assert!(err.contains("no checkpoint of step 7") && err.contains("4, 8, 12"), "{err}");
    // What was exported is a data set.
    let folder = root.path().join("a").display().to_string();
    assert_eq!(gandle::data::inspect(&folder, &small()).unwrap().images(), 18);
    let err = written("d", Images { count: usize::MAX, ..images }).unwrap_err();
    assert!(err.contains("too many") && !root.path().join("d").exists(), "{err}");
}

#[test]
fn classes_of_any_name_get_folders_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    run(&small(), &session);
    let state = session.join("checkpoints/0000012/state.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    let classes = ["../..", "class-0", "CON", "Class-0 ", &"x".repeat(300), "a\u{1b}[31m/b"];
    json["classes"] = classes.into();
    std::fs::write(&state, json.to_string()).unwrap();
    let folder = root.path().join("deep/out");
    let content = Content::Images(Images { count: 2, ..Images::default() });
    let asked = Export { session, content, folder: Some(folder.clone()) };
    let Some(Exported::Images { count: 12, renamed, .. }) = export(&asked, |_, _| true).unwrap() else { panic!() };
    let told: Vec<&str> = renamed.iter().map(|(class, _)| class.as_str()).collect();
    assert_eq!(told, [classes[0], classes[2], classes[3], classes[4], classes[5]]);
    // Each class has its own folder there, with all of its images, and nothing lies elsewhere.
    let entries = |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = entries(&folder);
    assert_eq!(folders.len(), 6);
    assert!(folders.iter().all(|folder| entries(folder).len() == 2), "{folders:?}");
    let lower: std::collections::BTreeSet<String> =
        folders.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap().to_lowercase()).collect();
    assert!(lower.len() == 6 && lower.iter().all(|name| name != "con" && name.len() < 200), "{lower:?}");
    assert_eq!(entries(&root.path().join("deep")).len(), 1);
}

#[test]
fn a_damaged_newest_checkpoint_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    run(&small(), &session);
    let file = session.join("checkpoints/0000012/ema.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(Sampler::open(&session, None).unwrap().state.step, 8);
    let err = format!("{:#}", Sampler::open(&session, Some(12)).err().unwrap());
    assert!(err.contains("damaged"), "{err}");
}

#[test]
fn jobs_preview_export_and_cancel() {
    let root = tempfile::tempdir().unwrap();
    let job = Job::preview(small(), Arc::new(|| {}));
    let Some(JobEvent::Preview { summary, samples }) = job.wait_events().last() else { panic!() };
    assert_eq!((summary.images(), samples.rows, samples.cell), (36, 6, 16));
    let session = root.path().join("run");
    run(&small(), &session);
    // Without a folder, they go below the session.
    let images = |count| Content::Images(Images { count, class: Some(0), ..Images::default() });
    let asked = |count| Export { session: session.clone(), content: images(count), folder: None };
    let job = Job::export(asked(2), Arc::new(|| {}));
    let Some(JobEvent::Exported(Exported::Images { count: 2, folder, .. })) = job.wait_events().last() else {
        panic!()
    };
    assert_eq!(folder, session.join("exports"));
    assert_eq!(std::fs::read_dir(folder.join(&summary.classes[0].name)).unwrap().count(), 2);
    let job = Job::export(Export { folder: Some(root.path().join("out")), ..asked(2000) }, Arc::new(|| {}));
    job.cancel();
    assert_eq!(job.wait_events().last(), Some(JobEvent::Cancelled));
    let mut config = small();
    config.data.source = root.path().join("nowhere").display().to_string();
    let job = Job::preview(config, Arc::new(|| {}));
    assert!(matches!(job.wait_events().last(), Some(JobEvent::Failed { .. })));
}

#[test]
fn the_end_comes_though_somebody_else_could_still_send_commands() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = small();
    config.train.steps = 1_000_000;
    let engine = start(&config, &folder);
    let sender = engine.sender();
    assert!(engine.wait_events().any(|event| matches!(event, Event::Step(_))));
    drop(engine);
    assert!(matches!(Stored::open(&folder).unwrap().events.last(), Some(Event::Stopped { .. })));
    drop(sender);
}

#[test]
fn commands_that_come_while_the_data_loads_are_obeyed() {
    let root = tempfile::tempdir().unwrap();
    let mut config = small();
    config.data.demo_images = 400;
    let engine = start(&config, &root.path().join("stopped"));
    engine.send(Command::Stop);
    assert_eq!(engine.wait_events().last(), Some(Event::Stopped { step: 0 }));
    let engine = start(&config, &root.path().join("paused"));
    engine.send(Command::Pause);
    for event in engine.wait_events() {
        match event {
            Event::Paused { step } => {
                assert_eq!(step, 0);
                engine.send(Command::Stop);
            }
            Event::Failed { message, .. } => panic!("{message}"),
            _ => {}
        }
    }
    assert_eq!(checkpoints(&root.path().join("paused")), [0]);
}

#[test]
fn a_score_that_cannot_be_taken_is_a_warning_and_training_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("data/only");
    std::fs::create_dir_all(&class).unwrap();
    image::RgbImage::from_pixel(16, 16, image::Rgb([9, 99, 199])).save(class.join("one.png")).unwrap();
    let mut config = small();
    config.data.source = root.path().join("data").display().to_string();
    config.score.every = 4;
    let events = run(&config, &root.path().join("run"));
    assert_eq!(events.last(), Some(&Event::Finished { step: 12 }), "{:?}", events.last());
    let warned = events
        .iter()
        .filter(|e| matches!(e, Event::Warning { message, .. } if message.contains("left out: frechet-distance")));
    assert_eq!(warned.count(), 1);
}

#[test]
fn checkpoints_of_another_run_are_not_taken_for_ones_own() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    std::fs::create_dir_all(folder.join("checkpoints/0009000")).unwrap();
    let Some(Event::Failed { message, .. }) = run(&small(), &folder).pop() else { panic!() };
    assert!(message.contains("already holds a session"), "{message}");
    assert!(!folder.join("events.jsonl").exists());
}

#[test]
fn a_run_that_diverges_stops_names_the_term_and_keeps_a_state_from_before() {
    let root = tempfile::tempdir().unwrap();
    // With checkpoints on disk before the break, and with none.
    for (name, every) in [("often", 1), ("never", 0)] {
        let folder = root.path().join(name);
        let mut config = small().with(&["discriminator.spectral_norm=false".to_owned()]).unwrap();
        let o = &mut config.optimizer;
        // Without a second moment, a gradient of nearly 0 after a large one makes a step of millions.
        (o.generator_lr, o.discriminator_lr, o.beta1, o.beta2) = (1.0, 1.0, 0.9, 0.0);
        (config.train.checkpoint_every, config.train.steps) = (every, 200);
        let events = run(&config, &folder);
        let alarms: Vec<_> =
            events.iter().filter_map(|e| if let Event::Alarm(a) = e { Some(a) } else { None }).collect();
        let [alarm] = alarms.as_slice() else { panic!("{name}: {alarms:?}") };
        assert_eq!(alarm.kind, AlarmKind::Divergence);
        let term = alarm.subject.as_deref().unwrap();
        assert!(["logits_real", "logits_fake", "loss_d", "loss_g", "weights"].contains(&term), "{term}");
        let Some(Event::Failed { step, message }) = events.last() else { panic!("{:?}", events.last()) };
        assert!(message.contains("diverged at step") && message.contains("learning rates"), "{message}");
        let newest = *checkpoints(&folder).last().unwrap();
        assert!(newest <= *step && newest < alarm.step.max(1), "{newest} {step} {}", alarm.step);
        let mut sampler = Sampler::open(&folder, None).unwrap();
        assert_eq!(sampler.state.step, newest);
        assert_eq!(sampler.images(0, 0, 2, 0, 0.0).unwrap().len(), 2 * 16 * 16 * 3);
        for file in ["generator", "discriminator", "ema"] {
            let file = folder.join(format!("checkpoints/{newest:07}/{file}.safetensors"));
            let tensors = candle_core::safetensors::load(&file, &candle_core::Device::Cpu).unwrap();
            let tensors: BTreeMap<_, _> = tensors.into_iter().collect();
            for (name, tensor) in tensors {
                let numbers = tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F32).unwrap();
                assert!(numbers.to_vec1::<f32>().unwrap().iter().all(|x| x.is_finite()), "{name}");
            }
        }
        assert_eq!(Stored::open(&folder).unwrap().events, events);
    }
}

#[test]
fn a_run_ends_when_its_minutes_are_over_and_goes_on_when_it_gets_more() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut config = small();
    // Over after the first step, however fast that is.
    (config.train.steps, config.train.minutes) = (1000, 1e-9);
    let events = run(&config, &folder);
    assert_eq!(events.last(), Some(&Event::Finished { step: 1 }), "{:?}", events.last());
    assert_eq!(checkpoints(&folder), [1]);
    let Err(refused) = RunRequest::resume(&folder, None) else { panic!("its time is over") };
    assert!(format!("{refused:#}").contains("minutes are over"), "{refused:#}");
    // What the run's file says is what a resume takes.
    let file = folder.join("run.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let more = text.lines().map(|line| if line.starts_with("minutes = ") { "minutes = 0.0" } else { line });
    std::fs::write(&file, more.collect::<Vec<_>>().join("\n")).unwrap();
    let resumed = Engine::spawn(RunRequest::resume(&folder, Some(3)).unwrap(), Arc::new(|| {})).unwrap();
    assert_eq!(resumed.wait_events().last(), Some(Event::Finished { step: 3 }));
}

#[test]
fn minutes_below_nothing_are_refused() {
    let mut config = small();
    config.train.minutes = -1.0;
    assert!(config.check(None).iter().any(|problem| problem.key == "train.minutes"));
}
