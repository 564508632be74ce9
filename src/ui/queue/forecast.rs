//! When each run of the queue should end, as far as the speed of runs with the same settings tells.

use super::super::run_view::RunView;
use super::super::sessions::SessionRow;
use super::super::setup::Paces;
use super::{EntryState, Queue};
use crate::summary::cost;

/// The speeds that are known.
#[derive(Debug, Default)]
pub struct Speeds {
    known: Vec<(String, f64)>,
}

impl Speeds {
    /// The speeds of stored sessions, newest first.
    pub fn of(rows: &[SessionRow]) -> Self {
        let known = rows.iter().filter_map(|row| {
            let brief = row.brief.as_ref()?;
            Some((cost(&brief.settings), brief.seconds_a_step()?))
        });
        Self { known: known.collect() }
    }

    fn find(&self, cost: &str) -> Option<f64> {
        self.known.iter().find(|(known, _)| known == cost).map(|(_, seconds)| *seconds)
    }
}

/// Seconds from now until each run of the queue should end: nothing for those that are over, and from the first on whose
/// speed is not known.
pub fn ends(queue: &Queue, live: Option<&RunView>, speeds: &Speeds, paces: &Paces) -> Vec<Option<f64>> {
    let live = live.filter(|run| run.is_active());
    let pace = live.and_then(|run| {
        let left = run.steps().checked_sub(run.step()).filter(|left| *left > 0)?;
        Some((cost(&run.started()?.config.settings()), run.seconds_left()? / left as f64))
    });
    // One that has just begun has no pace yet.
    let young = || {
        let entry = queue.running().filter(|entry| live.map(RunView::folder) == entry.session.as_deref())?;
        let left = entry.config.train.steps.saturating_sub(live.map_or(0, RunView::step));
        Some(speeds.find(&entry.cost)? * left as f64)
    };
    let mut now = if live.is_some() { live.and_then(RunView::seconds_left).or_else(young) } else { Some(0.0) };
    let end = |entry: &super::Entry| match entry.state {
        EntryState::Running => now,
        EntryState::Waiting => {
            let of_live = || pace.as_ref().filter(|(cost, _)| *cost == entry.cost).map(|(_, seconds)| *seconds);
            let a_step = of_live().or_else(|| speeds.find(&entry.cost)).or_else(|| paces.seconds_a_step(&entry.config));
            now = now.zip(a_step).map(|(now, seconds)| now + seconds * entry.config.train.steps as f64);
            now
        }
        EntryState::Finished | EntryState::Stopped | EntryState::Failed(_) => None,
    };
    queue.entries().iter().map(end).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::super::super::setup::PaceRequest;
    use super::*;
    use crate::config::Config;
    use crate::event::{Event, JobEvent, Pace, Step};
    use crate::summary::Brief;

    fn config(image_size: usize, steps: usize) -> Config {
        let mut config = Config { image_size, ..Config::default() };
        config.train.steps = steps;
        config
    }

    #[test]
    fn ends_add_up_until_a_speed_is_not_known() {
        let step = Event::Step(Step::of(100, 50.0, []));
        let mut row = SessionRow::new(PathBuf::from("x"), 100, SystemTime::now());
        row.tell(Brief::new(config(32, 100), [step]));
        let speeds = Speeds::of(&[row]);
        let mut queue = Queue::default();
        for (at, (size, steps)) in [(32, 10), (32, 20), (64, 10), (32, 10)].into_iter().enumerate() {
            let mut config = config(size, steps);
            config.train.seed = at as u64;
            queue.add(String::new(), config);
        }
        let mut paces = Paces::default();
        assert_eq!(ends(&queue, None, &speeds, &paces), [Some(5.0), Some(15.0), None, None]);
        // A measurement of the set-up tells it where no run has.
        paces.begin(PaceRequest::of(&config(64, 1), None));
        paces.apply(JobEvent::Probed(Pace { seconds: 2.0, timed: 1, images: 32 }));
        assert_eq!(ends(&queue, None, &speeds, &paces), [Some(5.0), Some(15.0), Some(35.0), Some(40.0)]);
        let paces = Paces::default();
        // A run that goes on comes first, and nobody knows how long it will take.
        let view = RunView::new(PathBuf::from("y"));
        assert_eq!(ends(&queue, Some(&view), &speeds, &paces), [None; 4]);
        // But for one of the queue, which is known by its settings.
        queue.began(0, PathBuf::from("y"));
        assert_eq!(ends(&queue, Some(&view), &speeds, &paces), [Some(5.0), Some(15.0), None, None]);
    }
}
