//! What single numbers say: who is ahead, whether D still learns, whether G does.

use super::{Recent, Remark, Tone, equilibrium, remark};
use crate::config::{Config, LossKind};

/// From this accuracy on D is right too often, and up to this one it guesses.
const SURE: f64 = 0.97;
const GUESSING: f64 = 0.55;
/// Norms of a gradient beyond which it says something by itself.
const VANISHED: f64 = 1e-3;
const EXPLODED: f64 = 1e3;
/// A change by this share is one.
const CHANGED: f64 = 0.15;

/// How D's loss stands to the value where both networks hold each other.
pub(super) fn balance(config: &Config, recent: &Recent) -> Vec<Remark> {
    if config.loss.kind == LossKind::WassersteinGp {
        return vec![critic(recent)];
    }
    let Some((held, _)) = equilibrium(config) else { return Vec::new() };
    let share = recent.loss_d / held;
    let numbers = format!(
        "D's loss is {:.3} now, {:.0} % of the {held:.3} at which it cannot tell real from generated.",
        recent.loss_d,
        share * 100.0
    );
    let (tone, text) = match share {
        share if !share.is_finite() => (Tone::Bad, "A loss is no longer a number: the run has diverged.".to_owned()),
        share if share < 0.1 => (Tone::Bad, format!("{numbers} D has all but won; G learns little from it now.")),
        share if share < 0.6 => (
            Tone::Plain,
            format!("{numbers} D is ahead, as it usually is; G learns as long as D is wrong now and then."),
        ),
        share if share < 1.15 => (Tone::Good, format!("{numbers} The networks are in balance.")),
        _ => (
            Tone::Bad,
            format!(
                "{numbers} D does worse than by guessing: it is confused by G's last changes, or its learning rate is too high. For a few hundred steps that is no problem; if it lasts, give D more updates per step (optimizer.discriminator_steps) or a lower rate."
            ),
        ),
    };
    vec![remark(tone, text)]
}

/// A critic has no loss to hold, but a gap that should shrink.
fn critic(recent: &Recent) -> Remark {
    let gap = recent.logits_real - recent.logits_fake;
    let now = format!("The critic's gap between real and generated images is {gap:.2} now");
    let Some(before) = recent.gap_before.filter(|before| before.abs() > 1e-6) else {
        return remark(
            Tone::Plain,
            format!("{now}; it should shrink over thousands of steps as the images get better."),
        );
    };
    let change = gap / before - 1.0;
    match change {
        change if gap < 0.0 => remark(
            Tone::Bad,
            format!(
                "{now}, below 0: the critic scores generated images above real ones and is behind. Give it more updates per step (optimizer.discriminator_steps). ({:+.0} % in {} steps)",
                change * 100.0,
                recent.steps
            ),
        ),
        change if change < -CHANGED => remark(
            Tone::Good,
            format!(
                "{now}, {:.0} % less than {} steps ago: the images are getting closer to the real ones.",
                -change * 100.0,
                recent.steps
            ),
        ),
        change if change > CHANGED => remark(
            Tone::Plain,
            format!(
                "{now}, {:.0} % more than {} steps ago: the critic has found something that G cannot do yet. Worrying only if it keeps growing for thousands of steps.",
                change * 100.0,
                recent.steps
            ),
        ),
        _ => remark(Tone::Plain, format!("{now}, the same as {} steps ago.", recent.steps)),
    }
}

/// What D's accuracy says.
pub(super) fn accuracy(recent: &Recent) -> Option<Remark> {
    let (real, fake) = (recent.accuracy_real?, recent.accuracy_fake?);
    let numbers = format!(
        "D is right about {:.0} % of the real and {:.0} % of the generated images.",
        real * 100.0,
        fake * 100.0
    );
    let both = real.min(fake);
    Some(match both {
        both if both >= SURE => remark(
            Tone::Bad,
            format!(
                "{numbers} If that lasts, it is too much: G hardly ever fools it. Regularise D (R1, augmentation, label smoothing with bce) or slow it down."
            ),
        ),
        _ if real - fake > 0.35 => {
            remark(Tone::Plain, format!("{numbers} It takes most images for real: at the moment G often fools it."))
        }
        _ if fake - real > 0.35 => remark(
            Tone::Plain,
            format!(
                "{numbers} It takes most images for generated, even real ones: it is unsure, or recognises only some of the real images."
            ),
        ),
        _ if real.max(fake) <= GUESSING => remark(
            Tone::Plain,
            format!(
                "{numbers} It is guessing. Early in a run that passes; later, either the images are good (look at them and at the scores) or D is too weak."
            ),
        ),
        _ => remark(
            Tone::Good,
            format!("{numbers} It can usually tell them apart, but not always: G has something to learn from."),
        ),
    })
}

/// What G's loss says.
pub(super) fn generator(config: &Config, recent: &Recent) -> Option<Remark> {
    let now = recent.loss_g;
    match config.loss.kind {
        LossKind::Hinge | LossKind::WassersteinGp => Some(remark(
            Tone::Plain,
            format!(
                "G's loss of {now:.3} is D's mean output on generated images with the sign flipped. It has no good value: only its changes over a short time mean anything, and they do not measure the quality of the images."
            ),
        )),
        LossKind::Bce | LossKind::LeastSquares => {
            let (_, held) = equilibrium(config)?;
            let (times, numbers) = (now / held, format!("G's loss is {now:.3}; balance would be {held:.3}."));
            Some(match times {
                times if times > 3.0 => {
                    remark(Tone::Bad, format!("{numbers} D sees through nearly all of its images."))
                }
                times if times > 1.2 => remark(
                    Tone::Plain,
                    format!("{numbers} D sees through most of its images, and G still learns from that."),
                ),
                times if times > 0.7 => remark(Tone::Good, format!("{numbers} Its images pass about as often as not.")),
                _ => remark(
                    Tone::Plain,
                    format!(
                        "{numbers} It fools D more often than not: check whether its images are good, or all alike."
                    ),
                ),
            })
        }
    }
}

/// What the norms of the gradients say, where that is something.
pub(super) fn gradients(recent: &Recent) -> Vec<Remark> {
    let networks = [("D", recent.gradient_d), ("G", recent.gradient_g)];
    let told = networks.into_iter().filter_map(|(name, norm)| {
        let norm = norm?;
        if norm < VANISHED {
            Some(remark(Tone::Bad, format!("{name}'s gradient norm is only {norm:.1e}: it no longer learns.")))
        } else if norm > EXPLODED {
            Some(remark(Tone::Bad, format!("{name}'s gradient norm is {norm:.1e}. If it keeps growing, the run diverges: clip it (optimizer.clip) or lower the learning rate.")))
        } else {
            None
        }
    });
    told.collect()
}

/// Losses do not measure images; scores do.
pub(super) fn score(recent: &Recent) -> Remark {
    let lead = "None of these numbers says how good the images are";
    match recent.score {
        None => remark(Tone::Plain, format!("{lead}: look at the samples, and at scores once there are some.")),
        Some((now, best)) if now <= best * 1.02 => remark(
            Tone::Good,
            format!("{lead}; the score does, and it is at its best so far ({now:.2}). It is worth going on."),
        ),
        Some((now, best)) => remark(
            Tone::Plain,
            format!(
                "{lead}; the score does: {now:.2} now, {best:.2} at best. If it has not improved over many scores, stop or lower the rates, and use the checkpoint with the best one."
            ),
        ),
    }
}
