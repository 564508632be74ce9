//! A folder or a file of data that is dropped on the window, or an image that this program drew.

use std::path::{Path, PathBuf};

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
            "Drop a folder with one sub-folder per class, a table (.csv) or an archive (.zip, .tar, .npz, .parquet),\nor an image that gandle has drawn",
            font,
            p.strong,
        );
    }
    asked(path?)
}

fn asked(path: PathBuf) -> Option<Action> {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if is_png && path.is_file() {
        return Some(Action::OpenPicture(path));
    }
    // Any other image that was dropped stands for the folder that it is in.
    let source = if path.is_file() && !is_source_file(&path) { path.parent()?.to_owned() } else { path };
    Some(Action::UseData(source.display().to_string()))
}

/// Whether a file is a source of data of its own.
fn is_source_file(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| crate::config::DATA_FILES.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_data_a_picture_or_the_folder_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.PNG", "b.jpg", "c.zip"] {
            std::fs::write(at(name), "").unwrap();
        }
        let data = |path: &Path| Some(Action::UseData(path.display().to_string()));
        assert_eq!(asked(at("a.PNG")), Some(Action::OpenPicture(at("a.PNG"))));
        assert_eq!(asked(at("b.jpg")), data(folder.path()));
        assert_eq!(asked(at("c.zip")), data(&at("c.zip")));
        assert_eq!(asked(folder.path().to_owned()), data(folder.path()));
    }
}
