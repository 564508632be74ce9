//! What comes at which step of a run.

use crate::config::Config;
use crate::session::Pending;

/// Whether what comes `every` so many steps, and with the last one, comes at this one; never for 0.
pub(super) fn due(every: usize, step: usize, last: bool) -> bool {
    every > 0 && (step.is_multiple_of(every) || last)
}

/// What a step brings beside its numbers.
pub(super) fn pending(config: &Config, step: usize, last: bool) -> Pending {
    Pending { grid: due(config.train.grid_every, step, last), score: due(config.score.every, step, last) }
}

/// Whether a step ends with a checkpoint.
pub(super) fn stores(config: &Config, step: usize, last: bool) -> bool {
    due(config.train.checkpoint_every, step, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_at_their_steps_and_with_the_last_one() {
        let steps = |every, last| (1..=7).filter(|step| due(every, *step, *step == last)).collect::<Vec<_>>();
        assert_eq!(steps(3, 9), [3, 6]);
        assert_eq!(steps(3, 7), [3, 6, 7]);
        assert!(steps(0, 7).is_empty());
    }
}
