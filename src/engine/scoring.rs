//! When a run is scored, what that may cost, and which checkpoint is the best.

use std::collections::BTreeSet;
use std::time::Instant;

use crossbeam_channel::TryRecvError;

use super::run::Run;
use super::score::{Scorer, Taken};
use super::watch::At;
use crate::config::{Config, Metric};
use crate::event::{Best, Command, Event, Score, ScoreProgress, Scored};

/// What a run knows of its scores.
#[derive(Default)]
pub(super) struct Scoring {
    scorer: Option<Scorer>,
    /// A score failed: no other is tried with these settings.
    failed: bool,
    /// Seconds that all scores have taken, and the last ones.
    seconds: f64,
    last: f64,
    /// The best step so far by `score.best`.
    best: Option<Best>,
    /// What was told once.
    told: BTreeSet<String>,
}

impl Scoring {
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
    fn fits(&self, config: &Config, trained: f64) -> bool {
        let spent = self.seconds + self.last;
        config.score.most_time >= 1.0 || self.last == 0.0 || spent <= config.score.most_time * (spent + trained)
    }

    /// The new best one among the scores of a step, if one is.
    fn improve(&mut self, config: &Config, scores: &[Score]) -> Option<Best> {
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
}

impl Run<'_, '_> {
    /// False where a command asks for the end meanwhile. A score that cannot be taken is a warning, and no other is tried.
    pub(super) fn score(&mut self) -> anyhow::Result<bool> {
        let last_step = self.is_over();
        if self.scoring.failed || !(last_step || self.scoring.fits(&self.config, self.clock.seconds)) {
            self.pending.score = false;
            return if self.scoring.failed { Ok(true) } else { self.leave_out().map(|()| true) };
        }
        self.journal.writer()?.flush()?;
        let inbox = self.inbox;
        // A pause waits for the score; a stop does not.
        let (mut stopped, mut asked) = (false, Vec::new());
        let out = self.journal.out;
        let go_on = &mut |progress| {
            out.show_scores(Some(progress));
            loop {
                match inbox.try_recv() {
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                        stopped = true;
                        return false;
                    }
                    Ok(command) => asked.push(command),
                    Err(TryRecvError::Empty) => return true,
                }
            }
        };
        let started = Instant::now();
        let taken = self.take_score(go_on);
        out.show_scores(None);
        match taken {
            Ok(Some(taken)) => self.tell_scores(taken, started.elapsed().as_secs_f64())?,
            Ok(None) => {}
            Err(err) => {
                self.scoring.failed = true;
                let message = format!("no score could be taken, and none is tried again with these settings: {err:#}");
                self.journal.tell(Event::Warning { step: self.journal.step, message })?;
            }
        }
        self.clock.restart();
        self.pending.score = stopped;
        if stopped { Ok(false) } else { self.obey_later(asked) }
    }

    fn take_score(&mut self, go_on: &mut dyn FnMut(ScoreProgress) -> bool) -> anyhow::Result<Option<Taken>> {
        if self.scoring.scorer.is_none() {
            self.scoring.scorer = Scorer::new(&self.config, &self.dataset, go_on)?;
        }
        let average = self.average()?;
        let Some(scorer) = &self.scoring.scorer else { return Ok(None) };
        scorer.score(&self.config, (&self.trainer, &average), &self.dataset, &self.device, go_on)
    }

    /// Every score, the nearest real images, whether it is the best step so far, and what all that took; the checkpoint of
    /// the best step is written last, so that it holds that nothing is left to do.
    fn tell_scores(&mut self, taken: Taken, seconds: f64) -> anyhow::Result<()> {
        let step = self.journal.step;
        let scores: Vec<Score> = taken.scores.into_iter().map(|score| Score { step, seconds, ..score }).collect();
        for message in taken.missing {
            if self.scoring.told.insert(message.clone()) {
                self.journal.tell(Event::Warning { step, message })?;
            }
        }
        for score in &scores {
            self.journal.tell(Event::Score(score.clone()))?;
        }
        let picture = self.store_nearest()?;
        let best = self.scoring.improve(&self.config, &scores);
        if let Some(best) = &best {
            self.journal.tell(Event::Best(best.clone()))?;
        }
        (self.scoring.last, self.scoring.seconds) = (seconds, self.scoring.seconds + seconds);
        let total_seconds = self.scoring.seconds;
        let share = total_seconds / (total_seconds + self.clock.seconds).max(1e-9);
        self.pending.score = false;
        self.journal.tell(Event::Scored(Scored { step, seconds, total_seconds, share }))?;
        // Behind the last part of the scores: whoever goes on from here takes them for whole.
        if let Some(share) = nearness(&scores) {
            let at = At { step, seconds: self.clock.seconds };
            if let Some(event) = self.watch.nearness(at, share, picture.as_deref()) {
                self.journal.tell(event)?;
            }
        }
        if best.is_some() { self.checkpoint() } else { Ok(()) }
    }

    /// The picture of the nearest real images, below the session's folder.
    fn store_nearest(&mut self) -> anyhow::Result<Option<String>> {
        let average = self.average()?;
        let Some(scorer) = self.scoring.scorer.as_ref().filter(|scorer| scorer.shows_nearest()) else {
            return Ok(None);
        };
        let grid = self.grid.draw(&self.trainer, &average, self.journal.step)?;
        let (picture, mut nearest) = scorer.nearest(&grid, &self.dataset)?;
        let shows = "the nearest real image of each image of the grid";
        let about = [("shows", shows.into()), ("extractor", nearest.extractor.clone().into())];
        nearest.file = self.journal.writer()?.nearest(&picture, &about)?;
        let file = nearest.file.clone();
        self.journal.tell(Event::Nearest(nearest))?;
        Ok(Some(file))
    }

    /// Says once that scores are left out.
    fn leave_out(&mut self) -> anyhow::Result<()> {
        let message = format!(
            "Scores are left out while they would take more than {:.0} % of the time (score.most_time): the last ones took {:.1} s. Score less often, fewer images or fewer metrics, or raise the bound.",
            100.0 * self.config.score.most_time,
            self.scoring.last
        );
        if self.scoring.told.insert("most_time".to_owned()) {
            self.journal.tell(Event::Warning { step: self.journal.step, message })?;
        }
        Ok(())
    }
}

/// How far the fakes are from their nearest training image, as a share of how far other real images are.
fn nearness(scores: &[Score]) -> Option<f64> {
    let near = |score: &&Score| score.class.is_none() && score.metric == Metric::NearestReal.name();
    let score = scores.iter().find(near)?;
    let of_reals = score.baseline.filter(|distance| *distance > 0.0)?;
    Some(score.value / of_reals)
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
        let mut scoring = Scoring::default();
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
        let scoring = Scoring::at(None, Some(scored));
        assert!(scoring.fits(&config, 0.0));
        config.score.most_time = 0.2;
        // Two scores of 10 s are a fifth of 100 s.
        assert!(!scoring.fits(&config, 79.0) && scoring.fits(&config, 81.0));
        assert!(Scoring::default().fits(&config, 0.0), "what was never measured is tried");
    }
}
