//! Starts runs on the engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::App;
use super::task::Task;
use crate::config::Place;
use crate::engine::{Engine, Origin, RunRequest};
use crate::event::Command;
use crate::session;
use crate::ui::{Notice, Page, RunView};

impl App {
    /// Puts a run on the engine.
    pub(super) fn spawn(&mut self, request: RunRequest) -> std::io::Result<()> {
        self.engine = Some(Engine::spawn(request, Arc::clone(&self.waker))?);
        Ok(())
    }

    /// Asks something of the run that goes on, if one does.
    pub(super) fn tell_engine(&mut self, command: Command) {
        if let (Some(engine), Some(live)) = (&self.engine, &mut self.workbench.live) {
            live.ask(&command);
            if let (Command::Edit(changes), Some(started)) = (&command, live.started())
                && let Ok((config, _)) = started.config.edited(changes)
            {
                session::remember_places(&config.places());
            }
            engine.send(command);
        }
    }

    /// Starts a run with the configuration of the set-up.
    pub(super) fn train(&mut self) {
        if self.engine.is_some() {
            return;
        }
        let config = self.workbench.config.clone();
        let folder = session::new_folder(&config);
        let request = RunRequest::new(config, folder.clone());
        session::remember_places(&request.places);
        match self.spawn(request) {
            Ok(()) => {
                self.workbench.notice = Some(Notice::info(format!("The run is stored in {}", folder.display())));
                self.workbench.live = Some(RunView::new(folder));
                self.workbench.stored = None;
                self.workbench.settings.page = Page::Run;
            }
            Err(err) => self.complain(format!("The training thread could not be started: {err}")),
        }
    }

    /// Looks where a session leads, and goes on with it where that is known. The files are read elsewhere.
    pub(super) fn resume(&mut self, folder: &Path, steps: Option<usize>) {
        if self.engine.is_some() || self.resuming.is_some() {
            return;
        }
        let wanted = folder.to_owned();
        let work = move || unknown_places(&wanted, steps);
        match Task::spawn("resume", Arc::clone(&self.waker), work) {
            Ok(task) => self.resuming = Some(Resuming { folder: folder.to_owned(), steps, task }),
            Err(err) => self.complain(format!("The session could not be looked at: {err}")),
        }
    }

    /// Goes on with a session that was looked at, or asks where it leads to unknown places.
    pub(super) fn take_resumed(&mut self) {
        let Some(answer) = self.resuming.as_ref().and_then(|resuming| resuming.task.answer()) else { return };
        let Some(Resuming { folder, steps, .. }) = self.resuming.take() else { return };
        match answer {
            Some(Ok(places)) if places.is_empty() => self.go_on(&folder, steps),
            Some(Ok(places)) => self.workbench.trust.ask(folder, steps, places),
            Some(Err(reason)) => self.complain(format!("The session cannot go on: {reason}")),
            None => {
                self.complain("The session cannot go on: reading it broke off, which is a defect of gandle".to_owned())
            }
        }
    }

    /// Goes on with a session; the curves that are shown of it stay.
    pub(super) fn go_on(&mut self, folder: &Path, steps: Option<usize>) {
        if self.engine.is_some() {
            return;
        }
        let shown = [&mut self.workbench.stored, &mut self.workbench.live];
        let Some(view) = shown.into_iter().find(|view| view.as_ref().is_some_and(|v| v.folder() == folder)) else {
            return;
        };
        let Some(config) = view.as_ref().and_then(RunView::started).map(|started| started.config.clone()) else {
            return;
        };
        let request = RunRequest { from: Origin::Resume { steps }, ..RunRequest::new(config, folder.to_owned()) };
        match Engine::spawn(request, Arc::clone(&self.waker)) {
            Ok(engine) => {
                let mut view = view.take();
                view.iter_mut().for_each(RunView::restart);
                self.engine = Some(engine);
                (self.workbench.live, self.workbench.stored) = (view, None);
                self.workbench.settings.page = Page::Run;
            }
            Err(err) => self.complain(format!("The training thread could not be started: {err}")),
        }
    }
}

/// A session that is to go on, while it is looked at.
pub(super) struct Resuming {
    folder: PathBuf,
    steps: Option<usize>,
    task: Task<Result<Vec<Place>, String>>,
}

/// Where a session leads that is to go on, of what no run of this user's has used.
pub(super) fn unknown_places(folder: &Path, steps: Option<usize>) -> Result<Vec<Place>, String> {
    let request = RunRequest::resume(folder, steps).map_err(|err| format!("{err:#}"))?;
    Ok(session::unknown_places(&request.places))
}
