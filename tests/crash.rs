//! The program against what happens to programs: killed at any moment, a full disk, a folder that is not its own, a second
//! one beside it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/tiny.rs"]
mod tiny;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use gandle::event::{Event, Scalar};
use gandle::session::{Stored, checkpoint_folder, checkpoints, read_grid, read_whole};
use rand::Rng as _;
use tiny::TINY;

const GANDLE: &str = env!("CARGO_BIN_EXE_gandle");

/// Beside what makes every such run tiny.
const OWN: &[&str] = &[
    "train.grid_every=10",
    "train.grid_columns=2",
    "train.checkpoint_every=20",
    "train.keep_checkpoints=2",
    "train.threads=2",
];

/// Where the program keeps what it remembers of its user.
const USER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/user");

/// The program, which keeps what it remembers of its user with the tests.
fn gandle() -> Command {
    let mut program = Command::new(GANDLE);
    program.env("GANDLE_DATA_DIR", USER);
    program
}

fn train(out: &Path, steps: usize) -> Command {
    let mut command = gandle();
    command.args(["train", "--data", "demo", "--steps", &steps.to_string(), "--out"]).arg(out);
    command.args(TINY.iter().chain(OWN).flat_map(|entry| ["--set", entry]));
    command
}

fn resume(session: &Path, more: &[&str]) -> Command {
    let mut command = gandle();
    command.arg("resume").arg(session).args(more);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

fn succeed(command: Command) {
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output));
}

/// Every file of the newest checkpoint but what a clock tells.
fn newest(session: &Path) -> (usize, Vec<Vec<u8>>) {
    let step = *checkpoints(session).last().unwrap();
    let files = gandle::train::state::FILES.map(|file| fs::read(checkpoint_folder(session, step).join(file)).unwrap());
    (step, files.to_vec())
}

/// The pixels of every grid: the files name their sessions.
fn grids(session: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(session.join("grids")).unwrap().flatten();
    let pixels = |e: &fs::DirEntry| image::open(e.path()).unwrap().into_rgb8().into_raw();
    let mut all: Vec<_> = entries.map(|e| (e.file_name().into_string().unwrap(), pixels(&e))).collect();
    all.sort();
    all
}

/// The losses of every step, once each.
fn losses(session: &Path) -> Vec<(usize, f32, f32)> {
    let history = Stored::open(session).unwrap().history();
    let of = |event: &Event| {
        if let Event::Step(s) = event {
            Some((s.step, s.numbers[Scalar::LossD], s.numbers[Scalar::LossG]))
        } else {
            None
        }
    };
    history.iter().filter_map(of).collect()
}

/// A killed session opens, and whatever it says is there is whole.
fn assert_whole(session: &Path) {
    let stored = Stored::open(session).unwrap();
    assert!(stored.warnings.len() <= 1, "{:?}", stored.warnings);
    for step in checkpoints(session) {
        read_whole(session, step).unwrap();
    }
    let rows = gandle::data::demo::CLASSES.len();
    for event in &stored.events {
        if let Event::Grid(grid) = event {
            read_grid(session, grid, rows, 2).unwrap();
        }
    }
}

#[test]
fn killed_at_random_moments_it_ends_with_the_bits_of_an_unbroken_run() {
    // GANDLE_KILLS=50 takes some minutes.
    let kills: usize = std::env::var("GANDLE_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let root = tempfile::tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| root.path().join(name));
    let steps = 130 * kills + 7;
    succeed(train(&whole, steps));
    let mut rng = rand::rng();
    let (mut killed, mut waits) = (0, Vec::new());
    while killed < kills {
        let begun = broken.join("run.toml").exists();
        let mut command = if begun { resume(&broken, &[]) } else { train(&broken, steps) };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        waits.push(rng.random_range(1..900));
        std::thread::sleep(Duration::from_millis(waits[killed]));
        if child.try_wait().unwrap().is_some() {
            break; // It was done before it could be killed so often.
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        assert!(gandle::session::is_free(&broken), "the system gives the lock back");
        if broken.join("run.toml").exists() {
            assert_whole(&broken);
        }
    }
    let last = run(resume(&broken, &[]));
    assert!(last.status.success() || text(&last).contains("finished"), "{waits:?} {}", text(&last));
    assert!(newest(&whole) == newest(&broken), "{waits:?}");
    assert!(grids(&whole) == grids(&broken), "{waits:?}");
    assert_eq!(losses(&whole), losses(&broken), "{waits:?}");
    assert_eq!(checkpoints(&whole), checkpoints(&broken), "{waits:?}");
    println!("{killed} kills, after {waits:?} ms");
}

/// Starts a command and waits until it says something.
fn started(mut command: Command, word: &str) -> Child {
    let mut child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(word)), "{word}");
    // Somebody has to read on, or it would wait.
    std::thread::Builder::new().spawn(move || lines.for_each(drop)).unwrap();
    child
}

#[test]
fn a_second_process_is_refused_with_the_name_of_the_first() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    let mut first = started(train(&session, 1_000_000), "\"event\":\"checkpoint\"");
    let before = checkpoints(&session).len();
    let second = run(resume(&session, &[]));
    assert_eq!(second.status.code(), Some(1));
    let told = text(&second);
    assert!(told.contains(&format!("process {}", first.id())) && told.contains("stop that run first"), "{told}");
    let again = run(train(&session, 10));
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    // Whoever only reads is not in the way.
    let out = root.path().join("out");
    let sampled = run({
        let mut command = gandle();
        command.arg("sample").arg(&session).args(["--count", "1", "--out"]).arg(&out);
        command
    });
    assert!(sampled.status.success() && before > 0, "{}", text(&sampled));
    first.kill().unwrap();
    first.wait().unwrap();
    let step = *checkpoints(&session).last().unwrap();
    succeed(resume(&session, &["--steps", &(step + 3).to_string()]));
}

/// A command that may not make a file longer than so many kibibytes, and is told so instead of being killed.
fn limited(command: &Command, kibibytes: u64) -> Command {
    let mut sh = Command::new("bash");
    sh.args(["-c", r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#, &kibibytes.to_string()]);
    sh.arg(command.get_program()).args(command.get_args());
    sh.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    sh
}

#[test]
fn a_file_that_may_not_grow_ends_the_run_with_the_reason_and_costs_only_what_is_newer_than_the_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    let [whole, session] = ["whole", "run"].map(|name| root.path().join(name));
    for (folder, steps) in [(&whole, 80), (&session, 40)] {
        let mut command = train(folder, steps);
        // So that a checkpoint is longer than all events together.
        command.args(["--preset", "improved", "--set", "discriminator.base_channels=8"]);
        succeed(command);
    }
    let largest = checkpoint_folder(&session, 40).join("discriminator_optimizer.safetensors");
    let [events, largest] = [session.join("events.jsonl"), largest].map(|path| fs::metadata(path).unwrap().len());
    assert!(events + 8192 < largest, "{events} {largest}");
    // The checkpoint does not fit; then not even the events do.
    for (limit, file) in
        [(largest / 1024 - 1, "discriminator_optimizer.safetensors"), (events / 1024 + 2, "events.jsonl")]
    {
        let output = run(limited(&resume(&session, &["--steps", "80"]), limit));
        let told = text(&output);
        assert!(output.status.code() == Some(1) && told.contains("failed after step"), "{told}");
        assert!(told.contains(file) && told.contains("File too large"), "{told}");
        assert_eq!(checkpoints(&session), [20, 40]);
        let left = fs::read_dir(session.join("checkpoints")).unwrap().count();
        assert_eq!(left, 2, "nothing half-written takes room");
        assert_whole(&session);
    }
    succeed(resume(&session, &["--steps", "80"]));
    assert!(newest(&whole) == newest(&session));
    assert_eq!(losses(&whole), losses(&session));
    assert!(Stored::open(&session).unwrap().warnings.is_empty());
}

/// Somebody whom the permissions of a file keep out: root is not.
fn nobody(mut command: Command) -> Command {
    command.env("GANDLE_DATA_DIR", USER);
    if fs::metadata("/proc/self").is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0) {
        command.uid(65534).gid(65534);
    }
    command
}

/// A copy of the program where everybody may run it.
fn copied(root: &Path) -> PathBuf {
    let path = root.join("gandle");
    fs::copy(GANDLE, &path).unwrap();
    path
}

#[test]
fn a_folder_that_may_only_be_read_is_named_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let session = root.path().join("run");
    succeed(train(&session, 5));
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).unwrap();
    let lock = |mode_of_folder, mode_of_file| {
        fs::set_permissions(&session, fs::Permissions::from_mode(mode_of_folder)).unwrap();
        fs::set_permissions(session.join("lock"), fs::Permissions::from_mode(mode_of_file)).unwrap();
    };
    lock(0o555, 0o444);
    let events = fs::read(session.join("events.jsonl")).unwrap();
    let gandle = copied(root.path());
    let mut command = Command::new(&gandle);
    command.arg("resume").arg(&session).args(["--steps", "9", "--trust"]);
    let output = run(nobody(command));
    let told = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Permission denied") && told.contains("a folder that you may write to"), "{told}");
    let mut command = Command::new(&gandle);
    command.arg("sample").arg(&session).args(["--count", "1", "--out"]).arg(&out);
    let output = run(nobody(command));
    assert!(output.status.success(), "{}", text(&output));
    lock(0o755, 0o644);
    assert_eq!(events, fs::read(session.join("events.jsonl")).unwrap());
    succeed(resume(&session, &["--steps", "9"]));
}

#[test]
fn resume_is_a_command_of_its_own_with_status_2_where_it_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let session = root.path().join("run");
    succeed(train(&session, 5));
    let refused = |more: &[&str]| {
        let output = run(resume(&session, more));
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    // Nothing is left to do, which is no failure.
    let done = run(resume(&session, &[]));
    assert!(done.status.success() && text(&done).contains("finished"), "{}", text(&done));
    assert!(refused(&["--steps", "4"]).contains("already been reached"));
    assert!(refused(&["--set", "train.seed=1"]).contains("--fork"));
    let fork = root.path().join("fork");
    let to = fork.to_str().unwrap();
    assert!(refused(&["--fork", to, "--set", "loss.kind=best", "--steps", "9"]).contains("loss.kind"));
    assert!(refused(&["--fork", session.to_str().unwrap()]).contains("already holds a session"));
    assert!(!fork.exists());
    let output = run(resume(&session, &["--fork", to, "--steps", "7", "--set", "loss.kind=bce", "--json"]));
    assert!(output.status.success(), "{}", text(&output));
    let lines: Vec<Event> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(&lines[0], Event::Started(s) if s.step == 5 && s.parent.as_ref().unwrap().session == "run"));
    assert_eq!(lines.last(), Some(&Event::Finished { step: 7 }));
    let nowhere = run(resume(&root.path().join("nowhere"), &[]));
    assert!(nowhere.status.code() == Some(1) && text(&nowhere).contains("holds no session"), "{}", text(&nowhere));
    assert!(!root.path().join("nowhere").exists());
}
