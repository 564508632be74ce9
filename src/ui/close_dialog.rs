//! What is asked when the window is closed while something would end with it.

use egui::Ui;

use super::action::Action;
use super::request::OnClose;
use super::run_view::RunView;
use super::{dialog, format, theme, widgets};
use crate::summary::Phase;

/// The dialog that is open while the window waits to close.
#[derive(Debug, Default)]
pub struct CloseDialog {
    open: Option<State>,
}

#[derive(Debug)]
enum State {
    /// Which way?
    Asking,
    /// The run is asked to end.
    Saving(OnClose),
}

/// What would end with the window.
#[derive(Clone, Copy, Default)]
pub(super) struct AtStake<'a> {
    /// The run that is going on.
    pub run: Option<&'a RunView>,
    /// Runs that wait in the queue.
    pub waiting: usize,
    /// Whether something is being exported.
    pub exporting: bool,
    /// Whether a blind test is under way.
    pub quiz: bool,
}

impl CloseDialog {
    /// Asks which way to go.
    pub fn ask(&mut self) {
        self.open.get_or_insert(State::Asking);
    }

    /// Waits for the run's end without a question.
    pub fn save(&mut self) {
        self.open = Some(State::Saving(OnClose::Stop));
    }

    /// Closes: the window stays.
    pub fn stay(&mut self) {
        self.open = None;
    }

    /// What was chosen, while the run is ending.
    pub fn chosen(&self) -> Option<OnClose> {
        match self.open {
            Some(State::Saving(leaving)) => Some(leaving),
            Some(State::Asking) | None => None,
        }
    }

    /// Draws the dialog over everything else.
    #[must_use]
    pub(super) fn ui(&mut self, ctx: &egui::Context, stake: AtStake<'_>) -> Option<Action> {
        let state = self.open.as_ref()?;
        let (answer, escaped) = dialog::show(ctx, "leave", theme::DIALOG_WIDTH, |ui| match state {
            State::Asking => asking_ui(ui, stake),
            State::Saving(_) => {
                ui.heading("Saving the run");
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("The present step ends and a checkpoint is written; then the window closes");
                });
                Answer::None
            }
        });
        let escaped = matches!(state, State::Asking) && escaped;
        match answer {
            Answer::None if !escaped => None,
            Answer::None | Answer::Stay => {
                self.open = None;
                None
            }
            Answer::Leave(leaving) => {
                self.open = Some(State::Saving(leaving));
                Some(Action::Leave(leaving))
            }
        }
    }
}

enum Answer {
    None,
    Stay,
    Leave(OnClose),
}

fn asking_ui(ui: &mut Ui, stake: AtStake<'_>) -> Answer {
    ui.heading("Close gandle?");
    let mut answer = Answer::None;
    if let Some(run) = stake.run {
        let (step, steps) = (format::count(run.step()), format::count(run.steps()));
        let stands = if *run.phase() == Phase::Paused { "is paused at" } else { "is training:" };
        let place = if *run.phase() == Phase::Starting {
            "is starting".to_owned()
        } else {
            format!("{stands} step {step} of {steps}")
        };
        ui.label(format!("{} {place}.", format::name(&run.name())));
    }
    if stake.exporting {
        ui.label("An export is under way; it ends, and what it has written stays.");
    }
    if stake.quiz {
        ui.label("A blind test is under way; its answers so far are lost.");
    }
    if stake.waiting > 0 {
        let runs = if stake.waiting == 1 { "1 run waits" } else { &format!("{} runs wait", stake.waiting) };
        ui.label(format!("{runs} in the queue: kept, and trained only while the window is open."));
    }
    ui.add_space(2.0);
    let choice = |ui: &mut Ui, text: &str, about: &str, enabled: bool| {
        let size = egui::vec2(ui.available_width(), 30.0);
        let clicked = ui.add_enabled(enabled, egui::Button::new(text).min_size(size)).clicked();
        widgets::small(ui, about);
        clicked
    };
    if let Some(run) = stake.run {
        let about = "A checkpoint is written. Resume goes on later, bit for bit as if it had never stopped.";
        if choice(ui, "Save the run and close", about, true) {
            answer = Answer::Leave(OnClose::Stop);
        }
        let begun = *run.phase() != Phase::Starting;
        let about = if begun {
            "It goes on from there without a window, as `gandle resume` would. Open the session later to see how far it is."
        } else {
            "Without a window it can go on once its first step is taken."
        };
        if choice(ui, "Close, and let it train on", about, begun) {
            answer = Answer::Leave(OnClose::Background);
        }
    } else if choice(ui, "Close", "Sessions and settings are kept.", true) {
        answer = Answer::Leave(OnClose::Stop);
    }
    if choice(ui, "Stay", "Nothing changes.", true) {
        answer = Answer::Stay;
    }
    answer
}
