//! What is said where a disk is full.

use std::path::Path;

use crate::config::Train;
use crate::session::{self, Keep, SessionError, Stored};

/// Sessions beside a run that are looked at, newest first.
const MOST_LOOKED_AT: usize = 50;
/// Those of them that are named.
const MOST_NAMED: usize = 3;

/// That a run waits for room on its disk, and which sessions could give some.
pub(super) fn wanted(folder: &Path, err: &SessionError) -> String {
    let mut freeable = beside(folder);
    freeable.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let sum: u64 = freeable.iter().map(|(_, bytes)| bytes).sum();
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let commands = freeable.iter().take(MOST_NAMED).map(|(session, bytes)| {
        format!("`gandle prune {} --keep-last 1 --yes` ({})", session.display(), megabytes(*bytes))
    });
    let commands: Vec<String> = commands.collect();
    let advice = if commands.is_empty() {
        "`gandle prune` would free nothing in the sessions beside it".to_owned()
    } else {
        format!(
            "`gandle prune` would free {} in the sessions beside it, whose newest and best checkpoints stay: {}",
            megabytes(sum),
            commands.join(", ")
        )
    };
    format!("The run waits for room on its disk, and goes on as soon as there is some: {err}. {advice}.")
}

/// Sessions in the same folder that nobody writes to, and what all but their newest and best checkpoints take.
fn beside(folder: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let others = session::list_in(parent).into_iter().take(MOST_LOOKED_AT).map(|listed| listed.folder);
    let free = others.filter(|other| other != folder && session::is_free(other));
    free.filter_map(|other| {
        let bytes = freeable(&other).filter(|bytes| *bytes > 0)?;
        Some((other, bytes))
    })
    .collect()
}

/// What `gandle prune --keep-last 1` would free.
fn freeable(folder: &Path) -> Option<u64> {
    let stored = Stored::outline(folder).ok()?;
    let Train { keep_every, .. } = stored.config.train;
    let best = session::best_scored(&stored).and_then(session::BestCheckpoint::there).map(Keep::Best);
    let rules: Vec<Keep> = [Keep::Newest(1), Keep::Every(keep_every)].into_iter().chain(best).collect();
    let plan = session::plan(folder, &rules).ok()?;
    Some(plan.removed.iter().map(|checkpoint| checkpoint.bytes).sum())
}
