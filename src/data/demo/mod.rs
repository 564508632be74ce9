//! The drawn demo set: six kinds of stained blood cell, so that the first run needs no data.
//!
//! Every image is drawn from geometry and dyes, none is a photograph. Image `index` of class `class` is the same in
//! every run: its chance comes from [`SEED`], not from the run's seed. (Machines whose sines and exponentials round
//! differently may differ by one in a few bytes.)

mod canvas;
mod granulocytes;
mod mononuclear;
mod shape;
mod smear;

use canvas::{Canvas, Optics};
use smear::Stain;

use super::convert;
use crate::config::rng::{Purpose, stream};

/// The classes in label order, which is that of their names, as it would be of folders.
pub const CLASSES: [&str; 6] = ["basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil", "platelet"];

/// The seed of every image of the set.
pub const SEED: u64 = 0;

/// Draws an image: `size * size * channels` bytes, row by row, `channels` being 1 or 3. `class` is a label below 6.
pub fn render(class: usize, index: u64, size: usize, channels: usize) -> Vec<u8> {
    let mut rng = stream(SEED, Purpose::Demo, (class as u64) << 40 | index);
    let mut canvas = Canvas::new(size * oversampling(size));
    let optics = Optics::draw(&mut rng);
    let stain = Stain::draw(&mut rng);
    match class {
        0 => granulocytes::basophil(&mut canvas, &mut rng, &stain),
        1 => granulocytes::eosinophil(&mut canvas, &mut rng, &stain),
        2 => mononuclear::lymphocyte(&mut canvas, &mut rng, &stain),
        3 => mononuclear::monocyte(&mut canvas, &mut rng, &stain),
        4 => granulocytes::neutrophil(&mut canvas, &mut rng, &stain),
        _ => smear::platelets(&mut canvas, &mut rng, &stain),
    }
    let rgb = canvas.expose(&mut rng, &optics, size);
    if channels == 1 { convert::rgb_to_grey(&rgb) } else { rgb }
}

/// Canvas pixels for each image pixel and direction: small images are drawn finer and averaged down.
fn oversampling(size: usize) -> usize {
    match size {
        0..=24 => 4,
        25..=48 => 3,
        49..=96 => 2,
        _ => 1,
    }
}
