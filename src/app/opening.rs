//! Opens stored sessions: what is read of them is read on a thread of its own, however long their curves are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::follow::{Follower, News};
use super::state::App;
use crate::event::Event;
use crate::session::{self, Stored};
use crate::ui::{Notice, Page, ParentPlace, RunView};

/// What was read of a session.
struct Opened {
    view: RunView,
    /// Who else trains it.
    holder: Option<String>,
    warnings: Vec<String>,
}

impl App {
    /// Begins to read a session, which is shown once that is done; the run that goes on here is shown as it is.
    pub(super) fn open_session(&mut self, folder: PathBuf) {
        if self.workbench.live.as_ref().is_some_and(|live| live.is_active() && live.folder() == folder) {
            self.workbench.opening = None;
            self.workbench.close_session();
            return self.turn_to_spot();
        }
        self.workbench.opening = Some(folder.clone());
        self.workbench.settings.page = Page::Run;
        let wanted = folder.clone();
        self.later(
            "open",
            move || read(&wanted),
            move |app, opened| {
                // Another one may have been asked for meanwhile.
                if app.workbench.opening.take_if(|opening| *opening == folder).is_none() {
                    return;
                }
                match opened {
                    Ok(opened) => app.show(opened),
                    Err(reason) => {
                        app.spot = None;
                        app.complain(format!("{} could not be opened: {reason}", folder.display()));
                    }
                }
            },
        );
    }

    fn show(&mut self, opened: Opened) {
        let mut view = opened.view;
        let who = |holder| format!("Another program ({holder}) is training this session");
        self.workbench.elsewhere = opened.holder.map(who);
        view.follow(self.workbench.elsewhere.is_some());
        let followed = view.is_followed();
        self.workbench.stored = Some(view);
        if !followed {
            self.ended_elsewhere(None);
        }
        if !opened.warnings.is_empty() {
            self.workbench.notice = Some(Notice::error(opened.warnings.join("; ")));
        }
        self.turn_to_spot();
    }

    /// The run of the stored session does not go on any more, as nobody trains it, or is not followed for another reason.
    pub(super) fn ended_elsewhere(&mut self, reason: Option<String>) {
        let Some(view) = &mut self.workbench.stored else { return };
        view.follow(false);
        if !view.is_active() {
            return;
        }
        let message = reason.unwrap_or_else(|| {
            let next = if view.checkpoints().is_empty() {
                " before its first checkpoint; use its settings for a new run."
            } else {
                "; Resume goes on from its newest checkpoint."
            };
            format!("The program that trained this session was closed or killed{next}")
        });
        let step = view.step();
        // Nobody was there to see when.
        view.apply(Event::Warning { step, message });
        view.apply(Event::Stopped { step });
    }

    /// Takes in what another process tells of the session on the screen.
    pub(super) fn tick_follower(&mut self) {
        let Some(view) = self.workbench.stored.as_mut().filter(|view| view.is_followed()) else {
            self.follower = None;
            return;
        };
        let known = self.follower.take().filter(|follower| follower.folder == view.folder());
        let spawn = || Follower::spawn(view.folder().to_owned(), view.heard(), Arc::clone(&self.waker));
        let follower = self.follower.insert(known.unwrap_or_else(spawn));
        let mut over = None;
        for news in follower.task.news() {
            match news {
                Ok(News::Events(events)) => events.into_iter().for_each(|(event, time)| view.apply_at(event, time)),
                Ok(News::Over) => over = Some(None),
                Err(reason) => {
                    over = Some(Some(format!(
                        "It is not followed any more: {reason}. Open it again to see how far it is."
                    )));
                }
            }
        }
        let Some(reason) = over else { return };
        if reason.is_none() {
            self.workbench.elsewhere = None;
        }
        self.ended_elsewhere(reason);
        self.list_sessions();
    }
}

/// Replays a stored session through the same fold as a live run.
fn read(folder: &Path) -> Result<Opened, session::SessionError> {
    let stored = Stored::open(folder)?;
    let of = stored.folder.clone();
    let mut view = RunView::new(of.clone());
    let warnings = stored.warnings.clone();
    stored.timed().for_each(|(event, time)| view.apply_at(event, time));
    // It may have been renamed since it was written, and so may the one that it branched off.
    view.moved(&of);
    if let Some(parent) = view.started().and_then(|started| started.parent.clone()) {
        view.place_parent(session::find_parent(&parent, &of).map_or(ParentPlace::Gone, ParentPlace::At));
    }
    let holder = if view.is_active() { session::holder(folder) } else { None };
    Ok(Opened { view, holder, warnings })
}

/// The view of a session that goes on.
pub(super) fn replayed(folder: &Path) -> Result<RunView, session::SessionError> {
    let mut view = read(folder)?.view;
    if view.is_active() || *view.phase() != crate::ui::Phase::Finished {
        view.restart();
    }
    Ok(view)
}
