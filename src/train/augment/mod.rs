//! Changes of the images that D sees (DiffAugment, Zhao et al. 2020; ADA, Karras et al. 2020), and the second looks that
//! consistency compares with the first (bCR, Zhao et al. 2021).
//!
//! What happens to an image is decided by uniform numbers from a stream of its own, the same ones whatever is on and however
//! large the probability is. They go by the count of updates, so that a run which goes on draws what it would have drawn.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::{Result, Tensor};
use rand::Rng as _;

use super::loss::mean_of;
use super::noise::IMAGES;
use crate::config::augment::pixels;
use crate::config::rng::{Purpose, stream};
use crate::config::{Augment, AugmentEdge, Config, Loss, LossKind};
use crate::model::{Discriminator, DiscriminatorOutput, Pass};
use crate::ops::Value;
use crate::ops::augment::{Edge, Placement, Recolor};

/// Numbers that decide what happens to one image.
const CHANCES: usize = 21;

/// Uniform numbers in [0, 1), taken one after the other.
struct Dice<'a> {
    numbers: std::slice::Iter<'a, f64>,
    probability: f64,
}

impl Dice<'_> {
    fn next(&mut self) -> f64 {
        self.numbers.next().copied().unwrap_or_default()
    }

    /// Whether the next change is applied.
    fn applies(&mut self) -> bool {
        self.next() < self.probability
    }

    /// One of the first `count` numbers from 0, all alike.
    fn whole(&mut self, count: usize) -> usize {
        ((self.next() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// A whole number from `-most` to `most`, all alike.
    fn either_way(&mut self, most: usize) -> isize {
        self.whole(2 * most + 1).cast_signed() - most.cast_signed()
    }

    /// A number from N(0, 1) (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.next()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// What happens to an image of `(height, width)` pixels, by the numbers that were drawn for it.
fn changes(
    a: &Augment,
    probability: f64,
    chances: &[f64; CHANCES],
    (height, width): (usize, usize),
) -> (Recolor, Placement) {
    let mut dice = Dice { numbers: chances.iter(), probability };
    let (mut color, mut place) = (Recolor::NONE, Placement::NONE);
    let (applies, half) = (dice.applies(), dice.next() < 0.5);
    place.flip = a.flip && applies && half;
    let (applies, turns) = (dice.applies(), dice.whole(4));
    if a.rotate90 && applies {
        place.turns = turns as u8;
    }
    let mut strength = |width: f64| {
        let (applies, number) = (dice.applies(), dice.next() - 0.5);
        if applies { (a.color * width * number) as f32 } else { 0.0 }
    };
    color.brightness += strength(1.0);
    color.saturation += strength(2.0);
    color.contrast += strength(1.0);
    place.map = linear(a, &mut dice);
    let (applies, most) = (dice.applies(), [height, width].map(|side| pixels(a.translation, side)));
    let shift = most.map(|most| dice.either_way(most));
    if applies {
        place.shift = (shift[0], shift[1]);
        place.edge = match a.edge {
            AugmentEdge::Zeros => Edge::Zero,
            AugmentEdge::Mirror => Edge::Mirror,
        };
    }
    let applies = dice.applies();
    let [(top, bottom), (left, right)] = [height, width].map(|side| {
        let hidden = pixels(a.cutout, side);
        // The centre, which may lie at the border: a square of even side lies around a corner of a pixel.
        let centre = dice.whole(side + 1 - hidden % 2);
        (centre.saturating_sub(hidden / 2), (centre + hidden - hidden / 2).min(side))
    });
    if applies && a.cutout > 0.0 {
        place.hole = Some([top, left, bottom, right]);
    }
    (color, place)
}

/// The scale and the rotation, from a place of the result back to the image.
fn linear(a: &Augment, dice: &mut Dice<'_>) -> Option<[[f64; 2]; 2]> {
    let (scaled, normal) = (dice.applies() && a.scale > 0.0, dice.normal());
    let (turned, either_way) = (dice.applies() && a.rotation > 0.0, 2.0 * dice.next() - 1.0);
    if !scaled && !turned {
        return None;
    }
    let scale = if scaled { (a.scale * normal).exp2() } else { 1.0 };
    let angle = if turned { (a.rotation * either_way).to_radians() } else { 0.0 };
    let (sin, cos) = angle.sin_cos();
    Some([[cos / scale, -sin / scale], [sin / scale, cos / scale]])
}

/// `images` of shape `(B, height, width, channels)`, each changed by its own numbers from `chances`.
fn changed(images: &Value, a: &Augment, probability: f64, chances: &[[f64; CHANCES]]) -> Result<Value> {
    let (_, height, width, _) = images.tensor().dims4()?;
    let (colors, places): (Vec<Recolor>, Vec<Placement>) =
        chances.iter().map(|chances| changes(a, probability, chances, (height, width))).unzip();
    let mut images = images.clone();
    if colors.iter().any(|color| *color != Recolor::NONE) {
        images = images.recolor(&colors.into())?;
    }
    if places.iter().any(|place| *place != Placement::NONE) {
        images = images.place(&places.into())?;
    }
    Ok(images)
}

/// The numbers of the images of the `batch`-th batch of a purpose.
fn draw<const N: usize>(images: &Value, seed: u64, purpose: Purpose, batch: u64) -> Vec<[f64; N]> {
    let image = |index: usize| {
        let mut rng = stream(seed, purpose, batch * IMAGES + index as u64);
        std::array::from_fn(|_| rng.random::<f64>())
    };
    (0..images.dims()[0]).map(image).collect()
}

/// `images` shifted in whole pixels, the border mirrored, and half of them flipped where `loss` asks for it. What D learns to
/// judge alike carries no gradient to its images.
fn second_look(images: &Value, loss: &Loss, chances: &[[f64; 3]]) -> Result<Value> {
    let (_, height, width, _) = images.tensor().dims4()?;
    let look = |chances: &[f64; 3]| {
        let mut dice = Dice { numbers: chances.iter(), probability: 0.5 };
        let flip = dice.applies() && loss.consistency_flip;
        let mut along = |side| dice.either_way(pixels(loss.consistency_shift, side));
        Placement { flip, shift: (along(height), along(width)), edge: Edge::Mirror, ..Placement::NONE }
    };
    let looks: Arc<[Placement]> = chances.iter().map(look).collect();
    images.detach().place(&looks)
}

/// Second looks at real images and at fakes, each with the weight of its consistency.
pub(super) type Looks = [Option<(Value, f64)>; 2];

/// The weighted sum over the looks of `mean (D(image) - D(look))^2`, the mean over scales and images, shape (1); nothing
/// without looks. It compares the logits of whole images alone, and both sides carry gradients. `first` holds the judgements
/// of the images that were looked at.
pub(super) fn consistency(
    discriminator: &Discriminator,
    pass: &mut Pass<'_>,
    looks: &Looks,
    first: [&[DiscriminatorOutput]; 2],
    labels: &Tensor,
) -> Result<Option<Value>> {
    let mut total: Option<Value> = None;
    for (look, first) in looks.iter().zip(first) {
        let Some((images, weight)) = look else { continue };
        let second = discriminator.forward(pass, images, labels)?;
        let term = differences(first, &second)?.scale(*weight)?;
        total = Some(match total {
            None => term,
            Some(before) => before.add(&term)?,
        });
    }
    Ok(total)
}

fn differences(first: &[DiscriminatorOutput], second: &[DiscriminatorOutput]) -> Result<Value> {
    mean_of(first.iter().zip(second).map(|(first, second)| {
        let difference = first.logits.sub(&second.logits)?;
        difference.mul(&difference)?.mean_all()
    }))
}

/// The probability that follows overfitting, and what was seen since it last moved.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Adaptive {
    /// With which changes are applied.
    pub probability: f64,
    /// Sum of the signs of logits on real images.
    pub signs: f64,
    /// Their number.
    pub logits: u64,
    /// Real images seen.
    pub images: u64,
}

impl Adaptive {
    /// Takes in D's judgements of a batch of real images; the mean sign of their logits, or nothing for a loss without a
    /// border between real and fake.
    pub fn see(&mut self, kind: LossKind, real: &[DiscriminatorOutput]) -> Result<Option<f32>> {
        let border = match kind {
            LossKind::Bce | LossKind::Hinge => 0.0,
            LossKind::LeastSquares => 0.5,
            LossKind::WassersteinGp => return Ok(None),
        };
        let (mut signs, mut logits) = (0.0, 0u64);
        for judgement in real {
            for logit in judgement.logits.tensor().flatten_all()?.to_vec1::<f32>()? {
                signs += if logit == border { 0.0 } else { f64::from((logit - border).signum()) };
                logits += 1;
            }
        }
        let images = real.first().map_or(0, |judgement| judgement.logits.dims()[0]);
        self.signs += signs;
        self.logits += logits;
        self.images += images as u64;
        Ok(Some((signs / logits.max(1) as f64) as f32))
    }

    /// Moves the probability after every `adaptive_every` of the steps `done`: by the images seen as a share of
    /// `adaptive_images`, up where the mean sign is above the target and down where it is below.
    pub fn adjust(&mut self, a: &Augment, done: u64) {
        if !a.adaptive || !done.is_multiple_of(a.adaptive_every as u64) || self.logits == 0 {
            return;
        }
        let above = self.signs / self.logits as f64 - a.target;
        let direction = if above == 0.0 { 0.0 } else { above.signum() };
        // Logits that are no numbers move nothing: the losses tell of them.
        if direction.is_finite() {
            let moved = self.probability + direction * self.images as f64 / a.adaptive_images as f64;
            self.probability = moved.clamp(0.0, a.limit);
        }
        *self = Self { probability: self.probability, ..Self::default() };
    }
}

/// With which changes are applied now; nothing where none is on.
pub(super) fn probability(a: &Augment, adaptive: &Adaptive) -> Option<f64> {
    a.is_on().then_some(if a.adaptive { adaptive.probability } else { a.probability })
}

/// The images of the `batch`-th batch of a purpose as D sees them: changed with the probability of now.
pub(super) fn augmented(
    images: &Value,
    config: &Config,
    adaptive: &Adaptive,
    purpose: Purpose,
    batch: u64,
) -> Result<Value> {
    match probability(&config.augment, adaptive) {
        Some(probability) if probability > 0.0 => {
            let chances = draw(images, config.train.seed, purpose, batch);
            changed(images, &config.augment, probability, &chances)
        }
        Some(_) | None => Ok(images.clone()),
    }
}

/// Real images and fakes of a batch of D's, changed apart from each other; `number` is that of its real images.
pub(super) fn both(
    (real, fake): (&Value, &Value),
    config: &Config,
    adaptive: &Adaptive,
    number: u64,
) -> Result<(Value, Value)> {
    let see = |images, number| augmented(images, config, adaptive, Purpose::DiscriminatorAugment, number);
    Ok((see(real, number)?, see(fake, number + 1)?))
}

/// Second looks at what D sees in a batch, as far as consistency asks for them; `number` is that of its real images.
pub(super) fn second_looks((real, fake): (&Value, &Value), config: &Config, number: u64) -> Result<Looks> {
    let l = &config.loss;
    let look = |images: &Value, weight: f64, number: u64| -> Result<Option<(Value, f64)>> {
        if weight <= 0.0 {
            return Ok(None);
        }
        let chances = draw(images, config.train.seed, Purpose::Consistency, number);
        Ok(Some((second_look(images, l, &chances)?, weight)))
    };
    Ok([look(real, l.consistency_real, number)?, look(fake, l.consistency_fake, number + 1)?])
}
