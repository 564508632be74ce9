//! Opens the session of a picture that was dropped on the window, where the picture says which it is.

use std::path::{Path, PathBuf};

use super::state::App;
use crate::session::Traced;
use crate::ui::{Page, RunView, Spot};

/// What a dropped picture leads to.
#[derive(Debug, PartialEq)]
enum Found {
    /// A picture that this program did not draw.
    Nothing,
    /// A session, and which of its images; without, it is a picture of many.
    Session(PathBuf, Option<Spot>),
    /// A session that is not here.
    Missing(Box<Traced>),
}

impl App {
    /// Shows where a picture comes from; one that does not say so stands for the folder of data that it is in.
    pub(super) fn open_picture(&mut self, path: PathBuf) {
        let shown = [self.workbench.stored.as_ref(), self.workbench.live.as_ref()];
        let open: Vec<PathBuf> = shown.into_iter().flatten().map(|view| view.folder().to_owned()).collect();
        let picture = path.clone();
        self.later(
            "picture",
            move || look(&picture, &open),
            move |app, found| match found {
                Ok(Found::Nothing) => {
                    let folder = path.parent().unwrap_or(&path);
                    app.use_data(folder.display().to_string());
                }
                Ok(Found::Session(folder, spot)) => {
                    app.spot = spot.map(|spot| (folder.clone(), spot));
                    app.open_session(folder);
                }
                Ok(Found::Missing(traced)) => app.complain(missing(&path, &traced)),
                Err(reason) => app.complain(format!("{} could not be read: {reason}", path.display())),
            },
        );
    }

    /// Turns to the image that was asked for, where the session on the screen is the one that it is of.
    pub(super) fn turn_to_spot(&mut self) {
        let shown = self.workbench.shown().map(|view| view.folder().to_owned());
        // Where another session was asked for meanwhile, this one is not wanted any more.
        let Some((_, spot)) = self.spot.take().filter(|(folder, _)| Some(folder) == shown.as_ref()) else { return };
        let run = self.workbench.stored.as_ref().or(self.workbench.live.as_ref());
        match run.map(|run: &RunView| self.workbench.explore.turn_to(run, &spot)) {
            Some(Ok(())) => self.workbench.settings.page = Page::Explore,
            Some(Err(reason)) => self
                .complain(format!("The session of the image is open, but the image cannot be drawn again: {reason}")),
            None => {}
        }
    }
}

fn look(picture: &Path, open: &[PathBuf]) -> std::io::Result<Found> {
    let Some(traced) = Traced::read(picture)? else { return Ok(Found::Nothing) };
    let Some(folder) = traced.find(open) else { return Ok(Found::Missing(Box::new(traced))) };
    let Traced { step, seed, number, truncation, .. } = traced;
    let spot = traced.class.map(|class| Spot { step, class, seed, number, truncation });
    Ok(Found::Session(folder, spot))
}

fn missing(picture: &Path, traced: &Traced) -> String {
    let name = picture.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{name} was drawn by the session \u{201c}{}\u{201d}, which is neither among the sessions here nor where it was then. Open it first (Sessions, Open folder\u{2026}) and drop the image again; to use its folder as data, drop the folder",
        traced.session
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{png, run_id};

    #[test]
    fn a_picture_leads_to_the_session_that_drew_it_or_says_which_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let session = root.path().join("night-7");
        std::fs::create_dir(&session).unwrap();
        std::fs::write(session.join("run.toml"), "").unwrap();
        std::fs::write(session.join("events.jsonl"), "told\n").unwrap();
        let run = run_id(&session).unwrap();
        let picture = |name: &str, texts: &[(&str, &str)]| {
            let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, (*text).into())).collect();
            let path = root.path().join(name);
            std::fs::write(&path, png((1, 1), &[0; 3], &texts).unwrap()).unwrap();
            path
        };
        let of = [("session", "night-7"), ("step", "6"), ("run", &run)];
        let one = [("class", "benign"), ("seed", "9"), ("number", "2"), ("truncation", "0.5")];
        let image = picture("image.png", &[of.as_slice(), &one].concat());
        let spot = Spot { step: 6, class: "benign".to_owned(), seed: 9, number: 2, truncation: 0.5 };
        let open = [session.clone()];
        assert_eq!(look(&image, &open).unwrap(), Found::Session(session.clone(), Some(spot)));
        let grid = picture("grid.png", &of);
        assert_eq!(look(&grid, &open).unwrap(), Found::Session(session, None));
        let Found::Missing(traced) = look(&image, &[]).unwrap() else { panic!("found") };
        let told = missing(&image, &traced);
        assert!(told.contains("night-7") && told.contains("image.png"), "{told}");
        let other = picture("other.png", &[("Comment", "mine")]);
        assert_eq!(look(&other, &open).unwrap(), Found::Nothing);
        assert!(look(root.path(), &open).is_err());
    }
}
