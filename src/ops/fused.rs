//! How the last of an operation's hand-written orders becomes an operation on values: fast where nobody differentiates
//! it again, exact for every order.

use candle_core::{Result, Tensor};

use super::tape::{Backward, Gradients, Graph, Value, gradients_from, recording};

/// An operation that a hand-written kernel has computed. Where its gradient is to be differentiated again, `plain`
/// computes the operation once more in plain ones and their gradients are taken; otherwise `fast` gives the gradients.
pub(super) fn fused(
    out: Tensor,
    inputs: &[&Value],
    plain: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
    fast: impl Fn(&Backward<'_>) -> Gradients + Send + Sync + 'static,
) -> Value {
    Value::computed(out, inputs, move |b| {
        if !recording() {
            return fast(b);
        }
        // Fresh names for the inputs, so that the walk ends at them and not at what they were computed from.
        let names = b.inputs.iter().map(Value::alias).collect::<Vec<_>>();
        let wanted: Vec<Value> =
            names.iter().enumerate().filter(|(i, _)| b.wants(*i)).map(|(_, name)| name.clone()).collect();
        let mut grads = gradients_from(plain(&names)?, b.grad.clone(), &wanted, Graph::Keep)?.into_iter();
        Ok((0..names.len()).map(|i| if b.wants(i) { grads.next().flatten() } else { None }).collect())
    })
}

impl Value {
    /// Another name for the same value; gradients pass through.
    pub(super) fn alias(&self) -> Self {
        Self::computed(self.tensor().clone(), &[self], |b| Ok(vec![b.of(0, || Ok(b.grad.clone()))?]))
    }
}
