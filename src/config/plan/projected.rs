//! The discriminator family `projected`: small heads on the features of a frozen network (Projected GAN, Sauer et al. 2021).
//!
//! The frozen network's four maps go through fixed random convolutions that mix channels and then scales, so that each head sees
//! all of them and none of the network's channels can be left unused. The heads alone learn.

use super::{Convolution, DiscriminatorHead, DiscriminatorPlan, Op, Plan, Start, dcgan};
use crate::config::problem::ProblemList;
use crate::config::{Conditioning, Config, Discriminator, DiscriminatorFamily, DiscriminatorNorm, INPUT_SIZES};

/// Channels of the frozen network's maps, the widest map first.
const MAPS: [usize; 4] = [24, 40, 112, 320];
/// Numbers a position of each map that the frozen network has clipped since the map before, and remembers in a bit each.
pub const CLIPPED: [usize; 4] = [1024, 1200, 6768, 12576];
/// How many times narrower than its image the first map is; each further one is half as wide.
const FIRST: usize = 4;
/// Slope below zero of the heads' LeakyReLU.
const LEAK: f32 = 0.2;
/// Side of the map that a head decides on; narrower ones stay as they are.
const DECIDES: usize = 4;

impl Config {
    /// Side of the images that the frozen network of a `projected` discriminator sees.
    pub fn projected_input(&self) -> usize {
        match self.discriminator.input_size {
            0 => self.image_size.clamp(64, 128),
            size => size,
        }
    }

    /// The settings of the discriminator of pixels beside a `projected` one, where there is one.
    pub fn beside_projected(&self) -> Option<Self> {
        let d = &self.discriminator;
        let discriminator = Discriminator {
            family: DiscriminatorFamily::Dcgan,
            base_channels: d.pixel_channels,
            conditioning: d.conditioning,
            spectral_norm: d.spectral_norm,
            norm: DiscriminatorNorm::None,
            ..Discriminator::default()
        };
        let asked = d.family == DiscriminatorFamily::Projected && d.pixel_channels > 0;
        asked.then(|| Self { discriminator, ..self.clone() })
    }
}

/// Side of the `scale`-th map.
fn side(config: &Config, scale: usize) -> usize {
    config.projected_input() / (FIRST << scale)
}

/// The heads, and where it is asked for a discriminator of the pixels beside them.
pub fn discriminator(config: &Config, classes: usize) -> DiscriminatorPlan {
    let mut judges = DiscriminatorPlan { look: look(config), ..DiscriminatorPlan::default() };
    let logits = heads(&mut judges.judge, config, classes);
    judges.verdicts.push(DiscriminatorHead { logits, classes: None, pixels: None });
    if let Some(beside) = config.beside_projected() {
        // The images are looked at as they are, too.
        judges.look.outputs.push(0);
        judges.verdicts.extend(dcgan::judge(&mut judges.judge, "pixels.", MAPS.len(), &beside, classes));
    }
    judges
}

/// Images to the frozen network's maps, each mixed with those below it into equally many channels. Nothing here learns.
fn look(config: &Config) -> Plan {
    let (size, input, channels) = (config.image_size, config.projected_input(), config.channels);
    let mut plan = Plan::default();
    let mut x = plan.node("", Op::Source(0), &[], [size, size, channels]);
    // Small images are enlarged, large ones averaged down, so that nothing of them is skipped.
    if size != input {
        let op = if size < input { Op::Resize } else { Op::Averaged };
        x = plan.node("", op, &[x], [input, input, channels]);
    }
    if channels == 1 {
        x = plan.node("", Op::Join, &[x; 3], [input, input, 3]);
    }
    let width = config.discriminator.base_channels;
    let fixed = Op::Convolution(Convolution { bias: false, start: Start::Fixed, ..Convolution::POINT });
    let maps = MAPS.into_iter().enumerate().map(|(scale, channels)| {
        let side = side(config, scale);
        x = plan.node("", Op::Frozen(scale), &[x], [side, side, channels]);
        (scale, x, [side, side, width])
    });
    let maps: Vec<_> = maps.collect();
    let mix = |(scale, map, shape)| plan.node(format!("mix.{scale}"), fixed.clone(), &[map], shape);
    let mut mixed: Vec<usize> = maps.into_iter().map(mix).collect();
    for scale in (0..MAPS.len() - 1).rev() {
        let (narrow, shape) = (mixed[scale + 1], plan.shape(mixed[scale]));
        let down = plan.node(format!("down.{scale}"), fixed.clone(), &[narrow], plan.shape(narrow));
        let down = plan.node("", Op::Resize, &[down], shape);
        mixed[scale] = plan.same(Op::Sum { scale: std::f64::consts::FRAC_1_SQRT_2 }, &[mixed[scale], down]);
    }
    plan.outputs = mixed;
    plan
}

/// The mixed maps to the logits of all heads side by side: one for each position of the map that a head ends with.
fn heads(plan: &mut Plan, config: &Config, classes: usize) -> usize {
    let d = &config.discriminator;
    let mut logits = Vec::new();
    for scale in 0..MAPS.len() {
        let mut side = side(config, scale);
        let features = plan.node("", Op::Source(scale), &[], [side, side, d.base_channels]);
        let mut x = features;
        let mut block = 0;
        while side > DECIDES {
            side /= 2;
            let halving = Convolution { kernel: 4, stride: 2, ..Convolution::SAME };
            x = layer(plan, config, &format!("heads.{scale}.blocks.{block}"), halving, x, side);
            block += 1;
        }
        x = layer(plan, config, &format!("heads.{scale}.blocks.{block}"), Convolution::SAME, x, side);
        // How far the images differ is read off the fixed features: behind a norm over the batch they all differ alike.
        let decided = match d.minibatch_stddev {
            true => plan.node("", Op::MinibatchStddev, &[x, features], [side, side, d.base_channels + 1]),
            false => x,
        };
        let last = Convolution { spectral: d.spectral_norm, ..Convolution::SAME };
        let shape = [side, side, 1];
        let mut logit = plan.node(format!("heads.{scale}.logit"), Op::Convolution(last), &[decided], shape);
        if d.conditioning == Conditioning::Projection {
            let op = Op::Project { classes, spectral: d.spectral_norm };
            let towards = plan.node(format!("heads.{scale}.projection"), op, &[x], shape);
            let towards = plan.same(Op::Phased { eager: true }, &[towards]);
            logit = plan.same(Op::Sum { scale: 1.0 }, &[logit, towards]);
        }
        logits.push(plan.node("", Op::Reshape, &[logit], [1, 1, side * side]));
    }
    let count = logits.iter().map(|at| plan.shape(*at)[2]).sum();
    plan.node("", Op::Join, &logits, [1, 1, count])
}

/// Convolution, normalisation and LeakyReLU.
fn layer(plan: &mut Plan, config: &Config, name: &str, conv: Convolution, x: usize, side: usize) -> usize {
    let d = &config.discriminator;
    let shape = [side, side, d.base_channels];
    let plain = d.norm == DiscriminatorNorm::None;
    let slope = if plain { LEAK } else { 1.0 };
    let conv = Convolution { bias: plain, spectral: d.spectral_norm, slope, ..conv };
    let x = plan.node(format!("{name}.conv"), Op::Convolution(conv), &[x], shape);
    let norm = match d.norm {
        DiscriminatorNorm::None => return x,
        DiscriminatorNorm::Batch => Op::BatchNorm { slope: LEAK },
        DiscriminatorNorm::Layer => Op::LayerNorm { slope: LEAK },
    };
    plan.node(format!("{name}.norm"), norm, &[x], shape)
}

/// Tells what is wrong with the keys that it alone reads.
pub(in crate::config) fn check(d: &Discriminator, list: &mut ProblemList) {
    if d.input_size != 0 && !INPUT_SIZES.contains(&d.input_size) {
        list.mended_by_default(
            "discriminator.input_size",
            format!("{} is none of 0 (automatic), 32, 64, 128 and 256", d.input_size),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_image_has_fifty_two_logits() {
        let mut config = Config { image_size: 32, ..Config::default() };
        let d = &mut config.discriminator;
        (d.family, d.base_channels) = (DiscriminatorFamily::Projected, 64);
        (d.norm, d.conditioning) = (DiscriminatorNorm::None, Conditioning::Projection);
        assert_eq!(config.projected_input(), 64);
        let judges = discriminator(&config, 3);
        assert_eq!(judges.judge.shape(judges.verdicts[0].logits), [1, 1, 16 + 16 + 16 + 4]);
        // 348 k in the reference.
        assert_eq!(judges.judge.parameter_count() / 1000, 347);
        assert_eq!(judges.look.parameter_count(), 0);
        config.discriminator.minibatch_stddev = true;
        // One more channel before the last convolution of each of the four heads.
        assert_eq!(discriminator(&config, 3).judge.parameter_count(), judges.judge.parameter_count() + 4 * 9);
        config.discriminator.minibatch_stddev = false;
        config.image_size = 512;
        assert_eq!((config.projected_input(), discriminator(&config, 3).look.outputs.len()), (128, 4));
    }
}
