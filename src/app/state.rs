//! The window and all that works for it, and the work that it waits for.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::fault::Fault;
use super::follow::Follower;
use crate::engine::explore::Explorer;
use crate::engine::{Engine, Job, Service, Task};
use crate::event::{BrowseRequest, GridPicture, Waker};
use crate::ui::{ComparedRun, GridRequest, Notice, PaceRequest, RunView, SessionRow, Spot, Workbench};

/// Work that is under way with what is done with its answer; false once that was done.
type Pending = Box<dyn FnMut(&mut App) -> bool>;

/// The window and everything that works for it.
pub(super) struct App {
    pub workbench: Workbench,
    pub engine: Option<Engine>,
    pub jobs: Jobs,
    /// What the set-up asks to be measured, and since when.
    pub probing: Option<(PaceRequest, Instant)>,
    pub pending: Vec<Pending>,
    /// The run of the queue that was under way when the window was closed.
    pub begun: Option<Begun>,
    /// The image that is turned to once its session is open.
    pub spot: Option<(PathBuf, Spot)>,
    /// Whether a session that is to go on is being looked at.
    pub resuming: bool,
    /// Whether a file dialog is open.
    pub asking: bool,
    /// Sessions that are being looked for.
    pub found: Option<Task<Vec<SessionRow>>>,
    pub follower: Option<Follower>,
    pub explorer: Explorer,
    pub grids: Service<GridRequest, GridPicture>,
    /// Grids of the Compare page.
    pub compared_grids: Service<GridRequest, GridPicture>,
    /// Runs of the Compare page, however long their curves are.
    pub compared: Service<PathBuf, ComparedRun>,
    /// The window's title.
    pub title: String,
    /// Whether the window closes without a question.
    pub may_close: bool,
    /// Whether the system has asked this program to end.
    pub ending: Arc<AtomicBool>,
    /// Why nothing but this is shown any more.
    pub fault: Option<Fault>,
    pub waker: Waker,
}

/// Every job that may be under way. Dropped, they end.
#[derive(Default)]
pub(super) struct Jobs {
    pub reader: Option<Job>,
    pub exporter: Option<Job>,
    pub scorer: Option<Job>,
    pub quiz: Option<Job>,
    pub probe: Option<Job>,
    /// Real images that are being read to look at.
    pub looker: Option<(BrowseRequest, Job)>,
}

/// A session of the queue that is being read.
pub(super) struct Begun {
    pub folder: PathBuf,
    pub task: Task<Option<RunView>>,
}

impl App {
    /// Does work on a thread of its own, and then something with its answer here.
    pub fn later<T: Send + 'static, E: Display>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
        then: impl FnOnce(&mut Self, Result<T, String>) + 'static,
    ) {
        let task = Task::spawn(name, Arc::clone(&self.waker), work);
        let mut then = Some(then);
        self.pending.push(Box::new(move |app| {
            let Some(answer) = task.answer() else { return true };
            if let Some(then) = then.take() {
                then(app, answer);
            }
            false
        }));
    }

    pub fn inform(&mut self, text: impl Into<String>) {
        self.workbench.notice = Some(Notice::info(text));
    }

    pub fn complain(&mut self, text: String) {
        self.workbench.notice = Some(Notice::error(text));
    }
}
