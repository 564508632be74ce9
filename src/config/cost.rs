//! What a configuration costs: parameters and memory, by arithmetic on the plans of its networks.

use super::plan::{DiscriminatorHead, DiscriminatorPlan, Op, Plan, projected};
use super::{AttentionForm, Config, Stage};

/// Most classes that a run can have.
pub const MOST_CLASSES: usize = 10_000;

/// What a configuration costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Numbers that the generator learns.
    pub generator_parameters: usize,
    /// Numbers that the discriminator learns.
    pub discriminator_parameters: usize,
    /// Bytes that training needs at its peak, roughly (within a factor of two).
    pub training_bytes: usize,
}

impl Config {
    /// Real images that one update of the discriminator sees: what images a second count in each step.
    pub fn images_per_step(&self) -> usize {
        self.train.batch_size * self.optimizer.accumulation
    }

    /// The same within bounds in which networks can be counted: beyond what `check` allows the numbers mean nothing, but they must
    /// still be computable.
    pub(super) fn computable(&self) -> Self {
        let mut config = self.clone();
        let limit = |number: &mut usize, most: usize| *number = (*number).min(most);
        config.image_size = config.image_size.clamp(16, 512);
        limit(&mut config.channels, 3);
        limit(&mut config.generator.base_channels, 512);
        limit(&mut config.discriminator.base_channels, 512);
        limit(&mut config.generator.latent_dim, 4096);
        limit(&mut config.generator.label_embedding, 4096);
        limit(&mut config.discriminator.label_embedding, 4096);
        limit(&mut config.discriminator.input_size, 256);
        limit(&mut config.discriminator.pixel_channels, 512);
        let scales = (config.image_size.ilog2() - 3) as usize;
        limit(&mut config.discriminator.scales, scales);
        limit(&mut config.train.batch_size, 4096);
        config
    }

    /// Parameters and memory for this many classes. Meaningful for a configuration without errors.
    pub fn cost(&self, classes: usize) -> Cost {
        let (config, classes) = (self.computable(), classes.min(MOST_CLASSES));
        let (generator, DiscriminatorPlan { look, judge, verdicts }) =
            (config.generator_plan(classes), config.discriminator_plan(classes));
        let (generator_parameters, discriminator_parameters) = (generator.parameter_count(), judge.parameter_count());
        let asked: Vec<usize> = verdicts.iter().flat_map(DiscriminatorHead::places).collect();
        let drawn = kept(&generator, generator.images(Stage::WHOLE).as_slice());
        let (looked, judged) = (kept(&look, &look.outputs), kept(&judge, &asked));
        let frozen = if look.nodes.iter().any(|node| matches!(node.op, Op::Frozen(_))) { FROZEN } else { 0 };
        // Weights, gradients and two moments of both; the averaged generator; the discriminator's and the
        // generator's feature maps with their gradients, the former for real and fake at once.
        let weights = 4 * (generator_parameters + discriminator_parameters) + generator_parameters + frozen;
        let image = config.image_size * config.image_size * config.channels;
        // A second look at reals, and at fakes, is judged beside the first.
        let l = &config.loss;
        let looks = [l.consistency_real, l.consistency_fake].into_iter().filter(|weight| *weight > 0.0).count();
        let activations = 2 * drawn + (3 + looks) * 2 * judged + 2 * looked + 8 * image;
        let compared =
            if l.compares_features() { l.features.bytes(config.image_size, config.train.batch_size) } else { 0 };
        let training_bytes = 4 * (weights + config.train.batch_size * activations) + compared + (120 << 20);
        Cost { generator_parameters, discriminator_parameters, training_bytes }
    }
}

/// Numbers of the frozen network's weights, forwards and backwards.
const FROZEN: usize = 2 * 3_400_000;

/// Numbers that are kept of one image on the way to these nodes, until its gradient has come back.
fn kept(plan: &Plan, asked: &[usize]) -> usize {
    let of = |at: usize| {
        let node = &plan.nodes[at];
        let [height, width, channels] = node.shape;
        let positions = height * width;
        if let Op::Frozen(place) = node.op {
            // Of what is clipped, a bit a number.
            let bits = projected::CLIPPED.get(place).copied().unwrap_or_default();
            positions * (channels + bits / u32::BITS as usize)
        } else if let Op::Attention { form, .. } = node.op {
            let (narrow, wide) = form.widths(channels);
            let own = if form == AttentionForm::Sagan { 2 * channels } else { channels };
            positions * (2 * narrow + 2 * wide + own)
        } else if matches!(
            node.op,
            Op::Source(_) | Op::Latent { .. } | Op::Phased { .. } | Op::Reshape | Op::Grown { .. }
        ) {
            // The same numbers once more.
            0
        } else {
            positions * channels
        }
    };
    plan.needed(Stage::WHOLE, asked).into_iter().map(of).sum()
}
