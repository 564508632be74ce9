//! Sessions that go on: as the same run bit for bit, as a fork, or not at all.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on fails")]

#[path = "common/folder.rs"]
mod folder;
#[path = "common/small.rs"]
mod small;

use folder::copy;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use gandle::config::{Change, Config, Preset};
use gandle::engine::{AlreadyFinished, Engine, Origin, Refused, RunRequest};
use gandle::event::{Command, Event, Parent, Scalar, Scored};
use gandle::session::{Stored, checkpoint_folder, checkpoints, read_state};

/// The end of most runs here: a step at which nothing but the end is due.
const STEPS: usize = 11;

fn tiny(preset: Preset, more: &[&str]) -> Config {
    let own = [
        "data.demo_images=4",
        "train.batch_size=4",
        "train.steps=11",
        "train.grid_every=3",
        "train.grid_columns=2",
        "train.checkpoint_every=4",
        "train.keep_checkpoints=0",
        "score.every=0",
    ];
    small::config(preset, &[&own, more].concat())
}

fn improved(more: &[&str]) -> Config {
    tiny(Preset::Improved, more)
}

fn events(request: RunRequest) -> Vec<Event> {
    Engine::spawn(request, Arc::new(|| {})).unwrap().wait_events().collect()
}

fn run(config: &Config, folder: &Path) -> Vec<Event> {
    let told = events(RunRequest::new(config.clone(), folder.to_owned()));
    assert!(matches!(told.last(), Some(Event::Finished { .. })), "{:?}", told.last());
    told
}

/// Runs until a step is done, and asks something there.
fn run_asking(mut request: RunRequest, at: usize, commands: Vec<Command>) -> Vec<Event> {
    let ((done, reached), (go_on, asked)) = (channel(), channel());
    let asked = std::sync::Mutex::new(asked);
    request.after_step = Some(Arc::new(move |step| {
        if step == at {
            done.send(()).unwrap();
            asked.lock().unwrap().recv().unwrap();
        }
    }));
    let engine = Engine::spawn(request, Arc::new(|| {})).unwrap();
    reached.recv().unwrap();
    commands.into_iter().for_each(|command| engine.send(command));
    go_on.send(()).unwrap();
    engine.wait_events().collect()
}

/// Runs until a step is done, and stops there.
fn run_until(request: RunRequest, stop: usize) -> Vec<Event> {
    let told = run_asking(request, stop, vec![Command::Stop]);
    assert_eq!(told.last(), Some(&Event::Stopped { step: stop }));
    told
}

fn resume(folder: &Path) -> Vec<Event> {
    let told = events(RunRequest::resume(folder, None).unwrap());
    assert!(matches!(told.last(), Some(Event::Finished { .. })), "{:?}", told.last());
    told
}

/// What happened, without what a clock says, without what only the beginning and the end of a part tell, and without
/// checkpoints, which a stop adds to.
fn happened(told: &[Event]) -> Vec<Event> {
    let mut out = Vec::new();
    for event in told {
        match event.clone() {
            Event::Step(mut step) => {
                step.seconds = 0.0;
                step.numbers.clear(Scalar::ImagesPerS);
                step.numbers.clear(Scalar::MemoryMb);
                out.push(Event::Step(step));
            }
            Event::Score(mut score) => {
                score.seconds = 0.0;
                out.push(Event::Score(score));
            }
            Event::Alarm(mut alarm) => {
                alarm.seconds = 0.0;
                out.push(Event::Alarm(alarm));
            }
            Event::Scored(scored) => out.push(Event::Scored(Scored { step: scored.step, ..Scored::default() })),
            event @ (Event::Grid(_) | Event::Recovered(_) | Event::Best(_) | Event::Nearest(_)) => out.push(event),
            _ => {}
        }
    }
    out
}

fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().filter(|path| path.is_file()).map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Every bit of both checkpoints of a step is the same, but what a clock says.
fn assert_same(a: &Path, b: &Path, step: usize, case: &str) {
    let [in_a, in_b] = [a, b].map(|folder| files_below(&checkpoint_folder(folder, step)));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&in_a), names(&in_b), "{case}");
    for ((name, in_a), (_, in_b)) in in_a.iter().zip(&in_b).filter(|((name, _), _)| name != "state.json") {
        assert!(in_a == in_b, "{case}: {name} differs");
    }
    let [mut of_a, mut of_b] = [a, b].map(|folder| read_state(&checkpoint_folder(folder, step)).unwrap());
    (of_a.seconds, of_b.seconds) = (0.0, 0.0);
    assert_eq!(of_a, of_b, "{case}");
}

fn assert_same_grids(a: &Path, b: &Path, case: &str) {
    // Their pixels: the files name their sessions.
    let pixels = |(name, png): (String, Vec<u8>)| (name, image::load_from_memory(&png).unwrap());
    let all = |folder: &Path| files_below(&folder.join("grids")).into_iter().map(pixels).collect::<Vec<_>>();
    assert!(all(a) == all(b), "{case}: grids differ");
}

fn refusal(result: anyhow::Result<RunRequest>) -> String {
    let err = result.err().expect("it should be refused");
    assert!(err.is::<Refused>() || err.is::<AlreadyFinished>(), "{err:#}");
    err.to_string()
}

fn failure(told: &[Event]) -> String {
    let Some(Event::Failed { message, .. }) = told.last() else { panic!("{:?}", told.last()) };
    message.clone()
}

fn warnings(told: &[Event]) -> Vec<&str> {
    told.iter()
        .filter_map(|e| if let Event::Warning { message, .. } = e { Some(message.as_str()) } else { None })
        .collect()
}

#[test]
fn two_halves_are_one_run_to_the_last_bit() {
    let root = tempfile::tempdir().unwrap();
    let mut cases: Vec<(String, Config)> =
        Preset::ALL.into_iter().map(|preset| (preset.name().to_owned(), tiny(preset, &[]))).collect();
    let more: [&[&str]; 11] = [
        &["loss.perceptual=0.1", "loss.texture=0.1"],
        &[
            "image_size=32",
            "growing.start=16",
            "growing.fade_images=16",
            "growing.stable_images=12",
            "train.instance_noise=0.1",
            "augment.color=0.5",
            "augment.adaptive=true",
            "augment.adaptive_every=2",
            "loss.consistency_real=1",
        ],
        &["loss.kind=wasserstein-gp", "discriminator.norm=layer", "discriminator.spectral_norm=false"],
        &["optimizer.accumulation=2", "optimizer.discriminator_steps=2", "optimizer.clip=0.5", "data.workers=3"],
        &["loss.lecam=0.3", "loss.r1=2", "loss.r1_every=3", "train.instance_noise=0.2", "train.instance_noise_steps=7"],
        &[
            "loss.lecam=0.3",
            "loss.lecam_one_sided=true",
            "loss.lecam_start=6",
            "discriminator.conditioning=auxiliary",
            "loss.auxiliary_fakes=true",
            "generator.attention_form=sagan",
            "discriminator.attention_form=sagan",
        ],
        &["image_size=32", "discriminator.scales=2", "discriminator.scale_edge=inside"],
        &["loss.class_weights=inverse-frequency", "data.balance=false", "optimizer.ema_warmup=true", "channels=1"],
        &["optimizer.schedule=cosine", "data.rotation=20", "data.flip_horizontal=true", "data.color_jitter=0.2"],
        &[
            "loss.kind=least-squares",
            "optimizer.schedule=step",
            "optimizer.drop_every=3",
            "optimizer.ema_half_life=50",
            "optimizer.gap=0.1",
            "train.blur=0.1",
            "train.blur_steps=7",
        ],
        &["discriminator.unet=true", "discriminator.minibatch_stddev=true", "generator.skip=residual", "loss.kind=bce"],
    ];
    cases.extend(more.iter().map(|set| (set.join(" "), improved(set))));
    for (i, (case, config)) in cases.iter().enumerate() {
        let [whole, halves] = ["whole", "halves"].map(|name| root.path().join(format!("{i}-{name}")));
        let unbroken = run(config, &whole);
        let first = run_until(RunRequest::new(config.clone(), halves.clone()), 5);
        let second = resume(&halves);
        assert!(warnings(&second).is_empty(), "{case}: {second:?}");
        assert!(matches!(&second[0], Event::Started(started) if started.step == 5), "{case}: {:?}", second[0]);
        assert_same(&whole, &halves, STEPS, case);
        assert_same(&whole, &halves, 8, case);
        assert_same_grids(&whole, &halves, case);
        assert_eq!(happened(&unbroken), happened(&[first.clone(), second.clone()].concat()), "{case}");
        let seconds = |event: Option<&Event>| if let Some(Event::Step(step)) = event { step.seconds } else { 0.0 };
        let steps = |told: &[Event]| told.iter().filter(|e| matches!(e, Event::Step(_))).cloned().collect::<Vec<_>>();
        assert!(seconds(steps(&second).first()) > seconds(steps(&first).last()), "{case}: the clock goes on");
    }
}

#[test]
fn more_steps_go_on_where_the_run_ended() {
    let root = tempfile::tempdir().unwrap();
    let [whole, halves] = ["whole", "halves"].map(|name| root.path().join(name));
    run(&improved(&["train.steps=16"]), &whole);
    run(&improved(&["train.steps=8"]), &halves);
    let again = events(RunRequest::resume(&halves, Some(16)).unwrap());
    assert_eq!(again.last(), Some(&Event::Finished { step: 16 }));
    for file in gandle::train::state::FILES {
        let read = |folder: &Path| fs::read(checkpoint_folder(folder, 16).join(file)).unwrap();
        assert!(read(&whole) == read(&halves), "{file}");
    }
    // run.toml stays as it was, and the checkpoint knows both.
    let state = read_state(&checkpoint_folder(&halves, 16)).unwrap();
    assert_eq!((state.config.train.steps, state.original.unwrap().train.steps), (16, 8));
    assert_eq!(Stored::open(&halves).unwrap().config.train.steps, 8);
    let told = refusal(RunRequest::resume(&halves, None));
    assert!(told.contains("finished") && told.contains("--steps"), "{told}");
    let third = events(RunRequest::resume(&halves, Some(17)).unwrap());
    assert_eq!(third.last(), Some(&Event::Finished { step: 17 }));
}

/// Cuts a session off as a kill would have: nothing after a line of its events, and no checkpoint after a step.
fn cut(folder: &Path, after: impl Fn(&Event) -> bool, newest: usize, torn: &str) {
    let path = folder.join("events.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| after(&serde_json::from_str(line).unwrap())).unwrap();
    fs::write(&path, lines[..=at].join("\n") + "\n" + torn).unwrap();
    for step in checkpoints(folder).into_iter().filter(|step| *step > newest) {
        fs::remove_dir_all(checkpoint_folder(folder, step)).unwrap();
    }
}

fn is_step(wanted: usize) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Step(step) if step.step == wanted)
}

#[test]
fn a_run_that_was_killed_takes_the_lost_steps_again_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| root.path().join(name));
    run(&improved(&[]), &whole);
    copy(&whole, &killed);
    cut(&killed, is_step(7), 4, r#"{"event":"step","st"#);
    fs::create_dir(killed.join("checkpoints/.0000008.part")).unwrap();
    let told = resume(&killed);
    let lost = warnings(&told);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].contains("broke off at step 7") && lost[0].contains("step 4"), "{}", lost[0]);
    assert_same(&whole, &killed, STEPS, "killed");
    assert_same_grids(&whole, &killed, "killed");
    assert_eq!(fs::read_dir(killed.join("checkpoints")).unwrap().count(), 3);
    let stored = Stored::open(&killed).unwrap();
    assert!(stored.warnings.is_empty(), "{:?}", stored.warnings);
    // The session's file still has what was void; whoever folds it knows.
    let [of_whole, of_killed] = [&whole, &killed].map(|folder| happened(&Stored::open(folder).unwrap().history()));
    assert_eq!(of_whole, of_killed);
}

#[test]
fn without_a_checkpoint_the_session_begins_anew() {
    let root = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| root.path().join(name));
    run(&improved(&[]), &whole);
    copy(&whole, &killed);
    cut(&killed, is_step(3), 0, "");
    let told = resume(&killed);
    assert!(warnings(&told)[0].contains("without a checkpoint"), "{told:?}");
    assert_same(&whole, &killed, STEPS, "anew");
}

#[test]
fn a_score_that_was_missed_is_taken_and_one_that_was_taken_is_not() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    run(&improved(&["score.every=4", "train.steps=8"]), &whole);
    let history = happened(&Stored::open(&whole).unwrap().history());
    let is_checkpoint = |event: &Event| matches!(event, Event::Checkpoint(c) if c.step == 4);
    let scored_at = |told: &[Event]| -> Vec<usize> {
        told.iter().filter_map(|e| if let Event::Scored(scored) = e { Some(scored.step) } else { None }).collect()
    };
    for (name, missed) in [("missed", true), ("taken", false)] {
        let killed = root.path().join(name);
        copy(&whole, &killed);
        if missed {
            cut(&killed, is_checkpoint, 4, "")
        } else {
            cut(&killed, is_step(5), 4, "")
        }
        let told = resume(&killed);
        assert_eq!(scored_at(&told), if missed { vec![4, 8] } else { vec![8] });
        assert_eq!(happened(&Stored::open(&killed).unwrap().history()), history, "{name}");
        assert_same(&whole, &killed, 8, name);
    }
    // The end itself: the last score was missed, and the run is not taken for finished.
    let killed = root.path().join("end");
    copy(&whole, &killed);
    cut(&killed, |event| matches!(event, Event::Checkpoint(c) if c.step == 8), 8, "");
    assert_eq!(scored_at(&resume(&killed)), [8]);
    assert!(refusal(RunRequest::resume(&killed, None)).contains("finished"));
}

fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("run.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn a_session_with_other_settings_is_refused_with_the_list() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    run_until(RunRequest::new(improved(&["optimizer.schedule=linear"]), folder.clone()), 5);
    let untouched = files_below(&folder);
    edit(&folder, "batch_size = 4", "batch_size = 8");
    edit(&folder, "kind = \"hinge\"", "kind = \"bce\"");
    let told = refusal(RunRequest::resume(&folder, None));
    for part in ["train.batch_size: was 4, is 8", "loss.kind: was \"hinge\", is \"bce\"", "--fork"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    edit(&folder, "batch_size = 8", "batch_size = 4");
    edit(&folder, "kind = \"bce\"", "kind = \"hinge\"");
    // Fewer steps than are taken, and more of them where the learning rates follow their number.
    assert!(refusal(RunRequest::resume(&folder, Some(5))).contains("already been reached"));
    let told = refusal(RunRequest::resume(&folder, Some(20)));
    assert!(told.contains("optimizer.schedule = \"linear\"") && told.contains("--fork"), "{told}");
    assert!(untouched == files_below(&folder));
    // Where and how often it stores may change, and stays changed.
    edit(&folder, "checkpoint_every = 4", "checkpoint_every = 2");
    edit(&folder, "workers = 1", "workers = 2");
    resume(&folder);
    assert_eq!(checkpoints(&folder), [4, 5, 6, 8, 10, 11]);
}

fn paint(folder: &Path, class: &str, name: &str, shade: u8) {
    fs::create_dir_all(folder.join(class)).unwrap();
    let picture = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([shade, x as u8 * 9, y as u8 * 9]));
    picture.save(folder.join(class).join(name)).unwrap();
}

#[test]
fn other_data_is_refused_and_moved_data_is_not() {
    let root = tempfile::tempdir().unwrap();
    let (data, folder) = (root.path().join("data"), root.path().join("run"));
    for i in 0..5 {
        paint(&data, "a", &format!("{i}.png"), i * 20);
        paint(&data, "b", &format!("{i}.png"), 200 - i * 20);
    }
    let config = improved(&[&format!("data.source={}", data.display())]);
    run_until(RunRequest::new(config.clone(), folder.clone()), 5);
    let whole = root.path().join("whole");
    run(&config, &whole);
    let before = files_below(&folder);
    let refused = |part: &str| {
        let told = failure(&events(RunRequest::resume(&folder, None).unwrap()));
        assert!(told.contains(part) && told.contains(data.to_str().unwrap()), "{part} in {told}");
        assert!(before == files_below(&folder), "a refusal leaves the session alone");
    };
    paint(&data, "a", "4.png", 81);
    refused("but different ones");
    fs::remove_file(data.join("a/4.png")).unwrap();
    refused("images of a: were 5, are 4");
    paint(&data, "a", "4.png", 80);
    paint(&data, "c", "0.png", 80);
    refused("classes: were a, b; are a, b, c");
    fs::remove_dir_all(data.join("c")).unwrap();
    let moved = root.path().join("moved");
    fs::rename(&data, &moved).unwrap();
    refused("data.source in run.toml");
    edit(&folder, data.to_str().unwrap(), moved.to_str().unwrap());
    resume(&folder);
    for file in gandle::train::state::FILES {
        let read = |folder: &Path| fs::read(checkpoint_folder(folder, STEPS).join(file)).unwrap();
        assert!(read(&whole) == read(&folder), "{file}");
    }
}

#[test]
fn a_fork_goes_on_by_itself_with_other_settings() {
    let root = tempfile::tempdir().unwrap();
    let [parent, same, other] = ["parent", "same", "other"].map(|name| root.path().join(name));
    run(&improved(&[]), &parent);
    let untouched = files_below(&parent);
    // Without a change, it is what the parent became.
    let told = events(RunRequest::fork(&parent, Some(8), same.clone(), None, &[]).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: STEPS }));
    let Event::Started(started) = &told[0] else { panic!("{:?}", told[0]) };
    let from = Some(Parent { session: "parent".to_owned(), step: 8, run: gandle::session::run_id(&parent) });
    assert_eq!((started.step, &started.parent), (8, &from));
    for file in gandle::train::state::FILES {
        let read = |folder: &Path| fs::read(checkpoint_folder(folder, STEPS).join(file)).unwrap();
        assert!(read(&parent) == read(&same), "{file}");
    }
    // With changes, it stands without its parent and goes on as itself.
    let set = ["loss.lecam=0.3", "optimizer.generator_lr=0.00005", "train.batch_size=6"].map(str::to_owned);
    let request = RunRequest::fork(&parent, None, other.clone(), Some(20), &set).unwrap();
    run_until(request, 14);
    assert!(untouched == files_below(&parent));
    fs::remove_dir_all(&parent).unwrap();
    assert_eq!(checkpoints(&other), [11, 12, 14]);
    let told = resume(&other);
    assert!(matches!(&told[0], Event::Started(s) if s.step == 14 && s.parent.as_ref().is_some_and(|p| p.step == 11)));
    let state = read_state(&checkpoint_folder(&other, 20)).unwrap();
    assert_eq!((state.config.train.batch_size, state.parent.unwrap().step), (6, 11));
    let to = || root.path().join("no");
    let refused = |set: &str, steps| refusal(RunRequest::fork(&same, None, to(), steps, &[set.to_owned()]));
    assert!(refused("generator.base_channels=8", Some(20)).contains("generator.base_channels: was 4, is 8"));
    assert!(refused("train.seed=1", None).contains("--steps"));
    assert!(refused("train.sed=1", None).contains("train.seed"));
    assert!(RunRequest::fork(&same, Some(9), to(), None, &[]).is_err_and(|err| format!("{err:#}").contains("[8, 11]")));
}

#[test]
fn a_damaged_checkpoint_is_set_aside_and_the_one_before_it_is_used() {
    let root = tempfile::tempdir().unwrap();
    let [whole, hurt] = ["whole", "hurt"].map(|name| root.path().join(name));
    run(&improved(&[]), &whole);
    copy(&whole, &hurt);
    cut(&hurt, is_step(9), 8, "");
    let spoil = |step| {
        let file = checkpoint_folder(&hurt, step).join("discriminator.safetensors");
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    };
    spoil(8);
    let told = resume(&hurt);
    let kept = warnings(&told);
    assert!(kept[0].contains("0000008.damaged") && kept[0].contains("SHA-256"), "{kept:?}");
    assert!(hurt.join("checkpoints/0000008.damaged/state.json").is_file());
    assert_same(&whole, &hurt, 8, "written again");
    assert_same(&whole, &hurt, STEPS, "damaged");
    [4, 8, 11].into_iter().for_each(spoil);
    let err = RunRequest::resume(&hurt, Some(20)).err().unwrap().to_string();
    assert!(err.contains("no checkpoint is whole") && err.contains("0000004"), "{err}");
}

#[test]
fn one_run_at_a_time_writes_to_a_session() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let mut request = RunRequest::new(improved(&["train.steps=1000000"]), folder.clone());
    request.after_step = None;
    let engine = Engine::spawn(request, Arc::new(|| {})).unwrap();
    assert!(engine.wait_events().any(|event| matches!(event, Event::Checkpoint(_))));
    assert!(!gandle::session::is_free(&folder));
    let told = failure(&events(RunRequest::resume(&folder, None).unwrap()));
    assert!(told.contains(&format!("process {}", std::process::id())) && told.contains("being written"), "{told}");
    let told = failure(&events(RunRequest::new(improved(&[]), folder.clone())));
    assert!(told.contains("already holds a session"), "{told}");
    // Reading stays possible.
    assert!(Stored::open(&folder).unwrap().events.len() > 4);
    assert!(gandle::engine::sample::Sampler::open(&folder, None).is_ok());
    drop(engine);
    assert!(gandle::session::is_free(&folder));
    let step = *checkpoints(&folder).last().unwrap();
    let told = events(RunRequest::resume(&folder, Some(step + 2)).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: step + 2 }));
}

#[test]
fn what_is_removed_is_listed_and_every_kth_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let set = ["train.checkpoint_every=1", "train.keep_checkpoints=2", "train.keep_every=4"];
    let told = run(&improved(&set), &folder);
    assert_eq!(checkpoints(&folder), [4, 8, 10, 11]);
    let removed: Vec<String> = told
        .iter()
        .filter_map(|e| if let Event::Checkpoint(c) = e { Some(c.removed.clone()) } else { None })
        .flatten()
        .collect();
    assert_eq!(removed, [1, 2, 3, 5, 6, 7, 9].map(|step| format!("checkpoints/{step:07}")));
}

#[test]
fn a_session_of_the_first_release_opens_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("session-1");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/session-1"), &folder);
    let stored = Stored::open(&folder).unwrap();
    assert_eq!((stored.warnings.as_slice(), stored.events.len()), (&[][..], 13));
    assert!(refusal(RunRequest::resume(&folder, None)).contains("finished"));
    edit(&folder, "cache = \"\"", concat!("cache = \"", env!("CARGO_TARGET_TMPDIR"), "/cache\""));
    let told = events(RunRequest::resume(&folder, Some(6)).unwrap());
    assert_eq!(told.last(), Some(&Event::Finished { step: 6 }), "{told:?}");
    let steps: Vec<usize> =
        told.iter().filter_map(|e| if let Event::Step(s) = e { Some(s.step) } else { None }).collect();
    assert_eq!((steps, checkpoints(&folder)), (vec![5, 6], vec![6]));
    // From here on it knows what it is trained on.
    let state = read_state(&checkpoint_folder(&folder, 6)).unwrap();
    assert_eq!(state.data.unwrap().images, [2; 6]);
    // A choice that there was not yet is the one that was then made.
    assert_eq!(state.config.score.extractor, "efficientnet-lite0");
    assert!(state.watched.is_some());
}

#[test]
fn a_checkpoint_of_a_newer_release_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    run(&improved(&[]), &folder);
    let path = checkpoint_folder(&folder, STEPS).join("state.json");
    let text = fs::read_to_string(&path).unwrap().replacen("\"schema\": 1", "\"schema\": 99", 1);
    fs::write(&path, text).unwrap();
    assert!(refusal(RunRequest::resume(&folder, Some(20))).contains("newer release"));
}

#[test]
fn a_run_that_diverged_is_warned_that_it_will_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let set = ["discriminator.spectral_norm=false", "train.steps=200", "train.checkpoint_every=1"];
    let mut config = improved(&set);
    let o = &mut config.optimizer;
    (o.generator_lr, o.discriminator_lr, o.beta1, o.beta2) = (1.0, 1.0, 0.9, 0.0);
    let first = events(RunRequest::new(config, folder.clone()));
    let again = events(RunRequest::resume(&folder, None).unwrap());
    assert!(warnings(&again).iter().any(|text| text.contains("diverged at step")), "{again:?}");
    assert_eq!(first.last(), again.last());
    let request =
        RunRequest { from: Origin::Resume { steps: None, set: Vec::new() }, ..RunRequest::new(improved(&[]), folder) };
    assert!(failure(&events(request)).contains("diverged"), "the session's own settings count");
}

#[test]
fn curves_weights_and_a_page_can_be_taken_out() {
    use gandle::engine::export::export;
    use gandle::event::{Content, Export, Exported};
    let root = tempfile::tempdir().unwrap();
    let [folder, out] = ["a <b>", "out"].map(|name| root.path().join(name));
    let set = ["score.every=8", "train.seed=7", "loss.texture=0.1", "score.extractor=efficientnet-lite0"];
    run(&improved(&set), &folder);
    // A session that was cut off and went on: what was void is left out.
    cut(&folder, is_step(7), 4, "");
    resume(&folder);
    let asked = |content| Export { session: folder.clone(), content, folder: Some(out.clone()) };
    let read = |content| -> Vec<(String, Vec<u8>)> {
        let Some(Exported::Files(paths)) = export(&asked(content), |_, _| true).unwrap() else { panic!() };
        paths
            .iter()
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect()
    };
    let tables = read(Content::Csv);
    let text = |i: usize| String::from_utf8(tables[i].1.clone()).unwrap();
    let rows = |i: usize| text(i).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((tables[0].0.as_str(), tables[1].0.as_str()), ("curves-step0000011.csv", "scores-step0000011.csv"));
    let steps: Vec<String> = rows(0)[1..].iter().map(|row| row.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(steps, (1..=STEPS).map(|step| step.to_string()).collect::<Vec<_>>());
    assert_eq!(rows(0)[0].split(',').count(), rows(0)[5].split(',').count());
    let score = &rows(1)[1];
    assert_eq!(rows(1)[0].split(',').count(), score.split(',').count());
    assert!(score.starts_with("8,frechet-distance,efficientnet-lite0,,24,"), "{score}");
    assert!(rows(1)[0].ends_with(",trained_on") && score.ends_with(",true"), "the loss compares the same features");
    assert!(text(0).contains("# seed: 7") && text(0).contains("# session: a <b>"));

    let page = String::from_utf8(read(Content::Html).remove(0).1).unwrap();
    for part in [
        "<h1>a &lt;b&gt;</h1>",
        "polyline",
        "data:image/png;base64,",
        "frechet-distance",
        "efficientnet-lite0, also in the loss",
        "train.seed",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http") && !page.contains("<script"), "nothing is fetched");

    let (name, bytes) = read(Content::Safetensors { step: Some(4) }).remove(0);
    assert_eq!(name, "generator-step0000004.safetensors");
    let ema = fs::read(checkpoint_folder(&folder, 4).join("ema.safetensors")).unwrap();
    let [exported, kept] = [&bytes, &ema].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    let sorted = |file: &safetensors::SafeTensors<'_>| {
        let mut all: Vec<_> =
            file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec(), view.data().to_vec())).collect();
        all.sort();
        all
    };
    assert!(sorted(&exported) == sorted(&kept));
    let (_, about) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let about = about.metadata().as_ref().unwrap();
    assert_eq!((about["step"].as_str(), about["seed"].as_str(), about["session"].as_str()), ("4", "7", "a <b>"));
    assert!(about["classes"].contains("monocyte") && about["config"].contains("\"seed\":7"));

    let err = export(&asked(Content::Csv), |_, _| true).unwrap_err().to_string();
    assert!(err.contains("not overwritten"), "{err}");
    let within = Export { folder: None, ..asked(Content::Html) };
    let Some(Exported::Files(files)) = export(&within, |_, _| true).unwrap() else { panic!() };
    assert_eq!(files[0].parent().unwrap(), folder.join("exports"));
}

#[test]
fn every_counter_of_a_checkpoint_matters() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    run(&improved(&[]), &whole);
    let ended = |folder: &Path| fs::read(checkpoint_folder(folder, STEPS).join("generator.safetensors")).unwrap();
    for counter in ["loader_position", "discriminator_draws", "generator_draws"] {
        let forgetful = root.path().join(counter);
        copy(&whole, &forgetful);
        cut(&forgetful, is_step(8), 8, "");
        let path = checkpoint_folder(&forgetful, 8).join("state.json");
        let text = fs::read_to_string(&path).unwrap();
        let wrong = text.replacen(&format!("\"{counter}\": 8"), &format!("\"{counter}\": 7"), 1);
        assert_ne!(text, wrong);
        fs::write(&path, wrong).unwrap();
        resume(&forgetful);
        assert!(ended(&whole) != ended(&forgetful), "{counter}");
    }
}

/// Runs until a step is done, makes changes there, and stops there or goes on.
fn edited(request: RunRequest, at: usize, changes: &[(&str, &str)], stop: bool) -> Vec<Event> {
    let change =
        |(key, to): &(&str, &str)| Change { key: (*key).to_owned(), from: String::new(), to: (*to).to_owned() };
    let mut commands = vec![Command::Edit(changes.iter().map(change).collect())];
    commands.extend(stop.then_some(Command::Stop));
    run_asking(request, at, commands)
}

#[test]
fn changes_of_a_running_run_are_kept_where_it_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let changes = [
        ("optimizer.generator_lr", "0.0005"),
        ("loss.lecam", "0.2"),
        ("train.grid_every", "2"),
        ("augment.color", "0.5"),
    ];
    // The checkpoint of step 4 is there before the changes; that of step 6 comes after them.
    for at in [4, 6] {
        let [whole, halves] = ["whole", "halves"].map(|name| root.path().join(format!("{name}-{at}")));
        let unbroken = edited(RunRequest::new(improved(&[]), whole.clone()), at, &changes, false);
        let first = edited(RunRequest::new(improved(&[]), halves.clone()), at, &changes, true);
        assert_eq!(first.last(), Some(&Event::Stopped { step: at }));
        let second = resume(&halves);
        assert_same(&whole, &halves, STEPS, &format!("changed at {at}"));
        assert_same_grids(&whole, &halves, &format!("changed at {at}"));
        assert_eq!(happened(&unbroken), happened(&[first, second].concat()), "{at}");
        // run.toml has the old values, which is no difference.
        let state = read_state(&checkpoint_folder(&halves, STEPS)).unwrap();
        assert_eq!((state.config.loss.lecam, state.original.unwrap().loss.lecam), (0.2, 0.0));
    }
    // Without a checkpoint since, they are made again where they were made, also by the second who tries.
    let killed = root.path().join("killed");
    copy(&root.path().join("whole-6"), &killed);
    cut(&killed, is_step(7), 4, "");
    let told = run_until(RunRequest::resume(&killed, None).unwrap(), 5);
    assert!(!told.iter().any(|event| matches!(event, Event::Edited(_))));
    std::fs::remove_dir_all(checkpoint_folder(&killed, 5)).unwrap();
    let told = resume(&killed);
    let made = told.iter().filter_map(|event| if let Event::Edited(edited) = event { Some(edited.step) } else { None });
    assert_eq!(made.collect::<Vec<_>>(), [6]);
    assert_same(&root.path().join("whole-6"), &killed, STEPS, "changed again");
}
