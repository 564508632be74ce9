//! Images along a closed path through the noise.

use std::path::Path;

use anyhow::bail;

use super::labels::Labels;
use super::{Encoder, rgb, sized};
use crate::engine::export::provenance::Provenance;
use crate::engine::export::source::{File, Progress};
use crate::engine::latent::slerp;
use crate::engine::sample::Sampler;
use crate::engine::sheet::sheet_on;
use crate::event::{Film, Picture, Walk};

/// Images that a path may go through.
const STOPS: std::ops::RangeInclusive<usize> = 2..=100;

/// `walk-<class>-step<N>-seed<S>.gif`; nothing where it was cancelled.
pub fn walk(session: &Path, film: &Film, walk: &Walk, progress: Progress<'_>) -> anyhow::Result<Option<File>> {
    super::check(film)?;
    if !STOPS.contains(&walk.stops) || walk.stops > film.frames {
        bail!(
            "a walk of {} frames through {} images is impossible: {} to {} images, and a frame for each",
            film.frames,
            walk.stops,
            STOPS.start(),
            STOPS.end()
        );
    }
    let mut sampler = Sampler::open(session, walk.step)?;
    let classes = sampler.state.classes.clone();
    let shown: Vec<usize> = walk.class.map_or_else(|| (0..classes.len()).collect(), |class| vec![class]);
    let latents: Vec<Vec<f32>> = shown
        .iter()
        .map(|class| sampler.latents(*class, 0, walk.stops, walk.seed, walk.truncation))
        .collect::<anyhow::Result<_>>()?;
    let of = walk.class.and_then(|class| classes.get(class)).map_or("all classes", String::as_str);
    let marks = Provenance::of_checkpoint(session, &sampler.state)?
        .with("shows", "a walk through the noise, by spherical interpolation".to_owned())
        .with("walk_class", of.to_owned())
        .with("walk_seed", walk.seed.to_string())
        .with("walk_stops", walk.stops.to_string())
        .with("walk_truncation", walk.truncation.to_string());
    let names: Vec<String> = shown.iter().filter_map(|class| classes.get(*class).cloned()).collect();
    let written = film.labels.then(|| Labels::new(&names)).transpose()?;
    let mut encoder = Encoder::new(film, &marks)?;
    for frame in 0..film.frames {
        if !progress(frame, film.frames) {
            return Ok(None);
        }
        let z: Vec<f32> = latents.iter().flat_map(|stops| between(stops, walk.stops, frame, film.frames)).collect();
        let labels: Vec<u32> = shown.iter().map(|class| u32::try_from(*class)).collect::<Result<_, _>>()?;
        let columns = columns(shown.len());
        let mut picture = sized(side_by_side(&sampler.draw(&labels, z)?, &sampler, shown.len(), columns)?)?;
        if let Some(written) = &written {
            picture = written.cells(&picture, columns, sampler.state.step);
        }
        encoder.push(&picture, 1.0 / film.fps)?;
    }
    let class = walk.class.map_or_else(|| "all".to_owned(), |class| format!("class{class}"));
    let name = format!("walk-{class}-step{:07}-seed{}.{}", sampler.state.step, walk.seed, film.moving.name());
    Ok(Some((name, encoder.finish()?)))
}

/// The noise of a frame, on the way from one stop to the next and from the last back to the first.
fn between(stops: &[f32], count: usize, frame: usize, frames: usize) -> Vec<f32> {
    let latent = stops.len() / count;
    let at = frame * count / frames;
    let share = (frame * count % frames) as f64 / frames as f64;
    let stop = |at: usize| &stops[at % count * latent..][..latent];
    slerp(stop(at), stop(at + 1), share)
}

/// Images a row, of so many, with which the whole is about as high as wide.
fn columns(count: usize) -> usize {
    (1..=count).find(|columns| columns * columns >= count).unwrap_or(1)
}

fn side_by_side(images: &[u8], sampler: &Sampler, count: usize, columns: usize) -> anyhow::Result<image::RgbImage> {
    let (size, channels) = (sampler.state.config.image_size, sampler.state.config.channels);
    let images = images.chunks_exact(size * size * channels);
    // Films are looked at on pages, so that places without an image are white.
    let Picture { width, height, rgb: pixels } =
        sheet_on(255, 0, (count.div_ceil(columns), columns), (size, channels), images).picture;
    rgb(width, height, pixels.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_meets_every_stop_and_closes() {
        let stops = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let frames: Vec<Vec<f32>> = (0..6).map(|frame| between(&stops, 3, frame, 6)).collect();
        assert_eq!((&frames[0][..], &frames[2][..], &frames[4][..]), (&stops[..2], &stops[2..4], &stops[4..]));
        assert!(frames[1].iter().all(|x| (x - 0.5f32.sqrt()).abs() < 1e-6));
    }
}
