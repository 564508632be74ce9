//! The top bar: what runs, how far it is, and the buttons that start, pause and stop it.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, Button, Label, Layout, Panel, PopupCloseBehavior, ProgressBar, RichText, Theme, Ui, vec2};

use super::action::Action;
use super::glyph::{self, Glyph};
use super::resume::ResumeForm;
use super::run_view::RunView;
use super::theme::ThemeChoice;
use super::{format, icon, resume, theme, widgets};
use crate::event::{Command, Scalar};
use crate::summary::Phase;

/// Width of the button that pauses a run and goes on with it.
const GO_ON_WIDTH: f32 = 112.0;

/// Draws the bar. A session that is looked at instead of the run has buttons of its own: then the bar is that of a run that goes on,
/// or of none. `blockers` say why a run cannot start; the theme and whether
/// the sheet of shortcuts is open are chosen here.
#[must_use]
pub fn top_bar_ui(
    ui: &mut Ui,
    runs: Runs<'_>,
    blockers: &[String],
    longer: &mut ResumeForm,
    (theme, sheet): (&mut ThemeChoice, &mut bool),
) -> Vec<Action> {
    let p = widgets::palette(ui);
    let frame = egui::Frame::new().fill(p.surface).inner_margin(egui::Margin::symmetric(14, 0));
    let mut actions = Vec::new();
    Panel::top("top").exact_size(theme::TOP_HEIGHT).frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            icon::mark(ui, 26.0);
            ui.add(Label::new(RichText::new("gandle").size(18.0).strong().color(p.strong)).extend());
            ui.add_space(16.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                theme_button(ui, theme);
                if glyph::button(ui, Glyph::Question, vec2(30.0, 30.0), true, "Keyboard shortcuts").clicked() {
                    *sheet = !*sheet;
                }
                ui.add_space(6.0);
                actions.extend(buttons_ui(ui, runs, blockers, longer));
                ui.add_space(10.0);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| progress_ui(ui, runs, blockers));
            });
        });
    });
    actions
}

/// The colour that stands for a phase.
pub fn phase_color(ui: &Ui, phase: &Phase) -> egui::Color32 {
    let p = widgets::palette(ui);
    match phase {
        Phase::Starting | Phase::Running => p.accent,
        Phase::Paused => p.warning,
        Phase::Finished => p.good,
        Phase::Stopped => p.muted,
        Phase::Failed(_) => p.error,
    }
}

fn progress_ui(ui: &mut Ui, (live, stored): Runs<'_>, blockers: &[String]) {
    let p = widgets::palette(ui);
    let Some(run) = live else {
        let (text, color) = match blockers.first() {
            Some(blocker) => (blocker.as_str(), p.warning),
            None if stored.is_some() => {
                ("A stored session is open; its buttons are below. Train starts a new run", p.muted)
            }
            None => ("No run is going on; Train starts one with the settings on the left", p.muted),
        };
        ui.add(Label::new(RichText::new(text).color(color)).truncate());
        return;
    };
    ui.allocate_ui_with_layout(vec2(86.0, ui.available_height()), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(86.0);
        let doing = widgets::pill(ui, run.doing(), phase_color(ui, run.phase()));
        if run.is_scoring() {
            let step = format::count(run.step());
            doing.on_hover_text(format!("The scores of step {step} are being taken. A pause waits for them; a stop leaves them to be taken when the run goes on"));
        }
    });
    let wide = ui.available_width() > 620.0;
    let name_width = if wide { 190.0 } else { 108.0 };
    ui.allocate_ui_with_layout(vec2(name_width, ui.available_height()), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(name_width);
        ui.add(Label::new(RichText::new(run.name()).color(p.text)).truncate());
    });
    if run.steps() == 0 {
        // It has not begun, or never did.
        return;
    }
    // In a narrow window the time that is left is told and the speed is not.
    let both = ui.available_width() > 350.0;
    let figures = if both { 262.0 } else { 150.0 };
    let bar_width = (ui.available_width() - figures).clamp(80.0, 520.0);
    let share = run.step() as f32 / run.steps().max(1) as f32;
    let text = format!("{} / {}", format::count(run.step()), format::count(run.steps()));
    let bar = ProgressBar::new(share).desired_width(bar_width).desired_height(20.0).corner_radius(5);
    let bar =
        ui.add(bar.fill(p.accent.gamma_multiply(0.8)).text(RichText::new(text).monospace().size(12.0).color(p.strong)));
    bar.on_hover_text("Steps done, of all steps");
    if let Some(progress) = run.scoring() {
        let text = RichText::new(format::scoring(progress)).color(p.text);
        ui.add(Label::new(text).truncate()).on_hover_text("How far the scores of this step are");
        return;
    }
    if run.phase().ended() {
        if let Some((training, scores)) = run.seconds_taken() {
            let (of, training) = (format::duration(training + scores), format::duration(training));
            let about = format!("{training} of training and {} of scores, without pauses", format::duration(scores));
            widgets::number(ui, format!("{:>18}", format!("took {of}")), p.text).on_hover_text(about);
        }
        return;
    }
    if let Some(last) = run.last().filter(|_| both) {
        widgets::number(ui, format!("{:>8.1} img/s", last.numbers.get(Scalar::ImagesPerS).unwrap_or(0.0)), p.text)
            .on_hover_text("Real images per second");
    }
    // Nobody knows how long the first scores take.
    let known = *run.phase() == Phase::Running && !(run.is_scoring() && run.scored().is_none());
    let left = run.seconds_left().filter(|_| known);
    if let Some(seconds) = left {
        let about = "Until the last step at the present speed, with scores as long as the last ones";
        widgets::number(ui, format!("{:>13} left", format::duration(seconds)), p.text).on_hover_text(about);
    }
}

/// The run that the buttons are about, and the session that is looked at instead. Beside that one, a run counts while it goes on.
pub(super) type Runs<'a> = (Option<&'a RunView>, Option<&'a RunView>);

/// Which of these the buttons are about.
pub(super) fn runs<'a>(live: Option<&'a RunView>, stored: Option<&'a RunView>) -> Runs<'a> {
    (live.filter(|run| stored.is_none() || run.is_active()), stored)
}

/// What is asked for by pressing a button, or by its key; where it cannot be pressed, why.
type Offer = Result<Action, String>;

/// What the button beside Stop is now.
pub(super) struct GoOn {
    name: &'static str,
    about: &'static str,
    pub offer: Offer,
}

/// Why there is nothing to pause or to stop.
fn idle(stored: Option<&RunView>) -> String {
    let text = match stored {
        Some(stored) if stored.is_followed() => {
            "Another program trains this session. It can be ended from the bar below, but not paused from here"
        }
        Some(_) => "The stored session has its own buttons below",
        None => "No run is going on",
    };
    text.to_owned()
}

/// The end of the run.
pub(super) fn stop((live, stored): Runs<'_>) -> Offer {
    let run = live.filter(|run| run.is_active()).ok_or_else(|| idle(stored))?;
    if run.asked() == Some(&Command::Stop) {
        return Err("The run is ending already".to_owned());
    }
    Ok(Action::Command(Command::Stop))
}

/// A pause, its end, or the way on from a run that was stopped.
pub(super) fn go_on((live, stored): Runs<'_>) -> GoOn {
    let pause = |offer| GoOn { name: "Pause", about: "Write a checkpoint and wait", offer };
    let resume = |about, offer| GoOn { name: "Resume", about, offer };
    let Some(run) = live else { return pause(Err(idle(stored))) };
    let waits = || run.asked().map(|_| "The run does first what it was asked before".to_owned());
    let command = |command| waits().map_or(Ok(Action::Command(command)), Err);
    match run.phase() {
        Phase::Paused => resume("Go on", command(Command::Resume)),
        Phase::Starting | Phase::Running => pause(command(Command::Pause)),
        Phase::Finished | Phase::Stopped | Phase::Failed(_) => match resume::obstacle(run, run.steps()) {
            None => {
                let action = Action::Resume { folder: run.folder().to_owned(), steps: None };
                resume("Go on from the newest checkpoint", Ok(action))
            }
            Some(_) if *run.phase() == Phase::Finished => {
                pause(Err("The run is finished; Train longer\u{2026} asks for more steps".to_owned()))
            }
            Some(reason) => pause(Err(reason)),
        },
    }
}

/// A new run, unless something speaks against it.
pub(super) fn train((live, _): Runs<'_>, blockers: &[String]) -> Offer {
    if live.is_some_and(RunView::is_active) {
        Err("A run is going on; stop it to start another".to_owned())
    } else if blockers.is_empty() {
        Ok(Action::Train)
    } else {
        Err(blockers.join("\n"))
    }
}

/// A button that can be pressed where it has something to offer, and else says why not. Returns what was asked for.
fn offer_ui(ui: &mut Ui, button: Button<'_>, offer: Offer, about: &str) -> Option<Action> {
    let response = ui.add_enabled(offer.is_ok(), button);
    match offer {
        Ok(action) => response.on_hover_text(about).clicked().then_some(action),
        Err(reason) => {
            response.on_disabled_hover_text(reason);
            None
        }
    }
}

fn buttons_ui(ui: &mut Ui, runs: Runs<'_>, blockers: &[String], longer: &mut ResumeForm) -> Vec<Action> {
    let mut actions = Vec::new();
    let size = vec2(78.0, 30.0);
    actions.extend(offer_ui(ui, Button::new("Stop").min_size(size), stop(runs), "Write a checkpoint and end the run"));
    // Wide enough for each of its names, so that nothing beside it moves when a run ends.
    let wide = vec2(GO_ON_WIDTH, size.y);
    let GoOn { name, about, offer } = go_on(runs);
    let finished = runs.0.filter(|run| offer.is_err() && *run.phase() == Phase::Finished);
    if let Some(run) = finished {
        let menu = MenuConfig::default().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let button = MenuButton::from_button(Button::new("Train longer\u{2026}").min_size(wide)).config(menu);
        let (_, shown) = button.ui(ui, |ui| longer.menu_ui(ui, run));
        actions.extend(shown.and_then(|shown| shown.inner));
    } else {
        actions.extend(offer_ui(ui, Button::new(name).min_size(wide), offer, about));
    }
    let button = widgets::primary(ui, "Train").min_size(size);
    let about = "Start a run with the settings on the left, in a session folder of its own";
    actions.extend(offer_ui(ui, button, train(runs, blockers), about));
    actions
}

fn theme_button(ui: &mut Ui, choice: &mut ThemeChoice) {
    let next = choice.next(ui.ctx().system_theme().unwrap_or(Theme::Dark));
    let (picture, name) = match next {
        ThemeChoice::Light => (Glyph::Sun, "Light theme"),
        ThemeChoice::Dark => (Glyph::Moon, "Dark theme"),
        ThemeChoice::System => (Glyph::Half, "Theme of the system"),
    };
    if glyph::button(ui, picture, vec2(30.0, 30.0), true, name).clicked() {
        *choice = next;
    }
}
