//! The training step.
//!
//! One step is `discriminator_steps` updates of D, then one of G, then the moving average of G. Every update adds up the
//! gradients of `accumulation` batches, each loss divided by their number. D's update draws its own fakes, through which no
//! gradient reaches G; G's update draws new ones, or with `optimizer.reuse_fakes` takes those that D has just judged. A network that `optimizer.updates` stops gets losses and gradients too, and keeps
//! its weights. Both networks run in training mode throughout. Noise and changes of the
//! images that D sees, and whether R1 is due, follow from the [`Clock`].

use candle_core::{Device, Result, Tensor};

use super::adam::Adam;
use super::augment::{self, Adaptive};
use super::blur;
use super::clip;
use super::clock::Clock;
use super::ema;
use super::feed::{DiscriminatorBatch, Feed, GeneratorBatch};
use super::gap_scheduler::GapScheduler;
use super::grad_accumulation::AccumulatedGradients;
use super::growing;
use super::lecam::LeCam;
use super::logit_stats::{mean_logit, share_of};
use super::loss::{self, Batch};
use super::loss_terms::LossTerms;
use super::noise::{deviation, noisy, with_noise};
use crate::config::rng::Purpose;
use crate::config::{ClassWeights, Config, LossKind, Stage, Updates};
use crate::event::{Chart, Scalar, Scalars};
use crate::feature::{Compared, Perceptual};
use crate::model::{Discriminator, Generator, Mode, ParameterStore, Pass};
use crate::ops::Value;
use crate::ops::tape::without_recording;

/// Steps from one look at the norms of gradients to the next, where nothing else needs them: reading every gradient once
/// more would cost some percent of a small network's step.
const NORM_EVERY: u64 = 10;

/// Fakes with all that their making recorded, on their way to the generator's update.
struct Fakes {
    /// As they were drawn.
    images: Value,
    /// What D makes of them, changed as `augment` says, before anything that learns.
    looked: Vec<Value>,
    /// `(B)` u32.
    labels: Tensor,
    /// Real images of these labels, where there are any.
    real: Option<Tensor>,
    /// The generator's numbers that they depend on, with their places in the store.
    leaves: Vec<(usize, Value)>,
}

/// Both networks, the averaged generator and their optimisers.
pub struct Trainer {
    pub(super) config: Config,
    generator: Generator,
    discriminator: Discriminator,
    pub(super) generator_store: ParameterStore,
    pub(super) discriminator_store: ParameterStore,
    pub(super) ema: ParameterStore,
    pub(super) generator_optimizer: Adam,
    pub(super) discriminator_optimizer: Adam,
    pub(super) lecam: LeCam,
    pub(super) adaptive: Adaptive,
    pub(super) gap: GapScheduler,
    /// For each entry of the discriminator's store whether it stays as it is (`optimizer.frozen_blocks`).
    frozen: Vec<bool>,
    /// `(classes)`, where images count by their class.
    class_weights: Option<Tensor>,
    perceptual: Option<Perceptual>,
}

impl Trainer {
    /// Start weights from the configuration's seed.
    ///
    /// # Errors
    /// Those of candle, such as a device without memory; a file of weights that cannot be used.
    pub fn new(config: &Config, classes: usize, device: &Device) -> Result<Self> {
        crate::ops::memory::keep_freed_pages();
        let (generator, generator_store) = Generator::new(config, classes, device)?;
        let (discriminator, discriminator_store) = Discriminator::new(config, classes, device)?;
        let o = &config.optimizer;
        Ok(Self {
            config: config.clone(),
            generator_optimizer: Adam::new(&generator_store, o.beta1, o.beta2)?,
            discriminator_optimizer: Adam::new(&discriminator_store, o.beta1, o.beta2)?,
            ema: generator_store.clone(),
            lecam: LeCam::default(),
            adaptive: Adaptive::default(),
            gap: GapScheduler::new(config),
            frozen: discriminator_store.entries().iter().map(|entry| config.freezes(&entry.name)).collect(),
            class_weights: None,
            perceptual: Perceptual::of(&config.loss, config.channels, device).map_err(candle_core::Error::msg)?,
            generator,
            discriminator,
            generator_store,
            discriminator_store,
        })
    }

    /// Tells how many images each class has, which `loss.class_weights` goes by; a step without it is then an error.
    ///
    /// # Errors
    /// Those of candle.
    #[expect(clippy::cast_possible_truncation, reason = "the factors of an f32 loss")]
    pub fn weigh_classes(&mut self, images: &[usize]) -> Result<()> {
        let device = self.generator_store.entries().first().map_or(&Device::Cpu, |entry| entry.tensor.device());
        let tensor = |weights: Vec<f64>| {
            let weights: Vec<f32> = weights.into_iter().map(|weight| weight as f32).collect();
            let classes = weights.len();
            Tensor::from_vec(weights, classes, device)
        };
        self.class_weights = self.config.loss.class_weights.of(images).map(tensor).transpose()?;
        Ok(())
    }

    fn batch<'a>(&self, labels: &'a Tensor) -> Result<Batch<'a>> {
        let weights = match &self.class_weights {
            Some(weights) => Some(Value::constant(weights.index_select(labels, 0)?)),
            None if self.config.loss.class_weights == ClassWeights::None => None,
            None => candle_core::bail!("loss.class_weights: nobody told how many images each class has"),
        };
        Ok(Batch { labels, weights, condition: self.stage().condition })
    }

    /// Whether every number is one, learnt or a running statistic.
    ///
    /// # Errors
    /// Where a device cannot be read.
    pub fn is_finite(&self) -> Result<bool> {
        let stores = [&self.generator_store, &self.discriminator_store, &self.ema];
        let numbers = |entry: &&crate::model::Entry| entry.tensor.dtype() == candle_core::DType::F32; // counters are whole
        for entry in stores.into_iter().flat_map(ParameterStore::entries).filter(numbers) {
            // A sum is finite only if everything in it is.
            if !entry.tensor.abs()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The generator's numbers.
    pub fn generator(&self) -> &ParameterStore {
        &self.generator_store
    }

    /// The discriminator's numbers.
    pub fn discriminator(&self) -> &ParameterStore {
        &self.discriminator_store
    }

    /// The averaged generator's numbers.
    pub fn ema(&self) -> &ParameterStore {
        &self.ema
    }

    /// What everything that comes by the step goes by.
    pub(super) fn clock(&self) -> Clock {
        Clock { steps: self.generator_optimizer.steps(), updates_d: self.discriminator_optimizer.steps() }
    }

    /// What the networks are in the next step, and in what is drawn before it.
    pub fn stage(&self) -> Stage {
        self.config.stage(self.clock().steps)
    }

    /// The architecture of the generator, whose numbers are those of [`Trainer::generator`] and [`Trainer::ema`].
    pub fn architecture(&self) -> &Generator {
        &self.generator
    }

    /// 8-bit images of a store of generator numbers in evaluation mode, `(B, size, size, channels)`; small ones of a network
    /// that still grows are enlarged.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn images(&self, store: &ParameterStore, z: &Tensor, labels: &Tensor, chunk: usize) -> Result<Vec<u8>> {
        self.generator.images(self.stage(), &mut store.clone(), z, labels, chunk)
    }

    /// Images of a store of generator numbers in evaluation mode, `(B, size, size, channels)` in [-1, 1], enlarged likewise.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn evaluate(&self, store: &ParameterStore, z: &Tensor, labels: &Tensor) -> Result<Tensor> {
        self.generator.evaluate(self.stage(), &mut store.clone(), z, labels)
    }

    /// One step, with both learning rates multiplied by `lr_factor`.
    ///
    /// # Errors
    /// Those of the feed and of candle.
    pub fn step(&mut self, feed: &mut dyn Feed, lr_factor: f64) -> anyhow::Result<Scalars> {
        let o = self.config.optimizer.clone();
        let mut told = Scalars::default();
        let look = self.clock().steps.is_multiple_of(NORM_EVERY);
        let mut drawn = Vec::new();
        for update in 0..o.discriminator_steps {
            let mut total = AccumulatedGradients::default();
            told = Scalars::default();
            let reused = o.reuse_fakes && update + 1 == o.discriminator_steps;
            for part in 0..o.accumulation {
                let batch = feed.discriminator()?;
                drawn.extend(self.discriminator_gradients(batch, part, reused, &mut told, &mut total)?);
            }
            if let Some(norm) = clip::by_norm(&mut total.0, o.clip, look)? {
                told.set(Scalar::GradientD, norm as f32);
            }
            let factor = self.gap.factor(&self.config, f64::from(told[Scalar::AdversarialD]));
            let lr = o.discriminator_lr * lr_factor * factor;
            told.set(Scalar::DiscriminatorLr, lr as f32);
            // The update is counted even where no weight moves: noise, penalties and stages go by the count.
            total.keep_if(o.updates != Updates::Generator);
            self.discriminator_optimizer.update(&mut self.discriminator_store, &total.0, lr)?;
        }
        let mut total = AccumulatedGradients::default();
        if o.reuse_fakes {
            for fakes in drawn {
                self.generator_gradients(fakes, &mut told, &mut total)?;
            }
        } else {
            for part in 0..o.accumulation {
                let fakes = self.draw_for_generator(feed.generator()?, part)?;
                self.generator_gradients(fakes, &mut told, &mut total)?;
            }
        }
        if let Some(norm) = clip::by_norm(&mut total.0, o.clip, look)? {
            told.set(Scalar::GradientG, norm as f32);
        }
        let learns = o.updates != Updates::Discriminator;
        total.keep_if(learns);
        let lr = o.generator_lr * lr_factor;
        told.set(Scalar::GeneratorLr, lr as f32);
        self.generator_optimizer.update(&mut self.generator_store, &total.0, lr)?;
        if learns {
            // The generator's update of this step is counted already.
            let done = self.clock().steps.saturating_sub(1);
            let decay = self.config.optimizer.average_decay(done, self.config.images_per_step());
            ema::update(&mut self.ema, &self.generator_store, decay)?;
        }
        if let Some(probability) = augment::probability(&self.config.augment, &self.adaptive) {
            told.set(Scalar::AugmentProbability, probability as f32);
        }
        self.adaptive.adjust(&self.config.augment, self.clock().steps);
        // A loss of one term is that term.
        for (chart, adversarial) in [(Chart::TermsOfD, Scalar::AdversarialD), (Chart::TermsOfG, Scalar::AdversarialG)] {
            if told.iter().filter(|(number, _)| number.info().chart == chart).count() == 1 {
                told.clear(adversarial);
            }
        }
        Ok(told)
    }

    /// The gradients of one batch; its fakes where they are `reused`.
    fn discriminator_gradients(
        &mut self,
        b: DiscriminatorBatch,
        part: usize,
        reused: bool,
        told: &mut Scalars,
        total: &mut AccumulatedGradients,
    ) -> Result<Option<Fakes>> {
        let share = 1.0 / self.config.optimizer.accumulation as f64;
        let (clock, stage) = (self.clock(), self.stage());
        let (images, leaves) = {
            let mut pass = Pass::new(&mut self.generator_store, Mode::Train, reused).at(stage);
            let z = Value::constant(b.z);
            let draw = |pass: &mut Pass<'_>| self.generator.forward(pass, &z, &b.labels);
            let images = if reused { draw(&mut pass)? } else { without_recording(|| draw(&mut pass))? };
            (images, pass.leaves())
        };
        let real = growing::real_images(&b.real, stage)?;
        let (c, number) = (&self.config, clock.number(part, self.config.optimizer.accumulation));
        let deviation = deviation(&c.train, clock.steps);
        let (real, fake) = noisy((&real, &images), c.train.seed, number, deviation)?;
        let l = &c.loss;
        let r1_due = l.r1 > 0.0 && clock.updates_d.is_multiple_of(l.r1_every as u64);
        let real = if r1_due { Value::leaf(real.tensor().clone()) } else { real };
        // R1 is the slope at the image itself, through its changes.
        let (seen, fake) = augment::both((&real, &fake), c, &self.adaptive, number)?;
        let blur = blur::deviation(&c.train, clock.steps);
        let (seen, fake) = (blur::blurred(&seen, blur)?, blur::blurred(&fake, blur)?);
        let looks = augment::second_looks((&seen, &fake), c, number)?;
        let batch = self.batch(&b.labels)?;
        let mut pass = Pass::new(&mut self.discriminator_store, Mode::Train, true).at(stage);
        let on_real = self.discriminator.forward(&mut pass, &seen, &b.labels)?;
        let looked = self.discriminator.look(&mut pass, &fake)?;
        let held: Vec<Value> = looked.iter().map(Value::detach).collect();
        let on_fake = self.discriminator.judge(&mut pass, &held, &b.labels)?;
        let mut terms = LossTerms::new(told, share);
        loss::of_discriminator(&self.config, &on_real, &on_fake, &batch, &mut terms)?;
        if r1_due {
            terms.add(Scalar::R1, &loss::r1(&on_real, &real)?.scale(l.r1 * l.r1_every as f64)?)?;
        }
        if l.lecam > 0.0 {
            self.lecam.update_averages(l.lecam_decay, &on_real, &on_fake)?;
            if clock.steps >= l.lecam_start as u64 {
                terms.add(Scalar::Lecam, &self.lecam.term(l.lecam_one_sided, &on_real, &on_fake)?.scale(l.lecam)?)?;
            }
        }
        let first = [&on_real[..], &on_fake[..]];
        if let Some(term) = augment::consistency(&self.discriminator, &mut pass, &looks, first, &b.labels)? {
            terms.add(Scalar::Consistency, &term)?;
        }
        if l.kind == LossKind::WassersteinGp {
            let (real, fake) = (seen.tensor(), fake.tensor());
            let penalty = loss::gradient_penalty(&self.discriminator, &mut pass, real, fake, &b.labels, &b.alpha)?;
            terms.add(Scalar::GradientPenalty, &penalty.scale(l.gradient_penalty)?)?;
        }
        let loss = terms.sum(Scalar::LossD)?;
        let share_f32 = share as f32;
        told.add(Scalar::LogitsReal, mean_logit(&on_real)? * share_f32);
        told.add(Scalar::LogitsFake, mean_logit(&on_fake)? * share_f32);
        if l.kind.has_border() {
            told.add(Scalar::AccuracyReal, share_of(&on_real, |x| x > 0.0)? * share_f32);
            told.add(Scalar::AccuracyFake, share_of(&on_fake, |x| x < 0.0)? * share_f32);
        }
        if self.config.augment.is_on()
            && let Some(sign) = self.adaptive.see(l.kind, &on_real)?
        {
            told.add(Scalar::SignReal, sign * share_f32);
        }
        drop((on_real, on_fake));
        let mut learning = pass.leaves();
        learning.retain(|(place, _)| !self.frozen[*place]);
        total.add(loss, learning, share)?;
        Ok(reused.then_some(Fakes { images, looked, labels: b.labels, real: Some(b.real), leaves }))
    }

    /// New fakes of the generator's own batch, as D sees them.
    fn draw_for_generator(&mut self, b: GeneratorBatch, part: usize) -> Result<Fakes> {
        let stage = self.stage();
        let (images, leaves) = {
            let mut pass = Pass::new(&mut self.generator_store, Mode::Train, true).at(stage);
            (self.generator.forward(&mut pass, &Value::constant(b.z), &b.labels)?, pass.leaves())
        };
        let Clock { steps, .. } = self.clock();
        let number = steps * self.config.optimizer.accumulation as u64 + part as u64;
        let train = &self.config.train;
        let purpose = Purpose::GeneratorInstanceNoise;
        let seen = with_noise(&images, train.seed, purpose, number, deviation(train, steps))?;
        let seen = augment::augmented(&seen, &self.config, &self.adaptive, Purpose::GeneratorAugment, number)?;
        let seen = blur::blurred(&seen, blur::deviation(train, steps))?;
        let mut pass = Pass::new(&mut self.discriminator_store, Mode::Train, false).at(stage);
        let looked = self.discriminator.look(&mut pass, &seen)?;
        Ok(Fakes { images, looked, labels: b.labels, real: b.real, leaves })
    }

    fn generator_gradients(
        &mut self,
        fakes: Fakes,
        told: &mut Scalars,
        total: &mut AccumulatedGradients,
    ) -> Result<()> {
        let batch = self.batch(&fakes.labels)?;
        let share = 1.0 / self.config.optimizer.accumulation as f64;
        let stage = self.stage();
        let compared = compared(self.perceptual.as_ref(), &fakes, stage)?;
        // D moves its singular vectors and running statistics here too, but its weights need no gradients.
        let mut judge = Pass::new(&mut self.discriminator_store, Mode::Train, false).at(stage);
        let judgements = self.discriminator.judge(&mut judge, &fakes.looked, &fakes.labels)?;
        let Fakes { leaves, .. } = fakes;
        let mut terms = LossTerms::new(told, share);
        loss::of_generator(&self.config, &judgements, &batch, &mut terms)?;
        drop(judgements);
        if let Some(compared) = compared {
            for (number, part) in [(Scalar::Perceptual, compared.perceptual), (Scalar::Texture, compared.texture)] {
                if let Some(part) = part {
                    terms.tell(number, &part)?;
                }
            }
            terms.add(Scalar::LossFeatures, &compared.total)?;
        }
        total.add(terms.sum(Scalar::LossG)?, leaves, share)
    }
}

/// How far the features of G's images are from those of real ones; nothing where that is off.
fn compared(perceptual: Option<&Perceptual>, fakes: &Fakes, stage: Stage) -> Result<Option<Compared>> {
    match (perceptual, &fakes.real) {
        (Some(perceptual), Some(real)) => {
            perceptual.loss(&fakes.images, growing::real_images(real, stage)?.tensor()).map(Some)
        }
        (Some(_), None) => candle_core::bail!("the generator's batch has no real images to compare with"),
        (None, _) => Ok(None),
    }
}
