//! Training that has diverged.

use super::super::advice;
use super::at::At;
use crate::config::Config;
use crate::event::{Alarm, AlarmKind, Scalar, Scalars};

/// Losses and logits of sound runs stay below some thousands, those of a critic at most some millions. Beyond this, weights
/// are growing without bound and will be infinite some steps later, when less is left to go back to.
const ABSURD: f32 = 1e9;

/// The alarm that training has diverged, by the first term of a step that is no finite number or beyond [`ABSURD`]; nothing
/// where all are.
pub fn divergence(at: At, numbers: &Scalars, config: &Config) -> Option<Alarm> {
    // In the order in which a step computes them: what comes after the first is broken by it.
    let terms = [
        (Scalar::LogitsReal, "the discriminator's logits on real images"),
        (Scalar::LogitsFake, "the discriminator's logits on generated images"),
        (Scalar::LossD, "the discriminator's loss"),
        (Scalar::LossG, "the generator's loss"),
    ];
    let mut terms = terms.into_iter().map(|(number, name)| (number.info().key, name, numbers[number]));
    let (term, name, value) = terms.find(|(.., value)| value.is_nan() || value.abs() > ABSURD)?;
    let value = match value {
        value if value.is_nan() => "not a number".to_owned(),
        value if value.is_infinite() => "infinite".to_owned(),
        value => format!("{value:.1e}, far beyond any healthy run"),
    };
    Some(diverged(at, term, &format!("{name} became {value}"), config))
}

/// The alarm that the weights are broken though the losses of their last step were not.
pub fn broken_weights(at: At, config: &Config) -> Alarm {
    diverged(at, "weights", "weights became infinite or not a number", config)
}

fn diverged(at: At, term: &str, what: &str, config: &Config) -> Alarm {
    let message = format!("Training has diverged at step {}: {what}.", at.step);
    at.alarm(AlarmKind::Divergence, Some(term.to_owned()), message, advice::divergence(config))
}
