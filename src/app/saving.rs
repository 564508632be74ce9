//! Writes a sample grid, images and other results where the user wants them.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::App;
use crate::engine::{ExportRequest, Job};
use crate::event::{Export, GridPicture, JobEvent};
use crate::session;
use crate::ui::{ExportAsk, Notice};

impl App {
    /// Where no dialog can ask for a place: below the session, under a name that is free.
    pub(super) fn save_grid_in_session(&mut self, grid: &GridPicture) {
        let Some(view) = self.workbench.shown() else { return };
        let folder = view.folder().join("exports");
        if let Err(err) = std::fs::create_dir_all(&folder) {
            return self.complain(format!("The folder {} could not be made: {err}", folder.display()));
        }
        let numbered = |n: u32| {
            let suffix = if n == 1 { String::new() } else { format!("-{n}") };
            folder.join(format!("grid-{:07}{suffix}.png", grid.step))
        };
        if let Some(path) = (1..).map(numbered).find(|path| !path.exists()) {
            self.save_grid(path, grid);
        }
    }

    pub(super) fn save_grid(&mut self, path: PathBuf, grid: &GridPicture) {
        let (sender, saving) = crossbeam_channel::bounded(1);
        let (picture, waker) = (grid.picture.clone(), Arc::clone(&self.waker));
        let mut about = vec![("step", Cow::from(grid.step.to_string()))];
        if let Some((view, started)) = self.workbench.shown().and_then(|view| Some((view, view.started()?))) {
            about.extend([
                ("session", view.name().into()),
                ("seed", started.config.train.seed.to_string().into()),
                ("rows", serde_json::json!(started.classes).to_string().into()),
            ]);
        }
        let write = move || {
            let encoded = session::png((picture.width, picture.height), &picture.rgb, &about);
            let written = encoded
                .map_err(|err| err.to_string())
                .and_then(|png| session::write_whole(&path, &png).map_err(|err| err.to_string()));
            let notice = match written {
                Ok(()) => Notice::info(format!("Grid saved to {}", path.display())),
                Err(err) => Notice::error(format!("The grid could not be saved to {}: {err}", path.display())),
            };
            // The window may have closed meanwhile.
            sender.send(notice).ok();
            waker();
        };
        match std::thread::Builder::new().name("save-grid".to_owned()).spawn(write) {
            Ok(_) => self.saving = Some(saving),
            Err(err) => self.complain(format!("The grid could not be saved: {err}")),
        }
    }

    pub(super) fn export(&mut self, ask: ExportAsk) {
        let request = ExportRequest {
            session: ask.session,
            step: Some(ask.step),
            class: ask.class,
            count: ask.count,
            seed: ask.seed,
            truncation: ask.truncation,
            folder: ask.folder,
        };
        self.watch_export(Job::export(request, Arc::clone(&self.waker)));
    }

    pub(super) fn take_out(&mut self, asked: Export) {
        self.watch_export(Job::take_out(asked, Arc::clone(&self.waker)));
    }

    fn watch_export(&mut self, job: std::io::Result<Job>) {
        match job {
            Ok(job) => self.exporter = Some(job),
            Err(err) => self.workbench.export.apply(JobEvent::Failed { message: err.to_string() }),
        }
    }
}
