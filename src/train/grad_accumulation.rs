//! Gradients of the batches that make one update.

use candle_core::{Result, Tensor};

use crate::ops::{Graph, Value, gradients};

/// Gradients of several batches, added up: `(place in the store, gradient)`, in the store's order.
#[derive(Default)]
pub(super) struct AccumulatedGradients(pub Vec<(usize, Tensor)>);

impl AccumulatedGradients {
    /// Forgets the gradients of a network that is not to learn.
    pub fn keep_if(&mut self, learns: bool) {
        if !learns {
            self.0.clear();
        }
    }

    /// Adds `share` of the gradients of `loss` in the leaves, each with its place in the store.
    pub fn add(&mut self, loss: Value, leaves: Vec<(usize, Value)>, share: f64) -> Result<()> {
        let loss = if share == 1.0 { loss } else { loss.scale(share)? };
        let (places, leaves): (Vec<usize>, Vec<Value>) = leaves.into_iter().unzip();
        let first = self.0.is_empty();
        for (place, gradient) in places.into_iter().zip(gradients(loss, &leaves, Graph::Drop)?) {
            let Some(gradient) = gradient else { continue };
            let gradient = gradient.tensor().clone();
            match self.0.iter_mut().find(|(before, _)| !first && *before == place) {
                Some((_, sum)) => *sum = (&*sum + gradient)?,
                None => self.0.push((place, gradient)),
            }
        }
        Ok(())
    }
}
