//! A sweep by Slurm itself, on a cluster of one machine that `tests/slurm.sh` brings up: jobs that are killed, preempted, cancelled
//! and put back into the queue end with the bits of runs that were never broken off. Left out, with a word, where Slurm is not
//! installed or may not be brought up.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gandle::session::{Stored, checkpoint_folder, checkpoints};

const SETTINGS: &[&str] = &[
    "image_size=16",
    "data.source=demo",
    "data.demo_images=4",
    "generator.base_channels=2",
    "discriminator.base_channels=2",
    "generator.latent_dim=8",
    "generator.label_embedding=4",
    "discriminator.label_embedding=4",
    "generator.attention=[]",
    "discriminator.attention=[]",
    "train.batch_size=4",
    "train.grid_every=0",
    "train.checkpoint_every=50",
    "score.every=0",
    "train.threads=1",
    concat!("data.cache=", env!("CARGO_TARGET_TMPDIR"), "/cache"),
];

/// Steps of a run: enough that a run can be caught on its way.
const STEPS: usize = 4000;

/// The runs of the sweep, by their numbers in the array.
const RUNS: [&str; 4] = ["r1-0.0_seed-1", "r1-0.0_seed-2", "r1-1.0_seed-1", "r1-1.0_seed-2"];

/// Longest wait for anything: a machine that builds beside the tests is slow.
const PATIENCE: Duration = Duration::from_secs(300);

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The cluster, which ends with the test.
struct Cluster {
    root: tempfile::TempDir,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script("stop");
    }
}

impl Cluster {
    /// Nothing, with a word, where there can be none.
    fn start() -> Option<Self> {
        // Slurm writes sockets whose paths may not be long.
        let root = tempfile::Builder::new().prefix("gandle-slurm-").tempdir_in("/tmp").unwrap();
        let cluster = Self { root };
        let started = cluster.script("start");
        match started.status.code() {
            Some(0) => Some(cluster),
            Some(77) => {
                println!("left out: {}", text(&started));
                None
            }
            Some(_) | None => panic!("{}", text(&started)),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_ONE_ROOT", self.root.path()).env("SLURM_CONF", self.root.path().join("slurm.conf"));
        command.env("GANDLE_DATA_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
        command
    }

    fn script(&self, what: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm.sh");
        self.command("bash").arg(script).arg(what).output().unwrap()
    }

    /// What a command says, which has to succeed.
    fn say(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output));
        text(&output)
    }

    fn sweep(&self, folder: &Path, more: &[&str]) -> String {
        let mut arguments = vec!["sweep", "--preset", "improved", "--out", folder.to_str().unwrap()];
        let steps = STEPS.to_string();
        arguments.extend(["--steps", &steps]);
        arguments.extend(["--seeds", "1-2", "--set", "loss.r1=0,1"]);
        arguments.extend(SETTINGS.iter().flat_map(|entry| ["--set", entry]));
        arguments.extend(more);
        self.say(env!("CARGO_BIN_EXE_gandle"), &arguments)
    }

    /// States of the jobs of an array, by their numbers.
    fn states(&self, job: &str) -> Vec<String> {
        let said = self.say("squeue", &["-h", "-r", "-t", "all", "-j", job, "-o", "%K %T"]);
        let mut states: Vec<(usize, String)> = said
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(number, state)| (number.parse().unwrap(), state.to_owned()))
            .collect();
        states.sort();
        states.into_iter().map(|(_, state)| state).collect()
    }

    /// Puts jobs that wait after their requeueing to the front: Slurm makes them wait for two minutes.
    fn hurry(&self, job: &str) {
        for number in 0..4 {
            let name = format!("{job}_{number}");
            self.command("scontrol").args(["update", &format!("jobid={name}"), "starttime=now"]).output().unwrap();
        }
    }
}

/// Waits until it is so.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} has not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every file of the newest checkpoint but what a clock tells.
fn newest(session: &Path) -> (usize, Vec<Vec<u8>>) {
    let step = *checkpoints(session).last().unwrap();
    let files = gandle::train::state::FILES.map(|file| fs::read(checkpoint_folder(session, step).join(file)).unwrap());
    (step, files.to_vec())
}

/// The process that writes to a session.
fn writer(session: &Path) -> Option<String> {
    let holder = gandle::session::holder(session)?;
    Some(holder.strip_prefix("process ")?.split_once(' ')?.0.to_owned())
}

fn signal(name: &str, process: &str) -> bool {
    Command::new("kill").args(["-s", name, process]).output().unwrap().status.success()
}

/// A run whose process the system holds still on its way, so that what happens to it does not depend on how fast it trains. It goes on
/// when this is dropped.
struct Held {
    /// Of [`RUNS`].
    number: usize,
    process: String,
}

impl Held {
    /// Waits for a run that has stored a checkpoint and is before `step`.
    fn before(step: usize, broken: &Path, mut meanwhile: impl FnMut()) -> Self {
        let mut held = None;
        wait("a run on its way", || {
            meanwhile();
            held = (0..RUNS.len()).find_map(|number| {
                let session = broken.join(RUNS[number]);
                let process = writer(&session)?;
                let held = signal("STOP", &process).then_some(Self { number, process })?;
                let on_its_way = checkpoints(&session).last().is_some_and(|newest| *newest < step);
                (on_its_way && writer(&session).as_deref() == Some(&held.process)).then_some(held)
            });
            held.is_some()
        });
        held.unwrap()
    }

    /// Whether the signal of this number waits for the process to go on, or has let it go on already.
    fn is_told(&self, signal: u32) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        let waits = |name| u64::from_str_radix(field(name), 16).is_ok_and(|mask| mask & 1 << (signal - 1) != 0);
        !field("State:").starts_with('T') || waits("ShdPnd:") || waits("SigPnd:")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        signal("CONT", &self.process);
    }
}

#[test]
fn a_sweep_that_is_killed_preempted_and_requeued_ends_with_the_bits_of_unbroken_runs() {
    let Some(cluster) = Cluster::start() else { return };
    let root = tempfile::tempdir().unwrap();
    let [whole, broken]: [PathBuf; 2] = ["whole", "broken"].map(|name| root.path().join(name));
    cluster.sweep(&whole, &[]);

    let said = cluster.sweep(&broken, &["--slurm", "--sbatch", "--partition=low"]);
    let job = said.lines().find_map(|line| line.strip_prefix("job ")?.strip_suffix(": 4 runs")).unwrap().to_owned();
    // What is in the queue is not submitted again.
    let again = cluster.sweep(&broken, &["--slurm", "--sbatch", "--partition=low"]);
    assert!(again.contains("nothing to submit") && again.matches("is in the queue already").count() == 4, "{again}");

    // Killed amid its work, as by the system where memory is short, and put back by hand.
    let killed = Held::before(STEPS, &broken, || ());
    assert!(signal("KILL", &killed.process));
    wait("the end of the killed job", || cluster.states(&job)[killed.number] == "FAILED");
    cluster.say("scontrol", &["requeue", &format!("{job}_{}", killed.number)]);
    cluster.hurry(&job);

    // Preempted by somebody's job that goes before it.
    let preempted = Held::before(STEPS / 2, &broken, || ());
    let before = stopped(&broken, preempted.number);
    let vip = ["--partition=high", "--exclusive", "--parsable", "--output=/dev/null", "--wrap=sleep 1"];
    cluster.say("sbatch", &vip);
    wait("the word of the preemption", || preempted.is_told(15));
    let number = preempted.number;
    drop(preempted);
    wait("the saved run", || stopped(&broken, number) > before);

    // Asked by Slurm's signal before the time of the job is over, and put back by its own script.
    let asked = Held::before(STEPS, &broken, || cluster.hurry(&job));
    let before = stopped(&broken, asked.number);
    cluster.say("scancel", &["--signal=USR1", &format!("{job}_{}", asked.number)]);
    wait("the word of Slurm", || asked.is_told(10));
    let number = asked.number;
    drop(asked);
    wait("the saved run", || stopped(&broken, number) > before);

    wait("the end of all runs", || {
        cluster.hurry(&job);
        cluster.states(&job).iter().all(|state| state == "COMPLETED")
    });
    let said = cluster.sweep(&broken, &["--slurm"]);
    assert!(said.contains("4 runs, 4 of them finished") && said.contains("nothing to submit"), "{said}");
    for run in RUNS {
        assert_eq!(newest(&broken.join(run)).0, STEPS);
        assert!(newest(&whole.join(run)) == newest(&broken.join(run)), "{run}");
    }
    // A job of a finished run does nothing and is content.
    let events = fs::read(broken.join(RUNS[0]).join("events.jsonl")).unwrap();
    cluster.say("scontrol", &["requeue", &format!("{job}_0")]);
    wait("the start of the finished run's job", || cluster.states(&job)[0] != "COMPLETED");
    wait("the end of the finished run's job", || {
        cluster.hurry(&job);
        cluster.states(&job)[0] == "COMPLETED"
    });
    assert_eq!(fs::read(broken.join(RUNS[0]).join("events.jsonl")).unwrap(), events);
}

/// How often a run was saved because it was asked to end.
fn stopped(broken: &Path, number: usize) -> usize {
    let events = Stored::outline(&broken.join(RUNS[number])).map(|stored| stored.events).unwrap_or_default();
    events.iter().filter(|event| matches!(event, gandle::event::Event::Stopped { .. })).count()
}
