//! Trains the runs of the queue one after another on the one engine.

use std::path::Path;
use std::sync::Arc;

use super::opening::replayed;
use super::state::{App, Begun};
use super::training::untrusted_paths;
use crate::engine::{Origin, RunRequest, Task};
use crate::event::Command;
use crate::session;
use crate::ui::{Ending, EntryState, OnClose, Phase, QueueRequest, RunView};

impl App {
    /// Carries out what the Queue page asks.
    pub(super) fn ask_queue(&mut self, ask: QueueRequest) {
        match ask {
            QueueRequest::Cancel => {
                self.workbench.queue.cancel();
                self.tell_engine(Command::Stop);
            }
            QueueRequest::Open(folder) => self.open_session(folder),
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
        let begun = match session.map(|folder| (self.begun_again(&folder), folder)) {
            None => None,
            Some((None, _)) => return, // It is being read.
            Some((Some(Ok(view)), folder)) => view.map(|view| (folder, view)),
            Some((Some(Err(reason)), _)) => return self.workbench.queue.skip(id, Ending::Failed(reason)),
        };
        let (folder, view, from) = match begun {
            Some((_, view)) if *view.phase() == Phase::Finished => {
                return self.workbench.queue.skip(id, Ending::Finished);
            }
            Some((folder, view)) => {
                if let Some(started) = view.started() {
                    config = started.config.clone();
                }
                (folder, view, Origin::Resume { steps: None, set: Vec::new() })
            }
            None => {
                let folder = session::new_folder(&config);
                session::trust_paths(&config.external_paths());
                (folder.clone(), RunView::new(folder), Origin::New)
            }
        };
        let request = RunRequest { from, ..RunRequest::new(config, folder.clone()) };
        match self.spawn(request) {
            Ok(()) => {
                self.workbench.live = Some(view);
                self.workbench.queue.began(id, folder);
            }
            Err(reason) => self.workbench.queue.skip(id, Ending::Failed(reason)),
        }
    }

    /// The view of a session that goes on, once it is read, and nothing in it where it is gone; nothing until then.
    fn begun_again(&mut self, folder: &Path) -> Option<Result<Option<RunView>, String>> {
        let spawn = || {
            let wanted = folder.to_owned();
            Begun {
                folder: folder.to_owned(),
                task: Task::spawn("queue", Arc::clone(&self.waker), move || read(&wanted)),
            }
        };
        let begun = self.begun.take().filter(|begun| begun.folder == folder).unwrap_or_else(spawn);
        let answer = begun.task.answer();
        self.begun = answer.is_none().then_some(begun);
        answer
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
        if self.workbench.leave.chosen() == Some(OnClose::Stop) && ending == Ending::Stopped {
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
                self.inform(told);
            }
            text = [text, left(&self.workbench.queue)].join("\n").trim().to_owned();
        }
        self.notify(ctx, title, text);
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

/// The view of a session that goes on, where nothing is to be asked about it; nothing where it is gone.
fn read(folder: &Path) -> Result<Option<RunView>, String> {
    if !folder.join("run.toml").is_file() {
        return Ok(None);
    }
    let view = replayed(folder).map_err(|err| err.to_string())?;
    if *view.phase() == Phase::Finished {
        return Ok(Some(view));
    }
    let unknown: Vec<String> = untrusted_paths(folder, None)?.iter().map(ToString::to_string).collect();
    if unknown.is_empty() {
        return Ok(Some(view));
    }
    Err(format!(
        "It names places that no run of yours has used ({}); open it and resume it, which asks",
        unknown.join(", ")
    ))
}
