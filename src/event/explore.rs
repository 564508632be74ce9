//! What a watcher may ask to see of a checkpoint's generator.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Images to draw, as one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Exploration {
    /// The session's folder.
    pub session: PathBuf,
    /// The checkpoint's step.
    pub step: usize,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
    /// Which of the images that `gandle sample --seed` draws of a class gives a seed's noise, counted from 0.
    pub number: usize,
    /// Which images.
    pub view: View,
}

/// Which images of a generator. The noise of a seed is that of one of the images that `gandle sample --seed` draws of the class:
/// of the first, unless [`Exploration::number`] says another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// One image for each of so many seeds in a row.
    Seeds {
        /// The class.
        class: usize,
        /// The first seed.
        first: u64,
        /// How many.
        count: usize,
    },
    /// So many images on the way from one seed's noise to another's, by spherical interpolation.
    Walk {
        /// The class.
        class: usize,
        /// Where it begins.
        from: u64,
        /// Where it ends.
        to: u64,
        /// How many, both ends counted.
        count: usize,
    },
    /// So many images of one noise on the way from a class to another, in rows of as many seeds as there are.
    Morph {
        /// Where it begins.
        from: usize,
        /// Where it ends.
        to: usize,
        /// The first seed.
        first: u64,
        /// Rows, one a seed.
        rows: usize,
        /// Images a row, both ends counted.
        count: usize,
    },
    /// A map around a seed's noise: two directions that other seeds name, followed on the sphere that noise lies on.
    Map {
        /// The class.
        class: usize,
        /// The middle of the map.
        seed: u64,
        /// Seeds of the directions to the right and up.
        directions: [u64; 2],
        /// What is in the middle of the picture, in degrees to the right and up.
        centre: [f32; 2],
        /// Degrees from one image to the next.
        step: f32,
        /// Images a side.
        side: usize,
    },
}
