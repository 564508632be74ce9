//! The discriminator's learning rate follows its loss (Hazimeh & Ponomareva 2023): a discriminator that wins learns more slowly.

use crate::config::{Config, LossKind, Optimizer};

/// Decay an update of the average of the discriminator's loss; the paper's.
const DECAY: f64 = 0.95;

/// The moving average of the discriminator's adversarial loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GapScheduler {
    /// Penalties and classification left out. It starts at the ideal.
    pub loss: f64,
}

impl GapScheduler {
    pub fn new(config: &Config) -> Self {
        Self { loss: ideal(config) }
    }

    /// What the learning rate of an update is multiplied with, after the average has moved by the `loss` of its batches.
    pub fn factor(&mut self, config: &Config, loss: f64) -> f64 {
        self.loss = DECAY * self.loss + (1.0 - DECAY) * loss;
        factor(&config.optimizer, self.loss - ideal(config))
    }
}

/// The loss of a discriminator that cannot tell fakes from real images: it gives the logit 0 (0.5, where those are the
/// targets' middle) to all.
fn ideal(config: &Config) -> f64 {
    let each = match config.loss.kind {
        LossKind::Bce => 4f64.ln(),
        LossKind::Hinge => 2.0,
        LossKind::WassersteinGp => 0.0,
        LossKind::LeastSquares => 0.25,
    };
    // A U-Net's pixels are judged beside the whole image.
    if config.discriminator.unet { 2.0 * each } else { each }
}

/// Falls from 1 to `gap_lowest` as the loss goes from the share `gap_from` of `gap` below the ideal to the whole, and rises to
/// `gap_highest` as far above.
fn factor(o: &Optimizer, above: f64) -> f64 {
    if o.gap <= 0.0 {
        return 1.0;
    }
    let far = ((above.abs() / o.gap - o.gap_from) / (1.0 - o.gap_from)).clamp(0.0, 1.0);
    if above < 0.0 { o.gap_lowest.powf(far) } else { o.gap_highest.powf(far) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_below_the_ideal_loss_and_rises_above_it() {
        let o = Optimizer { gap: 0.5, gap_lowest: 0.01, gap_highest: 4.0, ..Optimizer::default() };
        let factors = [-9.0, -0.5, -0.25, 0.0, 0.25, 0.5, 9.0].map(|above| factor(&o, above));
        for (factor, wanted) in factors.into_iter().zip([0.01, 0.01, 0.1, 1.0, 2.0, 4.0, 4.0]) {
            assert!((factor - wanted).abs() < 1e-12, "{factor} {wanted}");
        }
        assert_eq!(factor(&Optimizer::default(), -9.0), 1.0);
        let late = Optimizer { gap: 2.0, gap_from: 0.5, ..o.clone() };
        let factors = [-2.0, -1.5, -1.0, -0.5, 0.0, 1.0, 1.5, 2.0].map(|above| factor(&late, above));
        for (factor, wanted) in factors.into_iter().zip([0.01, 0.1, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0]) {
            assert!((factor - wanted).abs() < 1e-12, "{factor} {wanted}");
        }
        // A loss that is no number stops nothing here: the run itself tells of it.
        assert!(factor(&o, f64::NAN).is_nan() || factor(&o, f64::NAN) > 0.0);
    }

    #[test]
    fn the_average_starts_at_the_loss_of_one_who_cannot_tell() {
        let config = |entry: &str| Config::default().with(&[entry, "optimizer.gap=1"]).unwrap();
        for (kind, ideal) in
            [("hinge", 2.0), ("bce", 2.0 * 2f64.ln()), ("least-squares", 0.25), ("wasserstein-gp", 0.0)]
        {
            let config = config(&format!("loss.kind={kind}"));
            assert_eq!(GapScheduler::new(&config).loss, ideal);
            assert_eq!(GapScheduler::new(&config).factor(&config, ideal), 1.0);
        }
        let hinge = config("loss.kind=hinge");
        let mut gap = GapScheduler::new(&hinge);
        let first = gap.factor(&hinge, 0.0);
        assert!((gap.loss - 1.9).abs() < 1e-12 && (first - 0.1f64.powf(0.1)).abs() < 1e-12);
    }
}
