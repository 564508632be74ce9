//! How fast a configuration trains.

/// The time of a training step, measured on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Seconds a step takes.
    pub seconds: f64,
    /// Updates of both networks that were timed.
    pub timed: usize,
    /// Images of the batches that were timed: fewer than the run's where a whole batch would have taken too long, and the
    /// time was reckoned up.
    pub images: usize,
}
