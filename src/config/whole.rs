//! The whole configuration: its sections, and how their keys find them.

use serde::{Deserialize, Serialize};

use super::{Augment, Data, Discriminator, Generator, Growing, Loss, Optimizer, Score, Train, Transition};

/// The whole configuration of a run, as `run.toml` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width and height of the images in pixels: a power of two from 16 to 512.
    pub image_size: usize,
    /// 3 for colour, 1 for grey.
    pub channels: usize,
    /// Where images come from and how they are varied.
    pub data: Data,
    /// The network that draws images.
    pub generator: Generator,
    /// The network that judges them.
    pub discriminator: Discriminator,
    /// What the two are trained to lower.
    pub loss: Loss,
    /// How images are changed before the discriminator sees them.
    pub augment: Augment,
    /// How their weights move.
    pub optimizer: Optimizer,
    /// How the networks grow to their full size.
    pub growing: Growing,
    /// How labels come in.
    pub transition: Transition,
    /// How long, how much at a time, and what is kept.
    pub train: Train,
    /// How often the images are scored, and by what.
    #[serde(default = "Score::first_release")]
    pub score: Score,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            image_size: 64,
            channels: 3,
            data: Data::default(),
            generator: Generator::default(),
            discriminator: Discriminator::default(),
            loss: Loss::default(),
            augment: Augment::default(),
            optimizer: Optimizer::default(),
            growing: Growing::default(),
            transition: Transition::default(),
            train: Train::default(),
            score: Score::default(),
        }
    }
}

macro_rules! holds {
    ($($field:ident: $section:ty),+) => {
        $(impl AsRef<$section> for Config {
            fn as_ref(&self) -> &$section { &self.$field }
        }
        impl AsMut<$section> for Config {
            fn as_mut(&mut self) -> &mut $section { &mut self.$field }
        })+
    };
}
holds! {
    data: Data,
    generator: Generator,
    discriminator: Discriminator,
    loss: Loss,
    augment: Augment,
    optimizer: Optimizer,
    growing: Growing,
    transition: Transition,
    train: Train,
    score: Score
}

impl Config {
    /// Whether training sees 16 bits of grey values: not of colours, and not of the drawn set, which has 8.
    pub fn is_deep(&self) -> bool {
        self.data.depth == 16 && self.channels == 1 && !self.data.is_demo()
    }
}

/// What the window calls images with colour and without.
pub fn channels_name(coloured: bool) -> &'static str {
    if coloured { "Colour" } else { "Grey" }
}
