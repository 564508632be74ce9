//! What a person comes across in the first hour with the window: small windows, the Tab key, data that cannot be read, runs
//! that never began, and the way back to the last session. Without pictures and without time.
#![cfg(feature = "gui")]

#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Change, Preset};
use gandle::event::{
    ClassCount, Command, DataSummary, Edited, Event, Grid, GridPicture, JobEvent, Picture, Scalar, Score, Step,
};
use gandle::ui::{Action, Page, RunView, SessionRequest, SessionRow, Settings, Workbench, theme};

type Window = Harness<'static, (Workbench, Vec<Action>)>;

fn window(size: [f32; 2], prepare: impl FnOnce(&mut Workbench)) -> Window {
    let mut bench = Workbench::new(Preset::Improved.config(), Settings::default());
    prepare(&mut bench);
    let draw = |ui: &mut egui::Ui, state: &mut (Workbench, Vec<Action>)| {
        let asked = state.0.ui(ui);
        state.1.extend(asked);
    };
    let builder = Harness::builder().with_size(size).with_max_steps(40).with_context_setup(theme::apply);
    let mut window = builder.build_ui_state(draw, (bench, Vec::new()));
    window.run();
    window
}

fn shows(window: &Window, text: &str) -> bool {
    window.query_all_by_label_contains(text).next().is_some()
}

fn run(events: impl IntoIterator<Item = Event>) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions/2026-11-23-1200-cells-improved"));
    events.into_iter().for_each(|event| view.apply(event));
    view
}

fn started() -> Event {
    Event::Started(Box::new(head::started("2026-11-23-1200-cells-improved", Preset::Improved.config())))
}

fn step(step: usize) -> Event {
    Event::Step(Step::of(step, step as f64, [(Scalar::LossD, 1.25), (Scalar::LossG, 0.75)]))
}

fn row(name: &str, minutes_ago: u64, busy: bool) -> SessionRow {
    let modified = SystemTime::now() - Duration::from_secs(60 * minutes_ago);
    SessionRow { busy, ..SessionRow::new(PathBuf::from("sessions").join(name), 1500, modified) }
}

#[test]
fn the_smallest_window_has_room_for_what_can_be_pressed() {
    let grid = Event::Grid(Grid { step: 2, file: "grids/2.png".to_owned() });
    let score = Event::Score(Score {
        step: 2,
        metric: "frechet-distance".to_owned(),
        extractor: "efficientnet-lite0".to_owned(),
        value: 300.0,
        samples: 480,
        ..Score::default()
    });
    let mut window = window([960.0, 600.0], |bench| {
        bench.stored = Some(run([started(), step(1), step(2), grid, score, Event::Stopped { step: 2 }]));
        bench.sessions = vec![row("2026-11-23-1200-cells-improved", 5, false)];
    });
    for page in ["Data", "Details", "Log", "Explore", "Quiz", "Sessions", "Compare", "Queue", "Run"] {
        window.get_by_role_and_label(Role::Tab, page).click();
        window.run();
        let root = window.root();
        for node in root.children_recursive() {
            let role = node.accesskit_node().role();
            let name = node.accesskit_node().label().unwrap_or_default();
            // The table of runs scrolls sideways.
            let scrolls = page == "Compare" && name.starts_with("More about");
            if !scrolls && matches!(role, Role::Button | Role::CheckBox | Role::Tab | Role::Slider | Role::TextInput) {
                let rect = node.rect();
                assert!(rect.right() <= 951.0, "{role:?} {name:?} on {page} ends at {}", rect.right());
            }
        }
    }
    for name in ["Nearest real", "Real images", "Export…", "Meaning"] {
        assert!(window.query_by_label(name).is_some(), "{name}");
    }
}

#[test]
fn single_steps_have_room_in_the_smallest_window() {
    let mut window = window([960.0, 600.0], |bench| {
        bench.live = Some(run([started(), step(1), Event::Paused { step: 1 }]));
    });
    for width in [960.0, 1100.0, 1280.0] {
        window.set_size(egui::vec2(width, 600.0));
        window.run();
        for name in ["One step", "D and G", "D only", "G only"] {
            let place = window.get_by_label(name).rect();
            assert!(place.right() < width - 10.0, "{name} at {width}: {place:?}");
        }
    }
}

#[test]
fn the_time_that_is_left_has_room_beside_the_buttons() {
    let events = || [started(), step(1), step(2)];
    let mut window = window([960.0, 600.0], |bench| bench.live = Some(run(events())));
    for width in [960.0, 1000.0, 1100.0, 1280.0] {
        window.set_size(egui::vec2(width, 600.0));
        window.run();
        // The bar of the time that is left also stands in a chart's title.
        let left = window
            .query_all_by_label_contains(" left")
            .map(|node| node.rect())
            .min_by(|a, b| a.top().total_cmp(&b.top()));
        let left = left.unwrap();
        let train = window.get_by_role_and_label(Role::Button, "Train").rect();
        assert!(left.right() < train.left(), "at {width}: {left:?} and {train:?}");
    }
}

#[test]
fn data_that_cannot_be_read_is_not_waited_for() {
    let window = window([1280.0, 800.0], |bench| {
        bench.data.apply(JobEvent::Failed { message: "/celsl does not exist".to_owned() });
    });
    assert!(!shows(&window, "Reading…") && !shows(&window, "Reading the data"));
    assert!(shows(&window, "The data could not be read"));
    // Also beside the button that waits for it.
    assert!(window.query_by_label("The data could not be read: /celsl does not exist").is_some());
}

#[test]
fn a_single_class_is_remarked_on() {
    let class = ClassCount { name: "benign".to_owned(), images: 12, held_out: 0 };
    let (picture, [columns, rows, cell]) = (Picture { width: 16, height: 16, rgb: vec![90; 768].into() }, [1, 1, 16]);
    let samples = GridPicture { step: 0, columns, rows, cell, picture };
    let summary = Box::new(DataSummary { classes: vec![class.clone()], ..DataSummary::default() });
    let mut window = window([1280.0, 800.0], |bench| {
        bench.data.apply(JobEvent::Preview { summary: summary.clone(), samples: samples.clone() });
    });
    assert!(shows(&window, "1 class, 12 images") && shows(&window, "there are no labels to learn"));
    let other = ClassCount { name: "malignant".to_owned(), ..class.clone() };
    let summary = Box::new(DataSummary { classes: vec![class, other], ..DataSummary::default() });
    window.state_mut().0.data.apply(JobEvent::Preview { summary, samples });
    window.run();
    assert!(!shows(&window, "there are no labels to learn"));
}

#[test]
fn tab_leads_from_one_number_to_the_next() {
    let mut window = window([1280.0, 4000.0], |_| {});
    for label in ["Steps", "Minutes at most"] {
        assert!(window.query_by_role_and_label(Role::SpinButton, label).is_some(), "{label}");
    }
    window.get_by_role_and_label(Role::SpinButton, "Steps").click();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text("1500".to_owned()));
    window.run();
    window.key_press(Key::Tab);
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text("7".to_owned()));
    window.run();
    window.key_press(Key::Enter);
    window.run();
    let train = &window.state().0.config.train;
    assert_eq!((train.steps, train.minutes), (1500, 7.0));
}

#[test]
fn what_tab_leads_to_comes_into_view() {
    let mut window = window([1280.0, 800.0], |_| {});
    let steps = |window: &Window| window.get_by_role_and_label(Role::SpinButton, "Steps").rect();
    assert!(steps(&window).top() > 800.0, "it is below the window");
    for _ in 0..120 {
        window.key_press(Key::Tab);
        window.run();
        if window.get_by_role_and_label(Role::SpinButton, "Steps").is_focused() {
            let place = steps(&window);
            assert!(place.top() > 120.0 && place.bottom() < 690.0, "{place:?}");
            return;
        }
    }
    panic!("Tab never leads to the steps");
}

#[test]
fn training_one_network_alone_is_no_change_that_waits_in_the_set_up() {
    let mut window = window([1280.0, 800.0], |bench| {
        bench.live = Some(run([started(), step(1), Event::Paused { step: 1 }]));
    });
    assert!(shows(&window, "next sample grid at 100"));
    window.get_by_label("G only").click();
    window.run();
    let change = Change { key: "optimizer.updates".to_owned(), from: "both".to_owned(), to: "generator".to_owned() };
    assert_eq!(window.state().1, [Action::Command(Command::Edit(vec![change.clone()]))]);
    let live = window.state_mut().0.live.as_mut().expect("a run");
    live.apply(Event::Edited(Edited { step: 1, changes: vec![change] }));
    window.run();
    assert!(!shows(&window, "Apply 1 change") && shows(&window, "As in the run that is going on"));
    // What was changed in the set-up is offered as ever.
    window.state_mut().0.config.optimizer.generator_lr = 3e-4;
    window.run();
    assert!(shows(&window, "Apply 1 change to the run"));
}

#[test]
fn the_start_page_leads_back_to_the_last_session() {
    let mut window = window([1280.0, 800.0], |bench| {
        bench.sessions = vec![row("first", 90, false), row("newer", 5, false)];
    });
    assert!(shows(&window, "newer") && shows(&window, "5 min ago") && !shows(&window, "first"));
    window.get_by_label("Open").click();
    window.run();
    assert_eq!(window.state().1, [Action::OpenSession(PathBuf::from("sessions/newer"))]);
    window.state_mut().0.sessions = vec![row("newer", 0, true)];
    window.run();
    assert!(shows(&window, "training without this window"));
    window.get_by_label("All sessions").click();
    window.run();
    assert_eq!(window.state().0.settings.page, Page::Sessions);
}

#[test]
fn enter_in_the_name_of_a_session_saves_it() {
    let mut window = window([1280.0, 800.0], |bench| {
        bench.sessions = vec![row("night", 5, false)];
        bench.settings.page = Page::Sessions;
    });
    window.get_by_label("More about night").click();
    window.run();
    window.get_by_label("Name and note…").click();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.get_by_role_and_label(Role::TextInput, "Name").type_text("day");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    let (folder, name) = (PathBuf::from("sessions/night"), Some("day".to_owned()));
    let ask = SessionRequest::Edit { folder, name, star: false, note: String::new() };
    assert_eq!(window.state().1, [Action::Session(ask)]);
    // What was typed stays until it is saved.
    window.state_mut().0.session_dialog.saved(Err("the name has a sign that no folder may have".to_owned()));
    window.run();
    assert!(shows(&window, "Name and note") && shows(&window, "a sign that no folder may have"));
    window.get_by_role_and_label(Role::Button, "Save").click();
    window.run();
    window.state_mut().0.session_dialog.saved(Ok(()));
    window.run();
    assert!(!shows(&window, "Name and note"));
}

#[test]
fn a_run_that_never_began_offers_nothing_to_go_on_with() {
    let message = "could not make the folder: Permission denied".to_owned();
    let window = window([1280.0, 800.0], |bench| bench.live = Some(run([Event::Failed { step: 0, message }])));
    assert!(shows(&window, "Permission denied") && shows(&window, "The run ended before its first step"));
    assert!(window.query_by_label("Resume").is_none() && !shows(&window, "0 / 0"));
}
