//! The Compare page and the management of sessions by meaning: runs are chosen by label, and what differs is read.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::Window;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Config, Preset};
use gandle::event::{Event, Grid, GridPicture, Picture, Scalar, Score, Step};
use gandle::ui::{Action, Brief, CompareRequest, ComparedRun, Page, SessionRequest, SessionRow, Settings, Workbench};

impl Window {
    fn new(page: Page, rows: Vec<SessionRow>) -> Self {
        let settings = Settings { page, ..Settings::default() };
        let mut workbench = Workbench::new(Preset::Improved.config(), settings);
        workbench.sessions = rows;
        Self::open(workbench, [1280.0, 1000.0], None)
    }

    /// Chooses a run, which is read then.
    fn compare(&mut self, name: &str, seed: u64) {
        self.click(&format!("Compare {name}"));
        let folder = folder(name);
        assert_eq!(self.asked(), [Action::Compare(CompareRequest::Run(folder.clone()))]);
        let run = ComparedRun::fold(&folder, config(seed), events(name, seed));
        self.bench().compare.take(&folder, Ok(run));
        self.harness.run();
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new("sessions").join(name)
}

fn config(seed: u64) -> Config {
    let mut config = Preset::Improved.config();
    config.train.seed = seed;
    config
}

fn events(name: &str, seed: u64) -> Vec<Event> {
    let started = head::started(name, config(seed));
    let mut events = vec![Event::Started(Box::new(started))];
    for step in 1..=40 {
        let seconds = step as f64 * (1.0 + seed as f64);
        events.push(Event::Step(Step::of(
            step,
            seconds,
            [(Scalar::LossD, 1.0 / step as f32), (Scalar::LogitsFake, -0.5)],
        )));
    }
    for (step, value) in [(20, 30.0 + seed as f64), (40, 40.0)] {
        events.push(Event::Score(Score {
            step,
            metric: "frechet-distance".to_owned(),
            extractor: "efficientnet-lite0".to_owned(),
            class: None,
            samples: 480,
            value,
            seconds: 1.0,
            ..Score::default()
        }));
        events.push(Event::Grid(Grid { step, file: format!("grids/{step}.png") }));
    }
    events.push(Event::Finished { step: 40 });
    events
}

fn row(name: &str, seed: u64) -> SessionRow {
    let mut row = SessionRow::new(folder(name), 40, SystemTime::UNIX_EPOCH + Duration::from_secs(seed));
    row.bytes = Some(12_000_000);
    row.tell(Brief::new(config(seed), events(name, seed)));
    row
}

fn rows() -> Vec<SessionRow> {
    vec![row("night-1", 1), row("night-2", 2), row("day-3", 3)]
}

#[test]
fn curves_scores_and_differing_settings_of_two_runs_are_shown() {
    let mut window = Window::new(Page::Compare, rows());
    assert!(window.shows("No run is chosen") && window.shows("0 of 3 chosen"));
    window.compare("night-1", 1);
    window.compare("night-2", 2);
    assert!(window.shows("2 of 3 chosen") && window.shows("Loss of D") && window.shows("Logits of D on fakes"));
    window.turn_to("Scores");
    for text in ["Frechet distance (EfficientNet-Lite0)", "31.000", "32.000", "40.000"] {
        assert!(window.shows(text), "{text}");
    }
    window.turn_to("Differing settings");
    assert!(window.shows("train.seed") && window.shows("1 setting of"));
    assert!(!window.shows("generator.latent_dim"), "it is the same in both");
    window.click("Choose none");
    assert!(window.shows("No run is chosen"));
}

#[test]
fn runs_are_filtered_and_sorted() {
    let mut window = Window::new(Page::Compare, rows());
    let order = |window: &Window| {
        let boxes = window.harness.get_all_by_role(Role::CheckBox);
        let names = boxes.filter_map(|node| node.accesskit_node().label());
        names.filter_map(|name| name.strip_prefix("Compare ").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(order(&window), ["day-3", "night-2", "night-1"], "the newest first");
    window.click("Sort by train.seed");
    assert_eq!(order(&window), ["night-1", "night-2", "day-3"]);
    window.click("Sort by train.seed");
    assert_eq!(order(&window), ["day-3", "night-2", "night-1"]);
    window.harness.get_by_label("Filter runs").click();
    window.harness.run();
    window.harness.get_by_label("Filter runs").type_text("night seed=2");
    window.harness.run();
    assert_eq!(order(&window), ["night-2"]);
}

#[test]
fn seeds_form_one_curve_with_a_band() {
    let mut window = Window::new(Page::Compare, rows());
    window.compare("night-1", 1);
    window.compare("day-3", 3);
    window.harness.get_by_role_and_label(Role::ComboBox, "One curve for").click();
    window.harness.run();
    assert!(window.shows("train.seed"), "a key that differs can be chosen");
    window.click("same but for the seed");
    window.harness.get_by_role_and_label(Role::ComboBox, "Band").click();
    window.harness.run();
    window.click("mean ± sd");
    // The pointer reads the mean of both.
    let chart = window.harness.get_by_label("Loss of D").rect();
    window.harness.hover_at(chart.left_bottom() + egui::vec2(160.0, 60.0));
    window.harness.run_steps(40);
    assert!(window.shows("(2 runs)"));
}

#[test]
fn grids_stand_at_the_same_step_or_time() {
    let mut window = Window::new(Page::Compare, rows());
    window.compare("night-1", 1);
    window.compare("night-2", 2);
    window.turn_to("Grids");
    for _ in 0..2 {
        let asked = window.asked();
        let [Action::Compare(CompareRequest::Grid(ask))] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((ask.grid.step, ask.rows, ask.columns), (40, 2, 8));
        let picture = Picture { width: 128, height: 32, rgb: vec![90; 128 * 32 * 3].into() };
        let picture = GridPicture { step: 40, columns: 8, rows: 2, cell: 16, picture };
        let ctx = window.harness.ctx.clone();
        window.bench().compare.take_grid(&ctx, ask, Ok(picture));
        window.harness.run();
    }
    assert_eq!(window.asked(), []);
    assert!(window.shows("step 40, after 1 min 20 s") && window.shows("step 40, after 2 min 00 s"));
}

#[test]
fn a_run_that_cannot_be_read_is_named() {
    let mut window = Window::new(Page::Compare, rows());
    window.click("Compare night-1");
    window.bench().compare.take(&folder("night-1"), Err("run.toml is damaged".to_owned()));
    window.harness.run();
    assert!(window.shows("night-1: run.toml is damaged"));
}

#[test]
fn sessions_get_a_name_a_note_and_a_star() {
    let mut window = Window::new(Page::Sessions, rows());
    assert!(window.shows("seed 2") && window.shows("best Frechet distance 32.00 at 20"));
    window.click("Star night-2");
    let ask = |name: Option<&str>, star, note: &str| {
        let (name, note) = (name.map(str::to_owned), note.to_owned());
        Action::Session(SessionRequest::Edit { folder: folder("night-2"), name, star, note })
    };
    assert_eq!(window.asked(), [ask(None, true, "")]);
    window.click("More about night-2");
    window.click("Name and note…");
    let save = |window: &Window| window.harness.get_by_label("Save").accesskit_node().is_disabled();
    assert!(save(&window), "nothing has changed");
    window.harness.get_by_role_and_label(Role::TextInput, "Name").type_text("b");
    window.harness.run();
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Note").click();
    window.harness.run();
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Note").type_text("sharp");
    window.harness.run();
    window.click("Save");
    assert_eq!(window.asked(), [ask(Some("night-2b"), false, "sharp")]);
    assert!(window.shows("Name and note"), "until it is known to be saved");
    window.bench().session_dialog.saved(Ok(()));
    window.harness.run();
    assert!(!window.shows("Name and note"));
}

#[test]
fn deleting_says_what_goes_and_asks_again_where_there_is_no_trash() {
    let mut window = Window::new(Page::Sessions, rows());
    window.click("More about night-1");
    window.click("Delete…");
    for text in ["Delete night-1?", "Checkpoints, the newest of step 40", "12 MB on disk"] {
        assert!(window.shows(text), "{text}");
    }
    window.click("Move to trash");
    assert_eq!(window.asked(), [Action::Session(SessionRequest::Trash(folder("night-1")))]);
    window.bench().session_dialog.removed(Err("There is no trash here".to_owned()));
    window.harness.run();
    assert!(window.shows("There is no trash here"));
    window.click("Delete permanently");
    assert_eq!(window.asked(), [Action::Session(SessionRequest::Delete(folder("night-1")))]);
    window.bench().session_dialog.removed(Ok(()));
    window.harness.run();
    assert!(!window.shows("Delete night-1?"));
    // Never one that a run writes to.
    window.bench().sessions[1].busy = true;
    window.harness.run();
    window.click("More about night-2");
    assert!(window.harness.get_by_label("Delete…").accesskit_node().is_disabled());
}

#[test]
fn both_pages_draw_at_the_smallest_size_and_in_both_themes() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let mut window = Window::new(Page::Compare, rows());
        window.harness.ctx.set_theme(theme);
        window.harness.set_size(egui::vec2(960.0, 600.0));
        window.compare("night-1", 1);
        for tab in ["Scores", "Grids", "Differing settings", "Curves"] {
            window.turn_to(tab);
        }
    }
}
