//! What the generator's images are compared with beside the discriminator: the rows of the perceptual and the texture loss.

use egui::{Button, TextEdit, Ui, vec2};

use super::super::action::Action;
use super::super::theme;
use super::form::Form;
use crate::config::FeatureNetwork;

/// Width of the button that asks for a file.
const ASK_WIDTH: f32 = 24.0;

/// The rows. Returns what was asked for.
#[must_use]
pub fn features_ui(form: &mut Form<'_>, ui: &mut Ui) -> Option<Action> {
    form.fraction(ui, "loss.perceptual", "Perceptual loss", None, 0.0..=1e6, |c| &mut c.loss.perceptual);
    form.fraction(ui, "loss.texture", "Texture loss", None, 0.0..=1e6, |c| &mut c.loss.texture);
    let off = (!form.config.loss.compares_features()).then_some("Only with a perceptual or texture loss above 0");
    form.choice_where(ui, "loss.features", "Compared features", off, |c| &mut c.loss.features);
    let loss = &form.config.loss;
    let used = loss.compares_features() && loss.features == FeatureNetwork::Vgg19;
    let off = (!used).then_some("Only with vgg19 features and a perceptual or texture loss above 0");
    let mut asked = None;
    form.row(ui, "loss.vgg19", "VGG19 weights", off, |ui, config| {
        // From the right: the button, then the path.
        let height = theme::ROW_HEIGHT - 2.0;
        let button = ui.add_sized(vec2(ASK_WIDTH, height), Button::new("…"));
        button
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Choose the file of VGG19's weights"));
        if button.clone().on_hover_text("Choose the file").clicked() {
            asked = Some(Action::ChooseVgg19);
        }
        let width = theme::CONTROL_WIDTH - button.rect.width() - ui.spacing().item_spacing.x;
        let edit = TextEdit::singleline(&mut config.loss.vgg19).hint_text("Path of a file");
        ui.add_sized(vec2(width, height), edit)
    });
    asked
}
