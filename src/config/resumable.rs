//! Which settings may be others when a session goes on, and what a session keeps for that.

use super::{Config, Schedule, options};

/// Whether a session may go on with another value of this key and still be the same run.
pub fn may_change_on_resume(key: &str) -> bool {
    options::find(key).is_some_and(|key| key.is_free)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_run_computes_may_differ_and_what_it_computes_may_not() {
        assert!(may_change_on_resume("train.threads") && may_change_on_resume("data.source"));
        assert!(
            !may_change_on_resume("train.seed")
                && !may_change_on_resume("train.batch_size")
                && !may_change_on_resume("loss.kind")
        );
        assert!(shapes_networks("generator.norm") && !shapes_networks("loss.kind"));
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
