//! Scores a stored checkpoint, with whatever scores are asked for now. The session stays as it is.

use std::path::PathBuf;

use anyhow::bail;

use super::scorer::Scorer;
use super::standing_stats::StandingStats;
use super::{UntrustedPaths, device, refuse_unknown};
use crate::config::{self, Level};
use crate::data::{DataError, Dataset};
use crate::event::{Score, ScoreProgress};
use crate::guard::few;
use crate::session::{checkpoint_folder, read_checkpoint_file, read_settings, read_whole};
use crate::train::Trainer;

/// What is to be scored, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescore {
    /// The session's folder.
    pub session: PathBuf,
    /// The checkpoint's step.
    pub step: usize,
    /// What is measured, on how many images and by which network.
    pub score: config::Score,
}

/// The scores, and what could not be measured; nothing where `go_on`, which is told how far they are, says no.
pub(super) fn rescore(
    asked: &Rescore,
    unknown: UntrustedPaths,
    go_on: &(dyn Fn(Option<ScoreProgress>) -> bool + Sync),
) -> anyhow::Result<Option<(Vec<Score>, Vec<String>)>> {
    let state = read_whole(&asked.session, asked.step)?;
    let now = read_settings(&asked.session)?;
    let mut config = state.config.clone();
    config.score = asked.score.clone();
    // The images may have moved since.
    config.data.source = now.data.source;
    refuse_unknown(&config.external_paths(), unknown)?;
    let classes = state.classes.len();
    if let Some(problem) = config.check(Some(classes)).into_iter().find(|problem| problem.level == Level::Error) {
        bail!("{problem}");
    }
    let dataset = match Dataset::load_as(&config, &state.classes, &|_, _| go_on(None)) {
        Ok(dataset) => dataset,
        Err(DataError::Cancelled) => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    if dataset.class_names() != state.classes {
        bail!(
            "{} has the classes {}, and the checkpoint knows {}",
            config.data.source,
            few(&dataset.class_names()),
            few(&state.classes)
        );
    }
    let (device, _) = device::open(&config.train.device)?;
    let mut trainer = Trainer::new(&config, classes, &device)?;
    let folder = checkpoint_folder(&asked.session, asked.step);
    trainer.load_files(|name| Ok(read_checkpoint_file(&folder, &state, name)?))?;
    let settling = StandingStats::new(&config, &state.classes, &dataset.class_counts(), &device)?;
    let average = settling.with_standing_stats(trainer.architecture(), trainer.stage(), trainer.ema())?;
    let go_on = &mut |progress| go_on(Some(progress));
    let Some(scorer) = Scorer::new(&config, &dataset, go_on)? else { return Ok(None) };
    let taken = scorer.score(&config, (&trainer, &average), &dataset, &device, go_on)?;
    let of_step = |score: Score| Score { step: asked.step, ..score };
    Ok(taken.map(|taken| (taken.scores.into_iter().map(of_step).collect(), taken.missing)))
}
