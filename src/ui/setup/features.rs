//! The row of the file that a perceptual or texture loss may need.

use egui::{Button, Response, TextEdit, Ui, Vec2, vec2};

use super::super::action::Action;
use super::super::paths::{self, Wanted};
use super::super::theme;
use super::form::Form;
use crate::config::Key;
use crate::guard::from_home;

/// Width of the button that asks for a file.
const ASK_WIDTH: f32 = 24.0;

/// The file of VGG19's weights. Returns what was asked for.
pub fn vgg19_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    let mut asked = None;
    form.row(ui, key, None, |ui, config| {
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
        let field = weights_field(ui, key.key, edit, vec2(width, height));
        if field.lost_focus() {
            config.loss.vgg19 = from_home(&config.loss.vgg19);
        }
        field
    });
    asked
}

/// A field for the path of a file of weights.
pub fn weights_field(ui: &mut Ui, id: &str, edit: TextEdit<'_>, size: Vec2) -> Response {
    let edit = edit.desired_width(size.x).min_size(size);
    ui.allocate_ui(size, |ui| paths::field(ui, id, edit, Wanted::File(&["pth", "pt", "safetensors"]))).inner
}
