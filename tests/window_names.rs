//! Every control of every page and dialog has a name, for screen readers and for whoever steers the window by words.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;
use std::time::SystemTime;

use common::Window;
use egui::accesskit::{Action as Can, Role};
use egui_kittest::kittest::{By, NodeT as _, Queryable as _};
use gandle::config::{Config, Preset};
use gandle::event::{
    Checkpoint, ClassCount, DataSummary, Event, Grid, GridPicture, JobEvent, Picture, QuizItem, QuizRequest, QuizSet,
    Scalar, Score, Step,
};
use gandle::ui::{Action, Brief, RunView, SessionRow, Settings, Workbench};

fn picture() -> GridPicture {
    let picture = Picture { width: 128, height: 32, rgb: vec![90; 128 * 32 * 3].into() };
    GridPicture { step: 2, columns: 8, rows: 2, cell: 16, picture }
}

fn events() -> Vec<Event> {
    let started = head::started("night-7", Preset::Improved.config());
    let step = |step| {
        Event::Step(Step::of(step, 0.0, [(Scalar::LossD, 1.25), (Scalar::LossG, 0.75), (Scalar::ImagesPerS, 64.0)]))
    };
    let score = Score { step: 2, metric: "frechet-distance".to_owned(), samples: 9, value: 5.0, ..Score::default() };
    let checkpoint = Checkpoint { step: 2, folder: "checkpoints/0000002".to_owned(), removed: Vec::new() };
    let grid = Grid { step: 2, file: "grids/0000002.png".to_owned() };
    let warning = Event::Warning { step: 2, message: "look out".to_owned() };
    let told = [Event::Grid(grid), Event::Checkpoint(checkpoint), Event::Score(score), warning];
    [Event::Started(Box::new(started)), step(1), step(2)].into_iter().chain(told).collect()
}

fn view() -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions/night-7"));
    events().into_iter().for_each(|event| view.apply(event));
    view.show_grid(picture());
    view
}

fn bench(config: Config, stored: bool) -> Workbench {
    let mut bench = Workbench::new(config, Settings::default());
    let class = |name: &str, images| ClassCount { name: name.to_owned(), images, held_out: 3 };
    let classes = vec![class("benign", 1200), class("malignant", 34)];
    let summary = DataSummary { source: "/cells".to_owned(), classes, ..DataSummary::default() };
    bench.data.apply(JobEvent::Preview { summary: Box::new(summary), samples: picture() });
    for (at, name) in ["before", "night-7"].into_iter().enumerate() {
        let folder = PathBuf::from("sessions").join(name);
        let mut row = SessionRow::new(folder.clone(), at, SystemTime::now());
        row.tell(Brief::new(Config::default(), events()));
        bench.sessions.push(row);
    }
    bench.queue.add("seed 1".to_owned(), Config::default());
    if stored {
        bench.stored = Some(view());
    }
    bench
}

/// What can be clicked or focused and has no name, as their roles and places, and how many there are in all.
fn nameless(window: &Window) -> (Vec<String>, usize) {
    let controls =
        By::new().predicate(|node| [Can::Click, Can::Focus].iter().any(|can| node.data().supports_action(*can)));
    let mut wrong = Vec::new();
    let mut all = 0;
    for control in window.harness.query_all(controls) {
        let node = control.accesskit_node();
        // The bars of scroll areas and the lines between a table's columns are the libraries' own, which give them no name.
        let line = node.role() == Role::Unknown && control.rect().width() <= 6.0;
        if line || node.role() == Role::ScrollBar {
            continue;
        }
        all += 1;
        // The text of a label is its value.
        let name = node.label().or_else(|| node.value().filter(|_| node.role() == Role::Label));
        if name.is_none_or(|name| name.trim().is_empty()) {
            wrong.push(format!("{:?} {:?} at {:?}", node.role(), node.value(), control.rect()));
        }
    }
    (wrong, all)
}

fn check(window: &mut Window, place: &str) {
    window.harness.run_steps(3);
    let (wrong, all) = nameless(window);
    assert!(all > 20, "{place}: {all} controls");
    assert!(wrong.is_empty(), "{place}: {wrong:?}");
}

const PAGES: [&str; 9] = ["Run", "Data", "Details", "Log", "Explore", "Quiz", "Sessions", "Compare", "Queue"];

#[test]
fn every_control_of_every_page_has_a_name() {
    for (stored, preset) in [(false, Preset::Improved), (true, Preset::Original)] {
        let mut window = Window::open(bench(preset.config(), stored), [1280.0, 5000.0], None);
        for section in ["Reading and memory", "Augmentation", "Differentiable augmentation", "Optimizer", "Growing"] {
            window.click(&format!("{section} options"));
        }
        for page in PAGES {
            window.turn_to(page);
            check(&mut window, &format!("{page}, stored: {stored}"));
        }
    }
}

#[test]
fn every_control_of_every_dialog_has_a_name() {
    let opened = || Window::open(bench(Preset::Improved.config(), true), [1280.0, 1700.0], None);
    let mut window = opened();
    window.click("Compare with…");
    check(&mut window, "compared settings");
    let mut window = opened();
    window.bench().export.open_for(&PathBuf::from("sessions/night-7"));
    check(&mut window, "export");
    let row = window.bench().sessions[0].clone();
    let mut window = opened();
    window.bench().session_dialog.edit(&row);
    check(&mut window, "name and note");
    let mut window = opened();
    window.bench().session_dialog.remove(&row);
    check(&mut window, "delete");
    let mut window = opened();
    window.bench().live = Some(view());
    window.bench().leave.ask();
    window.settle();
    assert!(window.shows("Close gandle?"));
    check(&mut window, "closing");
    let mut window = opened();
    window.harness.key_press(egui::Key::F1);
    check(&mut window, "shortcuts");
    let mut window = opened();
    window.bench().config.train.batch_size = 1;
    window.bench().settings.drawers.problems = true;
    window.bench().settings.drawers.log = true;
    check(&mut window, "drawers");
    let mut window = opened();
    window.turn_to("Quiz");
    let ask = QuizRequest { session: PathBuf::from("sessions/night-7"), step: 2, class: None, count: 2, seed: 1 };
    let item = |fake| QuizItem { class: 0, fake, picture: picture().picture };
    let (classes, items) = (vec!["benign".to_owned()], vec![item(true), item(false)]);
    let set = QuizSet { ask, classes, items, held_out: true, past: Vec::new() };
    window.bench().quiz.apply(JobEvent::Quiz(Box::new(set)));
    window.settle();
    assert!(window.shows("Image 1 of 2"));
    check(&mut window, "a quiz");
}

#[test]
fn a_session_that_leads_to_unknown_places_is_asked_about() {
    let place = gandle::config::ExternalPath { key: "data.source".to_owned(), path: "/theirs/cells".to_owned() };
    let folder = PathBuf::from("sessions/night-7");
    let mut window = Window::open(bench(Config::default(), true), [1280.0, 800.0], None);
    for (answer, goes_on) in [("Cancel", false), ("Go on", true)] {
        window.bench().trust.ask(folder.clone(), Some(9), vec![place.clone()]);
        window.harness.run();
        assert!(window.shows("/theirs/cells") && window.shows("data.source"));
        window.asked();
        window.click(answer);
        let went_on = Action::Trust { folder: folder.clone(), steps: Some(9), places: vec![place.clone()] };
        assert_eq!(window.asked().contains(&went_on), goes_on, "{answer}");
        assert!(!window.shows("/theirs/cells"));
    }
}

#[test]
fn a_session_that_is_being_read_is_named_on_the_page_of_the_run() {
    let mut window = Window::open(bench(Config::default(), false), [1280.0, 800.0], None);
    window.bench().opening = Some(PathBuf::from("sessions/night-7"));
    window.harness.run();
    assert!(window.shows("Opening night-7"));
}
