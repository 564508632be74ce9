//! The moving average of the generator's weights.

use candle_core::{Result, Tensor};

use crate::model::ParameterStore;
use crate::ops::cpu;

/// Learnt numbers of the average move by the decay; running statistics are copied. Layers that a growing network does not
/// use yet follow too: they stand still, and but for rounding so does their average.
pub(super) fn update(ema: &mut ParameterStore, live: &ParameterStore, decay: f64) -> Result<()> {
    for (shadow, live) in ema.entries_mut().iter_mut().zip(live.entries()) {
        shadow.tensor = if live.trainable && decay > 0.0 {
            blend(&shadow.tensor, &live.tensor, decay)?
        } else {
            live.tensor.clone()
        };
    }
    Ok(())
}

/// `decay * shadow + (1 - decay) * live`
fn blend(shadow: &Tensor, live: &Tensor, decay: f64) -> Result<Tensor> {
    if !cpu::is_cpu(shadow) {
        return (shadow * decay)? + (live * (1.0 - decay))?;
    }
    let (keep, take) = (decay as f32, (1.0 - decay) as f32);
    let out = cpu::map2(&cpu::slice(shadow)?, &cpu::slice(live)?, |shadow, live| keep * shadow + take * live);
    cpu::tensor(out, shadow.dims())
}
