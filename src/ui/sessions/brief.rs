//! What a list tells of a session beyond its name: settings, how far it came, how long that took, and its scores.

use std::path::PathBuf;

use super::super::phase::Phase;
use super::super::run_view::RunView;
use super::super::setup::fit;
use super::{BestScore, best_scores, better};
use crate::config::Config;
use crate::event::Event;

/// What a session's files tell in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// Its configuration.
    pub config: Config,
    /// The settings that are others than in the nearest preset, as `key = value`; where, how long and with which seed are no part of it.
    pub differs: Vec<String>,
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
    pub fn new(folder: PathBuf, config: Config, events: impl IntoIterator<Item = Event>) -> Self {
        let mut view = RunView::new(folder);
        let (mut seconds, mut begun) = (None, None);
        for event in events {
            if let Event::Step(step) = &event {
                seconds = Some(step.seconds);
            }
            if let Event::Started(started) = &event {
                begun = begun.or(Some(started.time));
            }
            view.apply(event);
        }
        Self {
            settings: config.settings(),
            differs: differs(&config),
            config,
            phase: view.phase().clone(),
            step: view.step(),
            seconds,
            begun,
            scores: best_scores(view.scores()),
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

fn differs(config: &Config) -> Vec<String> {
    let base = fit::preset_beside(fit::nearest_preset(config), config);
    let told = |key: &str| !matches!(key, "data.source" | "train.steps" | "train.seed" | "image_size");
    let differ = config.differences(&base).into_iter().filter(|(key, ..)| told(key));
    differ.map(|(key, value, _)| format!("{key} = {}", plain(&value))).collect()
}

/// A TOML value without the quotes around a word.
pub fn plain(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Score, Step};

    #[test]
    fn the_best_is_that_of_the_score_which_the_run_goes_by() {
        let best = |by: &str, metrics: &[&str]| {
            let mut config = Config::default();
            config.score.best = by.to_owned();
            let score = |metric: &&str| Event::Score(Score { metric: (*metric).to_owned(), ..Score::default() });
            let brief = Brief::new(PathBuf::from("x"), config, metrics.iter().map(score));
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
        let brief = Brief::new(PathBuf::from("x"), Config::default(), events);
        assert_eq!((brief.step, &brief.phase, brief.seconds), (20, &Phase::Finished, Some(10.0)));
        assert_eq!((brief.scores[0].value, brief.seconds_a_step()), (4.0, Some(0.5)));
        assert_eq!((brief.value("loss.kind"), brief.value("no.such")), (Some("hinge"), None));
    }
}
