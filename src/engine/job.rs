//! Background work other than training, on a thread of its own: reading a folder for the window, exporting images.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::UntrustedPaths;
use super::task::{Reporter, Task};
use crate::config::Config;
use crate::data::{DataError, Dataset};
use crate::event::{BrowseRequest, Export, JobEvent, QuizRequest, ScoreProgress, Waker};

/// Real images of a class in a preview.
const PREVIEW_COLUMNS: usize = 12;
/// The shortest time between two tellings of how far the work is.
const PAUSE: Duration = Duration::from_millis(50);
/// Events that may wait.
const WAITING: usize = 64;

/// A piece of background work. Dropping it cancels it.
pub struct Job(Task<JobEvent>);

/// What the work may do while it runs.
struct JobReporter<'a> {
    reporter: &'a Reporter<JobEvent>,
    /// When its progress was told last.
    last: Mutex<Instant>,
}

impl JobReporter<'_> {
    /// Tells progress at most some times a second; false where the work was cancelled.
    fn progress(&self, done: usize, total: usize) -> bool {
        self.now_and_then(done == total, JobEvent::Progress { done, total })
    }

    /// The same of scores, once they have begun.
    fn scoring(&self, progress: Option<ScoreProgress>) -> bool {
        match progress {
            // The first of each part is told whenever it comes: what follows may take long.
            Some(progress) => self.now_and_then(progress.done == 0, JobEvent::Scoring(progress)),
            None => self.goes_on(),
        }
    }

    /// Progress that finds no room would be out of date when it is read.
    fn now_and_then(&self, now: bool, event: JobEvent) -> bool {
        if let Ok(mut last) = self.last.try_lock()
            && (now || last.elapsed() >= PAUSE)
        {
            *last = Instant::now();
            self.reporter.offer(event);
        }
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.reporter.goes_on()
    }
}

impl Job {
    /// Reads the data of a configuration: [`JobEvent::Preview`], or [`JobEvent::Refused`].
    pub fn preview(config: Config, waker: Waker) -> Self {
        Self::spawn("gandle-preview", waker, move |desk| {
            match Dataset::load(&config, &|done, total| desk.progress(done, total)) {
                Ok(dataset) => Ok(JobEvent::Preview {
                    summary: Box::new(dataset.summary().clone()),
                    samples: dataset.preview(PREVIEW_COLUMNS),
                }),
                Err(DataError::Cancelled) => Ok(JobEvent::Cancelled),
                Err(err) => err.finding().map(JobEvent::Refused).ok_or_else(|| err.into()),
            }
        })
    }

    /// Reads some real images of the data of a configuration, to look at: [`JobEvent::BrowsePage`].
    pub fn look(config: Config, look: BrowseRequest, waker: Waker) -> Self {
        Self::spawn("gandle-look", waker, move |_| {
            Ok(JobEvent::BrowsePage(Box::new(super::browse::look_at(&config, look)?)))
        })
    }

    /// Takes results out of a session: [`JobEvent::Exported`].
    pub fn export(asked: Export, waker: Waker) -> Self {
        Self::spawn("gandle-export", waker, move |desk| {
            let exported = super::export::export(&asked, |done, total| desk.progress(done, total))?;
            Ok(exported.map_or(JobEvent::Cancelled, JobEvent::Exported))
        })
    }

    /// Prepares a blind test: [`JobEvent::Quiz`]. Of a session that leads to unknown places nothing is read there.
    pub fn quiz(ask: QuizRequest, unknown: UntrustedPaths, waker: Waker) -> Self {
        Self::spawn("gandle-quiz", waker, move |desk| {
            let set = super::quiz::prepare(&ask, unknown, &|done, total| desk.progress(done, total))?;
            Ok(set.map_or(JobEvent::Cancelled, |set| JobEvent::Quiz(Box::new(set))))
        })
    }

    /// Scores a checkpoint: [`JobEvent::Rescored`]. Of a session that leads to unknown places nothing is read there.
    pub fn rescore(asked: super::Rescore, unknown: UntrustedPaths, waker: Waker) -> Self {
        Self::spawn("gandle-scores", waker, move |desk| {
            let found = super::rescore::rescore(&asked, unknown, &|progress| desk.scoring(progress))?;
            Ok(found.map_or(JobEvent::Cancelled, |(scores, missing)| JobEvent::Rescored { scores, missing }))
        })
    }

    /// Measures how long a training step of a configuration takes here, for data of so many classes: [`JobEvent::Probed`].
    pub fn probe(config: Config, classes: usize, waker: Waker) -> Self {
        Self::spawn("gandle-probe", waker, move |desk| {
            let pace = super::probe::probe(&config, classes, &|| desk.goes_on())?;
            Ok(pace.map_or(JobEvent::Cancelled, JobEvent::Probed))
        })
    }

    fn spawn(
        name: &str,
        waker: Waker,
        work: impl FnOnce(&JobReporter<'_>) -> anyhow::Result<JobEvent> + Send + 'static,
    ) -> Self {
        Self(Task::reporting(name, WAITING, waker, move |reporter| {
            work(&JobReporter { reporter, last: Mutex::new(Instant::now()) }).map(Some)
        }))
    }

    /// The events that are there now, without waiting.
    pub fn events(&self) -> impl Iterator<Item = JobEvent> + '_ {
        self.0.news().map(told)
    }

    /// Every event until the work has ended, waiting for each.
    pub fn wait_events(&self) -> impl Iterator<Item = JobEvent> + '_ {
        self.0.wait_news().map(told)
    }

    /// Asks the work to end early.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

fn told(news: Result<JobEvent, String>) -> JobEvent {
    news.unwrap_or_else(|message| JobEvent::Failed { message })
}
