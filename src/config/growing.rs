//! `[growing]`: its keys, and what they mean.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};

const GROWS: Condition<Growing> = Condition::new("where the networks grow", &["growing.start"], |c| c.start != 0);

section! {
    /// `[growing]`: networks that begin with small images and grow to full size.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Growing in growing {
        start: usize = 0, "Grow from", own, says("0 (off), 8 or 16 pixels"), walk(&["8", "16"]),
            paper("Karras et al. 2018 (Progressive GAN)") =>
            "Trains on images of this size first and doubles it until `image_size` is reached, so that layout is learnt before detail; it stabilises training at 128 px and more, and early steps are many times faster. Each size has an output layer in the generator and an input layer in the discriminator; those of the full size, and all other layers, are those of a network that never grew. Before the full size is reached, grids and scores use the small images enlarged. Adam's moments are kept when a size comes in, where the authors' code resets them; new layers start without.",
        fade_images: usize = 20_000, "Images per fade", unit(" images"), when(GROWS),
            paper("Karras et al. 2018 (Progressive GAN)") =>
            "With `start`, the images shown while a new size fades in (`batch_size` x `accumulation` per step): both networks blend their old and new layers, and the share of the new ones rises linearly from 0 to 1. 0 switches at once, which disrupts what was learnt.",
        stable_images: usize = 20_000, "Images per size", unit(" images"), when(GROWS),
            paper("Karras et al. 2018 (Progressive GAN)") =>
            "With `start`, the images shown at each full size before the next one begins. The last size lasts until the end of the run. The paper uses 600000 and 800000 for each; small data sets need fewer.",
    }
}
