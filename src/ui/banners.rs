//! What stands above every page: the stored session that is looked at, and what went wrong.

use std::path::PathBuf;

use egui::Ui;

use super::action::Action;
use super::log::LogLevel;
use super::notice::{Notice, NoticeLevel};
use super::workbench::Workbench;
use super::{format, theme, widgets};

/// What the user has read of a run and dismissed.
#[derive(Default)]
pub(super) struct Dismissed {
    /// The run's folder.
    run: PathBuf,
    /// Lines of its log.
    lines: usize,
    /// Its alarms, of a saturated discriminator, of collapsed classes and of near copies.
    alarms: [usize; 3],
}

impl Workbench {
    pub(super) fn banners_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let p = widgets::palette(ui);
        let mut actions = Vec::new();
        if let Some(stored) = &self.stored {
            let (name, phase) = (stored.name(), stored.phase().name().to_lowercase());
            let text = format!("{name}, {phase} at step {}", format::count(stored.step()));
            let mut use_settings = false;
            let busy = self.live.as_ref().filter(|run| run.is_active());
            let busy = busy.map(|_| "A run is going on; stop it to go on with this one").or(self.elsewhere.as_deref());
            let closed = widgets::banner(ui, p.accent, p.accent_faint, "Stored session", &text, |ui| {
                use_settings = ui.button("Use these settings").clicked();
                actions.extend(self.resume.ui(ui, stored, busy));
            });
            if closed {
                actions.push(Action::CloseSession);
            }
            if let (true, Some(started)) = (use_settings, stored.started()) {
                actions.push(Action::UseSettings(Box::new(started.config.clone())));
            }
            ui.add_space(theme::GAP - 4.0);
        }
        if let Some(Notice { level: NoticeLevel::Error, text }) = &self.notice {
            let text = text.clone();
            if widgets::banner(ui, p.error, p.error_faint, "Not done", &text, |_| {}) {
                self.notice = None;
            }
            ui.add_space(theme::GAP - 4.0);
        }
        self.run_banner_ui(ui);
        actions
    }

    /// Alarms that are not over, and the newest warning or the failure of the run on the screen, until they are dismissed.
    fn run_banner_ui(&mut self, ui: &mut Ui) {
        let p = widgets::palette(ui);
        let Some(run) = self.stored.as_ref().or(self.live.as_ref()) else { return };
        if self.dismissed.run != run.folder() {
            self.dismissed = Dismissed { run: run.folder().to_owned(), ..Dismissed::default() };
        }
        run.alarms().ui(ui, &mut self.dismissed.alarms);
        let mut fresh = run.log().iter().skip(self.dismissed.lines);
        let Some(line) = fresh.rfind(|line| matches!(line.level, LogLevel::Warning | LogLevel::Error)) else { return };
        let at = format::count(line.step);
        let closed = if line.level == LogLevel::Error {
            widgets::banner(ui, p.error, p.error_faint, &format!("Failed at step {at}"), &line.text, |_| {})
        } else {
            widgets::banner(ui, p.warning, p.warning_faint, &format!("Step {at}"), &line.text, |_| {})
        };
        if closed {
            self.dismissed.lines = run.log().len();
        }
        ui.add_space(theme::GAP - 4.0);
    }
}
