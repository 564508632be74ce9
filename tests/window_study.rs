//! The pages Explore and Quiz by meaning: found by label, without pictures.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;

use common::Window;
use gandle::config::Preset;
use gandle::event::{
    Checkpoint, Event, Exploration, GridPicture, JobEvent, Picture, QuizItem, QuizRequest, QuizSet, Started, View,
};
use gandle::ui::{Action, RunView, Settings, Spot, Workbench};

fn folder() -> PathBuf {
    PathBuf::from("sessions/night-7")
}

fn classes() -> Vec<String> {
    vec!["benign".to_owned(), "malignant".to_owned()]
}

fn window(with_checkpoint: bool) -> Window {
    let mut bench = Workbench::new(Preset::Improved.config(), Settings::default());
    let mut view = RunView::new(folder());
    view.apply(Event::Started(Box::new(Started {
        classes: classes(),
        ..head::started("night-7", Preset::Improved.config())
    })));
    if with_checkpoint {
        let checkpoint = Checkpoint { step: 20, folder: "checkpoints/0000020".to_owned(), removed: Vec::new() };
        view.apply(Event::Checkpoint(checkpoint));
    }
    view.apply(Event::Finished { step: 20 });
    bench.live = Some(view);
    Window::open(bench, [1280.0, 900.0], None)
}

fn picture(step: usize, rows: usize, columns: usize) -> GridPicture {
    let picture = Picture { width: columns * 4, height: rows * 4, rgb: vec![90; rows * columns * 48].into() };
    GridPicture { step, columns, rows, cell: 4, picture }
}

#[test]
fn both_pages_say_what_they_need() {
    let mut window = window(false);
    window.turn_to("Explore");
    assert!(window.shows("Nothing to explore yet"));
    window.turn_to("Quiz");
    assert!(window.shows("Nothing to tell apart yet"));
}

#[test]
fn exploring_asks_for_each_view_once_and_shows_it() {
    let mut window = window(true);
    window.turn_to("Explore");
    let views = |actions: &[Action]| -> Vec<View> {
        actions.iter().filter_map(|a| if let Action::Explore(e) = a { Some(e.view) } else { None }).collect()
    };
    assert_eq!(views(&window.asked()), [View::Seeds { class: 0, first: 1, count: 49 }]);
    window.settle();
    assert_eq!(views(&window.asked()), [], "once");
    window.turn_to("Walk");
    let walk = View::Walk { class: 0, from: 1, to: 2, count: 24 };
    assert_eq!(views(&window.asked()), [walk]);
    assert!(window.shows("Drawing"));
    let ctx = window.harness.ctx.clone();
    let of = Exploration { session: folder(), step: 20, truncation: 0.0, number: 0, view: walk };
    window.bench().explore.take(&ctx, of, Ok(picture(20, 4, 6)));
    window.settle();
    assert!(window.shows("benign from seed 1 to seed 2"));
    window.turn_to("Map");
    let map = |centre| View::Map { class: 0, seed: 1, directions: [101, 102], centre, step: 12.0, side: 7 };
    assert_eq!(views(&window.asked()), [map([0.0, 0.0])]);
    window.harness.key_press(egui::Key::ArrowUp);
    window.settle();
    assert_eq!(views(&window.asked()), [map([0.0, 12.0])]);
    // What cannot be drawn is told, and another view is asked for all the same.
    let of = Exploration { session: folder(), step: 20, truncation: 0.0, number: 0, view: map([0.0, 12.0]) };
    window.bench().explore.take(&ctx, of, Err("the checkpoint is gone".to_owned()));
    window.settle();
    assert!(window.shows("the checkpoint is gone"));
    window.turn_to("Morph");
    assert_eq!(views(&window.asked()), [View::Morph { from: 0, to: 1, first: 1, rows: 4, count: 9 }]);
}

#[test]
fn the_page_turns_to_an_image_of_a_session_or_says_why_not() {
    let mut window = window(true);
    window.turn_to("Explore");
    window.asked();
    let spot = Spot { step: 20, class: "malignant".to_owned(), seed: 77, number: 3, truncation: 0.5 };
    let turn = |window: &mut Window, spot: &Spot| {
        let bench = window.bench();
        bench.explore.turn_to(bench.live.as_ref().unwrap(), spot)
    };
    let gone = turn(&mut window, &Spot { step: 10, ..spot.clone() }).unwrap_err();
    assert!(gone.contains("step 10"), "{gone}");
    let unknown = turn(&mut window, &Spot { class: "zebra".to_owned(), ..spot.clone() }).unwrap_err();
    assert!(unknown.contains("zebra"), "{unknown}");
    assert_eq!(turn(&mut window, &spot), Ok(()));
    window.settle();
    let view = View::Seeds { class: 1, first: 77, count: 49 };
    let wanted = Exploration { session: folder(), step: 20, truncation: 0.5, number: 3, view };
    assert!(window.asked().contains(&Action::Explore(wanted)));
}

#[test]
fn a_blind_test_is_taken_counted_and_kept() {
    let mut window = window(true);
    window.turn_to("Quiz");
    window.click("Begin");
    let ask = QuizRequest { session: folder(), step: 20, class: None, count: 40, seed: 1 };
    assert_eq!(window.asked(), [Action::PrepareQuiz(ask.clone())]);
    assert!(window.shows("Preparing the test"));
    let item = |class, fake| QuizItem { class, fake, picture: picture(0, 1, 1).picture };
    let items = vec![item(0, false), item(0, true), item(1, true), item(1, false)];
    let set = QuizSet { ask, classes: classes(), items, held_out: true, past: Vec::new() };
    window.bench().quiz.apply(JobEvent::Quiz(Box::new(set)));
    window.settle();
    assert!(window.shows("Image 1 of 4") && window.shows("benign"));
    window.click("Real");
    window.harness.key_press(egui::Key::ArrowRight);
    window.settle();
    assert!(window.shows("Image 3 of 4") && window.shows("malignant"));
    window.harness.key_press(egui::Key::ArrowLeft);
    window.settle();
    window.click("Real");
    let actions = window.asked();
    let kept = actions.iter().find_map(|a| if let Action::KeepQuiz { log, .. } = a { Some(log.clone()) } else { None });
    let right: Vec<bool> = kept.unwrap().answers.iter().map(gandle::event::QuizAnswer::right).collect();
    assert_eq!(right, [true, true, false, true]);
    assert!(window.shows("3 of 4") && window.shows("75.0 %") && window.shows("Too few answers"));
    assert!(window.shows("1 of 2"), "a fake that was taken for real");
    window.click("Another test");
    assert!(window.shows("Real or fake?"));
}
