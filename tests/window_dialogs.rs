//! Dialogs and fields under a hand that clicks and types: lists are in front of their dialog, and nobody who types a number is
//! interrupted.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;
#[path = "common/head.rs"]
mod head;

use std::path::PathBuf;
use std::time::SystemTime;

use common::Window;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{Config, Preset};
use gandle::event::{Checkpoint, Event, Grid, GridPicture, Picture, Step};
use gandle::ui::{Action, RunView, SessionRow, Settings, Workbench};

/// A session with three checkpoints, on the screen.
fn stopped() -> RunView {
    let mut view = RunView::new(PathBuf::from("sessions/night-7"));
    view.apply(Event::Started(Box::new(head::started("night-7", Preset::Improved.config()))));
    for step in [100, 200, 300] {
        view.apply(Event::Step(Step { step, ..Step::default() }));
        view.apply(Event::Grid(Grid { step, file: format!("grids/{step}.png") }));
        view.apply(Event::Checkpoint(Checkpoint { step, folder: format!("c/{step}"), removed: Vec::new() }));
    }
    view.apply(Event::Stopped { step: 300 });
    let picture = Picture { width: 128, height: 32, rgb: vec![90; 128 * 32 * 3].into() };
    view.show_grid(GridPicture { step: 300, columns: 8, rows: 2, cell: 16, picture });
    view
}

fn open(config: Config, height: f32) -> Window {
    let mut bench = Workbench::new(config, Settings::default());
    bench.live = Some(stopped());
    for name in ["before", "after"] {
        bench.sessions.push(SessionRow::new(PathBuf::from("sessions").join(name), 1, SystemTime::now()));
    }
    Window::open(bench, [1280.0, height], None)
}

impl Window {
    fn list<'a>(&'a self, name: &'a str) -> egui_kittest::Node<'a> {
        self.harness.get_by_role_and_label(Role::ComboBox, name)
    }

    /// Chooses from a list as a hand does: by what is in front at that place.
    fn choose(&mut self, list: &str, item: &str) {
        self.list(list).click();
        self.settle();
        self.harness.get_by_label(item).click();
        self.settle();
        let shown = self.list(list).accesskit_node().value();
        assert_eq!(shown.as_deref(), Some(item), "{list}");
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    fn field<'a>(&'a self, name: &'a str) -> egui_kittest::Node<'a> {
        self.harness.get_by_role_and_label(Role::SpinButton, name)
    }

    /// Clicks into a field and types over what is in it, sign by sign.
    fn types(&mut self, name: &str, text: &str) {
        self.field(name).click();
        self.settle();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        for sign in text.chars() {
            self.harness.event(egui::Event::Text(sign.to_string()));
            self.settle();
        }
    }
}

#[test]
fn every_list_of_every_dialog_opens_in_front_as_often_as_it_is_asked() {
    let mut window = open(Preset::Improved.config(), 800.0);
    for _ in 0..2 {
        window.key(Modifiers::COMMAND, Key::E);
        for _ in 0..2 {
            window.choose("Checkpoint", "step 200");
            window.choose("Class", "malignant");
            window.choose("What", "generator as a model (ONNX)");
            window.choose("What", "animation of a walk through latent space");
            window.choose("Class", "all classes");
            window.choose("What", "images");
            window.choose("Checkpoint", "step 300");
        }
        window.key(Modifiers::NONE, Key::Escape);
        assert!(!window.shows("Export from this session"));

        window.click("Compare with…");
        for item in ["Preset original", "before", "Preset improved", "after"] {
            window.choose("Compare with", item);
        }
        // Escape closes the list first, and then the dialog.
        window.list("Compare with").click();
        window.settle();
        window.key(Modifiers::NONE, Key::Escape);
        assert!(window.shows("Compare the set-up"));
        window.key(Modifiers::NONE, Key::Escape);
        assert!(!window.shows("Compare the set-up"));

        window.click("More about this step");
        window.click("Go back to this step…");
        for item in ["step 100", "step 300", "step 200"] {
            window.choose("Checkpoint", item);
        }
        window.click("Cancel");

        window.turn_to("Details");
        window.click("Score a checkpoint…");
        for item in ["step 200", "step 100", "step 300"] {
            window.choose("Checkpoint", item);
        }
        window.click("Close");
        window.turn_to("Run");
    }
}

#[test]
fn going_back_branches_off_with_the_settings_of_the_set_up() {
    let mut config = Preset::Improved.config();
    config.optimizer.generator_lr = 5e-5;
    let mut window = open(config, 800.0);
    window.asked();
    window.click("More about this step");
    window.click("Go back to this step…");
    window.choose("Checkpoint", "step 100");
    window.types("Steps in all", "50");
    assert!(window.harness.get_by_label("Go back and train").accesskit_node().is_disabled(), "it is past that");
    window.types("Steps in all", "9000");
    window.click("Go back and train");
    let parent = PathBuf::from("sessions/night-7");
    let set = ["optimizer.generator_lr=0.00005".to_owned()];
    let asked: Vec<Action> = window.asked().into_iter().filter(|a| matches!(a, Action::Branch { .. })).collect();
    let Some(Action::Branch { set: told, .. }) = asked.first() else { panic!("{asked:?}") };
    let same = |text: &str| text.split_once('=').map(|(key, value)| (key.to_owned(), value.parse::<f64>().unwrap()));
    assert_eq!(told.iter().map(|t| same(t)).collect::<Vec<_>>(), set.iter().map(|t| same(t)).collect::<Vec<_>>());
    let branch = Action::Branch { parent, step: 100, steps: 9000, set: told.clone() };
    assert_eq!(asked, [branch]);
}

#[test]
fn a_finished_run_is_trained_longer() {
    let mut window = open(Preset::Improved.config(), 800.0);
    let live = window.bench().live.as_mut().unwrap();
    live.apply(Event::Checkpoint(Checkpoint { step: 4000, folder: "c/4000".to_owned(), removed: Vec::new() }));
    live.apply(Event::Finished { step: 4000 });
    window.settle();
    window.asked();
    window.click("Train longer…");
    window.types("Steps to reach", "6,000");
    window.click("Go on");
    let folder = PathBuf::from("sessions/night-7");
    let asked: Vec<Action> = window.asked().into_iter().filter(|a| matches!(a, Action::Resume { .. })).collect();
    assert_eq!(asked, [Action::Resume { folder, steps: Some(6000) }]);
}

#[test]
fn what_appears_and_goes_does_not_interrupt_a_number() {
    let mut config = Preset::Improved.config();
    config.optimizer.generator_lr = 1.0;
    let mut window = open(config, 4500.0);
    window.click("Optimizer options");
    window.click("1 warning");
    assert!(window.shows("far above the usual"));
    for (text, value) in [("0.0001", 1e-4), ("0,025", 0.025), ("2e-4", 2e-4), ("1", 1.0), ("0.00015", 1.5e-4)] {
        window.types("Generator rate", text);
        assert!(window.field("Generator rate").is_focused(), "{text}");
        assert_eq!(window.bench().config.optimizer.generator_lr, value, "{text}");
    }
    window.types("Generator rate", "0");
    assert!(window.shows("with a rate of 0 the network never learns"));
    // A batch that no machine can hold brings errors elsewhere in the set-up.
    window.types("Batch size", "4096");
    assert!(window.field("Batch size").is_focused());
    assert_eq!(window.bench().config.train.batch_size, 4096);
}

#[test]
fn what_is_no_number_stays_in_the_field_and_changes_nothing() {
    let mut window = open(Preset::Improved.config(), 4500.0);
    window.click("Optimizer options");
    window.types("Gradient clipping", "1,5");
    window.key(Modifiers::NONE, Key::Enter);
    assert_eq!(window.bench().config.optimizer.clip, 1.5);
    for (text, kept) in ["nan", "inf", "-5", "abc", "1e7", "3.5.5"].into_iter().zip(["1.5", "2.5", "4", "5", "6", "7"])
    {
        window.bench().config.optimizer.clip = kept.parse().unwrap();
        window.settle();
        assert_eq!(window.field("Gradient clipping").accesskit_node().value().as_deref(), Some(kept), "before {text}");
        window.types("Gradient clipping", text);
        window.harness.key_press(Key::Enter);
        window.settle();
        assert_eq!(window.bench().config.optimizer.clip.to_string(), kept, "{text}");
        assert_eq!(window.field("Gradient clipping").accesskit_node().value().as_deref(), Some(text));
    }
    window.types("Steps", "4.000");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert_eq!(window.bench().config.train.steps, 4000, "nobody knows whether that is 4 or 4000");
    window.types("Steps", "");
    window.harness.key_press(Key::Backspace);
    window.harness.key_press(Key::Enter);
    window.settle();
    assert_eq!(window.field("Steps").accesskit_node().value().as_deref(), Some("4000"));
}

#[test]
fn a_hand_that_slips_over_a_number_changes_nothing() {
    let mut window = open(Preset::Improved.config(), 4500.0);
    let drag = |window: &mut Window, modifiers: Modifiers| {
        let from = window.field("Steps").rect().center();
        window.harness.event(egui::Event::ModifiersChanged(modifiers));
        window.harness.drag_at(from);
        window.harness.step();
        for by in [20.0, 60.0, 100.0] {
            window.harness.hover_at(from + egui::vec2(by, 0.0));
            window.harness.step();
        }
        window.harness.drop_at(from + egui::vec2(100.0, 0.0));
        window.settle();
        window.bench().config.train.steps
    };
    assert_eq!(drag(&mut window, Modifiers::NONE), 4000);
    assert!(drag(&mut window, Modifiers::COMMAND) > 4000, "with Ctrl it is meant");
}
