//! The stored sample grids, one after the other.

use anyhow::bail;

use super::labels::Labels;
use super::{Encoder, evenly, rgb, sized};
use crate::engine::export::provenance::Provenance;
use crate::engine::export::source::{File, Progress, Source};
use crate::event::{Event, Film, Grid};
use crate::session::read_grid;

/// The last frame stays at least so long, in seconds, before the first one comes again.
const REST: f64 = 1.5;

/// `history-step<N>.gif`; nothing where it was cancelled.
pub fn history(source: &Source, film: &Film, progress: Progress<'_>) -> anyhow::Result<Option<File>> {
    super::check(film)?;
    let grids: Vec<&Grid> =
        source.history.iter().filter_map(|e| if let Event::Grid(grid) = e { Some(grid) } else { None }).collect();
    if grids.is_empty() {
        bail!("{} has stored no sample grids (train.grid_every): there is no history to show", source.folder.display());
    }
    let chosen: Vec<&Grid> = evenly(grids.len(), film.frames).into_iter().map(|at| grids[at]).collect();
    let steps: Vec<String> = chosen.iter().map(|grid| grid.step.to_string()).collect();
    let marks = Provenance::of_session(source)?
        .with("shows", "sample grids of the training, one row per class".to_owned())
        .with("frames_at_steps", steps.join(" "));
    let labels = film.labels.then(|| Labels::new(&source.started.classes)).transpose()?;
    let mut encoder = Encoder::new(film, &marks)?;
    let (rows, columns) = (source.started.classes.len(), source.config().train.grid_columns);
    for (done, grid) in chosen.iter().enumerate() {
        if !progress(done, chosen.len()) {
            return Ok(None);
        }
        let picture = read_grid(&source.folder, grid, rows, columns)?.picture;
        let mut picture = sized(rgb(picture.width, picture.height, picture.rgb.to_vec())?)?;
        if let Some(labels) = &labels {
            picture = labels.rows(&picture, grid.step);
        }
        let last = done + 1 == chosen.len();
        encoder.push(&picture, if last { REST.max(1.0 / film.fps) } else { 1.0 / film.fps })?;
    }
    Ok(Some((format!("history-step{:07}.{}", source.step, film.moving.name()), encoder.finish()?)))
}
