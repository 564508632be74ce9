//! The Queue page.

use chrono::{DateTime, Local, TimeDelta};
use egui::{Align, Button, Frame, Label, Layout, Margin, ProgressBar, RichText, ScrollArea, Ui, Vec2};

use super::super::action::Action;
use super::super::glyph::{self, Glyph};
use super::super::request::QueueRequest;
use super::super::run_view::RunView;
use super::super::sessions::SessionRow;
use super::super::setup::Paces;
use super::super::{format, theme, widgets};
use super::forecast::{self, Speeds};
use super::form::AddForm;
use super::{Entry, EntryState, Queue};
use crate::config::Config;

/// Why a time may be wrong.
const ABOUT_ENDS: &str = "From the time that a step takes in this run, or took in the newest session with the same settings. \
Scores and sample grids come on top.";

/// The page's fields, and the speeds that it knows.
#[derive(Debug, Default)]
pub struct QueuePage {
    form: AddForm,
    speeds: Speeds,
    /// How many sessions the speeds were taken from, and how many of them were read.
    known: (usize, usize),
}

/// What the page is given to show.
pub struct QueueContext<'a> {
    /// The settings of the set-up.
    pub set_up: &'a Config,
    /// Classes of its data, where that is known.
    pub classes: Option<usize>,
    /// The run that was started last.
    pub live: Option<&'a RunView>,
    /// The stored sessions.
    pub rows: &'a [SessionRow],
    /// What was measured of the time of a step.
    pub paces: &'a Paces,
}

impl QueuePage {
    /// Draws the page.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, queue: &mut Queue, given: &QueueContext<'_>) -> Vec<Action> {
        let known = (given.rows.len(), given.rows.iter().filter(|row| row.brief.is_some()).count());
        if self.known != known {
            (self.speeds, self.known) = (Speeds::of(given.rows), known);
        }
        let mut actions = Vec::new();
        widgets::card(ui, |ui| {
            ui.set_min_width(ui.available_width());
            widgets::title(ui, "Add runs");
            ui.add_space(2.0);
            self.form.ui(ui, queue, given.set_up, given.classes);
        });
        ui.add_space(theme::GAP - ui.spacing().item_spacing.y);
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            let ends = forecast::ends(queue, given.live, &self.speeds, given.paces);
            head_ui(ui, queue, ends.iter().copied().flatten().last());
            ui.add_space(6.0);
            if queue.entries().is_empty() {
                let text = "Runs that are added are trained one after another, as soon as nothing else is";
                return widgets::empty(ui, "The queue is empty", text);
            }
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let entries = queue.entries().to_vec();
                // What all of them have tells none from another, and comes last.
                let shared = |setting: &String| entries.iter().all(|entry| entry.differs.contains(setting));
                for (entry, end) in entries.iter().zip(ends) {
                    let (common, own): (Vec<&str>, Vec<&str>) =
                        partition(&entry.differs, |setting| entries.len() > 1 && shared(setting));
                    let live = given.live.filter(|run| entry.session.as_deref() == Some(run.folder()));
                    actions.extend(entry_ui(ui, queue, (entry, &[own, common].concat()), end, live));
                }
            });
        });
        actions
    }
}

fn head_ui(ui: &mut Ui, queue: &mut Queue, end: Option<f64>) {
    ui.horizontal(|ui| {
        widgets::title(ui, "Queue");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let over = queue.entries().len() - queue.waiting() - usize::from(queue.running().is_some());
            if ui.add_enabled(over > 0, Button::new("Clear ended")).on_hover_text("Their sessions stay").clicked() {
                queue.clear_ended();
            }
            let (name, about) = if queue.is_paused() {
                ("Resume the queue", "Starts the waiting runs, one after another")
            } else {
                ("Pause the queue", "Starts no further run; the one that is training goes on")
            };
            if ui.button(name).on_hover_text(about).clicked() {
                queue.pause(!queue.is_paused());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(
                    Label::new(RichText::new(summary(queue, end)).small().color(widgets::palette(ui).muted)).truncate(),
                );
            });
        });
    });
}

/// Where the queue stands, in a line.
fn summary(queue: &Queue, end: Option<f64>) -> String {
    let mut parts = Vec::new();
    if queue.is_paused() {
        parts.push("paused".to_owned());
    }
    if queue.waiting() > 0 {
        parts.push(format!("{} waiting", format::count(queue.waiting())));
    }
    let failed = queue.entries().iter().filter(|entry| matches!(entry.state, EntryState::Failed(_))).count();
    if failed > 0 {
        parts.push(format!("{} failed", format::count(failed)));
    }
    if let Some(seconds) = end.filter(|_| !queue.is_paused()) {
        parts.push(format!("last known end {}", clock(seconds)));
    }
    parts.join(", ")
}

/// The time of day so many seconds from now, with the day where it is another.
fn clock(seconds: f64) -> String {
    let now: DateTime<Local> = Local::now();
    let span = TimeDelta::try_seconds(seconds as i64).unwrap_or_default();
    match now.checked_add_signed(span) {
        Some(end) if end.date_naive() == now.date_naive() => end.format("%H:%M").to_string(),
        Some(end) => end.format("%Y-%m-%d %H:%M").to_string(),
        None => String::new(),
    }
}

/// Those for which a question is answered with yes, and the others.
fn partition(all: &[String], ask: impl Fn(&String) -> bool) -> (Vec<&str>, Vec<&str>) {
    let (yes, no): (Vec<&String>, Vec<&String>) = all.iter().partition(|one| ask(one));
    (yes.into_iter().map(String::as_str).collect(), no.into_iter().map(String::as_str).collect())
}

fn entry_ui(
    ui: &mut Ui,
    queue: &mut Queue,
    (entry, differs): (&Entry, &[&str]),
    end: Option<f64>,
    live: Option<&RunView>,
) -> Option<Action> {
    let p = widgets::palette(ui);
    let running = entry.state == EntryState::Running;
    let frame = Frame::new().fill(if running { p.accent_faint } else { p.well });
    let frame = frame.corner_radius(6).inner_margin(Margin::symmetric(10, 6));
    let shown = frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let action = ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let action = buttons_ui(ui, queue, entry);
                if let Some(seconds) = end.filter(|_| running || !queue.is_paused()) {
                    widgets::number(ui, format!("ends {}", clock(seconds)), p.text)
                        .on_hover_text(format!("In {}. {ABOUT_ENDS}", format::duration(seconds)));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    state_ui(ui, entry);
                    ui.add(Label::new(RichText::new(&entry.name).color(p.strong)).truncate());
                });
                action
            })
            .inner
        });
        if let Some(run) = live.filter(|run| running && run.steps() > 0) {
            let share = run.step() as f32 / run.steps() as f32;
            let text = format!("{} / {}", format::count(run.step()), format::count(run.steps()));
            let text = RichText::new(text).monospace().size(theme::SMALL).color(p.strong);
            ui.add(ProgressBar::new(share).desired_height(14.0).fill(p.accent.gamma_multiply(0.8)).text(text));
        }
        about_ui(ui, entry, differs);
        action.inner
    });
    shown.inner
}

/// What is special about a run: its settings, or why it failed.
fn about_ui(ui: &mut Ui, entry: &Entry, differs: &[&str]) {
    let p = widgets::palette(ui);
    if let EntryState::Failed(message) = &entry.state {
        ui.add(Label::new(RichText::new(message).small().color(p.error)).truncate()).on_hover_text(message);
    }
    let steps = format::plural(entry.config.train.steps, "step");
    let text = match differs {
        [] => format!("{steps}; every setting as recommended"),
        differs => format!("{steps}; {}", differs.join(", ")),
    };
    let about = if differs.is_empty() { text.clone() } else { differs.join("\n") };
    let hint = format!("Other than recommended:\n{about}");
    ui.add(Label::new(RichText::new(text).small().color(p.muted)).truncate()).on_hover_text(hint);
}

fn state_ui(ui: &mut Ui, entry: &Entry) {
    let p = widgets::palette(ui);
    let (text, color) = match &entry.state {
        EntryState::Waiting if entry.session.is_some() => ("goes on", p.muted),
        EntryState::Waiting => ("waiting", p.muted),
        EntryState::Running => ("training", p.accent),
        EntryState::Finished => ("finished", p.good),
        EntryState::Stopped => ("stopped", p.warning),
        EntryState::Failed(_) => ("failed", p.error),
    };
    ui.allocate_ui_with_layout(Vec2::new(82.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(82.0);
        widgets::pill(ui, text, color);
    });
}

fn buttons_ui(ui: &mut Ui, queue: &mut Queue, entry: &Entry) -> Option<Action> {
    let size = Vec2::splat(theme::ROW_HEIGHT);
    let name = &entry.name;
    let named = |ui: &mut Ui, text: &str, about: &str| {
        let button = ui.button(text).on_hover_text(about);
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{text} {name}")));
        button.clicked()
    };
    match &entry.state {
        EntryState::Running => {
            let about = "Writes a checkpoint, ends this run and starts the next";
            if named(ui, "Cancel", about) {
                return Some(Action::Queue(QueueRequest::Cancel));
            }
        }
        EntryState::Waiting => {
            if glyph::button(ui, Glyph::Cross, size, true, &format!("Remove {name}")).clicked() {
                queue.remove(entry.id);
            }
            for (picture, earlier, word) in [(Glyph::Down, false, "later"), (Glyph::Up, true, "earlier")] {
                let can = queue.can_move(entry.id, earlier);
                let button = ui.add_enabled_ui(can, |ui| {
                    glyph::button(ui, picture, size, true, &format!("Train {name} {word}")).clicked()
                });
                if button.inner {
                    queue.shift(entry.id, earlier);
                }
            }
        }
        EntryState::Finished | EntryState::Stopped | EntryState::Failed(_) => {
            if glyph::button(ui, Glyph::Cross, size, true, &format!("Remove {name}")).clicked() {
                queue.remove(entry.id);
            }
            let about = "Puts it at the end of the queue; it resumes its session where there is one";
            if entry.state != EntryState::Finished && named(ui, "Again", about) {
                queue.again(entry.id);
            }
        }
    }
    let folder = entry.session.clone()?;
    named(ui, "Open", "Look at its session").then_some(Action::Queue(QueueRequest::Open(folder)))
}
