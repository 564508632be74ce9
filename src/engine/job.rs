//! Background work other than training, on a thread of its own: reading a folder for the window, exporting images.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::UnknownPlaces;
use super::sample::{Exported, Sampling, export};
use crate::config::Config;
use crate::data::{DataError, Dataset};
use crate::event::{Export, JobEvent, Look, QuizAsk, ScoreProgress, Waker};
use crate::guard;

/// Images to export.
pub type ExportRequest = Sampling;

/// Real images of a class in a preview.
const PREVIEW_COLUMNS: usize = 12;

/// A piece of background work. Dropping it cancels it.
pub struct Job {
    events: Receiver<JobEvent>,
    cancelled: Arc<AtomicBool>,
}

/// What the work may do while it runs.
struct Desk {
    out: Sender<JobEvent>,
    cancelled: Arc<AtomicBool>,
    waker: Waker,
}

impl Desk {
    fn tell(&self, event: JobEvent) {
        self.out.send(event).ok(); // Dropped by its owner: nobody wants to know.
        (self.waker)();
    }

    /// Tells progress at most some times a second; false where the work was cancelled.
    fn progress(&self, last: &Mutex<Instant>, done: usize, total: usize) -> bool {
        self.now_and_then(last, done == total, JobEvent::Progress { done, total })
    }

    /// The same of scores, once they have begun.
    fn scoring(&self, last: &Mutex<Instant>, progress: Option<ScoreProgress>) -> bool {
        match progress {
            // The first of each part is told whenever it comes: what follows may take long.
            Some(progress) => self.now_and_then(last, progress.done == 0, JobEvent::Scoring(progress)),
            None => !self.cancelled.load(Ordering::Relaxed),
        }
    }

    fn now_and_then(&self, last: &Mutex<Instant>, now: bool, event: JobEvent) -> bool {
        if let Ok(mut last) = last.try_lock()
            && (now || last.elapsed() >= Duration::from_millis(50))
        {
            *last = Instant::now();
            // Progress that finds no room is out of date when it would be read.
            self.out.try_send(event).ok();
            (self.waker)();
        }
        !self.cancelled.load(Ordering::Relaxed)
    }
}

impl Job {
    /// Reads the data of a configuration: [`JobEvent::Preview`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn preview(config: Config, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-preview", waker, move |desk| {
            let last = Mutex::new(Instant::now());
            match Dataset::load(&config, &|done, total| desk.progress(&last, done, total)) {
                Ok(dataset) => Ok(JobEvent::Preview {
                    summary: Box::new(dataset.summary().clone()),
                    samples: dataset.preview(PREVIEW_COLUMNS),
                }),
                Err(DataError::Cancelled) => Ok(JobEvent::Cancelled),
                Err(err) => Err(err.into()),
            }
        })
    }

    /// Reads some real images of the data of a configuration, to look at: [`JobEvent::Looked`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn look(config: Config, look: Look, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-look", waker, move |_| {
            Ok(JobEvent::Looked(Box::new(super::browse::look_at(&config, look)?)))
        })
    }

    /// Exports images of a session: [`JobEvent::Exported`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn export(request: ExportRequest, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-export", waker, move |desk| {
            let last = Mutex::new(Instant::now());
            let mut whole = true;
            let exported = export(&request, |done, total| {
                whole = desk.progress(&last, done, total);
                whole
            })?;
            let Exported { images, renamed } = exported;
            let folder = request.folder.clone();
            Ok(if whole { JobEvent::Exported { images, folder, renamed } } else { JobEvent::Cancelled })
        })
    }

    /// Takes results out of a session: [`JobEvent::Written`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn take_out(asked: Export, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-export", waker, move |desk| {
            let last = Mutex::new(Instant::now());
            let files = super::export::export(&asked, |done, total| desk.progress(&last, done, total))?;
            Ok(files.map_or(JobEvent::Cancelled, |files| JobEvent::Written { files }))
        })
    }

    /// Prepares a blind test: [`JobEvent::Quiz`]. Of a session that leads to unknown places nothing is read there.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn quiz(ask: QuizAsk, unknown: UnknownPlaces, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-quiz", waker, move |desk| {
            let last = Mutex::new(Instant::now());
            let set = super::quiz::prepare(&ask, unknown, &|done, total| desk.progress(&last, done, total))?;
            Ok(set.map_or(JobEvent::Cancelled, |set| JobEvent::Quiz(Box::new(set))))
        })
    }

    /// Scores a checkpoint: [`JobEvent::Rescored`]. Of a session that leads to unknown places nothing is read there.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn rescore(asked: super::Rescore, unknown: UnknownPlaces, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-scores", waker, move |desk| {
            let last = Mutex::new(Instant::now());
            let go_on = |progress| desk.scoring(&last, progress);
            let found = super::rescore::rescore(&asked, unknown, &go_on)?;
            Ok(found.map_or(JobEvent::Cancelled, |(scores, missing)| JobEvent::Rescored { scores, missing }))
        })
    }

    /// Measures how long a training step of a configuration takes here, for data of so many classes: [`JobEvent::Probed`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn probe(config: Config, classes: usize, waker: Waker) -> std::io::Result<Self> {
        Self::spawn("gandle-probe", waker, move |desk| {
            let pace = super::probe::probe(&config, classes, &|| !desk.cancelled.load(Ordering::Relaxed))?;
            Ok(pace.map_or(JobEvent::Cancelled, JobEvent::Probed))
        })
    }

    fn spawn(
        name: &str,
        waker: Waker,
        work: impl FnOnce(&Desk) -> anyhow::Result<JobEvent> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (out, events) = bounded(64);
        let cancelled = Arc::new(AtomicBool::new(false));
        let desk = Desk { out, cancelled: cancelled.clone(), waker };
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let done = guard::told(|| work(&desk));
            desk.tell(done.unwrap_or_else(|message| JobEvent::Failed { message }));
        })?;
        Ok(Self { events, cancelled })
    }

    /// The events that are there now, without waiting.
    pub fn events(&self) -> impl Iterator<Item = JobEvent> + '_ {
        self.events.try_iter()
    }

    /// Every event until the work has ended, waiting for each.
    pub fn wait_events(&self) -> impl Iterator<Item = JobEvent> + '_ {
        self.events.iter()
    }

    /// Asks the work to end early.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cancel();
    }
}
