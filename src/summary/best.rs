//! The best value that each score of a run took, and when.

use crate::config::{Metric, Prefers};
use crate::event::Score;

/// Which end of a metric is the better one; nothing where neither is.
pub fn better(metric: &str) -> Option<Prefers> {
    Metric::named(metric).and_then(Metric::prefers)
}

/// What a score of all classes came to in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct BestScore {
    /// What was measured.
    pub metric: String,
    /// The network whose features were compared, as [`Score::judge`] names it.
    pub extractor: String,
    /// Images on either side. Values with others are left out: they cannot be compared.
    pub samples: usize,
    /// The step of the best value; of the last where no end is the better one.
    pub step: usize,
    /// The best value; the last where no end is the better one.
    pub value: f64,
    /// The last value.
    pub last: f64,
}

/// The scores of all classes of a run, in the order in which they came first.
pub fn best_scores(scores: &[Score]) -> Vec<BestScore> {
    let mut best: Vec<BestScore> = Vec::new();
    for score in scores.iter().filter(|score| score.class.is_none() && score.value.is_finite()) {
        let new = BestScore {
            metric: score.metric.clone(),
            extractor: score.judge().into_owned(),
            samples: score.samples,
            step: score.step,
            value: score.value,
            last: score.value,
        };
        let same = |old: &&mut BestScore| old.metric == new.metric && old.extractor == new.extractor;
        match best.iter_mut().find(same) {
            None => best.push(new),
            Some(old) if old.samples != new.samples => *old = new,
            Some(old) => {
                old.last = new.value;
                let wins = match better(&new.metric) {
                    Some(Prefers::Low) => new.value < old.value,
                    Some(Prefers::High) => new.value > old.value,
                    None => true,
                };
                if wins {
                    (old.step, old.value) = (new.step, new.value);
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(metric: &str, step: usize, value: f64) -> Score {
        Score { step, metric: metric.to_owned(), samples: 100, value, ..Score::default() }
    }

    #[test]
    fn the_best_is_the_lowest_distance_or_the_highest_share() {
        let of = |metric: &str| {
            let scores = [(10, 3.0), (20, 1.0), (30, 2.0)].map(|(step, value)| score(metric, step, value));
            let best = best_scores(&scores);
            (best[0].step, best[0].value, best[0].last)
        };
        assert_eq!(of("frechet-distance"), (20, 1.0, 2.0));
        assert_eq!(of("intra-class-frechet-distance"), (20, 1.0, 2.0));
        assert_eq!(of("precision"), (10, 3.0, 2.0));
        assert_eq!(of("copying"), (30, 2.0, 2.0));
    }

    #[test]
    fn classes_and_other_numbers_of_images_do_not_mix() {
        let mut scores = vec![score("frechet-distance", 10, 3.0), score("frechet-distance", 20, 9.0)];
        scores.push(Score { class: Some("a".to_owned()), ..score("frechet-distance", 20, 0.5) });
        scores[1].samples = 50;
        let best = best_scores(&scores);
        assert_eq!((best.len(), best[0].samples, best[0].value), (1, 50, 9.0));
    }
}
