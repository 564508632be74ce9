//! The generator family `fast`: few layers, each as cheap as can be, that learn quickly.
//!
//! Nearest-neighbour upsampling and 3x3 convolutions with gated linear units, as FastGAN has them (Liu et al. 2021); batch
//! normalisation whose scale and shift come from noise and label at every layer (as BigGAN's, Brock et al. 2019); a skip-layer
//! excitation from the first map to the last. The first map is made from the noise alone, and each of its numbers is normalised
//! on its own over the batch: were its mean over the map free to grow, the share of the noise could shrink beside it, and every
//! class would end as one image.

use super::{Convolution, Op, Plan};
use crate::config::Config;

/// Side of the first map.
const START: usize = 4;

/// Channels of the map of this resolution, in multiples of the base: 4 near the start, 1 (up to 64 px) or fewer at the end.
fn channels(config: &Config, resolution: usize) -> usize {
    let (size, base) = (config.image_size, config.generator.base_channels);
    // Twice the multiple, so that halves stay whole.
    let wide = if size <= 64 { 32 } else { 64 };
    let twice = (2 * wide / resolution.max(1)).min(8);
    let twice = if size <= 64 { twice.max(2) } else { twice };
    let channels = if twice == 0 { base * wide / resolution.max(1) } else { base * twice / 2 };
    channels.max(4)
}

/// `(latent_dim)` numbers and a label to an image.
pub fn generator(config: &Config, classes: usize) -> Plan {
    let g = &config.generator;
    let mut plan = Plan::default();
    let z = plan.node("", Op::Latent { unit: true }, &[], [1, 1, g.latent_dim]);
    let label = plan.node("label_embedding", Op::Embedding { classes }, &[], [1, 1, g.label_embedding]);
    let label = plan.same(Op::Phased { eager: true }, &[label]);
    let condition = plan.node("", Op::Join, &[z, label], [1, 1, g.latent_dim + g.label_embedding]);

    let width = channels(config, START);
    let unfold = Convolution { kernel: START, bias: false, ..Convolution::POINT };
    let start = plan.node("start", Op::Transposed(unfold), &[z], [START, START, 2 * width]);
    let unit = plan.node("unit", Op::UnitNorm, &[start], plan.shape(start));
    let first = gated(&mut plan, "norms.0", unit, condition);

    let (mut x, mut resolution, mut block) = (first, START, 0);
    while resolution < config.image_size {
        resolution *= 2;
        let shape = [resolution, resolution, 2 * channels(config, resolution)];
        let up = plan.node(format!("blocks.{block}"), Op::Upsampled, &[x], shape);
        block += 1;
        x = gated(&mut plan, &format!("norms.{block}"), up, condition);
    }

    let last = [1, 1, plan.shape(x)[2]];
    let whole = Convolution { kernel: START, ..Convolution::POINT };
    let small = plan.node("gate.conv", Op::Convolution(whole), &[first], last);
    let small = plan.same(Op::Silu, &[small]);
    let gate = plan.node("gate.out", Op::Convolution(Convolution::POINT), &[small], last);
    let gate = plan.same(Op::Sigmoid, &[gate]);
    let x = plan.same(Op::ScaleChannels, &[x, gate]);

    let image = [config.image_size, config.image_size, config.channels];
    let x = plan.node("to_image", Op::Convolution(Convolution::SAME), &[x], image);
    let image = plan.same(Op::Tanh, &[x]);
    plan.outputs = vec![image];
    plan
}

/// Conditional normalisation and a gated linear unit, which halves the channels.
fn gated(plan: &mut Plan, name: &str, x: usize, condition: usize) -> usize {
    let [height, width, channels] = plan.shape(x);
    let x = plan.node(name, Op::ConditionalNorm, &[x, condition], [height, width, channels]);
    plan.node("", Op::Glu, &[x], [height, width, channels / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GeneratorFamily;

    fn of(size: usize) -> Config {
        let mut config = Config { image_size: size, ..Config::default() };
        let g = &mut config.generator;
        (g.family, g.latent_dim, g.label_embedding, g.base_channels) = (GeneratorFamily::Fast, 128, 64, 24);
        config
    }

    #[test]
    fn widths_are_those_of_the_description_at_every_size() {
        let widths = |size: usize| {
            let sides = (2..=size.ilog2()).map(|power| 1 << power);
            sides.map(|side| channels(&of(size), side)).collect::<Vec<_>>()
        };
        assert_eq!(widths(16), [96, 96, 48]);
        assert_eq!(widths(32), [96, 96, 48, 24]);
        assert_eq!(widths(64), [96, 96, 48, 24, 24]);
        assert_eq!(widths(128), [96, 96, 96, 48, 24, 12]);
        assert_eq!(widths(256), [96, 96, 96, 48, 24, 12, 6]);
    }

    #[test]
    fn it_learns_as_many_numbers_as_the_description_says() {
        // The first description has 908 k at 32 px, with a bias for each of the 3072 units that the norm behind them takes away.
        assert_eq!(generator(&of(32), 3).parameter_count(), 904_923);
        let image = generator(&of(64), 3);
        assert_eq!(image.shape(image.outputs[0]), [64, 64, 3]);
    }
}
