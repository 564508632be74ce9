//! What a first hour in the window came across: numbers that are refused, the live generator beside its average, how far scores
//! are, whose buttons are whose, and real images page by page. Without pictures and without time.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;

use common::Window;
use egui::accesskit::Role;
use egui::{CursorIcon, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Config, Preset};
use gandle::event::{
    BrowsePage, BrowseRequest, Checkpoint, ClassCount, Command, DataSummary, Event, Grid, GridPicture, JobEvent,
    Picture, Scalar, ScoreProgress, Step,
};
use gandle::ui::{Action, Page, RunView, Settings, Workbench};

fn open(prepare: impl FnOnce(&mut Workbench)) -> Window {
    let mut bench = Workbench::new(Preset::Quick.config(), Settings::default());
    prepare(&mut bench);
    Window::open(bench, [1280.0, 4000.0], None)
}

fn run(name: &str, config: Config, events: impl IntoIterator<Item = Event>) -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions").join(name));
    view.apply(Event::Started(Box::new(head::started(name, config))));
    events.into_iter().for_each(|event| view.apply(event));
    view
}

fn step(step: usize) -> Event {
    Event::Step(Step::of(step, step as f64, [(Scalar::LossD, 1.25), (Scalar::LossG, 0.75)]))
}

fn grid(step: usize) -> Grid {
    Grid { step, file: format!("grids/{step}.png") }
}

fn picture(step: usize, grey: u8) -> GridPicture {
    let picture = Picture { width: 96, height: 32, rgb: vec![grey; 96 * 32 * 3].into() };
    GridPicture { step, columns: 6, rows: 2, cell: 16, picture }
}

fn enabled(window: &Window, label: &str) -> bool {
    let node = window.harness.get_by_role_and_label(Role::Button, label);
    !node.accesskit_node().is_disabled()
}

fn hint(window: &mut Window, label: &str) {
    window.harness.get_by_role_and_label(Role::Button, label).hover();
    window.harness.run_steps(40);
}

fn type_steps(window: &mut Window, text: &str) {
    window.harness.get_by_role_and_label(Role::SpinButton, "Steps").click();
    window.settle();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.harness.event(egui::Event::Text(text.to_owned()));
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
}

#[test]
fn train_waits_for_a_number_that_was_refused_and_says_so() {
    let mut window = open(|_| {});
    assert!(enabled(&window, "Train"));
    let steps = window.bench().config.train.steps;
    type_steps(&mut window, "4.000");
    assert!(!enabled(&window, "Train"));
    assert_eq!(window.bench().config.train.steps, steps, "what held before still holds");
    let blockers = window.bench().blockers();
    assert!(blockers[0].starts_with("Steps: \u{201c}4.000\u{201d} is not a number"), "{blockers:?}");
    hint(&mut window, "Train");
    assert!(window.shows("is not a number from 1"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::T);
    window.settle();
    assert!(!window.asked().contains(&Action::Train), "nor by the keyboard");
    type_steps(&mut window, "500");
    assert!(enabled(&window, "Train") && window.bench().blockers().is_empty());
    // One that stands in no setting keeps nobody from training.
    assert_eq!(window.bench().config.train.steps, 500);
}

#[test]
fn a_refused_number_goes_with_the_set_up_that_it_was_typed_into() {
    let mut window = open(|_| {});
    for load in ["Improved", "Reset everything"] {
        type_steps(&mut window, "many");
        assert!(!enabled(&window, "Train"));
        window.harness.get_by_label_contains("Preset:").click();
        window.settle();
        window.click(load);
        assert!(enabled(&window, "Train"), "{load}: {:?}", window.bench().blockers());
    }
    // Settings that come from elsewhere, with the same number of steps in them.
    type_steps(&mut window, "many");
    let theirs = Config { channels: 1, ..window.bench().config.clone() };
    window.bench().config = theirs;
    window.settle();
    window.settle();
    assert!(enabled(&window, "Train"));
    // Another option of the same set-up changes nothing of it.
    type_steps(&mut window, "many");
    window.harness.get_by_role_and_label(Role::SpinButton, "Batch size").click();
    window.settle();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.harness.event(egui::Event::Text("9".to_owned()));
    window.harness.key_press(Key::Enter);
    window.settle();
    assert_eq!(window.bench().config.train.batch_size, 9);
    assert!(!enabled(&window, "Train"));
}

#[test]
fn the_live_generator_takes_the_place_of_its_average_from_when_it_was_asked_for() {
    let config = Preset::Improved.config();
    let mut window = open(|bench| {
        bench.live = Some(run("night", config, [step(100), Event::Grid(grid(100)), step(130)]));
        bench.live.as_mut().expect("a run").show_grid(picture(100, 90));
        bench.settings.page = Page::Run;
    });
    assert!(!window.asked().iter().any(|action| matches!(action, Action::Command(_))), "nothing unless it is chosen");
    assert!(window.shows("average still settling") && window.shows("Live shows the generator itself"));
    window.click("Live");
    let wanted = Command::DrawLive(true);
    assert!(window.asked().contains(&Action::Command(wanted.clone())));
    let apply = |window: &mut Window, event: Event| {
        window.bench().live.as_mut().expect("a run").apply(event);
        window.settle();
    };
    window.bench().live.as_mut().expect("a run").ask(&wanted);
    window.settle();
    assert!(window.asked().is_empty(), "it is asked for once");
    assert!(window.shows("live generator from step 200 on; this is the average"));
    window.bench().live.as_mut().expect("a run").show_grid(picture(200, 90));
    apply(&mut window, step(200));
    apply(&mut window, Event::Grid(grid(200)));
    let live = Grid { step: 200, file: "live/0000200.png".to_owned() };
    apply(&mut window, Event::LiveGrid(live.clone()));
    let asks: Vec<_> = window
        .asked()
        .into_iter()
        .filter_map(|a| if let Action::ReadGrid(ask) = a { Some(ask) } else { None })
        .collect();
    assert_eq!(asks.iter().map(|ask| &ask.grid).collect::<Vec<_>>(), [&live]);
    let ctx = window.harness.ctx.clone();
    window.bench().take_grid(&ctx, &asks[0], Ok(picture(200, 200)));
    window.settle();
    assert!(window.shows("live generator, not averaged"));
    let difference = window.harness.get_by_label("Difference");
    assert!(difference.accesskit_node().is_disabled(), "that is the average's");
    // What is saved is what is seen.
    window.click("Save grid…");
    assert_eq!(window.asked(), [Action::SaveGrid(picture(200, 200))]);
    // An earlier grid has none, and says so.
    window.harness.key_press(Key::ArrowLeft);
    window.settle();
    assert!(window.shows("live generator from step 200 on; this is the average"));
    // Off again: the run is told, and the average is back.
    window.click("Live");
    assert!(window.asked().contains(&Action::Command(Command::DrawLive(false))));
    assert!(!window.shows("live generator from"));
}

#[test]
fn a_session_without_grids_of_the_live_generator_says_why_there_are_none() {
    let events = || [step(100), Event::Grid(grid(100)), Event::Finished { step: 100 }];
    let mut window = open(|bench| {
        bench.stored = Some(run("night", Preset::Quick.config(), events()));
        bench.settings.samples.live = true;
    });
    assert!(window.harness.get_by_label("Live").accesskit_node().is_disabled());
    assert!(!window.asked().iter().any(|action| matches!(action, Action::Command(_))), "nobody is there to obey");
    window.harness.get_by_label("Live").hover();
    window.harness.run_steps(40);
    assert!(window.shows("stored the averaged generator's grids alone"));
    // With some, it can be looked at.
    let live = Grid { step: 100, file: "live/100.png".to_owned() };
    window.bench().stored.as_mut().expect("a session").apply(Event::LiveGrid(live));
    window.settle();
    assert!(!window.harness.get_by_label("Live").accesskit_node().is_disabled());
}

#[test]
fn a_run_that_is_scored_says_how_far_the_scores_are() {
    let mut config = Preset::Quick.config();
    config.score.every = 100;
    let mut window = open(|bench| bench.live = Some(run("night", config, [step(99), step(100)])));
    assert!(window.shows("Scoring"));
    let progress = |doing, done, total| Some(ScoreProgress { doing, done, total });
    window.bench().live.as_mut().expect("a run").show_scores(progress("generated images", 640, 3264));
    window.settle();
    assert!(window.shows("generated images 640 of 3,264"));
    window.bench().live.as_mut().expect("a run").show_scores(progress("frechet-distance", 1, 3));
    window.settle();
    assert!(window.shows("Frechet distance, 1 of 3"));
    window.bench().live.as_mut().expect("a run").apply(step(101));
    window.settle();
    assert!(!window.shows("1 of 3"), "that is over");
}

#[test]
fn a_checkpoint_that_is_scored_says_how_far_it_is() {
    let checkpoint =
        Event::Checkpoint(Checkpoint { step: 100, folder: "checkpoints/100".to_owned(), removed: Vec::new() });
    let mut window = open(|bench| {
        bench.stored =
            Some(run("night", Preset::Quick.config(), [step(100), checkpoint, Event::Finished { step: 100 }]));
        let run = bench.stored.clone().expect("a session");
        bench.scores.open_for(&run);
    });
    window.harness.get_by_role_and_label(Role::Button, "Score").click();
    window.harness.run_steps(4);
    assert!(window.asked().iter().any(|action| matches!(action, Action::Score(_))));
    window.bench().scores.apply(JobEvent::Scoring(ScoreProgress { doing: "real images", done: 128, total: 400 }));
    window.harness.run_steps(4);
    assert!(window.shows("real images 128 of 400"));
}

#[test]
fn only_one_session_has_its_buttons_on_the_screen() {
    let quick = || Preset::Quick.config();
    let checkpoint =
        || Event::Checkpoint(Checkpoint { step: 50, folder: "checkpoints/50".to_owned(), removed: Vec::new() });
    let mut window = open(|bench| {
        bench.live = Some(run("of-today", quick(), [step(50), checkpoint(), Event::Stopped { step: 50 }]));
    });
    assert!(enabled(&window, "Resume"), "its own is at the top");
    let resumes = |window: &Window| window.harness.query_all_by_role_and_label(Role::Button, "Resume").count();
    window.bench().stored = Some(run("of-old", quick(), [step(50), checkpoint(), Event::Stopped { step: 50 }]));
    window.settle();
    assert_eq!(resumes(&window), 1, "that of the stored session");
    window.click("Resume");
    let folder = PathBuf::from("sessions/of-old");
    assert_eq!(window.asked(), [Action::Resume { folder, steps: None }]);
    assert!(!window.shows("of-today") && window.shows("A stored session is open; its buttons are below"));
    assert!(!enabled(&window, "Pause") && !enabled(&window, "Stop"));
    // Beside a run that goes on, the buttons are the run's, and it says so.
    window.bench().live = Some(run("of-today", quick(), [step(50)]));
    window.settle();
    assert_eq!(resumes(&window), 0);
    assert!(enabled(&window, "Pause") && window.shows("The buttons at the top are for of-today"));
    window.click("Back to the run");
    assert!(window.bench().stored.is_none() && !window.shows("The buttons at the top"));
}

#[test]
fn a_run_of_another_program_says_why_it_cannot_be_paused() {
    let mut window = open(|bench| {
        let mut followed = run("elsewhere", Preset::Quick.config(), [step(50)]);
        followed.follow(true);
        bench.stored = Some(followed);
        bench.elsewhere = Some("Another program (process 7) is training this session".to_owned());
    });
    assert!(!enabled(&window, "Pause") && enabled(&window, "End it there"));
    hint(&mut window, "Pause");
    assert!(window.shows("It can be ended from the bar below, but not paused from here"));
}

#[test]
fn the_set_up_can_be_dragged_wider_and_stays_so() {
    let mut window = Window::open(Workbench::new(Preset::Quick.config(), Settings::default()), [1280.0, 800.0], None);
    let before = window.bench().settings.setup_width;
    // Where the pointer says that something can be dragged.
    let drags = |window: &mut Window, at: egui::Pos2| {
        window.harness.hover_at(at);
        window.harness.step();
        window.harness.step();
        let icon = window.harness.output().platform_output.cursor_icon;
        [CursorIcon::ResizeHorizontal, CursorIcon::ResizeColumn, CursorIcon::ResizeEast, CursorIcon::ResizeWest]
            .contains(&icon)
    };
    let near = (-20..20_i8).map(|off| egui::pos2(before + f32::from(off), 400.0));
    let edge = near.into_iter().find(|at| drags(&mut window, *at)).expect("an edge that can be dragged");
    // Each in a frame of its own: what is pressed is what the pointer was seen above.
    window.harness.hover_at(edge);
    window.harness.step();
    window.harness.drag_at(edge);
    window.harness.step();
    for moved in [30.0, 60.0, 90.0] {
        window.harness.hover_at(edge + egui::vec2(moved, 0.0));
        window.harness.step();
    }
    // The pointer stays where it let go.
    window.harness.event(egui::Event::PointerButton {
        pos: edge + egui::vec2(90.0, 0.0),
        button: egui::PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    window.settle();
    let wide = window.bench().settings.setup_width;
    assert!((wide - before - 90.0).abs() < 12.0, "{before} {wide}");
    // Another start has what was left.
    let kept = Settings { setup_width: wide, ..Settings::default() };
    let mut again = Window::open(Workbench::new(Preset::Quick.config(), kept), [1280.0, 800.0], None);
    assert!((again.bench().settings.setup_width - wide).abs() < 1.0);
    // A file that says nonsense leaves room for both.
    for wrong in [0.0, 1e9, f32::NAN] {
        let kept = Settings { setup_width: wrong, ..Settings::default() };
        let mut again = Window::open(Workbench::new(Preset::Quick.config(), kept), [1280.0, 800.0], None);
        assert!((250.0..=700.0).contains(&again.bench().settings.setup_width));
    }
}

fn summary() -> DataSummary {
    let class = |name: &str, images| ClassCount { name: name.to_owned(), images, held_out: 0 };
    let group = |files: [&str; 2]| files.map(str::to_owned).to_vec();
    DataSummary {
        source: "/cells".to_owned(),
        classes: vec![class("benign", 60), class("malignant", 5)],
        duplicates: vec![group(["benign/1.png", "benign/2.png"]), group(["benign/3.png", "malignant/4.png"])],
        ..DataSummary::default()
    }
}

fn look_of(actions: Vec<Action>) -> BrowseRequest {
    let looks =
        actions.into_iter().filter_map(|action| if let Action::Browse(look) = action { Some(look) } else { None });
    let looks: Vec<BrowseRequest> = looks.collect();
    assert_eq!(looks.len(), 1, "{looks:?}");
    looks.into_iter().next().expect("one")
}

#[test]
fn all_real_images_of_a_class_are_browsed_with_the_names_of_their_files() {
    let mut window = Window::open(
        {
            let mut bench = Workbench::new(Preset::Quick.config(), Settings::default());
            bench.data.apply(JobEvent::Preview { summary: Box::new(summary()), samples: picture(0, 90) });
            bench
        },
        [1280.0, 800.0],
        None,
    );
    window.turn_to("Data");
    window.asked();
    window.harness.get_by_role_and_label(Role::ComboBox, "Real images of").click();
    window.settle();
    window.click("benign (60)");
    let look = look_of(window.asked());
    assert_eq!(look, BrowseRequest::Class { class: 0, first: 0, count: 48 });
    let answer = |window: &mut Window, look: BrowseRequest, names: &[&str], total: usize| {
        let files =
            names.iter().map(|name| ((*name).to_owned(), name.contains("broken").then(|| "cut off".to_owned())));
        let looked = BrowsePage { look: look.clone(), total, files: files.collect(), picture: picture(0, 120) };
        let ctx = window.harness.ctx.clone();
        window.bench().take_looked(&ctx, &look, Ok(looked));
        window.settle();
    };
    answer(&mut window, look, &["benign/first.png", "benign/broken.png"], 60);
    assert!(window.shows("first.png") && window.shows("cut off") && window.shows("1 to 48 of 60"));
    assert!(!enabled(&window, "Previous"));
    window.click("Next");
    let look = look_of(window.asked());
    assert_eq!(look, BrowseRequest::Class { class: 0, first: 48, count: 48 });
    answer(&mut window, look, &["benign/last.png"], 60);
    assert!(window.shows("last.png") && window.shows("49 to 60 of 60") && !enabled(&window, "Next"));
    // Files of the same picture beside each other.
    window.click("Compare group 2 of copies");
    let look = look_of(window.asked());
    assert_eq!(look, BrowseRequest::Files(vec!["benign/3.png".to_owned(), "malignant/4.png".to_owned()]));
    let ctx = window.harness.ctx.clone();
    window.bench().take_looked(&ctx, &look, Err("the disk is gone".to_owned()));
    window.settle();
    assert!(window.shows("the disk is gone") && window.shows("2 files with the same pixels"));
    // Other data has other images.
    window.bench().config.data.source = "/other".to_owned();
    window.settle();
    assert!(matches!(look_of(window.asked()), BrowseRequest::Files(_)));
}
