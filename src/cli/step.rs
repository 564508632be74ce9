//! Which checkpoint a command works on: that of a step, or the best one.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, bail};

use crate::session::{BestCheckpoint, Stored, best_scored};

/// What `--step` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The checkpoint of a step.
    At(usize),
    /// The checkpoint that the run keeps as its best.
    Best,
}

impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "best" => Ok(Self::Best),
            number => number.parse().map(Self::At).map_err(|_| "neither a whole number of steps nor `best`"),
        }
    }
}

/// The step of the checkpoint; nothing where the newest is wanted.
pub(super) fn of(session: &Path, wanted: Option<Wanted>) -> anyhow::Result<Option<usize>> {
    match wanted {
        None => Ok(None),
        Some(Wanted::At(step)) => Ok(Some(step)),
        Some(Wanted::Best) => {
            let place = || format!("--step best: {}", session.display());
            let stored = Stored::outline(session).with_context(place)?;
            match best_scored(&stored) {
                Some(BestCheckpoint::There(step)) => Ok(Some(step)),
                Some(BestCheckpoint::Gone { step, instead: Some(instead) }) => bail!(
                    "{}: the best step is {step}, and its checkpoint is missing; of those that exist, --step {instead} has the lowest Frechet distance",
                    place()
                ),
                Some(BestCheckpoint::Gone { step, instead: None }) => bail!(
                    "{}: the best step is {step}, and its checkpoint is missing; give --step a number, or leave it out for the newest",
                    place()
                ),
                None => bail!(
                    "{} has no best checkpoint: none was scored (score.every, score.best); give --step a number, or leave it out for the newest",
                    place()
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::{Best, Event, Score};

    #[test]
    fn a_step_is_a_number_or_the_best() {
        let read = |text: &str| text.parse::<Wanted>();
        assert_eq!((read("best"), read("250")), (Ok(Wanted::Best), Ok(Wanted::At(250))));
        assert!(["Best", "-1", "", "newest", "2.5"].into_iter().all(|text| read(text).is_err()));
    }

    #[test]
    fn no_other_checkpoint_stands_in_for_the_best_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.toml"), Config::default().to_toml()).unwrap();
        let score = |step, value| {
            let score = Score { step, value, metric: "frechet-distance".to_owned(), ..Score::default() };
            serde_json::to_string(&Event::Score(score)).unwrap() + "\n"
        };
        let best = Best { step: 20, metric: "frechet-distance".to_owned(), value: 1.0 };
        let best = serde_json::to_string(&Event::Best(best)).unwrap() + "\n";
        let events = [score(10, 3.0), score(20, 1.0), best, score(30, 2.0)].concat();
        std::fs::write(folder.path().join("events.jsonl"), events).unwrap();
        let checkpoint = |step: usize| {
            let place = folder.path().join(format!("checkpoints/{step:07}"));
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("state.json"), "").unwrap();
        };
        let wanted = || of(folder.path(), Some(Wanted::Best)).map_err(|err| format!("{err:#}"));
        let told = wanted().unwrap_err();
        assert!(told.contains("best step is 20") && told.contains("give --step a number"), "{told}");
        checkpoint(10);
        checkpoint(30);
        let told = wanted().unwrap_err();
        assert!(told.contains("best step is 20") && told.contains("--step 30"), "{told}");
        checkpoint(20);
        assert_eq!(wanted(), Ok(Some(20)));
    }

    #[test]
    fn a_session_without_scores_has_no_best_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.toml"), Config::default().to_toml()).unwrap();
        std::fs::write(folder.path().join("events.jsonl"), "").unwrap();
        let message = format!("{:#}", of(folder.path(), Some(Wanted::Best)).unwrap_err());
        assert!(message.contains("has no best checkpoint") && message.contains("--step"), "{message}");
        assert_eq!(of(folder.path(), Some(Wanted::At(3))).unwrap(), Some(3));
        assert_eq!(of(folder.path(), None).unwrap(), None);
    }
}
