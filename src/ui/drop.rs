//! A folder that is dropped on the window.

use egui::Ui;

use super::action::Action;
use super::widgets;

/// Takes a folder that was dropped on the window, and marks the window while one hovers over it.
pub(super) fn dropped(ui: &Ui) -> Option<Action> {
    let (hovering, path) = ui.input(|input| {
        let path = input.raw.dropped_files.first().map(|file| file.path().to_owned());
        (!input.raw.hovered_files.is_empty(), path)
    });
    if hovering {
        let p = widgets::palette(ui);
        let rect = ui.ctx().content_rect();
        let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
        let painter = ui.ctx().layer_painter(layer);
        painter.rect_filled(rect, 0.0, p.canvas.gamma_multiply(0.85));
        let font = egui::FontId::proportional(20.0);
        painter.text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "Drop a folder with one sub-folder a class",
            font,
            p.strong,
        );
    }
    let path = path?;
    // A file that was dropped stands for the folder that it is in.
    let folder = if path.is_file() { path.parent()?.to_owned() } else { path };
    Some(Action::UseData(folder.display().to_string()))
}
