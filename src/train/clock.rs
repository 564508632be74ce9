//! What everything that comes by the step goes by.

/// How far training has come: stages, warm-ups, penalties that are due and streams of noise all follow from it. The optimisers
/// count it, so that a checkpoint holds it, and count updates too in which no weight moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Steps done: one update of G each.
    pub steps: u64,
    /// Updates of D done, of which a step has some.
    pub updates_d: u64,
}

impl Clock {
    /// The number of the real images of the `part`-th of so many batches of D's next update; that of its fakes is the next one.
    /// What is drawn for them goes by it, so that it is the same however the run came here.
    pub fn number(self, part: usize, batches: usize) -> u64 {
        2 * (self.updates_d * batches as u64 + part as u64)
    }
}
