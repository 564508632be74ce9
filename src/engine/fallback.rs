//! What a run falls back on when its training breaks.

use super::schedule;
use crate::config::Config;
use crate::session::CheckpointState;
use crate::train::state::File;

/// Steps between two states that are kept in memory for a break, where no checkpoint is on disk for them: at a hundred
/// their making costs far below 1 % of training, and no more than that many steps are lost.
const KEEP_EVERY: usize = 100;

/// A checkpoint that is not written yet. Its numbers are finite.
pub(super) struct Snapshot {
    pub state: CheckpointState,
    pub files: Vec<File>,
}

/// Whether the state after a step is to be kept in memory: now and then, where it is not written anyway.
pub(super) fn is_due(config: &Config, step: usize) -> bool {
    let last = step == config.train.steps;
    let written = last || (step > 0 && schedule::stores(config, step, last));
    step.is_multiple_of(KEEP_EVERY) && !written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_disk_is_not_kept_in_memory() {
        let mut config = Config::default();
        (config.train.steps, config.train.checkpoint_every) = (500, 200);
        let kept = |config: &Config| (0..=500).filter(|step| is_due(config, *step)).collect::<Vec<_>>();
        assert_eq!(kept(&config), [0, 100, 300]);
        config.train.checkpoint_every = 0;
        assert_eq!(kept(&config), [0, 100, 200, 300, 400]);
    }
}
