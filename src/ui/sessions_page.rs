//! The Sessions page: every run that was stored, newest first, to be looked at again or taken as a start.

use std::path::PathBuf;
use std::time::SystemTime;

use egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Ui};

use super::action::Action;
use super::{format, widgets};

/// A stored session as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// Steps done.
    pub steps: usize,
    /// When it was last written to.
    pub modified: SystemTime,
    /// What it takes on disk, once that is added up.
    pub bytes: Option<u64>,
    /// What its checkpoints take of that.
    pub checkpoint_bytes: u64,
}

/// Draws the page. `open` is the folder of the run that is on the screen, `live` that of the run that goes on.
#[must_use]
pub fn sessions_ui(
    ui: &mut Ui,
    sessions: &[SessionRow],
    open: Option<&PathBuf>,
    live: Option<&PathBuf>,
) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::card(ui, |ui| {
        ui.set_min_size(ui.available_size());
        ui.horizontal(|ui| {
            widgets::title(ui, "Sessions");
            widgets::small(ui, "Every run keeps its settings, curves, grids and checkpoints in a folder of its own");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Look again").clicked() {
                    actions.push(Action::ListSessions);
                }
                if ui.button("Open folder…").clicked() {
                    actions.push(Action::ChooseSession);
                }
            });
        });
        let known: Option<u64> = sessions.iter().map(|session| session.bytes).sum();
        if let Some(total) = known.filter(|_| !sessions.is_empty()) {
            let count = format::plural(sessions.len(), "session");
            widgets::small(ui, format!("{count}, {} on disk", format::bytes(whole(total))));
        }
        ui.add_space(6.0);
        if sessions.is_empty() {
            return widgets::empty(ui, "No sessions yet", "Press Train, and the first one appears here");
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for session in sessions {
                actions.extend(row_ui(ui, session, open, live));
            }
        });
    });
    actions
}

fn row_ui(ui: &mut Ui, session: &SessionRow, open: Option<&PathBuf>, live: Option<&PathBuf>) -> Option<Action> {
    let p = widgets::palette(ui);
    let (is_open, is_live) = (open == Some(&session.folder), live == Some(&session.folder));
    let fill = if is_open { p.accent_faint } else { p.well };
    let frame = Frame::new().fill(fill).corner_radius(6).inner_margin(Margin::symmetric(12, 6));
    frame
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(&session.name).color(p.strong))
                    .on_hover_text(session.folder.display().to_string());
                if is_live {
                    widgets::pill(ui, "going on", p.good);
                } else if is_open {
                    widgets::pill(ui, "open", p.accent);
                }
                let action = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let button = ui.add_enabled(!is_open, egui::Button::new("Open"));
                    let name = format!("Open {}", session.name);
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !is_open, &name));
                    widgets::number(ui, format!("{:>12}", format::ago(session.modified)), p.muted);
                    widgets::number(ui, format!("{:>10} steps", format::count(session.steps)), p.text);
                    let size = session.bytes.map_or_else(String::new, |bytes| format::bytes(whole(bytes)));
                    let checkpoints = format::bytes(whole(session.checkpoint_bytes));
                    widgets::number(ui, format!("{size:>10}"), p.muted)
                        .on_hover_text(format!("Space on disk, {checkpoints} of it for checkpoints"));
                    let action =
                        if is_live { Action::CloseSession } else { Action::OpenSession(session.folder.clone()) };
                    button.clicked().then_some(action)
                });
                action.inner
            })
            .inner
        })
        .inner
}

impl SessionRow {
    /// What it takes on disk, in words, once that is added up.
    pub fn on_disk(&self) -> Option<String> {
        let checkpoints = format::bytes(whole(self.checkpoint_bytes));
        let all = format::bytes(whole(self.bytes?));
        Some(format!("{all}, {checkpoints} of it checkpoints (gandle prune removes those that need not stay)"))
    }
}

fn whole(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
