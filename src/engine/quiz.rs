//! Prepares a blind test: as many real images as fakes of each class, in an order that tells nothing.

use anyhow::{Context as _, bail};
use rand::seq::SliceRandom as _;

use super::sample::Sampler;
use super::sheet::sheet;
use super::{UntrustedPaths, refuse_unknown};
use crate::config::rng::{Purpose, stream};
use crate::data::{DataError, Dataset};
use crate::event::{QuizItem, QuizRequest, QuizSet};
use crate::session::read_quizzes;

/// Images of a test.
const COUNTS: std::ops::RangeInclusive<usize> = 2..=1000;

/// The test; nothing where it was cancelled. Real images are those that were held out of training, where any were.
pub(super) fn prepare(
    ask: &QuizRequest,
    unknown: UntrustedPaths,
    progress: &(dyn Fn(usize, usize) -> bool + Sync),
) -> anyhow::Result<Option<QuizSet>> {
    if !COUNTS.contains(&ask.count) {
        bail!("a test of {} images is impossible: {} to {}", ask.count, COUNTS.start(), COUNTS.end());
    }
    let mut sampler = Sampler::open(&ask.session, Some(ask.step))?;
    let config = sampler.state.config.clone();
    refuse_unknown(&config.external_paths(), unknown)?;
    let dataset = match Dataset::load_as(&config, &sampler.state.classes, progress) {
        Ok(dataset) => dataset,
        Err(DataError::Cancelled) => return Ok(None),
        Err(err) => return Err(err).context("a test needs the real images that the session was trained on"),
    };
    let classes = sampler.state.classes.clone();
    if dataset.class_names() != classes {
        bail!("the data in {} has other classes than the session", config.data.source);
    }
    let real = dataset.held_out().unwrap_or(&dataset);
    let mut rng = stream(ask.seed, Purpose::Quiz, 0);
    let mut left: Vec<usize> =
        (0..real.len()).filter(|image| ask.class.is_none_or(|class| real.label(*image) as usize == class)).collect();
    left.shuffle(&mut rng);
    left.truncate(ask.count / 2);
    if left.is_empty() {
        bail!("there is no real image to show: choose another class");
    }
    let shown = |pixels: &[u8]| {
        let shape = (config.image_size, config.channels);
        sheet(0, (1, 1), shape, std::iter::once(pixels)).picture
    };
    let mut items = Vec::new();
    for (number, image) in left.into_iter().enumerate() {
        let class = real.label(image) as usize;
        items.push(QuizItem { class, fake: false, picture: shown(real.pixels(image)) });
        // A fake of the same class beside each, so that the class tells nothing.
        let fake = sampler.images(class, number, 1, ask.seed, 0.0)?;
        items.push(QuizItem { class, fake: true, picture: shown(&fake) });
    }
    items.shuffle(&mut rng);
    let held_out = dataset.held_out().is_some();
    Ok(Some(QuizSet { ask: ask.clone(), classes, items, held_out, past: read_quizzes(&ask.session) }))
}
