//! Writes sample grids, charts, images and other results where the user wants them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::App;
use super::dialogs::Purpose;
use crate::engine::{ExportRequest, Job, Rescore};
use crate::event::{Export, GridPicture, JobEvent, Picture};
use crate::guard;
use crate::session;
use crate::ui::{self, ExportAsk, Figure, FigureContent, Notice, ScoreAsk};

/// What is to be written.
pub(super) struct Saved {
    /// What it is called in messages.
    what: &'static str,
    /// A name for its file.
    name: String,
    content: FigureContent,
    /// What its metadata tells beside session, seed and classes.
    about: Vec<(&'static str, Cow<'static, str>)>,
    /// Whether it is of several runs, not of the one that is open.
    compared: bool,
}

impl Saved {
    /// What a dialog asked a place for; nothing where it asked for something else.
    pub fn of(purpose: &Purpose) -> Option<Self> {
        match purpose {
            Purpose::Grid(grid) => Some(Self::grid(grid)),
            Purpose::Figure(figure) => Some(Self::figure(figure)),
            Purpose::Data
            | Purpose::Moved(_)
            | Purpose::DataFile
            | Purpose::Vgg19
            | Purpose::Inception
            | Purpose::Session
            | Purpose::Export => None,
        }
    }

    fn grid(grid: &GridPicture) -> Self {
        let content = FigureContent::Picture(grid.picture.clone());
        let about = vec![("step", grid.step.to_string().into())];
        Self { what: "Grid", name: format!("grid-{:07}.png", grid.step), content, about, compared: false }
    }

    fn figure(figure: &Figure) -> Self {
        let Figure { name, content, compared } = figure.clone();
        Self { what: "Charts", name, content, about: Vec::new(), compared }
    }
}

impl App {
    /// Where no dialog can ask for a place: below the session, under a name that is free.
    pub(super) fn save_in_session(&mut self, saved: Saved) {
        let Some(view) = self.workbench.shown() else { return };
        let folder = match session::folder(view.folder(), session::EXPORTS) {
            Ok(folder) => folder,
            Err(err) => return self.complain(format!("The folder for it could not be made: {err}")),
        };
        let name = PathBuf::from(&saved.name);
        let (stem, kind) = (name.file_stem().unwrap_or_default(), name.extension().unwrap_or_default());
        let (stem, kind) = (stem.to_string_lossy(), kind.to_string_lossy());
        let numbered = |n: u32| {
            let suffix = if n == 1 { String::new() } else { format!("-{n}") };
            folder.join(format!("{stem}{suffix}.{kind}"))
        };
        if let Some(path) = (1..).map(numbered).find(|path| !path.exists()) {
            self.save(path, saved);
        }
    }

    pub(super) fn save(&mut self, path: PathBuf, saved: Saved) {
        let (sender, saving) = crossbeam_channel::bounded(1);
        let mut about = saved.about.clone();
        let shown = self.workbench.shown().filter(|_| !saved.compared);
        if let Some((view, started)) = shown.and_then(|view| Some((view, view.started()?))) {
            about.push(("session", view.name().into()));
            about.push(("seed", started.config.train.seed.to_string().into()));
            about.push(("classes", serde_json::json!(started.classes).to_string().into()));
        }
        let waker = Arc::clone(&self.waker);
        let write = move || {
            let what = saved.what;
            let notice = match guard::told(|| write(&path, &saved.content, &about)) {
                Ok(()) => Notice::info(format!("{what} saved to {}", path.display())),
                Err(err) => Notice::error(format!("{what} could not be saved to {}: {err}", path.display())),
            };
            // The window may have closed meanwhile.
            sender.send(notice).ok();
            waker();
        };
        match std::thread::Builder::new().name("save".to_owned()).spawn(write) {
            Ok(_) => self.saving = Some(saving),
            Err(err) => self.complain(format!("The file could not be saved: {err}")),
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

    pub(super) fn score(&mut self, ask: ScoreAsk) {
        let ScoreAsk { session, step, score } = ask;
        match Job::rescore(Rescore { session, step, score }, session::unknown_places, Arc::clone(&self.waker)) {
            Ok(job) => self.scorer = Some(job),
            Err(err) => self.workbench.scores.apply(JobEvent::Failed { message: err.to_string() }),
        }
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

/// The file appears whole; the dialog has asked where one is there already.
fn write(path: &Path, content: &FigureContent, about: &[(&str, Cow<'_, str>)]) -> anyhow::Result<()> {
    match content {
        FigureContent::Text(text) => session::write_whole(path, text.as_bytes())?,
        FigureContent::Pixels(svg) => write_png(path, &ui::pixels(svg)?, about)?,
        FigureContent::Picture(picture) => write_png(path, picture, about)?,
    }
    Ok(())
}

fn write_png(path: &Path, picture: &Picture, about: &[(&str, Cow<'_, str>)]) -> anyhow::Result<()> {
    let png = session::png((picture.width, picture.height), &picture.rgb, about);
    Ok(session::write_whole(path, &png.context("it could not be written as PNG")?)?)
}
