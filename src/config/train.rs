//! `[train]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::problem::ProblemList;

const REMOVED: Condition<Train> =
    Condition::new("where older checkpoints are removed", &["train.keep_checkpoints"], |c| c.keep_checkpoints > 0);
const NOISE: Condition<Train> =
    Condition::new("with instance noise above 0", &["train.instance_noise"], |c| c.instance_noise != 0.0);
const BLUR: Condition<Train> = Condition::new("with a blur above 0", &["train.blur"], |c| c.blur != 0.0);

section! {
    /// `[train]`: how long, how much at a time, and what is kept.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Train in train {
        steps: usize = 4000, "Steps", within(1..), why("a run of 0 steps trains nothing") =>
            "Steps in the whole run. A step is the discriminator's updates and one update of the generator.",
        minutes: f64 = 0.0, "Minutes at most", live, free, zero("off"), unit(" minutes") =>
            "Minutes of training after which the run ends as if it had reached its last step, with a score, a grid and a checkpoint. Pauses, scores and grids do not count. It does not change what a step computes; falling learning rates still follow `train.steps`. A run that it has ended can be continued with a larger value.",
        batch_size: usize = 32, "Batch size", within(1..=4096), unit(" images"), else_default =>
            "Images per batch. Larger batches give steadier gradients and take proportionally more time and memory.",
        seed: u64 = 0, "Seed" =>
            "Seed of all random numbers. The same seed on the same machine with the same number of threads gives the same bits.",
        checkpoint_every: usize = 500, "Checkpoint every", live, free, says("steps; 0 keeps only the last") =>
            "Steps between checkpoints. A checkpoint holds everything needed to resume.",
        checkpoint_seconds: f64 = 0.0, "Checkpoint at the latest after", live, free, zero("off"), unit(" seconds") =>
            "Seconds after which a checkpoint is written whatever the step, counted on the clock from the last one. Set it where the machine may be taken away at short notice: no more than this much time is lost. Such checkpoints count among the newest that `keep_checkpoints` keeps, and change nothing of what is learnt.",
        keep_checkpoints: usize = 3, "Checkpoints kept", free, says("0 keeps all") =>
            "How many of the newest checkpoints stay on disk; older ones of this run are removed as new ones come. Grids and events are always kept.",
        keep_every: usize = 0, "Always keep every", free, says("steps; 0 keeps none for good"), when(REMOVED) =>
            "Checkpoints at multiples of this many steps are never removed, in addition to the newest ones that `keep_checkpoints` counts. They let you compare, score or fork a long run at earlier steps; each takes as much disk as any other.",
        grid_every: usize = 100, "Sample grid every", live, says("steps; 0 draws none") =>
            "Steps between sample grids. The noise is fixed, so you can watch the same images as they are learnt.",
        grid_columns: usize = 8, "Images per row", within(1..=64), unit(" images") =>
            "Images per class in the sample grid.",
        device: String = "auto".to_owned(), "Device", free, says("\"auto\", \"cpu\", \"cuda\", \"cuda:N\" or \"metal\"") =>
            "Where training runs. `auto` takes a GPU if this program was built for one and finds it, or else the CPU.",
        threads: usize = 0, "Threads", free, within(0..=1024), says("0 takes all cores") =>
            "CPU threads that training may use. Leave a core free to keep the machine responsive.",
        instance_noise: f64 = 0.0, "Instance noise", live, within(0.0..=10.0), zero("off"), unit(", where pixels go from -1 to 1"), walk(&["0.1"]),
            paper("S\u{f8}nderby et al. 2017; Arjovsky & Bottou 2017") =>
            "Standard deviation, in the first step, of the noise on every image that the discriminator sees, real or fake. It makes the two overlap while they are still easy to tell apart, which keeps early gradients useful; drawing it costs a little of each step. Start with 0.1.",
        instance_noise_steps: usize = 2000, "Noise fades over", live, within(1..), unit(" steps"), why("noise cannot fall to 0 over 0 steps"), when(NOISE) =>
            "With `instance_noise`, the steps over which its deviation falls linearly to 0. Afterwards it costs nothing.",
        blur: f64 = 0.0, "Blur at the start", live, within(0.0..=0.25), zero("off"), unit(", share of the side"), walk(&["0.05"]),
            paper("Sauer et al. 2022 (StyleGAN-XL)") =>
            "Standard deviation, in the first step, of a Gaussian that blurs every image that the discriminator sees, real or fake. Shapes and colours are learnt before details, which would otherwise let a discriminator with frozen features win at once. 0.05 blurs 64 pixels with a deviation of 3.2; it costs little.",
        blur_steps: usize = 1000, "Blur fades over", live, within(1..), unit(" steps"), why("a blur cannot fall to 0 over 0 steps"), when(BLUR),
            paper("Sauer et al. 2022 (StyleGAN-XL)") =>
            "With `blur`, the steps over which its deviation falls linearly to 0. Afterwards it costs nothing.",
    }
}

impl Train {
    /// Whether so many seconds of training are all that a run may take.
    pub fn is_timed_out(&self, seconds: f64) -> bool {
        self.minutes > 0.0 && seconds >= 60.0 * self.minutes
    }

    /// What is wrong with `[train]` beside its ranges, for images of this size.
    pub(super) fn check(&self, image_size: usize, list: &mut ProblemList) {
        if self.batch_size == 1 && image_size >= 16 {
            list.warning(
                "train.batch_size",
                "batch normalisation in the generator needs more than one image to normalise over; use 8 or more",
            )
            .fix("train.batch_size", 8);
        }
        let device = self.device.as_str();
        let numbered = device.strip_prefix("cuda:").is_some_and(|n| n.parse::<usize>().is_ok());
        if !matches!(device, "auto" | "cpu" | "cuda" | "metal") && !numbered {
            list.mended_by_default("train.device", format!("`{device}` is none of auto, cpu, cuda, cuda:N, metal"));
        }
        self.check_retention(list);
    }

    fn check_retention(&self, list: &mut ProblemList) {
        let (keep, every) = (self.keep_every, self.checkpoint_every);
        if keep > 0 && every == 0 {
            let text =
                "nothing is kept along the way: with train.checkpoint_every = 0 the last checkpoint is the only one";
            list.warning("train.keep_every", text).fix("train.keep_every", 0);
        } else if keep > 0 && !keep.is_multiple_of(every) {
            let message = format!(
                "checkpoints come every {every} steps, so not every multiple of {keep} has one; choose a multiple of train.checkpoint_every"
            );
            list.warning("train.keep_every", message).fix("train.keep_every", keep.div_ceil(every) * every);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn steps_without_a_checkpoint_cannot_be_kept() {
        let warned = |keep, every| {
            let mut config = Config::default();
            (config.train.keep_every, config.train.checkpoint_every) = (keep, every);
            config.check(None).iter().any(|problem| problem.key == "train.keep_every")
        };
        assert!(warned(100, 0) && warned(300, 200));
        assert!(!warned(0, 0) && !warned(400, 200) && !warned(200, 200));
    }
}
