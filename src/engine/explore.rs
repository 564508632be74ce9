//! Draws what a watcher asks to see of a checkpoint's generator, on a thread of its own: only the newest question counts.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::latent::{around, slerp};
use super::sample::Sampler;
use super::service::{Service, Waiting};
use super::sheet::sheet;
use crate::event::{Exploration, GridPicture, View, Waker};

/// Images of one picture, at most.
const MOST: usize = 400;

/// The thread that draws.
pub type Explorer = Service<Exploration, GridPicture>;

/// Draws what is asked for, with a generator that stays open for the next question.
pub fn explorer(waker: Waker) -> Explorer {
    Service::new("gandle-explore", Waiting::Newest, waker, || {
        let mut opened = None;
        Box::new(move |ask| draw(ask, &mut opened))
    })
}

/// The generator that was used last.
struct Opened {
    session: PathBuf,
    step: usize,
    sampler: Sampler,
}

fn draw(ask: &Exploration, opened: &mut Option<Opened>) -> anyhow::Result<GridPicture> {
    let fits = |known: &Opened| known.session == ask.session && known.step == ask.step;
    if !opened.as_ref().is_some_and(fits) {
        let sampler = Sampler::open(&ask.session, Some(ask.step))?;
        *opened = Some(Opened { session: ask.session.clone(), step: ask.step, sampler });
    }
    let sampler = &mut opened.as_mut().context("just opened")?.sampler;
    picture(sampler, ask.view, (ask.number, ask.truncation))
}

/// Which image of a seed gives its noise, and where the noise is truncated.
type Noisy = (usize, f32);

/// The picture of a view, in the shape that suits it.
fn picture(sampler: &mut Sampler, view: View, noisy: Noisy) -> anyhow::Result<GridPicture> {
    let (rows, columns) = match view {
        View::Seeds { count, .. } | View::Walk { count, .. } => fold(count),
        View::Morph { rows, count, .. } => (rows, count),
        View::Map { side, .. } => (side, side),
    };
    if !(1..=MOST).contains(&rows.saturating_mul(columns)) {
        bail!("a picture of {rows} x {columns} images cannot be drawn: 1 to {MOST} in all");
    }
    let images = match view {
        View::Morph { from, to, first, rows, count } => {
            let mut z = Vec::new();
            for seed in (0..rows).map(|row| first.wrapping_add(row as u64)) {
                // One noise a row, that of the class where it begins.
                let noise = sampler.latents(from, noisy.0, 1, seed, noisy.1)?;
                z.extend(std::iter::repeat_n(noise, count).flatten());
            }
            let shares: Vec<f64> = (0..count).map(|at| share(at, count)).collect();
            sampler.draw_between(from, to, &shares, rows, z)?
        }
        View::Seeds { class, .. } | View::Walk { class, .. } | View::Map { class, .. } => {
            let z = noise(sampler, view, noisy)?;
            let count = z.len() / sampler.state.config.generator.latent_dim;
            sampler.draw(&vec![u32::try_from(class)?; count], z)?
        }
    };
    let (size, channels) = (sampler.state.config.image_size, sampler.state.config.channels);
    let images = images.chunks_exact(size * size * channels);
    Ok(sheet(sampler.state.step, (rows, columns), (size, channels), images))
}

/// The noise of each image of a view, one after the other.
fn noise(sampler: &Sampler, view: View, (number, truncation): Noisy) -> anyhow::Result<Vec<f32>> {
    let of = |class: usize, seed: u64| sampler.latents(class, number, 1, seed, truncation);
    let mut z = Vec::new();
    match view {
        View::Seeds { class, first, count } => {
            for seed in (0..count).map(|at| first.wrapping_add(at as u64)) {
                z.extend(of(class, seed)?);
            }
        }
        View::Walk { class, from, to, count } => {
            let (from, to) = (of(class, from)?, of(class, to)?);
            z.extend((0..count).flat_map(|at| slerp(&from, &to, share(at, count))));
        }
        View::Map { class, seed, directions, centre, step, side } => {
            let (middle, right, up) = (of(class, seed)?, of(class, directions[0])?, of(class, directions[1])?);
            let off = |at: usize| at as f32 - (side as f32 - 1.0) / 2.0;
            for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
                // The first row is the highest.
                let degrees = [centre[0] + off(column) * step, centre[1] - off(row) * step];
                z.extend(around(&middle, [&right, &up], degrees));
            }
        }
        View::Morph { .. } => {}
    }
    Ok(z)
}

/// How far image `at` of `count` is on its way.
fn share(at: usize, count: usize) -> f64 {
    if count < 2 { 0.0 } else { at as f64 / (count - 1) as f64 }
}

/// Rows and columns of so many images: in full rows if they come out nearly square.
fn fold(count: usize) -> (usize, usize) {
    let root = (1..=count).find(|columns| columns * columns >= count).unwrap_or(1);
    let even = (root..=2 * root).find(|columns| count.is_multiple_of(*columns)).unwrap_or(root);
    (count.div_ceil(even), even)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_folded_into_full_rows() {
        assert_eq!([1, 2, 6, 7, 16, 24].map(fold), [(1, 1), (1, 2), (2, 3), (3, 3), (4, 4), (4, 6)]);
    }

    #[test]
    fn a_way_has_both_ends() {
        assert_eq!((0..3).map(|at| share(at, 3)).collect::<Vec<_>>(), [0.0, 0.5, 1.0]);
        assert_eq!(share(0, 1), 0.0);
    }
}
