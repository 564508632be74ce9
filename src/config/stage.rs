//! Which stage a run is in: how large its images are, how much the label counts, and what of either cannot be.

use super::problem::{Problem, ProblemList};
use super::{Conditioning, Config};

/// What both networks are at some moment of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Side of the images in pixels; nothing where they have their full size and no layer is fading in.
    pub resolution: Option<usize>,
    /// How much the layers of that resolution count beside those of half of it: above 0, and 1 once they are all.
    pub fade: f64,
    /// How much the label counts: 0 not at all, 1 wholly.
    pub condition: f64,
}

impl Stage {
    /// The networks as they are at the end: full size, the label counts wholly.
    pub const WHOLE: Self = Self { resolution: None, fade: 1.0, condition: 1.0 };

    /// Whether layers are fading in.
    pub fn fading(&self) -> bool {
        self.fade < 1.0
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Config {
    /// Images shown after so many steps: of each step, those of one update of the discriminator, as speed and half-lives count
    /// them. How many updates a step has may change while a run goes on, and must not move a stage that is over.
    pub fn images_shown(&self, steps: u64) -> u64 {
        steps.saturating_mul(self.images_per_step() as u64)
    }

    /// What the networks are after so many steps: in the step that follows, and in what is drawn before it. It goes by that
    /// count alone, so that a run that goes on from a checkpoint needs to remember nothing else.
    pub fn stage(&self, steps: u64) -> Stage {
        let shown = self.images_shown(steps);
        let (resolution, fade) = self.growth(shown);
        Stage { resolution, fade, condition: self.transition.condition(shown) }
    }

    fn growth(&self, shown: u64) -> (Option<usize>, f64) {
        let g = &self.growing;
        let (mut left, mut resolution) = (shown, g.start);
        while resolution > 0 && resolution < self.image_size {
            // A share of 0 is the resolution before, which costs less.
            if left <= g.stable_images as u64 {
                return (Some(resolution), 1.0);
            }
            left -= g.stable_images as u64;
            resolution = resolution.saturating_mul(2);
            if left < g.fade_images as u64 {
                return (Some(resolution), left as f64 / g.fade_images as f64);
            }
            left -= g.fade_images as u64;
        }
        (None, 1.0)
    }

    /// Resolutions that the networks are trained at before the full one, in order; none where they do not grow.
    pub fn growing_resolutions(&self) -> Vec<usize> {
        let known = STARTS.contains(&self.growing.start);
        let first = known.then_some(self.growing.start);
        std::iter::successors(first, |resolution| resolution.checked_mul(2))
            .take_while(|r| *r < self.image_size)
            .collect()
    }

    /// Images after which the networks have their full size.
    fn images_to_grow(&self) -> u64 {
        let g = &self.growing;
        let stages = self.growing_resolutions().len() as u64;
        stages.saturating_mul((g.fade_images as u64).saturating_add(g.stable_images as u64))
    }

    /// As many steps as show so many images mend it, where a run may have so many.
    fn mend_by_steps(&self, problem: &mut Problem, images: u64) {
        let steps = images.div_ceil(self.images_shown(1).max(1));
        if steps <= 1_000_000_000 {
            problem.fix("train.steps", steps);
        }
    }

    pub(super) fn check_growing(&self, list: &mut ProblemList) {
        let g = &self.growing;
        if g.start == 0 {
            return;
        }
        if !STARTS.contains(&g.start) {
            list.error("growing.start", format!("{} is none of 0 (off), 8 and 16 px", g.start)).fix("growing.start", 8);
            return;
        }
        if g.start >= self.image_size {
            let smaller = STARTS.into_iter().filter(|start| *start < self.image_size).max().unwrap_or(0);
            list.error("growing.start", format!("images of {} px cannot grow to {} px", g.start, self.image_size))
                .fix("growing.start", smaller);
        }
        if self.discriminator.scales > 1 {
            list.error("growing.start", "growing allows only one discriminator, since the images of the first stages are too small for further scales. Use discriminator.scales = 1, or growing.start = 0").fix("discriminator.scales", 1);
        }
        if self.discriminator.unet {
            list.error("growing.start", "a U-Net's decoder gives logits for pixels of full size, which the images of the first stages do not have. Use discriminator.unet = false, or growing.start = 0").fix("discriminator.unet", false);
        }
        if g.fade_images == 0 && g.stable_images == 0 {
            list.mended_by_default(
                "growing.stable_images",
                "stages of 0 images train nothing; set 1 or more here or in growing.fade_images, or growing.start = 0",
            );
        }
        let shown = self.images_shown(self.train.steps as u64);
        if self.images_to_grow() > shown {
            let needed = self.images_to_grow();
            let problem = list.warning("growing.stable_images", format!("the run shows {shown} images and growing to {} px takes {needed}: it ends before the networks have their full size. Use fewer images per stage, or more steps", self.image_size));
            self.mend_by_steps(problem, needed);
        }
    }

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

/// Sides of the first images.
const STARTS: [usize; 2] = [8, 16];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Growing, Level, Transition};

    fn growing() -> Config {
        let mut config = Config { image_size: 32, ..Config::default() };
        config.growing = Growing { start: 8, fade_images: 40, stable_images: 60 };
        (config.train.batch_size, config.optimizer.accumulation, config.optimizer.discriminator_steps) = (10, 2, 3);
        config
    }

    #[test]
    fn stages_follow_the_count_of_images() {
        let config = growing();
        // A step shows 20 images.
        let stages: Vec<(Option<usize>, f64)> =
            (0..13).map(|step| config.stage(step)).map(|stage| (stage.resolution, stage.fade)).collect();
        let eight = (Some(8), 1.0);
        let sixteen = (Some(16), 1.0);
        assert_eq!(stages[..5], [eight, eight, eight, eight, (Some(16), 0.5)]);
        assert_eq!(stages[5..10], [sixteen, sixteen, sixteen, sixteen, (Some(32), 0.5)]);
        assert_eq!(stages[10..], [(None, 1.0); 3]);
        assert_eq!(config.growing_resolutions(), [8, 16]);
        assert_eq!(config.stage(u64::MAX), Stage::WHOLE);
        assert_eq!(Config::default().stage(0), Stage::WHOLE);
    }

    #[test]
    fn without_a_fade_a_size_comes_at_once_and_without_rest_fades_follow_each_other() {
        let mut config = growing();
        config.growing.fade_images = 0;
        assert_eq!([3, 4, 6, 7].map(|step| config.stage(step).resolution), [Some(8), Some(16), Some(16), None]);
        config.growing = Growing { start: 8, fade_images: 40, stable_images: 0 };
        let stages = [0, 1, 2, 3, 4].map(|step| (config.stage(step).resolution, config.stage(step).fade));
        assert_eq!(stages, [(Some(8), 1.0), (Some(16), 0.5), (Some(16), 1.0), (Some(32), 0.5), (None, 1.0)]);
    }

    #[test]
    fn what_cannot_grow_is_refused() {
        let errors = |change: fn(&mut Config)| {
            let mut config = growing();
            change(&mut config);
            let problems = config.check(Some(3));
            problems.into_iter().filter(|p| p.level == Level::Error).map(|p| p.key).collect::<Vec<_>>()
        };
        assert_eq!(errors(|_| ()), [""; 0]);
        assert_eq!(errors(|c| c.growing.start = 4), ["growing.start"]);
        assert_eq!(errors(|c| c.growing.start = 32), ["growing.start"]);
        assert_eq!(errors(|c| (c.image_size, c.growing.start) = (16, 16)), ["growing.start"]);
        assert_eq!(errors(|c| c.discriminator.scales = 2), ["growing.start"]);
        assert_eq!(errors(|c| c.discriminator.unet = true), ["growing.start"]);
        assert_eq!(errors(|c| c.growing.fade_images = 2_000_000_000), ["growing.fade_images"]);
        assert_eq!(errors(|c| c.image_size = usize::MAX), ["image_size"]);
        let none = |c: &mut Config| (c.growing.fade_images, c.growing.stable_images) = (0, 0);
        assert_eq!(errors(none), ["growing.stable_images"]);
        let mut short = growing();
        short.train.steps = 9;
        let warned = short.check(Some(3));
        assert!(warned.iter().any(|p| p.key == "growing.stable_images" && p.message.contains("180")), "{warned:?}");
        short.train.steps = 10;
        assert_eq!(short.check(Some(3)), []);
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
