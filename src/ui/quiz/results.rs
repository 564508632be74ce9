//! What came of a test, and of those before it.

use egui::{Align, Grid, Layout, ScrollArea, Ui};

use super::super::action::Action;
use super::super::{format, widgets};
use super::{Quiz, Stage, Tally};
use crate::event::{QuizLog, QuizSet};

/// Width of the table.
const WIDTH: f32 = 640.0;

impl Quiz {
    pub(super) fn done_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let Stage::Done(set, log) = &self.stage else { return Vec::new() };
        let mut again = false;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.set_max_width(WIDTH);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    result_card(ui, set, log);
                    ui.add_space(10.0);
                    again = ui.add(widgets::primary(ui, "Another test")).clicked();
                    ui.add_space(10.0);
                    if !set.past.is_empty() {
                        past_card(ui, &set.past);
                    }
                });
            });
        });
        if again {
            self.stage = Stage::Form;
        }
        Vec::new()
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn kappa(tally: &Tally) -> String {
    tally.kappa.map_or_else(|| "\u{2013}".to_owned(), |kappa| format!("{kappa:.2}"))
}

fn result_card(ui: &mut Ui, set: &QuizSet, log: &QuizLog) {
    let all = Tally::of(log.answers.iter());
    widgets::card(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::title(ui, "Result");
        ui.label(all.meaning());
        let of = if set.held_out { "held out of training" } else { "that were trained on too" };
        widgets::small(
            ui,
            format!("Checkpoint of step {}; real images {of}; kept with the session", format::count(log.step)),
        );
        ui.add_space(6.0);
        Grid::new("quiz-result").num_columns(6).striped(true).spacing([22.0, 5.0]).show(ui, |ui| {
            for (name, about) in [
                ("Class", ""),
                ("Right", "Right answers of all"),
                ("Accuracy", "50 % is guessing"),
                ("95 % interval", "Wilson's"),
                ("Kappa", "Agreement with the truth beyond chance: 0 is guessing, 1 is always right"),
                ("Fakes taken for real", ""),
            ] {
                let heading = widgets::small(ui, name);
                if !about.is_empty() {
                    heading.on_hover_text(about);
                }
            }
            ui.end_row();
            row(ui, "all", &all);
            for class in &set.classes {
                let tally = Tally::of(log.answers.iter().filter(|answer| answer.class == *class));
                if tally.answers > 0 {
                    row(ui, &format::name(class), &tally);
                }
            }
        });
        let mut seconds: Vec<f64> = log.answers.iter().map(|answer| answer.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        if let Some(median) = seconds.get(seconds.len() / 2) {
            widgets::small(ui, format!("Median time per answer: {median:.1} s"));
        }
    });
}

fn row(ui: &mut Ui, name: &str, tally: &Tally) {
    let strong = widgets::palette(ui).strong;
    let [low, high] = tally.interval();
    ui.label(name);
    widgets::number(ui, format!("{} of {}", tally.right, tally.answers), strong);
    widgets::number(ui, percent(tally.accuracy()), strong);
    widgets::number(ui, format!("{} to {}", percent(low), percent(high)), strong);
    widgets::number(ui, kappa(tally), strong);
    widgets::number(ui, format!("{} of {}", tally.passed, tally.fakes), strong);
    ui.end_row();
}

fn past_card(ui: &mut Ui, past: &[QuizLog]) {
    widgets::card(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::title(ui, "Earlier tests of this session");
        ui.add_space(4.0);
        Grid::new("quiz-past").num_columns(5).striped(true).spacing([22.0, 5.0]).show(ui, |ui| {
            for name in ["When (UTC)", "Checkpoint", "Class", "Accuracy", "Kappa"] {
                widgets::small(ui, name);
            }
            ui.end_row();
            for log in past.iter().rev() {
                let tally = Tally::of(log.answers.iter());
                let [low, high] = tally.interval();
                ui.label(format::date(log.time));
                ui.label(format::count(log.step));
                ui.label(log.class.as_deref().unwrap_or("all"));
                ui.label(format!("{} ({} to {})", percent(tally.accuracy()), percent(low), percent(high)));
                ui.label(kappa(&tally));
                ui.end_row();
            }
        });
    });
}
