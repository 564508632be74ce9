//! Closes the window so that nothing is lost: a run is saved first, and may go on without it.

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egui::{Context, ViewportCommand};

use super::state::App;
use crate::event::Command;
use crate::session;
use crate::ui::{OnClose, Phase};

impl App {
    /// The run is to end, so that the window can close.
    pub(super) fn leave(&mut self) {
        super::jobs::cancel(&self.jobs.exporter);
        self.tell_engine(Command::Stop);
    }

    /// Holds up a window that is closed too early, and closes it once the run has ended.
    pub(super) fn tick_leaving(&mut self, ctx: &Context) {
        if ctx.input(|input| input.viewport().close_requested()) && !self.may_close && self.workbench.would_lose() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.workbench.leave.ask();
        }
        if self.ending.swap(false, Ordering::Relaxed) {
            self.workbench.leave.save();
            self.leave();
        }
        let Some(leaving) = self.workbench.leave.chosen() else { return };
        // Once is enough: the window may take some frames to go.
        if self.may_close || self.engine.is_some() || self.jobs.exporter.is_some() {
            return;
        }
        let phase = self.workbench.live.as_ref().map(|live| (live.phase().clone(), live.folder().to_owned()));
        let gone_on = match phase {
            // What went wrong is to be read.
            Some((Phase::Failed(_), _)) => return self.workbench.leave.stay(),
            Some((Phase::Stopped, folder)) if leaving == OnClose::Background => in_background(&folder),
            Some(_) | None => Ok(()),
        };
        match gone_on {
            Ok(()) => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Err(err) => {
                self.workbench.leave.stay();
                self.complain(format!("The run is saved, but no process could be started that goes on with it: {err}"));
            }
        }
    }
}

/// Listens for the system's wish that this program ends, as by Ctrl+C in its terminal or at a logout. The second time it ends at once.
pub(super) fn on_signal(ctx: Context) -> Arc<AtomicBool> {
    let ending = Arc::new(AtomicBool::new(false));
    let (asked, told) = (AtomicBool::new(false), Arc::clone(&ending));
    let listens = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        told.store(true, Ordering::Relaxed);
        ctx.request_repaint();
    });
    if let Err(err) = listens {
        tracing::warn!("this program cannot save a run when the system ends it: {err}");
    }
    ending
}

/// Goes on with a session in a process that outlives this one.
fn in_background(session: &Path) -> std::io::Result<()> {
    let session = std::path::absolute(session)?;
    let output = session::append(&session, session::BACKGROUND).map_err(std::io::Error::other)?;
    let mut process = Process::new(std::env::current_exe()?);
    process.arg("resume").arg(&session);
    process.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    detach(&mut process);
    process.spawn().map(drop)
}

/// The keys and the end of a terminal that this process was started from do not reach the other.
#[cfg(unix)]
fn detach(process: &mut Process) {
    use std::os::unix::process::CommandExt as _;
    process.process_group(0);
}

/// The end of a console that this process was started from does not reach the other.
#[cfg(windows)]
fn detach(process: &mut Process) {
    use std::os::windows::process::CommandExt as _;
    const DETACHED_PROCESS: u32 = 8;
    process.creation_flags(DETACHED_PROCESS);
}

#[cfg(not(any(unix, windows)))]
fn detach(_: &mut Process) {}
