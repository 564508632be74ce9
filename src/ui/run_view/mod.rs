//! Folds events into a view of the run, live or stored: one path from what happened to what is shown.

mod read;

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::event::{
    Best, Checkpoint, Command, DataSummary, Edited, Event, Grid, GridPicture, Nearest, Score, ScoreProgress, Scored,
    Started, Step,
};
use crate::guard::lines;

use super::alarms::{self, Alarms};
use super::log::{LogLevel, LogLine};
use super::series::Curves;
use super::stages::{StageMark, Stages};
use crate::summary::Phase;

/// Steps over which the speed is averaged for the time left.
const SPEED_STEPS: usize = 200;

/// Everything that is shown about a run. [`RunView::apply`] alone changes it; pictures, which cross the seam by
/// themselves, come in through [`RunView::show_grid`].
#[derive(Clone, Debug, Default)]
pub struct RunView {
    folder: PathBuf,
    phase: Phase,
    asked: Option<Command>,
    step: usize,
    started: Option<Started>,
    /// When the run first began, in seconds since 1970.
    begun: Option<u64>,
    data: Option<DataSummary>,
    last: Option<Step>,
    curves: Curves,
    scores: Vec<Score>,
    scored: Option<Scored>,
    bests: Vec<Best>,
    nearest: Vec<Nearest>,
    stages: Stages,
    grids: Vec<Grid>,
    /// Grids of the live generator.
    live_grids: Vec<Grid>,
    /// Whether the run was asked to draw them.
    draws_live: bool,
    /// How far the scores are that are being taken.
    scoring: Option<ScoreProgress>,
    checkpoints: Vec<Checkpoint>,
    log: Vec<LogLine>,
    /// When the event was told that is being taken in, in seconds since 1970.
    clock: Option<u64>,
    /// Lines of the log from before the run went on last.
    before: usize,
    /// Events that were taken in.
    heard: usize,
    /// Whether another process goes on with it.
    followed: bool,
    alarms: Alarms,
    edits: Vec<Edited>,
    newest: Option<GridPicture>,
    /// Steps and seconds of the newest steps.
    recent: VecDeque<(usize, f64)>,
    parent: ParentPlace,
}

/// Where the session is now that a run branched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ParentPlace {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// In this folder.
    At(PathBuf),
    /// Nowhere that is known.
    Gone,
}

impl RunView {
    /// A view of the run in this session folder, before its first event.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Takes in an event that was told at a time of day, in seconds since 1970, where that is known.
    pub fn apply_at(&mut self, event: Event, time: Option<u64>) {
        self.clock = time;
        self.apply(event);
        self.clock = None;
    }

    /// Takes in an event.
    pub fn apply(&mut self, event: Event) {
        self.heard += 1;
        match event {
            Event::Started(started) => self.start(*started),
            Event::Data(data) => {
                let text = format!(
                    "Read {} of {}",
                    super::format::plural(data.images(), "image"),
                    super::format::plural(data.classes.len(), "class")
                );
                self.note(LogLevel::Info, text);
                self.data = Some(*data);
            }
            Event::Step(step) => {
                self.step = step.step;
                self.last = Some(step);
                self.recent.push_back((step.step, step.seconds));
                if self.recent.len() > SPEED_STEPS {
                    self.recent.pop_front();
                }
                self.curves.push(&step, self.seconds_left());
            }
            Event::Score(score) => self.score(score),
            Event::Scored(scored) => self.scored = Some(scored),
            Event::Best(best) => {
                let metric = super::format::metric(&best.metric);
                self.note(LogLevel::Info, format!("The best so far by {metric}; its checkpoint stays"));
                put(&mut self.bests, best, |best| best.step);
            }
            Event::Nearest(nearest) => {
                put(&mut self.nearest, nearest, |nearest| nearest.step);
            }
            Event::Grid(grid) => {
                self.step = self.step.max(grid.step);
                put(&mut self.grids, grid, |grid| grid.step);
            }
            Event::LiveGrid(grid) => {
                put(&mut self.live_grids, grid, |grid| grid.step);
            }
            Event::Checkpoint(checkpoint) => {
                self.step = self.step.max(checkpoint.step);
                self.note(LogLevel::Info, format!("Checkpoint written ({})", checkpoint.folder));
                self.checkpoints.retain(|old| !checkpoint.removed.contains(&old.folder) && old.step != checkpoint.step);
                self.checkpoints.push(checkpoint);
            }
            Event::Warning { step, message } => {
                self.step = self.step.max(step);
                self.note(LogLevel::Warning, message);
            }
            Event::Alarm(alarm) => {
                self.note(LogLevel::Alarm, format!("{} {}", alarm.message, alarm.advice));
                self.alarms.raise(alarm);
            }
            Event::Recovered(recovered) => {
                let title = alarms::title(recovered.kind, recovered.subject.as_deref());
                self.note(LogLevel::Info, format!("Over: {title}"));
                self.alarms.end(&recovered);
            }
            Event::Edited(edited) => {
                let told: Vec<String> = edited.changes.iter().map(ToString::to_string).collect();
                self.note(LogLevel::Info, format!("Changed: {}", told.join(", ")));
                if let Some(started) = &mut self.started
                    && let Ok((config, _)) = started.config.edited(&edited.changes)
                {
                    started.config = config;
                }
                self.edits.retain(|known| *known != edited);
                self.edits.push(edited);
            }
            Event::Stage { step, resolution, fading } => {
                let mark = StageMark { step, resolution, fading };
                if self.stages.begin(mark) {
                    self.note(LogLevel::Info, mark.text());
                }
            }
            Event::Paused { step } => self.enter(Phase::Paused, step, "Paused"),
            Event::Resumed { step } => self.enter(Phase::Running, step, "Resumed"),
            Event::Finished { step } => self.enter(Phase::Finished, step, "Finished"),
            Event::Stopped { step } => self.enter(Phase::Stopped, step, "Stopped"),
            Event::Failed { step, message } => {
                self.step = self.step.max(step);
                self.asked = None;
                let message = lines(&message).into_owned();
                self.note(LogLevel::Error, message.clone());
                self.phase = Phase::Failed(message);
            }
        }
    }

    /// Another process goes on with the run, or does not any more.
    pub fn follow(&mut self, followed: bool) {
        self.followed = followed;
    }

    /// Takes in how far the scores are that are being taken.
    pub fn show_scores(&mut self, progress: Option<ScoreProgress>) {
        self.scoring = progress;
    }

    /// Takes in the newest sample grid.
    pub fn show_grid(&mut self, grid: GridPicture) {
        self.newest = Some(grid);
    }

    /// The run is asked to go on: nothing was heard yet.
    pub fn restart(&mut self) {
        (self.phase, self.asked) = (Phase::Starting, None);
    }

    /// Remembers a command that was sent, where a button waits for its answer.
    pub fn ask(&mut self, command: &Command) {
        match command {
            Command::Pause | Command::Resume | Command::Stop => self.asked = Some(command.clone()),
            Command::DrawLive(on) => self.draws_live = *on,
            Command::Step | Command::Checkpoint | Command::Edit(_) => {}
        }
    }

    fn start(&mut self, started: Started) {
        (self.phase, self.before) = (Phase::Running, self.log.len());
        self.begun.get_or_insert(started.time);
        self.step = started.step;
        // A run that goes on from a checkpoint takes the steps after it again.
        self.curves.truncate_after(started.step);
        started.leave(&mut self.scores);
        self.scored.take_if(|scored| started.voids(scored.step));
        started.leave(&mut self.bests);
        started.leave(&mut self.nearest);
        self.stages.restart(&started);
        started.leave(&mut self.grids);
        started.leave(&mut self.live_grids);
        // Nothing that was asked of it before holds for a run that begins.
        (self.draws_live, self.scoring) = (false, None);
        started.leave(&mut self.checkpoints);
        self.alarms.restart(&started);
        started.leave(&mut self.edits);
        self.newest.take_if(|grid| started.voids(grid.step));
        self.last = None;
        self.recent.clear();
        let how = match (&started.parent, started.step) {
            (_, 0) => "Started".to_owned(),
            (Some(parent), step) if parent.step == step => {
                format!("Branched off {} at step {}", parent.session, super::format::count(step))
            }
            (_, step) => format!("Went on from step {}", super::format::count(step)),
        };
        self.note(
            LogLevel::Info,
            format!("{how} on {} with {}", started.device, super::format::plural(started.threads, "thread")),
        );
        self.started = Some(started);
    }

    fn score(&mut self, score: Score) {
        if score.class.is_none() {
            let (metric, extractor) = (super::format::metric(&score.metric), super::format::extractor(&score.judge()));
            // What fakes are worth is measured on held-out real images; its samples are the fakes that were learnt from.
            let is_worth = crate::config::Metric::named(&score.metric).is_some_and(|metric| metric.beside().is_some());
            let images = if is_worth { score.reals.unwrap_or(score.samples) } else { score.samples };
            let text = format!(
                "{metric} ({extractor}) {} on {}",
                super::format::score(score.value),
                super::format::plural(images, "image")
            );
            self.note(LogLevel::Info, text);
        }
        // A run that was killed amid its scores has taken them all again. Steps rise, so that equals are at the end.
        let same =
            |old: &Score| (&old.metric, &old.extractor, &old.class) == (&score.metric, &score.extractor, &score.class);
        let newest = self.scores.iter().rposition(|old| old.step < score.step).map_or(0, |at| at + 1);
        if let Some(at) = self.scores[newest..].iter().position(|old| old.step == score.step && same(old)) {
            self.scores.remove(newest + at);
        }
        self.scores.push(score);
    }

    fn enter(&mut self, phase: Phase, step: usize, text: &str) {
        self.step = self.step.max(step);
        self.phase = phase;
        self.asked = None;
        self.note(LogLevel::Info, text.to_owned());
    }

    fn note(&mut self, level: LogLevel, text: String) {
        self.log.push(LogLine { step: self.step, level, text: lines(&text).into_owned(), time: self.clock });
    }

    /// Takes in where the session is that the run branched off.
    pub fn place_parent(&mut self, place: ParentPlace) {
        self.parent = place;
    }

    /// A session has another folder now, or none: it may be the one that the run branched off.
    pub fn parent_moved(&mut self, from: &std::path::Path, to: Option<&std::path::Path>) {
        if matches!(&self.parent, ParentPlace::At(folder) if folder == from) {
            self.parent = to.map_or(ParentPlace::Gone, |to| ParentPlace::At(to.to_owned()));
        }
    }

    /// The session has another folder, and name, now.
    pub fn moved(&mut self, folder: &std::path::Path) {
        self.folder = folder.to_owned();
        if let (Some(started), Some(name)) = (&mut self.started, folder.file_name()) {
            started.session = name.to_string_lossy().into_owned();
        }
    }
}

/// Puts something into a list by its step, in the place of what the list has of it. Steps rise but in files that somebody has
/// made.
fn put<T>(list: &mut Vec<T>, new: T, step: impl Fn(&T) -> usize) {
    let at = list.partition_point(|old| step(old) < step(&new));
    match list.get_mut(at).filter(|old| step(old) == step(&new)) {
        Some(old) => *old = new,
        None => list.insert(at, new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::Scalar;

    fn started(step: usize) -> Event {
        Event::Started(Box::new(Started {
            schema: 1,
            version: "0.1.0".to_owned(),
            session: "night".to_owned(),
            step,
            parent: None,
            config: Config::default(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            device: "cpu".to_owned(),
            threads: 2,
            generator_parameters: 1,
            discriminator_parameters: 2,
            time: 0,
        }))
    }

    fn step(step: usize) -> Event {
        Event::Step(Step::of(step, step as f64 * 0.5, [(Scalar::LossD, step as f32)]))
    }

    fn folded(events: impl IntoIterator<Item = Event>) -> RunView {
        let mut view = RunView::new(PathBuf::from("sessions/x"));
        events.into_iter().for_each(|event| view.apply(event));
        view
    }

    #[test]
    fn phases_follow_the_events_and_answer_commands() {
        let mut view = folded([]);
        assert_eq!((view.phase(), view.name().as_str()), (&Phase::Starting, "x"));
        view.apply(started(0));
        assert_eq!((view.phase(), view.name().as_str(), view.steps()), (&Phase::Running, "night", 4000));
        view.ask(&Command::Checkpoint);
        assert_eq!(view.asked(), None);
        view.ask(&Command::Pause);
        view.apply(step(1));
        assert_eq!(view.asked(), Some(&Command::Pause));
        view.apply(Event::Paused { step: 1 });
        assert_eq!((view.phase(), view.asked()), (&Phase::Paused, None));
        view.apply(Event::Resumed { step: 1 });
        view.apply(Event::Stopped { step: 2 });
        assert!(!view.is_active() && view.step() == 2);
    }

    #[test]
    fn a_failure_keeps_its_message_and_ends_the_run() {
        let view = folded([started(0), step(1), Event::Failed { step: 1, message: "no room".to_owned() }]);
        assert_eq!(view.phase(), &Phase::Failed("no room".to_owned()));
        assert_eq!(view.log().last().map(|line| line.level), Some(LogLevel::Error));
    }

    #[test]
    fn going_on_from_a_checkpoint_takes_its_steps_again() {
        let grid = |step| Event::Grid(Grid { step, file: format!("{step}.png") });
        let events = [started(0), step(1), step(2), grid(2), step(3), grid(3), started(2), step(3)];
        let view = folded(events);
        assert_eq!(view.curves().of(Scalar::LossD).len(), 3);
        assert_eq!(view.grids().iter().map(|grid| grid.step).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn removed_checkpoints_are_forgotten() {
        let written = |step: usize, removed: &[&str]| {
            let removed = removed.iter().map(|folder| (*folder).to_owned()).collect();
            Event::Checkpoint(Checkpoint { step, folder: format!("c/{step}"), removed })
        };
        let view = folded([started(0), written(1, &[]), written(2, &[]), written(3, &["c/1"])]);
        assert_eq!(view.checkpoints().iter().map(|checkpoint| checkpoint.step).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn the_time_left_follows_the_newest_steps() {
        let view = folded([started(0), step(1), step(2), step(3)]);
        assert_eq!(view.seconds_left(), Some(3997.0 * 0.5));
        assert_eq!(folded([started(0), step(1)]).seconds_left(), None);
    }

    #[test]
    fn scores_are_waited_for_and_count_for_the_time_left() {
        let scored = |step| Event::Scored(Scored { step, seconds: 60.0, ..Scored::default() });
        // Scores every 1000 of 4000 steps.
        let mut view = folded([started(0), step(998), step(999)]);
        assert_eq!((view.is_scoring(), view.doing()), (false, "Training"));
        view.apply(step(1000));
        assert_eq!((view.is_scoring(), view.doing()), (true, "Scoring"));
        view.ask(&Command::Pause);
        assert_eq!(view.doing(), "Pausing");
        view.apply(scored(1000));
        assert_eq!(view.seconds_left(), Some(3000.0 * 0.5 + 3.0 * 60.0));
        view.apply(Event::Paused { step: 1000 });
        assert_eq!((view.is_scoring(), view.doing()), (false, "Paused"));
        view.apply(Event::Resumed { step: 1000 });
        view.apply(step(4000));
        assert_eq!((view.is_scoring(), view.seconds_left()), (true, Some(60.0)));
        view.apply(scored(4000));
        assert_eq!((view.is_scoring(), view.seconds_left()), (false, Some(0.0)));
    }
}
