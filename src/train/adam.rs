//! Adam (Kingma & Ba 2015) without weight decay, its moments in the open so that a checkpoint can hold them: those of
//! `candle_nn::AdamW` are private, and it takes its gradients from candle's tape, which cannot be differentiated twice.

use candle_core::{Result, Tensor, bail};

use crate::model::{Entry, ParameterStore};
use crate::ops::adam::Rule;

/// The optimiser of one network.
#[derive(Clone)]
pub struct Adam {
    beta1: f64,
    beta2: f64,
    /// Updates done.
    steps: u64,
    /// What is remembered of every learnt entry, in the store's order.
    moments: Vec<Moments>,
}

/// What is remembered of a learnt entry.
#[derive(Clone)]
pub struct Moments {
    place: usize,
    /// The mean gradient.
    pub first: Entry,
    /// The mean squared gradient.
    pub second: Entry,
    /// Updates that had a gradient for it: weights that come into use late are corrected for the bias of young means then,
    /// as PyTorch's Adam does by a state for each parameter.
    pub steps: u64,
}

impl Adam {
    /// Moments of zero for every learnt entry.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(store: &ParameterStore, beta1: f64, beta2: f64) -> Result<Self> {
        let trainable = store.entries().iter().enumerate().filter(|(_, entry)| entry.trainable);
        let zeros = |(place, entry): (usize, &Entry)| -> Result<Moments> {
            let zeros = entry.tensor.zeros_like()?;
            Ok(Moments { place, first: entry.alike(zeros.clone()), second: entry.alike(zeros), steps: 0 })
        };
        Ok(Self { beta1, beta2, steps: 0, moments: trainable.map(zeros).collect::<Result<_>>()? })
    }

    /// Updates done so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Continues the count of updates from a checkpoint.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// What is remembered of every learnt entry.
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// The same, to be replaced.
    pub fn moments_mut(&mut self) -> &mut [Moments] {
        &mut self.moments
    }

    /// Moves every entry against its gradient; `gradients` are `(place in the store, gradient)`, in the store's order. An
    /// entry without a gradient stays where it is.
    ///
    /// # Errors
    /// Where a gradient does not fit its entry.
    pub fn update(&mut self, store: &mut ParameterStore, gradients: &[(usize, Tensor)], lr: f64) -> Result<()> {
        self.steps += 1;
        let (beta1, beta2) = (self.beta1, self.beta2);
        for Moments { place, first, second, steps } in &mut self.moments {
            let Some((_, gradient)) = gradients.iter().find(|(other, _)| other == place) else { continue };
            let entry = &mut store.entries_mut()[*place];
            if gradient.dims() != entry.tensor.dims() {
                bail!("`{}`: gradient {:?} for {:?}", entry.name, gradient.dims(), entry.tensor.dims());
            }
            *steps += 1;
            let rule = Rule::new(beta1, beta2, *steps, lr);
            let moved = rule.apply(&entry.tensor, &first.tensor, &second.tensor, gradient)?;
            [entry.tensor, first.tensor, second.tensor] = moved;
        }
        Ok(())
    }
}
