//! A folder or a file of data that is dropped on the window.

use egui::Ui;

use super::action::Action;
use super::widgets;

/// Takes a folder, a table or an archive that was dropped on the window, and marks the window while one hovers over it.
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
            "Drop a folder with one sub-folder per class, a table (.csv) or an archive (.zip, .tar, .npz, .parquet)",
            font,
            p.strong,
        );
    }
    let path = path?;
    // An image that was dropped stands for the folder that it is in.
    let source = if path.is_file() && !is_source_file(&path) { path.parent()?.to_owned() } else { path };
    Some(Action::UseData(source.display().to_string()))
}

/// Whether a file is a source of data of its own.
fn is_source_file(path: &std::path::Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| crate::config::DATA_FILES.contains(&extension.as_str()))
}
