//! What stands above every page: the stored session that is looked at, and what went wrong.

use egui::Ui;

use super::action::Action;
use super::log::{LogLevel, LogLine};
use super::notice::{Dismissed, Notice, NoticeLevel};
use super::run_view::RunView;
use super::workbench::Workbench;
use super::{format, widgets};

/// Lines of a log that may tell how its run ended.
const ENDING: usize = 2;
/// How an error says that a path leads nowhere.
const GONE: &str = "does not exist";

impl Workbench {
    /// Draws them; what went wrong in a dialog may be told there, in `dialog`.
    pub(super) fn banners_ui(&mut self, ui: &mut Ui, dialog: bool) -> Vec<Action> {
        let p = widgets::palette(ui);
        let mut actions = Vec::new();
        if let Some(stored) = &self.stored {
            let (name, phase) = (stored.name(), stored.phase().name().to_lowercase());
            let elsewhere = if stored.is_followed() { " in another program, followed here" } else { "" };
            let mut text = format!("{name}, {phase} at step {}{elsewhere}", format::count(stored.step()));
            let (mut use_settings, mut leave) = (false, false);
            let live = self.live.as_ref().filter(|run| run.is_active());
            if let Some(live) = live {
                text += &format!(". The buttons at the top are for {}, which is still going on", live.name());
            }
            let busy = self.elsewhere.as_deref();
            let closed = widgets::banner(ui, p.accent, p.accent_faint, "Stored session", &format::name(&text), |ui| {
                use_settings = ui.button("Use these settings").clicked();
                if live.is_some() {
                    let about = "Shows the run that is going on; stop it to go on with this session";
                    leave = ui.button("Back to the run").on_hover_text(about).clicked();
                } else if stored.is_followed() {
                    let about = format!(
                        "{}. It writes a checkpoint and ends, as by Ctrl+C; a window closes with its run. It cannot be paused from here",
                        busy.unwrap_or_default()
                    );
                    if ui.button("End it there").on_hover_text(about).clicked() {
                        actions.push(Action::EndElsewhere(stored.folder().to_owned()));
                    }
                } else {
                    actions.extend(self.resume.ui(ui, stored, busy));
                }
            });
            let wanted = stored.started().filter(|_| use_settings).map(|started| started.config.clone());
            if let Some(config) = wanted {
                self.use_settings(config);
            }
            if closed || leave {
                self.close_session();
            }
        }
        if let Some(Notice { level: NoticeLevel::Error, text }) = self.notice.as_ref().filter(|_| !dialog) {
            let text = text.clone();
            if widgets::banner(ui, p.error, p.error_faint, "That did not work", &text, |_| {}) {
                self.notice = None;
            }
        }
        self.run_banner_ui(ui);
        actions
    }

    /// Alarms that are not over, and the newest warning or the failure of the run on the screen, until they are dismissed.
    fn run_banner_ui(&mut self, ui: &mut Ui) {
        let p = widgets::palette(ui);
        let Some(run) = self.stored.as_ref().or(self.live.as_ref()) else { return };
        if self.dismissed.run != run.folder() {
            // A stored session is opened with what it ended with; all before that stands in its log.
            let lines = if self.stored.is_some() { run.log().len().saturating_sub(ENDING) } else { 0 };
            self.dismissed = Dismissed { run: run.folder().to_owned(), lines, ..Dismissed::default() };
        }
        run.alarms().ui(ui, &mut self.dismissed.alarms);
        let mut fresh = run.log().iter().skip(self.dismissed.lines.max(run.lines_before()));
        let bad = |line: &&LogLine| matches!(line.level, LogLevel::Warning | LogLevel::Error);
        let Some(line) = fresh.rfind(bad) else { return };
        let at = format::count(line.step);
        let (mut find, busy) = (false, self.live.as_ref().is_some_and(RunView::is_active));
        let closed = if line.level == LogLevel::Error {
            widgets::banner(ui, p.error, p.error_faint, &format!("Failed at step {at}"), &line.text, |ui| {
                let data = run.started().map(|started| &started.config.data);
                let moved = data.is_some_and(|data| {
                    !data.is_demo() && line.text.contains(&data.source) && line.text.contains(GONE)
                });
                let about = "The folder or file where these images are now; the session goes on with it";
                if moved && !busy && ui.button("Find data\u{2026}").on_hover_text(about).clicked() {
                    find = true;
                }
            })
        } else {
            widgets::banner(ui, p.warning, p.warning_faint, &format!("Step {at}"), &line.text, |_| {})
        };
        if closed {
            self.dismissed.lines = run.log().len();
        }
        let before = run.started().filter(|_| find).map(|started| started.config.data.source.as_str());
        if let Some(before) = before {
            self.find_data.open_for(run.folder().to_owned(), before);
        }
    }
}
