//! The step and the names of classes, drawn into the pixels of a frame, for films that are shown without this program.

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _};
use anyhow::Context as _;
use image::{Rgb, RgbImage};

/// Height of the letters, in pixels of the frame.
const LETTERS: f32 = 16.0;
/// Height of a line of text with the room around it.
const LINE: u32 = 24;
/// Room beside a text.
const GAP: u32 = 6;
/// The widest that the column of names becomes.
const WIDEST: u32 = 180;
const PAPER: Rgb<u8> = Rgb([255; 3]);
const INK: f32 = 32.0;

/// Writes into frames.
pub(super) struct Labels {
    font: FontRef<'static>,
    names: Vec<String>,
}

impl Labels {
    /// For classes of these names, in the order in which they are shown. One whose name has letters that the font lacks goes by its number.
    pub fn new(classes: &[String]) -> anyhow::Result<Self> {
        let font = FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT);
        let font = font.context("the font of the labels cannot be read: this is a defect of gandle")?;
        let known = |name: &str| name.chars().all(|letter| font.glyph_id(letter).0 != 0);
        let name = |(at, name): (usize, &String)| if known(name) { name.clone() } else { format!("class {at}") };
        let names = classes.iter().enumerate().map(name).collect();
        Ok(Self { font, names })
    }

    /// A frame with one row a class: the step above it, the names beside it.
    pub fn rows(&self, frame: &RgbImage, step: usize) -> RgbImage {
        let width = self.names.iter().map(|name| self.width(name)).max().unwrap_or(0).min(WIDEST) + 2 * GAP;
        let mut out = RgbImage::from_pixel(width + frame.width(), LINE + frame.height(), PAPER);
        image::imageops::replace(&mut out, frame, width.into(), LINE.into());
        self.write(&mut out, &format!("step {step}"), (GAP, 0), frame.width() + width - 2 * GAP);
        let height = frame.height() / u32::try_from(self.names.len()).unwrap_or(1).max(1);
        for (row, name) in (0..).zip(&self.names) {
            let top = LINE + row * height + height.saturating_sub(LINE) / 2;
            self.write(&mut out, name, (GAP, top), width - 2 * GAP);
        }
        out
    }

    /// A frame with one image a class, so many in a row: the step above it, each name above its image.
    pub fn cells(&self, frame: &RgbImage, columns: usize, step: usize) -> RgbImage {
        let columns = u32::try_from(columns).unwrap_or(1).max(1);
        let rows = u32::try_from(self.names.len()).unwrap_or(1).div_ceil(columns).max(1);
        let (width, height) = (frame.width() / columns, frame.height() / rows);
        let mut out = RgbImage::from_pixel(frame.width(), LINE + rows * (LINE + height), PAPER);
        self.write(&mut out, &format!("step {step}"), (GAP, 0), frame.width().saturating_sub(2 * GAP));
        for row in 0..rows {
            let part = image::imageops::crop_imm(frame, 0, row * height, frame.width(), height).to_image();
            image::imageops::replace(&mut out, &part, 0, (LINE + row * (LINE + height) + LINE).into());
        }
        for (at, name) in (0..).zip(&self.names) {
            let place = (at % columns * width + GAP, LINE + at / columns * (LINE + height));
            self.write(&mut out, name, place, width.saturating_sub(GAP));
        }
        out
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width on a picture")]
    fn width(&self, text: &str) -> u32 {
        let font = self.font.as_scaled(PxScale::from(LETTERS));
        text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum::<f32>().ceil() as u32
    }

    /// Writes a line whose upper left corner is at `(x, y)`; what is wider than `most` is cut and ends in dots.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places on a picture, which are clamped"
    )]
    fn write(&self, out: &mut RgbImage, text: &str, (x, y): (u32, u32), most: u32) {
        let mut text = text.to_owned();
        while self.width(&text) > most && text.chars().count() > 1 {
            text = text.trim_end_matches('\u{2026}').to_owned();
            text.pop();
            text.push('\u{2026}');
        }
        let font = self.font.as_scaled(PxScale::from(LETTERS));
        let base = y as f32 + (LINE as f32 - font.height()) / 2.0 + font.ascent();
        let mut at = x as f32;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            let glyph = id.with_scale_and_position(LETTERS, ab_glyph::point(at, base));
            at += font.h_advance(id);
            let Some(outline) = self.font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, cover| {
                let place = (corner.x + dx as f32, corner.y + dy as f32);
                if place.0 >= 0.0
                    && place.1 >= 0.0
                    && let Some(pixel) = out.get_pixel_mut_checked(place.0 as u32, place.1 as u32)
                {
                    let cover = cover.clamp(0.0, 1.0);
                    pixel.0 = pixel.0.map(|old| (f32::from(old) * (1.0 - cover) + INK * cover) as u8);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Labels {
        Labels::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn ink(image: &RgbImage, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|(x, y)| image.get_pixel(*x, *y).0[0] < 190).count()
    }

    #[test]
    fn names_stand_beside_their_rows_and_the_picture_is_left_alone() {
        let frame = RgbImage::from_pixel(120, 96, Rgb([200, 210, 220]));
        let labels = labels(&["a", "a much longer name"]);
        let out = labels.rows(&frame, 1200);
        let margin = out.width() - 120;
        assert_eq!(out.height(), LINE + 96);
        assert!((60..=WIDEST + 2 * GAP).contains(&margin), "{margin}");
        assert!(ink(&out, 0..out.width(), 0..LINE) > 20, "the step");
        let [upper, lower] = [LINE..LINE + 48, LINE + 48..LINE + 96].map(|rows| ink(&out, 0..margin, rows));
        assert!(upper > 5 && lower > 5 * upper, "{upper} {lower}");
        let inside = image::imageops::crop_imm(&out, margin, LINE, 120, 96).to_image();
        assert_eq!(inside, frame);
        // Another step, other pixels.
        assert_ne!(labels.rows(&frame, 1300), out);
    }

    #[test]
    fn names_stand_above_their_images() {
        let frame = RgbImage::from_pixel(80, 80, Rgb([250, 250, 250]));
        let out = labels(&["one", "two", "three"]).cells(&frame, 2, 7);
        assert_eq!(out.dimensions(), (80, LINE + 2 * (LINE + 40)));
        let name = |x, row: u32| ink(&out, x, LINE + row * (LINE + 40)..LINE + row * (LINE + 40) + LINE);
        assert!(name(0..40, 0) > 5 && name(40..80, 0) > 5 && name(0..40, 1) > 5);
        assert_eq!(name(46..80, 1), 0, "there is no fourth class");
    }

    #[test]
    fn a_name_that_cannot_be_written_is_a_number_and_one_that_is_too_long_is_cut() {
        assert_eq!(labels(&["\u{7d30}\u{80de}", "ok"]).names, ["class 0", "ok"]);
        let long = "m".repeat(500);
        let out = labels(&[&long]).rows(&RgbImage::new(10, 30), 1);
        assert_eq!(out.width(), 10 + WIDEST + 2 * GAP);
        // Smaller than its own label, and of no class at all.
        labels(&[]).rows(&RgbImage::new(1, 1), usize::MAX);
        labels(&[&long, "b"]).cells(&RgbImage::new(2, 2), 2, 0);
    }
}
