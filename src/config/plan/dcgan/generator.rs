//! The generator: transposed convolutions, each of which doubles the side.

use super::{HALVING, WHOLE, attended};
use crate::config::plan::{Convolution, Op, Plan};
use crate::config::{Config, GeneratorNorm, Skip};

/// Slope below zero of the LeakyReLU of an excitation, as the paper has it; its authors' code has Swish there, and spectral
/// normalisation.
const EXCITATION_LEAK: f32 = 0.1;
/// Side that an excitation's small map is averaged down to.
const POOLED: usize = 4;
/// One pixel to one pixel, without a bias.
const POINT: Convolution = Convolution { kernel: 1, ..WHOLE };

/// `(latent_dim)` numbers and a label to an image.
pub fn generator(config: &Config, classes: usize) -> Plan {
    let (g, colours) = (&config.generator, config.channels);
    let mut plan = Plan::default();
    let z = plan.node("", Op::Latent { unit: false }, &[], [1, 1, g.latent_dim]);
    let label = plan.node("label_embedding", Op::Embedding { classes }, &[], [1, 1, g.label_embedding]);
    let label = plan.same(Op::Phased { eager: false }, &[label]);
    let mut x = plan.node("", Op::Join, &[z, label], [1, 1, g.latent_dim + g.label_embedding]);

    let sides = config.generator_maps();
    let mut maps: Vec<usize> = Vec::new();
    for (i, side) in sides.iter().enumerate() {
        let channels = g.base_channels << (sides.len() - 1 - i);
        let y = block(&mut plan, config, classes, i, x, [*side, *side, channels]);
        let from = plan.nodes.len();
        let low = sides.iter().position(|low| excites(config, *low, *side));
        let y = low.map_or(y, |low| excited(&mut plan, maps[low], y));
        let excitation = from..plan.nodes.len();
        x = attended(&mut plan, "", y, (&g.attention, g.attention_form), false);
        plan.draw_last(excitation);
        maps.push(x);
    }

    let draw = |plan: &mut Plan, name: String, map: usize, side: usize| {
        let image = plan.node(name, Op::Transposed(HALVING), &[map], [side, side, colours]);
        (side, plan.same(Op::Tanh, &[image]))
    };
    let whole = draw(&mut plan, "to_image".to_owned(), x, config.image_size);
    // The last, so that all other weights start as they would without.
    let mut images = Vec::new();
    for side in config.growing_resolutions() {
        if let Some(at) = sides.iter().position(|map| 2 * map == side) {
            images.push(draw(&mut plan, format!("growing.{side}.to_image"), maps[at], side));
        }
    }
    images.push(whole);
    for (i, (side, image)) in images.iter().enumerate() {
        let output = match i.checked_sub(1).map(|before| images[before].1) {
            None => *image,
            Some(before) => {
                let before = plan.node("", Op::Doubled, &[before], plan.shape(*image));
                plan.same(Op::Grown { side: *side }, &[before, *image])
            }
        };
        plan.outputs.push(output);
    }
    plan
}

/// Transposed convolution, normalisation, ReLU; with a residual connection, plus a 1x1 convolution of the upsampled input.
fn block(plan: &mut Plan, config: &Config, classes: usize, i: usize, x: usize, shape: [usize; 3]) -> usize {
    let g = &config.generator;
    let conv = if i == 0 { WHOLE } else { HALVING };
    let y = plan.node(format!("blocks.{i}.conv"), Op::Transposed(conv), &[x], shape);
    let norm = match g.norm {
        GeneratorNorm::Batch => Op::BatchNorm { slope: 0.0 },
        GeneratorNorm::ConditionalBatch => Op::ClassNorm { classes, slope: 0.0 },
    };
    let y = plan.node(format!("blocks.{i}.norm"), norm, &[y], shape);
    if g.skip != Skip::Residual || i == 0 {
        return y;
    }
    // A 1x1 convolution of copies is the copies of the 1x1 convolution, at a quarter of the arithmetic.
    let [side, _, channels] = shape;
    let small = [side / 2, side / 2, channels];
    let shortcut = plan.node(format!("blocks.{i}.shortcut"), Op::Convolution(POINT), &[x], small);
    let shortcut = plan.node("", Op::Doubled, &[shortcut], shape);
    plan.same(Op::Sum { scale: 1.0 }, &[y, shortcut])
}

/// Whether the map of a side gates that of another, with `excitation`: one a sixteenth as wide, as in the paper, from 256 px on;
/// smaller images have too few maps for that, so the ratio is `image_size / 16`, at least 2: 4 to 32 and 8 to 64 at 128 px, 4 to
/// 16 and 8 to 32 at 64 px, 4 to 8 at 16 px.
fn excites(config: &Config, from: usize, to: usize) -> bool {
    config.generator.skip == Skip::Excitation && from * (config.image_size / 16).clamp(2, 16) == to
}

/// Skip-layer excitation: a small map says which channels of a later, larger one matter (FastGAN, Liu et al. 2021).
fn excited(plan: &mut Plan, low: usize, high: usize) -> usize {
    let [side, _, channels] = plan.shape(high);
    let at = format!("excitation.{side}");
    let small = plan.node("", Op::Averaged, &[low], [POOLED, POOLED, plan.shape(low)[2]]);
    let squeeze = Convolution { slope: EXCITATION_LEAK, ..WHOLE };
    let vector = plan.node(format!("{at}.conv"), Op::Convolution(squeeze), &[small], [1, 1, channels]);
    let gate = plan.node(format!("{at}.gate"), Op::Convolution(POINT), &[vector], [1, 1, channels]);
    let gate = plan.same(Op::Sigmoid, &[gate]);
    plan.same(Op::ScaleChannels, &[high, gate])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excitation_pairs_are_the_papers_from_256_pixels_on() {
        let pairs = |image_size: usize| -> Vec<(usize, usize)> {
            let mut config = Config { image_size, ..Config::default() };
            config.generator.skip = Skip::Excitation;
            let plan = generator(&config, 2);
            let small = plan.nodes.iter().filter(|node| node.op == Op::Averaged).map(|node| node.inputs[0]);
            let large = plan.nodes.iter().filter(|node| node.op == Op::ScaleChannels);
            small.map(|low| plan.shape(low)[0]).zip(large.map(|node| node.shape[0])).collect()
        };
        assert_eq!(pairs(16), [(4, 8)]);
        assert_eq!(pairs(32), [(4, 8), (8, 16)]);
        assert_eq!(pairs(64), [(4, 16), (8, 32)]);
        assert_eq!(pairs(128), [(4, 32), (8, 64)]);
        assert_eq!(pairs(256), [(4, 64), (8, 128)]);
        assert_eq!(pairs(512), [(4, 64), (8, 128), (16, 256)]);
        assert!(generator(&Config::default(), 2).nodes.iter().all(|node| node.op != Op::ScaleChannels));
    }

    #[test]
    fn a_stage_reads_what_its_images_are_made_of() {
        let mut config = Config { image_size: 32, ..Config::default() };
        config.growing.start = 8;
        let plan = generator(&config, 2);
        let names = |resolution, fade| {
            let stage = crate::config::Stage { resolution, fade, condition: 0.0 };
            let needed = plan.needed(stage, &[plan.images(stage).unwrap()]);
            let names = needed.into_iter().map(|at| plan.nodes[at].name.as_str()).filter(|name| !name.is_empty());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Some(8), 1.0), "blocks.0.conv blocks.0.norm growing.8.to_image");
        assert_eq!(
            names(Some(16), 0.5),
            "blocks.0.conv blocks.0.norm blocks.1.conv blocks.1.norm growing.8.to_image growing.16.to_image"
        );
        assert!(names(None, 1.0).ends_with("blocks.2.conv blocks.2.norm to_image"), "{}", names(None, 1.0));
        assert_eq!(plan.images(crate::config::Stage { resolution: Some(4), ..crate::config::Stage::WHOLE }), None);
    }
}
