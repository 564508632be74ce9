//! A run's folder: writes events, grids and checkpoints so that a crash loses nothing, and reads them back as the same events.
//!
//! `run.toml` (the whole configuration), `events.jsonl` (one event a line), `grids/<step>.png`, `nearest/<step>.png`,
//! `checkpoints/<step>/`, `exports/`, `lock`, and `about.toml` (a star and a note) and `quiz/` (blind tests) where somebody gave
//! one. Files appear whole or not at all: they are written beside their place, flushed to disk and
//! renamed. `events.jsonl` only ever grows: a run that goes on from a checkpoint says so by another `started`, whose step
//! voids what stands before it of later steps.
//!
//! Anybody may have filled a session's folder: `untrusted` alone opens what lies in it, and `removal` alone removes any of it.

mod annotation;
mod lock;
mod manage;
mod naming;
mod picture;
mod prune;
mod quiz;
mod reader;
mod recovery;
mod removal;
mod retention;
mod state;
mod tail;
mod timed;
mod traced;
mod trusted_paths;
mod untrusted;
mod writer;

pub use annotation::{Annotation, read_annotation, write_annotation};
pub use lock::{Lock, ask_to_end, holder, is_free};
pub use manage::{check_name, delete, name_data, rename, trash};
pub use naming::{Listed, checkpoints_size, choose_root, list, list_in, name_for, new_folder, release, root, size};
pub use picture::{png, png16};
pub use prune::{OnDisk, Pruning, plan, prune};
pub use quiz::{read_quizzes, write_quiz};
pub use reader::{
    Damaged, Stored, checkpoint_folder, checkpoints, has_run, newest_whole, open_events, read_checkpoint_file,
    read_grid, read_grid_file, read_settings, read_state, read_whole,
};
pub use removal::{cached, is_cached, unfinished_export};
pub use retention::{BestCheckpoint, Keep, best_scored, protected};
pub use state::{CheckpointState, DataFingerprint, FileSum, Machine, Pending, Watched, WatchedClass};
pub use tail::Tail;
pub use timed::{Timed, read_event};
pub use traced::{Traced, find_parent, run_id, told_path};
pub use trusted_paths::{trust_paths, untrusted_paths};
pub use untrusted::{append, folder, inspect};
pub use writer::{Writer, write_new, write_whole};

use crate::event::SCHEMA;

/// The whole configuration of the run.
const RUN: &str = "run.toml";
/// Its events, one a line.
const EVENTS: &str = "events.jsonl";
/// Held by whoever writes to the session.
const LOCK: &str = "lock";
const GRIDS: &str = "grids";
/// Nearest real images of grids.
const NEAREST: &str = "nearest";
/// Grids of the live generator.
const LIVE: &str = "live";
const CHECKPOINTS: &str = "checkpoints";
/// A star and a note.
const ABOUT: &str = "about.toml";
/// Blind tests that were taken.
const QUIZ: &str = "quiz";
/// What was taken out of it.
pub const EXPORTS: &str = "exports";
/// What a run without a window says that began in one.
pub const BACKGROUND: &str = "background.log";
/// What a checkpoint holds besides tensors; written last, so that its presence says that the rest is there.
const STATE: &str = "state.json";

/// What keeps a session from being read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A file or folder could not be read or written.
    #[error("{what} {path}: {cause}{hint}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: String,
        /// Why it failed.
        cause: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// A folder already holds a session.
    #[error("{0} already holds a session, which would be overwritten: choose another folder")]
    Exists(String),
    /// Another run writes to a session.
    #[error("{folder} is being written to by {holder}: stop that run first, or wait for its end")]
    InUse {
        /// The session's folder.
        folder: String,
        /// Who writes to it.
        holder: String,
    },
    /// A folder holds no session.
    #[error("{0} holds no session (no run.toml): choose a folder below `sessions`")]
    Missing(String),
    /// Something in a session's folder is nothing that this program puts there.
    #[error(
        "{path} is {what}: a session holds plain files and folders alone, and nothing is read or written through anything else. Was it sent by somebody? If it is your own, put a copy of what belongs there in its place"
    )]
    Foreign {
        /// Which file or folder.
        path: String,
        /// What it is.
        what: String,
    },
    /// A later release of this program wrote a checkpoint.
    #[error(
        "the checkpoint of step {step} in {path} was written by a newer release of gandle (form {schema}, this one knows {known}): go on with that",
        known = SCHEMA
    )]
    Newer {
        /// The checkpoint's folder.
        path: String,
        /// Its step.
        step: usize,
        /// The version of its form.
        schema: u32,
    },
    /// A file's content is not what it should be.
    #[error("{path}: {reason}")]
    Content {
        /// Which file.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl SessionError {
    /// Whether the disk has no room for what was to be written, or its user no more of it.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::Io { cause, .. } => matches!(cause.kind(), StorageFull | QuotaExceeded),
            Self::Exists(_)
            | Self::InUse { .. }
            | Self::Missing(_)
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Content { .. } => false,
        }
    }

    fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |cause| {
            use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, QuotaExceeded, StorageFull};
            let hints = [
                (StorageFull, "; free some space on the disk"),
                (QuotaExceeded, "; free some of the space that you may use there"),
                (PermissionDenied, "; choose a folder that you may write to"),
                (NotFound, "; was the folder moved or its drive taken away?"),
                (
                    NotADirectory,
                    "; a part of this path is a file, not a folder: choose another folder (--out), or set HOME to yours",
                ),
            ];
            let hint = hints.into_iter().find(|(kind, _)| *kind == cause.kind()).map_or("", |(_, hint)| hint);
            Self::Io { what, path, cause, hint }
        }
    }

    fn content(path: &std::path::Path, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        crate::event::truncate(&mut reason); // It may quote what it complains of.
        Self::Content { path: path.display().to_string(), reason }
    }

    fn foreign(path: &std::path::Path, what: &str) -> Self {
        Self::Foreign { path: path.display().to_string(), what: what.to_owned() }
    }
}

/// The step in the name of a checkpoint's folder.
fn step_of(name: &str) -> Option<usize> {
    let step = name.parse().ok()?;
    // One step has one name.
    (format!("{step:07}") == name).then_some(step)
}

type Result<T> = std::result::Result<T, SessionError>;
