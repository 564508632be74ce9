//! The LeCam regularisation (Tseng et al. 2021) and the moving averages that it remembers.

use candle_core::Result;

use super::loss::mean_of;
use crate::model::DiscriminatorOutput;
use crate::ops::Value;

/// Moving averages of the discriminator's mean logit at each scale. They start at those of the first batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LeCam {
    /// On real images; empty before the first batch.
    pub real: Vec<f64>,
    /// On fakes; empty before the first batch.
    pub fake: Vec<f64>,
}

impl LeCam {
    /// Moves the averages by a batch.
    pub fn update_averages(
        &mut self,
        decay: f64,
        real: &[DiscriminatorOutput],
        fake: &[DiscriminatorOutput],
    ) -> Result<()> {
        update_averages(&mut self.real, decay, real)?;
        update_averages(&mut self.fake, decay, fake)
    }

    /// The mean over scales of `mean (D(real) - average on fakes)^2 + mean (average on reals - D(fake))^2`, shape (1). That is
    /// the paper's form; `one_sided` is its authors' code, where a difference below 0 counts as 0. The averages have moved by
    /// the batch already, and carry no gradient.
    pub fn term(&self, one_sided: bool, real: &[DiscriminatorOutput], fake: &[DiscriminatorOutput]) -> Result<Value> {
        let distance = |judgement: &DiscriminatorOutput, sign: f64, from: f64| -> Result<Value> {
            let difference = judgement.logits.affine(sign, -sign * from)?;
            let difference = if one_sided { difference.leaky_relu(0.0)? } else { difference };
            difference.mul(&difference)?.mean_all()
        };
        let scales = real.iter().zip(&self.fake).zip(fake.iter().zip(&self.real));
        mean_of(scales.map(|((real, on_fake), (fake, on_real))| {
            distance(real, 1.0, *on_fake)?.add(&distance(fake, -1.0, *on_real)?)
        }))
    }
}

fn update_averages(averages: &mut Vec<f64>, decay: f64, judgements: &[DiscriminatorOutput]) -> Result<()> {
    let mean = |j: &DiscriminatorOutput| Ok(f64::from(j.logits.tensor().mean_all()?.to_scalar::<f32>()?));
    let means: Vec<f64> = judgements.iter().map(mean).collect::<Result<_>>()?;
    if averages.is_empty() {
        *averages = means;
        return Ok(());
    }
    for (average, mean) in averages.iter_mut().zip(means) {
        *average = decay * *average + (1.0 - decay) * mean;
    }
    Ok(())
}
