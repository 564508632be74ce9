//! `[optimizer]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::explain::{Explanation, key};
use super::problem::{List, below_one, range, whole};
use super::{Schedule, Updates};

/// `[optimizer]`: how weights move (Adam, without weight decay).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// Learning rate of the generator.
    pub generator_lr: f64,
    /// Learning rate of the discriminator.
    pub discriminator_lr: f64,
    /// Adam's decay of the mean gradient.
    pub beta1: f64,
    /// Adam's decay of the mean squared gradient.
    pub beta2: f64,
    /// Updates of the discriminator for each of the generator.
    pub discriminator_steps: usize,
    /// Batches whose gradients are added up for one update.
    pub accumulation: usize,
    /// Decay of the moving average of the generator's weights; 0 follows the weights themselves.
    pub ema_decay: f64,
    /// Images after which an old weight counts half in the average, instead of `ema_decay`; 0 takes `ema_decay`.
    pub ema_half_life: usize,
    /// The share of the images seen so far after which an old weight counts half, where that is fewer than `ema_half_life`; 0 for
    /// no such bound.
    pub ema_share: f64,
    /// Let the average follow closely at first: its decay is at most `(1 + t) / (10 + t)` after t steps.
    pub ema_warmup: bool,
    /// Largest norm of the whole gradient of a network; longer ones are scaled down to it, and 0 leaves them.
    pub clip: f64,
    /// Which networks learn.
    pub updates: Updates,
    /// Let the discriminator's fakes serve the generator's update too, instead of drawing new ones.
    pub reuse_fakes: bool,
    /// How far the discriminator's loss may fall below that of one who cannot tell fakes from real images until its learning rate is
    /// lowest, and above until it is highest; 0 lets the rate be.
    pub gap: f64,
    /// What the learning rate is multiplied with where the loss is that far below.
    pub gap_lowest: f64,
    /// What it is multiplied with where the loss is that far above.
    pub gap_highest: f64,
    /// How both learning rates change over the run.
    pub schedule: Schedule,
    /// `linear` and `cosine` only: the share of the run at which the decay begins.
    pub decay_from: f64,
    /// `linear` and `cosine` only: the share of the learning rate that is left at the end.
    pub decay_to: f64,
    /// `step` only: steps between two drops.
    pub drop_every: usize,
    /// `step` only: what a drop multiplies the learning rate with.
    pub drop_factor: f64,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self {
            generator_lr: 1e-4,
            discriminator_lr: 4e-4,
            beta1: 0.0,
            beta2: 0.9,
            discriminator_steps: 1,
            accumulation: 1,
            ema_decay: 0.999,
            ema_half_life: 0,
            ema_share: 0.0,
            ema_warmup: false,
            clip: 0.0,
            updates: Updates::Both,
            reuse_fakes: false,
            gap: 0.0,
            gap_lowest: 0.1,
            gap_highest: 2.0,
            schedule: Schedule::Constant,
            decay_from: 0.5,
            decay_to: 0.0,
            drop_every: 1000,
            drop_factor: 0.5,
        }
    }
}

impl Optimizer {
    /// What both learning rates are multiplied with at `step` (counted from 1) of a run of `steps`.
    pub fn lr_factor(&self, step: usize, steps: usize) -> f64 {
        let progress = if steps == 0 { 0.0 } else { (step.saturating_sub(1)) as f64 / steps as f64 };
        let decayed = ((progress - self.decay_from) / (1.0 - self.decay_from).max(1e-9)).clamp(0.0, 1.0);
        let between = |left: f64| self.decay_to + (1.0 - self.decay_to) * left;
        match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Linear => between(1.0 - decayed),
            Schedule::Cosine => between(0.5 * (1.0 + (std::f64::consts::PI * decayed).cos())),
            Schedule::Step => {
                let drops = step.saturating_sub(1) / self.drop_every.max(1);
                self.drop_factor.powi(i32::try_from(drops).unwrap_or(i32::MAX))
            }
        }
    }

    /// The decay of the moving average in the step after `done` ones, where a step has so many `images`.
    pub fn average_decay(&self, done: u64, images: usize) -> f64 {
        let half_life = match (self.ema_half_life, self.ema_share * (done + 1) as f64 * images as f64) {
            (0, 0.0) => None,
            (most, 0.0) => Some(most as f64),
            (0, share) => Some(share),
            (most, share) => Some(share.min(most as f64)),
        };
        let decay = half_life.map_or(self.ema_decay, |half_life| 0.5f64.powf(images as f64 / half_life));
        if self.ema_warmup { decay.min((1.0 + done as f64) / (10.0 + done as f64)) } else { decay }
    }

    /// Whether weights are averaged at all; else the average is the live generator.
    pub fn averages(&self) -> bool {
        self.ema_share > 0.0 || self.ema_half_life > 0 || self.ema_decay > 0.0
    }

    /// The share of the start weights in the average after so many steps of so many `images`; 0 where it is next to nothing.
    pub fn start_share(&self, steps: usize, images: usize) -> f64 {
        let mut left = 1.0;
        for done in 0..steps as u64 {
            left *= self.average_decay(done, images);
            if left < 1e-3 {
                return 0.0;
            }
        }
        left
    }

    /// Steps, of so many `images`, that the average reaches back over; 0 for one that never reaches back to the start.
    pub fn average_reach(&self, images: usize) -> f64 {
        match self.ema_half_life {
            _ if self.ema_share > 0.0 => 0.0,
            0 => 1.0 / (1.0 - self.ema_decay).max(1e-6),
            half_life => half_life as f64 / (images.max(1) as f64 * std::f64::consts::LN_2),
        }
    }

    /// The problems that lie in these keys alone.
    pub(super) fn check(&self, list: &mut List) {
        range(list, "optimizer.ema_share", self.ema_share, 0.0..=1.0);
        for (key, lr) in
            [("optimizer.generator_lr", self.generator_lr), ("optimizer.discriminator_lr", self.discriminator_lr)]
        {
            if !(0.0..=1.0).contains(&lr) {
                list.mended_by_default(key, format!("{lr} is outside 0 to 1"));
            }
            if lr == 0.0 {
                list.warning(key, "with a rate of 0 the network never learns").fix_by_default(key);
            }
            if lr > 2e-3 && lr <= 1.0 {
                list.warning(
                    key,
                    format!("{lr} is far above the usual 0.00005 to 0.001: losses are likely to blow up"),
                )
                .fix(key, 0.001);
            }
        }
        for (key, beta) in
            [("optimizer.beta1", self.beta1), ("optimizer.beta2", self.beta2), ("optimizer.ema_decay", self.ema_decay)]
        {
            below_one(list, key, beta);
        }
        for (key, value) in
            [("optimizer.discriminator_steps", self.discriminator_steps), ("optimizer.accumulation", self.accumulation)]
        {
            whole(list, key, value, 1..=100);
        }
        range(list, "optimizer.gap", self.gap, 0.0..=1e6);
        range(list, "optimizer.gap_lowest", self.gap_lowest, 1e-6..=1.0);
        range(list, "optimizer.gap_highest", self.gap_highest, 1.0..=100.0);
        range(list, "optimizer.clip", self.clip, 0.0..=1e6);
        if self.updates != Updates::Both {
            let still = if self.updates == Updates::Generator { "discriminator" } else { "generator" };
            list.warning("optimizer.updates", format!("the {still} is frozen, so nothing counters the other network; use it to look at a few steps, not for a run")).fix("optimizer.updates", "both");
        }
        below_one(list, "optimizer.decay_from", self.decay_from);
        range(list, "optimizer.decay_to", self.decay_to, 0.0..=1.0);
        range(list, "optimizer.drop_factor", self.drop_factor, 0.0..=1.0);
        if self.drop_every == 0 {
            list.mended_by_default("optimizer.drop_every", "0 steps between drops are impossible; use 1 or more");
        }
    }
}

/// Its keys, in the order of the struct.
pub(super) const EXPLAINED: &[Explanation] = &[
    key("optimizer.generator_lr", "0 to 1", "Heusel et al. 2017", "Learning rate of the generator."),
    key(
        "optimizer.discriminator_lr",
        "0 to 1",
        "Heusel et al. 2017",
        "Learning rate of the discriminator. Several times the generator's keeps the discriminator ahead without extra updates (two time-scale update rule).",
    ),
    key(
        "optimizer.beta1",
        "0 to 1 (excluded)",
        "Kingma & Ba 2015",
        "Adam's decay of the mean gradient. 0 suits hinge with spectral normalisation; 0.5 is DCGAN's.",
    ),
    key(
        "optimizer.beta2",
        "0 to 1 (excluded)",
        "Kingma & Ba 2015",
        "Adam's decay of the mean squared gradient. 0.9 follows changes quickly; 0.999 is the classic value.",
    ),
    key(
        "optimizer.discriminator_steps",
        "1 to 100",
        "Arjovsky et al. 2017",
        "Updates of the discriminator for each update of the generator. Each adds its full cost; 5 is usual with `wasserstein-gp`, 1 elsewhere.",
    ),
    key(
        "optimizer.accumulation",
        "1 to 100 batches",
        "",
        "Batches whose gradients are accumulated for one update: the effect of a larger batch in the memory of a small one, in the time of all of them.",
    ),
    key(
        "optimizer.ema_decay",
        "0 to 1 (excluded)",
        "Yaz\u{131}c\u{131} et al. 2019",
        "Decay per step of the moving average of the generator's weights. Grids, scores and exports use the averaged generator, for which the statistics of batch normalisation are recomputed; 0.999 averages about the last thousand steps.",
    ),
    key(
        "optimizer.ema_half_life",
        "images; 0 takes ema_decay",
        "Karras et al. 2019 (StyleGAN)",
        "The half-life of the average, in images: after so many, an old weight counts half. Unlike `ema_decay` it does not depend on the batch size; an image is one that an update of the discriminator sees.",
    ),
    key(
        "optimizer.ema_share",
        "0 (off) to 1, share of the images seen",
        "Karras et al. 2020 (StyleGAN2-ADA, its ramp)",
        "Lets the average warm up: after this share of the images that the run has seen, an old weight counts half, until `ema_half_life` is less (where that is set). 0.1 forgets the random start within a few dozen steps and averages more and more as the run continues. It replaces `ema_decay`.",
    ),
    key(
        "optimizer.ema_warmup",
        "true or false",
        "",
        "Lets the average follow the weights closely in the first steps: its decay is at most (1 + t) / (10 + t) after t steps, as in TensorFlow's moving average. Grids and scores of a young run then show the generator and not its random start; later it changes nothing.",
    ),
    key(
        "optimizer.clip",
        "0 (off) or more",
        "Pascanu et al. 2013",
        "Largest norm of the gradient of all of a network's weights together; a larger one is scaled down to it. It saves a run that single bad batches would throw off course, for next to no time. With Adam it only matters where norms vary from update to update.",
    ),
    key(
        "optimizer.updates",
        "\"both\", \"discriminator\" or \"generator\"",
        "",
        "Which networks learn in a step. Losses and gradients of both are still computed, so you can see what one network does while the other is frozen; it saves no time.",
    ),
    key(
        "optimizer.reuse_fakes",
        "true or false",
        "",
        "One batch of fakes serves both updates of a step: the discriminator judges them, learns, and judges the same images again for the generator. It saves a pass of the generator and, with `projected`, one of the frozen network, about a third of a step. With several `discriminator_steps`, the fakes of the last one are used.",
    ),
    key(
        "optimizer.gap",
        "0 (off) or more, in units of the loss",
        "Hazimeh & Ponomareva 2023",
        "Lets the discriminator's learning rate follow its loss, so that it does not win: a moving average of the adversarial loss (decay 0.95) is compared with the loss of a discriminator that cannot tell real from fake (2 for `hinge`, 1.39 for `bce`, 0.25 for `least-squares`, 0 for `wasserstein-gp`; twice that with a U-Net). This far below it the rate is multiplied by `gap_lowest`, this far above by `gap_highest`, in between by a power of them. The paper's value is a tenth of that loss; 1 with `hinge` holds a strong discriminator back without stopping it.",
    ),
    key(
        "optimizer.gap_lowest",
        "0.000001 to 1",
        "Hazimeh & Ponomareva 2023",
        "With `gap`, the factor for the discriminator's rate where it wins. 0.1 is the paper's; one that judges frozen features needs less.",
    ),
    key(
        "optimizer.gap_highest",
        "1 to 100",
        "Hazimeh & Ponomareva 2023",
        "With `gap`, the factor for the discriminator's rate where it loses. 2 is the paper's; 1 never raises it.",
    ),
    key(
        "optimizer.schedule",
        "\"constant\", \"linear\", \"cosine\" or \"step\"",
        "",
        "How both learning rates change over the run. Falling rates refine the last details.",
    ),
    key(
        "optimizer.decay_from",
        "0 to 1 (excluded), share of the run",
        "",
        "With `linear` and `cosine`, the share of the run after which the rates begin to fall.",
    ),
    key(
        "optimizer.decay_to",
        "0 to 1, share of the rate",
        "",
        "With `linear` and `cosine`, the share of the rates left at the end.",
    ),
    key("optimizer.drop_every", "1 or more steps", "", "With `step`, the steps between two drops in the rates."),
    key("optimizer.drop_factor", "0 to 1", "", "With `step`, the factor by which each drop multiplies the rates."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_warms_up_and_a_half_life_halves() {
        let plain = Optimizer::default();
        assert_eq!([plain.average_decay(0, 32), plain.average_decay(9999, 1)], [0.999, 0.999]);
        let warm = Optimizer { ema_warmup: true, ..Optimizer::default() };
        assert_eq!([warm.average_decay(0, 32), warm.average_decay(8, 32)], [0.1, 0.5]);
        assert_eq!(warm.average_decay(100_000, 32), 0.999);
        let half = Optimizer { ema_half_life: 1000, ..Optimizer::default() };
        assert!((half.average_decay(0, 100).powi(10) - 0.5).abs() < 1e-12);
        // A tenth of the 50 images seen is 5, then of 20000 seen 2000, which is more than the half-life.
        let ramp = Optimizer { ema_share: 0.1, ..half.clone() };
        assert_eq!(ramp.average_decay(0, 50), 0.5f64.powi(10));
        assert_eq!(ramp.average_decay(199, 100), half.average_decay(199, 100));
        let alone = Optimizer { ema_half_life: 0, ..ramp.clone() };
        assert_eq!(alone.average_decay(199, 100), 0.5f64.powf(100.0 / 2000.0));
        let reach = [&plain, &half, &ramp, &alone].map(|o| o.average_reach(10).round());
        assert_eq!(reach, [1000.0, 144.0, 0.0, 0.0]);
    }
}
