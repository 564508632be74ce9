//! Writes sample grids and charts where the user wants them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::App;
use crate::event::GridPicture;
use crate::session;
use crate::ui::{Figure, FigureContent};

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
}

impl Saved {
    pub fn grid(grid: GridPicture) -> Self {
        let about = vec![("step", grid.step.to_string().into())];
        let name = format!("grid-{:07}.png", grid.step);
        Self { what: "Grid", name, content: FigureContent::Picture(grid.picture), about }
    }

    pub fn figure(figure: Figure) -> Self {
        Self { what: "Charts", name: figure.name, content: figure.content, about: Vec::new() }
    }
}

impl App {
    /// Writes it to a file; without one, as where no dialog can ask, below the session under a name that is free.
    pub(super) fn save(&mut self, path: Option<PathBuf>, mut saved: Saved) {
        let Some(view) = self.workbench.shown() else { return };
        let session = view.folder().to_owned();
        if let Some(started) = view.started() {
            saved.about.push(("session", view.name().into()));
            saved.about.push(("seed", started.config.train.seed.to_string().into()));
            saved.about.push(("classes", serde_json::json!(started.classes).to_string().into()));
        }
        let what = saved.what;
        let work = move || {
            let path = path.map_or_else(|| free(&session, &saved.name), Ok)?;
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
        FigureContent::Picture(picture) => {
            let png = session::png((picture.width, picture.height), &picture.rgb, about);
            session::write_whole(path, &png.context("it could not be written as PNG")?)?;
        }
    }
    Ok(())
}
