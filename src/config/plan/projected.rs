//! The discriminator family `projected`: small heads on the features of a frozen network (Projected GAN, Sauer et al. 2021).
//!
//! The frozen network's four maps go through fixed random convolutions that mix channels and then scales, so that each head sees
//! all of them and none of the network's channels can be left unused. The heads alone learn.

use super::{Convolution, Op, Plan};
use crate::config::{Conditioning, Config, Discriminator, DiscriminatorFamily, DiscriminatorNorm};

/// Channels of the frozen network's maps, the widest map first.
pub const MAPS: [usize; 4] = [24, 40, 112, 320];
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

/// The frozen network's maps to maps of equal channels, each mixed with those below it. Nothing here learns.
pub fn mixing(config: &Config) -> Plan {
    let width = config.discriminator.base_channels;
    let fixed = Convolution { bias: false, fixed: true, ..Convolution::POINT };
    let mut plan = Plan::default();
    let mut mixed = Vec::new();
    for (scale, channels) in MAPS.into_iter().enumerate() {
        let side = side(config, scale);
        let source = plan.node("", Op::Source(scale), &[], [side, side, channels]);
        let shape = [side, side, width];
        mixed.push(plan.node(format!("mix.{scale}"), Op::Convolution(fixed.clone()), &[source], shape));
    }
    for scale in (0..MAPS.len() - 1).rev() {
        let (narrow, shape) = (mixed[scale + 1], plan.shape(mixed[scale]));
        let down = plan.node(format!("down.{scale}"), Op::Convolution(fixed.clone()), &[narrow], plan.shape(narrow));
        let down = plan.node("", Op::Resize, &[down], shape);
        mixed[scale] = plan.same(Op::Sum { scale: std::f64::consts::FRAC_1_SQRT_2 }, &[mixed[scale], down]);
    }
    plan.outputs = mixed;
    plan
}

/// The mixed maps to the logits of all heads side by side: one for each position of the map that a head ends with.
pub fn heads(config: &Config, classes: usize) -> Plan {
    let d = &config.discriminator;
    let width = d.base_channels;
    let mut plan = Plan::default();
    let mut logits = Vec::new();
    for scale in 0..MAPS.len() {
        let mut side = side(config, scale);
        let mut x = plan.node("", Op::Source(scale), &[], [side, side, width]);
        let mut block = 0;
        while side > DECIDES {
            side /= 2;
            let halving = Convolution { kernel: 4, stride: 2, ..Convolution::SAME };
            x = layer(&mut plan, config, &format!("heads.{scale}.blocks.{block}"), halving, x, side);
            block += 1;
        }
        x = layer(&mut plan, config, &format!("heads.{scale}.blocks.{block}"), Convolution::SAME, x, side);
        let last = Convolution { spectral: d.spectral_norm, ..Convolution::SAME };
        let shape = [side, side, 1];
        let mut logit = plan.node(format!("heads.{scale}.logit"), Op::Convolution(last), &[x], shape);
        if d.conditioning == Conditioning::Projection {
            let op = Op::Project { classes, spectral: d.spectral_norm };
            let towards = plan.node(format!("heads.{scale}.projection"), op, &[x], shape);
            logit = plan.same(Op::Sum { scale: 1.0 }, &[logit, towards]);
        }
        logits.push(plan.node("", Op::Flatten, &[logit], [1, 1, side * side]));
    }
    let count = logits.iter().map(|at| plan.shape(*at)[2]).sum();
    let all = plan.node("", Op::Join, &logits, [1, 1, count]);
    plan.outputs = vec![all];
    plan
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
        let plan = heads(&config, 3);
        assert_eq!(plan.shape(plan.outputs[0]), [1, 1, 16 + 16 + 16 + 4]);
        // 348 k in the reference.
        assert_eq!(plan.parameters() / 1000, 347);
        assert_eq!(mixing(&config).parameters(), 0);
        config.image_size = 512;
        assert_eq!((config.projected_input(), mixing(&config).outputs.len()), (128, 4));
    }
}
