//! The discriminator: stride-2 convolutions, at one scale or several, told the label in one of six ways.

use std::ops::Range;

use super::{HALVING, WHOLE, attended};
use crate::config::plan::{Convolution, DiscriminatorHead, DiscriminatorPlan, Op, Plan};
use crate::config::{Conditioning, Config, DiscriminatorNorm, ScaleEdge};

/// Slope below zero of its LeakyReLU.
const LEAK: f32 = 0.2;

/// Images to what each scale says of them.
pub fn discriminator(config: &Config, classes: usize) -> DiscriminatorPlan {
    let mut judges = DiscriminatorPlan::default();
    let shape = [config.image_size, config.image_size, config.channels];
    judges.look.outputs = vec![judges.look.node("", Op::Source(0), &[], shape)];
    judges.verdicts = judge(&mut judges.judge, "", 0, config, classes);
    judges
}

/// The same, added to a plan whose `source` the images are; `at` stands before the names.
pub fn judge(plan: &mut Plan, at: &str, source: usize, config: &Config, classes: usize) -> Vec<DiscriminatorHead> {
    let shape = |size: usize| [size, size, config.channels];
    let mut image = plan.node("", Op::Source(source), &[], shape(config.image_size));
    let mut verdicts = Vec::new();
    for scale in 0..config.discriminator.scales {
        if scale > 0 {
            let inside = config.discriminator.scale_edge == ScaleEdge::Inside;
            image = plan.node("", Op::Halved { inside }, &[image], shape(config.image_size >> scale));
        }
        verdicts.push(Scale { config, classes, at: format!("{at}scales.{scale}."), image }.verdict(plan));
    }
    verdicts
}

/// A discriminator of images of one size.
struct Scale<'a> {
    config: &'a Config,
    classes: usize,
    /// Stands before its names.
    at: String,
    /// Where its images are.
    image: usize,
}

impl Scale<'_> {
    fn verdict(&self, plan: &mut Plan) -> DiscriminatorHead {
        let (d, at) = (&self.config.discriminator, &self.at);
        let (maps, stages) = self.maps(plan);
        let last = maps.last().copied().unwrap_or(self.image);
        let [side, _, channels] = plan.shape(last);
        let joined = match d.minibatch_stddev {
            true => plan.node("", Op::MinibatchStddev, &[last], [side, side, channels + 1]),
            false => last,
        };
        let whole = Op::Convolution(Convolution { bias: true, spectral: d.spectral_norm, ..WHOLE });
        let mut logits = plan.node(format!("{at}head"), whole.clone(), &[joined], [1, 1, 1]);
        let mut classes = None;
        match d.conditioning {
            Conditioning::Auxiliary => {
                classes = Some(plan.node(format!("{at}classifier"), whole, &[last], [1, 1, self.classes]));
            }
            Conditioning::Projection => {
                let op = Op::Projection { classes: self.classes, spectral: d.spectral_norm };
                let towards = plan.node(format!("{at}projection"), op, &[last], [1, 1, 1]);
                let towards = plan.same(Op::Phased { eager: false }, &[towards]);
                logits = plan.same(Op::Sum { scale: 1.0 }, &[logits, towards]);
            }
            Conditioning::None | Conditioning::LabelMap | Conditioning::Replicated | Conditioning::ProjectedMap => {}
        }
        // What only earlier stages read is drawn after all that there would be without them, the smallest first.
        stages.into_iter().rev().for_each(|nodes| plan.draw_last(nodes));
        let pixels = d.unet.then(|| self.decoded(plan, &maps));
        DiscriminatorHead { logits, classes, pixels }
    }

    /// The feature maps, the widest first, and the nodes that only earlier stages read, those of the largest images first.
    fn maps(&self, plan: &mut Plan) -> (Vec<usize>, Vec<Range<usize>>) {
        let (d, at) = (&self.config.discriminator, &self.at);
        let size = plan.shape(self.image)[0];
        // Only the first scale grows.
        let sides = if size == self.config.image_size { self.config.growing_resolutions() } else { Vec::new() };
        let mut x = self.labelled(plan, at, self.image);
        let (mut maps, mut stages) = (Vec::new(), Vec::new());
        for (i, side) in self.config.discriminator_maps(size).into_iter().enumerate() {
            let shape = [side, side, d.base_channels << i];
            let norm = if i == 0 { DiscriminatorNorm::None } else { d.norm };
            x = self.layer(plan, &format!("{at}blocks.{i}"), (x, shape), norm, Op::Convolution);
            if sides.contains(&(2 * side)) {
                // Images of half the size that the map before is made of come in here, at their own size or averaged down.
                let from = plan.nodes.len();
                let at = format!("{at}growing.{}.", 2 * side);
                let image = [2 * side, 2 * side, self.config.channels];
                let image = plan.node("", Op::Averaged, &[self.image], image);
                let joined = self.labelled(plan, &at, image);
                let conv = self.conv(DiscriminatorNorm::None, LEAK);
                let before = plan.node(format!("{at}from_image"), Op::Convolution(conv), &[joined], shape);
                stages.push(from..plan.nodes.len());
                x = plan.node("", Op::Grown { side: 4 * side }, &[before, x], shape);
            }
            x = attended(plan, at, x, (&d.attention, d.attention_form), d.spectral_norm);
            maps.push(x);
        }
        (maps, stages)
    }

    /// The image with the label's planes as further channels, where the label comes in with the image. What is as large as the
    /// image has names with `own` before them; vectors of classes are shared by all stages.
    fn labelled(&self, plan: &mut Plan, own: &str, image: usize) -> usize {
        let [size, _, channels] = plan.shape(image);
        let width = self.config.discriminator.label_embedding;
        let embedded = |plan: &mut Plan, at: &str, width: usize| {
            plan.node(format!("{at}label_embedding"), Op::Embedding { classes: self.classes }, &[], [1, 1, width])
        };
        let (pixels, plane) = ([1, 1, size * size], [size, size, 1]);
        let planes = match self.config.discriminator.conditioning {
            Conditioning::None | Conditioning::Auxiliary | Conditioning::Projection => return image,
            Conditioning::LabelMap => {
                let numbers = embedded(plan, own, size * size);
                plan.node("", Op::Reshape, &[numbers], plane)
            }
            Conditioning::Replicated => {
                let vector = embedded(plan, &self.at, width);
                plan.node("", Op::Spread, &[vector], [size, size, width])
            }
            Conditioning::ProjectedMap => {
                let vector = embedded(plan, &self.at, width);
                let linear = Op::Linear { slope: LEAK };
                let numbers = plan.node(format!("{own}label_projection"), linear, &[vector], pixels);
                plan.node("", Op::Reshape, &[numbers], plane)
            }
        };
        let planes = plan.same(Op::Phased { eager: false }, &[planes]);
        plan.node("", Op::Join, &[image, planes], [size, size, channels + plan.shape(planes)[2]])
    }

    /// Its convolution with this normalisation behind it, or with this slope where there is none.
    fn conv(&self, norm: DiscriminatorNorm, slope: f32) -> Convolution {
        let plain = norm == DiscriminatorNorm::None;
        let slope = if plain { slope } else { 1.0 };
        Convolution { bias: plain, spectral: self.config.discriminator.spectral_norm, slope, ..HALVING }
    }

    /// A convolution, or a transposed one, normalisation and LeakyReLU.
    fn layer(
        &self,
        plan: &mut Plan,
        at: &str,
        (x, shape): (usize, [usize; 3]),
        norm: DiscriminatorNorm,
        conv: fn(Convolution) -> Op,
    ) -> usize {
        let y = plan.node(format!("{at}.conv"), conv(self.conv(norm, LEAK)), &[x], shape);
        let norm = match norm {
            DiscriminatorNorm::None => return y,
            DiscriminatorNorm::Batch => Op::BatchNorm { slope: LEAK },
            DiscriminatorNorm::Layer => Op::LayerNorm { slope: LEAK },
        };
        plan.node(format!("{at}.norm"), norm, &[y], shape)
    }

    /// The decoder that makes it a U-Net: from its maps to a logit for every pixel (Schoenfeld et al. 2020). Each map on the way up
    /// is joined by the encoder's of the same side.
    fn decoded(&self, plan: &mut Plan, maps: &[usize]) -> usize {
        let at = format!("{}decoder.", self.at);
        let mut upwards = maps.iter().rev().copied();
        let mut x = upwards.next().unwrap_or(self.image);
        for (i, skip) in upwards.enumerate() {
            let ([side, _, channels], norm) = (plan.shape(skip), self.config.discriminator.norm);
            let up = self.layer(plan, &format!("{at}blocks.{i}"), (x, plan.shape(skip)), norm, Op::Transposed);
            x = plan.node("", Op::Join, &[up, skip], [side, side, 2 * channels]);
        }
        let [size, _, _] = plan.shape(self.image);
        let last = Op::Transposed(self.conv(DiscriminatorNorm::None, 1.0));
        plan.node(format!("{at}to_pixels"), last, &[x], [size, size, 1])
    }
}
