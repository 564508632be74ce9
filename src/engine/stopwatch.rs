//! Time spent in steps, without pauses and scores.

use std::collections::VecDeque;
use std::time::Instant;

/// Time spent in steps, and images a second over about the last second.
#[derive(Default)]
pub(super) struct Stopwatch {
    pub seconds: f64,
    recent: VecDeque<(f64, usize)>,
}

impl Stopwatch {
    /// Goes on from the seconds of a checkpoint.
    pub fn at(seconds: f64) -> Self {
        Self { seconds, ..Self::default() }
    }

    pub fn add(&mut self, started: Instant, images: usize) {
        let spent = started.elapsed().as_secs_f64();
        self.seconds += spent;
        self.recent.push_back((spent, images));
        while self.recent.len() > 1 && self.recent.iter().skip(1).map(|(spent, _)| spent).sum::<f64>() > 1.0 {
            self.recent.pop_front();
        }
    }

    pub fn images_per_s(&self) -> f64 {
        let (spent, images) = self.recent.iter().fold((0.0, 0), |(s, n), (spent, images)| (s + spent, n + images));
        images as f64 / spent.max(1e-9)
    }

    pub fn restart(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_a_second_look_at_the_last_second() {
        let mut watch = Stopwatch::default();
        let ago = |seconds: f64| Instant::now() - std::time::Duration::from_secs_f64(seconds);
        watch.add(ago(30.0), 10);
        assert!((watch.images_per_s() - 1.0 / 3.0).abs() < 0.01);
        for _ in 0..4 {
            watch.add(ago(0.5), 10);
        }
        assert!((watch.images_per_s() - 20.0).abs() < 0.5, "{}", watch.images_per_s());
    }
}
