//! Starts runs on the engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::state::App;
use crate::config::{Config, ExternalPath, transfer};
use crate::engine::{Engine, Origin, RunRequest};
use crate::event::Command;
use crate::session;
use crate::ui::{Notice, Page, ParentPlace, RunView};

impl App {
    /// Puts a run on the engine.
    pub(super) fn spawn(&mut self, request: RunRequest) -> Result<(), String> {
        let engine = Engine::spawn(request, Arc::clone(&self.waker));
        self.engine = Some(engine.map_err(|err| format!("The training thread could not be started: {err}"))?);
        Ok(())
    }

    /// Asks something of the run that goes on, if one does.
    pub(super) fn tell_engine(&mut self, command: Command) {
        if let (Some(engine), Some(live)) = (&self.engine, &mut self.workbench.live) {
            live.ask(&command);
            if let (Command::Edit(changes), Some(started)) = (&command, live.started())
                && let Ok((config, _)) = started.config.edited(changes)
            {
                session::trust_paths(&config.external_paths());
            }
            if matches!(command, Command::Edit(_)) && live.is_scoring() {
                self.workbench.notice = Some(Notice::info("The change holds once the scores of this step are taken"));
            }
            engine.send(command);
        }
    }

    /// Starts a run with the configuration of the set-up.
    pub(super) fn train(&mut self) {
        session::trust_paths(&self.workbench.config.external_paths());
        if let Err(reason) = self.begin(self.workbench.config.clone(), Origin::New) {
            self.complain(reason);
        }
    }

    /// Begins a session with a checkpoint of another one.
    pub(super) fn branch(&mut self, parent: PathBuf, step: usize, steps: usize, set: Vec<String>) {
        let folder = session::checkpoint_folder(&parent, step);
        let read = move || -> anyhow::Result<Config> {
            let before = session::read_state(&folder)?.config;
            let mut config = before.with(&set)?;
            config.train.steps = steps;
            if let [first, ..] = transfer::unfit(&before, &config).as_slice() {
                anyhow::bail!("the networks would not fit: {first}");
            }
            // What is taken from the set-up is the user's own, as where a new run begins.
            let is_taken =
                |key: &str| set.iter().any(|entry| entry.split_once('=').is_some_and(|(name, _)| name == key));
            let unknown = session::untrusted_paths(&config.external_paths());
            if let Some(place) = unknown.iter().find(|place| !is_taken(&place.key)) {
                let (key, path) = (&place.key, &place.path);
                anyhow::bail!(
                    "the session's {key} is {path}, and no run of yours has used that. Go on with the session first, which asks about it"
                );
            }
            session::trust_paths(&config.external_paths());
            Ok(config)
        };
        self.later("branch", read, move |app, config| {
            let begun = match config {
                Ok(config) => app.begin(config, Origin::Fork { parent, step }),
                Err(reason) => Err(format!("The checkpoint of step {step} cannot be gone back to: {reason}")),
            };
            if let (Err(reason), false) = (begun.clone(), app.workbench.branched(begun)) {
                app.complain(reason);
            }
        });
    }

    /// Puts a run with a session of its own on the engine, and shows it.
    fn begin(&mut self, config: Config, from: Origin) -> Result<(), String> {
        if self.engine.is_some() {
            return Err("Another run goes on here: stop it first".to_owned());
        }
        let folder = session::new_folder(&config);
        let mut view = RunView::new(folder.clone());
        if let Origin::Fork { parent, .. } = &from {
            view.place_parent(ParentPlace::At(parent.clone()));
        }
        self.spawn(RunRequest { from, ..RunRequest::new(config, folder.clone()) })?;
        self.inform(format!("The run is stored in {}", folder.display()));
        (self.workbench.live, self.workbench.stored) = (Some(view), None);
        self.workbench.settings.page = Page::Run;
        Ok(())
    }

    /// Asks another process to end its run.
    pub(super) fn end_elsewhere(&mut self, session: PathBuf) {
        self.later(
            "end",
            move || session::ask_to_end(&session),
            |app, asked| match asked {
                Ok(()) => app.inform("Asked to end; it writes a checkpoint first"),
                Err(reason) => app.complain(format!("The other program could not be asked to end: {reason}")),
            },
        );
    }

    /// Writes down where the data of a session is now, and goes on with it.
    pub(super) fn data_moved(&mut self, session: PathBuf, data: PathBuf) {
        let wanted = session.clone();
        self.later(
            "data",
            move || name_data(&wanted, &data),
            move |app, named| {
                let named =
                    named.map_err(|reason| format!("The data of {} could not be named: {reason}", session.display()));
                match (named.clone(), app.workbench.find_data.found(named)) {
                    (Ok(()), _) => app.resume(session, None),
                    (Err(reason), false) => app.complain(reason),
                    (Err(_), true) => {}
                }
            },
        );
    }

    /// Looks where a session leads, and goes on with it where that is known, or asks. The files are read elsewhere.
    pub(super) fn resume(&mut self, folder: PathBuf, steps: Option<usize>) {
        if self.engine.is_some() || self.resuming {
            return;
        }
        self.resuming = true;
        let wanted = folder.clone();
        self.later(
            "resume",
            move || untrusted_paths(&wanted, steps),
            move |app, places| {
                app.resuming = false;
                match places {
                    Ok(places) if places.is_empty() => app.go_on(&folder, steps),
                    Ok(places) => app.workbench.trust.ask(folder, steps, places),
                    Err(reason) => app.complain(format!("The session cannot go on: {reason}")),
                }
            },
        );
    }

    /// Goes on with a session; the curves that are shown of it stay.
    pub(super) fn go_on(&mut self, folder: &Path, steps: Option<usize>) {
        if self.engine.is_some() {
            return;
        }
        let here = |view: &RunView| view.folder() == folder;
        let view = self.workbench.stored.as_ref().filter(|view| here(view));
        let view = view.or(self.workbench.live.as_ref().filter(|view| here(view)));
        let Some(config) = view.and_then(RunView::started).map(|started| started.config.clone()) else { return };
        let request = RunRequest {
            from: Origin::Resume { steps, set: Vec::new() },
            ..RunRequest::new(config, folder.to_owned())
        };
        match self.spawn(request) {
            Ok(()) => {
                let mut view = self.workbench.stored.take().filter(here).or(self.workbench.live.take());
                view.iter_mut().for_each(RunView::restart);
                self.workbench.live = view;
                self.workbench.settings.page = Page::Run;
            }
            Err(reason) => self.complain(reason),
        }
    }
}

/// Writes down where the data of a session is now.
fn name_data(session: &Path, data: &Path) -> Result<(), session::SessionError> {
    session::name_data(session, data)?;
    // It was chosen by hand; what else the session names was not.
    let named = session::read_settings(session).map_or_else(|_| Vec::new(), |config| config.external_paths());
    session::trust_paths(&named.into_iter().filter(|place| place.key == "data.source").collect::<Vec<_>>());
    Ok(())
}

/// Where a session leads that is to go on, of what no run of this user's has used.
pub(super) fn untrusted_paths(folder: &Path, steps: Option<usize>) -> Result<Vec<ExternalPath>, String> {
    let request = RunRequest::resume(folder, steps).map_err(|err| format!("{err:#}"))?;
    Ok(session::untrusted_paths(&request.places))
}
