//! The adversarial losses. Each takes the mean over scales of a term of that scale's judgement.

use candle_core::{DType, Result, Tensor};

use super::loss_terms::LossTerms;
use crate::config::{Conditioning, Config, LossKind};
use crate::event::Scalar;
use crate::model::{Discriminator, DiscriminatorOutput, Pass};
use crate::ops::{Graph, Value, blend, gradients};

/// The mean of some terms of shape (1).
pub(super) fn mean_of(terms: impl Iterator<Item = Result<Value>>) -> Result<Value> {
    let (mut total, mut count) = (None::<Value>, 0);
    for term in terms {
        let term = term?;
        total = Some(match total {
            None => term,
            Some(before) => before.add(&term)?,
        });
        count += 1;
    }
    match total {
        Some(total) => total.scale(1.0 / f64::from(count)),
        None => candle_core::bail!("a discriminator without scales judges nothing"),
    }
}

/// The mean over scales of an adversarial term of the logits, to which the same term of the pixels' logits is added, with
/// equal weight, where a U-Net gives them (Schoenfeld et al. 2020).
fn adversarial(judgements: &[DiscriminatorOutput], term: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    mean_over_scales(judgements, |j| {
        let global = term(&j.logits)?;
        j.pixel_logits.as_ref().map_or_else(|| Ok(global.clone()), |pixels| global.add(&term(pixels)?))
    })
}

fn mean_over_scales(
    judgements: &[DiscriminatorOutput],
    term: impl Fn(&DiscriminatorOutput) -> Result<Value>,
) -> Result<Value> {
    mean_of(judgements.iter().map(term))
}

/// What a batch's images are, and how much each of them counts.
pub(super) struct Batch<'a> {
    /// `(B)` u32.
    pub labels: &'a Tensor,
    /// `(B)`: the weight of each image by its class; nothing where all count alike.
    pub weights: Option<Value>,
    /// How much labels count, from 0 to 1.
    pub condition: f64,
}

impl Batch<'_> {
    /// The weighted mean of terms, `(B)` or `(B, ..)`, with shape (1). The weights are not divided by their sum: their mean
    /// is 1 over the data, not over the batch.
    fn mean(&self, terms: &Value) -> Result<Value> {
        let Some(weights) = &self.weights else { return terms.mean_all() };
        let mut shape = vec![1; terms.dims().len()];
        shape[0] = weights.dims()[0];
        terms.mul(&weights.reshape(&shape)?)?.mean_all()
    }

    fn mean_logit(&self, judgements: &[DiscriminatorOutput]) -> Result<Value> {
        adversarial(judgements, |x| self.mean(x))
    }

    /// Mean binary cross-entropy between logits and one target for all of them: `softplus(x) - target x`.
    fn cross_entropy_with(&self, judgements: &[DiscriminatorOutput], target: f64) -> Result<Value> {
        adversarial(judgements, |x| {
            if target == 0.0 { self.mean(&x.softplus()?) } else { self.mean(&x.softplus()?.sub(&x.scale(target)?)?) }
        })
    }

    /// Half the mean squared distance of the logits from one target for all of them.
    fn half_square(&self, judgements: &[DiscriminatorOutput], target: f64) -> Result<Value> {
        let square = |x: &Value| {
            let difference = x.affine(1.0, -target)?;
            self.mean(&difference.mul(&difference)?)
        };
        adversarial(judgements, square)?.scale(0.5)
    }

    fn hinge(&self, judgements: &[DiscriminatorOutput], sign: f64) -> Result<Value> {
        adversarial(judgements, |x| self.mean(&x.affine(sign, 1.0)?.leaky_relu(0.0)?))
    }

    /// Cross-entropy of `(B, classes)` logits with the labels, shape (1).
    fn classes(&self, logits: &Value) -> Result<Value> {
        let Some(weights) = &self.weights else { return logits.cross_entropy(self.labels) };
        let classes = logits.dims()[1];
        let max = Value::constant(logits.tensor().max_keepdim(1)?);
        let shifted = logits.sub(&max.broadcast_as(logits.dims())?)?;
        let total = shifted.exp()?.sum_keepdim(1)?.log()?;
        let eye = Tensor::eye(classes, DType::F32, logits.tensor().device())?;
        let picked = shifted.mul(&Value::constant(eye.index_select(self.labels, 0)?))?.sum_keepdim(1)?;
        self.mean(&total.sub(&picked)?.reshape(weights.dims())?)
    }

    fn classification(&self, judgements: &[DiscriminatorOutput]) -> Result<Option<Value>> {
        if judgements.iter().any(|j| j.class_logits.is_none()) {
            return Ok(None);
        }
        let term = |j: &DiscriminatorOutput| match &j.class_logits {
            Some(logits) => self.classes(logits),
            None => j.logits.mean_all(),
        };
        mean_over_scales(judgements, term).map(Some)
    }
}

/// Adds the discriminator's adversarial loss on a batch, and the classification of real images, and of fakes where that is asked for.
pub(super) fn of_discriminator(
    config: &Config,
    real: &[DiscriminatorOutput],
    fake: &[DiscriminatorOutput],
    batch: &Batch<'_>,
    terms: &mut LossTerms<'_>,
) -> Result<()> {
    let adversarial = match config.loss.kind {
        LossKind::Bce => {
            let on_real = batch.cross_entropy_with(real, 1.0 - config.loss.label_smoothing)?;
            on_real.add(&batch.cross_entropy_with(fake, 0.0)?)?
        }
        LossKind::Hinge => batch.hinge(real, -1.0)?.add(&batch.hinge(fake, 1.0)?)?,
        LossKind::WassersteinGp => batch.mean_logit(fake)?.sub(&batch.mean_logit(real)?)?,
        // The 0-1 form of Mao et al. 2017: targets 1 for real and 0 for fake, half the mean square of each.
        LossKind::LeastSquares => batch.half_square(real, 1.0)?.add(&batch.half_square(fake, 0.0)?)?,
    };
    terms.add(Scalar::AdversarialD, &adversarial)?;
    classify(config, real, batch, (Scalar::ClassificationD, terms))?;
    if config.loss.auxiliary_fakes { classify(config, fake, batch, (Scalar::ClassificationD, terms)) } else { Ok(()) }
}

/// Adds the generator's adversarial loss on a batch of its images, and their classification.
pub(super) fn of_generator(
    config: &Config,
    fake: &[DiscriminatorOutput],
    batch: &Batch<'_>,
    terms: &mut LossTerms<'_>,
) -> Result<()> {
    let adversarial = match config.loss.kind {
        LossKind::Bce => batch.cross_entropy_with(fake, 1.0)?,
        LossKind::Hinge | LossKind::WassersteinGp => batch.mean_logit(fake)?.scale(-1.0)?,
        LossKind::LeastSquares => batch.half_square(fake, 1.0)?,
    };
    terms.add(Scalar::AdversarialG, &adversarial)?;
    classify(config, fake, batch, (Scalar::ClassificationG, terms))
}

fn classify(
    config: &Config,
    judgements: &[DiscriminatorOutput],
    batch: &Batch<'_>,
    (number, terms): (Scalar, &mut LossTerms<'_>),
) -> Result<()> {
    if config.discriminator.conditioning == Conditioning::Auxiliary
        && batch.condition > 0.0
        && let Some(term) = batch.classification(judgements)?
    {
        terms.add(number, &term.scale(config.loss.auxiliary_weight * batch.condition)?)?;
    }
    Ok(())
}

/// What penalties take the slope of: the judgements summed over images; the pixels of one are averaged, as in the loss.
fn critic(judgements: &[DiscriminatorOutput], batch: usize) -> Result<Value> {
    adversarial(judgements, |x| match x.tensor().elem_count() / batch.max(1) {
        1 => x.sum_all(),
        pixels => x.sum_all()?.scale(1.0 / pixels as f64),
    })
}

/// The R1 penalty (Mescheder et al. 2018) without its weight gamma, shape (1): half the mean over images of
/// `|d D / d image|^2`, D the mean over scales. `images` is the leaf `(B, size, size, channels)` that `real` judges.
pub(super) fn r1(real: &[DiscriminatorOutput], images: &Value) -> Result<Value> {
    let critic = critic(real, images.dims()[0])?;
    let Some(gradient) = gradients(critic, std::slice::from_ref(images), Graph::Keep)?.remove(0) else {
        candle_core::bail!("the discriminator does not depend on its images")
    };
    let batch = gradient.dims()[0];
    gradient.mul(&gradient)?.sum_all()?.scale(0.5 / batch as f64)
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
    let critic = critic(&judgements, batch)?;
    let Some(gradient) = gradients(critic, std::slice::from_ref(&between), Graph::Keep)?.remove(0) else {
        candle_core::bail!("the critic does not depend on its images")
    };
    let (batch, height, width, channels) = gradient.tensor().dims4()?;
    let squares = gradient.mul(&gradient)?.reshape(&[batch, height * width * channels])?.sum_keepdim(1)?;
    // A root has no slope at 0; PyTorch's norm takes 0 there, and so does this (the offset is far below rounding).
    let excess = squares.affine(1.0, 1e-30)?.power(0.5)?.affine(1.0, -1.0)?;
    excess.mul(&excess)?.mean_all()
}
