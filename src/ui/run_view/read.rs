//! What panels read off a run.

use std::path::Path;

use super::super::alarms::Alarms;
use super::super::log::LogLine;
use super::super::series::Curves;
use super::super::stages::StageMark;
use super::{ParentPlace, RunView};
use crate::event::{
    Best, Checkpoint, Command, DataSummary, Edited, Grid, GridPicture, Nearest, Parent, Score, ScoreProgress, Scored,
    Started, Step,
};
use crate::summary::Phase;

impl RunView {
    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The session's name.
    pub fn name(&self) -> String {
        let from_folder =
            || self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.started.as_ref().map_or_else(from_folder, |started| started.session.clone())
    }

    /// Where the run stands.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whether the run is not over.
    pub fn is_active(&self) -> bool {
        !self.phase.ended()
    }

    /// The command that was sent last, until it is answered.
    pub fn asked(&self) -> Option<&Command> {
        self.asked.as_ref()
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Steps in all, once the run has begun.
    pub fn steps(&self) -> usize {
        self.started.as_ref().map_or(0, |started| started.config.train.steps)
    }

    /// The head of the run.
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// The session that the run branched off, by its present name, and at which step; nothing where it began by itself.
    pub fn parent(&self) -> Option<String> {
        let Parent { session, step, .. } = self.started.as_ref()?.parent.as_ref()?;
        let at = format!("at step {}", super::super::format::count(*step));
        Some(match &self.parent {
            ParentPlace::Unknown => format!("{session} {at}"),
            ParentPlace::Gone => format!("{session} {at}; it is not found under this name: renamed, moved or deleted"),
            ParentPlace::At(folder) => {
                let now = folder.file_name().unwrap_or_default().to_string_lossy();
                if now == *session { format!("{now} {at}") } else { format!("{now} {at}, then called {session}") }
            }
        })
    }

    /// When the run first began, in seconds since 1970.
    pub fn begun(&self) -> Option<u64> {
        self.begun
    }

    /// Names of the classes, in label order.
    pub fn classes(&self) -> &[String] {
        self.started.as_ref().map_or(&[], |started| &started.classes)
    }

    /// What was found in the data.
    pub fn data(&self) -> Option<&DataSummary> {
        self.data.as_ref()
    }

    /// The newest numbers.
    pub fn last(&self) -> Option<&Step> {
        self.last.as_ref()
    }

    /// The curves.
    pub fn curves(&self) -> &Curves {
        &self.curves
    }

    /// The scores, oldest first.
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// What the scores so far have taken.
    pub fn scored(&self) -> Option<&Scored> {
        self.scored.as_ref()
    }

    /// The best step so far by `score.best`.
    pub fn best(&self) -> Option<&Best> {
        self.bests.last()
    }

    /// The nearest real images of grids, oldest first.
    pub fn nearest(&self) -> &[Nearest] {
        &self.nearest
    }

    /// The stages of a growing network, oldest first; none where it does not grow.
    pub fn stages(&self) -> &[StageMark] {
        self.stages.all()
    }

    /// The stored grids, oldest first.
    pub fn grids(&self) -> &[Grid] {
        &self.grids
    }

    /// The stored grids of the live generator, oldest first.
    pub fn live_grids(&self) -> &[Grid] {
        &self.live_grids
    }

    /// Whether the run was asked to store them.
    pub fn draws_live(&self) -> bool {
        self.draws_live
    }

    /// How far the scores are that are being taken; nothing where none are, or nothing was told.
    pub fn scoring(&self) -> Option<ScoreProgress> {
        self.scoring.filter(|_| self.is_scoring())
    }

    /// The checkpoints that are there, oldest first.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// The log, oldest first.
    pub fn log(&self) -> &[LogLine] {
        &self.log
    }

    /// How many events were taken in.
    pub fn heard(&self) -> usize {
        self.heard
    }

    /// Whether another process goes on with the run, which no command reaches from here.
    pub fn is_followed(&self) -> bool {
        self.followed
    }

    /// How many lines of the log are of earlier goes: what was wrong then is over.
    pub fn lines_before(&self) -> usize {
        self.before
    }

    /// Settings that were changed while the run went on, oldest first.
    pub fn edits(&self) -> &[Edited] {
        &self.edits
    }

    /// What went wrong with the training.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The newest sample grid, where one came live.
    pub fn newest_grid(&self) -> Option<&GridPicture> {
        self.newest.as_ref()
    }

    /// Whether steps wait for the scores of the one that was taken last.
    pub fn is_scoring(&self) -> bool {
        let Some(started) = &self.started else { return false };
        let (every, steps) = (started.config.score.every, started.config.train.steps);
        let due = every > 0 && self.step > 0 && (self.step.is_multiple_of(every) || self.step == steps);
        self.phase == Phase::Running && due && self.scored.as_ref().is_none_or(|scored| scored.step < self.step)
    }

    /// What the run is doing, in a word; what was asked for comes first, for it may have to wait.
    pub fn doing(&self) -> &'static str {
        match &self.asked {
            Some(Command::Stop) => "Stopping",
            Some(Command::Pause) => "Pausing",
            Some(Command::Resume | Command::Step | Command::Checkpoint | Command::Edit(_) | Command::DrawLive(_))
            | None => {
                if self.is_scoring() {
                    "Scoring"
                } else {
                    self.phase.name()
                }
            }
        }
    }

    /// Seconds that each of the newest steps took, once several were told.
    pub fn seconds_a_step(&self) -> Option<f64> {
        let ((first, from), (last, to)) = (self.recent.front()?, self.recent.back()?);
        Some((to - from) / last.checked_sub(*first).filter(|steps| *steps > 0)? as f64)
    }

    /// Seconds that what is still to come will take: steps at the present speed, and scores as long as the last ones.
    pub fn seconds_left(&self) -> Option<f64> {
        let per_step = self.seconds_a_step()?;
        let steps = self.steps().saturating_sub(self.step) as f64 * per_step;
        Some(steps + self.seconds_of_scores(steps))
    }

    /// Seconds of training and of scores so far, without pauses.
    pub fn seconds_taken(&self) -> Option<(f64, f64)> {
        let scores = self.scored.as_ref().map_or(0.0, |scored| scored.total_seconds);
        self.last.map(|last| (last.seconds, scores))
    }

    /// Seconds of the scores still to come beside so many of steps, once some were taken.
    fn seconds_of_scores(&self, steps: f64) -> f64 {
        let (Some(started), Some(scored)) = (&self.started, &self.scored) else { return 0.0 };
        let (score, all) = (&started.config.score, self.steps());
        if score.every == 0 || self.step > all {
            return 0.0;
        }
        let due = all.div_ceil(score.every)
            - self.step / score.every
            - usize::from(self.step == all && all % score.every != 0);
        let seconds = (due + usize::from(self.is_scoring())) as f64 * scored.seconds;
        // Beyond their share of the time they are left out, but for those of the last step.
        let share = score.most_time;
        if share < 1.0 { seconds.min(steps * share / (1.0 - share) + scored.seconds) } else { seconds }
    }
}
