//! Films: the stored grids one after the other, or a walk through the noise, as animated GIF or WebP.

mod gif;
mod history;
mod labels;
mod walk;
mod webp;

pub(super) use history::history;
pub(super) use walk::walk;

use anyhow::{Context as _, bail};
use image::RgbImage;

use super::provenance::Provenance;
use crate::event::{Film, Moving};

/// Frames a second: slower is no film, and browsers show nothing faster.
const FPS: std::ops::RangeInclusive<f64> = 0.1..=50.0;
/// Frames of a film.
const FRAMES: std::ops::RangeInclusive<usize> = 2..=2000;
/// Frames are made as large as fits in this many pixels, in whole steps.
const SIDE: u32 = 768;
/// Small ones become at most so many times as large.
const LARGEST: u32 = 4;

/// Takes frames in, one after the other, all of one size.
enum Encoder {
    Gif(gif::Writer),
    Webp(webp::Writer),
}

impl Encoder {
    fn new(film: &Film, marks: &Provenance) -> anyhow::Result<Self> {
        check(film)?;
        Ok(match film.moving {
            Moving::Gif => Self::Gif(gif::Writer::new(marks.json()?)),
            Moving::Webp => Self::Webp(webp::Writer::new(marks)),
        })
    }

    fn push(&mut self, frame: &RgbImage, seconds: f64) -> anyhow::Result<()> {
        match self {
            Self::Gif(writer) => writer.push(frame, seconds),
            Self::Webp(writer) => writer.push(frame, seconds),
        }
    }

    fn finish(self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Gif(writer) => writer.finish(),
            Self::Webp(writer) => writer.finish(),
        }
    }
}

fn check(film: &Film) -> anyhow::Result<()> {
    if !FPS.contains(&film.fps) {
        bail!("{} frames per second are impossible: use {} to {}", film.fps, FPS.start(), FPS.end());
    }
    if !FRAMES.contains(&film.frames) {
        bail!("an animation of {} frames is impossible: use {} to {}", film.frames, FRAMES.start(), FRAMES.end());
    }
    Ok(())
}

/// A picture in the size of a film: pixels stay pixels where it is small, and are averaged where it is large.
fn sized(picture: RgbImage) -> anyhow::Result<RgbImage> {
    use image::imageops::{FilterType, resize};
    let (width, height) = picture.dimensions();
    let longest = width.max(height).max(1);
    if longest <= SIDE {
        let times = (SIDE / longest).clamp(1, LARGEST);
        return Ok(resize(&picture, width * times, height * times, FilterType::Nearest));
    }
    let part = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longest)).max(1);
    Ok(resize(&picture, u32::try_from(part(width))?, u32::try_from(part(height))?, FilterType::Triangle))
}

fn rgb(width: usize, height: usize, pixels: Vec<u8>) -> anyhow::Result<RgbImage> {
    let size = (u32::try_from(width)?, u32::try_from(height)?);
    RgbImage::from_raw(size.0, size.1, pixels).context("a frame has too few pixels: this is a defect of gandle")
}

/// `count` of `all` places, the first and the last among them, at distances as even as can be.
fn evenly(all: usize, count: usize) -> Vec<usize> {
    if all <= count || count < 2 {
        return (0..all).collect();
    }
    (0..count).map(|i| (i * (all - 1) + (count - 1) / 2) / (count - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_places_are_even_and_hold_both_ends() {
        assert_eq!(evenly(5, 9), [0, 1, 2, 3, 4]);
        assert_eq!(evenly(11, 6), [0, 2, 4, 6, 8, 10]);
        let chosen = evenly(1000, 60);
        assert_eq!((chosen.len(), chosen[0], chosen[59]), (60, 0, 999));
        assert!(chosen.windows(2).all(|pair| (16..=17).contains(&(pair[1] - pair[0]))), "{chosen:?}");
    }

    #[test]
    fn small_pictures_grow_by_whole_steps_and_large_ones_shrink() {
        let size = |width, height| sized(RgbImage::new(width, height)).unwrap().dimensions();
        assert_eq!(size(128, 96), (512, 384));
        assert_eq!(size(256, 100), (768, 300));
        assert_eq!(size(512, 384), (512, 384));
        assert_eq!(size(4096, 1024), (768, 192));
    }

    #[test]
    fn impossible_films_are_refused_with_the_bounds() {
        let film = |frames, fps| check(&Film { moving: Moving::Gif, frames, fps, labels: true });
        assert!(film(2, 0.1).is_ok() && film(2000, 50.0).is_ok());
        for (frames, fps) in [(1, 10.0), (2001, 10.0), (9, 0.0), (9, 51.0), (9, f64::NAN)] {
            assert!(film(frames, fps).is_err());
        }
    }
}
