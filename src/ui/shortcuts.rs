//! The keyboard: which keys do what, and the sheet that says so.

use egui::{Grid, Key, KeyboardShortcut, Modifiers, RichText, ScrollArea, Ui, Window};

use super::action::Action;
use super::notice::Notice;
use super::page::Page;
use super::samples::live_obstacle;
use super::workbench::Workbench;
use super::{theme, widgets};
use crate::event::Command;
use crate::summary::Phase;

/// What keys can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Train,
    Pause,
    Stop,
    PauseOrPlay,
    OneStep,
    Export,
    SaveGrid,
    Undo,
    Redo,
    Log,
    Sheet,
    Pin,
    WholeRun,
    Zoom,
    Difference,
    Real,
    Live,
    Meaning,
}

/// Keys that also work while somebody types, what they do, and how that is told.
const ALWAYS: [(KeyboardShortcut, Wish, &str); 8] = [
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::T), Wish::Train, "Train with the settings of the set-up"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::P), Wish::Pause, "Pause or resume the training"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::Period), Wish::Stop, "Stop the run"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::E), Wish::Export, "Export images"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::S), Wish::SaveGrid, "Save the grid on the screen"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::L), Wish::Log, "Open or close the log below"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::F1), Wish::Sheet, "This sheet; ? as well"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::Slash), Wish::Sheet, ""),
];

/// Keys that work while nobody types and nothing else has the focus.
const IDLE: [(KeyboardShortcut, Wish, &str); 14] = [
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::Z), Wish::Undo, "Undo a change to the set-up"),
    (KeyboardShortcut::new(Modifiers::COMMAND, Key::Y), Wish::Redo, "Redo it; also Ctrl+Shift+Z"),
    (
        KeyboardShortcut::new(Modifiers::NONE, Key::Space),
        Wish::PauseOrPlay,
        "Pause or resume the training; plays the grids where nothing is training or the pointer is over them",
    ),
    (KeyboardShortcut::new(Modifiers::NONE, Key::N), Wish::OneStep, "One step of a paused run"),
    (
        KeyboardShortcut::new(Modifiers::NONE, Key::P),
        Wish::Pin,
        "Pin the step of the samples in the curves, or take the pin out",
    ),
    (KeyboardShortcut::new(Modifiers::NONE, Key::W), Wish::WholeRun, "Show the whole run in the curves"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::M), Wish::Meaning, "What the losses mean"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::Z), Wish::Zoom, "One image of the grid, pixel for pixel"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::D), Wish::Difference, "Difference from the grid before"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::L), Wish::Live, "The live generator instead of its average"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::R), Wish::Real, "Real images beside the generated ones"),
    (KeyboardShortcut::new(Modifiers::NONE, Key::Questionmark), Wish::Sheet, ""),
    (KeyboardShortcut::new(Modifiers::SHIFT, Key::Questionmark), Wish::Sheet, ""),
    (KeyboardShortcut::new(Modifiers::SHIFT, Key::Slash), Wish::Sheet, ""),
];

/// Keys that others listen to, for the sheet.
const ELSEWHERE: [(&str, &str); 7] = [
    ("Ctrl+drag", "Change a number"),
    ("Ctrl++, Ctrl+-, Ctrl+0", "Zoom the window in, out, or back"),
    ("Left, Right", "The grid before or after, on the Run page"),
    ("Home, End", "The first grid, or follow the newest"),
    ("Tab, Shift+Tab", "To the next control, or back"),
    ("Enter, Space", "Press the control that has the focus; arrows move a slider"),
    ("Esc", "Close what is open, or leave a field"),
];

const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

impl Workbench {
    /// Does what keys ask for, before anything is drawn.
    pub(super) fn keys(&mut self, ui: &Ui) -> Vec<Action> {
        let mut actions = Vec::new();
        let pages = Page::ALL.iter().zip(DIGITS);
        for ((page, _), key) in pages {
            if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, key)) {
                actions.extend(self.turn_to(*page));
            }
        }
        let redo = KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
        let idle = !ui.ctx().egui_wants_keyboard_input() && ui.memory(|memory| memory.focused().is_none());
        let hit = |shortcut: &KeyboardShortcut| ui.input_mut(|input| input.consume_shortcut(shortcut));
        let mut wishes: Vec<Wish> = ALWAYS.iter().filter(|(keys, ..)| hit(keys)).map(|(_, wish, _)| *wish).collect();
        // Consuming is lenient about Shift: what has it is asked for first.
        if !ui.ctx().egui_wants_keyboard_input() && hit(&redo) {
            wishes.push(Wish::Redo);
        }
        if idle {
            // A letter that is typed over the set-up or a dialog is meant for a field there, also where that is turned off.
            let pointer = ui.input(|input| input.pointer.hover_pos());
            let over = self.setup_place.zip(pointer).is_some_and(|(place, pointer)| place.contains(pointer));
            let fields = over || ui.memory(|memory| memory.top_modal_layer().is_some());
            let meant = |keys: &KeyboardShortcut| !fields || keys.modifiers.command;
            wishes.extend(IDLE.iter().filter(|(keys, ..)| meant(keys) && hit(keys)).map(|(_, wish, _)| *wish));
        }
        for wish in wishes {
            actions.extend(self.grant(ui, wish));
        }
        actions
    }

    fn grant(&mut self, ui: &Ui, wish: Wish) -> Option<Action> {
        let on_run = self.settings.page == Page::Run && self.shown().is_some();
        match wish {
            Wish::Train => (!self.is_training() && self.blockers().is_empty()).then_some(Action::Train),
            Wish::Pause => self.pause_or_go_on(),
            Wish::Stop => self.is_training().then_some(Action::Command(Command::Stop)),
            Wish::PauseOrPlay => {
                let plays = self.stored.is_some() || !self.is_training() || self.samples.has_pointer(ui);
                if on_run && plays {
                    let steps: Vec<usize> = self.shown()?.grids().iter().map(|grid| grid.step).collect();
                    self.samples.toggle_play(ui.input(|input| input.time), &steps);
                    return None;
                }
                self.pause_or_go_on()
            }
            Wish::OneStep => self.live.as_ref().and_then(|live| self.stepping.step(live)),
            Wish::Export => {
                self.open_export();
                None
            }
            Wish::SaveGrid => self.samples.shown().filter(|_| on_run).cloned().map(Action::SaveGrid),
            Wish::Undo => {
                let done = self.undo.undo(&mut self.config);
                self.tell(if done { "A change to the set-up was undone" } else { "There is nothing to undo" })
            }
            Wish::Redo => {
                let done = self.undo.redo(&mut self.config);
                self.tell(if done { "The change was redone" } else { "There is nothing to redo" })
            }
            Wish::Log => toggle(&mut self.settings.drawers.log),
            Wish::Sheet => toggle(&mut self.sheet),
            Wish::Pin if on_run => {
                let step = self.samples.shown().map(|grid| grid.step).or(self.shown().map(|view| view.step()))?;
                if let Some(run) = self.stored.as_ref().or(self.live.as_ref()) {
                    self.charts.pin(run, step);
                }
                None
            }
            Wish::WholeRun => {
                if self.settings.page == Page::Compare {
                    self.compare.show_all();
                } else if on_run {
                    self.charts.show_all();
                }
                None
            }
            Wish::Zoom if on_run => {
                self.samples.toggle_zoom();
                None
            }
            // As its button: nothing to see of it beside the live generator.
            Wish::Difference if on_run && !self.settings.samples.live => toggle(&mut self.settings.samples.difference),
            Wish::Real if on_run => toggle(&mut self.settings.samples.real),
            Wish::Live if on_run && self.shown().is_some_and(|run| live_obstacle(run).is_none()) => {
                toggle(&mut self.settings.samples.live)
            }
            Wish::Meaning if on_run => toggle(&mut self.settings.charts.meaning),
            Wish::Pin | Wish::Zoom | Wish::Difference | Wish::Real | Wish::Live | Wish::Meaning => None,
        }
    }

    fn tell(&mut self, text: &str) -> Option<Action> {
        self.notice = Some(Notice::info(text));
        None
    }

    fn pause_or_go_on(&self) -> Option<Action> {
        let run = self.live.as_ref().filter(|run| run.is_active() && run.asked().is_none())?;
        let paused = *run.phase() == Phase::Paused;
        Some(Action::Command(if paused { Command::Resume } else { Command::Pause }))
    }

    /// The sheet, while it is open.
    pub(super) fn sheet_ui(&mut self, ui: &Ui) {
        let mut open = self.sheet;
        let window = Window::new("Keyboard shortcuts").open(&mut open).collapsible(false).resizable(false);
        let window = window.anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO);
        window.default_width(theme::DIALOG_WIDTH).show(ui.ctx(), |ui| {
            let height = (ui.ctx().content_rect().height() - 140.0).max(200.0);
            // As high as it may be: rows below the fold would not be looked for.
            ScrollArea::vertical().min_scrolled_height(height).max_height(height).show(ui, rows_ui);
        });
        self.sheet = open && !(self.sheet && ui.input(|input| input.key_pressed(Key::Escape)));
    }
}

fn rows_ui(ui: &mut Ui) {
    let told = ALWAYS.iter().chain(&IDLE).filter(|(.., about)| !about.is_empty());
    let named = told.map(|(keys, _, about)| (ui.ctx().format_shortcut(keys), *about));
    let mut rows: Vec<(String, &str)> = named.collect();
    let pages = format!("{} to {}", named_digit(ui, 0), Page::ALL.len());
    rows.insert(0, (pages, "The pages, from left to right"));
    rows.extend(ELSEWHERE.iter().map(|(keys, about)| ((*keys).to_owned(), *about)));
    Grid::new("shortcuts").num_columns(2).striped(true).spacing([20.0, 3.0]).show(ui, |ui| {
        for (keys, about) in rows {
            ui.label(RichText::new(keys).monospace().color(widgets::palette(ui).strong));
            ui.label(about);
            ui.end_row();
        }
    });
}

fn named_digit(ui: &Ui, at: usize) -> String {
    ui.ctx().format_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, DIGITS[at]))
}

fn toggle(on: &mut bool) -> Option<Action> {
    *on = !*on;
    None
}
