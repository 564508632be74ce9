//! What helps against what an alarm tells of.

use crate::config::{Conditioning, Config, LossKind};
use crate::event::Edited;

/// `Try` and what helps, the likeliest first, without what the run does already.
fn helps(options: &[(bool, &str)]) -> String {
    let options: Vec<&str> = options.iter().filter(|(open, _)| *open).map(|(_, text)| *text).collect();
    match options.as_slice() {
        [] => String::new(),
        [one] => format!("Try {one}."),
        [first @ .., last] => format!("Try {} or {last}.", first.join(", ")),
    }
}

pub(super) fn divergence(config: &Config) -> String {
    helps(&[
        (true, "learning rates lower by a factor of 2 to 10"),
        (config.optimizer.clip == 0.0, "gradient clipping (optimizer.clip)"),
        (!config.discriminator.spectral_norm, "spectral normalisation of the discriminator"),
        (config.loss.kind != LossKind::Hinge, "the hinge loss"),
        (true, "a larger batch"),
    ])
}

pub(super) fn saturation(config: &Config) -> String {
    let (o, data) = (&config.optimizer, &config.data);
    let augmented = data.is_augmented();
    let smoothing = config.loss.kind == LossKind::Bce && config.loss.label_smoothing == 0.0;
    helps(&[
        (true, "a lower learning rate of the discriminator"),
        (o.discriminator_steps > 1, "fewer updates of the discriminator a step"),
        (smoothing, "one-sided label smoothing"),
        (!config.discriminator.spectral_norm, "spectral normalisation of the discriminator"),
        (!augmented, "augmented images (flips, rotation)"),
        (augmented, "stronger augmentation"),
        (!config.augment.is_on(), "adaptive augmentation of what the discriminator sees (augment.adaptive)"),
        (config.loss.r1 == 0.0, "R1 (loss.r1)"),
        (config.train.instance_noise == 0.0, "instance noise (train.instance_noise)"),
    ])
}

pub(super) fn copies(config: &Config) -> String {
    helps(&[
        (true, "an earlier checkpoint"),
        (true, "more images"),
        (!config.augment.is_on(), "adaptive augmentation of what the discriminator sees (augment.adaptive)"),
        (!config.data.is_augmented(), "augmented images (flips, rotation)"),
        (config.loss.lecam == 0.0, "LeCam regularisation (loss.lecam)"),
        (true, "smaller networks"),
    ])
}

/// After a generator has broken down, nothing helps but to begin from before.
pub(super) fn blank(edited: Option<&Edited>) -> String {
    let Some(Edited { step, changes }) = edited else {
        return "Go back to a checkpoint from before, with lower learning rates.".to_owned();
    };
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    format!(
        "The last change before it was {} at step {step}: take it back, and go back to a checkpoint from before that step.",
        changes.join(", ")
    )
}

pub(super) fn collapse(config: &Config) -> String {
    let d = &config.discriminator;
    helps(&[
        (true, "a lower learning rate of the generator"),
        (d.conditioning == Conditioning::Auxiliary, "projection conditioning (auxiliary classifiers narrow classes)"),
        (!d.spectral_norm, "spectral normalisation of the discriminator"),
        (!d.minibatch_stddev, "minibatch standard deviation (discriminator.minibatch_stddev)"),
        (config.loss.kind != LossKind::WassersteinGp, "the Wasserstein loss with gradient penalty"),
        (true, "a larger batch"),
        (true, "more images of the class"),
    ])
}
