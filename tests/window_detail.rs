//! Details of the window that somebody came across in a first hour: names in messages, paths that are typed, times, keys, clicks of
//! a slow frame, and room for texts. Without pictures and without time.
#![cfg(feature = "gui")]

#[path = "common/charts.rs"]
mod charts;
#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::{MAIN_SEPARATOR, PathBuf};
use std::time::{Duration, SystemTime};

use common::Window;
use egui::accesskit::Role;
use egui::{Event as Input, Key, Modifiers, PointerButton, Pos2, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Change, LossKind, Preset};
use gandle::event::{
    Checkpoint, ClassCount, Content, DataSummary, Edited, Event, Grid, GridPicture, JobEvent, Picture, Scalar, Step,
};
use gandle::ui::{Action, GridRequest, Inside, Page, RunView, SessionRow, Settings, Workbench, format};

const NAME: &str = "2026-11-23-1200-cells-improved";

fn step(step: usize) -> Event {
    Event::Step(Step::of(step, step as f64 * 2.0, [(Scalar::LossD, 1.25), (Scalar::LossG, 0.75)]))
}

fn run(events: impl IntoIterator<Item = Event>) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions").join(NAME));
    view.apply(Event::Started(Box::new(head::started(NAME, Preset::Improved.config()))));
    events.into_iter().for_each(|event| view.apply(event));
    view
}

fn grid(step: usize) -> Event {
    Event::Grid(Grid { step, file: format!("grids/{step}.png") })
}

fn picture(ask: &GridRequest) -> GridPicture {
    let picture = Picture { width: 256, height: 64, rgb: vec![90; 256 * 64 * 3].into() };
    GridPicture { step: ask.grid.step, columns: 8, rows: 2, cell: 32, picture }
}

fn open(size: [f32; 2], prepare: impl FnOnce(&mut Workbench)) -> Window {
    let mut bench = Workbench::new(Preset::Improved.config(), Settings::default());
    prepare(&mut bench);
    Window::open(bench, size, Some(picture))
}

impl Window {
    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.settle();
    }

    /// Types over what stands in a field.
    fn overwrite(&mut self, role: Role, field: &str, text: &str) {
        self.harness.get_by_role_and_label(role, field).click();
        self.settle();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.event(Input::Text(text.to_owned()));
        self.settle();
    }

    fn value(&self, role: Role, field: &str) -> String {
        self.harness.get_by_role_and_label(role, field).accesskit_node().value().unwrap_or_default()
    }

    fn is_enabled(&self, name: &str) -> bool {
        !self.harness.get_by_role_and_label(Role::Button, name).accesskit_node().is_disabled()
    }

    /// Texts that are painted and no part of what a screen reader is told, with where they are.
    fn painted(&self, part: &str) -> Vec<egui::Rect> {
        fn look(shape: &Shape, part: &str, found: &mut Vec<egui::Rect>) {
            if let Shape::Vec(shapes) = shape {
                shapes.iter().for_each(|shape| look(shape, part, found));
            }
            if let Shape::Text(text) = shape
                && text.galley.text().contains(part)
            {
                found.push(egui::Rect::from_min_size(text.pos, text.galley.size()));
            }
        }
        let mut found = Vec::new();
        self.harness.output().shapes.iter().for_each(|clipped| look(&clipped.shape, part, &mut found));
        found
    }
}

#[test]
fn problems_name_settings_as_their_controls_do() {
    let mut window = open([1280.0, 4500.0], |bench| {
        bench.config.loss.lecam_decay = 0.5;
        bench.config.discriminator.norm = gandle::config::DiscriminatorNorm::Batch;
    });
    window.click("2 warnings");
    for told in
        ["Normalisation (discriminator)", "\u{201c}Spectral norm\u{201d} = false", "since \u{201c}LeCam\u{201d} is 0"]
    {
        assert!(window.shows(told), "{told}");
    }
    for key in ["loss.lecam", "discriminator.norm", "spectral_norm"] {
        assert!(!window.shows(key), "{key}");
    }
    let fix = window.harness.get_by_label("Set \u{201c}LeCam decay\u{201d} to 0.99").rect();
    assert!(fix.height() >= 20.0, "it can be hit: {fix:?}");
    window.bench().config.train.steps = 0;
    window.settle();
    let blockers = window.bench().blockers();
    assert!(blockers[0].starts_with("Steps: "), "{blockers:?}");
}

#[test]
fn one_number_of_gigabytes_is_told() {
    let mut config = Preset::Improved.config();
    (config.image_size, config.train.batch_size, config.generator.base_channels) = (512, 256, 64);
    let bytes = config.cost(6).training_bytes;
    let told = format::bytes(bytes);
    let number: f64 = told.strip_suffix(" GB").expect("many bytes").parse().expect("a number");
    let problems = config.check(Some(6));
    let about = format!("about {number:.0} GB");
    assert!(problems.iter().any(|problem| problem.message.contains(&about)), "{told}: {problems:?}");
}

#[test]
fn a_typed_path_is_completed() {
    let mut window = open([1280.0, 800.0], |_| {});
    let folder = |name: &str| format!("{name}{MAIN_SEPARATOR}");
    let take = |window: &mut Window, of: &str, names: &[String]| {
        let inside = Inside { folder: of.to_owned(), names: names.to_vec() };
        let ctx = window.harness.ctx.clone();
        window.bench().take_inside(&ctx, inside);
        window.settle();
    };
    window.asked();
    window.overwrite(Role::TextInput, "Data folder", "/data/ce");
    assert_eq!(window.asked(), [Action::LookInto("/data/".to_owned())]);
    take(&mut window, "/data/", &[folder("Cells"), folder("other"), "ce.png".to_owned(), "ce.zip".to_owned()]);
    assert!(window.asked().is_empty(), "once, and nothing is read before it is typed to its end");
    assert!(window.shows(&folder("Cells")) && window.shows("ce.zip"));
    assert!(!window.shows(&folder("other")) && !window.shows("ce.png"), "neither goes on with it and can be read");
    window.press(Key::Tab);
    let whole = format!("/data/{}", folder("Cells"));
    assert_eq!(window.value(Role::TextInput, "Data folder"), whole);
    assert_eq!(window.asked(), [Action::LookInto(whole.clone())]);
    take(&mut window, &whole, &[]);
    window.press(Key::Enter);
    assert_eq!(window.asked(), [Action::UseData(whole)]);
    // Whoever only passes through is offered nothing.
    window.harness.get_by_label("Data folder").click();
    window.settle();
    assert!(window.asked().is_empty());

    // The folder of an export is typed in the same way.
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(run([step(1), Event::Stopped { step: 1 }])));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.settle();
    window.overwrite(Role::TextInput, "Folder of the export", "/ex");
    assert!(window.asked().contains(&Action::LookInto("/".to_owned())));
    take(&mut window, "/", &[folder("exports"), "ex.zip".to_owned()]);
    assert!(!window.shows("ex.zip"));
    window.harness.get_by_label(&folder("exports")).click();
    window.settle();
    let exports = format!("/{}", folder("exports"));
    assert_eq!(window.value(Role::TextInput, "Folder of the export"), exports);
}

#[test]
fn the_log_tells_when() {
    // date -u -d @1709210096: 2024-02-29 12:34:56
    let time = 1_709_210_096;
    let local = |form: &str| {
        let utc = chrono::DateTime::<chrono::Utc>::from_timestamp(time, 0).expect("a time");
        utc.with_timezone(&chrono::Local).format(form).to_string()
    };
    let warning = |message: &str| Event::Warning { step: 1, message: message.to_owned() };
    let mut window = open([1280.0, 800.0], |bench| {
        let mut view = run([step(1), warning("of old")]);
        view.apply_at(warning("of today"), u64::try_from(time).ok());
        bench.live = Some(view);
        bench.settings.page = Page::Log;
    });
    assert!(window.shows(&local("%H:%M")));
    window.overwrite(Role::TextInput, "Filter the log", "of ");
    window.click("Copy");
    let copied = format!("1\twarning\tof old\n1\twarning\tof today\t{}\n", local("%Y-%m-%d %H:%M:%S"));
    assert_eq!(window.asked(), [Action::Copy(copied)]);
    window.harness.get_by_label("of today").click();
    window.settle();
    assert!(window.shows(&local("Step 1, %Y-%m-%d %H:%M:%S")));
}

#[test]
fn the_sessions_say_where_they_are_kept() {
    let mut window = open([1280.0, 800.0], |bench| bench.sessions_folder = PathBuf::from("/home/x/sessions"));
    window.turn_to("Sessions");
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Folder for sessions");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("/home/x/sessions"));
    assert!(window.shows("Stored in") && !window.is_enabled("The usual folder"));
    window.asked();
    window.click("Keep them elsewhere…");
    assert_eq!(window.asked(), [Action::ChooseSessionsFolder]);
    window.bench().settings.sessions = "/fast/disk".to_owned();
    window.settle();
    window.click("The usual folder");
    assert_eq!(window.asked(), [Action::UsualSessionsFolder]);
}

#[test]
fn more_of_what_is_explored_is_exported_as_it_is_on_the_screen() {
    let checkpoint = |step| Checkpoint { step, folder: format!("c/{step}"), removed: Vec::new() };
    let mut window = open([1280.0, 900.0], |bench| {
        let events =
            [Event::Checkpoint(checkpoint(10)), Event::Checkpoint(checkpoint(20)), Event::Stopped { step: 20 }];
        bench.live = Some(run(events));
    });
    let choose = |window: &mut Window, list: &str, item: &str| {
        window.harness.get_by_role_and_label(Role::ComboBox, list).click();
        window.settle();
        window.click(item);
    };
    // Whatever was exported last.
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.settle();
    choose(&mut window, "What", "generator as a model (ONNX)");
    window.press(Key::Escape);
    window.turn_to("Explore");
    choose(&mut window, "Class", "malignant");
    choose(&mut window, "Checkpoint", "10");
    window.click("Export images…");
    window.asked();
    window.click("Export");
    let asked = window.asked();
    let images = asked
        .iter()
        .find_map(|action| if let Action::Export(export) = action { Some(export.content.clone()) } else { None });
    let Some(Content::Images(images)) = images else { panic!("{asked:?}") };
    assert_eq!((images.step, images.class), (Some(10), Some(1)));
}

#[test]
fn lists_are_walked_through_from_their_first_entry() {
    let mut window = open([1280.0, 4500.0], |_| {});
    assert_eq!(window.bench().config.loss.kind, LossKind::Hinge);
    window.harness.get_by_role_and_label(Role::ComboBox, "Adversarial loss").focus();
    window.settle();
    window.press(Key::Enter);
    window.press(Key::ArrowDown);
    window.press(Key::ArrowDown);
    window.press(Key::Enter);
    assert_eq!(window.bench().config.loss.kind, LossKind::WassersteinGp, "the third of the list");
}

fn pointer(at: Pos2, pressed: bool) -> Input {
    Input::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE }
}

#[test]
fn two_clicks_of_one_slow_frame_show_the_whole_run_and_leave_no_pin() {
    let mut window = open([1280.0, 1800.0], |bench| bench.live = Some(run((1..=1000).map(step))));
    let chart = window.chart("Losses");
    let at = |share: f32| Pos2::new(chart.left() + chart.width() * share, chart.center().y);
    window.press_at(at(0.5), at(0.75));
    assert!(window.shows("Whole run"));
    window.harness.run_steps(60);
    window.harness.hover_at(at(0.3));
    window.harness.step();
    for pressed in [true, false, true, false] {
        window.harness.input_mut().events.push(pointer(at(0.3), pressed));
    }
    window.harness.step();
    window.settle();
    assert!(!window.shows("Whole run") && !window.shows("Pinned steps"));
    // A single one is a pin as ever.
    window.harness.run_steps(60);
    for pressed in [true, false] {
        window.harness.input_mut().events.push(pointer(at(0.3), pressed));
    }
    window.harness.step();
    window.settle();
    assert!(window.shows("Pinned steps"));
}

#[test]
fn what_happened_at_a_place_of_a_chart_is_told_within_it() {
    let change = |key: &str| Change { key: key.to_owned(), from: "0.0001".to_owned(), to: "0.0002".to_owned() };
    let keys = ["optimizer.generator_lr", "optimizer.discriminator_lr", "score.every", "train.checkpoint_every"];
    let edited = Event::Edited(Edited { step: 500, changes: keys.map(change).to_vec() });
    let events = (1..=1000).map(step).chain([edited]);
    let mut window = open([1280.0, 1800.0], |bench| bench.live = Some(run(events)));
    let chart = window.chart("Losses");
    let mut told = 0;
    for share in [0.45, 0.48, 0.5, 0.52, 0.55].map(|share: f32| chart.left() + chart.width() * share) {
        for off in -12..=12_i8 {
            window.harness.hover_at(Pos2::new(share + f32::from(off), chart.center().y));
            window.harness.step();
            for text in window.painted("score.every") {
                told += 1;
                assert!(text.left() >= chart.left() && text.right() <= chart.right() + 1.0, "{text:?} in {chart:?}");
            }
        }
    }
    assert!(told > 0, "the pointer was never near it");
}

#[test]
fn the_time_of_a_run_that_trains_is_what_its_steps_take() {
    let window = open([1280.0, 800.0], |bench| bench.live = Some(run((1..=20).map(step))));
    // 1,000 steps of two seconds each.
    assert!(window.shows("about 33 min 20 s for 1,000 steps"));
    let mut other = Preset::Improved.config();
    other.train.batch_size = 16;
    let window = open([1280.0, 800.0], |bench| {
        bench.live = Some(run((1..=20).map(step)));
        bench.config = other;
    });
    assert!(window.shows("not measured while a run trains"));
}

#[test]
fn letters_over_the_set_up_are_meant_for_its_fields() {
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(run((1..=100).map(step).chain([grid(100)]))));
    window.harness.hover_at(Pos2::new(100.0, 400.0));
    window.harness.step();
    window.press(Key::P);
    assert!(!window.shows("Pinned steps"));
    window.harness.hover_at(Pos2::new(1000.0, 400.0));
    window.harness.step();
    window.press(Key::P);
    assert!(window.shows("Pinned steps"));
}

#[test]
fn the_gap_between_a_name_and_its_control_explains_it_too() {
    let mut window = open([1280.0, 4500.0], |_| {});
    let control = window.harness.get_by_role_and_label(Role::SpinButton, "Steps").rect();
    assert!(!window.shows("Values:"));
    window.harness.hover_at(Pos2::new(control.left() - 12.0, control.center().y));
    window.harness.run_steps(40);
    assert!(window.shows("Values:"));
}

#[test]
fn buttons_of_the_samples_stay_where_they_are() {
    let events = || (1..=100).map(step).chain([grid(100)]);
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(run(events())));
    let before = window.harness.get_by_label("Real images").rect();
    window.harness.get_by_label("Nearest real").hover();
    window.harness.run_steps(40);
    assert!(window.shows("Not measured in this run"));
    let nearest = gandle::event::Nearest { step: 100, file: "nearest/100.png".to_owned(), ..Default::default() };
    window.bench().live.as_mut().expect("a run").apply(Event::Nearest(nearest));
    window.settle();
    assert_eq!(window.harness.get_by_label("Real images").rect(), before);
}

#[test]
fn a_single_image_is_no_stamp_in_its_window() {
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(run((1..=100).map(step).chain([grid(100)]))));
    window.harness.hover_at(Pos2::new(600.0, 500.0));
    window.harness.step();
    window.press(Key::Z);
    assert!(window.harness.get_by_label("One image of the grid").rect().width() >= 256.0);
    window.click("x2");
    assert_eq!(window.harness.get_by_label("One image of the grid").rect().width(), 64.0);
}

fn summary() -> DataSummary {
    let class = |name: &str| ClassCount { name: name.to_owned(), images: 826, held_out: 0 };
    let names = ["glioma_tumor", "meningioma_tumor_of_the_brain", "no_tumor", "pituitary_tumor"];
    DataSummary { source: "/mri".to_owned(), classes: names.map(class).to_vec(), ..DataSummary::default() }
}

#[test]
fn shares_of_classes_and_values_of_settings_have_room() {
    for width in [960.0, 1280.0, 1920.0] {
        let ask = GridRequest { folder: PathBuf::new(), grid: Grid::default(), rows: 2, columns: 8 };
        let mut window = open([width, 600.0], |bench| {
            bench.data.apply(JobEvent::Preview { summary: Box::new(summary()), samples: picture(&ask) });
            bench.stored = Some(run([step(1), Event::Stopped { step: 1 }]));
        });
        window.turn_to("Data");
        let right = window.harness.get_by_label("Real images").rect().left();
        let shares: Vec<egui::Rect> =
            window.harness.query_all_by_label_contains("25.0 %").map(|node| node.rect()).collect();
        assert!(shares.len() == 4 && shares.iter().all(|share| share.right() < right - 8.0), "{width}: {shares:?}");
        window.turn_to("Details");
        let title = window.harness.get_by_label("Copy run.toml").rect();
        let root = window.harness.root();
        let texts = root.children_recursive().filter(|node| node.accesskit_node().role() == Role::Label);
        let texts: Vec<egui::Rect> = texts.map(|node| node.rect()).filter(|rect| rect.top() > title.bottom()).collect();
        let values = texts.iter().filter(|rect| rect.left() > 0.55 * width).count();
        assert!(values > 20 && texts.iter().all(|rect| rect.right() <= width - 12.0), "{width}: {texts:?}");
    }
}

#[test]
fn names_of_compared_runs_are_read_in_a_large_window() {
    let name = |number: usize| format!("2026-11-28-20{number:02}-brain_mri-improved-gradient_penalty-seed{number}");
    let mut window = open([2560.0, 1440.0], |bench| {
        let row = |number| {
            let modified = SystemTime::now() - Duration::from_secs(60 * number as u64);
            SessionRow::new(PathBuf::from("sessions").join(name(number)), 100, modified)
        };
        bench.sessions = (10..30).map(row).collect();
    });
    window.turn_to("Compare");
    let rect = |number| window.harness.query_by_label(&name(number)).map(|node| node.rect());
    let shown: Vec<egui::Rect> = (10..30).filter_map(rect).collect();
    assert!(shown.len() >= 14 && shown.iter().all(|rect| rect.width() > 350.0), "{shown:?}");
}

#[test]
fn what_is_over_is_no_banner() {
    // A session that was resumed after a crash, long ago, and ended well.
    let broke_off = "The run broke off at step 595 without a checkpoint since its checkpoint of step 500: 95 steps are taken again.";
    let warning = Event::Warning { step: 500, message: broke_off.to_owned() };
    let checkpoint = Event::Checkpoint(Checkpoint { step: 700, folder: "c/700".to_owned(), removed: Vec::new() });
    let mut window = open([1280.0, 800.0], |bench| {
        bench.stored = Some(run([warning, step(600), checkpoint, step(700), Event::Finished { step: 700 }]));
    });
    assert!(!window.shows("The run broke off"));
    window.turn_to("Log");
    assert!(window.shows("The run broke off"));
    // A failure, once the run goes on.
    let again = gandle::event::Started { step: 700, ..head::started(NAME, Preset::Improved.config()) };
    let failed = Event::Failed { step: 704, message: "no room on the disk".to_owned() };
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(run([step(700), failed])));
    assert!(window.shows("Failed at step 704"));
    window.bench().live.as_mut().expect("a run").apply(Event::Started(Box::new(again)));
    window.bench().live.as_mut().expect("a run").apply(step(701));
    window.settle();
    assert!(!window.shows("Failed at step 704"));
}

#[test]
fn the_grids_stay_while_a_run_goes_on_again() {
    let mut window = open([1280.0, 800.0], |bench| {
        let mut view = run((1..=100).map(step).chain([grid(100), Event::Stopped { step: 100 }]));
        view.restart();
        bench.live = Some(view);
    });
    assert!(!window.shows("Starting the run…"));
    assert!(window.harness.query_by_label_contains("Grid of images").is_some() && window.shows("Chart of Losses"));
    window.bench().live = Some(RunView::new(PathBuf::from("sessions/new")));
    window.settle();
    assert!(window.shows("Starting the run…"), "one that begins has none");
}

#[test]
fn data_that_has_moved_is_found_from_the_window() {
    let folder = PathBuf::from("sessions").join(NAME);
    let mut config = Preset::Improved.config();
    config.data.source = "/cells".to_owned();
    let mut view = RunView::new(folder.clone());
    view.apply(Event::Started(Box::new(head::started(NAME, config))));
    view.apply(Event::Failed { step: 3, message: "/cells does not exist".to_owned() });
    let mut window = open([1280.0, 800.0], |bench| bench.live = Some(view));
    window.asked();
    window.click("Find data…");
    assert!(window.shows("were in /cells. Where are they now?"));
    // It is named after its row.
    window.harness.get_by_role_and_label(Role::Button, "Data").click();
    window.settle();
    assert_eq!(window.asked(), [Action::ChooseMovedData]);
    window.bench().find_data.choose("/elsewhere/cells".to_owned());
    window.settle();
    window.click("Go on");
    let moved = Action::DataMoved { session: folder, data: PathBuf::from("/elsewhere/cells") };
    assert_eq!(window.asked(), [moved]);
    // What fails is told where it was asked for.
    assert!(window.bench().find_data.found(Err("a run writes to it".to_owned())));
    window.settle();
    assert!(window.shows("a run writes to it") && window.shows("Where are they now?"));
    window.click("Go on");
    assert!(window.bench().find_data.found(Ok(())) && !window.bench().find_data.found(Ok(())));
    window.settle();
    assert!(!window.shows("Where are they now?"));
}
