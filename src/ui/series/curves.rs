//! The curves of a run, by name.

use super::Series;
use crate::event::Step;

/// The curves of a run.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// The discriminator's loss.
    pub loss_d: Series,
    /// The generator's loss.
    pub loss_g: Series,
    /// The perceptual and the texture loss in it; empty where neither is on.
    pub loss_features: Series,
    /// The discriminator's mean logit on real images.
    pub logits_real: Series,
    /// The discriminator's mean logit on fakes.
    pub logits_fake: Series,
    /// Probability with which the images that the discriminator sees are changed, where that is told.
    pub augment_probability: Series,
    /// The discriminator's mean sign on real images, where that is told.
    pub sign_real: Series,
    /// Learning rate of the generator.
    pub generator_lr: Series,
    /// Learning rate of the discriminator.
    pub discriminator_lr: Series,
    /// Share of real images that the discriminator calls real, where that is told.
    pub accuracy_real: Series,
    /// Share of fakes that it calls generated, where that is told.
    pub accuracy_fake: Series,
    /// Norm of the discriminator's gradient, where that is told.
    pub gradient_d: Series,
    /// Norm of the generator's gradient, where that is told.
    pub gradient_g: Series,
    /// Images a second.
    pub images_per_s: Series,
    /// Memory of the program in MB, where that is told.
    pub memory: Series,
    /// Seconds that the steps to come would have taken at the speed of their time.
    pub seconds_left: Series,
}

impl Curves {
    pub(in crate::ui) fn all(&mut self) -> [&mut Series; 16] {
        [
            &mut self.loss_d,
            &mut self.loss_g,
            &mut self.loss_features,
            &mut self.logits_real,
            &mut self.logits_fake,
            &mut self.augment_probability,
            &mut self.sign_real,
            &mut self.generator_lr,
            &mut self.discriminator_lr,
            &mut self.accuracy_real,
            &mut self.accuracy_fake,
            &mut self.gradient_d,
            &mut self.gradient_g,
            &mut self.images_per_s,
            &mut self.memory,
            &mut self.seconds_left,
        ]
    }

    /// Takes in a step; `left` is how long the steps to come would take, where that is known.
    pub(in crate::ui) fn push(&mut self, step: &Step, left: Option<f64>) {
        // What is not told leaves no point, as what is no number does.
        let told = |value: Option<f32>| value.unwrap_or(f32::NAN);
        let long = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let values = [
            step.loss_d,
            step.loss_g,
            told(step.loss_features),
            step.logits_real,
            step.logits_fake,
            told(step.augment_probability),
            told(step.sign_real),
            step.generator_lr as f32,
            step.discriminator_lr as f32,
            told(step.accuracy_real),
            told(step.accuracy_fake),
            told(step.gradient_d),
            told(step.gradient_g),
            long(Some(step.images_per_s).filter(|speed| *speed > 0.0)),
            long(step.memory_mb),
            long(left),
        ];
        for (series, value) in self.all().into_iter().zip(values) {
            series.push(step.step, value);
        }
    }
}
