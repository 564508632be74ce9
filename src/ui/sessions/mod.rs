//! Stored sessions: what a list knows of each, the page that lists them, and the dialogs that change one.

mod dialog;
mod page;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use egui::Ui;

use super::action::Action;
use super::request::SessionRequest;
use super::setup::fit;
use super::{format, glyph, theme};
use crate::config::Config;
use crate::event::Picture;
use crate::summary::{Brief, plain};

pub use dialog::SessionDialog;
pub(super) use page::{Place, Typed, sessions_ui};

/// A stored session as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// Steps of its newest checkpoint.
    pub steps: usize,
    /// When it was last written to.
    pub modified: SystemTime,
    /// What it takes on disk, once that is added up.
    pub bytes: Option<u64>,
    /// What its checkpoints take of that.
    pub checkpoint_bytes: u64,
    /// Whether it has a star.
    pub star: bool,
    /// The note on it; empty for none.
    pub note: String,
    /// Whether a run writes to it now.
    pub busy: bool,
    /// What its files tell, once they are read.
    pub brief: Option<Arc<Brief>>,
    /// The settings that are others than in the nearest preset, as `key = value`; where, how long and with which seed are no part of
    /// it.
    pub differs: Vec<String>,
    /// Some images of its newest grid, once they are read.
    pub thumbnail: Option<Picture>,
}

impl SessionRow {
    /// A row of which no file is read yet.
    pub fn new(folder: PathBuf, steps: usize, modified: SystemTime) -> Self {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (star, note, busy) = (false, String::new(), false);
        let (bytes, brief, thumbnail) = (None, None, None);
        let differs = Vec::new();
        Self { folder, name, steps, modified, bytes, checkpoint_bytes: 0, star, note, busy, brief, differs, thumbnail }
    }

    /// Takes in what its files tell.
    pub fn tell(&mut self, brief: Brief) {
        self.differs = differs(&brief.config);
        self.brief = Some(Arc::new(brief));
    }

    /// What it takes on disk, in words, once that is added up.
    pub fn on_disk(&self) -> Option<String> {
        let checkpoints = format::bytes(whole(self.checkpoint_bytes));
        let all = format::bytes(whole(self.bytes?));
        Some(format!("{all}, {checkpoints} of it checkpoints (gandle prune removes those that need not stay)"))
    }
}

fn differs(config: &Config) -> Vec<String> {
    let base = fit::preset_beside(fit::nearest_preset(config), config);
    let told = |key: &str| !matches!(key, "data.source" | "train.steps" | "train.seed" | "image_size");
    let differ = config.differences(&base).into_iter().filter(|(key, ..)| told(key));
    differ.map(|(key, value, _)| format!("{key} = {}", plain(&value))).collect()
}

/// The star of a session: a click turns it.
#[must_use]
pub(super) fn star_ui(ui: &mut Ui, row: &SessionRow) -> Option<Action> {
    let name = if row.star { format!("Unstar {}", row.name) } else { format!("Star {}", row.name) };
    let picture = if row.star { glyph::Glyph::Star } else { glyph::Glyph::NoStar };
    glyph::button(ui, picture, egui::Vec2::splat(theme::ROW_HEIGHT - 4.0), false, &name).clicked().then(|| {
        let (folder, note) = (row.folder.clone(), row.note.clone());
        Action::Session(SessionRequest::Edit { folder, name: None, star: !row.star, note })
    })
}

/// The menu of what can be done with a session.
#[must_use]
pub(super) fn menu_ui(ui: &mut Ui, row: &SessionRow, dialog: &mut SessionDialog) -> Option<Action> {
    let mut action = None;
    let name = format!("More about {}", row.name);
    let menu = glyph::menu(ui, "More", |ui| {
        if ui.button("Name and note…").clicked() {
            dialog.edit(row);
            ui.close();
        }
        if ui.button("Show folder").on_hover_text("In the system's file manager").clicked() {
            action = Some(Action::Session(SessionRequest::Reveal(row.folder.clone())));
            ui.close();
        }
        if ui.button("Copy folder path").clicked() {
            action = Some(Action::Copy(full_path(row)));
            ui.close();
        }
        ui.separator();
        let delete = ui.add_enabled(!row.busy, egui::Button::new("Delete…"));
        if delete.on_disabled_hover_text("A run writes to this session; stop it first").clicked() {
            dialog.remove(row);
            ui.close();
        }
    });
    menu.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    action
}

/// A session's path from the root, which means the same everywhere.
fn full_path(row: &SessionRow) -> String {
    std::path::absolute(&row.folder).unwrap_or_else(|_| row.folder.clone()).display().to_string()
}

fn whole(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
