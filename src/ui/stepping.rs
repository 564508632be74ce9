//! Single steps and slow motion of a run that is paused.

use std::borrow::Cow;

use egui::{Align, Button, ComboBox, Layout, Role, Ui, WidgetInfo};

use super::action::Action;
use super::run_view::RunView;
use super::{format, theme, widgets};
use crate::config::{Change, Choice as _, Config, Updates};
use crate::event::Command;
use crate::summary::Phase;

/// Steps a second that can be chosen.
const SPEEDS: [f64; 5] = [0.5, 1.0, 2.0, 5.0, 10.0];

/// Below this width the bar has more than one line.
const NARROW: f32 = 800.0;

/// Where slow motion stands.
#[derive(Debug, Default)]
pub(super) struct Stepping {
    /// When the next step is due, in slow motion.
    due: Option<f64>,
    /// The step that was asked for and has not been told yet.
    asked: Option<usize>,
    /// Which networks learnt before another choice was made here: what the run goes on with.
    before: Option<Updates>,
}

/// What a run is asked for so that its steps train these networks.
fn train(updates: Updates, from: Updates) -> Action {
    let [from, to] = [from, updates].map(|updates| updates.key().to_owned());
    Action::Command(Command::Edit(vec![Change { key: "optimizer.updates".to_owned(), from, to }]))
}

impl Stepping {
    /// Why no single step can be asked for; nothing where it can.
    pub fn obstacle(&self, view: &RunView) -> Option<&'static str> {
        if *view.phase() != Phase::Paused {
            return Some("Single steps are for a run that is paused");
        }
        if self.due.is_some() {
            return Some("Slow motion is taking the steps");
        }
        let waits = self.asked.is_some_and(|step| view.step() < step) || view.asked().is_some();
        waits.then_some("The run does first what it was asked before")
    }

    /// Asks for one step, unless one is being taken.
    pub fn step(&mut self, view: &RunView) -> Option<Action> {
        self.asked.take_if(|step| view.step() >= *step);
        if *view.phase() != Phase::Paused || view.asked().is_some() || self.asked.is_some() {
            return None;
        }
        self.asked = Some(view.step() + 1);
        Some(Action::Command(Command::Step))
    }

    /// Lets the networks learn again that did before, ahead of what ends the pause.
    pub fn put_back(&mut self, actions: &mut Vec<Action>, view: Option<&RunView>) {
        let ends = |action: &Action| matches!(action, Action::Command(Command::Resume | Command::Stop));
        let Some(at) = actions.iter().position(ends) else { return };
        if let (Some(before), Some(now)) = (self.before.take(), view.and_then(updates))
            && before != now
        {
            actions.insert(at, train(before, now));
        }
    }

    /// The configuration of a run without what was chosen here, which ends with the pause.
    pub fn lasting<'a>(&self, config: &'a Config) -> Cow<'a, Config> {
        let Some(before) = self.before else { return Cow::Borrowed(config) };
        let mut config = config.clone();
        config.optimizer.updates = before;
        Cow::Owned(config)
    }

    /// Draws the bar of a paused run. `speed` is that of slow motion, in steps a second.
    #[must_use]
    pub fn ui(&mut self, ui: &mut Ui, view: &RunView, speed: &mut f64) -> Option<Action> {
        if *view.phase() != Phase::Paused {
            *self = Self::default();
            return None;
        }
        let mut action = None;
        let narrow = ui.available_width() < NARROW;
        widgets::card_frame(ui).inner_margin(egui::Margin::symmetric(12, 6)).show(ui, |ui| {
            let row = |ui: &mut Ui| {
                widgets::title(ui, "Step by step").on_hover_text(
                    "Steps that are taken one by one are the same steps, bit for bit, as those of a run that was never paused",
                );
                let obstacle = self.obstacle(view);
                let one = ui.add_enabled(obstacle.is_none(), Button::new("One step"));
                let one = one.on_disabled_hover_text(obstacle.unwrap_or_default());
                let about = "One update of D and of G, and whatever is due at that step (N)";
                if one.on_hover_text(about).clicked() {
                    action = self.step(view);
                }
                let mut slow = self.due.is_some();
                widgets::toggle(ui, &mut slow, "Slow motion").on_hover_text("One step after another, with time to look");
                self.due = if slow { self.due.or(Some(0.0)) } else { None };
                speed_ui(ui, speed);
                ui.separator();
                action = action.take().or_else(|| self.updates_ui(ui, view));
                if narrow {
                    return;
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    widgets::number(ui, format!("step {:<9}", format::count(view.step())), widgets::palette(ui).muted);
                    if let Some(next) = next_grid(view).filter(|_| ui.available_width() > 150.0) {
                        widgets::small(ui, format!("next sample grid at {}", format::count(next)));
                    }
                });
            };
            // In a narrow window what comes last goes to a line of its own.
            if narrow { ui.horizontal_wrapped(row) } else { ui.horizontal(row) }
        });
        ui.add_space(theme::GAP - 4.0);
        action.or_else(|| self.slowly(ui, view, *speed))
    }

    /// The choice of the networks that the next steps train.
    fn updates_ui(&mut self, ui: &mut Ui, view: &RunView) -> Option<Action> {
        let now = updates(view)?;
        let mut chosen = None;
        ui.label("trains").on_hover_text(
            "Losses and gradients of both networks are taken in every step; the weights of the one that is left out stand still. When the run goes on, both learn as before",
        );
        for choice in Updates::ALL {
            let name = match choice {
                Updates::Both => "D and G",
                Updates::Discriminator => "D only",
                Updates::Generator => "G only",
            };
            if ui.selectable_label(now == *choice, name).on_hover_text(choice.about()).clicked() && now != *choice {
                self.before.get_or_insert(now);
                chosen = Some(train(*choice, now));
            }
        }
        chosen
    }

    /// The next step of slow motion, where it is due.
    fn slowly(&mut self, ui: &Ui, view: &RunView, speed: f64) -> Option<Action> {
        let due = self.due?;
        let (now, pause) = (ui.input(|input| input.time), 1.0 / speed.clamp(0.1, 100.0));
        ui.ctx().request_repaint_after_secs(pause as f32 / 4.0);
        if now < due {
            return None;
        }
        let action = self.step(view)?;
        self.due = Some(now + pause);
        Some(action)
    }
}

/// The step that brings the next sample grid: until then the samples stay as they are.
fn next_grid(view: &RunView) -> Option<usize> {
    let train = &view.started()?.config.train;
    let next = (view.step() + 1).checked_next_multiple_of(train.grid_every)?;
    Some(next.min(train.steps)).filter(|next| *next > view.step())
}

/// Which networks learn, as the run was last told.
fn updates(view: &RunView) -> Option<Updates> {
    view.started().map(|started| started.config.optimizer.updates)
}

fn speed_ui(ui: &mut Ui, speed: &mut f64) {
    let name = |speed: f64| format!("{speed} per second");
    let combo = ComboBox::from_id_salt("slow-motion").width(104.0).selected_text(name(*speed));
    let combo = combo.show_ui(ui, |ui| {
        for choice in SPEEDS {
            ui.selectable_value(speed, choice, name(choice));
        }
    });
    combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Steps per second in slow motion"));
}
