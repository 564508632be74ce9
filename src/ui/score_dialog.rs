//! The dialog that scores a checkpoint with the scores that the set-up names, whatever its run was scored with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egui::{Grid, Label, ProgressBar, RichText, ScrollArea, Ui};

use super::action::Action;
use super::request::ScoreRequest;
use super::run_view::RunView;
use super::{dialog, format, theme, widgets};
use crate::config::{Choice as _, Config, Metric};
use crate::event::{JobEvent, Score, ScoreProgress};

/// The dialog.
#[derive(Debug, Default)]
pub struct ScoreDialog {
    shown: dialog::OfRun<Open>,
    /// What it held when it was closed: scores that took minutes are not lost with a key.
    closed: Option<Open>,
}

#[derive(Debug)]
struct Open {
    folder: PathBuf,
    step: usize,
    state: State,
    /// What was measured of each checkpoint.
    done: BTreeMap<usize, Measured>,
}

/// Scores, and why others are missing.
type Measured = (Vec<Score>, Vec<String>);

#[derive(Debug)]
enum State {
    Asking,
    Busy(Option<ScoreProgress>),
    Done,
    Failed(String),
}

impl ScoreDialog {
    /// Opens it for the newest checkpoint of a run.
    pub fn open_for(&mut self, run: &RunView) {
        let Some(step) = run.checkpoints().last().map(|checkpoint| checkpoint.step) else { return };
        let before = self.closed.take().filter(|open| open.folder == run.folder());
        let is_there = |open: &Open| run.checkpoints().iter().any(|checkpoint| checkpoint.step == open.step);
        let fresh = || Open { folder: run.folder().to_owned(), step, state: State::Asking, done: BTreeMap::new() };
        self.shown.open(run, before.filter(is_there).unwrap_or_else(fresh));
    }

    /// Takes in news of the work.
    pub fn apply(&mut self, event: JobEvent) {
        let Some(open) = self.shown.content() else { return };
        match event {
            JobEvent::Rescored { scores, missing } => {
                open.done.insert(open.step, (scores, missing));
                open.state = State::Done;
            }
            JobEvent::Failed { message } => open.state = State::Failed(message),
            JobEvent::Cancelled => open.state = State::Asking,
            JobEvent::Scoring(progress) => {
                if let State::Busy(told) = &mut open.state {
                    *told = Some(progress);
                }
            }
            JobEvent::Progress { .. }
            | JobEvent::Preview { .. }
            | JobEvent::BrowsePage(_)
            | JobEvent::Exported(_)
            | JobEvent::Quiz(_)
            | JobEvent::Probed(_) => {}
        }
    }

    /// Draws it over everything else. `busy` says why nothing can be scored now.
    #[must_use]
    pub fn ui(
        &mut self,
        ctx: &egui::Context,
        run: Option<&RunView>,
        set_up: &Config,
        busy: Option<&str>,
    ) -> Option<Action> {
        let frame = ("scores", theme::DIALOG_WIDTH * 1.3);
        let (action, closed) = self.shown.ui(ctx, frame, run, |open, ui, run| open.own_ui(ui, run, set_up, busy));
        let Some(open) = closed else { return action };
        if !matches!(open.state, State::Busy(_)) {
            self.closed = Some(open);
            return action;
        }
        match run.filter(|run| run.folder() == open.folder) {
            Some(run) => {
                // Only its button stops the work, no key that was meant for something else.
                self.shown.open(run, open);
                action
            }
            None => Some(Action::CancelScores),
        }
    }
}

impl Open {
    fn own_ui(&mut self, ui: &mut Ui, run: &RunView, set_up: &Config, busy: Option<&str>) -> (Option<Action>, bool) {
        ui.heading("Score a checkpoint");
        let score = &set_up.score;
        let names: Vec<String> = score.measured().iter().map(|metric| format::metric(metric.name())).collect();
        let images = if score.images == 0 { "all images".to_owned() } else { format::plural(score.images, "image") };
        let by = format::extractor(&score.extractor);
        widgets::muted(
            ui,
            format!("As the section Score of the set-up says: {} by {by}, on {images}.", names.join(", ")),
        );
        let idle = !matches!(self.state, State::Busy(_));
        ui.add_enabled_ui(idle, |ui| self.step_ui(ui, run));
        self.state_ui(ui);
        ui.separator();
        dialog::buttons(ui, |ui| {
            if !idle {
                ui.spinner();
                return (ui.button("Stop scoring").clicked().then_some(Action::CancelScores), false);
            }
            let go = ui.add_enabled(busy.is_none() && !names.is_empty(), widgets::primary(ui, "Score"));
            let go = go.on_disabled_hover_text(busy.unwrap_or("No score is chosen in the set-up"));
            let closed = ui.button("Close").clicked();
            if go.clicked() {
                self.state = State::Busy(None);
                let (session, step, score) = (run.folder().to_owned(), self.step, score.clone());
                return (Some(Action::Score(Box::new(ScoreRequest { session, step, score }))), closed);
            }
            let measured = self.done.get(&self.step).filter(|_| matches!(self.state, State::Done));
            let copied = measured.filter(|_| ui.button("Copy").clicked());
            (copied.map(|(scores, _)| Action::Copy(table(scores))), closed)
        })
    }

    fn step_ui(&mut self, ui: &mut Ui, run: &RunView) {
        let before = self.step;
        dialog::row(ui, "Checkpoint", |ui| dialog::checkpoint(ui, "score-step", run, &mut self.step));
        if self.step != before {
            self.state = if self.done.contains_key(&self.step) { State::Done } else { State::Asking };
        }
    }

    fn state_ui(&self, ui: &mut Ui) {
        let p = widgets::palette(ui);
        match &self.state {
            State::Asking => {}
            State::Busy(None) => _ = widgets::muted(ui, "The data and the networks are being read"),
            State::Busy(Some(progress)) => {
                let share = progress.done as f32 / progress.total.max(1) as f32;
                ui.add(ProgressBar::new(share).text(format::scoring(*progress)));
            }
            State::Failed(message) => _ = ui.add(Label::new(RichText::new(message).color(p.error)).wrap()),
            State::Done => {
                let Some((scores, missing)) = self.done.get(&self.step) else { return };
                ScrollArea::vertical().max_height(300.0).auto_shrink([false, true]).show(ui, |ui| {
                    Grid::new("scores").num_columns(5).striped(true).spacing([18.0, 4.0]).show(ui, |ui| {
                        scores.iter().for_each(|score| row(ui, score));
                    });
                    for reason in missing {
                        ui.add(Label::new(RichText::new(reason).small().color(p.warning)).wrap());
                    }
                });
                widgets::small(
                    ui,
                    "They are kept here until another run's dialog opens or the program ends: the session keeps the scores that its run took",
                );
            }
        }
    }
}

/// A score with how sure it is and what real images score, where that is known.
fn row(ui: &mut Ui, score: &Score) {
    let p = widgets::palette(ui);
    let about = Metric::named(&score.metric).map_or("", Metric::about);
    ui.label(format::metric(&score.metric)).on_hover_text(about);
    widgets::muted(ui, score.class.as_deref().unwrap_or("all classes"));
    ui.horizontal(|ui| {
        widgets::number(ui, format::score(score.value), p.strong);
        if let Some(caution) = &score.caution {
            widgets::dot(ui, p.warning).on_hover_text(caution);
        }
    });
    let sure = match (score.interval, score.spread) {
        (Some([low, high]), _) => format!("{} to {}", format::score(low), format::score(high)),
        (None, Some(spread)) => format!("\u{b1} {}", format::score(spread)),
        (None, None) => String::new(),
    };
    let drawn = widgets::number(ui, sure, p.muted);
    if let Some(patients) = score.patients {
        drawn.on_hover_text(format::of_patients(patients));
    }
    let baseline = score.baseline.map(|baseline| format!("real {}", format::score(baseline)));
    widgets::number(ui, baseline.unwrap_or_default(), p.muted);
    ui.end_row();
}

/// One line a score, its parts divided by tabs.
fn table(scores: &[Score]) -> String {
    let line = |score: &Score| {
        let class = score.class.as_deref().unwrap_or("all");
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let (low, high) = (score.interval.map(|i| i[0]), score.interval.map(|i| i[1]));
        let more = [low, high, score.baseline].map(number).join("\t");
        format!("{}\t{}\t{class}\t{}\t{}\t{more}\n", score.step, score.metric, score.samples, score.value)
    };
    let head = "step\tmetric\tclass\timages\tvalue\tlow\thigh\treal\n".to_owned();
    head + &scores.iter().map(line).collect::<String>()
}
