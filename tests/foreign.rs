//! Sessions that somebody else has sent, and made to do harm: whatever is done with them, every command ends in words, and
//! nothing outside of the session is changed.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/folder.rs"]
mod folder;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use folder::copy;
use gandle::config::rng::{Purpose, stream};
use gandle::event::{Event, Grid};
use gandle::session::{self, FileSum, Stored};
#[cfg(feature = "gui")]
use gandle::ui::RunView;
use rand::Rng as _;

/// Long enough for a machine that is busy with other things; what it keeps out never ends, or takes minutes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kilobytes of address space that a command may have: several times what it needs for any of these sessions.
const MOST_MEMORY: u64 = 8 << 20;

const SETTINGS: &[&str] = &[
    "image_size=16",
    "data.demo_images=2",
    "generator.base_channels=1",
    "discriminator.base_channels=1",
    "generator.latent_dim=4",
    "generator.label_embedding=2",
    "discriminator.label_embedding=2",
    "generator.attention=[]",
    "discriminator.attention=[]",
    "train.batch_size=4",
    "train.grid_every=2",
    "train.grid_columns=1",
    "train.checkpoint_every=1",
    "train.keep_checkpoints=3",
    "score.every=0",
    "train.threads=1",
];

/// What a command said, and how it ended.
struct Ran {
    code: Option<i32>,
    text: String,
}

/// A folder with everything in it: the victim, a good session, and what the user keeps.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        static BASE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let base = BASE.get_or_init(|| {
            let root = tempfile::tempdir().unwrap();
            let scene = Self { root };
            let session = scene.at("sessions/good").display().to_string();
            let set = SETTINGS.iter().flat_map(|entry| ["--set", entry]);
            let args: Vec<&str> =
                ["train", "--data", "demo", "--steps", "4", "--out", &session].into_iter().chain(set).collect();
            let ran = scene.run(&args);
            assert_eq!(ran.code, Some(0), "{}", ran.text);
            scene.root
        });
        let scene = Self { root: tempfile::tempdir().unwrap() };
        copy(base.path(), scene.root.path());
        let canary = scene.at("canary");
        for (name, content) in [
            ("notes.txt", "export KEY=1\nlast line without an end"),
            (".mail.part", "mail"),
            (".0000001.old/important", "important"),
            (".backup.old/important", "important"),
            ("0000002/state.json", "{}"),
            ("0000004/ema.safetensors", "weights"),
            ("run.toml", "image_size = 16\n"),
            ("events.jsonl", "{\"event\":\"paused\",\"step\":1}"),
            ("cells/a/1.png", "no picture"),
        ] {
            let path = canary.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        copy(&scene.at("sessions/good"), &scene.at("sessions/sent"));
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn sent(&self) -> PathBuf {
        self.at("sessions/sent")
    }

    /// Runs the program to its end; one that takes for ever fails the test.
    fn run(&self, args: &[&str]) -> Ran {
        self.run_as("user", args)
    }

    fn run_as(&self, user: &str, args: &[&str]) -> Ran {
        let output = self.at("output");
        let file = File::create(&output).unwrap();
        let limited = format!("ulimit -v {MOST_MEMORY} 2>/dev/null; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_gandle")]).args(args).current_dir(self.root.path());
        command.env("GANDLE_DATA_DIR", self.at(user)).env("HOME", self.at("home"));
        command.env("XDG_CACHE_HOME", self.at("home/cache")).stdin(Stdio::null());
        let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let start = Instant::now();
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if start.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{args:?} does not end: {}", String::from_utf8_lossy(&fs::read(&output).unwrap()));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ran { code, text: String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned() }
    }

    /// Images of two classes.
    fn cells(&self) -> PathBuf {
        let cells = self.at("cells");
        for (tint, class) in [(0, "a"), (90, "b")] {
            fs::create_dir_all(cells.join(class)).unwrap();
            for shade in 0..4_u8 {
                let image = image::RgbImage::from_pixel(16, 16, image::Rgb([shade * 60, tint, 0]));
                image.save(cells.join(format!("{class}/{shade}.png"))).unwrap();
            }
        }
        cells
    }

    /// Everything that must stay as it is.
    fn kept(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        for name in ["canary", "sessions/good"] {
            look(&self.at(name), &mut found);
        }
        found
    }
}

/// Each entry below a folder, with its content.
fn look(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let what = if kind.is_dir() {
            look(&path, found);
            "folder".to_owned()
        } else if kind.is_file() {
            format!("{:x?}", fs::read(&path).unwrap())
        } else if kind.is_fifo() {
            "pipe".to_owned()
        } else {
            format!("{:?}", fs::read_link(&path))
        };
        found.insert(path, what);
    }
}

/// Makes a session do harm, given its folder and the one that must stay as it is.
type Harm = fn(&Path, &Path);

fn fresh(path: &Path) {
    let gone = if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    gone.ok();
}

fn link(to: impl AsRef<Path>, path: PathBuf) {
    fresh(&path);
    symlink(to, path).unwrap();
}

fn pipe(path: PathBuf) {
    fresh(&path);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
}

/// A file that says that it has so many gigabytes, and has none.
fn sparse(path: PathBuf, gigabytes: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fresh(&path);
    File::create(&path).unwrap().set_len(gigabytes << 30).unwrap();
}

fn add_events(session: &Path, lines: &str) {
    let path = session.join("events.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text + lines).unwrap();
}

/// Another list of files in the newest checkpoint.
fn files(session: &Path, name: &str, content: &[u8], bytes: Option<u64>) {
    let path = session.join("checkpoints/0000004/state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut sum = FileSum::of(name, content);
    sum.bytes = bytes.unwrap_or(sum.bytes);
    state["files"].as_array_mut().unwrap().push(serde_json::to_value(sum).unwrap());
    fs::write(path, serde_json::to_vec(&state).unwrap()).unwrap();
}

/// What a session is refused for outright, whatever is to be done with it.
const REFUSED: &[(&str, Harm)] = &[
    ("lock is a link", |s, c| link(c.join("notes.txt"), s.join("lock"))),
    ("lock is a link to nothing", |s, c| link(c.join("new"), s.join("lock"))),
    ("events.jsonl is a link", |s, c| link(c.join("notes.txt"), s.join("events.jsonl"))),
    ("events.jsonl is a link to zeros", |s, _| link("/dev/zero", s.join("events.jsonl"))),
    ("run.toml is a link", |s, c| link(c.join("run.toml"), s.join("run.toml"))),
    ("about.toml is a link", |s, c| link(c.join("notes.txt"), s.join("about.toml"))),
    ("real.png is a link", |s, c| link(c.join("notes.txt"), s.join("real.png"))),
    ("background.log is a link", |s, c| link(c.join("notes.txt"), s.join("background.log"))),
    ("checkpoints is a link", |s, _| link("../good/checkpoints", s.join("checkpoints"))),
    ("checkpoints is a link to other files", |s, c| link(c, s.join("checkpoints"))),
    ("grids is a link", |s, c| link(c, s.join("grids"))),
    ("nearest is a link", |s, c| link(c, s.join("nearest"))),
    ("quiz is a link", |s, c| link(c, s.join("quiz"))),
    ("exports is a link", |s, c| link(c, s.join("exports"))),
    ("a checkpoint is a link", |s, c| link(c.join("0000002"), s.join("checkpoints/0000002"))),
    ("lock is a pipe", |s, _| pipe(s.join("lock"))),
    ("events.jsonl is a pipe", |s, _| pipe(s.join("events.jsonl"))),
    ("run.toml is a pipe", |s, _| pipe(s.join("run.toml"))),
    ("about.toml is a pipe", |s, _| pipe(s.join("about.toml"))),
    ("real.png is a pipe", |s, _| pipe(s.join("real.png"))),
    ("grids is a pipe", |s, _| pipe(s.join("grids"))),
    ("lock is a folder", |s, _| {
        fresh(&s.join("lock"));
        fs::create_dir(s.join("lock")).unwrap();
    }),
    ("checkpoints is a file", |s, _| {
        fresh(&s.join("checkpoints"));
        fs::write(s.join("checkpoints"), "").unwrap();
    }),
];

/// What hurts some commands and not others.
const HARMS: &[(&str, Harm)] = &[
    ("lock is a hard link", |s, c| {
        fresh(&s.join("lock"));
        fs::hard_link(c.join("notes.txt"), s.join("lock")).unwrap();
    }),
    ("events.jsonl is a hard link", |s, c| {
        fresh(&s.join("events.jsonl"));
        fs::hard_link(c.join("events.jsonl"), s.join("events.jsonl")).unwrap();
    }),
    ("state.json is a link", |s, c| link(c.join("run.toml"), s.join("checkpoints/0000004/state.json"))),
    ("state.json is a pipe", |s, _| pipe(s.join("checkpoints/0000004/state.json"))),
    ("weights are a link", |s, _| {
        let name = "checkpoints/0000004/ema.safetensors";
        link(format!("../../../good/{name}"), s.join(name));
    }),
    ("weights are a pipe", |s, _| pipe(s.join("checkpoints/0000004/ema.safetensors"))),
    ("weights are a pipe of no bytes", |s, _| {
        pipe(s.join("checkpoints/0000004/other"));
        files(s, "other", b"", None);
    }),
    ("weights are zeros", |s, _| {
        link("/dev/zero", s.join("checkpoints/0000004/other"));
        files(s, "other", b"", None);
    }),
    ("a file of a checkpoint leads out", |s, c| {
        files(s, "../../../../canary/notes.txt", &fs::read(c.join("notes.txt")).unwrap(), None);
    }),
    ("a file of a checkpoint is anywhere", |s, _| files(s, "/dev/zero", b"", None)),
    ("a file of a checkpoint is the folder", |s, _| files(s, ".", b"", None)),
    ("a file of a checkpoint is endless", |s, _| {
        sparse(s.join("checkpoints/0000004/other"), 16);
        files(s, "other", b"", Some(16 << 30));
    }),
    ("a checkpoint has a million files", |s, _| {
        let path = s.join("checkpoints/0000004/state.json");
        let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let list = state["files"].as_array_mut().unwrap();
        let first = list[0].clone();
        list.extend((0..300_000).map(|_| first.clone()));
        fs::write(path, serde_json::to_vec(&state).unwrap()).unwrap();
    }),
    ("a checkpoint of a later release", |s, _| {
        let path = s.join("checkpoints/0000004/state.json");
        let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        state["schema"] = 99.into();
        fs::write(path, serde_json::to_vec(&state).unwrap()).unwrap();
    }),
    ("a grid is a link", |s, c| link(c.join("notes.txt"), s.join("grids/0000004.png"))),
    ("a grid is a pipe", |s, _| pipe(s.join("grids/0000004.png"))),
    ("a grid is endless", |s, _| sparse(s.join("grids/0000004.png"), 16)),
    ("grids lead out", |s, _| {
        for file in ["../../canary/notes.txt", "/dev/zero", "grids/../../good/grids/0000004.png", "", "."] {
            add_events(s, &format!("{{\"event\":\"grid\",\"step\":4,\"file\":\"{file}\"}}\n"));
        }
    }),
    ("checkpoints that were removed lead out", |s, _| {
        let removed = "\"../../canary\",\"/etc\",\"checkpoints/../../good\"";
        let told = format!("{{\"event\":\"checkpoint\",\"step\":4,\"folder\":\"../good\",\"removed\":[{removed}]}}\n");
        add_events(s, &told);
    }),
    ("parts are links", |s, c| {
        link(c.join("notes.txt"), s.join("grids/.0000006.png.1-0.part"));
        link(c, s.join("checkpoints/.0000004.part"));
        link(c, s.join("checkpoints/.0000005.part"));
        link(c, s.join("checkpoints/.0000002.old"));
    }),
    ("a folder of an export is a link", |s, c| {
        fs::create_dir_all(s.join("exports")).unwrap();
        link(c, s.join("exports/sent-step0000004"));
    }),
    ("an export is a link to nothing", |s, c| {
        fs::create_dir_all(s.join("exports")).unwrap();
        link(c.join("new"), s.join("exports/report-step0000004.html"));
    }),
    ("run.toml is endless", |s, _| sparse(s.join("run.toml"), 16)),
    ("state.json is endless", |s, _| sparse(s.join("checkpoints/0000004/state.json"), 16)),
    ("events.jsonl is endless", |s, _| sparse(s.join("events.jsonl"), 3)),
    ("notes and tests are endless", |s, _| {
        sparse(s.join("about.toml"), 16);
        sparse(s.join("quiz/1.json"), 16);
    }),
    ("millions of lines that are none", |s, _| add_events(s, &"x\n".repeat(12_000_000))),
    ("a line without end", |s, _| add_events(s, &"x".repeat(300 << 20))),
    ("thousands of beginnings", |s, _| {
        let head = fs::read_to_string(s.join("events.jsonl")).unwrap().lines().next().unwrap().to_owned() + "\n";
        let warnings = "{\"event\":\"warning\",\"step\":0,\"message\":\"\"}\n".repeat(30_000);
        add_events(s, &(warnings + &head.repeat(8_000)));
    }),
    ("a key of a megabyte", |s, _| {
        let text = format!("{} = 1\n", "k".repeat(1 << 20)) + &fs::read_to_string(s.join("run.toml")).unwrap();
        fs::write(s.join("run.toml"), text).unwrap();
    }),
    ("a hundred thousand keys", |s, _| {
        let mut text = String::new();
        (0..100_000).for_each(|number| writeln!(text, "key_{number} = 1").unwrap());
        fs::write(s.join("run.toml"), text).unwrap();
    }),
    ("messages that nobody reads to their end", |s, _| {
        for message in ["long ".repeat(2 << 20), "line\\n".repeat(200_000)] {
            add_events(s, &format!("{{\"event\":\"warning\",\"step\":4,\"message\":\"{message}\"}}\n"));
        }
    }),
    ("a cache of somebody else's", |s, c| {
        let text = fs::read_to_string(s.join("run.toml")).unwrap();
        fs::write(s.join("run.toml"), text.replace("cache = \"\"", &format!("cache = \"{}\"", c.display()))).unwrap();
    }),
    ("data of somebody else's", |s, c| {
        let text = fs::read_to_string(s.join("run.toml")).unwrap();
        let cells = format!("source = \"{}\"", c.join("cells").display());
        fs::write(s.join("run.toml"), text.replace("source = \"demo\"", &cells)).unwrap();
    }),
];

/// Everything that a command line does with a session, each in a copy of the scene's own.
fn commands(session: &str, out: &str) -> Vec<Vec<String>> {
    let fork = format!("{out}/fork");
    let mut all = vec![
        vec!["prune", session, "--keep-last", "1"],
        vec!["sample", session, "--count", "1", "--out", out],
        vec!["sample", session, "--step", "best", "--count", "1", "--out", out],
        vec!["resume", session, "--fork", &fork, "--steps", "5"],
    ];
    let formats = ["csv", "html", "tensorboard", "safetensors", "onnx", "gif"];
    all.extend(formats.into_iter().map(|format| vec!["export", session, "--format", format]));
    // Last, since they change it.
    all.push(vec!["resume", session, "--steps", "6"]);
    all.push(vec!["prune", session, "--keep-last", "1", "--yes"]);
    all.into_iter().map(|args| args.into_iter().map(str::to_owned).collect()).collect()
}

/// Does everything with a session that has these harms; what it said, by command.
fn hold(name: &str, harms: &[Harm]) -> Vec<Ran> {
    let scene = Scene::new();
    for harm in harms {
        harm(&scene.sent(), &scene.at("canary"));
    }
    let before = scene.kept();
    let (session, out) = (scene.sent().display().to_string(), scene.at("out").display().to_string());
    let mut told = Vec::new();
    for args in commands(&session, &out) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ran = scene.run(&args);
        assert!(matches!(ran.code, Some(0..=2)), "{name}: {args:?} ends with {:?}: {}", ran.code, ran.text);
        assert!(ran.code == Some(0) || !ran.text.trim().is_empty(), "{name}: {args:?} says nothing");
        assert!(ran.text.len() < 100_000, "{name}: {args:?} says {} bytes", ran.text.len());
        assert!(scene.kept() == before, "{name}: {args:?} has changed what is not the session's: {}", ran.text);
        told.push(ran);
    }
    as_the_window(&scene);
    assert!(scene.kept() == before, "{name}: the window has changed what is not the session's");
    told
}

/// What the window does with a session, beside what the command line does.
fn as_the_window(scene: &Scene) {
    let session = scene.sent();
    let listed = session::list_in(&scene.at("sessions"));
    assert!(listed.iter().any(|listed| listed.name == "good"), "one session hides the others: {listed:?}");
    session::read_annotation(&session);
    session::holder(&session);
    session::read_quizzes(&session);
    session::size(&session);
    session::checkpoints_size(&session);
    let about = session::Annotation { star: true, note: "seen".to_owned() };
    session::write_annotation(&session, &about).ok();
    session::write_quiz(&session, &gandle::event::QuizLog::default()).ok();
    session::append(&session, session::BACKGROUND).ok();
    for file in ["real.png", "grids/0000004.png", "nearest/0000004.png"] {
        session::read_grid(&session, &Grid { step: 4, file: file.to_owned() }, 6, 1).ok();
    }
    session::Stored::outline(&session).ok();
    let opened = Stored::open(&session);
    #[cfg(feature = "gui")]
    if let Ok(stored) = opened {
        let mut view = RunView::new(session.clone());
        stored.events.into_iter().for_each(|event| view.apply(event));
        assert!(view.log().iter().all(|line| line.text.len() < 20_000));
    }
    #[cfg(not(feature = "gui"))]
    drop(opened);
    if let Ok(renamed) = session::rename(&session, "renamed") {
        session::rename(&renamed, "sent").unwrap();
    }
    session::delete(&session).unwrap();
    assert!(fs::symlink_metadata(&session).is_err());
}

#[test]
fn sessions_that_are_no_plain_folders_are_refused_and_nothing_else_is_touched() {
    for (name, harm) in REFUSED {
        for ran in hold(name, &[*harm]) {
            let told = ran.text.contains("plain files and folders alone");
            assert!(ran.code == Some(1) && told, "{name}: {:?}: {}", ran.code, ran.text);
        }
    }
}

#[test]
fn sessions_that_hurt_end_in_words_and_nothing_else_is_touched() {
    for (name, harm) in HARMS {
        hold(name, &[*harm]);
    }
}

/// `GANDLE_FOREIGN=N` makes N sessions, `GANDLE_FOREIGN_FROM` begins with another one.
#[test]
fn sessions_with_several_harms_end_in_words_and_nothing_else_is_touched() {
    let number = |name: &str, else_: u64| std::env::var(name).map_or(else_, |text| text.parse().unwrap());
    let from = number("GANDLE_FOREIGN_FROM", 0);
    for seed in from..from + number("GANDLE_FOREIGN", 6) {
        let mut rng = stream(7, Purpose::Demo, seed);
        let all: Vec<&(&str, Harm)> = REFUSED.iter().chain(HARMS).collect();
        let chosen: Vec<&(&str, Harm)> =
            (0..rng.random_range(2..4)).map(|_| all[rng.random_range(0..all.len())]).collect();
        let name = format!("{seed}: {:?}", chosen.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        // What one has made, another may be unable to change.
        let harms: Vec<Harm> = chosen.iter().map(|(_, harm)| *harm).collect();
        let made = std::panic::catch_unwind(|| {
            let scene = Scene::new();
            harms.iter().for_each(|harm| harm(&scene.sent(), &scene.at("canary")));
        });
        if made.is_ok() {
            hold(&name, &harms);
        }
    }
}

#[test]
fn a_later_release_s_checkpoint_is_left_to_it() {
    let (_, harm) = HARMS.iter().find(|(name, _)| name.contains("later release")).unwrap();
    for ran in hold("a later release", &[*harm]).iter().filter(|ran| {
        // What needs no checkpoint is written, and none is the best.
        !ran.text.contains("exports/") && !ran.text.contains("best")
    }) {
        assert!(ran.code != Some(0) && ran.text.contains("newer release"), "{:?}: {}", ran.code, ran.text);
    }
}

#[test]
fn the_best_checkpoint_stays_until_it_is_let_go() {
    let scene = Scene::new();
    let session = scene.sent();
    add_events(&session, "{\"event\":\"best\",\"step\":2,\"metric\":\"frechet-distance\",\"value\":1.0}\n");
    let name = session.display().to_string();
    let prune = |more: &[&str]| {
        let ran = scene.run(&[&["prune", &name, "--keep-last", "1", "--yes"], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        session::checkpoints(&session)
    };
    assert_eq!(session::checkpoints(&session), [2, 3, 4]);
    assert_eq!(prune(&[]), [2, 4]);
    assert_eq!(prune(&["--keep-best"]), [2, 4], "as of old");
    let out = scene.at("out").display().to_string();
    let best = || scene.run(&["sample", &name, "--step", "best", "--count", "1", "--out", &out]);
    assert_eq!(best().code, Some(0));
    assert_eq!(prune(&["--drop-best"]), [4]);
    let ran = best();
    assert!(ran.code == Some(1) && ran.text.contains("best step is 2"), "{:?}: {}", ran.code, ran.text);
}

#[test]
fn a_session_that_was_sent_goes_where_its_user_says_alone() {
    let scene = Scene::new();
    let session = scene.at("sessions/mine").display().to_string();
    let cells = scene.cells();
    let (data, cache) = (cells.display().to_string(), format!("data.cache={}", scene.at("cache").display()));
    let in_cache = cache.as_str();
    let set = SETTINGS.iter().chain([&in_cache]).flat_map(|entry| ["--set", entry]);
    let args = ["train", "--data", &data, "--steps", "2", "--out", &session].into_iter().chain(set);
    let ran = scene.run(&args.collect::<Vec<_>>());
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    // Whoever trained it is asked nothing.
    let ran = scene.run(&["resume", &session, "--steps", "3"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    // Somebody else is.
    let refused = |args: &[&str]| {
        let ran = scene.run_as("other", args);
        assert!(ran.code == Some(2) && ran.text.contains("--trust"), "{args:?}: {:?}: {}", ran.code, ran.text);
        ran.text
    };
    let told = refused(&["resume", &session, "--steps", "4"]);
    assert!(told.contains(&data) && told.contains("data.cache"), "{told}");
    let fork = scene.at("fork").display().to_string();
    let typed = ["resume", &session, "--fork", &fork, "--steps", "5", "--set", &cache];
    let told = refused(&typed);
    assert!(told.contains(&data) && !told.contains("data.cache"), "what was typed is known: {told}");
    assert_eq!(session::checkpoints(Path::new(&session)).last(), Some(&3), "nothing went on");
    let ran = scene.run_as("other", &["resume", &session, "--steps", "4", "--trust"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let ran = scene.run_as("other", &["resume", &session, "--steps", "5"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    // Changes of settings that a run will make again lead somewhere too.
    let elsewhere = scene.at("canary/theirs.pth").display().to_string();
    let change = format!(r#"{{"key":"score.extractor","from":"\"x\"","to":"\"inception:{elsewhere}\""}}"#);
    add_events(Path::new(&session), &format!("{{\"event\":\"edited\",\"step\":6,\"changes\":[{change}]}}\n"));
    let told = refused(&["resume", &session, "--steps", "7"]);
    assert!(told.contains(&elsewhere) && !told.contains("data.cache"), "{told}");
}

#[test]
fn a_long_history_is_read_in_a_time_that_grows_with_it() {
    let events = |count: usize| -> Vec<Event> {
        let line = |step: usize| serde_json::from_str(&format!("{{\"event\":\"paused\",\"step\":{step}}}")).unwrap();
        (0..count).map(line).collect()
    };
    let scene = Scene::new();
    let mut stored = Stored::open(&scene.sent()).unwrap();
    let started = stored.events.iter().find(|event| matches!(event, Event::Started(_))).unwrap().clone();
    stored.events = events(60_000);
    stored.events.extend((0..40_000).map(|_| started.clone()));
    let start = Instant::now();
    assert_eq!(stored.history().len(), 100_000);
    assert!(start.elapsed() < PATIENCE / 4, "{:?}", start.elapsed());
}

#[test]
fn a_class_folder_of_any_depth_is_listed_in_a_time_that_grows_with_it() {
    let scene = Scene::new();
    let cells = scene.cells();
    let deep = cells.join("a").join("d/".repeat(1500));
    fs::create_dir_all(&deep).unwrap();
    image::RgbImage::from_pixel(16, 16, image::Rgb([33; 3])).save(deep.join("deep.png")).unwrap();
    let ran = scene.run(&["inspect", &cells.display().to_string(), "--json"]);
    assert!(ran.code == Some(0) && ran.text.contains("{\"name\":\"a\",\"images\":5"), "{:?}: {}", ran.code, ran.text);
    // Deeper than the standard library has handles for.
    assert!(Command::new("rm").arg("-rf").arg(&cells).status().unwrap().success());
}
