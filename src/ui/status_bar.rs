//! The lowest line: what is wrong with the set-up, what just happened, and the log.

use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, ScrollArea, Ui};

use super::log::LogLevel;
use super::notice::{Notice, NoticeLevel};
use super::run_view::RunView;
use super::setup::fix_ui;
use super::{format, log_page, theme, widgets};
use crate::config::{Level, Problem};

/// Lines of the log in its drawer.
const NEWEST: usize = 100;

/// Which of the folding panels above the status bar are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Drawers {
    /// The log.
    pub log: bool,
    /// The problems of the set-up.
    pub problems: bool,
}

/// Draws the status bar and the open drawers. Returns the problem that is to be mended, by its place in the list.
pub fn status_ui(
    ui: &mut Ui,
    problems: &[Problem],
    notice: &mut Option<Notice>,
    run: Option<&RunView>,
    open: &mut Drawers,
) -> Option<usize> {
    let p = widgets::palette(ui);
    let frame = Frame::new().fill(p.surface).inner_margin(Margin::symmetric(14, 0));
    Panel::bottom("status").exact_size(theme::STATUS_HEIGHT).frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            problems_button(ui, problems, &mut open.problems);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let toggle = ui.toggle_value(&mut open.log, RichText::new("Log below").small());
                toggle.on_hover_text("The newest lines of the log below every page; the Log page has all of them");
                if let Some(started) = run.and_then(RunView::started) {
                    widgets::small(ui, format!("{}, {}", started.device, format::plural(started.threads, "thread")));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| notice_ui(ui, notice));
            });
        });
    });
    let mut mended = None;
    if open.problems && !problems.is_empty() {
        drawer(ui, "problems", |ui| {
            for (at, problem) in problems.iter().enumerate() {
                if problem_ui(ui, problem, true) {
                    mended = Some(at);
                }
            }
        });
    }
    if open.log {
        drawer(ui, "log", |ui| match run {
            Some(run) if !run.log().is_empty() => log_ui(ui, run),
            Some(_) | None => _ = widgets::muted(ui, "The log of the run appears here"),
        });
    }
    mended
}

fn drawer(ui: &mut Ui, id: &str, contents: impl FnOnce(&mut Ui)) {
    let p = widgets::palette(ui);
    let frame = Frame::new().fill(p.surface).inner_margin(Margin::symmetric(14, 8));
    let panel = Panel::bottom(("drawer", id)).resizable(true).default_size(132.0).min_size(64.0).max_size(420.0);
    panel.frame(frame).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            contents(ui);
        });
    });
}

fn problems_button(ui: &mut Ui, problems: &[Problem], open: &mut bool) {
    let p = widgets::palette(ui);
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = problems.len() - errors;
    let (color, text) = match (errors, warnings) {
        (0, 0) => {
            widgets::dot(ui, p.good);
            widgets::small(ui, "Settings are fine");
            return;
        }
        (0, _) => (p.warning, format::plural(warnings, "warning")),
        (_, 0) => (p.error, format::plural(errors, "error")),
        (_, _) => (p.error, format!("{}, {}", format::plural(errors, "error"), format::plural(warnings, "warning"))),
    };
    widgets::dot(ui, color);
    let button = ui.toggle_value(open, RichText::new(text).small().color(color));
    button.on_hover_ui(|ui| {
        for problem in problems {
            problem_ui(ui, problem, false);
        }
        widgets::small(ui, "Click for the list, with one-click fixes");
    });
}

/// A problem in a line, with its fix where it can be clicked. `true` where it was.
fn problem_ui(ui: &mut Ui, problem: &Problem, fixable: bool) -> bool {
    let p = widgets::palette(ui);
    let color = if problem.level == Level::Error { p.error } else { p.warning };
    let mut clicked = false;
    ui.horizontal_top(|ui| {
        let name = Label::new(RichText::new(problem.label()).small().strong().color(color));
        ui.allocate_ui(egui::vec2(theme::KEY_WIDTH, 0.0), |ui| {
            ui.set_width(theme::KEY_WIDTH);
            ui.add(name.truncate()).on_hover_text(problem.key);
        });
        if fixable {
            clicked = fix_ui(ui, problem);
        }
        ui.add(Label::new(RichText::new(problem.in_window()).small().color(p.text)).wrap());
    });
    clicked
}

fn notice_ui(ui: &mut Ui, notice: &mut Option<Notice>) {
    let p = widgets::palette(ui);
    let Some(Notice { level: NoticeLevel::Info, text }) = notice.as_ref() else { return };
    ui.add_space(12.0);
    ui.add(Label::new(RichText::new(text).small().color(p.text)).truncate());
}

fn log_ui(ui: &mut Ui, run: &RunView) {
    let p = widgets::palette(ui);
    // Older ones stand on the Log page; to lay out thousands would take long in every frame.
    for line in &run.log()[run.log().len().saturating_sub(NEWEST)..] {
        let color = match line.level {
            LogLevel::Info => p.text,
            LogLevel::Warning | LogLevel::Alarm => p.warning,
            LogLevel::Error => p.error,
        };
        ui.horizontal_top(|ui| {
            log_page::time_ui(ui, line);
            widgets::number(ui, format!("{:>9}", format::count(line.step)), p.muted);
            ui.add(Label::new(RichText::new(&line.text).small().color(color)).wrap().selectable(true));
        });
    }
}
