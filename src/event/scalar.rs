//! The numbers of a training step. Each is declared here once; the trainer reports it, and charts, comparisons, tables, TensorBoard and
//! reports go through the list.

use std::fmt;
use std::ops::Index;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the values of a chart are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A plain number.
    Scalar,
    /// A share of 1, as percent.
    Share,
    /// A learning rate.
    Rate,
    /// A score: distances with two decimals, shares with four.
    Score,
    /// A whole number, such as a step.
    Count,
    /// Seconds, as a length of time.
    Duration,
}

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartInfo {
    /// Under which a window remembers what is done with it.
    pub id: &'static str,
    /// Above it.
    pub title: &'static str,
    /// What it tells.
    pub about: &'static str,
    /// How its values are written.
    pub form: Form,
    /// Whether chance moves its curves from step to step, so that smoothing helps to read them.
    pub noisy: bool,
}

/// What a number is of, which gives its curve a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// The discriminator.
    Discriminator,
    /// The generator.
    Generator,
    /// A part of what is the generator's.
    GeneratorPart,
    /// Real images.
    Real,
    /// Generated images.
    Fake,
    /// The curve that a chart is about.
    Main,
    /// The machine.
    Machine,
    /// One of several like it, by its place among them.
    Nth(usize),
}

/// A number, declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarInfo {
    /// Its key in a `step` event, and its column in a table.
    pub key: &'static str,
    /// The chart that its curve is in.
    pub chart: Chart,
    /// The name of its curve in that chart.
    pub curve: &'static str,
    /// What stands above it where it has a chart of its own.
    pub title: &'static str,
    /// Its name in TensorBoard.
    pub tag: &'static str,
    /// What it is of.
    pub tint: Tint,
}

macro_rules! charts {
    ($($name:ident = $id:literal, $title:literal, $form:ident, noisy: $noisy:literal, $about:literal;)+) => {
        /// A chart of numbers, in the order shown.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Chart { $(#[doc = $about] $name,)+ }

        impl Chart {
            /// Every chart, in the order shown.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What it shows.
            pub const fn info(self) -> ChartInfo {
                match self {
                    $(Self::$name => ChartInfo { id: $id, title: $title, about: $about, form: Form::$form, noisy: $noisy },)+
                }
            }
        }
    };
}

charts! {
    Losses = "losses", "Losses", Scalar, noisy: true,
        "What each network is trained to lower. In a healthy run neither diverges; they need not fall. The perceptual and the texture loss, where they are on, are part of G's loss and shown next to it.";
    Logits = "logits", "Logits of D", Scalar, noisy: true,
        "The discriminator's mean logit on real and on generated images. If they are far apart, it wins; if they coincide, it is fooled.";
    TermsOfD = "terms-d", "Loss of D, term by term", Scalar, noisy: true,
        "The terms whose sum is the discriminator's loss, each with its weight. A penalty that outgrows the adversarial term takes over.";
    TermsOfG = "terms-g", "Loss of G, term by term", Scalar, noisy: true,
        "The terms whose sum is the generator's loss, each with its weight.";
    Accuracy = "accuracy", "Accuracy of D", Share, noisy: true,
        "The share of real images that the discriminator calls real, and of generated ones that it calls generated, batch by batch. Near 50 % it guesses; while it stays near 100 %, the generator learns little.";
    Gradients = "gradients", "Gradient norms", Scalar, noisy: true,
        "The norm of each network's whole gradient, before clipping. Near 0 a network no longer learns; a norm that keeps growing is a sign of divergence.";
    Augmentation = "augment", "Augmentation of what D sees", Scalar, noisy: true,
        "The probability with which the images that the discriminator sees are changed, and the mean sign of its logits on real images: near 1 it has memorised them. The adaptive probability rises while the sign is above its target.";
    Rates = "rates", "Learning rates", Rate, noisy: false,
        "The learning rates of the generator and the discriminator, as the schedule sets them; the discriminator's also follows its loss, if it is set to.";
    Speed = "speed", "Images per second", Scalar, noisy: true,
        "Real images trained on per second, over about the last second.";
    Memory = "memory", "Memory", Scalar, noisy: false,
        "The memory that the program uses, in MB.";
}

macro_rules! numbers {
    ($($name:ident = $key:literal, $chart:ident, $curve:literal, $title:literal, $tag:literal, $tint:expr, $about:literal;)+) => {
        /// A number that a step may tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scalar { $(#[doc = $about] $name,)+ }

        impl Scalar {
            /// Every number, in the order of a table's columns.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What is declared of it.
            pub const fn info(self) -> ScalarInfo {
                match self {
                    $(Self::$name => ScalarInfo {
                        key: $key, chart: Chart::$chart, curve: $curve, title: $title, tag: $tag, tint: $tint,
                    },)+
                }
            }
        }
    };
}

numbers! {
    LossD = "loss_d", Losses, "D", "Loss of D", "loss/discriminator", Tint::Discriminator,
        "The discriminator's loss in its last update of the step.";
    LossG = "loss_g", Losses, "G", "Loss of G", "loss/generator", Tint::Generator,
        "The generator's loss.";
    LossFeatures = "loss_features", Losses, "G features", "Feature losses of G", "loss/features", Tint::GeneratorPart,
        "The perceptual and the texture loss in the generator's loss, with their weights, where either is on.";
    LogitsReal = "logits_real", Logits, "real", "Logits of D on real images", "logits/real", Tint::Real,
        "Mean logit of the discriminator on real images.";
    LogitsFake = "logits_fake", Logits, "fake", "Logits of D on fakes", "logits/generated", Tint::Fake,
        "Mean logit of the discriminator on fakes.";
    AdversarialD = "adversarial_d", TermsOfD, "adversarial", "Adversarial loss of D", "loss of D/adversarial", Tint::Nth(0),
        "The adversarial term of the discriminator's loss, where there are others.";
    ClassificationD = "classification_d", TermsOfD, "classification", "Classification loss of D", "loss of D/classification", Tint::Nth(1),
        "The classification term of the discriminator's loss, with `auxiliary` conditioning.";
    R1 = "r1", TermsOfD, "R1", "R1 penalty", "loss of D/R1", Tint::Nth(2),
        "The R1 penalty as added to the discriminator's loss, in the updates that have it.";
    Lecam = "lecam", TermsOfD, "LeCam", "LeCam regularisation", "loss of D/LeCam", Tint::Nth(3),
        "The LeCam regularisation.";
    Consistency = "consistency", TermsOfD, "consistency", "Consistency of D", "loss of D/consistency", Tint::Nth(4),
        "The consistency regularisation, for real images and fakes together.";
    GradientPenalty = "gradient_penalty", TermsOfD, "gradient penalty", "Gradient penalty", "loss of D/gradient penalty", Tint::Nth(5),
        "The gradient penalty of `wasserstein-gp`.";
    AdversarialG = "adversarial_g", TermsOfG, "adversarial", "Adversarial loss of G", "loss of G/adversarial", Tint::Nth(0),
        "The adversarial term of the generator's loss, where there are others.";
    ClassificationG = "classification_g", TermsOfG, "classification", "Classification loss of G", "loss of G/classification", Tint::Nth(1),
        "The classification term of the generator's loss, with `auxiliary` conditioning.";
    Perceptual = "perceptual", TermsOfG, "perceptual", "Perceptual loss", "loss of G/perceptual", Tint::Nth(2),
        "The perceptual loss, with its weight.";
    Texture = "texture", TermsOfG, "texture", "Texture loss", "loss of G/texture", Tint::Nth(3),
        "The texture loss, with its weight.";
    AccuracyReal = "accuracy_real", Accuracy, "real", "Accuracy of D on real images", "accuracy/real", Tint::Real,
        "Share of the logits on real images above 0, for losses whose logits have a boundary between real and fake.";
    AccuracyFake = "accuracy_fake", Accuracy, "fake", "Accuracy of D on fakes", "accuracy/generated", Tint::Fake,
        "Share of the logits on fakes below 0, for the same losses.";
    GradientD = "gradient_d", Gradients, "D", "Gradient norm of D", "gradient norm/discriminator", Tint::Discriminator,
        "Norm of the discriminator's whole gradient in its last update of the step, before clipping; measured now and then.";
    GradientG = "gradient_g", Gradients, "G", "Gradient norm of G", "gradient norm/generator", Tint::Generator,
        "Norm of the generator's whole gradient, likewise.";
    AugmentProbability = "augment_probability", Augmentation, "p", "Probability of augmentation", "augmentation/probability", Tint::Main,
        "Probability with which the images that the discriminator saw were changed, where any augmentation is on.";
    SignReal = "sign_real", Augmentation, "sign of real", "Sign of D on real images", "augmentation/sign of real logits", Tint::Real,
        "Mean sign of the discriminator's logits on real images, for losses whose logits have a boundary: 1 where it is sure of all of them.";
    DiscriminatorLr = "discriminator_lr", Rates, "D", "Learning rate of D", "learning rate/discriminator", Tint::Discriminator,
        "Learning rate of the discriminator in the last update of the step.";
    GeneratorLr = "generator_lr", Rates, "G", "Learning rate of G", "learning rate/generator", Tint::Generator,
        "Learning rate of the generator in this step.";
    ImagesPerS = "images_per_s", Speed, "images/s", "Images per second", "speed/images a second", Tint::Main,
        "Images in one update of the discriminator times steps per second, over about the last second.";
    MemoryMb = "memory_mb", Memory, "MB", "Memory", "memory/MB", Tint::Machine,
        "Memory that the program uses, in MB; measured now and then, where the system reports it.";
}

impl Scalar {
    /// The number with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|number| number.info().key == key)
    }
}

/// The numbers that a step tells.
#[derive(Clone, Copy, Debug)]
pub struct Scalars {
    values: [f32; Scalar::ALL.len()],
    /// One bit a number: whether it is told.
    told: u32,
}

impl Default for Scalars {
    fn default() -> Self {
        Self { values: [f32::NAN; Scalar::ALL.len()], told: 0 }
    }
}

impl Scalars {
    /// These and no others.
    pub fn of(told: impl IntoIterator<Item = (Scalar, f32)>) -> Self {
        let mut numbers = Self::default();
        told.into_iter().for_each(|(number, value)| numbers.set(number, value));
        numbers
    }

    /// Tells a number.
    pub fn set(&mut self, number: Scalar, value: f32) {
        self.values[number as usize] = value;
        self.told |= 1 << number as usize;
    }

    /// Adds to a number, which is 0 where it is not told yet.
    pub fn add(&mut self, number: Scalar, value: f32) {
        self.set(number, self.get(number).unwrap_or(0.0) + value);
    }

    /// Tells a number no more.
    pub fn clear(&mut self, number: Scalar) {
        self.values[number as usize] = f32::NAN;
        self.told &= !(1 << number as usize);
    }

    /// A number where it is told.
    pub fn get(&self, number: Scalar) -> Option<f32> {
        (self.told >> number as usize & 1 == 1).then_some(self.values[number as usize])
    }

    /// Those that are told, in the order of [`Scalar::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Scalar, f32)> + '_ {
        Scalar::ALL.iter().filter_map(|number| Some((*number, self.get(*number)?)))
    }
}

/// A number; not a number where it is not told.
impl Index<Scalar> for Scalars {
    type Output = f32;

    fn index(&self, number: Scalar) -> &f32 {
        &self.values[number as usize]
    }
}

/// Alike where they tell the same; what is no number is alike with itself.
impl PartialEq for Scalars {
    fn eq(&self, other: &Self) -> bool {
        self.told == other.told
            && self.values.iter().zip(&other.values).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    }
}

/// The numbers of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Counted from 1.
    pub step: usize,
    /// Seconds of training so far, without pauses and scores.
    pub seconds: f64,
    /// What it tells, under keys of its own beside the others.
    pub numbers: Scalars,
}

impl Step {
    /// A step that tells these numbers.
    pub fn of(step: usize, seconds: f64, told: impl IntoIterator<Item = (Scalar, f32)>) -> Self {
        Self { step, seconds, numbers: Scalars::of(told) }
    }
}

const STEP: &str = "step";
const SECONDS: &str = "seconds";

/// One flat map. JSON has no word for what is not finite, so that is left out.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(STEP, &self.step)?;
        for (number, value) in self.numbers.iter().filter(|(_, value)| value.is_finite()) {
            map.serialize_entry(number.info().key, &value)?;
        }
        map.serialize_entry(SECONDS, &self.seconds)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Step;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the numbers of a step")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
                use serde::de::Error as _;
                let (mut step, mut seconds, mut numbers) = (None, None, Scalars::default());
                while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
                    match &*key {
                        STEP => step = Some(map.next_value()?),
                        SECONDS => seconds = Some(map.next_value()?),
                        key => match Scalar::named(key) {
                            // A number that is written as nothing is not told.
                            Some(number) => match map.next_value::<Option<f32>>()? {
                                Some(value) => numbers.set(number, value),
                                None => numbers.clear(number),
                            },
                            None => _ = map.next_value::<IgnoredAny>()?,
                        },
                    }
                }
                let missing = A::Error::missing_field;
                Ok(Step {
                    step: step.ok_or_else(|| missing(STEP))?,
                    seconds: seconds.ok_or_else(|| missing(SECONDS))?,
                    numbers,
                })
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_chart_has_curves() {
        let all = || Scalar::ALL.iter().map(|number| number.info());
        for (at, info) in all().enumerate() {
            for other in all().skip(at + 1) {
                assert!(info.key != other.key && info.tag != other.tag && info.title != other.title, "{}", info.key);
                assert!(
                    info.chart != other.chart || (info.curve != other.curve && info.tint != other.tint),
                    "{}",
                    info.key
                );
            }
            assert!(![STEP, SECONDS, "event"].contains(&info.key));
        }
        assert!(Chart::ALL.iter().all(|chart| all().any(|info| info.chart == *chart)));
        assert!(Scalar::ALL.len() <= 32, "a bit a number");
    }

    #[test]
    fn a_step_is_one_flat_map_and_reads_back() {
        let numbers = Scalars::of([(Scalar::LossD, 0.1), (Scalar::R1, -0.0), (Scalar::GeneratorLr, 1e-4)]);
        let step = Step { step: 7, seconds: 1.5, numbers };
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(text, r#"{"step":7,"loss_d":0.1,"r1":-0.0,"generator_lr":0.0001,"seconds":1.5}"#);
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
        let old = r#"{"seconds":2,"step":1,"loss_g":null,"loss_d":3,"of_tomorrow":[1]}"#;
        let read: Step = serde_json::from_str(old).unwrap();
        assert_eq!((read.step, read.numbers), (1, Scalars::of([(Scalar::LossD, 3.0)])));
        assert!(serde_json::from_str::<Step>(r#"{"step":1}"#).is_err());
        assert!(serde_json::from_str::<Step>(r#"{"step":1,"seconds":0,"loss_d":"x"}"#).is_err());
    }

    #[test]
    fn what_is_told_is_told_also_where_it_is_no_number() {
        let mut numbers = Scalars::default();
        assert!(numbers.get(Scalar::LossD).is_none() && numbers[Scalar::LossD].is_nan());
        numbers.add(Scalar::LossD, f32::NAN);
        numbers.add(Scalar::LossD, 1.0);
        assert!(numbers.get(Scalar::LossD).is_some_and(f32::is_nan));
        assert_eq!(numbers, numbers);
        numbers.clear(Scalar::LossD);
        assert_eq!(numbers, Scalars::default());
    }
}
