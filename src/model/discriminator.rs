//! The discriminator, whatever its plan.

use candle_core::{Device, Result, Tensor, bail};

use super::parameters::{Builder, ParameterStore, Pass};
use super::plan_runner::{NetworkInputs, PlanRunner};
use crate::config::Config;
use crate::config::plan::{DiscriminatorHead, DiscriminatorPlan, Op};
use crate::config::rng::{Purpose, stream};
use crate::feature::Lite;
use crate::ops::Value;

/// What one scale, or one network of several, says of a batch.
pub struct DiscriminatorOutput {
    /// `(B)`, or `(B, P)` of a network that decides at several places: above 0 for real.
    pub logits: Value,
    /// `(B, classes)`, with auxiliary conditioning.
    pub class_logits: Option<Value>,
    /// `(B, size, size, 1)`, of a U-Net: above 0 where a pixel looks real.
    pub pixel_logits: Option<Value>,
}

/// `(B, size, size, channels)` images and `(B)` labels to judgements, each of which counts alike.
pub struct Discriminator {
    frozen: Option<Lite>,
    look: PlanRunner,
    judge: PlanRunner,
    verdicts: Vec<DiscriminatorHead>,
}

impl Discriminator {
    /// The architecture and a store of start weights, drawn from the configuration's seed.
    ///
    /// # Errors
    /// Those of candle; where this build's weights of a frozen network are damaged.
    pub fn new(config: &Config, classes: usize, device: &Device) -> Result<(Self, ParameterStore)> {
        let mut rng = stream(config.train.seed, Purpose::Weights, 1);
        let mut store = ParameterStore::default();
        let mut b = Builder { store: &mut store, rng: &mut rng, device };
        let DiscriminatorPlan { look, judge, verdicts } = config.discriminator_plan(classes);
        let frozen = match look.nodes.iter().any(|node| matches!(node.op, Op::Frozen(_))) {
            true => Some(Lite::shipped(device).map_err(candle_core::Error::msg)?),
            false => None,
        };
        let (look, judge) = (PlanRunner::new(&mut b, look)?, PlanRunner::new(&mut b, judge)?);
        Ok((Self { frozen, look, judge, verdicts }, store))
    }

    /// What it makes of images `(B, size, size, channels)`, of the size of the pass's stage, before anything that learns: the
    /// images themselves, or the features of a frozen network. It can be judged any number of times.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn look(&self, pass: &mut Pass<'_>, images: &Value) -> Result<Vec<Value>> {
        let sources = std::slice::from_ref(images);
        let given = NetworkInputs { sources, frozen: self.frozen.as_ref(), ..NetworkInputs::default() };
        self.look.run(pass, given, &self.look.plan().outputs)
    }

    /// What [`Discriminator::look`] made of images, and labels `(B)` u32, to judgements.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn judge(&self, pass: &mut Pass<'_>, looked: &[Value], labels: &Tensor) -> Result<Vec<DiscriminatorOutput>> {
        let batch = labels.dims1()?;
        if looked.iter().any(|map| map.dims().first() != Some(&batch)) {
            bail!("discriminator: {batch} labels for another number of images");
        }
        let asked: Vec<usize> = self.verdicts.iter().flat_map(DiscriminatorHead::places).collect();
        let given = NetworkInputs { labels: Some(labels), sources: looked, ..NetworkInputs::default() };
        let mut said = self.judge.run(pass, given, &asked)?.into_iter();
        let mut next = |place: Option<usize>| place.and_then(|_| said.next());
        let mut judgements = Vec::new();
        for verdict in &self.verdicts {
            let Some(logits) = next(Some(verdict.logits)) else { bail!("a verdict without logits") };
            let places = logits.dims()[3];
            let logits = if places == 1 { logits.reshape(&[batch])? } else { logits.reshape(&[batch, places])? };
            let class_logits =
                next(verdict.classes).map(|logits| logits.reshape(&[batch, logits.dims()[3]])).transpose()?;
            judgements.push(DiscriminatorOutput { logits, class_logits, pixel_logits: next(verdict.pixels) });
        }
        Ok(judgements)
    }

    /// Images and labels to judgements: both of these in one.
    ///
    /// # Errors
    /// Where the shapes do not fit or a label is no class.
    pub fn forward(&self, pass: &mut Pass<'_>, images: &Value, labels: &Tensor) -> Result<Vec<DiscriminatorOutput>> {
        let looked = self.look(pass, images)?;
        self.judge(pass, &looked, labels)
    }
}
