//! Which checkpoint a command works on: that of a step, or the best one.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, bail};

use crate::session::{Stored, best_scored};

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
            let Some(step) = best_scored(&stored) else {
                bail!(
                    "{} has no best checkpoint: none that is still there was scored (score.every, score.best); give --step a number, or leave it out for the newest",
                    place()
                );
            };
            Ok(Some(step))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_step_is_a_number_or_the_best() {
        let read = |text: &str| text.parse::<Wanted>();
        assert_eq!((read("best"), read("250")), (Ok(Wanted::Best), Ok(Wanted::At(250))));
        assert!(["Best", "-1", "", "newest", "2.5"].into_iter().all(|text| read(text).is_err()));
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
