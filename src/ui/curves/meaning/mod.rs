//! What the present losses of a run mean, in plain words with its numbers: a pure function of the settings and the averages
//! of its newest steps.

mod logits;
#[cfg(test)]
mod tests;

use crate::config::{Conditioning, Config, LossKind};

/// Steps that the averages go over.
pub(super) const STEPS: usize = 200;

/// Averages over the newest steps of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Recent {
    /// Steps that were averaged.
    pub steps: usize,
    pub loss_d: f64,
    pub loss_g: f64,
    pub logits_real: f64,
    pub logits_fake: f64,
    /// For losses whose logits have a border between real and fake.
    pub accuracy_real: Option<f64>,
    pub accuracy_fake: Option<f64>,
    /// Norms of the gradients, where they are told.
    pub gradient_d: Option<f64>,
    pub gradient_g: Option<f64>,
    /// The gap of the logits over as many steps before.
    pub gap_before: Option<f64>,
    /// The newest score of all classes, and the best one.
    pub score: Option<(f64, f64)>,
}

/// How good it is what a remark tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    /// Neither good nor bad, or only to know.
    Plain,
    Bad,
}

/// A sentence or two.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Remark {
    pub tone: Tone,
    pub text: String,
}

fn remark(tone: Tone, text: String) -> Remark {
    Remark { tone, text }
}

/// What the losses of a run mean now.
pub(super) fn explain(config: &Config, recent: &Recent) -> Vec<Remark> {
    if recent.steps == 0 {
        return vec![remark(Tone::Plain, "The first step has not been taken yet.".to_owned())];
    }
    let mut remarks = vec![remark(Tone::Plain, what(config))];
    remarks.extend(logits::balance(config, recent));
    remarks.extend(logits::accuracy(recent));
    remarks.extend(logits::generator(config, recent));
    remarks.extend(logits::gradients(recent));
    remarks.extend(parts(config));
    remarks.push(logits::score(recent));
    remarks
}

/// What the losses of a kind are when D cannot tell real from fake: D's and G's.
pub(super) fn equilibrium(config: &Config) -> Option<(f64, f64)> {
    // A U-Net judges the whole image and its pixels, and both terms are added.
    let terms = if config.discriminator.unet { 2.0 } else { 1.0 };
    let (d, g) = match config.loss.kind {
        LossKind::Bce => {
            // The best answer to images that are real as often as not, when "real" counts as 1 less the smoothing.
            let s = config.loss.label_smoothing;
            let best = (1.0 - s) / 2.0;
            (-(1.0 - s) * best.ln() - (1.0 + s) * (1.0 - best).ln(), -best.ln())
        }
        LossKind::Hinge => (2.0, 0.0),
        LossKind::LeastSquares => (0.25, 0.125),
        LossKind::WassersteinGp => return None,
    };
    Some((d * terms, g * terms))
}

/// What the kind of loss asks of both networks.
fn what(config: &Config) -> String {
    let at = |name: &str, rule: &str| match equilibrium(config) {
        Some((d, g)) => format!(
            "{name}: {rule} Where D cannot tell real from generated images, D's loss is {d:.3} and G's {g:.3}: balance is there, not at 0."
        ),
        None => format!("{name}: {rule}"),
    };
    match config.loss.kind {
        LossKind::Bce => at(
            "Binary cross-entropy",
            "D gives each image a probability of being real and is penalised for its surprise; G is penalised where D sees through its images.",
        ),
        LossKind::Hinge => at(
            "Hinge loss",
            "D should score real images above +1 and generated ones below -1, and is penalised for any shortfall; G should raise the scores of its own.",
        ),
        LossKind::LeastSquares => at(
            "Least squares",
            "D should give real images a 1 and generated ones a 0, and its loss is half the squared difference; G should get a 1.",
        ),
        LossKind::WassersteinGp => at(
            "Wasserstein with gradient penalty",
            "D (a critic) scores images on a scale with no zero: only the gap between real and generated ones counts, an estimate of how far apart they are. The losses of D and G can drift up and down together; that means nothing.",
        ),
    }
}

/// What else is in D's and G's loss, so that they are not taken for the adversarial part alone.
fn parts(config: &Config) -> Option<Remark> {
    let l = &config.loss;
    let auxiliary = config.discriminator.conditioning == Conditioning::Auxiliary && l.auxiliary_weight > 0.0;
    let in_d = [
        (l.kind == LossKind::WassersteinGp, "the gradient penalty"),
        (l.r1 > 0.0, "the R1 penalty"),
        (l.lecam > 0.0, "the LeCam term"),
        (l.consistency_real > 0.0 || l.consistency_fake > 0.0, "the consistency term"),
        (auxiliary, "the classification loss"),
    ];
    let in_g = [(l.compares_features(), "the loss on features"), (auxiliary, "the classification loss")];
    let told = |parts: &[(bool, &str)]| {
        parts.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    };
    let (d, g) = (told(&in_d), told(&in_g));
    let text = match (d.is_empty(), g.is_empty()) {
        (true, true) => return None,
        (false, true) => format!("D's loss also includes {d}, so it is higher than these values."),
        (true, false) => format!("G's loss also includes {g}, so it is higher than these values."),
        (false, false) => format!("D's loss also includes {d}, and G's {g}, so they are higher than these values."),
    };
    Some(remark(Tone::Plain, text))
}
