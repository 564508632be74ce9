//! `[transition]`: its keys, what they mean, what is wrong with them, and how much the label counts.

use serde::{Deserialize, Serialize};

use super::key::section;
use super::problem::ProblemList;
use super::{Conditioning, Config};

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

impl Config {
    pub(super) fn check_transition(&self, list: &mut ProblemList) {
        let t = &self.transition;
        if t.from == 0 && t.to == 0 {
            return;
        }
        if t.to <= t.from {
            list.error(
                "transition.to",
                format!(
                    "{} is not after transition.from ({}); use more than that, or set both to 0 for labels from the first step",
                    t.to, t.from
                ),
            )
            .fix("transition.from", 0)
            .fix("transition.to", 0);
        }
        if self.discriminator.conditioning == Conditioning::None {
            list.error("transition.to", "with discriminator.conditioning = \"none\" the discriminator never sees the label, so there is nothing to phase in. Choose another conditioning, or 0 here and in transition.from").fix("transition.from", 0).fix("transition.to", 0);
        }
        let shown = self.images_shown(self.train.steps as u64);
        if t.to as u64 > shown {
            let problem = list.warning("transition.to", format!("the run shows {shown} images and the label counts fully after {}: it ends before that. Use a smaller number, or more steps", t.to));
            self.mend_by_steps(problem, t.to as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;

    #[test]
    fn the_label_comes_in_along_a_line() {
        let transition = Transition { from: 100, to: 300 };
        assert_eq!([0, 100, 150, 299, 300, 1000].map(|n| transition.condition(n)), [0.0, 0.0, 0.25, 0.995, 1.0, 1.0]);
        assert_eq!(Transition::default().condition(0), 1.0);
    }

    #[test]
    fn a_transition_that_does_nothing_is_refused() {
        let keys = |from, to, conditioning| {
            let mut config = Config { transition: Transition { from, to }, ..Config::default() };
            config.discriminator.conditioning = conditioning;
            let errors = config.check(Some(1)).into_iter().filter(|p| p.level == Level::Error);
            errors.map(|p| p.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(10, 20, Conditioning::Projection), [""; 0]);
        assert_eq!(keys(20, 20, Conditioning::Projection), ["transition.to"]);
        assert_eq!(keys(20, 0, Conditioning::Projection), ["transition.to"]);
        assert_eq!(keys(10, 20, Conditioning::None), ["transition.to"]);
        // 4000 steps of 32 images.
        let mut config = Config { transition: Transition { from: 0, to: 128_000 }, ..Config::default() };
        assert_eq!(config.check(Some(3)), []);
        config.transition.to += 1;
        assert_eq!(config.check(Some(3)).first().map(|p| (p.level, p.key)), Some((Level::Warning, "transition.to")));
    }
}
