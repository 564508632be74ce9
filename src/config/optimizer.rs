//! `[optimizer]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::problem::ProblemList;
use super::{Discriminator, DiscriminatorFamily, Schedule, Updates};

const DECAYS: Condition<Optimizer> = Condition::new(
    "without a half-life or a ramp of the average",
    &["optimizer.ema_half_life", "optimizer.ema_share"],
    |c| c.ema_half_life == 0 && c.ema_share == 0.0,
);
const GAP: Condition<Optimizer> =
    Condition::new("where the rate follows the loss", &["optimizer.gap"], |c| c.gap != 0.0);
const FALLS: Condition<Optimizer> =
    Condition::new("with the linear or cosine schedule", &["optimizer.schedule"], |c| {
        matches!(c.schedule, Schedule::Linear | Schedule::Cosine)
    });
const DROPS: Condition<Optimizer> =
    Condition::new("with the step schedule", &["optimizer.schedule"], |c| c.schedule == Schedule::Step);

/// The other family judges features of a network that is frozen as it is.
const PIXELS: Condition<Discriminator> =
    Condition::new("with a discriminator of the family `dcgan`", &["discriminator.family"], |c| {
        c.family == DiscriminatorFamily::Dcgan
    });

section! {
    /// `[optimizer]`: how weights move (Adam, without weight decay).
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Optimizer in optimizer beside Discriminator {
        generator_lr: f64 = 1e-4, "Generator rate", live, within(0.0..=1.0), else_default, paper("Heusel et al. 2017") =>
            "Learning rate of the generator.",
        discriminator_lr: f64 = 4e-4, "Discriminator rate", live, within(0.0..=1.0), else_default,
            paper("Heusel et al. 2017") =>
            "Learning rate of the discriminator. Several times the generator's keeps the discriminator ahead without extra updates (two time-scale update rule).",
        beta1: f64 = 0.0, "Adam beta 1", within(0.0..1.0), paper("Kingma & Ba 2015") =>
            "Adam's decay of the mean gradient. 0 suits hinge with spectral normalisation; 0.5 is DCGAN's.",
        beta2: f64 = 0.9, "Adam beta 2", within(0.0..1.0), paper("Kingma & Ba 2015") =>
            "Adam's decay of the mean squared gradient. 0.9 follows changes quickly; 0.999 is the classic value.",
        discriminator_steps: usize = 1, "D updates per step", live, within(1..=100), walk(&["2"]),
            paper("Arjovsky et al. 2017") =>
            "Updates of the discriminator for each update of the generator. Each adds its full cost; 5 is usual with `wasserstein-gp`, 1 elsewhere.",
        accumulation: usize = 1, "Batches per update", within(1..=100), unit(" batches"), walk(&["2"]) =>
            "Batches whose gradients are accumulated for one update: the effect of a larger batch in the memory of a small one, in the time of all of them.",
        ema_decay: f64 = 0.999, "Moving average", live, within(0.0..1.0), when(DECAYS), walk(&["0"]),
            paper("Yaz\u{131}c\u{131} et al. 2019") =>
            "Decay per step of the moving average of the generator's weights. Grids, scores and exports use the averaged generator, for which the statistics of batch normalisation are recomputed; 0.999 averages about the last thousand steps.",
        ema_half_life: usize = 0, "Average half-life", says("images; 0 takes ema_decay"), walk(&["100"]),
            paper("Karras et al. 2019 (StyleGAN)") =>
            "The half-life of the average, in images: after so many, an old weight counts half. Unlike `ema_decay` it does not depend on the batch size; an image is one that an update of the discriminator sees.",
        ema_share: f64 = 0.0, "Average warm-up share", within(0.0..=1.0), zero("off"), unit(", share of the images seen"), walk(&["0.1"]),
            paper("Karras et al. 2020 (StyleGAN2-ADA, its ramp)") =>
            "Lets the average warm up: after this share of the images that the run has seen, an old weight counts half, until `ema_half_life` is less (where that is set). 0.1 forgets the random start within a few dozen steps and averages more and more as the run continues. It replaces `ema_decay`.",
        ema_warmup: bool = false, "Average warm-up" =>
            "Lets the average follow the weights closely in the first steps: its decay is at most (1 + t) / (10 + t) after t steps, as in TensorFlow's moving average. Grids and scores of a young run then show the generator and not its random start; later it changes nothing.",
        clip: f64 = 0.0, "Gradient clipping", live, zero("off"), walk(&["0.5"]), paper("Pascanu et al. 2013") =>
            "Largest norm of the gradient of all of a network's weights together; a larger one is scaled down to it. It saves a run that single bad batches would throw off course, for next to no time. With Adam it only matters where norms vary from update to update.",
        updates: Updates = Updates::Both, "Trained networks", live =>
            "Which networks learn in a step. Losses and gradients of both are still computed, so you can see what one network does while the other is frozen; it saves no time.",
        frozen_blocks: usize = 0, "Frozen D blocks", live, within(0..=8), zero("off"), when(PIXELS),
            paper("Mo et al. 2020 (FreezeD)") =>
            "Blocks of the discriminator, counted from the image, that do not learn. In a fork onto a small data set, what a discriminator has learnt of edges and textures is worth keeping, and one that learns nothing but its later layers overfits later. A new run has nothing to keep: its first blocks would stay random.",
        reuse_fakes: bool = false, "Reuse fakes", live =>
            "One batch of fakes serves both updates of a step: the discriminator judges them, learns, and judges the same images again for the generator. It saves a pass of the generator and, with `projected`, one of the frozen network, about a third of a step. With several `discriminator_steps`, the fakes of the last one are used.",
        gap: f64 = 0.0, "Rate follows loss", live, zero("off"), unit(", in units of the loss"), walk(&["0.5"]),
            paper("Hazimeh & Ponomareva 2023") =>
            "Lets the discriminator's learning rate follow its loss, so that it does not win: a moving average of the adversarial loss (decay 0.95) is compared with the loss of a discriminator that cannot tell real from fake (2 for `hinge`, 1.39 for `bce`, 0.25 for `least-squares`, 0 for `wasserstein-gp`; twice that with a U-Net). This far below it the rate is multiplied by `gap_lowest`, this far above by `gap_highest`, in between by a power of them. The paper's value is a tenth of that loss; 1 with `hinge` holds a strong discriminator back without stopping it.",
        gap_from: f64 = 0.0, "Rate falls from", live, within(0.0..=0.95), unit(", share of the gap"), when(GAP), walk(&["0.5"]) =>
            "With `gap`, the share of it within which the loss may move before the rate follows it. 0 is the paper's: a discriminator that does well learns more slowly, too, and the generator then tends to repeat itself. 0.7 acts only where the discriminator has nearly won.",
        gap_lowest: f64 = 0.1, "Lowest rate factor", live, within(1e-6..=1.0), when(GAP), paper("Hazimeh & Ponomareva 2023") =>
            "With `gap`, the factor for the discriminator's rate where it wins. 0.1 is the paper's; one that judges frozen features needs less.",
        gap_highest: f64 = 2.0, "Highest rate factor", live, within(1.0..=100.0), when(GAP),
            paper("Hazimeh & Ponomareva 2023") =>
            "With `gap`, the factor for the discriminator's rate where it loses. 2 is the paper's; 1 never raises it.",
        schedule: Schedule = Schedule::Constant, "Rate schedule" =>
            "How both learning rates change over the run. Falling rates refine the last details.",
        decay_from: f64 = 0.5, "Decay begins at", within(0.0..1.0), unit(", share of the run"), when(FALLS) =>
            "With `linear` and `cosine`, the share of the run after which the rates begin to fall.",
        decay_to: f64 = 0.0, "Decay ends at", within(0.0..=1.0), unit(", share of the rate"), when(FALLS) =>
            "With `linear` and `cosine`, the share of the rates left at the end.",
        drop_every: usize = 1000, "Drop every", within(1..), unit(" steps"), why("0 steps between drops are impossible"), when(DROPS) =>
            "With `step`, the steps between two drops in the rates.",
        drop_factor: f64 = 0.5, "Drop factor", within(0.0..=1.0), when(DROPS) =>
            "With `step`, the factor by which each drop multiplies the rates.",
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
    pub(super) fn check(&self, list: &mut ProblemList) {
        for (key, lr) in
            [("optimizer.generator_lr", self.generator_lr), ("optimizer.discriminator_lr", self.discriminator_lr)]
        {
            if lr == 0.0 {
                list.warning_of_default(key, "with a rate of 0 the network never learns");
            }
            if lr > 2e-3 && lr <= 1.0 {
                list.warning(
                    key,
                    format!("{lr} is far above the usual 0.00005 to 0.001: losses are likely to blow up"),
                )
                .fix(key, 0.001);
            }
        }
        if self.updates != Updates::Both {
            let still = if self.updates == Updates::Generator { "discriminator" } else { "generator" };
            list.warning("optimizer.updates", format!("the {still} is frozen, so nothing counters the other network; use it to look at a few steps, not for a run")).fix("optimizer.updates", "both");
        }
    }
}

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
