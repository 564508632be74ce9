//! Starts runs on the engine.

use std::path::Path;
use std::sync::Arc;

use super::App;
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
        match self.spawn(RunRequest::new(config, folder.clone())) {
            Ok(()) => {
                self.workbench.notice = Some(Notice::info(format!("The run is stored in {}", folder.display())));
                self.workbench.live = Some(RunView::new(folder));
                self.workbench.stored = None;
                self.workbench.settings.page = Page::Run;
            }
            Err(err) => self.complain(format!("The training thread could not be started: {err}")),
        }
    }

    /// Goes on with a session; the curves that are shown of it stay.
    pub(super) fn resume(&mut self, folder: &Path, steps: Option<usize>) {
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
