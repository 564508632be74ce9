//! What a first hour in the window leaves to be mended, and the click, the word or the place that mends it.
#![cfg(feature = "gui")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::Window;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Config, Metric, Preset};
use gandle::engine::Job;
use gandle::event::{Checkpoint, Command, Event, Parent, Scored, Step};
use gandle::ui::{Action, Notice, Page, ParentPlace, Reading, RunView, Settings, Workbench};

fn open(prepare: impl FnOnce(&mut Workbench)) -> Window {
    let mut bench = Workbench::new(Preset::Quick.config(), Settings::default());
    prepare(&mut bench);
    Window::open(bench, [1280.0, 800.0], None)
}

/// A run of 4,000 steps with a checkpoint of step 100.
fn run(name: &str, ending: impl IntoIterator<Item = Event>) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions").join(name));
    view.apply(Event::Started(Box::new(head::started(name, Preset::Quick.config()))));
    view.apply(Event::Step(Step::of(100, 250.0, [])));
    view.apply(Event::Checkpoint(Checkpoint { step: 100, folder: "c/100".to_owned(), removed: Vec::new() }));
    ending.into_iter().for_each(|event| view.apply(event));
    view
}

/// Types over what is in a field, and presses Enter.
fn enter(window: &mut Window, field: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, field).click();
    window.settle();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.harness.event(egui::Event::Text(text.to_owned()));
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
}

fn is_disabled(window: &Window, button: &str) -> bool {
    window.harness.get_by_role_and_label(Role::Button, button).accesskit_node().is_disabled()
}

/// Reads the data of the set-up, as the app does.
fn read(window: &mut Window) {
    let config = window.bench().config.clone();
    for event in Job::preview(config, Arc::new(|| {})).wait_events() {
        window.bench().data.apply(event);
    }
    window.settle();
}

/// Images of two classes, each with a colour of its own.
fn fill(folder: &Path, color: fn(u8) -> [u8; 3]) {
    for (class, first) in [("left", 0), ("right", 100)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..3 {
            let shade = |x: u32, y: u32| image::Rgb(color(first + at * 20 + (x * y % 20) as u8));
            image::RgbImage::from_fn(20, 20, shade).save(folder.join(class).join(format!("{class}{at}.png"))).unwrap();
        }
    }
}

fn of(folder: &Path) -> Config {
    let mut config = Preset::Quick.config_at(32);
    config.data.source = folder.display().to_string();
    config
}

#[test]
fn images_that_are_all_grey_are_drawn_in_grey_with_a_click() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), |value| [value; 3]);
    let mut window = open(|bench| {
        bench.config = of(folder.path());
        bench.settings.drawers.problems = true;
    });
    read(&mut window);
    assert!(window.shows("all 6 images are grey"), "stored with three channels, but without a colour");
    window.click("Set \u{201c}Colour\u{201d} to Grey");
    assert_eq!(window.bench().config.channels, 1);
    read(&mut window);
    assert!(!window.shows("images are grey"));
    // Data with a colour has nothing to be mended.
    fill(folder.path(), |value| [value, 0, 0]);
    window.bench().config.channels = 3;
    read(&mut window);
    assert!(!window.shows("images are grey") && *window.bench().data.reading() == Reading::Done);
}

#[test]
fn a_class_without_images_is_left_out_with_a_click() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), |value| [value, 0, 255]);
    for empty in ["nothing [1]", "void"] {
        std::fs::create_dir(folder.path().join(empty)).unwrap();
    }
    std::fs::write(folder.path().join("void/1.png"), "no image").unwrap();
    let mut window = open(|bench| {
        bench.config = of(folder.path());
        bench.settings.drawers.problems = true;
    });
    read(&mut window);
    assert!(matches!(window.bench().data.reading(), Reading::Failed(_)));
    assert!(is_disabled(&window, "Train"));
    assert!(window.shows("the class `nothing [1]`") && window.shows("void has none either"));
    // Below its option and in the list of problems.
    let fix = "Set \u{201c}Leave out\u{201d} to [nothing [[]1[]]/*, void/*]";
    window.harness.query_all_by_label(fix).next().expect("a fix").click();
    window.settle();
    read(&mut window);
    assert_eq!(*window.bench().data.reading(), Reading::Done);
    assert_eq!(window.bench().data.classes(), Some(2));
    assert!(!is_disabled(&window, "Train"));
}

#[test]
fn a_parent_has_its_present_name_after_it_was_renamed() {
    let parent = Some(Parent { session: "night".to_owned(), step: 200, run: None });
    let mut fork = RunView::new(PathBuf::from("sessions/fork"));
    let started = gandle::event::Started { parent, step: 200, ..head::started("fork", Config::default()) };
    fork.apply(Event::Started(Box::new(started)));
    fork.apply(Event::Finished { step: 300 });
    fork.place_parent(ParentPlace::At(PathBuf::from("sessions/night")));
    let mut window = open(|bench| bench.stored = Some(fork));
    window.turn_to("Details");
    window.harness.get_by_label("night at step 200");
    let moved = |window: &mut Window, from: &str, to: Option<&str>| {
        let fork = window.bench().stored.as_mut().expect("a session");
        fork.parent_moved(Path::new(from), to.map(Path::new));
        window.settle();
    };
    moved(&mut window, "sessions/other", None);
    window.harness.get_by_label("night at step 200");
    moved(&mut window, "sessions/night", Some("sessions/best so far"));
    window.harness.get_by_label("best so far at step 200, then called night");
    moved(&mut window, "sessions/best so far", None);
    assert!(window.shows("night at step 200; it is not found under this name"));
}

#[test]
fn keys_do_what_their_buttons_do_and_say_why_where_these_cannot_be_pressed() {
    let hit = |window: &mut Window, modifiers: Modifiers, key: Key| {
        window.bench().notice = None;
        window.asked();
        window.harness.key_press_modifiers(modifiers, key);
        window.settle();
        let told = window.bench().notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
        let asked = window.asked().into_iter().filter(|a| !matches!(a, Action::ReadGrid(_) | Action::ListSessions));
        (asked.collect::<Vec<_>>(), told)
    };
    let ctrl = Modifiers::COMMAND;
    let says = |found: (Vec<Action>, String), text: &str| {
        assert!(found.0.is_empty() && found.1.contains(text), "{text}: {found:?}");
    };
    let mut window = open(|_| {});
    assert!(is_disabled(&window, "Pause") && is_disabled(&window, "Stop"));
    says(hit(&mut window, ctrl, Key::P), "No run is going on");
    says(hit(&mut window, ctrl, Key::Period), "No run is going on");
    says(hit(&mut window, ctrl, Key::E), "no run to export from");
    says(hit(&mut window, ctrl, Key::S), "no sample grid to save");
    assert_eq!(hit(&mut window, ctrl, Key::T).0, [Action::Train]);

    // One that was stopped goes on, as by its button; Space starts nothing.
    window.bench().live = Some(run("night", [Event::Stopped { step: 100 }]));
    window.settle();
    assert!(!is_disabled(&window, "Resume"));
    let folder = PathBuf::from("sessions/night");
    assert_eq!(hit(&mut window, ctrl, Key::P).0, [Action::Resume { folder, steps: None }]);
    window.bench().settings.page = Page::Log;
    window.settle();
    assert!(hit(&mut window, Modifiers::NONE, Key::Space).0.is_empty());
    window.bench().settings.page = Page::Run;
    says(hit(&mut window, ctrl, Key::Period), "No run is going on");
    says(hit(&mut window, Modifiers::NONE, Key::N), "for a run that is paused");

    // A finished one does not go on by itself.
    let whole = Event::Checkpoint(Checkpoint { step: 4000, folder: "c/4000".to_owned(), removed: Vec::new() });
    window.bench().live = Some(run("night", [whole, Event::Finished { step: 4000 }]));
    window.settle();
    says(hit(&mut window, ctrl, Key::P), "The run is finished");

    // One that goes on is asked once.
    window.bench().live = Some(run("night", []));
    window.settle();
    says(hit(&mut window, ctrl, Key::T), "stop it to start another");
    assert_eq!(hit(&mut window, ctrl, Key::P).0, [Action::Command(Command::Pause)]);
    window.bench().live.as_mut().expect("a run").ask(&Command::Stop);
    window.settle();
    assert!(is_disabled(&window, "Pause") && is_disabled(&window, "Stop"));
    says(hit(&mut window, ctrl, Key::P), "what it was asked before");
    says(hit(&mut window, ctrl, Key::Period), "is ending already");

    // A stored session has buttons of its own.
    window.bench().live = None;
    window.bench().stored = Some(run("old", [Event::Stopped { step: 100 }]));
    window.settle();
    says(hit(&mut window, ctrl, Key::P), "has its own buttons below");
    says(hit(&mut window, Modifiers::NONE, Key::L), "averaged generator's grids alone");

    // What lies behind a dialog is out of reach.
    assert_eq!(hit(&mut window, ctrl, Key::E), (Vec::new(), String::new()));
    assert!(window.shows("Export from this session"));
    assert_eq!(hit(&mut window, ctrl, Key::T), (Vec::new(), String::new()));
    hit(&mut window, ctrl, Key::Num2);
    assert_eq!(window.bench().settings.page, Page::Run);
}

#[test]
fn a_run_that_has_ended_says_how_long_it_took() {
    let mut window = open(|bench| {
        bench.config = Preset::Quick.config();
        bench.config.train.steps = 100;
        let mut config = bench.config.clone();
        config.score.every = 50;
        let mut view = RunView::new(PathBuf::from("sessions/night"));
        view.apply(Event::Started(Box::new(head::started("night", config))));
        for step in 1..=99 {
            view.apply(Event::Step(Step::of(step, 2.0 * step as f64, [])));
        }
        bench.live = Some(view);
    });
    assert!(window.shows("s left") && !window.shows("took"));
    let live = window.bench().live.as_mut().expect("a run");
    live.apply(Event::Step(Step::of(100, 200.0, [])));
    live.apply(Event::Scored(Scored { step: 100, seconds: 15.0, total_seconds: 31.0, share: 0.1 }));
    live.apply(Event::Finished { step: 100 });
    window.settle();
    // 200 s of training and 31 s of scores.
    assert!(window.shows("took 3 min 51 s") && !window.shows("s left"));
    window.harness.get_by_label("Time: 100 steps took 3 min 51 s in all, scores included");
    // Other settings would take another time.
    window.bench().config.train.batch_size += 1;
    window.settle();
    assert!(!window.shows("Time: 100 steps took"));
    window.bench().config.train.batch_size -= 1;
    window.bench().config.train.steps = 400;
    window.settle();
    assert!(!window.shows("Time: 100 steps took") && window.shows("took 3 min 51 s"));
}

/// The scores that were asked for.
fn scored(window: &mut Window) -> gandle::config::Score {
    window.harness.get_by_role_and_label(Role::Button, "Score").click();
    window.harness.run_steps(4);
    let asked = window.asked();
    let scores =
        asked.into_iter().find_map(|action| if let Action::Score(ask) = action { Some(ask.score) } else { None });
    scores.expect("scores are asked for")
}

#[test]
fn a_checkpoint_is_scored_as_its_run_was_or_as_somebody_chooses() {
    let mut config = Preset::Quick.config();
    config.score.metrics = vec![Metric::Recall, Metric::WorthEqual];
    config.score.best = "frechet-distance".to_owned();
    (config.score.images, config.score.extractor) = (500, "efficientnet-lite0".to_owned());
    let mut view = RunView::new(PathBuf::from("sessions/night"));
    view.apply(Event::Started(Box::new(head::started("night", config))));
    view.apply(Event::Checkpoint(Checkpoint { step: 100, folder: "c/100".to_owned(), removed: Vec::new() }));
    view.apply(Event::Stopped { step: 100 });
    let mut bench = Workbench::new(Preset::Quick.config(), Settings::default());
    bench.scores.open_for(&view);
    bench.stored = Some(view);
    // High enough for the whole list.
    let mut window = Window::open(bench, [1280.0, 1600.0], None);
    // As the run says, whatever the set-up has, but for what needs images that it never held out.
    window.harness.get_by_label("Frechet distance, Recall (medium)");
    window.harness.get_by_role_and_label(Role::ComboBox, "Scores").click();
    window.settle();
    for (name, on) in [("Frechet distance (quick)", true), ("Recall (medium)", true), ("Classifier AUC (slow)", false)]
    {
        let node = window.harness.get_by_label(name);
        let toggled = node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True);
        assert_eq!(toggled, on, "{name}");
    }
    let worth = window.harness.get_by_label("Worth: with 1 fake for 1 real (slow)");
    assert!(worth.accesskit_node().is_disabled());
    window.click("Recall (medium)");
    // It may lie below what the list shows.
    window.harness.get_by_label("Classifier AUC (slow)").click_accesskit();
    window.settle();
    window.harness.key_press(Key::Escape);
    window.settle();
    window.harness.get_by_label("Frechet distance, Classifier AUC (slow)");
    let score = scored(&mut window);
    assert_eq!(score.measured(), [Metric::FrechetDistance, Metric::ClassifierAuc]);
    assert_eq!((score.images, score.extractor.as_str()), (500, "efficientnet-lite0"));
}

#[test]
fn what_goes_wrong_in_a_dialog_is_told_in_it_and_not_behind_it() {
    let mut window = open(|bench| {
        bench.live = Some(run("night", [Event::Stopped { step: 100 }]));
        bench.notice = Some(Notice::error("an old trouble"));
    });
    let tell = |window: &mut Window, text: &str| {
        window.bench().notice = Some(Notice::error(text));
        window.settle();
    };
    assert!(window.shows("That did not work"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.settle();
    assert!(window.shows("That did not work"), "what went wrong before is no matter of the dialog");
    tell(&mut window, "no file dialog here");
    assert!(window.shows("no file dialog here") && !window.shows("That did not work"));
    // It lies within the dialog, below its heading and beside no other page.
    let heading = window.harness.get_by_label("Export from this session").rect();
    let told = window.harness.get_by_label("no file dialog here").rect();
    assert!(told.top() > heading.bottom() && told.left() >= heading.left() - 1.0);
    // It was read there, and goes with the dialog.
    window.click("Close");
    assert!(!window.shows("no file dialog here"));
    // What comes when the dialog has closed is told above the page.
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.settle();
    window.click("Close");
    tell(&mut window, "too late");
    assert!(window.shows("That did not work") && window.shows("too late"));
    // Another try takes it away.
    window.bench().notice = None;
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.settle();
    tell(&mut window, "once more");
    // The button that is named after its row.
    window.harness.get_by_role_and_label(Role::Button, "Folder").click();
    window.settle();
    assert!(!window.shows("once more"));
}

#[test]
fn going_back_waits_for_its_run_and_says_why_there_is_none() {
    let mut window = open(|bench| {
        let mut view = run("night", [Event::Grid(gandle::event::Grid { step: 100, file: "grids/100.png".to_owned() })]);
        view.apply(Event::Stopped { step: 100 });
        let picture = gandle::event::Picture { width: 16, height: 32, rgb: vec![90; 16 * 32 * 3].into() };
        view.show_grid(gandle::event::GridPicture { step: 100, columns: 1, rows: 2, cell: 16, picture });
        bench.live = Some(view);
    });
    window.click("More about this step");
    window.click("Go back to this step…");
    assert!(!window.bench().branched(Ok(())), "nothing was asked for");
    window.click("Go back and train");
    assert!(window.asked().iter().any(|action| matches!(action, Action::Branch { step: 100, .. })));
    assert!(is_disabled(&window, "Go back and train"), "once is enough");
    assert!(window.bench().branched(Err("the networks would not fit".to_owned())));
    window.settle();
    assert!(window.shows("the networks would not fit") && !is_disabled(&window, "Go back and train"));
    window.click("Go back and train");
    assert!(window.bench().branched(Ok(())));
    window.settle();
    assert!(!window.shows("Go back to a checkpoint"));
}

#[test]
fn where_no_file_dialog_opens_paths_are_typed() {
    let mut window = open(|bench| bench.sessions_folder = PathBuf::from("/home/x/sessions"));
    window.turn_to("Sessions");
    window.asked();
    let asked = |window: &mut Window| {
        let asked = window.asked().into_iter().filter(|action| !matches!(action, Action::LookInto(_)));
        asked.collect::<Vec<_>>()
    };
    enter(&mut window, "Folder for sessions", "/fast/disk");
    assert_eq!(asked(&mut window), [Action::KeepSessionsIn("/fast/disk".to_owned())]);
    let shown = |window: &Window| {
        let field = window.harness.get_by_role_and_label(Role::TextInput, "Folder for sessions");
        field.accesskit_node().value()
    };
    assert_eq!(shown(&window).as_deref(), Some("/home/x/sessions"), "until it is taken");
    assert!(is_disabled(&window, "Open path"));
    enter(&mut window, "Path of a session", "/elsewhere/night");
    assert_eq!(asked(&mut window), [Action::OpenSession(PathBuf::from("/elsewhere/night"))]);
    window.click("Open path");
    assert_eq!(asked(&mut window), [Action::OpenSession(PathBuf::from("/elsewhere/night"))]);
}

/// Scores with every column, of a metric with a long name.
fn scores() -> impl Iterator<Item = Event> {
    let score = |(metric, class): (&str, Option<&str>)| {
        Event::Score(gandle::event::Score {
            step: 100,
            metric: metric.to_owned(),
            extractor: "efficientnet-lite2".to_owned(),
            class: class.map(str::to_owned),
            value: 123.45,
            interval: Some([101.2, 145.6]),
            baseline: Some(98.7),
            samples: 12_000,
            reals: Some(10_500),
            k: Some(5),
            ..gandle::event::Score::default()
        })
    };
    let metrics = ["intra-class-frechet-distance", "worth-double", "classifier-balanced-accuracy", "recall"];
    metrics.map(|metric| (metric, None)).into_iter().chain([("recall", Some("malignant"))]).map(score)
}

#[test]
fn the_table_of_scores_is_whole_at_every_size_of_the_window() {
    for size in [[960.0, 600.0], [1280.0, 800.0], [1380.0, 860.0], [1920.0, 1080.0]] {
        let mut bench = Workbench::new(Preset::Quick.config(), Settings::default());
        bench.stored = Some(run("night", scores().chain([Event::Stopped { step: 100 }])));
        let mut window = Window::open(bench, size, None);
        window.turn_to("Details");
        // The left of two columns, and the gap between them.
        let middle = (window.bench().settings.setup_width + size[0]) / 2.0 + 8.0;
        let card = window.harness.get_by_label("Scores at step 100").rect();
        let texts = [
            "Intra-class Frechet distance",
            "101.2 to 145.6",
            "98.70",
            "10,500 / 12,000, k 5",
            "Real images",
            "malignant",
        ];
        for text in texts {
            for node in window.harness.query_all_by_label_contains(text) {
                let rect = node.rect();
                assert!(rect.left() >= card.left() - 1.0 && rect.right() <= middle, "{text} at {size:?}: {rect:?}");
            }
            assert!(window.shows(text), "{text} at {size:?}");
        }
        // The same in the dialog, whose width is its own.
        window.click("Score a checkpoint…");
        let heading = window.harness.get_by_label("Score a checkpoint").rect();
        window.harness.get_by_role_and_label(Role::Button, "Score").click();
        window.harness.run_steps(4);
        let told = scores().filter_map(|event| if let Event::Score(score) = event { Some(score) } else { None });
        window.bench().scores.apply(gandle::event::JobEvent::Rescored { scores: told.collect(), missing: Vec::new() });
        window.settle();
        let right = heading.left() + 440.0 * 1.3 + 1.0;
        let inside = |rect: egui::Rect| rect.left() >= heading.left() - 1.0 && rect.right() <= right;
        for text in ["101.2 to 145.6", "10,500 / 12,000, k 5"] {
            let found = window.harness.query_all_by_label_contains(text).filter(|node| inside(node.rect())).count();
            assert!(found >= 5, "{text} at {size:?}");
        }
        let close = window.harness.get_by_role_and_label(Role::Button, "Copy").rect();
        assert!(close.bottom() < size[1], "the dialog fits at {size:?}");
    }
}

#[test]
fn the_bars_above_a_page_have_one_look() {
    let window = open(|bench| {
        let warning = Event::Warning { step: 100, message: "one thing of many ".repeat(30) };
        bench.stored = Some(run("night", [warning, Event::Stopped { step: 100 }]));
        bench.notice = Some(Notice::error("the file could not be written"));
    });
    let of = |window: &Window, label: &str| window.harness.get_by_role_and_label(Role::Button, label).rect();
    let [resume, other] = ["Resume", "Use these settings"].map(|label| of(&window, label));
    let field = window.harness.get_by_role_and_label(Role::SpinButton, "Steps to reach").rect();
    let crosses: Vec<egui::Rect> =
        window.harness.query_all_by_role_and_label(Role::Button, "Dismiss").map(|node| node.rect()).collect();
    assert_eq!(crosses.len(), 3);
    // One line in each bar, the crosses below each other, and what is pressed as high as the rest.
    for rect in [other, field, crosses[0]] {
        assert!((rect.center().y - resume.center().y).abs() < 1.5, "{rect:?} {resume:?}");
    }
    assert!((resume.height() - other.height()).abs() < 0.5 && resume.height() <= 28.0, "{resume:?} {other:?}");
    assert!(crosses.iter().all(|rect| (rect.right() - crosses[0].right()).abs() < 0.5), "{crosses:?}");
    // The text begins in that line, also where it takes several.
    for (text, cross) in [("Stored session", 0), ("That did not work", 1), ("Step 100", 2)] {
        let mut found = window.harness.query_all_by_label_contains(text);
        let line = found.next().expect(text).rect();
        let first = line.top() + 9.0;
        assert!((first - crosses[cross].center().y).abs() < 4.0, "{text}: {line:?} {:?}", crosses[cross]);
    }
    // It reads: Resume up to so many steps.
    assert!(resume.right() < field.left() && field.right() < other.left(), "{resume:?} {field:?} {other:?}");
}

#[test]
fn settings_are_compared_with_the_preset_of_the_run() {
    let mut window = open(|bench| bench.stored = Some(run("night", [Event::Stopped { step: 100 }])));
    window.turn_to("Details");
    window.harness.get_by_label("Coloured where they differ from the preset quick");
}
