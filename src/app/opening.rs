//! Opens stored sessions: what is read of them is read on a thread of its own, however long their curves are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::App;
use super::task::Task;
use crate::event::Event;
use crate::session::{self, Stored};
use crate::ui::{Notice, Page, RunView};

/// A session that is being read.
pub(super) struct Opening {
    folder: PathBuf,
    task: Task<Result<Opened, String>>,
}

/// What was read of a session.
struct Opened {
    view: RunView,
    /// Who else trains it.
    holder: Option<String>,
    warnings: Vec<String>,
}

impl App {
    /// Begins to read a session, which is shown once that is done.
    pub(super) fn open_session(&mut self, folder: &Path) {
        let wanted = folder.to_owned();
        let work = move || read(&wanted).map_err(|err| err.to_string());
        match Task::spawn("open", Arc::clone(&self.waker), work) {
            Ok(task) => {
                self.opening = Some(Opening { folder: folder.to_owned(), task });
                self.workbench.opening = Some(folder.to_owned());
                self.workbench.settings.page = Page::Run;
            }
            Err(err) => self.complain(format!("{} could not be opened: {err}", folder.display())),
        }
    }

    /// Shows a session that was read.
    pub(super) fn take_opened(&mut self) {
        let Some(answer) = self.opening.as_ref().and_then(|opening| opening.task.answer()) else { return };
        let folder = self.opening.take().map(|opening| opening.folder).unwrap_or_default();
        self.workbench.opening = None;
        match answer {
            Some(Ok(opened)) => self.show(opened),
            Some(Err(reason)) => self.complain(format!("{} could not be opened: {reason}", folder.display())),
            None => {
                let what = folder.display();
                self.complain(format!("{what} could not be opened: reading it broke off, which is a defect of gandle"));
            }
        }
    }

    fn show(&mut self, opened: Opened) {
        let mut view = opened.view;
        self.workbench.elsewhere = None;
        if view.is_active() {
            let message = if let Some(holder) = opened.holder {
                self.workbench.elsewhere = Some(format!("Another program ({holder}) is training this session"));
                view.follow(true);
                String::new()
            } else if view.checkpoints().is_empty() {
                "The program that trained this session was closed or killed before its first checkpoint; use its settings for a new run.".to_owned()
            } else {
                "The program that trained this session was closed or killed; Resume goes on from its newest checkpoint."
                    .to_owned()
            };
            if !view.is_followed() {
                view.apply(Event::Warning { step: view.step(), message });
                view.apply(Event::Stopped { step: view.step() });
            }
        }
        if !opened.warnings.is_empty() {
            self.workbench.notice = Some(Notice::error(opened.warnings.join("; ")));
        }
        self.workbench.stored = Some(view);
    }
}

/// Replays a stored session through the same fold as a live run.
fn read(folder: &Path) -> Result<Opened, session::SessionError> {
    let stored = Stored::open(folder)?;
    let mut view = RunView::new(stored.folder.clone());
    stored.events.into_iter().for_each(|event| view.apply(event));
    // It may have been renamed since it was written.
    view.moved(&stored.folder);
    let holder = if view.is_active() { session::holder(folder) } else { None };
    Ok(Opened { view, holder, warnings: stored.warnings })
}

/// The view of a session that goes on.
pub(super) fn replayed(folder: &Path) -> Result<RunView, session::SessionError> {
    let mut view = read(folder)?.view;
    if view.is_active() || *view.phase() != crate::ui::Phase::Finished {
        view.restart();
    }
    Ok(view)
}
