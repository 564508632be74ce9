//! The dialog that draws any number of images from a checkpoint into a folder.

use std::path::{Path, PathBuf};

use egui::{
    Align, Button, Checkbox, ComboBox, DragValue, Id, Layout, Modal, ProgressBar, RichText, Slider, TextEdit, Ui,
};

use super::action::{Action, ExportAsk};
use super::run_view::RunView;
use super::{format, theme, widgets};
use crate::event::{Command, JobEvent};

/// How far an export is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was asked for.
    #[default]
    Idle,
    /// Under way.
    Busy {
        /// Images written.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Written.
    Done {
        /// How many.
        images: usize,
        /// Where.
        folder: PathBuf,
    },
    /// Cancelled by the user.
    Cancelled,
    /// Failed, with the reason.
    Failed(String),
}

/// The dialog's fields.
#[derive(Clone, Debug)]
pub struct ExportDialog {
    /// Whether it is on the screen.
    pub open: bool,
    /// Where the images go; empty stands for the session's own folder.
    pub folder: String,
    step: Option<usize>,
    class: Option<usize>,
    count: usize,
    seed: u64,
    truncation: f32,
    truncated: bool,
    progress: Progress,
}

impl Default for ExportDialog {
    fn default() -> Self {
        Self {
            open: false,
            folder: String::new(),
            step: None,
            class: None,
            count: 100,
            seed: 1,
            truncation: 1.0,
            truncated: false,
            progress: Progress::Idle,
        }
    }
}

impl ExportDialog {
    /// Opens the dialog for a run.
    pub fn open_for(&mut self, session: &Path) {
        self.open = true;
        (self.step, self.class) = (None, None);
        if !self.is_busy() {
            self.folder = session.join("exports").display().to_string();
            self.progress = Progress::Idle;
        }
    }

    /// Takes in news of the export.
    pub fn apply(&mut self, event: JobEvent) {
        match event {
            JobEvent::Progress { done, total } => self.progress = Progress::Busy { done, total },
            JobEvent::Exported { images, folder } => self.progress = Progress::Done { images, folder },
            JobEvent::Cancelled => self.progress = Progress::Cancelled,
            JobEvent::Failed { message } => self.progress = Progress::Failed(message),
            JobEvent::Preview { .. } | JobEvent::Written { .. } | JobEvent::Quiz(_) => {}
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
        let frame = egui::Frame::window(&ctx.global_style());
        let shown = Modal::new(Id::unique("export")).frame(frame).show(ctx, |ui| {
            ui.set_width(theme::DIALOG_WIDTH);
            ui.spacing_mut().item_spacing.y = 8.0;
            ui.heading("Export images");
            ui.add_enabled_ui(!self.is_busy(), |ui| actions.extend(self.fields_ui(ui, view)));
            self.progress_ui(ui);
            ui.separator();
            actions.extend(self.buttons_ui(ui, view));
        });
        if shown.should_close() {
            self.open = false;
        }
        actions
    }

    fn fields_ui(&mut self, ui: &mut Ui, view: &RunView) -> Vec<Action> {
        let mut actions = Vec::new();
        let newest = view.checkpoints().last().map(|checkpoint| checkpoint.step);
        row(ui, "Checkpoint", |ui| {
            let name = |step: usize| format!("step {}", format::count(step));
            let selected = self.step.or(newest).map_or_else(|| "none yet".to_owned(), name);
            let combo = ComboBox::from_id_salt("export-step").selected_text(selected).show_ui(ui, |ui| {
                for checkpoint in view.checkpoints().iter().rev() {
                    let chosen = self.step.or(newest) == Some(checkpoint.step);
                    if ui.selectable_label(chosen, name(checkpoint.step)).clicked() {
                        self.step = Some(checkpoint.step);
                    }
                }
            });
            let response = combo.response;
            if view.is_active()
                && ui.button("Write one now").on_hover_text("Adds a checkpoint of the present step").clicked()
            {
                actions.push(Action::Command(Command::Checkpoint));
            }
            response
        });
        row(ui, "Class", |ui| {
            let selected = self.class.and_then(|class| view.classes().get(class)).map_or("all classes", String::as_str);
            let combo = ComboBox::from_id_salt("export-class").selected_text(selected).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.class, None, "all classes");
                for (at, name) in view.classes().iter().enumerate() {
                    ui.selectable_value(&mut self.class, Some(at), name);
                }
            });
            combo.response
        });
        let about = if self.class.is_none() { "Images a class" } else { "Images" };
        row(ui, about, |ui| ui.add(DragValue::new(&mut self.count).range(1..=1_000_000).speed(1.0)));
        row(ui, "Seed", |ui| ui.add(DragValue::new(&mut self.seed).range(0..=i64::MAX as u64)))
            .on_hover_text("The same seed and checkpoint give the same images");
        row(ui, "Truncation", |ui| {
            let check = ui.add(Checkbox::without_text(&mut self.truncated));
            check.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, self.truncated, "Truncate"));
            let slider = Slider::new(&mut self.truncation, 0.05..=3.0).max_decimals(2);
            ui.add_enabled(self.truncated, slider)
                .on_hover_text("Numbers of noise beyond this are drawn again (Brock et al. 2019): images become more typical and less varied")
        });
        row(ui, "Folder", |ui| {
            if ui.button("Choose…").clicked() {
                actions.push(Action::ChooseExportFolder);
            }
            ui.add(TextEdit::singleline(&mut self.folder).desired_width(f32::INFINITY))
        });
        actions
    }

    fn progress_ui(&self, ui: &mut Ui) {
        let p = widgets::palette(ui);
        match &self.progress {
            Progress::Idle => {}
            Progress::Busy { done, total } => {
                let share = *done as f32 / (*total).max(1) as f32;
                let text = format!("{} of {}", format::count(*done), format::count(*total));
                ui.add(ProgressBar::new(share).text(RichText::new(text).monospace()).fill(p.accent));
            }
            Progress::Done { images, folder } => {
                let text = format!("{} written to {}", format::plural(*images, "image"), folder.display());
                ui.label(RichText::new(text).color(p.good));
            }
            Progress::Cancelled => _ = widgets::muted(ui, "Cancelled"),
            Progress::Failed(message) => _ = ui.label(RichText::new(message).color(p.error)),
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, view: &RunView) -> Option<Action> {
        let newest = view.checkpoints().last().map(|checkpoint| checkpoint.step);
        let step = self.step.or(newest);
        let ready = step.is_some() && !self.folder.trim().is_empty();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if self.is_busy() {
                return ui.button("Cancel export").clicked().then_some(Action::CancelExport);
            }
            let export = ui.add_enabled(ready, widgets::primary(ui, "Export"));
            if ui.add(Button::new("Close")).clicked() {
                self.open = false;
            }
            let step = step.filter(|_| export.clicked())?;
            self.progress = Progress::Busy { done: 0, total: self.count };
            Some(Action::Export(ExportAsk {
                session: view.folder().to_owned(),
                step,
                class: self.class,
                count: self.count,
                seed: self.seed,
                truncation: if self.truncated { self.truncation } else { 0.0 },
                folder: PathBuf::from(self.folder.trim()),
            }))
        })
        .inner
    }
}

fn row(ui: &mut Ui, name: &str, control: impl FnOnce(&mut Ui) -> egui::Response) -> egui::Response {
    ui.horizontal(|ui| {
        let size = egui::vec2(110.0, theme::ROW_HEIGHT);
        let layout = Layout::left_to_right(Align::Center);
        let label = ui.allocate_ui_with_layout(size, layout, |ui| {
            ui.set_min_width(size.x);
            ui.label(name)
        });
        control(ui).labelled_by(label.inner.id)
    })
    .inner
}
