//! Where a run begins: anew, at the newest whole checkpoint of its session, or at a checkpoint of another one.
//!
//! A session goes on as the same run, bit for bit, or not at all: whatever would make it another one is refused with its
//! name, and a fork is offered, which is a session of its own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::request::{Origin, RunRequest};
use crate::config::resumable::may_change_on_resume;
use crate::config::transfer::unfit;
use crate::config::{Config, ExternalPath, Overrides};
use crate::event::{Alarm, AlarmKind, Best, Edited, Event, Scored};
use crate::session::{self, CheckpointState, SessionError, Stored};

/// What was asked would make another run of the session, or none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// A session was to go on whose run has ended as it should: nothing is left to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AlreadyFinished(pub String);

/// Settings that are named where a session holds another run.
const MOST_DIFFERENCES: usize = 12;

impl RunRequest {
    /// Goes on with a session to `steps` in all, or to those that it was to take.
    ///
    /// # Errors
    /// [`AlreadyFinished`] where nothing is left to do, [`Refused`] where that would be another run; others where the session
    /// cannot be read.
    pub fn resume(session: &Path, steps: Option<usize>) -> anyhow::Result<Self> {
        Self::resume_with(session, steps, Vec::new())
    }

    fn resume_with(session: &Path, steps: Option<usize>, set: Vec<String>) -> anyhow::Result<Self> {
        let plan = Plan::of(session, steps, &set)?;
        let places = plan.external_paths();
        Ok(Self { from: Origin::Resume { steps, set }, places, ..Self::new(plan.config, session.to_owned()) })
    }

    /// A new run where its folder holds no session; where it holds this very run, the run goes on. Settings that may be others in
    /// the same run, such as its device, are those of `config`.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub fn new_or_resume(config: Config, session: PathBuf) -> anyhow::Result<Self> {
        if !session::has_run(&session) {
            return Ok(Self::new(config, session));
        }
        let was = session::read_settings(&session)?;
        let mut wrong = differences(&was, &config, may_change_on_resume);
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(MOST_DIFFERENCES);
            wrong.truncate(MOST_DIFFERENCES);
            wrong.extend((more > 0).then(|| format!("and {more} more")));
            return Err(Refused(format!(
                "{} holds another run, and goes on as that alone:\n{}\nChoose another folder, or put these settings back (`gandle resume` gives more steps to a run)",
                session.display(),
                wrong.join("\n")
            ))
            .into());
        }
        let set = was.differences(&config).into_iter().map(|(key, _, is)| format!("{key}={is}")).collect();
        Self::resume_with(&session, None, set)
    }

    /// A new session that goes on from a checkpoint of another one (the newest whole one without a step), with other
    /// settings.
    ///
    /// # Errors
    /// [`Refused`] where the weights would not fit or no step is left; others where the session cannot be read.
    pub fn fork(
        parent: &Path,
        step: Option<usize>,
        session: PathBuf,
        steps: Option<usize>,
        set: Overrides<'_>,
    ) -> anyhow::Result<Self> {
        session::inspect(parent)?;
        let state = match step {
            Some(step) => session::read_whole(parent, step)
                .map_err(newer_is_refused)
                .with_context(|| format!("there are checkpoints of steps {:?}", session::checkpoints(parent)))?,
            None => newest(parent)?.0.context(format!("{} has no checkpoint to fork from", parent.display()))?,
        };
        let mut config = state.config.with(set).map_err(|err| Refused(err.to_string()))?;
        config.train.steps = steps.unwrap_or(config.train.steps);
        refuse_unfit(&state.config, &config)?;
        if config.train.steps <= state.step {
            return Err(Refused(format!(
                "step {} has already been reached, and the fork was to end at step {}: give more with --steps",
                state.step, config.train.steps
            ))
            .into());
        }
        let from = Origin::Fork { parent: parent.to_owned(), step: state.step };
        Ok(Self { from, ..Self::new(config, session) })
    }
}

/// Refuses settings with which a fork could not keep the networks.
pub(super) fn refuse_unfit(was: &Config, is: &Config) -> Result<(), Refused> {
    let shapes = unfit(was, is);
    if shapes.is_empty() {
        return Ok(());
    }
    let why = "a fork keeps the networks and continues with their weights; train a new run for others";
    Err(Refused(format!("{why}:\n{}", shapes.join("\n"))))
}

/// One line for each key in which two configurations differ, apart from those that may.
fn differences(was: &Config, is: &Config, may: impl Fn(&str) -> bool) -> Vec<String> {
    let all = was.differences(is).into_iter().filter(|(key, ..)| !may(key));
    all.map(|(key, was, is)| format!("{key}: was {was}, is {is}")).collect()
}

/// Steps of damaged checkpoints, with what is wrong with them.
pub(super) type Damaged = Vec<(usize, String)>;

/// The newest whole checkpoint, none where there is none at all; and a line for each damaged one.
fn newest(session: &Path) -> anyhow::Result<(Option<CheckpointState>, Damaged)> {
    let (state, damaged) = session::newest_whole(session).map_err(newer_is_refused)?;
    let damaged: Damaged = damaged.into_iter().map(|(step, err)| (step, err.to_string())).collect();
    if state.is_none() && !damaged.is_empty() {
        let lines: Vec<&str> = damaged.iter().map(|(_, reason)| reason.as_str()).collect();
        anyhow::bail!("{}: no checkpoint is whole:\n{}", session.display(), lines.join("\n"));
    }
    Ok((state, damaged))
}

/// No damage, and nothing that another checkpoint could stand in for.
fn newer_is_refused(err: SessionError) -> anyhow::Error {
    if matches!(err, SessionError::Newer { .. }) { Refused(err.to_string()).into() } else { err.into() }
}

/// How a session can go on.
pub(super) struct Plan {
    /// As it will be in force.
    pub config: Config,
    /// As `run.toml` has it.
    pub original: Config,
    /// Nothing where the run begins anew.
    pub state: Option<CheckpointState>,
    pub damaged: Damaged,
    pub recorded: Recorded,
    /// Whether settings were changed at the step of the checkpoint.
    pub edited: bool,
}

impl Plan {
    /// `set` is laid over `run.toml`, and leaves the run the same.
    pub fn of(session: &Path, steps: Option<usize>, set: Overrides<'_>) -> anyhow::Result<Self> {
        let stored = Stored::outline(session)?;
        let (state, damaged) = newest(session)?;
        let recorded = Recorded::of(&stored.events, state.as_ref().map_or(0, |state| state.step));
        let original = stored.config;
        let now = if set.is_empty() { original.clone() } else { original.with(set)? };
        let mut config = match &state {
            Some(state) => taken_over(state, &now, session)?,
            None => now,
        };
        let done = state.as_ref().map_or(0, |state| state.step);
        let mut edited = false;
        if state.is_some() {
            // They hold from the next step on, whether the checkpoint was written before them or after.
            for edit in recorded.edits.iter().filter(|edit| edit.step == done) {
                config = config.edited(&edit.changes).context("what was changed while the run went on")?.0;
                edited = true;
            }
        }
        let seconds = state.as_ref().map_or(0.0, |state| state.seconds);
        if recorded.finished && config.train.is_timed_out(seconds) {
            return Err(AlreadyFinished(format!(
                "the run is finished: its {} minutes are over. Set train.minutes in run.toml higher, or to 0 for no limit",
                config.train.minutes
            ))
            .into());
        }
        if let Some(steps) = steps {
            change_steps(&mut config, steps, done)?;
        } else if recorded.finished && done >= config.train.steps {
            return Err(AlreadyFinished(format!(
                "the run is finished: it has taken its {done} steps. Give more with --steps, or fork a new session with --fork"
            ))
            .into());
        }
        Ok(Self { config, original, state, damaged, recorded, edited })
    }

    /// Where the run leads outside of its session, now and after each change that it will make again.
    fn external_paths(&self) -> Vec<ExternalPath> {
        let mut places = self.config.external_paths();
        let changes = self.recorded.edits.iter().flat_map(|edit| &edit.changes);
        for change in changes.filter(|change| ExternalPath::is_named_by(&change.key)) {
            if let Ok(config) = self.config.with(&[format!("{}={}", change.key, change.to)]) {
                places.extend(config.external_paths());
            }
        }
        let mut seen = HashSet::new();
        places.retain(|place| seen.insert(place.clone()));
        places
    }
}

/// The configuration of a checkpoint with the changes of `run.toml` that change nothing of the run.
fn taken_over(state: &CheckpointState, now: &Config, session: &Path) -> anyhow::Result<Config> {
    let was = state.original.as_deref().unwrap_or(&state.config);
    let wrong = differences(was, now, may_change_on_resume);
    if !wrong.is_empty() {
        return Err(Refused(format!(
            "{} has changed since the checkpoint of step {}, and the session would continue as another run:\n{}\nPut the old values back, or fork a new session: gandle resume SESSION --fork NEW --set KEY=VALUE",
            session.join("run.toml").display(),
            state.step,
            wrong.join("\n")
        ))
        .into());
    }
    let free: Vec<String> = was.differences(now).into_iter().map(|(key, _, is)| format!("{key}={is}")).collect();
    Ok(state.config.with(&free)?)
}

fn change_steps(config: &mut Config, steps: usize, done: usize) -> Result<(), Refused> {
    if steps <= done {
        return Err(Refused(format!("step {done} has already been reached: ask for more than {steps} steps")));
    }
    if let Some(key) = config.bound_to_steps().filter(|_| steps != config.train.steps) {
        return Err(Refused(format!(
            "{key} = {} depends on the total number of steps: with {steps} instead of {} every step so far would have been different. Fork a new session, whose rates follow {steps} steps from here on: gandle resume SESSION --fork NEW --steps {steps}",
            config.value_of(key).unwrap_or_default(),
            config.train.steps
        )));
    }
    config.train.steps = steps;
    Ok(())
}

/// What the events of a session record about the step at which it goes on.
#[derive(Default)]
pub(super) struct Recorded {
    /// Whether the run ended with it.
    finished: bool,
    /// Whether the step's scores were taken.
    pub scored: bool,
    /// Whether its checkpoint was told.
    pub checkpoint: bool,
    /// The last step that was told.
    pub last: usize,
    /// Where the run has diverged since.
    pub diverged: Option<usize>,
    /// Alarms that were not over.
    pub alarms: Vec<Alarm>,
    /// Changes of settings.
    pub edits: Vec<Edited>,
    /// Each step that was the best when it was scored.
    pub bests: Vec<Best>,
    /// The last scores.
    pub last_scored: Option<Scored>,
}

impl Recorded {
    fn of(events: &[Event], at: usize) -> Self {
        let mut told = Self::default();
        let mut scoring = false;
        for event in events {
            // A score is taken once something else was told after its last part.
            if !matches!(event, Event::Score(_) | Event::Nearest(_) | Event::Best(_)) {
                told.scored |= std::mem::take(&mut scoring);
            }
            match event {
                Event::Started(started) => {
                    (told.finished, told.last, told.diverged) = (false, started.step, None);
                    told.scored &= !started.voids(at);
                    started.leave(&mut told.alarms);
                    started.leave(&mut told.bests);
                }
                Event::Step(step) => told.last = step.step,
                Event::Score(score) => scoring = score.step == at,
                Event::Scored(scored) if scored.step <= at => told.last_scored = Some(*scored),
                Event::Best(best) if best.step <= at => told.bests.push(best.clone()),
                Event::Checkpoint(checkpoint) => told.checkpoint |= checkpoint.step == at,
                Event::Finished { step } => told.finished = *step == at,
                // Whoever takes its step again makes it again.
                Event::Edited(edited) => told.edits.push(edited.clone()),
                Event::Alarm(alarm) if alarm.kind == AlarmKind::Divergence => told.diverged = Some(alarm.step),
                Event::Alarm(alarm) if alarm.step <= at => told.alarms.push(alarm.clone()),
                Event::Recovered(over) if over.step <= at => {
                    told.alarms.retain(|alarm| alarm.kind != over.kind || alarm.subject != over.subject);
                }
                Event::Data(_)
                | Event::Grid(_)
                | Event::LiveGrid(_)
                | Event::Scored(_)
                | Event::Best(_)
                | Event::Nearest(_)
                | Event::Stage { .. }
                | Event::Warning { .. }
                | Event::Alarm(_)
                | Event::Recovered(_)
                | Event::Paused { .. }
                | Event::Resumed { .. }
                | Event::Stopped { .. }
                | Event::Failed { .. } => {}
            }
        }
        // Each change once, where it was made last.
        let mut seen = HashSet::new();
        told.edits.reverse();
        told.edits.retain(|edited| {
            let what = edited.changes.iter().map(|change| (change.key.clone(), change.to.clone()));
            seen.insert((edited.step, what.collect::<Vec<_>>()))
        });
        told.edits.reverse();
        told
    }
}
