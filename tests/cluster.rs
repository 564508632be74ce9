//! The command line as a cluster uses it: runs that begin or go on, signals with their exit statuses, full disks, sweeps, and
//! the table that compares what came of them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/tiny.rs"]
mod tiny;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use gandle::config::Config;
use gandle::event::{Event, Score, Step};
use gandle::session::{Stored, checkpoint_folder, checkpoints, read_whole};
use serde_json::Value;
use tiny::TINY;

/// Beside what makes every such run tiny.
const OWN: &[&str] =
    &["data.source=demo", "train.grid_every=0", "train.grid_columns=2", "train.checkpoint_every=0", "train.threads=1"];

/// The program, which keeps what it remembers of its user with the tests.
fn gandle(command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gandle"));
    program.env("GANDLE_DATA_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/user")).arg(command);
    program
}

fn with_settings(mut command: Command, more: &[&str]) -> Command {
    command.args(["--preset", "improved"]).args(TINY.iter().chain(OWN).chain(more).flat_map(|entry| ["--set", entry]));
    command
}

/// `gandle train --resume` with tiny networks.
fn train(out: &Path, steps: usize, more: &[&str]) -> Command {
    let mut command = with_settings(gandle("train"), more);
    command.args(["--resume", "--steps", &steps.to_string(), "--out"]).arg(out);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The status that a command leaves with, and what it says.
fn told(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), text(&output))
}

fn succeed(command: Command) -> String {
    let (status, said) = told(command);
    assert_eq!(status, Some(0), "{said}");
    said
}

/// Every file of the newest checkpoint but what a clock tells.
fn newest(session: &Path) -> (usize, Vec<Vec<u8>>) {
    let step = *checkpoints(session).last().unwrap();
    let files = gandle::train::state::FILES.map(|file| fs::read(checkpoint_folder(session, step).join(file)).unwrap());
    (step, files.to_vec())
}

/// A run that goes on, and its events.
struct Running {
    child: Child,
    events: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, events }
    }

    /// Reads on to an event.
    fn wait(&mut self, event: &str) -> Value {
        let wanted = format!("\"event\":\"{event}\"");
        let line = self.events.by_ref().map(Result::unwrap).find(|line| line.contains(&wanted));
        serde_json::from_str(&line.unwrap_or_else(|| panic!("no {event}"))).unwrap()
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Its exit status, and the last event.
    fn end(mut self) -> (Option<i32>, Value) {
        let last = self.events.by_ref().map(Result::unwrap).last().unwrap_or_else(|| "null".to_owned());
        (self.child.wait().unwrap().code(), serde_json::from_str(&last).unwrap())
    }
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_run_begins_or_goes_on_or_is_done_by_the_same_command() {
    let root = tempfile::tempdir().unwrap();
    let [whole, session] = ["whole", "run"].map(|name| root.path().join(name));
    succeed(train(&whole, 40, &[]));
    let mut first = Running::start(train(&session, 40, &["train.checkpoint_every=7"]));
    first.wait("checkpoint");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    // What may be another in the same run holds as the command says it.
    let said = succeed(train(&session, 40, &["train.checkpoint_every=9"]));
    assert!(said.contains("continues from step") && said.contains("finished at step 40"), "{said}");
    assert!(newest(&whole) == newest(&session));
    let state = read_whole(&session, 40).unwrap();
    assert_eq!(state.config.train.checkpoint_every, 9);

    let events = fs::read(session.join("events.jsonl")).unwrap();
    let said = succeed(train(&session, 40, &[]));
    assert!(said.contains("finished") && !said.contains("step 1:"), "{said}");
    let mut resume = gandle("resume");
    resume.arg(&session);
    assert!(succeed(resume).contains("finished"));
    assert_eq!(fs::read(session.join("events.jsonl")).unwrap(), events);
}

#[test]
fn another_run_in_the_folder_is_refused_with_what_differs() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    succeed(train(&session, 3, &[]));
    let before = fs::read(session.join("run.toml")).unwrap();
    let (status, said) = told(train(&session, 3, &["train.seed=7", "loss.kind=bce"]));
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("train.seed: was 0, is 7") && said.contains("loss.kind: was \"hinge\", is \"bce\""),
        "{said}"
    );
    let mut other = gandle("train");
    other.args(["--preset", "original", "--resume", "--out"]).arg(&session);
    let (status, said) = told(other);
    assert!(status == Some(2) && said.lines().count() < 20 && said.contains(" more\n"), "{said}");
    // Without --resume it is as it was.
    let mut plain = with_settings(gandle("train"), &[]);
    plain.arg("--out").arg(&session);
    let (status, said) = told(plain);
    assert!(status == Some(2) && said.contains("already holds a session") && said.contains("--resume"), "{said}");
    assert_eq!(fs::read(session.join("run.toml")).unwrap(), before);
    let (status, said) = told({
        let mut command = gandle("train");
        command.arg("--resume");
        command
    });
    assert!(status == Some(2) && said.contains("--out"), "{said}");
}

#[test]
fn of_two_that_start_at_once_one_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    let start = || {
        let mut command = train(&session, 1_000_000, &[]);
        command.arg("--json").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut both = [start(), start()];
    let refused = loop {
        if let Some(at) = both.iter_mut().position(|child| child.try_wait().unwrap().is_some()) {
            break at;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let [first, second] = both;
    let (refused, going) = if refused == 0 { (first, second) } else { (second, first) };
    let refused = refused.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    signal(going.id(), "TERM");
    let going = going.wait_with_output().unwrap();
    assert_eq!(going.status.code(), Some(75), "{}", text(&going));
    assert!(Stored::open(&session).unwrap().warnings.is_empty());
}

#[test]
fn signals_save_and_the_status_says_what_is_left_to_do() {
    let root = tempfile::tempdir().unwrap();
    for (name, status) in [("TERM", 75), ("USR1", 75), ("HUP", 75), ("INT", 130)] {
        let session = root.path().join(name);
        let mut run = Running::start(train(&session, 1_000_000, &[]));
        run.wait("step");
        run.signal(name);
        let (code, last) = run.end();
        assert_eq!((code, &last["event"]), (Some(status), &"stopped".into()), "{name}");
        assert_eq!(checkpoints(&session).last().map(|step| *step as u64), last["step"].as_u64(), "{name}");
    }
}

#[test]
fn usr2_saves_and_the_run_goes_on_and_more_signals_break_no_save() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    let mut run = Running::start(train(&session, 1_000_000, &[]));
    run.wait("step");
    run.signal("USR2");
    let saved = run.wait("checkpoint")["step"].as_u64().unwrap() as usize;
    assert!(run.wait("step")["step"].as_u64().unwrap() as usize > saved);
    for name in ["TERM", "TERM", "USR2", "INT", "USR1", "TERM"] {
        // It may be gone already.
        Command::new("kill")
            .args([&format!("-{name}"), &run.child.id().to_string()])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }
    let (code, last) = run.end();
    assert_eq!((code, &last["event"]), (Some(75), &"stopped".into()));
    for step in checkpoints(&session) {
        read_whole(&session, step).unwrap();
    }
    // It goes on where the last one left it.
    let mut again = Running::start(train(&session, 1_000_000, &[]));
    assert_eq!(again.wait("started")["step"], last["step"]);
    again.signal("TERM");
    assert_eq!(again.end().0, Some(75));
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_was_to_outlive_its_terminal_does() {
    let root = tempfile::tempdir().unwrap();
    let train = train(&root.path().join("run"), 1_000_000, &[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap "" HUP; exec "$@""#, "sh"]).arg(train.get_program()).args(train.get_args());
    shell.envs(train.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut run = Running::start(shell);
    run.wait("step");
    run.signal("HUP");
    // Both would have been heard by then.
    run.signal("USR2");
    run.wait("checkpoint");
    run.wait("step");
    run.signal("TERM");
    assert_eq!(run.end().0, Some(75));
}

#[test]
fn checkpoints_come_by_the_clock_too() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    let mut run = Running::start(train(&session, 1_000_000, &["train.checkpoint_seconds=0.05"]));
    let steps = [(); 3].map(|()| run.wait("checkpoint")["step"].as_u64().unwrap());
    assert!(steps[0] < steps[1] && steps[1] < steps[2], "{steps:?}");
    run.signal("TERM");
    run.end();
}

#[test]
fn a_full_disk_makes_a_run_wait_and_costs_nothing() {
    let root = tempfile::tempdir().unwrap();
    let [whole, disk] = ["whole", "disk"].map(|name| root.path().join(name));
    fs::create_dir(&disk).unwrap();
    let more = ["train.checkpoint_every=100", "train.keep_checkpoints=0"];
    succeed(train(&whole, 1500, &more));
    // A disk of its own, which nobody else sees: an earlier session, and then the run.
    let script = r#"mount -t tmpfs -o size=16m none "$0" && "$@" --out "$0/old" --steps 300 >&2 && exec "$@" --out "$0/run" --steps 1500 --json"#;
    let [old, run] = ["old", "run"].map(|name| disk.join(name));
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "bash", "-c", script]).arg(&disk);
    let plain = with_settings(gandle("train"), &more);
    unshare.arg(plain.get_program()).args(plain.get_args());
    unshare.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if !Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "true"])
        .status()
        .is_ok_and(|s| s.success())
    {
        println!("left out: this system gives nobody a disk of his own (unshare)");
        return;
    }
    let mut child = unshare.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let events = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut running = Running { child, events };
    running.wait("checkpoint");
    let inside = PathBuf::from(format!("/proc/{}/root", running.child.id())).join(disk.strip_prefix("/").unwrap());
    let ballast = inside.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
    let said = running.wait("warning")["message"].as_str().unwrap().to_owned();
    assert!(said.contains("waits for room") && said.contains("No space left"), "{said}");
    let prune = format!("gandle prune {} --keep-last 1 --yes", old.display());
    assert!(said.contains(&prune), "{said}");
    running.wait("paused");
    // Nothing has come of a try while the disk is full.
    running.signal("USR2");
    // What is removed keeps its room as long as somebody has it open.
    drop(file);
    fs::remove_file(&ballast).unwrap();
    running.signal("USR2");
    running.wait("resumed");
    let copy = root.path().join("copy");
    running.wait("checkpoint");
    copy_folder(&inside.join("run"), &copy);
    let (code, last) = running.end();
    assert_eq!((code, &last["event"]), (Some(0), &"finished".into()), "{}", run.display());
    // What it had written by then is whole, and goes on to the bits of a run that never waited.
    assert!(Stored::open(&copy).unwrap().warnings.len() <= 1);
    succeed(train(&copy, 1500, &more));
    assert!(newest(&whole) == newest(&copy));
    let history = Stored::open(&copy).unwrap().history();
    let steps = history.iter().filter(|event| matches!(event, Event::Step(_))).count();
    assert_eq!(steps, 1500, "no step is torn or told twice");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            // Parts that are being written may have gone.
            fs::copy(entry.path(), to).ok();
        }
    }
}

/// A session with one score.
fn scored(folder: &Path, set: &[&str], value: f64) {
    let set: Vec<String> = TINY.iter().chain(OWN).chain(set).map(|entry| (*entry).to_owned()).collect();
    let config = Config::default().with(&set).unwrap();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("run.toml"), config.to_toml()).unwrap();
    let score = Score { step: 10, metric: "frechet-distance".to_owned(), samples: 9, value, ..Score::default() };
    let events = [Event::Step(Step::of(10, 90.0, [])), Event::Score(score), Event::Finished { step: 10 }];
    let lines: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    fs::write(folder.join("events.jsonl"), lines).unwrap();
}

#[test]
fn runs_are_compared_with_their_mean_over_seeds() {
    let root = tempfile::tempdir().unwrap();
    for (name, set, value) in
        [("a-9", &["train.seed=9"][..], 1.0), ("a-10", &["train.seed=10"], 3.0), ("b", &["loss.kind=bce"], 8.0)]
    {
        scored(&root.path().join(name), set, value);
    }
    fs::create_dir(root.path().join("broken")).unwrap();
    fs::write(root.path().join("broken/run.toml"), "loss = 7").unwrap();
    let compare = |more: &[&str]| {
        let mut command = gandle("compare");
        command.arg(root.path()).args(more);
        command.output().unwrap()
    };
    let output = compare(&[]);
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(output.status.success() && lines.len() == 8, "{said}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(lines[0].contains("best frechet-distance") && lines[0].ends_with("loss.kind"), "{said}");
    assert_eq!(words(lines[1]), ["a-9", "finished", "10/4000", "1.0000", "10", "1", "min", "30", "s", "9", "hinge"]);
    assert_eq!(words(lines[2])[0], "a-10");
    // statistics.stdev([1, 3]) = 1.4142
    assert_eq!(words(lines[6]), ["2", "2", "2.0000", "1.4142", "1.0000", "3.0000", "hinge"]);
    assert_eq!(words(lines[7]), ["1", "1", "8.0000", "8.0000", "8.0000", "bce"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken is left out"));

    let json: Value = serde_json::from_slice(&compare(&["--json"]).stdout).unwrap();
    assert_eq!((&json["runs"][0]["session"], &json["runs"][2]["best"]["value"]), (&"a-9".into(), &8.0.into()));
    assert_eq!((&json["groups"][0]["mean"], &json["groups"][0]["runs"]), (&2.0.into(), &2.into()));
    assert_eq!(json["runs"][2]["settings"][0]["value"], "bce");
    let csv = String::from_utf8(compare(&["--csv", "--group", "loss.kind"]).stdout).unwrap();
    assert!(csv.lines().count() == 4 && csv.starts_with("session,state,step"), "{csv}");
    assert!(csv.contains("a-9,finished,10,4000,frechet-distance,"), "{csv}");
    let markdown = String::from_utf8(compare(&["--markdown", "--group", "none"]).stdout).unwrap();
    assert!(markdown.starts_with("| session | state |") && markdown.lines().count() == 5, "{markdown}");
    for (more, status) in [(&["--group", "loss.kin"][..], 2), (&["--json", "--csv"], 2)] {
        assert_eq!(compare(more).status.code(), Some(status));
    }
    let empty = tempfile::tempdir().unwrap();
    let mut command = gandle("compare");
    command.arg(empty.path());
    let (status, said) = told(command);
    assert!(status == Some(2) && said.contains("neither a session"), "{said}");
}

/// `gandle sweep --out` with tiny networks.
fn sweep(out: &Path, more: &[&str]) -> Command {
    let mut command = with_settings(gandle("sweep"), &[]);
    command.arg("--out").arg(out).args(more);
    command
}

/// `gandle sweep FOLDER`
fn sweep_again(folder: &Path, more: &[&str]) -> Command {
    let mut command = gandle("sweep");
    command.arg(folder).args(more);
    command
}

#[test]
fn a_sweep_runs_every_combination_once_and_what_is_added_later() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sweep");
    let grid = ["--steps", "5", "--set", "loss.r1=0,1", "--seeds", "1-2"];
    let said = succeed(sweep(&folder, &[&grid[..], &["--dry-run"]].concat()));
    assert!(said.contains("4 runs, 0 of them finished") && said.contains("r1-1.0_seed-2"), "{said}");
    assert!(!folder.exists(), "a dry run writes nothing");
    let said = succeed(sweep(&folder, &[&grid[..], &["--dry-run", "--measure"]].concat()));
    assert!(said.contains("time left") && said.contains("one after another"), "{said}");

    let said = succeed(sweep(&folder, &[&grid[..], &["--jobs", "2"]].concat()));
    assert!(said.contains("4 of 4 runs finished"), "{said}");
    let config = Stored::open(&folder.join("r1-1.0_seed-2")).unwrap().config;
    assert_eq!((config.loss.r1, config.train.seed, config.train.steps), (1.0, 2, 5));
    // The same bits as the same run by itself.
    let alone = root.path().join("alone");
    succeed(train(&alone, 5, &["loss.r1=1", "train.seed=2"]));
    assert!(newest(&alone) == newest(&folder.join("r1-1.0_seed-2")));

    let log = |run: &str| fs::read_to_string(folder.join("logs").join(format!("{run}.log"))).unwrap();
    let before = log("r1-1.0_seed-2");
    let said = succeed(sweep_again(&folder, &[]));
    assert!(said.contains("4 of 4 runs finished") && !said.contains("begins"), "{said}");

    // Another value of another setting: the old runs are those of its old value, under their old names.
    let grid = ["--steps", "5", "--set", "loss.r1=0,1", "--set", "loss.lecam=0,0.3", "--seeds", "1-2"];
    let said = succeed(sweep(&folder, &grid));
    assert!(said.contains("8 of 8 runs finished") && said.contains("sweep-1.toml"), "{said}");
    assert_eq!((said.matches(" begins").count(), log("r1-1.0_seed-2")), (4, before));
    assert!(folder.join("r1-1.0_lecam-0.3_seed-1/run.toml").exists());
    // Fewer: what is no part of it any more stays.
    let said = succeed(sweep(&folder, &["--steps", "5", "--seeds", "1"]));
    assert!(said.contains("1 of 1 run finished") && said.contains("7 runs in") && said.contains("stay"), "{said}");
    assert_eq!(gandle::session::list_in(&folder).len(), 8);

    // Its file is all that somebody else needs.
    let theirs = root.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::copy(folder.join("sweep-2.toml"), theirs.join("sweep.toml")).unwrap();
    let said = succeed(sweep_again(&theirs.join("sweep.toml"), &["--dry-run"]));
    assert!(said.contains("8 runs, 0 of them finished"), "{said}");
}

#[test]
fn the_rows_of_an_ablation_are_variants_and_are_compared_with_the_first() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("lab");
    let rows = ["--variant", "base", "--variant", "smooth: loss.kind=bce, loss.label_smoothing=0.2", "--seeds", "1-2"];
    let mut scored = gandle("sweep");
    scored.args(["--preset", "improved", "--steps", "3", "--out"]).arg(&folder).args(rows);
    let tiny = TINY.iter().chain(OWN).filter(|entry| !entry.starts_with("score."));
    let metrics = r#"score.metrics=["frechet-distance","precision"]"#;
    let score = ["score.every=3", "score.images=12", "score.extractor=efficientnet-lite0", metrics];
    scored.args(tiny.chain(&score).flat_map(|entry| ["--set", entry]));
    let said = succeed(scored);
    assert!(said.contains("4 of 4 runs finished") && said.contains("smooth_seed-2"), "{said}");
    let config = Stored::open(&folder.join("smooth_seed-2")).unwrap().config;
    assert_eq!((config.loss.kind, config.loss.label_smoothing), (gandle::config::LossKind::Bce, 0.2));
    let mut compare = gandle("compare");
    compare.arg(&folder).args(["--scores", "precision", "--markdown"]);
    let said = succeed(compare);
    let group = said.lines().find(|line| line.starts_with("| smooth | 2 | 2 |")).unwrap_or_else(|| panic!("{said}"));
    let cells: Vec<&str> = group.split('|').map(str::trim).collect();
    let head = said.lines().rfind(|line| line.starts_with("| group")).unwrap();
    assert!(head.contains("| from the first | precision |"), "{head}");
    assert!(cells[8].trim_start_matches('+').parse::<f64>().is_ok(), "{group}");
    let mut compare = gandle("compare");
    compare.arg(&folder).args(["--scores", "beauty"]);
    assert_eq!(told(compare).0, Some(2));

    // The file runs elsewhere, with other data, steps and seeds.
    let theirs = root.path().join("theirs");
    let mut again = gandle("sweep");
    again.arg(folder.join("sweep.toml")).arg("--out").arg(&theirs).args(["--steps", "2", "--seeds", "7", "--dry-run"]);
    let said = succeed(again);
    assert!(said.contains("smooth_seed-7") && said.contains("0/2") && said.contains("2 runs, 0"), "{said}");
}

/// The sweeps that are beside the program are ones.
#[test]
fn the_given_ablations_can_be_run() {
    for (name, runs) in [("ablation", 51), ("ablation-improved", 39)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(format!("{name}.toml"));
        let mut command = gandle("sweep");
        command.arg(file).arg("--out").arg("/nowhere/lab").args(["--data", "demo", "--dry-run"]);
        let said = succeed(command);
        assert!(said.contains(&format!("{runs} runs, 0 of them finished")), "{said}");
        // What a row sets is read; of the preset's own settings some are for other data.
        let idle = said.lines().filter_map(|line| Some(line.split_once(": it has no effect")?.0));
        let idle: Vec<&str> = idle.filter(|of| !of.contains(": data.")).collect();
        assert!(idle.is_empty(), "{idle:?}");
    }
}

#[test]
fn a_sweep_says_what_is_wrong_with_it_and_what_failed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sweep");
    for (more, part) in [
        (&["--set", "loss.r1=0,x"][..], "loss.r1"),
        (&["--set", "loss.r2d2=0,1"], "loss.r2d2"),
        (&["--set", "loss.kind=[1,2"], "missing"),
        (&["--set", "loss.r1=0,"], "comma"),
        (&["--set", "train.batch_size=4,0"], "train.batch_size"),
        (&["--seeds", "1-x"], "seed"),
        (&["--seeds", "0-999", "--set", "loss.r1=0,1"], "2000 runs"),
        (&["--sbatch", "--time=1"], "--slurm"),
        (&["--variant", "a/b"], "name of a variant"),
        (&["--variant", "a: loss.r11=1"], "loss.r1"),
        (&["--variant", "a: loss.r1=1", "--set", "loss.r1=0,1"], "varied for all"),
    ] {
        let (status, said) = told(sweep(&folder, more));
        assert!(status == Some(2) && said.contains(part), "{more:?}: {said}");
    }
    assert!(!folder.exists());
    assert_eq!(told(gandle("sweep")).0, Some(2));
    let (status, said) = told(sweep(&folder, &["--steps", "3", "--data", "/no/such/folder", "--seeds", "1,2"]));
    assert!(status == Some(1) && said.contains("0 of 2 runs finished"), "{said}");
    assert!(said.contains("failed: seed-1") && said.contains("/no/such/folder"), "{said}");
}

#[test]
fn a_sweep_that_is_asked_to_end_saves_its_runs_and_goes_on_to_the_same_bits() {
    let root = tempfile::tempdir().unwrap();
    let [whole, folder] = ["whole", "broken"].map(|name| root.path().join(name));
    let grid = ["--steps", "1000", "--seeds", "1-3", "--jobs", "2"];
    succeed(sweep(&whole, &grid));
    let child = sweep(&folder, &grid).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = || folder.join("seed-1/events.jsonl").exists() && folder.join("seed-2/events.jsonl").exists();
    while !begun() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    signal(child.id(), "TERM");
    let output = child.wait_with_output().unwrap();
    let said = text(&output);
    assert!(output.status.code() == Some(75) && said.contains("is saved and not finished"), "{said}");
    assert!(!folder.join("seed-3").exists());
    // One that somebody else trains is left to him.
    let lock = gandle::session::Lock::take(&folder.join("seed-1")).unwrap();
    let (status, said) = told(sweep_again(&folder, &[]));
    assert!(status == Some(75) && said.contains("trains it") && said.contains("2 of 3 runs finished"), "{said}");
    drop(lock);
    succeed(sweep_again(&folder, &[]));
    for run in ["seed-1", "seed-2", "seed-3"] {
        assert!(newest(&whole.join(run)) == newest(&folder.join(run)), "{run}");
    }
}

#[test]
fn the_script_for_slurm_names_what_is_left_to_do() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("it's 100% done");
    succeed(sweep(&folder, &["--steps", "3", "--seeds", "1"]));
    let more = ["--steps", "3", "--seeds", "1-3", "--slurm", "--jobs", "2", "--sbatch", "--time=1:00", "--dry-run"];
    let said = succeed(sweep(&folder, &more));
    let script = &said[said.find("#!/bin/bash").unwrap()..];
    assert!(script.contains("#SBATCH --array=0-1%2\n") && script.contains("#SBATCH --time=1:00\n"), "{script}");
    assert!(script.contains("runs=('seed-2' 'seed-3')") && script.contains(r"it'\''s 100% done'"), "{script}");
    assert!(script.contains("100%% done/logs/%A_%a.log\""), "{script}");
    let file = root.path().join("script");
    fs::write(&file, script).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&file).status().unwrap().success());
}

#[test]
fn the_help_names_the_statuses_and_packages_have_pages_and_completions_of_all_commands() {
    for command in ["train", "resume", "sweep"] {
        let mut help = gandle(command);
        help.arg("--help");
        let said = succeed(help);
        assert!(said.contains("75 asked to end") && said.contains("USR2"), "{said}");
    }
    let root = tempfile::tempdir().unwrap();
    let mut man = gandle("man");
    man.arg(root.path());
    succeed(man);
    assert!(fs::read_to_string(root.path().join("gandle-sweep.1")).unwrap().contains("sbatch"));
    assert!(root.path().join("gandle-compare.1").exists());
    let mut completions = gandle("completions");
    completions.arg("bash");
    let said = succeed(completions);
    assert!(said.contains("gandle__sweep") || said.contains("gandle__subcmd__sweep"), "no sweep");
}
