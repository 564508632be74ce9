//! The Queue page by meaning: runs are lined up, moved and taken out, and asked for by label.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod common;

use std::path::PathBuf;

use common::Window;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gandle::config::{LossKind, Preset};
use gandle::ui::{Action, Ending, EntryState, QueueRequest, Settings, Workbench};

impl Window {
    /// A window on the Queue page.
    fn new() -> Self {
        let workbench = Workbench::new(Preset::Improved.config(), Settings::default());
        let mut window = Self::open(workbench, [1280.0, 800.0], None);
        window.turn_to("Queue");
        window.asked();
        window
    }

    fn write(&mut self, role: Role, label: &str, text: &str) {
        self.harness.get_by_role_and_label(role, label).click();
        self.harness.run();
        self.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.harness.get_by_role_and_label(role, label).type_text(text);
        self.harness.run();
    }

    fn seeds(&self) -> Vec<u64> {
        self.harness.state().0.queue.entries().iter().map(|entry| entry.config.train.seed).collect()
    }
}

#[test]
fn three_seeds_are_added_moved_and_taken_out() {
    let mut window = Window::new();
    assert!(window.shows("The queue is empty") && window.shows("as soon as nothing else is"));
    window.write(Role::TextInput, "Seeds", "1-3");
    window.click("Add 3 runs");
    assert_eq!(window.seeds(), [1, 2, 3]);
    assert!(window.shows("3 waiting") && window.shows("improved, seed 2"));
    window.click("Train improved, seed 3 earlier");
    window.click("Train improved, seed 3 earlier");
    assert_eq!(window.seeds(), [3, 1, 2]);
    let first = window.harness.get_by_label("Train improved, seed 3 earlier");
    assert!(first.accesskit_node().is_disabled(), "it is the first");
    window.click("Train improved, seed 3 later");
    window.click("Remove improved, seed 2");
    assert_eq!(window.seeds(), [1, 3]);
}

#[test]
fn settings_are_laid_over_a_preset_and_mistakes_are_told() {
    let mut window = Window::new();
    window.harness.get_by_role_and_label(Role::ComboBox, "Based on").click();
    window.harness.run();
    window.click("preset original");
    let field = "Overrides, one KEY=VALUE per line";
    window.write(Role::MultilineTextInput, field, "train.stps=7");
    assert!(window.shows("did you mean"), "before anything is added");
    assert!(window.harness.get_by_label("Add 1 run").accesskit_node().is_disabled() && window.seeds().is_empty());
    window.write(Role::MultilineTextInput, field, "train.steps=7");
    window.click("Add 1 run");
    assert!(!window.shows("did you mean"));
    let entry = window.bench().queue.entries()[0].clone();
    assert_eq!((entry.config.train.steps, entry.config.loss.kind), (7, LossKind::Bce));
    assert!(window.shows("original, seed 0, train.steps=7") && window.shows("loss.kind = bce"));
    window.write(Role::MultilineTextInput, field, "zzzzzzzzzzzz=7");
    assert!(window.shows("the page Details of a run names them all") && !window.shows("gandle presets"));
    window.write(Role::TextInput, "Seeds", "one");
    assert!(window.shows("one is no seed"));
    assert!(window.harness.get_by_label("Add 0 runs").accesskit_node().is_disabled());
}

#[test]
fn what_nothing_would_read_is_told_before_and_after_it_is_added() {
    let mut window = Window::new();
    let field = "Overrides, one KEY=VALUE per line";
    window.write(Role::MultilineTextInput, field, "loss.lecam=0\nloss.lecam_decay=0.5");
    let told = "loss.lecam_decay: it has no effect, since loss.lecam is 0";
    assert!(window.shows(told));
    window.click("Add 1 run");
    assert!(window.shows(told) && window.seeds() == [0]);
    window.write(Role::MultilineTextInput, field, "loss.lecam=0.1\nloss.lecam_decay=0.5");
    assert!(!window.shows("it has no effect"));
    // The set-up's own are those of the runs too.
    window.write(Role::MultilineTextInput, field, "train.steps=7");
    window.bench().config.loss.lecam = 0.0;
    window.bench().config.loss.lecam_decay = 0.5;
    window.harness.run();
    assert!(window.shows(told));
    window.harness.get_by_role_and_label(Role::ComboBox, "Based on").click();
    window.harness.run();
    window.click("preset original");
    assert!(!window.shows(told), "the preset has a loss of its own");
}

#[test]
fn the_running_one_is_cancelled_and_a_failed_one_can_come_again() {
    let mut window = Window::new();
    let config = Preset::Improved.config();
    for name in ["a", "b"] {
        window.bench().queue.add(name.to_owned(), config.clone());
    }
    let session = PathBuf::from("sessions/a");
    window.bench().queue.began(0, session.clone());
    window.harness.run();
    window.click("Cancel a");
    window.click("Open a");
    let want = [QueueRequest::Cancel, QueueRequest::Open(session.clone())].map(Action::Queue);
    assert_eq!(window.asked(), want);
    window.bench().queue.ended(&session, Ending::Failed("The disk is full.".to_owned()));
    window.harness.run();
    assert!(window.shows("The disk is full.") && window.shows("1 waiting, 1 failed"));
    window.click("Again a");
    let names: Vec<&str> = window.harness.state().0.queue.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    window.click("Pause the queue");
    assert!(window.bench().queue.is_paused());
    window.click("Resume the queue");
    assert!(!window.bench().queue.is_paused());
    window.bench().queue.skip(0, Ending::Finished);
    window.harness.run();
    window.click("Clear ended");
    let states: Vec<EntryState> = window.bench().queue.entries().iter().map(|entry| entry.state.clone()).collect();
    assert_eq!(states, [EntryState::Waiting]);
}

#[test]
fn the_page_is_used_by_keyboard() {
    let mut window = Window::new();
    window.harness.get_by_label("Add 1 run").focus();
    window.harness.run();
    window.harness.key_press(egui::Key::Enter);
    window.harness.run();
    assert_eq!(window.seeds(), [0]);
    window.harness.get_by_label("Remove improved, seed 0").focus();
    window.harness.run();
    window.harness.key_press(egui::Key::Enter);
    window.harness.run();
    assert!(window.seeds().is_empty());
}
