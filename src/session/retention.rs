//! Which checkpoints stay, while a run goes on and when room is wanted afterwards, and which is the best.

use super::{Stored, checkpoints};
use crate::config::Train;
use crate::event::{Event, Score};

/// Checkpoints that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest; 0 stands for all.
    Newest(usize),
    /// Those at multiples of so many steps; 0 stands for none.
    Every(usize),
    /// That of a step, for whatever reason.
    Step(usize),
    /// The best one: it is not counted among the newest, unless it is the newest.
    Best(usize),
}

impl Keep {
    /// What a run keeps while it goes on.
    pub fn of_run(train: &Train) -> [Self; 2] {
        [Self::Newest(train.keep_checkpoints), Self::Every(train.keep_every)]
    }

    fn protects(self, at: usize, have: &[usize]) -> bool {
        let step = have[at];
        match self {
            Self::Newest(0) => true,
            Self::Newest(count) => at + count >= have.len(),
            Self::Every(every) => every > 0 && step > 0 && step.is_multiple_of(every),
            Self::Step(kept) | Self::Best(kept) => step == kept,
        }
    }
}

/// Which of these checkpoints, oldest first, stay by one of these rules.
pub fn protected(have: &[usize], rules: &[Keep]) -> Vec<usize> {
    let best = |step: &usize| rules.contains(&Keep::Best(*step)) && have.last() != Some(step);
    let (best, counted): (Vec<usize>, Vec<usize>) = have.iter().copied().partition(best);
    let stays = |at: &usize| rules.iter().any(|rule| rule.protects(*at, &counted));
    let mut kept: Vec<usize> = (0..counted.len()).filter(stays).map(|at| counted[at]).chain(best).collect();
    kept.sort_unstable();
    kept
}

/// Which of them need not stay.
pub(super) fn surplus(have: &[usize], rules: &[Keep]) -> Vec<usize> {
    let kept = protected(have, rules);
    have.iter().copied().filter(|step| !kept.contains(step)).collect()
}

/// The best checkpoint of a session, and whether it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BestCheckpoint {
    /// That of a step.
    There(usize),
    /// It was removed, or the step never had one.
    Gone {
        /// The step that was the best.
        step: usize,
        /// That with the least Frechet distance over all classes of those that are there.
        instead: Option<usize>,
    },
}

impl BestCheckpoint {
    /// The best one that is there.
    pub fn there(self) -> Option<usize> {
        match self {
            Self::There(step) => Some(step),
            Self::Gone { instead, .. } => instead,
        }
    }
}

/// The checkpoint that the run called its best (`score.best`); where it never did, the one of the step with the least Frechet
/// distance over all classes. Nothing where the session has no score.
pub fn best_scored(stored: &Stored) -> Option<BestCheckpoint> {
    let have = checkpoints(&stored.folder);
    let history = stored.history();
    let told =
        history.iter().rev().find_map(|event| if let Event::Best(best) = event { Some(best.step) } else { None });
    let scores = history.iter().filter_map(|event| if let Event::Score(score) = event { Some(score) } else { None });
    let counts =
        |score: &&Score| score.metric == "frechet-distance" && score.class.is_none() && score.value.is_finite();
    let scores: Vec<&Score> = scores.filter(counts).collect();
    let least = |among: &dyn Fn(usize) -> bool| {
        let among = scores.iter().filter(|score| among(score.step));
        among.min_by(|a, b| a.value.total_cmp(&b.value)).map(|score| score.step)
    };
    let step = told.or_else(|| least(&|_| true))?;
    if have.contains(&step) {
        return Some(BestCheckpoint::There(step));
    }
    Some(BestCheckpoint::Gone { step, instead: least(&|step| have.contains(&step)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_every_kth_stay() {
        let keep = |newest, every, have: &[usize]| surplus(have, &[Keep::Newest(newest), Keep::Every(every)]);
        let have = [0, 100, 200, 300, 400, 437];
        assert_eq!(keep(0, 0, &have), [0; 0]);
        assert_eq!(keep(3, 0, &have), [0, 100, 200]);
        assert_eq!(keep(1, 200, &have), [0, 100, 300]);
        assert_eq!(keep(9, 200, &have), [0; 0]);
        assert_eq!(keep(2, 100, &have), [0]);
        assert_eq!(protected(&have, &[Keep::Newest(1), Keep::Step(100), Keep::Step(7)]), [100, 437]);
        assert_eq!(protected(&[], &[Keep::Newest(3)]), [0; 0]);
        let best = |best| surplus(&have, &[Keep::Newest(2), Keep::Best(best)]);
        assert_eq!(best(100), [0, 200, 300]);
        assert_eq!(best(400), [0, 100, 200], "beside the two newest others");
        assert_eq!(best(437), [0, 100, 200, 300], "the newest counts once");
    }
}
