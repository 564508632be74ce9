//! Reverse-mode differentiation over candle tensors, closed under differentiation.
//!
//! candle's own `backward` detaches every gradient, so a penalty on gradients silently trains on a wrong number, and it
//! adds a zero tensor to each of them. Here an operation's gradient is written in the same operations, so it can be
//! differentiated again where a run asks for it ([`Graph::Keep`]); nothing is recorded or computed for values that no
//! wanted gradient depends on.
//!
//! ```
//! use gandle::ops::{Graph, Value, cpu, gradients};
//!
//! # fn main() -> candle_core::Result<()> {
//! // x^3 at 2: its slope is 3 x^2, and the slope of that 6 x.
//! let x = [Value::leaf(cpu::tensor(vec![2.0], 1)?)];
//! let cube = x[0].mul(&x[0])?.mul(&x[0])?;
//! let slope = gradients(cube, &x, Graph::Keep)?.swap_remove(0).expect("it depends on x");
//! assert_eq!(slope.scalar()?, 12.0);
//! let bend = gradients(slope, &x, Graph::Drop)?.swap_remove(0).expect("so does its slope");
//! assert_eq!(bend.scalar()?, 12.0);
//! # Ok(())
//! # }
//! ```

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{Result, Tensor, bail};

/// A tensor and, where a gradient may be asked for, how it was computed. Cloning is cheap.
#[derive(Clone)]
pub struct Value(Arc<Node>);

struct Node {
    /// Grows with creation, so a descending walk meets every value before those it was computed from.
    id: u64,
    tensor: Tensor,
    source: Source,
}

enum Source {
    /// Has no gradient.
    Constant,
    /// A gradient can be asked for.
    Leaf,
    /// Computed from values of which at least one has a gradient.
    Computed(Rule, Vec<Value>),
}

/// What a recorded operation is asked when its gradients are wanted.
pub struct Backward<'a> {
    /// What it was computed from.
    pub inputs: &'a [Value],
    /// What it gave.
    pub output: &'a Value,
    /// The gradient of that, in the same shape.
    pub grad: &'a Value,
    wanted: &'a [bool],
}

impl Backward<'_> {
    /// The gradient of input `index`, computed only if somebody wants it.
    ///
    /// # Errors
    /// Those of `gradient`.
    pub fn of(&self, index: usize, gradient: impl FnOnce() -> Result<Value>) -> Result<Option<Value>> {
        if self.wanted[index] { gradient().map(Some) } else { Ok(None) }
    }

    /// Whether the gradient of input `index` is wanted.
    pub fn wants(&self, index: usize) -> bool {
        self.wanted[index]
    }
}

/// Gradients of an operation's inputs, in their order; nothing for those that were not wanted.
pub type Gradients = Result<Vec<Option<Value>>>;

/// The gradient of a recorded operation, written in operations on values so that it can be recorded itself.
type Rule = Box<dyn Fn(&Backward<'_>) -> Gradients + Send + Sync>;

/// Whether a gradient can be differentiated again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graph {
    /// It cannot: nothing is recorded, and fused kernels compute it.
    Drop,
    /// It can: its own computation is recorded.
    Keep,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations on this thread are being recorded.
pub fn recording() -> bool {
    RECORDING.get()
}

/// Runs `work` without recording anything.
pub fn without_recording<T>(work: impl FnOnce() -> T) -> T {
    /// Puts the setting back even where `work` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    let _restore = Restore(RECORDING.replace(false));
    work()
}

impl Value {
    fn new(tensor: Tensor, source: Source) -> Self {
        Self(Arc::new(Node { id: NEXT.fetch_add(1, Ordering::Relaxed), tensor, source }))
    }

    /// A value without a gradient.
    pub fn constant(tensor: Tensor) -> Self {
        Self::new(tensor, Source::Constant)
    }

    /// A value whose gradient can be asked for.
    pub fn leaf(tensor: Tensor) -> Self {
        Self::new(tensor, Source::Leaf)
    }

    /// The result of an operation; recorded only if one of the inputs has a gradient and recording is on.
    pub fn computed(
        tensor: Tensor,
        inputs: &[&Self],
        rule: impl Fn(&Backward<'_>) -> Gradients + Send + Sync + 'static,
    ) -> Self {
        let source = if recording() && inputs.iter().any(|input| input.has_gradient()) {
            Source::Computed(Box::new(rule), inputs.iter().map(|input| (*input).clone()).collect())
        } else {
            Source::Constant
        };
        Self::new(tensor, source)
    }

    /// The numbers.
    pub fn tensor(&self) -> &Tensor {
        &self.0.tensor
    }

    /// Whether a gradient reaches this value.
    pub fn has_gradient(&self) -> bool {
        !matches!(self.0.source, Source::Constant)
    }

    /// The same numbers, held constant.
    pub fn detach(&self) -> Self {
        Self::constant(self.0.tensor.clone())
    }

    /// The shape.
    pub fn dims(&self) -> &[usize] {
        self.0.tensor.dims()
    }

    /// The only number of a value that holds one.
    ///
    /// # Errors
    /// Where it holds more than one.
    pub fn scalar(&self) -> Result<f32> {
        self.0.tensor.flatten_all()?.get(0)?.to_scalar::<f32>()
    }
}

/// The gradients of the sum of `of` in each of `leaves`; nothing where `of` does not depend on one. `of` is consumed,
/// and with it each intermediate result as soon as it is no longer needed.
///
/// # Errors
/// Those of the operations.
pub fn gradients(of: Value, leaves: &[Value], graph: Graph) -> Result<Vec<Option<Value>>> {
    let ones = Value::constant(of.tensor().ones_like()?);
    gradients_from(of, ones, leaves, graph)
}

/// As [`gradients`], weighted: the gradients of the sum of `of * weight`.
///
/// # Errors
/// Those of the operations; where `weight` has another shape.
pub fn gradients_from(of: Value, weight: Value, leaves: &[Value], graph: Graph) -> Result<Vec<Option<Value>>> {
    match graph {
        Graph::Keep => walk(of, weight, leaves),
        Graph::Drop => without_recording(|| walk(of, weight, leaves)),
    }
}

fn walk(of: Value, weight: Value, leaves: &[Value]) -> Result<Vec<Option<Value>>> {
    if weight.dims() != of.dims() {
        bail!("weights of shape {:?} for a value of {:?}", weight.dims(), of.dims());
    }
    let mut found: Vec<Option<Value>> = vec![None; leaves.len()];
    if !of.has_gradient() {
        return Ok(found);
    }
    let targets: Vec<u64> = leaves.iter().map(|leaf| leaf.0.id).collect();
    let mut leads = HashMap::new();
    let mut open = BTreeMap::from([(of.0.id, (of, weight))]);
    while let Some((id, (value, grad))) = open.pop_last() {
        if let Some(place) = targets.iter().position(|target| *target == id) {
            found[place] = Some(grad.clone());
        }
        let Source::Computed(rule, inputs) = &value.0.source else { continue };
        let wanted: Vec<bool> = inputs.iter().map(|input| leads_to(input, &targets, &mut leads)).collect();
        if !wanted.contains(&true) {
            continue;
        }
        let grads = rule(&Backward { inputs, output: &value, grad: &grad, wanted: &wanted })?;
        drop(grad);
        for ((input, grad), wanted) in inputs.iter().zip(grads).zip(&wanted) {
            let Some(grad) = grad.filter(|_| *wanted) else { continue };
            // Kernels count on it.
            if grad.dims() != input.dims() {
                bail!("a gradient of shape {:?} for a value of {:?}", grad.dims(), input.dims());
            }
            let sum = match open.remove(&input.0.id) {
                None => grad,
                Some((_, before)) => before.add(&grad)?,
            };
            open.insert(input.0.id, (input.clone(), sum));
        }
    }
    Ok(found)
}

/// Whether a value was computed from one of the targets, or is one. A kept graph reaches far beyond them, and gradients
/// on the way elsewhere would be computed for nobody.
fn leads_to(value: &Value, targets: &[u64], known: &mut HashMap<u64, bool>) -> bool {
    if let Some(known) = known.get(&value.0.id) {
        return *known;
    }
    let leads = targets.contains(&value.0.id)
        || match &value.0.source {
            Source::Computed(_, inputs) => inputs.iter().any(|input| leads_to(input, targets, known)),
            Source::Constant | Source::Leaf => false,
        };
    known.insert(value.0.id, leads);
    leads
}
