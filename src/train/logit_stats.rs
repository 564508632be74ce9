//! What a discriminator's judgements say at a glance.

use candle_core::Result;

use crate::model::DiscriminatorOutput;

/// The mean of all logits, for the eye.
pub(super) fn mean_logit(judgements: &[DiscriminatorOutput]) -> Result<f32> {
    let mut sum = 0.0;
    for judgement in judgements {
        sum += judgement.logits.tensor().mean_all()?.to_scalar::<f32>()?;
    }
    Ok(sum / judgements.len().max(1) as f32)
}

/// The share of all logits of which `is` holds.
pub(super) fn share_of(judgements: &[DiscriminatorOutput], is: impl Fn(f32) -> bool) -> Result<f32> {
    let (mut count, mut total) = (0, 0);
    for judgement in judgements {
        let logits = judgement.logits.tensor().flatten_all()?.to_vec1::<f32>()?;
        count += logits.iter().filter(|x| is(**x)).count();
        total += logits.len();
    }
    Ok(count as f32 / total.max(1) as f32)
}
