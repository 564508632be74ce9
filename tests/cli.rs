//! The command line as scripts use it: exit status, JSON lines, what goes to which stream.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The program, which keeps what it remembers of its user with the tests.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gandle"));
    program.env("GANDLE_DATA_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    program
}

fn gandle(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const SMALL: &[&str] = &[
    "--set",
    "image_size=16",
    "--set",
    "data.demo_images=4",
    "--set",
    "generator.base_channels=4",
    "--set",
    "discriminator.base_channels=4",
    "--set",
    "generator.attention=[]",
    "--set",
    "discriminator.attention=[]",
    "--set",
    "train.batch_size=4",
    "--set",
    "train.checkpoint_every=2",
    "--set",
    concat!("data.cache=", env!("CARGO_TARGET_TMPDIR"), "/cache"),
];

fn train(out: &Path, more: &[&str]) -> Output {
    let out = out.to_str().unwrap();
    gandle(&[&["train", "--data", "demo", "--out", out, "--steps", "4", "--json"], SMALL, more].concat())
}

fn replay_all(vectors: Option<&str>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let mut traces: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    traces.sort();
    assert_eq!(traces.len(), 32);
    let mut arguments = vec!["replay", "--json"];
    arguments.extend(traces.iter().map(String::as_str));
    let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
    command.args(&arguments).env_remove("GANDLE_VECTORS").envs(vectors.map(|name| ("GANDLE_VECTORS", name)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!text(&output.stderr).contains("is ignored"), "{}", text(&output.stderr));
    for report in lines(&output) {
        assert_eq!(report["ok"], true, "{report}");
        // Far inside the bound: what float32 rounding alone moves. Through sixteen frozen blocks it moves more, where a number
        // lies so near to a kink of theirs that it comes to the other side.
        let most = if report["trace"].as_str().unwrap().contains("projected") { 3e-5 } else { 3e-6 };
        assert!(report["losses"].as_f64().unwrap() < 6e-5 && report["generator"].as_f64().unwrap() < most, "{report}");
    }
}

#[test]
fn recorded_traces_replay() {
    replay_all(None);
}

#[test]
fn recorded_traces_replay_with_narrower_vectors() {
    replay_all(Some("scalar"));
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        replay_all(Some("avx2"));
    }
}

#[test]
fn vectors_that_are_none_are_told_and_left_out() {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces/unet.safetensors");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
    let output = command.arg("replay").arg(trace).env("GANDLE_VECTORS", "avx1024").output().unwrap();
    let told = text(&output.stderr);
    assert!(output.status.success() && told.contains("avx1024") && told.contains("is ignored"), "{told}");
}

#[test]
fn a_broken_trace_is_told_by_name_and_fails() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("broken.safetensors");
    std::fs::write(&path, [255; 40]).unwrap();
    let output = gandle(&["replay", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("broken.safetensors"), "{}", text(&output.stderr));
}

#[test]
fn training_prints_events_alone_and_repeats() {
    let root = tempfile::tempdir().unwrap();
    let runs: Vec<Vec<Value>> = ["a", "b"]
        .iter()
        .map(|name| {
            let output = train(&root.path().join(name), &["--set", "score.every=4"]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            let mut events = lines(&output);
            for event in &mut events {
                let fields = event.as_object_mut().unwrap();
                for clock in ["time", "seconds", "total_seconds", "share", "images_per_s", "memory_mb", "session"] {
                    fields.remove(clock);
                }
            }
            events
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
    let names: Vec<&str> = runs[0].iter().map(|event| event["event"].as_str().unwrap()).collect();
    let want = [
        "started",
        "data",
        "grid",
        "step",
        "step",
        "checkpoint",
        "step",
        "step",
        "grid",
        "checkpoint",
        // Coverage, which such small classes have not.
        "warning",
        "score",
        "nearest",
        "best",
        "scored",
        "finished",
    ];
    let mut distinct = names.clone();
    distinct.dedup_by(|a, b| *a == "score" && a == b);
    assert_eq!(distinct, want);
    let score = &runs[0][11];
    assert_eq!(
        (score["metric"].as_str(), score["extractor"].as_str(), &score["class"]),
        (Some("frechet-distance"), Some("efficientnet-lite2"), &Value::Null)
    );
    assert_eq!((&score["step"], &score["samples"]), (&4.into(), &24.into()));
}

#[test]
fn an_existing_session_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("run.toml"), "mine").unwrap();
    let output = train(root.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("already holds a session"));
    assert_eq!(std::fs::read_to_string(root.path().join("run.toml")).unwrap(), "mine");
}

#[test]
fn bad_settings_are_listed_together_with_status_2() {
    let output = gandle(&["train", "--set", "train.stepz=3", "--set", "loss.kind=best"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("train.steps") && told.contains("wasserstein-gp"), "{told}");
    let output = gandle(&["train", "--dry-run", "--set", "image_size=48", "--set", "channels=2"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("error: image_size") && told.contains("error: channels"), "{told}");
    assert_eq!(gandle(&["train", "--preset", "best"]).status.code(), Some(2));
    assert_eq!(gandle(&["fly"]).status.code(), Some(2));
}

#[test]
fn a_setting_that_nothing_reads_is_told_with_what_would_make_it_be_read() {
    let told = |more: &[&str]| {
        let output = gandle(&[&["train", "--dry-run"], more].concat());
        assert!(output.status.success());
        text(&output.stderr)
    };
    let warning = "warning: loss.lecam_decay: it has no effect, since loss.lecam is 0: it is read only with a LeCam weight above 0";
    let set = ["--set", "loss.lecam_decay=0.5"];
    assert!(told(&set).contains(warning), "{}", told(&set));
    assert_eq!(told(&[&set[..], &["--set", "loss.lecam=0.1"]].concat()), "");
    // What a preset brings along for a term that is turned off was set by nobody.
    assert_eq!(told(&["--preset", "quick", "--set", "train.blur=0"]), "");
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("run.toml");
    std::fs::write(&file, "[loss]\nlecam_decay = 0.5\nlabel_smoothing = 0.1\n").unwrap();
    let told = told(&["--config", file.to_str().unwrap()]);
    assert!(told.contains(warning) && told.lines().count() == 1, "{told}");
}

#[test]
fn a_dry_run_prints_a_file_that_gives_the_same_run() {
    let root = tempfile::tempdir().unwrap();
    let output =
        gandle(&[&["train", "--dry-run", "--preset", "original", "--seed", "7", "--steps", "9"], SMALL].concat());
    assert!(output.status.success());
    let file = root.path().join("run.toml");
    std::fs::write(&file, &output.stdout).unwrap();
    let again = gandle(&["train", "--dry-run", "--config", file.to_str().unwrap()]);
    assert_eq!(text(&again.stdout), text(&output.stdout));
    assert!(text(&output.stdout).contains("seed = 7") && text(&output.stdout).contains("steps = 9"));
    assert!(text(&output.stderr).contains("warning: discriminator.norm"), "{}", text(&output.stderr));
}

#[test]
fn presets_are_listed_and_printed_with_comments() {
    let list = text(&gandle(&["presets"]).stdout);
    assert!(["quick", "improved", "original"].iter().all(|name| list.contains(name)));
    let improved = text(&gandle(&["presets", "improved"]).stdout);
    for part in ["# ", "[generator]", "attention = [32]", "generator_lr = 0.0001", "kind = \"hinge\""] {
        assert!(improved.contains(part), "{part}");
    }
    assert_eq!(gandle(&["presets", "best"]).status.code(), Some(2));
}

#[test]
fn sampled_images_are_a_folder_that_inspect_reads() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    assert!(train(&session, &[]).status.success());
    let (session, out) = (session.to_str().unwrap(), root.path().join("out"));
    let out = out.to_str().unwrap();
    assert!(gandle(&["sample", session, "--class", "monocyte", "--count", "2", "--out", out]).status.success());
    assert!(
        gandle(&["sample", session, "--count", "3", "--seed", "9", "--truncation", "0.5", "--out", out])
            .status
            .success()
    );
    let report = &lines(&gandle(&["inspect", out, "--json"]))[0];
    let images: Vec<u64> =
        report["classes"].as_array().unwrap().iter().map(|c| c["images"].as_u64().unwrap()).collect();
    assert_eq!(images, [3, 3, 3, 5, 3, 3]);
    // As many as its four real images fall short of six, and no other format than those of one file per image.
    let fill = |format: &str, out: &str| {
        gandle(&["sample", session, "--fill-up", "6", "--format", format, "--seed", "3", "--out", out])
    };
    let filled = fill("png", out);
    assert!(filled.status.success(), "{}", text(&filled.stderr));
    let told = text(&filled.stdout);
    assert!(told.contains("12 images in") && told.contains("synthetic-step0000004-seed3.csv"), "{told}");
    assert_eq!(fill("npz", out).status.code(), Some(2));
    assert_eq!(fill("bmp", out).status.code(), Some(2));
    let both = gandle(&["sample", session, "--fill-up", "6", "--count", "3", "--out", out]);
    assert_eq!(both.status.code(), Some(2));
    let set = gandle(&["sample", session, "--format", "parquet", "--count", "2", "--out", out]);
    let set = text(&set.stdout).trim().to_owned();
    assert!(set.ends_with("step0000004-seed0.parquet"), "{set}");
    assert_eq!(lines(&gandle(&["inspect", &set, "--json"]))[0]["classes"][3]["images"], 2);
    let unknown = gandle(&["sample", session, "--class", "zebra", "--out", out]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("monocyte"));
}

#[test]
fn the_best_checkpoint_is_sampled_exported_and_forked_by_its_name() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    assert!(train(&session, &["--set", "score.every=0"]).status.success());
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let run = at("run");
    let sample = |step: &str| gandle(&["sample", &run, "--count", "1", "--step", step, "--out", &at(step)]);
    let refused = sample("best");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("has no best checkpoint"), "{}", text(&refused.stderr));
    assert_eq!(sample("newest").status.code(), Some(2));

    let mut events = std::fs::OpenOptions::new().append(true).open(session.join("events.jsonl")).unwrap();
    let best = r#"{"event":"best","step":2,"metric":"frechet-distance","value":1.0}"#;
    std::io::Write::write_all(&mut events, format!("{best}\n").as_bytes()).unwrap();
    for step in ["best", "2", "4"] {
        assert!(sample(step).status.success());
    }
    let drawn = |step: &str| {
        let first = std::fs::read_dir(root.path().join(step).join("monocyte")).unwrap().next().unwrap().unwrap();
        image::open(first.path()).unwrap().into_rgb8()
    };
    assert!(drawn("best") == drawn("2") && drawn("best") != drawn("4"));
    let weights = gandle(&["export", &run, "--format", "safetensors", "--step", "best", "--out", &at("weights")]);
    assert!(text(&weights.stdout).contains("0000002"), "{}", text(&weights.stdout));
    let fork = gandle(&["resume", &run, "--fork", &at("fork"), "--step", "best", "--steps", "3", "--json"]);
    assert_eq!(lines(&fork)[0]["parent"]["step"], 2, "{}", text(&fork.stderr));
}

#[test]
fn exports_are_named_and_settings_that_do_not_belong_to_one_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (session, out) = (root.path().join("run"), root.path().join("out"));
    assert!(train(&session, &[]).status.success());
    let (session, out) = (session.to_str().unwrap(), out.to_str().unwrap());
    let export = |more: &[&str]| gandle(&[&["export", session, "--out", out], more].concat());
    let walk =
        ["--format", "webp", "--of", "walk", "--class", "monocyte", "--frames", "4", "--stops", "2", "--seed", "3"];
    for (arguments, file) in [
        (&["--format", "onnx", "--step", "2"][..], "generator-step0000002.onnx"),
        (&["--format", "gif", "--frames", "2", "--fps", "4"], "history-step0000004.gif"),
        (&["--format", "tensorboard"], "run-step0000004/events.out.tfevents."),
        (&walk, "walk-class3-step0000004-seed3.webp"),
    ] {
        let output = export(arguments);
        let told = text(&output.stdout);
        assert!(output.status.success() && told.contains(file), "{told}{}", text(&output.stderr));
        assert!(std::path::Path::new(told.trim()).is_file(), "{told}");
    }
    for (arguments, part) in [
        (&["--format", "html", "--step", "4"][..], "--step"),
        (&["--format", "gif", "--seed", "4"], "--seed"),
        (&["--format", "onnx", "--of", "walk"], "--of"),
        (&["--format", "mp4"], "tensorboard"),
        (&["--format", "gif", "--of", "walk", "--class", "zebra"], "monocyte"),
    ] {
        let output = export(arguments);
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(part), "{told}");
    }
    let output = export(&["--format", "gif", "--fps", "99"]);
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("0.1 to 50"));
}

#[test]
fn pruning_lists_first_and_removes_what_was_asked_for_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    let more = ["--set", "train.checkpoint_every=1", "--set", "train.keep_checkpoints=0", "--set", "score.every=2"];
    assert!(train(&folder, &more).status.success());
    let session = folder.to_str().unwrap();
    let prune = |more: &[&str]| {
        let output = gandle(&[&["prune", session], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let have = || gandle::session::checkpoints(&folder);
    let all = have();
    assert!(all.ends_with(&[1, 2, 3, 4]), "{all:?}");
    // As the run itself keeps them: all.
    assert!(prune(&["--yes"]).contains("nothing to remove"));
    let told = prune(&["--keep-last", "1"]);
    assert!(
        told.contains("would go   checkpoint         3") && told.contains("stays      checkpoint         4"),
        "{told}"
    );
    assert!(told.contains("sample grids") && told.contains("--yes removes them"), "{told}");
    assert_eq!(have(), all);

    // Nothing goes while somebody writes, nor without a session.
    let lock = gandle::session::Lock::take(&folder).unwrap();
    let output = gandle(&["prune", session, "--keep-last", "1", "--yes"]);
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("being written to"));
    drop(lock);
    assert_eq!(gandle(&["prune", root.path().to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(have(), all);

    // The newest is damaged: the one before it is the newest whole one, and stays beside it.
    std::fs::write(folder.join("checkpoints/0000004/ema.safetensors"), "half").unwrap();
    let told = prune(&["--keep-last", "1", "--yes"]);
    assert!(told.contains("removed    checkpoint         1") && told.contains("freed"), "{told}");
    let best = gandle::session::best_scored(&gandle::session::Stored::open(&folder).unwrap()).unwrap();
    let best = best.there().unwrap();
    let left: Vec<usize> = [2, 3, 4].into_iter().filter(|step| *step >= 3 || *step == best).collect();
    assert_eq!(have(), left);
    let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["step"]), (&"checkpoint".into(), &4.into()));
    assert!(last["removed"].as_array().unwrap().contains(&"checkpoints/0000001".into()), "{last}");
    // It goes on from what is left.
    let output = gandle(&["resume", session, "--steps", "5"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(have().last(), Some(&5));
}

#[test]
fn inspect_tells_what_is_skipped_and_why() {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("cells");
    std::fs::create_dir(&class).unwrap();
    image::RgbImage::new(20, 30).save(class.join("good.png")).unwrap();
    std::fs::write(class.join("bad.png"), b"not a picture").unwrap();
    let folder = root.path().to_str().unwrap();
    let report = &lines(&gandle(&["inspect", folder, "--json"]))[0];
    assert_eq!(report["classes"][0]["images"], 1);
    assert!(report["skipped"][0]["file"].as_str().unwrap().contains("bad.png"));
    assert!(report["duplicates"].is_array());
    let told = text(&gandle(&["inspect", folder]).stdout);
    assert!(told.contains("bad.png") && told.contains("20x30"), "{told}");
    let nowhere = gandle(&["inspect", "/no/such/folder"]);
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn inspect_takes_labels_and_voxels_of_absurd_lengths() {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("a");
    std::fs::create_dir(&class).unwrap();
    image::RgbImage::new(20, 30).save(root.path().join("1.png")).unwrap();
    let table = root.path().join("labels.csv");
    std::fs::write(&table, format!("image,label\n1.png,{}\n", "x".repeat(70_000))).unwrap();
    let told = gandle(&["inspect", table.to_str().unwrap()]);
    assert!(told.status.success() && text(&told.stdout).contains("1 images in 1 classes"), "{}", text(&told.stderr));
    // Made square, each slice of one voxel would have 49 million.
    let thin = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 1 1 2\nencoding: raw\nendian: little\nspacings: 1 4.9e7 1\n\n\u{1}\u{2}";
    std::fs::write(class.join("s.nrrd"), thin).unwrap();
    std::fs::remove_file(root.path().join("1.png")).unwrap();
    let report = &lines(&gandle(&["inspect", root.path().to_str().unwrap(), "--json"]))[0];
    assert_eq!((&report["sizes"][0]["width"], &report["sizes"][0]["height"]), (&1.into(), &1.into()), "{report}");
}

#[test]
fn inspect_lists_the_first_of_many_findings_and_counts_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("cells");
    std::fs::create_dir(&class).unwrap();
    for file in 0..30 {
        std::fs::write(class.join(format!("bad-{file}.png")), b"not a picture").unwrap();
        image::RgbImage::new(20, 30).save(class.join(format!("copy-{file:02}.png"))).unwrap();
    }
    let folder = root.path().to_str().unwrap();
    let told = text(&gandle(&["inspect", folder]).stdout);
    assert_eq!(told.matches("skipped: ").count(), 21, "{told}");
    assert!(told.contains("skipped: 10 more (--all lists them)"), "{told}");
    assert!(told.contains("copy-07.png, and 22 more"), "{told}");
    let all = text(&gandle(&["inspect", folder, "--all"]).stdout);
    assert_eq!(all.matches("skipped: ").count(), 30, "{all}");
    assert!(all.contains("copy-29.png") && !all.contains("more"), "{all}");
}

#[test]
fn inspect_counts_what_settings_of_the_data_hold_out() {
    let set = ["--set", "data.demo_images=10", "--set", "data.held_out=0.2"];
    let report = &lines(&gandle(&[&["inspect", "demo", "--json"], &set[..]].concat()))[0];
    assert_eq!((&report["classes"][0]["images"], &report["classes"][0]["held_out"]), (&8.into(), &2.into()));
    let told = text(&gandle(&[&["inspect", "demo"], &set[..]].concat()).stdout);
    assert!(told.contains("48 images in 6 classes, and 12 held out"), "{told}");
    for wrong in ["data.held_out=1", "data.group_by=(", "data.nothing=1"] {
        let refused = gandle(&["inspect", "demo", "--set", wrong]);
        let name = wrong.split('=').next().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(text(&refused.stderr).contains(name), "{wrong}: {}", text(&refused.stderr));
    }
}

#[test]
fn bench_prints_one_object() {
    let unread = ["--set", "loss.r1_every=16"];
    let output = gandle(&[&["bench", "--json", "--steps", "2", "--batch", "4"], &SMALL[..12], &unread].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("warning: loss.r1_every: it has no effect"), "{}", text(&output.stderr));
    let report = &lines(&output)[0];
    assert!(report["step_ms"].as_f64().unwrap() > 0.0 && report["images_per_s"].as_f64().unwrap() > 0.0);
    assert!(report["threads"].as_u64().unwrap() > 0 && report["config"]["image_size"] == 16);
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_a_checkpoint_and_leaves_with_130() {
    use std::io::{BufRead as _, BufReader};
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    let mut child = program()
        .args(["train", "--data", "demo", "--steps", "1000000", "--json", "--out", session.to_str().unwrap()])
        .args(SMALL)
        .args(["--set", "train.checkpoint_every=0", "--set", "score.every=0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
    let step = reader.find(|line| line.as_ref().unwrap().contains("\"event\":\"step\""));
    assert!(step.is_some());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let last = reader.map(Result::unwrap).last().unwrap();
    assert!(last.contains("\"event\":\"stopped\""), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(gandle::session::checkpoints(&session).len(), 1);
}
