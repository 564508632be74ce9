//! Hands on what a session tells to the trackers that people have: TensorBoard's files and MLflow's server.
//!
//! A tracker reads the session's events as they are written, on a thread of its own, and knows at its target how far it is. So a
//! slow or missing server holds nothing up, a run that goes on goes on there, and what could not be sent is sent later.

mod mlflow;
mod tensorboard;
#[cfg(test)]
mod tests;
mod tracker;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::mlflow::Mlflow;
use self::tensorboard::Board;
pub use self::tracker::Server;
use self::tracker::{Run, Tracker};
use super::task::{Reporter, Task};
use crate::event::Waker;
use crate::session::{self, Tail};

/// The wait between two looks at the session.
const PAUSE: Duration = Duration::from_millis(500);
/// Seconds from one try to the next where a target does not answer.
const WAITS: [u64; 5] = [1, 2, 5, 15, 60];
/// For how long a target that does not answer is asked again once nothing more comes.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// Events that are handed on together.
const BATCH: usize = 256;

/// Where to hand on what a session tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trackers {
    /// A folder of TensorBoard's, which gets a folder for each session.
    pub tensorboard: Option<PathBuf>,
    /// An MLflow server.
    pub mlflow: Option<Server>,
}

/// Trackers at work, each on its thread.
pub struct Tracking {
    tasks: Vec<Task<String>>,
    /// Whether any could not send all.
    failed: bool,
}

impl Tracking {
    /// Starts them for a session that has begun.
    pub fn start(session: &Path, trackers: &Trackers, waker: &Waker) -> Self {
        let board = trackers.tensorboard.clone().map(|folder| Box::new(Board::new(folder)) as Box<dyn Tracker>);
        let mlflow = trackers.mlflow.clone().map(|server| Box::new(Mlflow::new(server)) as Box<dyn Tracker>);
        let task = |mut tracker: Box<dyn Tracker>| {
            let session = session.to_owned();
            Task::reporting("tracker", 8, waker.clone(), move |out| {
                forward(&session, tracker.as_mut(), out).map(|()| None)
            })
        };
        Self { tasks: board.into_iter().chain(mlflow).map(task).collect(), failed: false }
    }

    /// What there is to say now.
    pub fn news(&mut self) -> Vec<String> {
        let news: Vec<Result<String, String>> = self.tasks.iter().flat_map(Task::news).collect();
        self.told(news)
    }

    /// Waits until all is sent or given up; false where something was not sent.
    pub fn finish(mut self, mut say: impl FnMut(&str)) -> bool {
        for task in std::mem::take(&mut self.tasks) {
            for news in task.wait_news() {
                self.told([news]).iter().for_each(|line| say(line));
            }
        }
        !self.failed
    }

    fn told(&mut self, news: impl IntoIterator<Item = Result<String, String>>) -> Vec<String> {
        let told = |news: Result<String, String>| {
            self.failed |= news.is_err();
            news.unwrap_or_else(|failed| failed)
        };
        news.into_iter().map(told).collect()
    }
}

/// Hands on until nobody writes to the session any more and all is sent.
fn forward(session: &Path, tracker: &mut dyn Tracker, out: &Reporter<String>) -> anyhow::Result<()> {
    let (mut failures, mut quiet_since) = (0, None);
    loop {
        let failed = match attempt(session, tracker, out, &mut failures) {
            Ok(()) => return Ok(()),
            Err(err) => err,
        };
        if !out.goes_on() {
            return Err(failed);
        }
        if session::is_free(session) && quiet_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            let (name, session) = (tracker.name(), session.display());
            return Err(failed.context(format!(
                "{name} has not got all of {session}, which stays as it is; send the rest by `gandle track {session}`"
            )));
        }
        if failures == 0 {
            let name = tracker.name();
            out.tell(format!("{name} does not take what the run tells, which is sent later: {failed:#}"));
        }
        wait(Duration::from_secs(WAITS[failures.min(WAITS.len() - 1)]), session, out);
        failures += 1;
    }
}

/// Waits, but no longer than a moment once nothing more comes.
fn wait(most: Duration, session: &Path, out: &Reporter<String>) {
    let began = Instant::now();
    while began.elapsed() < most {
        std::thread::sleep(PAUSE);
        if session::is_free(session) || !out.goes_on() {
            return std::thread::sleep(PAUSE);
        }
    }
}

/// The same until something fails.
fn attempt(
    session: &Path,
    tracker: &mut dyn Tracker,
    out: &Reporter<String>,
    failures: &mut usize,
) -> anyhow::Result<()> {
    let run = Run::of(session)?;
    let known = tracker.begin(&run)?;
    let mut tail = Tail::open(session)?;
    let mut batch = Vec::new();
    loop {
        // Asked first: what is written before the lock is given back is still read.
        let over = session::is_free(session) || !out.goes_on();
        loop {
            let event = tail.read()?;
            let more = event.is_some();
            if let Some((event, time)) = event {
                if tail.at() <= known {
                    tracker.know(&event);
                } else {
                    batch.push((event, time));
                }
            }
            if batch.len() >= BATCH || (!more && !batch.is_empty()) {
                tracker.take(&run, &batch, tail.at())?;
                batch.clear();
                if std::mem::take(failures) > 0 {
                    out.tell(format!("{} takes what the run tells again", tracker.name()));
                }
            }
            if !more {
                break;
            }
        }
        if over {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}
