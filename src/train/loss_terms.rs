//! The terms that a loss is the sum of, each told under its name as it is added.

use candle_core::Result;

use crate::event::{Scalar, Scalars};
use crate::ops::Value;

/// A loss on one of the batches of an update.
pub(super) struct LossTerms<'a> {
    told: &'a mut Scalars,
    /// Share of the batch in the update.
    share: f32,
    total: Option<Value>,
}

impl<'a> LossTerms<'a> {
    pub fn new(told: &'a mut Scalars, share: f64) -> Self {
        Self { told, share: share as f32, total: None }
    }

    /// Adds a term, with its weight already in it, shape (1).
    pub fn add(&mut self, number: Scalar, term: &Value) -> Result<()> {
        self.tell(number, term)?;
        self.total = Some(match &self.total {
            None => term.clone(),
            Some(before) => before.add(term)?,
        });
        Ok(())
    }

    /// Tells a part of a term that is added as a whole.
    pub fn tell(&mut self, number: Scalar, part: &Value) -> Result<()> {
        self.told.add(number, part.scalar()? * self.share);
        Ok(())
    }

    /// The sum, told under the name of the `loss`.
    pub fn sum(mut self, loss: Scalar) -> Result<Value> {
        let Some(total) = self.total.take() else { candle_core::bail!("a loss without terms") };
        self.tell(loss, &total)?;
        Ok(total)
    }
}
