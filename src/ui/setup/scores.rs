//! How the images are scored: the rows of the set-up.

use egui::{Button, TextEdit, Ui, vec2};

use super::super::action::Action;
use super::super::{format, theme};
use super::form::{Form, checks, combo};
use crate::config::{Choice as _, Config, ExtractorName, Metric, NOTHING, Shipped};

/// Width of the button that asks for a file.
const ASK_WIDTH: f32 = 24.0;
/// The Inception's name in the list.
const INCEPTION: &str = "Inception (2015)";

/// The rows. Returns what was asked for.
#[must_use]
pub fn score_ui(form: &mut Form<'_>, ui: &mut Ui) -> Option<Action> {
    form.count(ui, "score.every", "Score every", None, 0..=1_000_000_000, |c| &mut c.score.every);
    let off = (form.config.score.every == 0).then_some("The run is never scored");
    form.count(ui, "score.images", "Images scored", off, 0..=10_000_000, |c| &mut c.score.images);
    form.row(ui, "score.metrics", "Measured", off, metrics_ui);
    form.row(ui, "score.best", "Best checkpoint by", off, best_ui);
    let asked = extractor_ui(form, ui, off);
    form.choice_where(ui, "score.resize", "Resize as", off, |c| &mut c.score.resize);
    let radius = [Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];
    let measured = form.config.score.measured();
    let no_radius = (!radius.iter().any(|metric| measured.contains(metric)))
        .then_some("Read by precision, recall, density and coverage only");
    form.count(ui, "score.k", "Neighbours", off.or(no_radius), 1..=1000, |c| &mut c.score.k);
    form.fraction(ui, "score.most_time", "Share of the time", off, 0.01..=1.0, |c| &mut c.score.most_time);
    asked
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

/// The network, and for the Inception the file of its weights.
fn extractor_ui(form: &mut Form<'_>, ui: &mut Ui, off: Option<&str>) -> Option<Action> {
    form.row(ui, "score.extractor", "Extractor", off, |ui, config| {
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
    form.row(ui, "score.extractor", "Inception weights", off, |ui, _| {
        // From the right: the button, then the path.
        let height = theme::ROW_HEIGHT - 2.0;
        let button = ui.add_sized(vec2(ASK_WIDTH, height), Button::new("\u{2026}"));
        let name = "Choose the file of the Inception's weights";
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        if button.clone().on_hover_text("Choose the file").clicked() {
            asked = Some(Action::ChooseInception);
        }
        let width = theme::CONTROL_WIDTH - button.rect.width() - ui.spacing().item_spacing.x;
        ui.add_sized(vec2(width, height), TextEdit::singleline(&mut file).hint_text("Path of a file"))
    });
    if file != weights {
        form.config.score.extractor = ExtractorName::inception(&file);
    }
    asked
}
