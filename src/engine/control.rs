//! What a run is asked, as its loop finds it.

use std::collections::VecDeque;

use crossbeam_channel::Receiver;

use crate::event::{Command, Edited};

/// What a run is asked, and what it was asked before it broke off.
pub(super) struct Control<'a> {
    pub inbox: &'a Receiver<Command>,
    /// Steps done when a single one was granted to the paused run.
    pub stepping: Option<usize>,
    /// Changes of settings that are made again when their step is reached.
    pub edits_to_come: VecDeque<Edited>,
}
