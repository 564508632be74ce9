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
            if matches!(command, Command::Edit(_)) && live.is_scoring() {
                self.workbench.notice = Some(Notice::info("The change holds once the scores of this step are taken"));
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

    /// Begins a session with a checkpoint of another one.
    pub(super) fn branch(&mut self, parent: &Path, step: usize, steps: usize, set: &[String]) {
        if self.engine.is_some() {
            return;
        }
        let state = session::read_state(&session::checkpoint_folder(parent, step));
        let config = match state
            .map_err(|err| err.to_string())
            .and_then(|state| state.config.with(set).map_err(|err| err.to_string()))
        {
            Ok(mut config) => {
                config.train.steps = steps;
                config
            }
            Err(reason) => {
                return self.complain(format!("The checkpoint of step {step} cannot be gone back to: {reason}"));
            }
        };
        let folder = session::new_folder(&config);
        let from = Origin::Fork { parent: parent.to_owned(), step };
        let request = RunRequest { from, ..RunRequest::new(config, folder.clone()) };
        if let [place, ..] = session::unknown_places(&request.places).as_slice() {
            let (key, path) = (&place.key, &place.path);
            let text = "no run of yours has used that. Go on with the session first, which asks about it";
            return self.complain(format!("The session's {key} is {path}: {text}"));
        }
        match self.spawn(request) {
            Ok(()) => {
                self.workbench.notice = Some(Notice::info(format!("The run is stored in {}", folder.display())));
                (self.workbench.live, self.workbench.stored) = (Some(RunView::new(folder)), None);
                self.workbench.settings.page = Page::Run;
            }
            Err(err) => self.complain(format!("The training thread could not be started: {err}")),
        }
    }

    /// Asks another process to end its run.
    pub(super) fn end_elsewhere(&mut self, session: &Path) {
        match session::ask_to_end(session) {
            Ok(()) => self.workbench.notice = Some(Notice::info("Asked to end; it writes a checkpoint first")),
            Err(reason) => self.complain(format!("The other program could not be asked to end: {reason}")),
        }
    }

    /// Writes down where the data of a session is now, and goes on with it.
    pub(super) fn data_moved(&mut self, session: &Path, data: &Path) {
        if let Err(reason) = session::name_data(session, data) {
            return self.complain(format!("The data of {} could not be named: {reason}", session.display()));
        }
        // It was chosen by hand; what else the session names was not.
        let named = session::read_settings(session).map_or_else(|_| Vec::new(), |config| config.places());
        session::remember_places(&named.into_iter().filter(|place| place.key == "data.source").collect::<Vec<_>>());
        self.resume(session, None);
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
