//! Works with the real program as a person does, with mouse and keys on a virtual screen, from choosing data to reopening
//! the session. What came of each stage is read from the session's folder.
//!
//! The window is 1280x800 on a screen of that size, so that every control has its place. A click waits until the picture has
//! changed by it and stands still again: no stage depends on how fast the machine is.
#![cfg(all(target_os = "linux", feature = "gui"))]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "common/screen.rs"]
mod screen;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gandle::config::{Config, LossKind};
use gandle::event::{Event, Scalar, Started};
use screen::{Running, picture, program, screen, wait_for_pictures};
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

/// Everything but the data, the loss and the attention, which are chosen in the window: small networks, and one thread, so that
/// no machine is through before it is told to pause.
const SET_UP: &str = "image_size = 32\ngenerator.base_channels = 16\ndiscriminator.base_channels = 16\n\
    train = { steps = 200, batch_size = 8, grid_every = 20, threads = 1 }\nscore = { every = 100, images = 48 }\n";

/// Steps of the run that its window is closed on.
const LONG: usize = 1500;

// Where the controls are, once the sections of the set-up above them are folded.
const DATA_FIELD: (u32, u32) = (150, 181);
const DATA: (u32, u32) = (150, 150);
const GENERATOR: (u32, u32) = (150, 382);
const GENERATOR_ATTENTION_AT_16: (u32, u32) = (307, 660);
const DISCRIMINATOR: (u32, u32) = (150, 440);
const LOSS: (u32, u32) = (150, 498);
const LOSS_KIND: (u32, u32) = (255, 529);
const LEAST_SQUARES: (u32, u32) = (244, 649);
const OPTIMIZER: (u32, u32) = (150, 556);
const GENERATOR_RATE: (u32, u32) = (255, 588);
const APPLY: (u32, u32) = (100, 106);
const TRAIN: (u32, u32) = (938, 28);
const PAUSE_OR_RESUME: (u32, u32) = (1041, 28);
const EXPORT: (u32, u32) = (836, 613);
/// Answers to the question of a window that is closed while it trains.
const LET_IT_TRAIN_ON: (u32, u32) = (640, 409);
const STAY: (u32, u32) = (640, 481);
/// The slider of the sample grids, from its first to (nearly) its last.
const FIRST_GRID: (u32, u32) = (424, 679);
const LAST_GRID: (u32, u32) = (640, 679);

/// Asks again and again until there is an answer.
fn wait<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(patience.elapsed() < Duration::from_secs(seconds), "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A person before the screen.
struct Person<'a> {
    display: &'a str,
    /// Where the screen's pixels stand.
    pixels: &'a Path,
}

impl Person<'_> {
    /// Runs xdotool; what it prints, where it succeeds.
    fn xdotool(&self, args: &[&str]) -> Option<String> {
        let ran = Command::new("xdotool").args(args).env("DISPLAY", self.display).output().unwrap();
        ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap())
    }

    fn does(&self, args: &[&str]) {
        assert!(self.xdotool(args).is_some(), "xdotool {args:?}");
    }

    /// Waits for the window and gives it the keyboard, which nobody else does where no window manager runs. A program that has ended
    /// says why instead. Of several windows, such as one that is just going, the first that takes the keyboard is meant.
    fn focus(&self, program: &mut Running) -> String {
        wait("the window", 180, || {
            program.must_run();
            let windows = self.xdotool(&["search", "--onlyvisible", "--name", "gandle"])?;
            windows.lines().find(|window| self.xdotool(&["windowfocus", window]).is_some()).map(str::to_owned)
        })
    }

    /// Waits until nothing has moved on the screen for a while.
    fn still(&self) -> Vec<u8> {
        let (mut shown, mut since) = (picture(self.pixels), Instant::now());
        wait("a screen that stands still", 30, || {
            let now = picture(self.pixels);
            if now != shown {
                (shown, since) = (now, Instant::now());
            }
            (since.elapsed() > Duration::from_millis(400)).then(|| shown.clone())
        })
    }

    /// Does something that must be seen, and waits until it is.
    fn sees(&self, what: &str, act: impl FnOnce()) {
        let before = self.still();
        act();
        wait(&format!("something to be seen of {what}"), 20, || (picture(self.pixels) != before).then_some(()));
        self.still();
    }

    fn point(&self, (x, y): (u32, u32)) {
        self.does(&["mousemove", &x.to_string(), &y.to_string()]);
    }

    /// Clicks where something moves all the time.
    fn press(&self, at: (u32, u32)) {
        self.point(at);
        // A button must have been drawn under the pointer before it can be pressed.
        std::thread::sleep(Duration::from_millis(300));
        self.does(&["click", "1"]);
    }

    fn click(&self, what: &str, at: (u32, u32)) {
        self.point(at);
        self.sees(what, || self.does(&["click", "1"]));
    }

    /// Replaces what stands in a field.
    fn types(&self, what: &str, at: (u32, u32), text: &str) {
        self.click(what, at);
        self.does(&["key", "ctrl+a"]);
        self.sees(what, || self.does(&["type", "--delay", "20", text]));
        self.sees(what, || self.does(&["key", "Return"]));
    }

    fn drags(&self, what: &str, from: (u32, u32), to: (u32, u32)) {
        self.point(from);
        self.sees(what, || self.does(&["mousedown", "1"]));
        self.sees(what, || {
            for part in 1..=4 {
                self.point((from.0 - (from.0 - to.0) * part / 4, to.1));
                std::thread::sleep(Duration::from_millis(30));
            }
        });
        self.does(&["mouseup", "1"]);
        self.still();
    }

    /// Saves the grid on the screen, again and again until it is the one that is expected: it is read by another thread.
    fn saves(&self, file: &Path) {
        let there = || std::fs::read_dir(file.parent()?).ok().map(|files| files.flatten().collect::<Vec<_>>());
        let patience = Instant::now();
        while !file.is_file() {
            assert!(patience.elapsed() < Duration::from_secs(30), "no {} among {:?}", file.display(), there());
            self.does(&["key", "ctrl+s"]);
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Waits until the window's title begins so.
    fn reads(&self, window: &str, title: &str) {
        let read = || self.xdotool(&["getwindowname", window]).filter(|text| text.starts_with(title));
        wait(title, 30, read);
    }

    /// Presses the button of a window manager that closes the window.
    fn asks_to_close(&self, window: &str) {
        let (connection, _) = x11rb::connect(Some(self.display)).unwrap();
        let atom = |name: &[u8]| connection.intern_atom(false, name).unwrap().reply().unwrap().atom;
        let window = window.parse::<u32>().unwrap();
        let data = [atom(b"WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
        connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
        // An answer means that it has arrived.
        connection.get_input_focus().unwrap().reply().unwrap();
    }

    /// Closes the window, and waits for the program's end.
    fn closes(&self, window: &str, program: &mut Running) {
        self.asks_to_close(window);
        Self::ends(program);
    }

    fn ends(program: &mut Running) {
        let status = wait("the program's end", 20, || program.0.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}

/// The folder of the only session, once there is one.
fn session(home: &Path) -> Option<PathBuf> {
    let mut folders = std::fs::read_dir(home.join("sessions")).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.next()?;
    assert_eq!(folders.next(), None, "one session was asked for");
    Some(folder)
}

/// What a session has told so far. The last line may be half written.
fn events(session: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(session.join("events.jsonl")).unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

/// Waits until a session has told what is looked for.
fn told<T>(what: &str, session: &Path, look: impl Fn(Event) -> Option<T>) -> T {
    wait(&format!("the event of {what}"), 400, || events(session).into_iter().find_map(&look))
}

/// Twelve drawn images of each of two classes.
fn draw_data(folder: &Path) {
    for (class, is_inside) in [("discs", disc as fn(i32, i32) -> i32), ("squares", square)] {
        let folder = folder.join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..12_u8 {
            let color = |x: u32, y: u32| match is_inside(x as i32 - 16, y as i32 - 16) <= i32::from(number) / 2 + 6 {
                true => image::Rgb([230, 60 + 10 * number, 40]),
                false => image::Rgb([20, 30, 70 + 5 * number]),
            };
            let image = image::RgbImage::from_fn(32, 32, color);
            image.save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
}

fn disc(x: i32, y: i32) -> i32 {
    f64::from(x * x + y * y).sqrt() as i32
}

fn square(x: i32, y: i32) -> i32 {
    x.abs().max(y.abs())
}

/// Chooses data, attention and loss, and opens the section of the learning rates.
fn sets_up(person: &Person<'_>, data: &Path) {
    person.types("the data folder", DATA_FIELD, data.to_str().unwrap());
    person.click("the folded data section", DATA);
    person.click("attention", GENERATOR_ATTENTION_AT_16);
    person.click("the folded generator section", GENERATOR);
    person.click("the folded discriminator section", DISCRIMINATOR);
    person.click("the list of losses", LOSS_KIND);
    person.click("the loss", LEAST_SQUARES);
    person.click("the folded loss section", LOSS);
    person.click("the unfolded optimizer section", OPTIMIZER);
}

/// Trains, with a pause in which a learning rate is changed.
fn trains(person: &Person<'_>, home: &Path) -> (PathBuf, Started) {
    person.press(TRAIN);
    let session = wait("a session", 20, || session(home));
    let started = told("the start", &session, |event| {
        let Event::Started(started) = event else { return None };
        Some(*started)
    });
    told("a step", &session, |event| matches!(event, Event::Step(_)).then_some(()));
    person.press(PAUSE_OR_RESUME);
    let paused = told("the pause", &session, |event| {
        let Event::Paused { step } = event else { return None };
        Some(step)
    });
    assert!((1..200).contains(&paused), "{paused}");
    person.still();

    person.types("the generator's rate", GENERATOR_RATE, "0.0002");
    person.click("the button that applies the change", APPLY);
    let edited = told("the change", &session, |event| {
        let Event::Edited(edited) = event else { return None };
        Some(edited)
    });
    let changes: Vec<String> = edited.changes.iter().map(ToString::to_string).collect();
    assert_eq!((edited.step, changes), (paused, vec!["optimizer.generator_lr 0.0001 → 0.0002".to_owned()]));

    person.press(PAUSE_OR_RESUME);
    told("the end of the pause", &session, |event| (event == Event::Resumed { step: paused }).then_some(()));
    told("the end", &session, |event| (event == Event::Finished { step: 200 }).then_some(()));
    let rate_after = |event| {
        let Event::Step(step) = event else { return None };
        (step.step > paused).then_some(step.numbers[Scalar::GeneratorLr])
    };
    assert_eq!(told("a step with the new rate", &session, rate_after), 0.0002);
    (session, started)
}

/// Looks at the first grid and the one after it and saves both, then exports images.
fn looks_and_exports(person: &Person<'_>, session: &Path) {
    let exports = session.join("exports");
    person.drags("the first grid", LAST_GRID, FIRST_GRID);
    person.saves(&exports.join("grid-0000000.png"));
    person.sees("the next grid", || person.does(&["key", "Right"]));
    person.saves(&exports.join("grid-0000020.png"));

    person.sees("the dialog", || person.does(&["key", "ctrl+e"]));
    person.click("the export", EXPORT);
    // What the dialog offers at first: a hundred images of each class.
    for class in ["discs", "squares"] {
        let count = || std::fs::read_dir(exports.join(class)).map_or(0, Iterator::count);
        wait("the exported images", 60, || (count() == 100).then_some(()));
    }
}

/// A screen with somebody to work on it, where both are installed.
fn screen_to_work_on(folder: &Path) -> Option<(Running, String)> {
    let installed = Command::new("xdotool").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let found = screen(folder).filter(|_| installed);
    if found.is_none() {
        eprintln!("skipped: Xvfb or xdotool is not installed");
    }
    found
}

/// A home whose window opens with this set-up; the file that keeps it.
fn furnish(home: &Path, set_up: &str) -> PathBuf {
    let state = home.join("gandle/app.ron");
    std::fs::create_dir_all(home.join("gandle")).unwrap();
    std::fs::create_dir(home.join("sessions")).unwrap();
    let set_up = format!("(config:{set_up:?})");
    std::fs::write(&state, format!("{{\"gandle\":{set_up:?}}}")).unwrap();
    state
}

/// A window that trains the drawn set for as long as it takes to answer some questions, its name and its session.
fn trains_long(person: &Person<'_>) -> (Running, String, PathBuf) {
    let home = person.pixels.join("home");
    let set_up = SET_UP.replace("steps = 200", &format!("steps = {LONG}"));
    furnish(&home, &format!("{set_up}data = {{ source = \"demo\", demo_images = 10 }}\n"));
    let mut window = program(&home, person.display, &[]);
    wait_for_pictures(person.pixels, &mut window);
    let id = person.focus(&mut window);
    person.press(TRAIN);
    let session = wait("a session", 20, || session(&home));
    told("a step", &session, |event| matches!(event, Event::Step(_)).then_some(()));
    (window, id, session)
}

#[test]
fn a_run_is_saved_when_the_system_ends_the_program() {
    let root = tempfile::tempdir().unwrap();
    let Some((_screen, display)) = screen_to_work_on(root.path()) else { return };
    let person = Person { display: &display, pixels: root.path() };
    let (mut window, _, session) = trains_long(&person);
    assert!(Command::new("kill").arg(window.0.id().to_string()).status().unwrap().success());
    Person::ends(&mut window);
    let Some(Event::Stopped { step }) = events(&session).pop() else { panic!("{:?}", events(&session).last()) };
    assert!((1..LONG).contains(&step), "{step}");
    assert_eq!(gandle::session::newest_whole(&session).unwrap().0.unwrap().step, step, "nothing is lost");
}

#[test]
fn a_run_goes_on_when_its_window_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let Some((_screen, display)) = screen_to_work_on(root.path()) else { return };
    let person = Person { display: &display, pixels: root.path() };
    let (mut window, id, session) = trains_long(&person);
    let step = |event: Event| if let Event::Step(step) = event { Some(step.step) } else { None };

    person.asks_to_close(&id);
    std::thread::sleep(Duration::from_millis(500));
    person.press(STAY);
    let seen = events(&session).len();
    wait("the run that goes on", 60, || (events(&session).len() > seen + 1).then_some(()));
    window.must_run();
    person.asks_to_close(&id);
    std::thread::sleep(Duration::from_millis(500));
    person.press(LET_IT_TRAIN_ON);
    Person::ends(&mut window);
    told("the end", &session, |event| (event == Event::Finished { step: LONG }).then_some(()));
    let all = events(&session);
    let stopped = all.iter().position(|event| matches!(event, Event::Stopped { .. })).unwrap();
    let Event::Stopped { step: at } = all[stopped] else { unreachable!() };
    assert!((1..LONG).contains(&at), "{at}");
    let again: Vec<usize> = all[stopped..].iter().cloned().filter_map(step).collect();
    assert_eq!(again, (at + 1..=LONG).collect::<Vec<_>>(), "every step once");
    assert!(std::fs::read_to_string(session.join("background.log")).unwrap().contains("session"));
}

#[test]
fn a_run_is_set_up_trained_changed_looked_at_exported_and_reopened() {
    let root = tempfile::tempdir().unwrap();
    let Some((_screen, display)) = screen_to_work_on(root.path()) else { return };
    let (home, data) = (root.path().join("home"), root.path().join("data"));
    let state = furnish(&home, SET_UP);
    draw_data(&data);
    let person = Person { display: &display, pixels: root.path() };

    let mut window = program(&home, &display, &[]);
    wait_for_pictures(root.path(), &mut window);
    let id = person.focus(&mut window);
    sets_up(&person, &data);
    let (session, started) = trains(&person, &home);
    let chosen = (started.config.generator.attention, started.config.loss.kind, started.config.data.source);
    assert_eq!(chosen, (vec![16], LossKind::LeastSquares, data.to_str().unwrap().to_owned()));
    let default = Config::default();
    assert_ne!((chosen.0, chosen.1), (default.generator.attention, default.loss.kind));
    assert_eq!(started.classes, ["discs", "squares"]);
    person.reads(&id, "Finished");
    looks_and_exports(&person, &session);
    person.closes(&id, &mut window);
    assert!(std::fs::read_to_string(&state).unwrap().contains("least-squares"), "the set-up is kept");

    let before = events(&session);
    std::fs::remove_dir_all(session.join("exports")).unwrap();
    let mut window = program(&home, &display, &[&session]);
    let id = person.focus(&mut window);
    // The newest grid is what a session opens with; it can be saved once it is on the screen.
    let saved = session.join("exports/grid-0000200.png");
    person.saves(&saved);
    window.must_run();
    person.closes(&id, &mut window);
    assert_eq!(events(&session), before, "looking at a session changes nothing");
}
