//! The dialog that scores a checkpoint: at first as its run was scored, and with whatever else is chosen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egui::{Label, ProgressBar, RichText, ScrollArea, Ui};

use super::action::Action;
use super::number::field;
use super::request::ScoreRequest;
use super::run_view::RunView;
use super::setup::form;
use super::{dialog, format, score_cards, theme, widgets};
use crate::config::{self, Choice as _, Config, ExtractorName, Metric, NOTHING, Shipped};
use crate::event::{JobEvent, Score, ScoreProgress};

/// What the rest of the dialog takes of the window's height.
const BESIDE: f32 = 350.0;

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
    /// What is measured, and how.
    score: config::Score,
    /// Whether the run held images out.
    held_out: bool,
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
        let Some(config) = run.started().map(|started| &started.config) else { return };
        let fresh = || Open {
            folder: run.folder().to_owned(),
            step,
            // The best one is measured like the others, or not.
            score: config::Score { metrics: config.score.measured(), best: NOTHING.to_owned(), ..config.score.clone() },
            held_out: config.data.held_out > 0.0,
            state: State::Asking,
            done: BTreeMap::new(),
        };
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
            | JobEvent::Refused(_)
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
        let idle = !matches!(self.state, State::Busy(_));
        ui.add_enabled_ui(idle, |ui| {
            self.step_ui(ui, run);
            self.choices_ui(ui, run, set_up);
        });
        let score = self.possible();
        let names: Vec<String> = score.metrics.iter().map(|metric| format::metric(metric.name())).collect();
        let slowest = score.metrics.iter().map(|metric| metric.effort()).max();
        let text = match slowest {
            Some(effort) => format!("{} ({})", names.join(", "), effort.word()),
            None => "No score is chosen".to_owned(),
        };
        let told = widgets::small(ui, text);
        if let Some(effort) = slowest {
            told.on_hover_text(format!("{}. Images are looked at once for all scores together", effort.about()));
        }
        self.state_ui(ui, run);
        ui.separator();
        dialog::buttons(ui, |ui| {
            if !idle {
                ui.spinner();
                return (ui.button("Stop scoring").clicked().then_some(Action::CancelScores), false);
            }
            let go = ui.add_enabled(busy.is_none() && !names.is_empty(), widgets::primary(ui, "Score"));
            let go = go.on_disabled_hover_text(busy.unwrap_or("No score is chosen"));
            let closed = ui.button("Close").clicked();
            if go.clicked() {
                self.state = State::Busy(None);
                let (session, step) = (run.folder().to_owned(), self.step);
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

    /// Why a score cannot be taken of this run; nothing where it can.
    fn obstacle(&self, metric: Metric) -> Option<&'static str> {
        if metric.beside().is_some() && !self.held_out {
            return Some("Needs real images that training has never seen, and this run held none out");
        }
        let logits = self.score.weights().is_some();
        (metric == Metric::InceptionScore && !logits).then_some("Needs the classes of the Inception network")
    }

    /// What can be taken of what is chosen.
    fn possible(&self) -> config::Score {
        let mut score = self.score.clone();
        score.metrics.retain(|metric| self.obstacle(*metric).is_none());
        score
    }

    /// What is measured, through which network, and on how many images.
    fn choices_ui(&mut self, ui: &mut Ui, run: &RunView, set_up: &Config) {
        let chosen = format::plural(self.possible().metrics.len(), "score");
        dialog::row(ui, "Scores", |ui| {
            form::checks(ui, "scores of a checkpoint", &chosen, |ui| {
                for metric in Metric::ALL {
                    self.metric_ui(ui, *metric);
                }
            })
        });
        let own = run.started().map_or(set_up, |started| &started.config);
        dialog::row(ui, "Extractor", |ui| {
            form::combo(ui, "extractor of a checkpoint", &extractor(&self.score.extractor), |ui| {
                let shipped = Shipped::ALL.iter().map(|network| network.key());
                // Weights that are a file, where the run or the set-up names one.
                let files = [&own.score, &set_up.score].map(|score| score.extractor.as_str());
                let files =
                    files.into_iter().filter(|name| ExtractorName::inception_file(name).is_some_and(|f| !f.is_empty()));
                let mut known = Vec::new();
                for name in shipped.chain(files) {
                    if !known.contains(&name) {
                        known.push(name);
                        ui.selectable_value(&mut self.score.extractor, name.to_owned(), extractor(name));
                    }
                }
            })
        })
        .on_hover_text("Only scores of the same network can be compared");
        dialog::row(ui, "Images", |ui| ui.add(field("score-images", &mut self.score.images, 0..=1_000_000_000)))
            .on_hover_text(
                "Real images, at the size that training sees, and as many generated ones; 0 takes all. Only scores on as many can be compared",
            );
    }

    /// A score that can be chosen, with what it takes.
    fn metric_ui(&mut self, ui: &mut Ui, metric: Metric) {
        let obstacle = self.obstacle(metric);
        let chosen = &mut self.score.metrics;
        let mut on = obstacle.is_none() && chosen.contains(&metric);
        ui.add_enabled_ui(obstacle.is_none(), |ui| {
            let text = format!("{} ({})", format::metric(metric.name()), metric.effort().word());
            let check = ui.checkbox(&mut on, text).on_disabled_hover_text(obstacle.unwrap_or_default());
            if check.on_hover_text(format!("{}\n\n{}", metric.about(), metric.effort().about())).changed() {
                chosen.retain(|other| *other != metric);
                chosen.extend(on.then_some(metric));
                chosen.sort_unstable();
            }
        });
    }

    fn state_ui(&self, ui: &mut Ui, run: &RunView) {
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
                let most = (ui.ctx().content_rect().height() - BESIDE).clamp(120.0, 300.0);
                ScrollArea::vertical().max_height(most).auto_shrink([false, true]).show(ui, |ui| {
                    score_cards::table_ui(ui, "scores", &scores.iter().collect::<Vec<_>>(), run.classes());
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

/// An extractor's name; of the Inception, with its file.
fn extractor(name: &str) -> String {
    match ExtractorName::inception_file(name) {
        Some(file) => format!("Inception, {}", format::path_end(file, 24)),
        None => format::extractor(name),
    }
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
