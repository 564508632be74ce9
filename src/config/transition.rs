//! `[transition]`: its keys, what they mean, and how much the label counts.

use serde::{Deserialize, Serialize};

use super::key::section;

section! {
    /// `[transition]`: training that begins without labels and brings them in.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Transition in transition {
        from: usize = 0, "Labels begin after", unit(" images"), paper("Shahbazi et al. 2022 (Collapse by Conditioning)") =>
            "With `to`, the images shown before labels begin to count (`batch_size` x `accumulation` per step); until then both networks train as if there were none. Start with a quarter to a half of the run.",
        to: usize = 0, "Labels count fully after", says("0 (off), or images, more than `from`"), walk(&["12"]),
            paper("Shahbazi et al. 2022 (Collapse by Conditioning)") =>
            "Images after which labels count fully; between `from` and `to` their share s rises from 0 to 1. With labels from the start, small classes tend to collapse early; without them, all classes first teach shapes together. In the generator s multiplies the label's embedding, and `conditional-batch` takes s of the class's own scale and shift and 1 - s of the mean over classes; in the discriminator s multiplies the label's channels, the projection or the classification loss. Unlike in the paper, no second head remains: at s = 1 networks and losses are the ordinary ones. It costs nothing.",
    }
}

impl Transition {
    /// How much the label counts after so many images: `(shown - from) / (to - from)`, within 0 and 1.
    pub fn condition(&self, shown: u64) -> f64 {
        if self.to == 0 || shown >= self.to as u64 {
            return 1.0;
        }
        shown.saturating_sub(self.from as u64) as f64 / self.to.saturating_sub(self.from).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_comes_in_along_a_line() {
        let transition = Transition { from: 100, to: 300 };
        assert_eq!([0, 100, 150, 299, 300, 1000].map(|n| transition.condition(n)), [0.0, 0.0, 0.25, 0.995, 1.0, 1.0]);
        assert_eq!(Transition::default().condition(0), 1.0);
    }
}
