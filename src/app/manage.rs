//! Names, notes and deletes sessions, on threads of their own: a large folder may take its time.

use std::path::{Path, PathBuf};

use super::state::App;
use crate::session::{self, Annotation};
use crate::ui::SessionRequest;

impl App {
    /// Carries out what is asked about a stored session.
    pub(super) fn manage(&mut self, ask: SessionRequest) {
        let wanted = ask.clone();
        self.later("manage", move || carry_out(&wanted), move |app, done| app.managed(ask, done));
    }

    /// Takes in what became of it: the session's new folder where it has one.
    fn managed(&mut self, ask: SessionRequest, done: Result<Option<PathBuf>, String>) {
        match (ask, done) {
            (SessionRequest::Edit { folder, .. }, Ok(moved)) => {
                self.workbench.session_dialog.saved(Ok(()));
                if let Some(to) = moved {
                    self.session_moved(&folder, Some(&to));
                }
                self.list_sessions();
            }
            (SessionRequest::Trash(folder), Ok(_)) => self.session_removed(&folder, "was moved to the trash"),
            (SessionRequest::Delete(folder), Ok(_)) => self.session_removed(&folder, "was deleted"),
            (SessionRequest::Trash(_) | SessionRequest::Delete(_), Err(reason)) => {
                self.workbench.session_dialog.removed(Err(reason));
            }
            (SessionRequest::Edit { .. }, Err(reason)) => {
                if !self.workbench.session_dialog.saved(Err(reason.clone())) {
                    self.complain(reason);
                }
            }
            (SessionRequest::Reveal(_), Err(reason)) => self.complain(reason),
            (SessionRequest::Reveal(_), Ok(_)) => {}
        }
    }

    fn session_removed(&mut self, folder: &Path, how: &str) {
        self.workbench.session_dialog.removed(Ok(()));
        self.inform(format!("{} {how}", folder.display()));
        self.session_moved(folder, None);
        self.list_sessions();
    }

    /// Tells everybody who knows a session that it has another folder now, or none.
    fn session_moved(&mut self, from: &Path, to: Option<&Path>) {
        self.workbench.compare.moved(from, to);
        if let Some(to) = to {
            self.workbench.queue.moved(from, to);
        }
        for view in [&mut self.workbench.stored, &mut self.workbench.live] {
            view.iter_mut().for_each(|view| view.parent_moved(from, to));
            match (view.as_mut().filter(|view| view.folder() == from), to) {
                (Some(view), Some(to)) => view.moved(to),
                (Some(_), None) => *view = None,
                (None, _) => {}
            }
        }
    }
}

fn carry_out(ask: &SessionRequest) -> Result<Option<PathBuf>, String> {
    let told = |err: session::SessionError| err.to_string();
    match ask {
        SessionRequest::Edit { folder, name, star, note } => {
            session::write_annotation(folder, &Annotation { star: *star, note: note.clone() }).map_err(told)?;
            name.as_deref().map(|name| session::rename(folder, name).map_err(told)).transpose()
        }
        SessionRequest::Trash(folder) => session::trash(folder).map_err(told).map(|()| None),
        SessionRequest::Delete(folder) => session::delete(folder).map_err(told).map(|()| None),
        SessionRequest::Reveal(folder) => {
            let shown = open::that_detached(folder);
            shown.map_err(|err| format!("{} could not be shown: {err}", folder.display())).map(|()| None)
        }
    }
}
