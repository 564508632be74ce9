//! The Log page: everything that a run has told, by level and by words.

use egui::{Align, Key, Label, Layout, RichText, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo};

use super::action::Action;
use super::log::{LogLevel, LogLine};
use super::run_view::RunView;
use super::{format, theme, widgets};

/// Below this width the head has only what can be used.
const NARROW: f32 = 800.0;

/// Height of a line.
const ROW: f32 = 20.0;

/// What of the log is looked at.
#[derive(Debug, Default)]
pub struct LogPage {
    words: String,
    /// Levels that are left out.
    hidden: Vec<LogLevel>,
    /// The line that is shown in full.
    open: Option<usize>,
}

impl LogPage {
    /// Draws the page.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView) -> Vec<Action> {
        let mut actions = Vec::new();
        widgets::card(ui, |ui| {
            ui.set_min_size(ui.available_size());
            let words = self.words.to_lowercase();
            let wanted =
                |line: &LogLine| !self.hidden.contains(&line.level) && line.text.to_lowercase().contains(&words);
            let lines: Vec<(usize, &LogLine)> =
                view.log().iter().enumerate().filter(|(_, line)| wanted(line)).collect();
            actions.extend(self.head_ui(ui, view, &lines));
            ui.add_space(4.0);
            if let Some(line) = self.open.and_then(|at| view.log().get(at)) {
                self.open_ui(ui, line);
            }
            if lines.is_empty() {
                return widgets::empty(ui, "No such line", "The log of the run appears here");
            }
            let area = ScrollArea::vertical().id_salt("log-lines").auto_shrink(false).stick_to_bottom(true);
            area.show_rows(ui, ROW, lines.len(), |ui, range| {
                for (at, line) in &lines[range] {
                    if line_ui(ui, line, self.open == Some(*at)) {
                        self.open = (self.open != Some(*at)).then_some(*at);
                    }
                }
            });
        });
        actions
    }

    fn head_ui(&mut self, ui: &mut Ui, view: &RunView, lines: &[(usize, &LogLine)]) -> Option<Action> {
        let mut action = None;
        ui.horizontal(|ui| {
            let narrow = ui.available_width() < NARROW;
            if !narrow {
                widgets::title(ui, "Log of the run");
                widgets::small(ui, format::plural(lines.len(), "line"));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = ui.add_enabled(!lines.is_empty(), egui::Button::new("Copy"));
                if copy.on_hover_text("Copy the lines that are shown").clicked() {
                    action = Some(Action::Copy(lines.iter().map(|(_, line)| written(line)).collect()));
                }
                let edit = ui.add(TextEdit::singleline(&mut self.words).hint_text("Filter").desired_width(if narrow {
                    80.0
                } else {
                    180.0
                }));
                edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Filter the log"));
                for (level, name) in [
                    (LogLevel::Error, "Errors"),
                    (LogLevel::Alarm, "Alarms"),
                    (LogLevel::Warning, "Warnings"),
                    (LogLevel::Info, "Messages"),
                ] {
                    let count = view.log().iter().filter(|line| line.level == level).count();
                    let mut shown = !self.hidden.contains(&level);
                    let toggle = ui.checkbox(&mut shown, format!("{name} ({})", format::count(count)));
                    if toggle.clicked() {
                        self.hidden.retain(|hidden| *hidden != level);
                        self.hidden.extend((!shown).then_some(level));
                    }
                }
            });
        });
        action
    }

    fn open_ui(&mut self, ui: &mut Ui, line: &LogLine) {
        let p = widgets::palette(ui);
        egui::Frame::new().fill(p.well).corner_radius(theme::ROUND).inner_margin(10).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let at = line.told_at(true).map_or_else(String::new, |at| format!(", {at}"));
            widgets::small(ui, format!("Step {}{at}", format::count(line.step)));
            ui.add(Label::new(&line.text).wrap().selectable(true));
        });
        ui.add_space(4.0);
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.open = None;
        }
    }
}

/// A line in one row; true where it was clicked.
fn line_ui(ui: &mut Ui, line: &LogLine, open: bool) -> bool {
    let p = widgets::palette(ui);
    let color = match line.level {
        LogLevel::Info => p.text,
        LogLevel::Warning | LogLevel::Alarm => p.warning,
        LogLevel::Error => p.error,
    };
    ui.horizontal(|ui| {
        ui.set_height(ROW - ui.spacing().item_spacing.y);
        time_ui(ui, line);
        widgets::number(ui, format!("{:>9}", format::count(line.step)), p.muted);
        let text = RichText::new(line.text.replace('\n', " ")).color(color);
        let text = if open { text.strong() } else { text };
        let label = ui.add(Label::new(text).truncate().sense(Sense::click()));
        label.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
    })
    .inner
}

/// When a line was told, or the room for it.
pub(super) fn time_ui(ui: &mut Ui, line: &LogLine) {
    let color = widgets::palette(ui).muted;
    let at = line.told_at(false).unwrap_or_default();
    let time = widgets::number(ui, format!("{at:>5}"), color);
    if let Some(at) = line.told_at(true) {
        time.on_hover_text(at);
    }
}

/// A line as it is copied: its time comes last, where it has one.
fn written(line: &LogLine) -> String {
    let level = match line.level {
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Alarm => "alarm",
        LogLevel::Error => "error",
    };
    let at = line.told_at(true).map_or_else(String::new, |at| format!("\t{at}"));
    format!("{}\t{level}\t{}{at}\n", line.step, line.text)
}
