//! Which settings may be others when a session goes on, and what a session keeps for that.

use super::problem::List;
use super::{Config, Schedule};

/// Where a run reads, computes and stores, and how often it stores: none of these changes what is computed, apart from the
/// rounding of another device or number of threads.
const FREE: [&str; 10] = [
    "data.source",
    "data.workers",
    "data.memory_limit",
    "data.cache",
    "train.minutes",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.keep_every",
    "train.device",
    "train.threads",
];

/// Whether a session may go on with another value of this key and still be the same run.
pub fn may_differ(key: &str) -> bool {
    FREE.contains(&key)
}

/// Whether a key decides the shapes of the networks, so that weights trained with another value do not fit.
pub fn shapes_networks(key: &str) -> bool {
    matches!(key, "image_size" | "channels" | "growing.start")
        || key.starts_with("generator.")
        || key.starts_with("discriminator.")
}

impl Config {
    /// The setting by which `train.steps` decides what a single step does, so that a run of more steps is another run from
    /// its beginning; nothing where steps are alike however many follow.
    pub fn bound_to_steps(&self) -> Option<&'static str> {
        match self.optimizer.schedule {
            Schedule::Constant | Schedule::Step => None,
            Schedule::Linear | Schedule::Cosine => Some("optimizer.schedule"),
        }
    }

    pub(super) fn check_retention(&self, list: &mut List) {
        let (keep, every) = (self.train.keep_every, self.train.checkpoint_every);
        if keep > 0 && every == 0 {
            let text =
                "nothing is kept along the way: with train.checkpoint_every = 0 the last checkpoint is the only one";
            list.warning("train.keep_every", text).fix("train.keep_every", 0);
        } else if keep > 0 && !keep.is_multiple_of(every) {
            let message = format!(
                "checkpoints come every {every} steps, so not every multiple of {keep} has one; choose a multiple of train.checkpoint_every"
            );
            list.warning("train.keep_every", message).fix("train.keep_every", keep.div_ceil(every) * every);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::explain;

    #[test]
    fn every_named_key_is_a_setting() {
        for key in FREE {
            assert!(explain::of(key).is_some(), "{key}");
        }
        assert!(!may_differ("train.seed") && !may_differ("train.batch_size") && !may_differ("loss.kind"));
        assert!(shapes_networks("generator.norm") && !shapes_networks("loss.kind"));
    }

    #[test]
    fn steps_without_a_checkpoint_cannot_be_kept() {
        let warned = |keep, every| {
            let mut config = Config::default();
            (config.train.keep_every, config.train.checkpoint_every) = (keep, every);
            config.check(None).iter().any(|problem| problem.key == "train.keep_every")
        };
        assert!(warned(100, 0) && warned(300, 200));
        assert!(!warned(0, 0) && !warned(400, 200) && !warned(200, 200));
    }

    #[test]
    fn only_schedules_that_end_with_the_run_are_bound_to_its_steps() {
        let mut config = Config::default();
        for (schedule, bound) in
            [(Schedule::Constant, false), (Schedule::Step, false), (Schedule::Linear, true), (Schedule::Cosine, true)]
        {
            config.optimizer.schedule = schedule;
            let changes = (0..10).any(|i| {
                let (o, step) = (&config.optimizer, i * 10 + 1);
                o.lr_factor(step, 100) != o.lr_factor(step, 200)
            });
            assert_eq!((config.bound_to_steps().is_some(), changes), (bound, bound), "{schedule}");
        }
    }
}
