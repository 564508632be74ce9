//! What a run knows of its scores: what they cost, and which step is the best so far.

use std::collections::BTreeSet;

use super::scorer::Scorer;
use crate::config::{Config, Metric};
use crate::event::{Best, Score, Scored};

/// What a run knows of its scores.
#[derive(Default)]
pub(super) struct ScoreHistory {
    pub scorer: Option<Scorer>,
    /// A score failed: no other is tried with these settings.
    pub failed: bool,
    /// Seconds that all scores have taken, and the last ones.
    seconds: f64,
    pub last: f64,
    /// The best step so far by `score.best`.
    best: Option<Best>,
    /// Messages that were told, each of them once.
    told: BTreeSet<String>,
}

impl ScoreHistory {
    /// Goes on from what a session told of its scores.
    pub fn at(best: Option<Best>, scored: Option<Scored>) -> Self {
        let (seconds, last) = scored.map_or((0.0, 0.0), |scored| (scored.total_seconds, scored.seconds));
        Self { best, seconds, last, ..Self::default() }
    }

    /// Takes in other settings.
    pub fn take_settings(&mut self, before: &Config, now: &Config) {
        if before.score != now.score {
            (self.scorer, self.failed) = (None, false);
        }
    }

    /// The step whose checkpoint stays, if it is the best by the present settings.
    pub fn best_step(&self, config: &Config) -> Option<usize> {
        self.best.as_ref().filter(|best| best.metric == config.score.best).map(|best| best.step)
    }

    /// Whether another score would keep to the share of the time that scores may take, after so many seconds of steps.
    pub fn fits(&self, config: &Config, trained: f64) -> bool {
        let spent = self.seconds + self.last;
        config.score.most_time >= 1.0 || self.last == 0.0 || spent <= config.score.most_time * (spent + trained)
    }

    /// The new best one among the scores of a step, if one is.
    pub fn improve(&mut self, config: &Config, scores: &[Score]) -> Option<Best> {
        let metric = config.score.best_metric()?;
        let mine = scores.iter().find(|score| score.class.is_none() && Metric::named(&score.metric) == Some(metric))?;
        let before = self.best.as_ref().filter(|best| best.metric == mine.metric);
        if before.is_some_and(|best| !metric.is_better(mine.value, best.value)) {
            return None;
        }
        let best = Best { step: mine.step, metric: mine.metric.clone(), value: mine.value };
        self.best = Some(best.clone());
        Some(best)
    }

    /// Takes in what the scores of a step took, after so many seconds of steps.
    pub fn took(&mut self, step: usize, seconds: f64, trained: f64) -> Scored {
        (self.last, self.seconds) = (seconds, self.seconds + seconds);
        let total_seconds = self.seconds;
        Scored { step, seconds, total_seconds, share: total_seconds / (total_seconds + trained).max(1e-9) }
    }

    /// Whether a message is told for the first time.
    pub fn is_new(&mut self, message: &str) -> bool {
        self.told.insert(message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(step: usize, metric: Metric, class: Option<&str>, value: f64) -> Score {
        Score { step, metric: metric.name().to_owned(), class: class.map(str::to_owned), value, ..Score::default() }
    }

    #[test]
    fn the_best_step_is_that_of_the_chosen_score_of_all_classes() {
        let mut config = Config::default();
        config.score.best = "precision".to_owned();
        let mut scoring = ScoreHistory::default();
        let mut best = |config: &Config, scores: &[Score]| {
            scoring.improve(config, scores);
            scoring.best_step(config)
        };
        assert_eq!(best(&config, &[score(1, Metric::Recall, None, 0.9)]), None);
        assert_eq!(best(&config, &[score(2, Metric::Precision, None, 0.5)]), Some(2));
        assert_eq!(best(&config, &[score(3, Metric::Precision, Some("a"), 0.9)]), Some(2));
        assert_eq!(best(&config, &[score(4, Metric::Precision, None, 0.5)]), Some(2), "the first of equal ones");
        assert_eq!(best(&config, &[score(5, Metric::Precision, None, 0.6)]), Some(5));
        // Another score begins anew.
        config.score.best = "frechet-distance".to_owned();
        assert_eq!(best(&config, &[]), None);
        assert_eq!(best(&config, &[score(6, Metric::FrechetDistance, None, 90.0)]), Some(6));
        assert_eq!(best(&config, &[score(7, Metric::FrechetDistance, None, 95.0)]), Some(6));
        config.score.best = "none".to_owned();
        assert_eq!(best(&config, &[score(8, Metric::FrechetDistance, None, 1.0)]), None);
    }

    #[test]
    fn scores_keep_to_their_share_of_the_time() {
        let mut config = Config::default();
        let scored = Scored { seconds: 10.0, total_seconds: 10.0, ..Scored::default() };
        let scoring = ScoreHistory::at(None, Some(scored));
        assert!(scoring.fits(&config, 0.0));
        config.score.most_time = 0.2;
        // Two scores of 10 s are a fifth of 100 s.
        assert!(!scoring.fits(&config, 79.0) && scoring.fits(&config, 81.0));
        assert!(ScoreHistory::default().fits(&config, 0.0), "what was never measured is tried");
    }
}
