//! The sample grids of a run.

use std::borrow::Cow;

use super::diversity;
use super::journal::Journal;
use super::sample::GridSampler;
use super::training::Training;
use super::watch::Watch;
use crate::event::{Event, GridPicture};

/// Draws the same noise at every grid, and compares what it shows with the real images.
pub(super) struct Grids {
    sampler: GridSampler,
    /// How far the real images of each class are apart.
    real_spreads: Vec<Option<f32>>,
    /// Whether grids are stored as the live generator draws them too.
    pub draws_live: bool,
}

impl Grids {
    pub fn new(training: &Training) -> anyhow::Result<Self> {
        let sampler = GridSampler::new(&training.config, training.classes.len(), &training.device)?;
        Ok(Self { sampler, real_spreads: diversity::of_real(&training.dataset), draws_live: false })
    }

    /// The grid of the averaged generator after a step.
    pub fn draw(&self, training: &mut Training, step: usize) -> anyhow::Result<GridPicture> {
        let average = training.average(step)?;
        Ok(self.sampler.draw(&training.trainer, &average, step)?)
    }

    /// Stores and shows the grid of the present step, and tells what it gives cause for alarm of.
    pub fn after(&self, training: &mut Training, watch: &mut Watch, journal: &mut Journal<'_>) -> anyhow::Result<()> {
        let grid = self.draw(training, journal.step)?;
        let about = about(training)?;
        let stored = journal.write(|writer| writer.grid(&grid, &about))?;
        let spreads = diversity::of_grid(&grid, &self.real_spreads);
        let at = training.at(journal.step);
        let blank = watch.picture(at, &grid);
        journal.out.show(grid);
        journal.tell(Event::Grid(stored))?;
        if self.draws_live {
            self.store_live(training, journal)?;
        }
        journal.tell_all(blank.into_iter().chain(watch.grid(at, &spreads)))
    }

    /// The same grid as the live generator draws it, in evaluation mode and with the running statistics that it trains with. It
    /// takes no part in anything else.
    pub fn store_live(&self, training: &Training, journal: &mut Journal<'_>) -> anyhow::Result<()> {
        let trainer = &training.trainer;
        let grid = self.sampler.draw(trainer, trainer.generator(), journal.step)?;
        let [seed, rows] = about(training)?;
        let about = [seed, rows, ("weights", "of the live generator, not averaged".into())];
        let stored = journal.write(|writer| writer.live_grid(&grid, &about))?;
        journal.tell(Event::LiveGrid(stored))
    }
}

/// What a picture of a grid tells of itself.
fn about(training: &Training) -> anyhow::Result<[(&'static str, Cow<'static, str>); 2]> {
    let seed = training.config.train.seed.to_string();
    Ok([("seed", seed.into()), ("rows", serde_json::to_string(&training.classes)?.into())])
}
