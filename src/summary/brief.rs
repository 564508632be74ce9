//! What a list tells of a session beyond its name: settings, how far it came, how long that took, and its scores.

use super::{BestScore, Phase, best_scores, better};
use crate::config::Config;
use crate::event::{Event, standing};

/// What a session's files tell in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// Its configuration.
    pub config: Config,
    /// Every key with its value as TOML.
    pub settings: Vec<(String, String)>,
    /// Where the run stands. One that neither ended nor goes on was interrupted.
    pub phase: Phase,
    /// Steps done.
    pub step: usize,
    /// Seconds of training, where any are told.
    pub seconds: Option<f64>,
    /// When it was begun, in seconds since 1970.
    pub begun: Option<u64>,
    /// The scores of all classes.
    pub scores: Vec<BestScore>,
}

impl Brief {
    /// Sums up a session; of its steps the last alone is needed.
    pub fn new(config: Config, events: impl IntoIterator<Item = Event>) -> Self {
        let (mut phase, mut step, mut seconds, mut begun) = (Phase::Starting, 0, None, None);
        let mut scores = Vec::new();
        for event in standing(events.into_iter().collect()) {
            let at = match event {
                Event::Started(started) => {
                    (phase, begun) = (Phase::Running, begun.or(Some(started.time)));
                    started.step
                }
                Event::Step(told) => {
                    seconds = Some(told.seconds);
                    told.step
                }
                Event::Score(score) => {
                    scores.push(score);
                    0
                }
                Event::Grid(grid) => grid.step,
                Event::Checkpoint(checkpoint) => checkpoint.step,
                Event::Warning { step, .. } => step,
                Event::Paused { step } => {
                    phase = Phase::Paused;
                    step
                }
                Event::Resumed { step } => {
                    phase = Phase::Running;
                    step
                }
                Event::Finished { step } => {
                    phase = Phase::Finished;
                    step
                }
                Event::Stopped { step } => {
                    phase = Phase::Stopped;
                    step
                }
                Event::Failed { step, message } => {
                    phase = Phase::Failed(message);
                    step
                }
                Event::Data(_)
                | Event::Scored(_)
                | Event::Best(_)
                | Event::Nearest(_)
                | Event::LiveGrid(_)
                | Event::Alarm(_)
                | Event::Recovered(_)
                | Event::Edited(_)
                | Event::Stage { .. } => 0,
            };
            step = step.max(at);
        }
        Self { settings: config.settings(), config, phase, step, seconds, begun, scores: best_scores(&scores) }
    }

    /// Where the run stands in a word, where it is known whether anybody writes to its session.
    pub fn state(&self, busy: bool) -> &'static str {
        match self.phase {
            Phase::Finished => "finished",
            Phase::Failed(_) => "failed",
            Phase::Paused if busy => "paused",
            Phase::Starting | Phase::Running if busy => "training",
            Phase::Starting | Phase::Running | Phase::Paused => "interrupted",
            Phase::Stopped if busy => "training",
            Phase::Stopped => "stopped",
        }
    }

    /// The value of a key as TOML, without the quotes around a word.
    pub fn value(&self, key: &str) -> Option<&str> {
        let (_, value) = self.settings.iter().find(|(name, _)| name == key)?;
        Some(plain(value))
    }

    /// The best value of the score by which the run keeps its best checkpoint (`score.best`); where it has none of these,
    /// the best of the first score that has a better end, or else its first score.
    pub fn best(&self) -> Option<&BestScore> {
        let own = self.scores.iter().find(|best| best.metric == self.config.score.best);
        own.or_else(|| self.scores.iter().find(|best| better(&best.metric).is_some())).or(self.scores.first())
    }

    /// Seconds a step took on average.
    pub fn seconds_a_step(&self) -> Option<f64> {
        self.seconds.filter(|_| self.step > 0).map(|seconds| seconds / self.step as f64)
    }
}

/// A TOML value without the quotes around a word.
pub fn plain(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// The keys whose values are not the same in all of these, with the value of each.
pub fn differing(settings: &[&[(String, String)]]) -> Vec<(String, Vec<String>)> {
    let Some((first, _)) = settings.split_first() else { return Vec::new() };
    let value = |of: &[(String, String)], key: &str| {
        of.iter().find(|(known, _)| known == key).map_or_else(String::new, |(_, value)| plain(value).to_owned())
    };
    let row = |(key, _): &(String, String)| (key.clone(), settings.iter().map(|of| value(of, key)).collect::<Vec<_>>());
    first.iter().map(row).filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Score, Started, Step};

    #[test]
    fn steps_that_were_taken_again_count_once() {
        let step = |step| Event::Step(Step::of(step, step as f64, []));
        let again = Event::Started(Box::new(Started { step: 10, time: 7, ..Started::default() }));
        let brief = Brief::new(Config::default(), [step(10), step(30), again, step(12)]);
        assert_eq!((brief.step, brief.seconds, brief.begun), (12, Some(12.0), Some(7)));
        assert_eq!((brief.state(true), brief.state(false)), ("training", "interrupted"));
    }

    #[test]
    fn the_best_is_that_of_the_score_which_the_run_goes_by() {
        let best = |by: &str, metrics: &[&str]| {
            let mut config = Config::default();
            config.score.best = by.to_owned();
            let score = |metric: &&str| Event::Score(Score { metric: (*metric).to_owned(), ..Score::default() });
            let brief = Brief::new(config, metrics.iter().map(score));
            brief.best().map(|best| best.metric.clone())
        };
        assert_eq!(best("recall", &["frechet-distance", "recall"]).as_deref(), Some("recall"));
        assert_eq!(best("recall", &["copying", "frechet-distance"]).as_deref(), Some("frechet-distance"));
        assert_eq!(best("none", &["copying"]).as_deref(), Some("copying"));
        assert_eq!(best("recall", &[]), None);
    }

    #[test]
    fn a_session_is_summed_up() {
        let step = |step| Event::Step(Step::of(step, step as f64 * 0.5, []));
        let score = |step, value| {
            let metric = "frechet-distance".to_owned();
            Event::Score(Score { step, metric, value, ..Score::default() })
        };
        let events = [step(10), score(10, 4.0), step(20), score(20, 5.0), Event::Finished { step: 20 }];
        let brief = Brief::new(Config::default(), events);
        assert_eq!((brief.step, &brief.phase, brief.seconds), (20, &Phase::Finished, Some(10.0)));
        assert_eq!((brief.scores[0].value, brief.seconds_a_step()), (4.0, Some(0.5)));
        assert_eq!((brief.value("loss.kind"), brief.value("no.such")), (Some("hinge"), None));
    }

    #[test]
    fn keys_that_differ_are_named_with_every_value() {
        let of = |entries: &[&str]| {
            let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
            Config::default().with(&entries).unwrap().settings()
        };
        let (a, b, c) = (of(&[]), of(&["train.seed=3"]), of(&["loss.kind=bce", "train.seed=3"]));
        let told = differing(&[&a, &b, &c]);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let want = [
            ("loss.kind".to_owned(), words(&["hinge", "hinge", "bce"])),
            ("train.seed".to_owned(), words(&["0", "3", "3"])),
        ];
        assert_eq!(told, want);
        assert!(differing(&[&a]).is_empty() && differing(&[]).is_empty());
    }
}
