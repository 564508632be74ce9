//! The adversarial losses. Each takes the mean over scales of a term of that scale's judgement.

use candle_core::{Result, Tensor};

use crate::config::{Conditioning, Config, LossKind};
use crate::model::{Discriminator, Judgement, Pass};
use crate::ops::{Graph, Value, blend, gradients};

fn mean_over_scales(judgements: &[Judgement], term: impl Fn(&Judgement) -> Result<Value>) -> Result<Value> {
    let mut total: Option<Value> = None;
    for judgement in judgements {
        let term = term(judgement)?;
        total = Some(match total {
            None => term,
            Some(before) => before.add(&term)?,
        });
    }
    match total {
        Some(total) => total.scale(1.0 / judgements.len() as f64),
        None => candle_core::bail!("a discriminator without scales judges nothing"),
    }
}

/// The mean over scales of an adversarial term of the logits, to which the same term of the pixels' logits is added, with
/// equal weight, where a U-Net gives them (Schoenfeld et al. 2020).
fn adversarial(judgements: &[Judgement], term: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    mean_over_scales(judgements, |j| {
        let global = term(&j.logits)?;
        j.pixel_logits.as_ref().map_or_else(|| Ok(global.clone()), |pixels| global.add(&term(pixels)?))
    })
}

fn mean_logit(judgements: &[Judgement]) -> Result<Value> {
    adversarial(judgements, Value::mean_all)
}

/// Mean binary cross-entropy between logits and one target for all of them: `softplus(x) - target x`.
fn cross_entropy_with(judgements: &[Judgement], target: f64) -> Result<Value> {
    adversarial(judgements, |x| {
        if target == 0.0 { x.softplus()?.mean_all() } else { x.softplus()?.sub(&x.scale(target)?)?.mean_all() }
    })
}

fn classification(judgements: &[Judgement], labels: &Tensor) -> Result<Option<Value>> {
    if judgements.iter().any(|j| j.class_logits.is_none()) {
        return Ok(None);
    }
    let term = |j: &Judgement| match &j.class_logits {
        Some(logits) => logits.cross_entropy(labels),
        None => j.logits.mean_all(),
    };
    mean_over_scales(judgements, term).map(Some)
}

/// The discriminator's loss on a batch, without the gradient penalty. All shapes (1).
pub(super) fn of_discriminator(
    config: &Config,
    real: &[Judgement],
    fake: &[Judgement],
    labels: &Tensor,
) -> Result<Value> {
    let hinge = |judgements: &[Judgement], sign: f64| {
        adversarial(judgements, |x| x.affine(sign, 1.0)?.leaky_relu(0.0)?.mean_all())
    };
    let total = match config.loss.kind {
        LossKind::Bce => {
            cross_entropy_with(real, 1.0 - config.loss.label_smoothing)?.add(&cross_entropy_with(fake, 0.0)?)?
        }
        LossKind::Hinge => hinge(real, -1.0)?.add(&hinge(fake, 1.0)?)?,
        LossKind::WassersteinGp => mean_logit(fake)?.sub(&mean_logit(real)?)?,
    };
    with_classification(config, total, real, labels)
}

/// The generator's loss on a batch of its images. Shape (1).
pub(super) fn of_generator(config: &Config, fake: &[Judgement], labels: &Tensor) -> Result<Value> {
    let total = match config.loss.kind {
        LossKind::Bce => cross_entropy_with(fake, 1.0)?,
        LossKind::Hinge | LossKind::WassersteinGp => mean_logit(fake)?.scale(-1.0)?,
    };
    with_classification(config, total, fake, labels)
}

fn with_classification(config: &Config, total: Value, judgements: &[Judgement], labels: &Tensor) -> Result<Value> {
    if config.discriminator.conditioning != Conditioning::Auxiliary {
        return Ok(total);
    }
    match classification(judgements, labels)? {
        Some(term) => total.add(&term.scale(config.loss.auxiliary_weight)?),
        None => Ok(total),
    }
}

/// Mean over images of `(|d critic / d image| - 1)^2` at random points between real and fake (Gulrajani et al. 2017). The
/// norm is over the whole image, the critic the mean over scales; `alpha` is `(B, 1, 1, 1)`, uniform in [0, 1).
pub(super) fn gradient_penalty(
    discriminator: &Discriminator,
    pass: &mut Pass<'_>,
    real: &Tensor,
    fake: &Tensor,
    labels: &Tensor,
    alpha: &Tensor,
) -> Result<Value> {
    let batch = real.dim(0)?.max(1);
    let between = Value::leaf(blend(real, fake, alpha)?);
    let judgements = discriminator.forward(pass, &between, labels)?;
    // Images are summed; the pixels of one are averaged, as in the loss.
    let critic = adversarial(&judgements, |x| match x.tensor().elem_count() / batch {
        1 => x.sum_all(),
        pixels => x.sum_all()?.scale(1.0 / pixels as f64),
    })?;
    let Some(gradient) = gradients(critic, std::slice::from_ref(&between), Graph::Keep)?.remove(0) else {
        candle_core::bail!("the critic does not depend on its images")
    };
    let (batch, height, width, channels) = gradient.tensor().dims4()?;
    let squares = gradient.mul(&gradient)?.reshape(&[batch, height * width * channels])?.sum_keepdim(1)?;
    // A root has no slope at 0; PyTorch's norm takes 0 there, and so does this (the offset is far below rounding).
    let excess = squares.affine(1.0, 1e-30)?.power(0.5)?.affine(1.0, -1.0)?;
    excess.mul(&excess)?.mean_all()
}
