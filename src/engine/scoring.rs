//! How a run takes its scores, and what it tells of them.

use std::time::Instant;

use crossbeam_channel::TryRecvError;

use super::run::Run;
use super::scorer::{Scorer, Taken};
use super::training::Training;
use crate::config::Metric;
use crate::event::{Command, Event, Score, ScoreProgress};
use crate::session::Writer;

impl Run<'_, '_> {
    /// False where a command asks for the end meanwhile. A score that cannot be taken is a warning, and no other is tried.
    pub(super) fn score(&mut self) -> anyhow::Result<bool> {
        let trained = self.training.stopwatch.seconds;
        if self.scoring.failed || !(self.is_over() || self.scoring.fits(&self.training.config, trained)) {
            self.pending.score = false;
            return if self.scoring.failed { Ok(true) } else { self.leave_out().map(|()| true) };
        }
        self.journal.write(Writer::flush)?;
        let inbox = self.control.inbox;
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
                self.journal.warn(message)?;
            }
        }
        self.training.stopwatch.restart();
        self.pending.score = stopped;
        if stopped { Ok(false) } else { self.obey_later(asked) }
    }

    fn take_score(&mut self, go_on: &mut dyn FnMut(ScoreProgress) -> bool) -> anyhow::Result<Option<Taken>> {
        if self.scoring.scorer.is_none() {
            self.scoring.scorer = Scorer::new(&self.training.config, &self.training.dataset, go_on)?;
        }
        let average = self.training.average(self.journal.step)?;
        let Some(scorer) = &self.scoring.scorer else { return Ok(None) };
        let Training { config, trainer, dataset, device, .. } = &self.training;
        scorer.score(config, (trainer, &average), dataset, device, go_on)
    }

    /// Every score, the nearest real images, whether it is the best step so far, and what all that took; the checkpoint of
    /// the best step is written last, so that it holds that nothing is left to do.
    fn tell_scores(&mut self, taken: Taken, seconds: f64) -> anyhow::Result<()> {
        let step = self.journal.step;
        let scores: Vec<Score> = taken.scores.into_iter().map(|score| Score { step, seconds, ..score }).collect();
        for message in taken.missing {
            if self.scoring.is_new(&message) {
                self.journal.warn(message)?;
            }
        }
        self.journal.tell_all(scores.iter().cloned().map(Event::Score))?;
        let picture = self.store_nearest()?;
        let best = self.scoring.improve(&self.training.config, &scores);
        if let Some(best) = &best {
            self.journal.tell(Event::Best(best.clone()))?;
        }
        self.pending.score = false;
        self.journal.tell(Event::Scored(self.scoring.took(step, seconds, self.training.stopwatch.seconds)))?;
        // Behind the last part of the scores: whoever goes on from here takes them for whole.
        if let Some(share) = nearness(&scores) {
            self.journal.tell_all(self.watch.nearness(self.training.at(step), share, picture.as_deref()))?;
        }
        if best.is_some() { self.checkpoint() } else { Ok(()) }
    }

    /// The picture of the nearest real images, below the session's folder.
    fn store_nearest(&mut self) -> anyhow::Result<Option<String>> {
        let Some(scorer) = self.scoring.scorer.as_ref().filter(|scorer| scorer.shows_nearest()) else {
            return Ok(None);
        };
        let grid = self.grids.draw(&mut self.training, self.journal.step)?;
        let (picture, mut nearest) = scorer.nearest(&grid, &self.training.dataset)?;
        let shows = "the nearest real image of each image of the grid";
        let about = [("shows", shows.into()), ("extractor", nearest.extractor.clone().into())];
        nearest.file = self.journal.write(|writer| writer.nearest(&picture, &about))?;
        let file = nearest.file.clone();
        self.journal.tell(Event::Nearest(nearest))?;
        Ok(Some(file))
    }

    /// Says once that scores are left out.
    fn leave_out(&mut self) -> anyhow::Result<()> {
        let message = format!(
            "Scores are left out while they would take more than {:.0} % of the time (score.most_time): the last ones took {:.1} s. Score less often, fewer images or fewer metrics, or raise the bound.",
            100.0 * self.training.config.score.most_time,
            self.scoring.last
        );
        if self.scoring.is_new("most_time") { self.journal.warn(message) } else { Ok(()) }
    }
}

/// How far the fakes are from their nearest training image, as a share of how far other real images are.
fn nearness(scores: &[Score]) -> Option<f64> {
    let near = |score: &&Score| score.class.is_none() && score.metric == Metric::NearestReal.name();
    let score = scores.iter().find(near)?;
    let of_reals = score.baseline.filter(|distance| *distance > 0.0)?;
    Some(score.value / of_reals)
}
