//! The card that says what the losses mean.

use egui::Ui;

use super::super::run_view::RunView;
use super::super::{format, widgets};
use super::meaning::{Recent, STEPS, Tone, explain};
use crate::event::Scalar;

/// Draws the card. `at` is the step that is looked at, where that is not the newest.
pub(super) fn meaning_ui(ui: &mut Ui, view: &RunView, at: Option<usize>) {
    let Some(started) = view.started() else { return };
    let step = at.unwrap_or(view.step());
    let p = widgets::palette(ui);
    widgets::card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            widgets::title(ui, "What these losses mean");
            let from = step.saturating_sub(STEPS) + 1;
            widgets::small(ui, format!("steps {} to {}", format::count(from.min(step)), format::count(step)))
                .on_hover_text("The averages go over these steps; the slider of the samples chooses others");
        });
        for remark in explain(&started.config, &recent(view, step)) {
            let (color, name) = match remark.tone {
                Tone::Good => (p.good, "good"),
                Tone::Plain => (p.muted, "to know"),
                Tone::Bad => (p.warning, "to look at"),
            };
            ui.horizontal_top(|ui| {
                ui.add_space(2.0);
                ui.vertical(|ui| {
                    ui.add_space(6.0);
                    widgets::dot(ui, color).on_hover_text(name);
                });
                ui.add(egui::Label::new(remark.text).wrap());
            });
        }
    });
}

/// The averages of the steps up to one.
fn recent(view: &RunView, step: usize) -> Recent {
    let c = view.curves();
    let from = step.saturating_sub(STEPS) + 1;
    let mean = |number: Scalar| c.of(number).mean_between(from, step);
    let before = |number: Scalar| c.of(number).mean_between(from.saturating_sub(STEPS), from.saturating_sub(1));
    let (Some(loss_d), Some(loss_g)) = (mean(Scalar::LossD), mean(Scalar::LossG)) else { return Recent::default() };
    let scores: Vec<f64> = view
        .scores()
        .iter()
        .filter(|score| score.class.is_none() && score.metric == "frechet-distance" && score.step <= step)
        .map(|score| score.value)
        .collect();
    let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
    Recent {
        steps: step.min(STEPS),
        loss_d,
        loss_g,
        logits_real: mean(Scalar::LogitsReal).unwrap_or_default(),
        logits_fake: mean(Scalar::LogitsFake).unwrap_or_default(),
        accuracy_real: mean(Scalar::AccuracyReal),
        accuracy_fake: mean(Scalar::AccuracyFake),
        gradient_d: mean(Scalar::GradientD),
        gradient_g: mean(Scalar::GradientG),
        gap_before: before(Scalar::LogitsReal).zip(before(Scalar::LogitsFake)).map(|(real, fake)| real - fake),
        score: scores.last().map(|now| (*now, best)),
    }
}
