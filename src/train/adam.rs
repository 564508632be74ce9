//! Adam (Kingma & Ba 2015) without weight decay, its moments in the open so that a checkpoint can hold them.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use crate::model::{Entry, Store};
use crate::ops::cpu;

/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

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
    pub fn new(store: &Store, beta1: f64, beta2: f64) -> Result<Self> {
        let learnt = store.entries().iter().enumerate().filter(|(_, entry)| entry.learnt);
        let zeros = |(place, entry): (usize, &Entry)| -> Result<Moments> {
            let zeros = entry.tensor.zeros_like()?;
            Ok(Moments { place, first: entry.alike(zeros.clone()), second: entry.alike(zeros), steps: 0 })
        };
        Ok(Self { beta1, beta2, steps: 0, moments: learnt.map(zeros).collect::<Result<_>>()? })
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
    pub fn update(&mut self, store: &mut Store, gradients: &[(usize, Tensor)], lr: f64) -> Result<()> {
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

struct Rule {
    beta1: f64,
    beta2: f64,
    /// `lr / (1 - beta1^t)`
    rate: f64,
    /// `sqrt(1 - beta2^t)`
    root: f64,
}

impl Rule {
    /// The rule of an entry's `steps`-th update.
    fn new(beta1: f64, beta2: f64, steps: u64, lr: f64) -> Self {
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        let (rate, root) = (lr / (1.0 - beta1.powi(steps)), (1.0 - beta2.powi(steps)).sqrt());
        Self { beta1, beta2, rate, root }
    }

    /// New weight, first moment and second moment.
    fn apply(&self, weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor) -> Result<[Tensor; 3]> {
        if cpu::is_cpu(weight) {
            return self.by_kernel(weight, first, second, gradient);
        }
        let first = ((first * self.beta1)? + (gradient * (1.0 - self.beta1))?)?;
        let second = ((second * self.beta2)? + (gradient.sqr()? * (1.0 - self.beta2))?)?;
        let step = (&first / ((second.sqrt()? / self.root)? + EPSILON)?)?;
        Ok([(weight - (step * self.rate)?)?, first, second])
    }

    #[expect(clippy::cast_possible_truncation, reason = "the factors of an f32 update")]
    fn by_kernel(&self, weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor) -> Result<[Tensor; 3]> {
        let [w, m, v, g] = [weight, first, second, gradient].map(cpu::slice);
        let (w, m, v, g) = (w?, m?, v?, g?);
        let (b1, b2) = (self.beta1 as f32, self.beta2 as f32);
        let (c1, c2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let (rate, inverse_root, epsilon) = (self.rate as f32, (1.0 / self.root) as f32, EPSILON as f32);
        let [mut new_w, mut new_m, mut new_v] = [0; 3].map(|_| cpu::fresh(w.len()));
        let size = cpu::BLOCK;
        let old = w.par_chunks(size).zip(m.par_chunks(size)).zip(v.par_chunks(size)).zip(g.par_chunks(size));
        let new = new_w.par_chunks_mut(size).zip(new_m.par_chunks_mut(size)).zip(new_v.par_chunks_mut(size));
        old.zip(new).for_each(|((((w, m), v), g), ((new_w, new_m), new_v))| {
            cpu::vectorised(
                #[inline(always)]
                || {
                    for i in 0..w.len() {
                        new_m[i] = b1 * m[i] + c1 * g[i];
                        new_v[i] = b2 * v[i] + c2 * g[i] * g[i];
                        new_w[i] = w[i] - rate * new_m[i] / (new_v[i].sqrt() * inverse_root + epsilon);
                    }
                },
            );
        });
        let dims = weight.dims();
        Ok([cpu::tensor(new_w, dims)?, cpu::tensor(new_m, dims)?, cpu::tensor(new_v, dims)?])
    }
}
