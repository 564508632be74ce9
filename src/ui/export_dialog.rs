//! The dialog that takes results of a run out of its session: images, weights, a model, tables, a report, films.

use std::path::Path;

use egui::{Button, ProgressBar, RichText, Ui};

use super::action::Action;
use super::export_fields::Fields;
use super::request::{Drawn, SessionRequest};
use super::run_view::RunView;
use super::{dialog, format, theme, widgets};
use crate::event::{Exported, JobEvent};

/// Classes under other names that are told.
const MOST_RENAMED: usize = 5;

/// How far an export is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was asked for.
    #[default]
    Idle,
    /// Under way.
    Busy {
        /// Images or frames that are done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// It is done.
    Done(Exported),
    /// Cancelled by the user.
    Cancelled,
    /// Failed, with the reason.
    Failed(String),
}

/// The dialog and how far its export is.
#[derive(Clone, Debug, Default)]
pub struct ExportDialog {
    /// Whether it is on the screen.
    pub open: bool,
    /// Where the files go.
    pub folder: String,
    fields: Fields,
    progress: Progress,
}

impl ExportDialog {
    /// Opens the dialog for a run.
    pub fn open_for(&mut self, session: &Path) {
        self.open = true;
        self.fields.forget_run();
        if !self.is_busy() {
            self.folder = session.join("exports").display().to_string();
            self.progress = Progress::Idle;
        }
    }

    /// Chooses images like those on the screen, unless an export is under way.
    pub fn choose_images(&mut self, drawn: Drawn) {
        if !self.is_busy() {
            self.fields.choose_images(drawn);
        }
    }

    /// Takes in news of the export.
    pub fn apply(&mut self, event: JobEvent) {
        match event {
            JobEvent::Progress { done, total } => self.progress = Progress::Busy { done, total },
            JobEvent::Exported(exported) => self.progress = Progress::Done(exported),
            JobEvent::Cancelled => self.progress = Progress::Cancelled,
            JobEvent::Failed { message } => self.progress = Progress::Failed(message),
            JobEvent::Scoring(_)
            | JobEvent::BrowsePage(_)
            | JobEvent::Refused(_)
            | JobEvent::Preview { .. }
            | JobEvent::Rescored { .. }
            | JobEvent::Quiz(_)
            | JobEvent::Probed(_) => {}
        }
    }

    /// Whether an export is under way.
    pub fn is_busy(&self) -> bool {
        matches!(self.progress, Progress::Busy { .. })
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Draws the dialog over everything else.
    #[must_use]
    pub fn ui(&mut self, ctx: &egui::Context, view: &RunView) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.open {
            return actions;
        }
        let (_, escaped) = dialog::show(ctx, "export", theme::DIALOG_WIDTH, |ui| {
            ui.heading("Export from this session");
            let (idle, what) = (!self.is_busy(), self.fields.name());
            let (fields, folder) = (&mut self.fields, &mut self.folder);
            ui.add_enabled_ui(idle, |ui| actions.extend(fields.ui(ui, view, folder)));
            if idle && self.fields.name() != what {
                // What was written is not what is asked for now.
                self.progress = Progress::Idle;
            }
            actions.extend(self.progress_ui(ui));
            ui.separator();
            actions.extend(self.buttons_ui(ui, view));
        });
        if escaped {
            self.open = false;
        }
        actions
    }

    fn progress_ui(&self, ui: &mut Ui) -> Option<Action> {
        let p = widgets::palette(ui);
        match &self.progress {
            Progress::Idle => {}
            Progress::Busy { done, total } => {
                let share = *done as f32 / (*total).max(1) as f32;
                let text = format!("{} of {}", format::count(*done), format::count(*total));
                ui.add(ProgressBar::new(share).text(RichText::new(text).monospace()).fill(p.accent));
            }
            Progress::Done(Exported::Images { count: 0, .. }) => {
                ui.label(RichText::new("Nothing to add: no class has fewer images").color(p.good));
            }
            Progress::Done(Exported::Images { count, folder, renamed, table }) => {
                let text = format!("{} written to {}", format::plural(*count, "image"), folder.display());
                ui.label(RichText::new(text).color(p.good));
                if let Some(name) = table.as_ref().and_then(|table| table.file_name()) {
                    widgets::muted(ui, format!("They are listed in {}", name.display()));
                }
                for (class, folder) in renamed.iter().take(MOST_RENAMED) {
                    widgets::muted(ui, format!("The class {class:?} is in the folder {folder}"));
                }
                if let Some(more) = renamed.len().checked_sub(MOST_RENAMED).filter(|more| *more > 0) {
                    widgets::muted(ui, format!("and {more} more"));
                }
            }
            Progress::Done(Exported::Files(files)) => {
                for file in files {
                    ui.label(RichText::new(format!("Saved as {}", file.display())).color(p.good));
                }
            }
            Progress::Cancelled => _ = widgets::muted(ui, "Cancelled"),
            Progress::Failed(message) => _ = ui.label(RichText::new(message).color(p.error)),
        }
        let folder = match &self.progress {
            Progress::Done(Exported::Images { count: 0, .. }) => None,
            Progress::Done(Exported::Images { folder, .. }) => Some(folder.as_path()),
            Progress::Done(Exported::Files(files)) => files.first().and_then(|file| file.parent()),
            Progress::Idle | Progress::Busy { .. } | Progress::Cancelled | Progress::Failed(_) => None,
        }?;
        let show = ui.button("Show folder").on_hover_text("In the system's file manager");
        show.clicked().then(|| Action::Session(SessionRequest::Reveal(folder.to_owned())))
    }

    fn buttons_ui(&mut self, ui: &mut Ui, view: &RunView) -> Option<Action> {
        let folder = self.folder.trim();
        let asked = (!folder.is_empty()).then(|| self.fields.asked(view, Path::new(folder))).flatten();
        dialog::buttons(ui, |ui| {
            if self.is_busy() {
                return ui.button("Cancel export").clicked().then_some(Action::CancelExport);
            }
            let export = ui.add_enabled(asked.is_some(), widgets::primary(ui, "Export"));
            if ui.add(Button::new("Close")).clicked() {
                self.open = false;
            }
            let asked = asked.filter(|_| export.clicked())?;
            self.progress = Progress::Busy { done: 0, total: self.fields.total() };
            Some(Action::Export(asked))
        })
    }
}
