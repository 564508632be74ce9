//! Rows of the scores: what is measured, by what the best is known, and through which network.

use egui::{Button, TextEdit, Ui, vec2};

use super::super::action::Action;
use super::super::{format, theme};
use super::features::weights_field;
use super::form::{Form, checks, combo};
use crate::config::{Choice as _, Config, ExtractorName, Key, Metric, NOTHING, Shipped};
use crate::guard::from_home;

/// Width of the button that asks for a file.
const ASK_WIDTH: f32 = 24.0;
/// The Inception's name in the list.
const INCEPTION: &str = "Inception (2015)";

/// What is measured.
pub fn metrics_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, metrics_ui);
    None
}

fn metrics_ui(ui: &mut Ui, config: &mut Config) -> egui::Response {
    let chosen = &mut config.score.metrics;
    let text = match chosen.as_slice() {
        [] => "nothing".to_owned(),
        [one] => format::metric(one.name()),
        many => format::plural(many.len(), "score"),
    };
    checks(ui, "score.metrics", &text, |ui| {
        for metric in Metric::ALL {
            let mut on = chosen.contains(metric);
            if ui.checkbox(&mut on, format::metric(metric.name())).on_hover_text(metric.about()).changed() {
                chosen.retain(|other| other != metric);
                chosen.extend(on.then_some(*metric));
                chosen.sort_unstable();
            }
        }
    })
}

/// Whose best checkpoint is kept.
pub fn best_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, best_ui);
    None
}

fn best_ui(ui: &mut Ui, config: &mut Config) -> egui::Response {
    let best = &mut config.score.best;
    let text = if best == NOTHING { "no score".to_owned() } else { format::metric(best) };
    combo(ui, "score.best", &text, |ui| {
        ui.selectable_value(best, NOTHING.to_owned(), "no score").on_hover_text("Only the newest checkpoints are kept");
        for metric in Metric::ALL.iter().filter(|metric| metric.prefers().is_some()) {
            let name = format::metric(metric.name());
            ui.selectable_value(best, metric.name().to_owned(), name).on_hover_text(metric.about());
        }
    })
}

/// The network, and for the Inception the file of its weights. Returns what was asked for.
pub fn extractor_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let extractor = &mut config.score.extractor;
        let inception = ExtractorName::inception_file(extractor).is_some();
        let shown = if inception { INCEPTION.to_owned() } else { format::extractor(extractor) };
        combo(ui, "score.extractor", &shown, |ui| {
            for network in Shipped::ALL.iter().copied() {
                let (key, name) = (network.key(), format::extractor(network.key()));
                if ui.selectable_label(extractor == key, name).on_hover_text(network.about()).clicked() {
                    *extractor = key.to_owned();
                }
            }
            let about = "That of FID, from a file of its weights";
            if ui.selectable_label(inception, INCEPTION).on_hover_text(about).clicked() && !inception {
                *extractor = ExtractorName::inception("");
            }
        })
    });
    let weights = form.config.score.weights()?.to_owned();
    let (mut file, mut asked) = (weights.clone(), None);
    form.named_row(ui, key, "Inception weights", None, |ui, _| {
        // From the right: the button, then the path.
        let height = theme::ROW_HEIGHT - 2.0;
        let button = ui.add_sized(vec2(ASK_WIDTH, height), Button::new("\u{2026}"));
        let name = "Choose the file of the Inception's weights";
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        if button.clone().on_hover_text("Choose the file").clicked() {
            asked = Some(Action::ChooseInception);
        }
        let width = theme::CONTROL_WIDTH - button.rect.width() - ui.spacing().item_spacing.x;
        let edit = TextEdit::singleline(&mut file).hint_text("Path of a file");
        let field = weights_field(ui, "inception weights", edit, vec2(width, height));
        if field.lost_focus() {
            file = from_home(&file);
        }
        field
    });
    if file != weights {
        form.config.score.extractor = ExtractorName::inception(&file);
    }
    asked
}
