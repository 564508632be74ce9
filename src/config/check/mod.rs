//! The one check of a configuration: lists every problem, each as an error or a warning, in plain words.

mod augmentation;
mod keys;

use super::cost::MOST_CLASSES;
use super::problem::{Level, Problem, ProblemList, has_errors};
use super::{BalanceTo, ClassWeights, Conditioning, Config, DiscriminatorFamily, DiscriminatorNorm, LossKind};

/// The smallest and the largest `image_size`.
pub const IMAGE_SIZES: std::ops::RangeInclusive<usize> = 16..=512;

/// Gigabytes that few machines can spare.
const MUCH_MEMORY: usize = 16;

/// Whether an image size is one that the networks can have.
pub fn valid_image_size(size: usize) -> bool {
    IMAGE_SIZES.contains(&size) && size.is_power_of_two()
}

impl Config {
    /// Every problem, errors first. `classes` is the number of classes of the data, where it is known.
    pub fn check(&self, classes: Option<usize>) -> Vec<Problem> {
        let mut list = ProblemList::new(|key| Self::default().value_of(key));
        self.check_shape(&mut list);
        self.check_families(&mut list);
        self.check_ranges("generator", &mut list);
        self.check_ranges("discriminator", &mut list);
        self.check_networks(classes, &mut list);
        self.check_ranges("loss", &mut list);
        self.loss.check(&mut list);
        self.check_ranges("augment", &mut list);
        self.check_augmentation(&mut list);
        self.check_ranges("optimizer", &mut list);
        self.optimizer.check(&mut list);
        self.check_frozen(&mut list);
        self.check_ranges("growing", &mut list);
        self.check_growing(&mut list);
        self.check_ranges("transition", &mut list);
        self.check_transition(&mut list);
        self.check_regularization(&mut list);
        self.check_ranges("train", &mut list);
        self.train.check(self.image_size, &mut list);
        self.check_ranges("score", &mut list);
        self.score.check(self.data.held_out, &mut list);
        self.check_judge(&mut list);
        self.check_unread(&mut list);
        if !has_errors(&list.found) {
            self.check_cost(classes, &mut list);
        }
        let mut problems = list.found;
        problems.sort_by_key(|problem| problem.level == Level::Warning);
        problems
    }

    fn check_shape(&self, list: &mut ProblemList) {
        if !valid_image_size(self.image_size) {
            self.mend_image_size(
                list.error("image_size", format!("{} is not a power of two from 16 to 512", self.image_size)),
            );
        }
        if !matches!(self.channels, 1 | 3) {
            list.error("channels", format!("{} is neither 3 (colour) nor 1 (grey)", self.channels)).fix("channels", 3);
        }
        self.check_ranges("data", list);
        self.data.check(self.image_size, list);
        if self.data.depth == 16 && self.channels == 3 {
            list.warning(
                "data.depth",
                "colours have 8 bits: a depth of 16 is for grey images and changes nothing here",
            )
            .fix("data.depth", 8);
        }
    }

    /// The nearest size, without what networks of that size have no room for.
    fn mend_image_size(&self, problem: &mut Problem) {
        let asked = self.image_size.clamp(*IMAGE_SIZES.start(), *IMAGE_SIZES.end());
        let above = asked.next_power_of_two();
        let size = if above - asked > asked - above / 2 { above / 2 } else { above };
        let mut other = Self { image_size: size, ..self.clone() };
        other.fit_attention();
        problem.fix("image_size", size);
        for (key, asked, kept) in [
            ("generator.attention", &self.generator.attention, &other.generator.attention),
            ("discriminator.attention", &self.discriminator.attention, &other.discriminator.attention),
        ] {
            if kept != asked {
                problem.fix(key, format!("{kept:?}"));
            }
        }
    }

    /// Moves attention at resolutions that the networks do not have to their widest map.
    pub fn fit_attention(&mut self) {
        let (generator, discriminator) = (self.generator_maps(), self.discriminator_maps(self.image_size));
        let widest = self.image_size / 2;
        for (attention, maps) in
            [(&mut self.generator.attention, generator), (&mut self.discriminator.attention, discriminator)]
        {
            attention.iter_mut().for_each(|resolution| *resolution = (*resolution).min(widest));
            attention.dedup();
            attention.retain(|resolution| maps.contains(resolution));
        }
    }

    fn check_networks(&self, classes: Option<usize>, list: &mut ProblemList) {
        let (g, d) = (&self.generator, &self.discriminator);
        if !valid_image_size(self.image_size) {
            return;
        }
        if self.reads("generator.attention") {
            attention(list, "generator.attention", "generator", &g.attention, &self.generator_maps());
        }
        if self.reads("discriminator.attention") {
            let maps = self.discriminator_maps(self.image_size);
            attention(list, "discriminator.attention", "discriminator", &d.attention, &maps);
        }
        if d.scales == 0 || self.image_size >> (d.scales - 1).min(16) < 16 {
            let most = self.image_size.ilog2() - 3;
            list.error(
                "discriminator.scales",
                format!(
                    "{} scales at {} px are impossible: the smallest must see at least 16 px, so use 1 to {most}",
                    d.scales, self.image_size
                ),
            )
            .fix("discriminator.scales", d.scales.clamp(1, most as usize));
        }
        self.check_minibatch_stddev(list);
        if d.conditioning == Conditioning::LabelMap {
            let map = self.image_size * self.image_size;
            let count = classes.map_or_else(
                || format!("{map} parameters per class"),
                |c| format!("{c} classes x {map} = {} parameters", map.saturating_mul(c)),
            );
            list.warning("discriminator.conditioning", format!("`label-map` learns a full-size map per class ({count}), too many for a small data set. `projected-map` or `projection` do the same with far fewer")).fix("discriminator.conditioning", "projected-map");
        }
        if d.conditioning == Conditioning::None && classes.is_none_or(|c| c > 1) {
            list.warning("discriminator.conditioning", "with `none` the discriminator never sees the label, so the generator has no reason to draw the class it is asked for").fix("discriminator.conditioning", if d.family == DiscriminatorFamily::Dcgan { "projected-map" } else { "projection" });
        }
        if self.loss.kind == LossKind::WassersteinGp && d.norm == DiscriminatorNorm::Batch {
            list.warning("discriminator.norm", "the gradient penalty is defined for each image separately, and batch normalisation ties the images of a batch together. Use `layer` or `none`").fix("discriminator.norm", "layer");
        }
    }

    /// What stands in the way of blocks that do not learn.
    fn check_frozen(&self, list: &mut ProblemList) {
        let frozen = self.optimizer.frozen_blocks;
        if frozen == 0 || !valid_image_size(self.image_size) {
            return;
        }
        let (key, blocks) = ("optimizer.frozen_blocks", self.discriminator_maps(self.image_size).len());
        if self.discriminator.family == DiscriminatorFamily::Projected {
            list.error(key, "the family `projected` judges the features of a network that is frozen already; only small heads learn, and with those frozen nothing would").fix(key, 0);
        } else if self.growing.start > 0 {
            list.error(key, "the first blocks of a discriminator that grows come in last, and frozen they would stay as they start. Set growing.start = 0, or freeze none").fix(key, 0);
        } else if frozen > blocks {
            list.error(key, format!("this discriminator has {blocks} blocks, of which {frozen} cannot be frozen"))
                .fix(key, blocks);
        }
    }

    fn check_minibatch_stddev(&self, list: &mut ProblemList) {
        let batch = self.train.batch_size;
        let compares = self.discriminator.minibatch_stddev && self.reads("discriminator.minibatch_stddev");
        if compares && [2, 3].iter().all(|size| !batch.is_multiple_of(*size)) {
            list.warning("discriminator.minibatch_stddev", format!("a batch of {batch} has no groups of 2, 3 or 4 images to compare, so the extra feature map carries no information. A multiple of 4 is best")).fix("train.batch_size", batch.next_multiple_of(4));
        }
    }

    /// Looks at what a possible configuration would cost.
    fn check_cost(&self, classes: Option<usize>, list: &mut ProblemList) {
        if classes.is_some_and(|classes| classes > MOST_CLASSES) {
            list.error("data.source", format!("more than {MOST_CLASSES} classes cannot be trained"));
        }
        let of = |config: &Self| config.cost(classes.unwrap_or(2)).training_bytes >> 30;
        let gigabytes = of(self);
        // As the window counts them.
        let told = self.cost(classes.unwrap_or(2)).training_bytes.saturating_add(500_000_000) / 1_000_000_000;
        // The largest power of two that leaves the batch within the memory of a good machine.
        let smaller = |batch: &usize| {
            of(&Self { train: super::Train { batch_size: *batch, ..self.train.clone() }, ..self.clone() })
                <= MUCH_MEMORY
        };
        let smaller =
            (1..=12).rev().map(|power| 1 << power).filter(|batch| *batch < self.train.batch_size).find(smaller);
        let key = "generator.base_channels";
        let problem = if gigabytes > 256 {
            list.error(key, format!("training would need about {told} GB of memory. Lower the base channels, the image size or the batch size"))
        } else if gigabytes > MUCH_MEMORY {
            list.warning(key, format!("training will need about {told} GB of memory"))
        } else {
            return;
        };
        smaller.into_iter().for_each(|batch| _ = problem.fix("train.batch_size", batch));
    }

    /// What one section's key cannot know of another's.
    fn check_regularization(&self, list: &mut ProblemList) {
        let l = &self.loss;
        if l.r1 > 0.0 && self.discriminator.norm == DiscriminatorNorm::Batch {
            list.warning("loss.r1", "R1 is defined for each image separately, and batch normalisation ties the images of a batch together. Use `layer` or `none` for discriminator.norm").fix("discriminator.norm", "layer");
        }
        if l.r1 > 0.0 && l.kind == LossKind::WassersteinGp {
            list.warning("loss.r1", "the two penalties want different gradient norms: `wasserstein-gp` wants 1 between real and fake, R1 wants 0 at real images. Use one of them").fix("loss.r1", "0");
        }
        self.check_class_weights(list);
        if l.compares_features() && self.image_size < 32 {
            let key = if l.perceptual > 0.0 { "loss.perceptual" } else { "loss.texture" };
            list.warning(key, format!("the frozen network was trained on photographs and makes little of {0}x{0} pixels; use 32 px or more", self.image_size)).fix("loss.perceptual", 0).fix("loss.texture", 0);
        }
        if l.lecam != 0.0 && l.lecam_start > 0 && l.lecam_start >= self.train.steps {
            let message = format!("the run ends after {} steps, before the term starts to count", self.train.steps);
            list.warning("loss.lecam_start", message).fix("loss.lecam_start", 0);
        }
    }

    /// What `data` and `loss` cannot know of each other: classes that are favoured twice.
    fn check_class_weights(&self, list: &mut ProblemList) {
        let d = &self.data;
        if self.loss.class_weights == ClassWeights::None {
            return;
        }
        if d.balance {
            let shows = match d.balance_to {
                BalanceTo::Equal => "every class equally often",
                BalanceTo::SquareRoot => "rare classes more often",
            };
            list.error("loss.class_weights", format!("data.balance already shows {shows}, so weights would count rare classes twice. Use one of them (`none` here, or data.balance = false)")).fix("loss.class_weights", "none");
        } else if d.class_factors.values().any(|factor| *factor != 1.0) {
            list.warning("loss.class_weights", "data.class_factors changes how often classes are shown, and the weights, which follow the number of images in a class, come on top: the two multiply. Use one of them").fix("loss.class_weights", "none");
        }
    }
}

fn attention(list: &mut ProblemList, key: &'static str, network: &str, asked: &[usize], maps: &[usize]) {
    // Each there, and once.
    let possible: std::collections::BTreeSet<usize> = asked.iter().copied().filter(|r| maps.contains(r)).collect();
    let possible = |most: usize| format!("{:?}", possible.iter().filter(|r| **r < most).collect::<Vec<_>>());
    let wrong: Vec<String> = asked.iter().filter(|r| !maps.contains(r)).map(ToString::to_string).collect();
    if !wrong.is_empty() {
        let have: Vec<String> = maps.iter().map(ToString::to_string).collect();
        list.error(
            key,
            format!("this {network} has no feature map of {} px; its sizes are {}", wrong.join(", "), have.join(", ")),
        )
        .fix(key, possible(usize::MAX));
    }
    let mut sorted = asked.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != asked.len() {
        list.error(key, "a size is named twice; once is enough").fix(key, possible(usize::MAX));
    }
    if let Some(large) = asked.iter().filter(|r| maps.contains(r)).max().filter(|r| **r >= 64) {
        list.warning(key, format!("attention over {large}x{large} positions compares {0} with {0} of them for every image: slow on a CPU. 16 or 32 is the usual place", large * large)).fix(key, possible(64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn keys(config: &Config, level: Level) -> Vec<&'static str> {
        config.check(Some(3)).into_iter().filter(|p| p.level == level).map(|p| p.key).collect()
    }

    #[test]
    fn presets_have_no_errors_and_only_the_original_warns() {
        for preset in [Preset::Quick, Preset::SmallData, Preset::Improved] {
            for size in [16, 32, 64, 128, 256, 512] {
                for channels in [1, 3] {
                    let config = Config { channels, ..preset.config_at(size) };
                    assert_eq!(config.check(Some(6)), [], "{preset:?} at {size} px");
                }
            }
        }
        let original = Preset::Original.config();
        assert_eq!(keys(&original, Level::Error), [""; 0]);
        assert_eq!(keys(&original, Level::Warning), ["discriminator.norm", "discriminator.conditioning"]);
        let label_map = original.check(Some(6)).pop().expect("a warning");
        assert!(label_map.message.contains("6 classes x 4096 = 24576"), "{label_map}");
    }

    #[test]
    fn all_errors_come_at_once() {
        let mut config = Config { image_size: 48, channels: 2, ..Config::default() };
        config.train.steps = 0;
        config.optimizer.beta2 = 1.0;
        config.optimizer.generator_lr = f64::NAN;
        assert_eq!(
            keys(&config, Level::Error),
            ["image_size", "channels", "optimizer.generator_lr", "optimizer.beta2", "train.steps"]
        );
    }

    #[test]
    fn attention_where_no_map_is_names_the_maps() {
        let mut config = Config { image_size: 32, ..Config::default() };
        config.generator.attention = vec![32];
        let problems = config.check(None);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("4, 8, 16"), "{}", problems[0]);
    }

    #[test]
    fn a_batch_without_groups_has_no_deviation() {
        for (batch_size, warned) in [(32, false), (6, false), (10, false), (9, false), (7, true), (25, true)] {
            let mut config = Config::default();
            (config.train.batch_size, config.discriminator.minibatch_stddev) = (batch_size, true);
            assert_eq!(
                keys(&config, Level::Warning).contains(&"discriminator.minibatch_stddev"),
                warned,
                "{batch_size}"
            );
        }
    }

    #[test]
    fn regularizations_that_work_against_each_other_are_told() {
        let set = |entries: &[&str]| Config::default().with(entries).expect("readable");
        let weights = "loss.class_weights=inverse-frequency";
        assert_eq!(keys(&set(&[weights]), Level::Error), ["loss.class_weights"]);
        assert_eq!(set(&[weights, "data.balance=false"]).check(Some(3)), []);
        assert_eq!(keys(&set(&["loss.r1=1", "loss.kind=wasserstein-gp"]), Level::Warning), ["loss.r1"]);
        assert_eq!(set(&["loss.r1=1", "loss.kind=least-squares"]).check(Some(3)), []);
        let off = ["loss.r1=-1", "loss.r1_every=0", "loss.lecam=nan", "loss.lecam_decay=1", "optimizer.clip=-1"];
        let off = [
            &off[..],
            &["train.instance_noise=11", "train.instance_noise_steps=0", "train.blur=0.3", "train.blur_steps=0"],
        ]
        .concat();
        let wanted: Vec<&str> = off.iter().filter_map(|entry| entry.split('=').next()).collect();
        assert_eq!(keys(&set(&off), Level::Error), wanted);
    }

    #[test]
    fn scales_must_leave_sixteen_pixels() {
        let mut config = Config { image_size: 64, ..Config::default() };
        for (scales, errors) in [(0, 1), (1, 0), (3, 0), (4, 1), (99, 1)] {
            config.discriminator.scales = scales;
            assert_eq!(keys(&config, Level::Error).len(), errors, "{scales}");
        }
    }
}
