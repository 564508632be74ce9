//! Takes checkpoints out of a session when room is wanted.

use std::path::Path;

use super::naming::{checkpoints_size, size_of};
use super::retention::{Keep, protected};
use super::writer::{Writer, name_of};
use super::{CHECKPOINTS, EVENTS, EXPORTS, GRIDS, Lock, Result, SessionError, checkpoints, newest_whole, untrusted};
use crate::event::{Checkpoint, Event};

/// A checkpoint and what it takes on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnDisk {
    /// Its step.
    pub step: usize,
    /// All its files.
    pub bytes: u64,
}

/// What a session would lose, and what stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruning {
    /// Checkpoints that go, oldest first.
    pub removed: Vec<OnDisk>,
    /// Checkpoints that stay, oldest first.
    pub kept: Vec<OnDisk>,
    /// Bytes of everything else, by what it is.
    pub rest: [(&'static str, u64); 4],
}

/// What would go from a session by these rules. The newest whole checkpoint stays by any.
///
/// # Errors
/// Where there is no session.
pub fn plan(folder: &Path, rules: &[Keep]) -> Result<Pruning> {
    untrusted::inspect(folder)?;
    if !untrusted::has_file(folder, super::RUN) {
        return Err(SessionError::Missing(folder.display().to_string()));
    }
    let have = checkpoints(folder);
    let newest = newest_whole(folder)?.0.map(|state| state.step);
    let rules: Vec<Keep> = rules.iter().copied().chain(newest.map(Keep::Step)).collect();
    let kept = protected(&have, &rules);
    let of = |step: usize| OnDisk { step, bytes: size_of(folder, &format!("{CHECKPOINTS}/{step:07}")) };
    let (kept, removed): (Vec<OnDisk>, Vec<OnDisk>) =
        have.into_iter().map(of).partition(|checkpoint| kept.contains(&checkpoint.step));
    let whole: u64 = kept.iter().chain(&removed).map(|checkpoint| checkpoint.bytes).sum();
    let unfinished = checkpoints_size(folder).saturating_sub(whole);
    let curves = std::fs::symlink_metadata(folder.join(EVENTS)).map_or(0, |about| about.len());
    let rest = [
        ("damaged or unfinished checkpoints", unfinished),
        ("sample grids", size_of(folder, GRIDS)),
        ("exports", size_of(folder, EXPORTS)),
        ("curves and messages", curves),
    ];
    Ok(Pruning { removed, kept, rest })
}

/// Removes what [`plan`] says, which is returned.
///
/// # Errors
/// Where the session is being written to, by this program or another, or cannot be changed.
pub fn prune(folder: &Path, rules: &[Keep]) -> Result<Pruning> {
    // Nobody adds a checkpoint between the plan and its execution.
    let lock = Lock::take(folder)?;
    let plan = plan(folder, rules)?;
    let Some(newest) = plan.kept.last().filter(|_| !plan.removed.is_empty()) else { return Ok(plan) };
    let mut writer = Writer::reopen(folder, lock)?;
    let removed = plan.removed.iter().map(|old| name_of(old.step)).collect();
    let told = Checkpoint { step: newest.step, folder: name_of(newest.step), removed };
    // Told first, as a run does: nothing goes that the session does not say has gone.
    writer.event(&Event::Checkpoint(told.clone()))?;
    writer.flush()?;
    writer.remove(&told);
    Ok(plan)
}
