//! Trains the runs of the queue one after another on the one engine.

use std::path::{Path, PathBuf};

use super::{App, notify};
use crate::engine::{Origin, RunRequest};
use crate::event::Command;
use crate::session::{self, Stored};
use crate::ui::{Ending, EntryState, Leaving, Notice, Phase, QueueAsk, RunView};

impl App {
    /// Carries out what the Queue page asks.
    pub(super) fn ask_queue(&mut self, ask: QueueAsk) {
        match ask {
            QueueAsk::Cancel => {
                self.workbench.queue.cancel();
                self.tell_engine(Command::Stop);
            }
            QueueAsk::Open(folder) if self.workbench.live.as_ref().is_some_and(|live| live.folder() == folder) => {
                self.workbench.stored = None;
                self.workbench.settings.page = crate::ui::Page::Run;
            }
            QueueAsk::Open(folder) => self.open_session(&folder),
        }
    }

    /// Starts the run whose turn it is, where nothing else is trained.
    pub(super) fn tick_queue(&mut self) {
        if self.engine.is_some() || self.workbench.leave.chosen().is_some() {
            return;
        }
        let Some((id, mut config, session)) =
            self.workbench.queue.turn().map(|entry| (entry.id, entry.config.clone(), entry.session.clone()))
        else {
            return;
        };
        // One that was under way when the program ended goes on; a session that is gone begins anew.
        let begun = session.filter(|folder| folder.join("run.toml").is_file());
        let (folder, view, from) = match begun.map(|folder| replayed(&folder).map(|view| (folder, view))) {
            Some(Ok((_, view))) if *view.phase() == Phase::Finished => {
                return self.workbench.queue.skip(id, Ending::Finished);
            }
            Some(Ok((folder, view))) => {
                if let Some(started) = view.started() {
                    config = started.config.clone();
                }
                (folder, view, Origin::Resume { steps: None })
            }
            Some(Err(reason)) => return self.workbench.queue.skip(id, Ending::Failed(reason)),
            None => {
                let folder = session::new_folder(&config);
                (folder.clone(), RunView::new(folder), Origin::New)
            }
        };
        let request = RunRequest { from, ..RunRequest::new(config, folder.clone()) };
        match self.spawn(request) {
            Ok(()) => {
                self.workbench.live = Some(view);
                self.workbench.queue.began(id, folder);
            }
            Err(err) => {
                let reason = format!("The training thread could not be started: {err}");
                self.workbench.queue.skip(id, Ending::Failed(reason));
            }
        }
    }

    /// The engine has ended: tells the queue, and somebody who looks elsewhere.
    pub(super) fn run_ended(&mut self, ctx: &egui::Context) {
        let Some(live) = &self.workbench.live else { return };
        let (name, folder) = (live.name(), live.folder().to_owned());
        let ending = match live.phase() {
            Phase::Finished => Ending::Finished,
            Phase::Failed(message) => Ending::Failed(message.clone()),
            Phase::Starting | Phase::Running | Phase::Paused | Phase::Stopped => Ending::Stopped,
        };
        if self.workbench.leave.chosen() == Some(Leaving::Stop) && ending == Ending::Stopped {
            // The queue keeps it as the run that was under way, and goes on with it when the window is opened again.
            return;
        }
        let queue = &mut self.workbench.queue;
        let queued = queue.ended(&folder, ending.clone());
        let (title, mut text) = match &ending {
            Ending::Finished => (format!("{name} is finished"), String::new()),
            Ending::Stopped => (format!("{name} was stopped"), String::new()),
            Ending::Failed(message) => (format!("{name} failed"), message.clone()),
        };
        if queued {
            if queue.is_paused() && queue.waiting() > 0 && ending == Ending::Stopped {
                let told = "The queue is paused, since its run was stopped; go on with it on the Queue page";
                self.workbench.notice = Some(Notice::info(told));
            }
            text = [text, left(&self.workbench.queue)].join("\n").trim().to_owned();
        }
        notify::tell(ctx, title, text);
    }
}

/// What is left of the queue, in a sentence.
fn left(queue: &crate::ui::Queue) -> String {
    let waiting = queue.waiting();
    if waiting > 0 {
        return format!("{waiting} more in the queue");
    }
    let failed = queue.entries().iter().filter(|entry| matches!(entry.state, EntryState::Failed(_))).count();
    if failed > 0 { format!("The queue is done; {failed} failed") } else { "The queue is done".to_owned() }
}

/// The view of a session that goes on.
fn replayed(folder: &Path) -> Result<RunView, String> {
    let stored = Stored::open(folder).map_err(|err| err.to_string())?;
    let mut view = RunView::new(PathBuf::from(folder));
    stored.events.into_iter().for_each(|event| view.apply(event));
    if *view.phase() != Phase::Finished {
        view.restart();
    }
    Ok(view)
}
