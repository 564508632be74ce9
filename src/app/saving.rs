//! Writes sample grids and charts where the user wants them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::state::App;
use crate::event::{GridPicture, Picture};
use crate::session;
use crate::ui::{self, Figure, FigureContent};

/// What is to be written.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    /// What it is called in messages.
    pub what: &'static str,
    /// A name for its file.
    pub name: String,
    content: FigureContent,
    /// What its metadata tells beside session, seed and classes.
    about: Vec<(&'static str, Cow<'static, str>)>,
    /// Whether it is of several runs, not of the one that is open.
    compared: bool,
}

impl Saved {
    pub fn grid(grid: GridPicture) -> Self {
        let about = vec![("step", grid.step.to_string().into())];
        let name = format!("grid-{:07}.png", grid.step);
        Self { what: "Grid", name, content: FigureContent::Picture(grid.picture), about, compared: false }
    }

    pub fn figure(figure: Figure) -> Self {
        let Figure { name, content, compared } = figure;
        Self { what: "Charts", name, content, about: Vec::new(), compared }
    }
}

impl App {
    /// Writes it to a file; without one, as where no dialog can ask, below the session under a name that is free.
    pub(super) fn save(&mut self, path: Option<PathBuf>, mut saved: Saved) {
        let shown = self.workbench.shown();
        let session = shown.map(|view| view.folder().to_owned());
        if let Some((view, started)) = shown.filter(|_| !saved.compared).and_then(|view| Some((view, view.started()?)))
        {
            saved.about.push(("session", view.name().into()));
            saved.about.push(("seed", started.config.train.seed.to_string().into()));
            saved.about.push(("classes", serde_json::json!(started.classes).to_string().into()));
        }
        let what = saved.what;
        let work = move || {
            let path = match (path, session) {
                (Some(path), _) => path,
                (None, Some(session)) => free(&session, &saved.name)?,
                (None, None) => bail!("there is neither a dialog to ask for a file nor an open session to keep it in"),
            };
            write(&path, &saved.content, &saved.about).with_context(|| format!("{}", path.display()))?;
            anyhow::Ok(path)
        };
        self.later("save", work, move |app, path| match path {
            Ok(path) => app.inform(format!("{what} saved to {}", path.display())),
            Err(reason) => app.complain(format!("{what} could not be saved: {reason}")),
        });
    }
}

/// A path among what was taken out of a session that nothing has yet.
fn free(session: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = session::folder(session, session::EXPORTS)?;
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    let numbered = |n: u32| {
        let suffix = if n == 1 { String::new() } else { format!("-{n}") };
        folder.join(format!("{stem}{suffix}.{kind}"))
    };
    (1..).map(numbered).find(|path| !path.exists()).context("no name is free")
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
