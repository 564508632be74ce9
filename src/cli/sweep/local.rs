//! Runs of a sweep on this machine: each is a process of its own, so many at once.

use std::fs::File;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::print::{note, say};
use super::super::signals::{self, Asked, INTERRUPTED, UNFINISHED};
use super::place::{Place, Planned};
use crate::engine::device;
use crate::guard::Digits;
use crate::session;

/// What the loop hears.
enum News {
    /// A process has ended: the place of its run, and its exit status where it has one.
    Ended(usize, Option<i32>),
    Signal(Asked),
}

/// What has become of the runs.
#[derive(Default)]
struct Tally {
    finished: usize,
    failed: Vec<String>,
    /// Those that others train.
    elsewhere: usize,
    /// Those that were saved and are not finished.
    saved: usize,
}

/// Runs all that are not finished, with these words more for each, and tells what becomes of each.
pub(super) fn run(place: &Place, planned: &[Planned], jobs: u32, more: &[String]) -> anyhow::Result<ExitCode> {
    let (tell, news) = bounded(64);
    let signals = tell.clone();
    signals::listen(move |asked| _ = signals.send(News::Signal(asked)))?;
    let mut waiting = planned.iter().enumerate().filter(|(_, run)| !run.is_finished());
    let mut tally = Tally { finished: planned.iter().filter(|run| run.is_finished()).count(), ..Tally::default() };
    let mut running: Vec<(usize, u32)> = Vec::new();
    let mut ended_by = None;
    loop {
        while ended_by.is_none() && running.len() < jobs as usize {
            let Some((at, run)) = waiting.next() else { break };
            if let Some(holder) = session::holder(&run.folder) {
                note!("{}: {holder} trains it, and it is left to that", run.name());
                tally.elsewhere += 1;
                continue;
            }
            match start(place, run, jobs, more).and_then(|child| watch(at, child, tell.clone())) {
                Ok(process) => {
                    note!("{} begins ({})", run.name(), place.log(run.name()).display());
                    running.push((at, process));
                }
                Err(err) => tally.fail(run, &format!("{err:#}")),
            }
        }
        if running.is_empty() {
            break;
        }
        match next(&news)? {
            News::Ended(at, status) => {
                running.retain(|(other, _)| *other != at);
                if let Some(run) = planned.get(at) {
                    tally.ended(run, status, place, planned.len());
                }
            }
            News::Signal(asked) => {
                if let (Asked::End(status), None) = (asked, ended_by) {
                    note!("\nasking {} to save and end", Digits::Plain.count(running.len(), "run"));
                    ended_by = Some(status);
                }
                running.iter().for_each(|(_, process)| pass_on(asked, *process));
            }
        }
    }
    let rest = waiting.count();
    say!("{} of {} finished", tally.finished, Digits::Plain.count(planned.len(), "run"));
    for failed in &tally.failed {
        say!("failed: {failed}");
    }
    note!("`gandle compare {}` shows them beside each other", place.0.display());
    let unfinished = tally.saved + tally.elsewhere + rest > 0;
    Ok(ExitCode::from(match ended_by {
        Some(_) | None if !tally.failed.is_empty() => 1,
        Some(_) | None if !unfinished => 0,
        Some(status) => status,
        None => UNFINISHED,
    }))
}

/// The next thing that happens; a sender of our own keeps the channel open.
fn next(news: &Receiver<News>) -> anyhow::Result<News> {
    news.recv().context("nobody tells of the runs any more")
}

/// Starts the process of a run, which goes on with its session where that has begun.
fn start(place: &Place, run: &Planned, jobs: u32, more: &[String]) -> anyhow::Result<Child> {
    let path = place.log(run.name());
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| format!("could not write to {}", path.display()))?;
    let mut process = Command::new(std::env::current_exe()?);
    process.args(["train", "--resume", "--config"]).arg(place.settings(run.name())).arg("--out").arg(&run.folder);
    process.args(more);
    if jobs > 1 && run.run.config.train.threads == 0 {
        let share = (device::threads(0) / jobs as usize).max(1);
        process.args(["--threads", &share.to_string()]);
    }
    process.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    process.spawn().context("the process of the run could not be started")
}

/// Waits for a process on a thread of its own, and returns its number.
fn watch(at: usize, mut child: Child, tell: Sender<News>) -> anyhow::Result<u32> {
    let process = child.id();
    let wait = move || {
        let status = child.wait().ok().and_then(|status| status.code());
        tell.send(News::Ended(at, status)).ok();
    };
    std::thread::Builder::new().name(format!("gandle-run-{at}")).spawn(wait)?;
    Ok(process)
}

/// Asks a process what this one was asked.
#[cfg(unix)]
fn pass_on(asked: Asked, process: u32) {
    let signal = match asked {
        Asked::End(_) => "-TERM",
        Asked::Save => "-USR2",
    };
    if let Err(err) = Command::new("kill").args([signal, &process.to_string()]).status() {
        tracing::warn!("process {process} could not be asked to save: {err}");
    }
}

/// Ctrl-C reaches all processes of a console by itself.
#[cfg(not(unix))]
fn pass_on(_: Asked, _: u32) {}

impl Tally {
    fn ended(&mut self, run: &Planned, status: Option<i32>, place: &Place, of: usize) {
        let code = status.and_then(|code| u8::try_from(code).ok());
        match code {
            Some(0) => {
                self.finished += 1;
                note!("{} finished ({} of {of})", run.name(), self.finished);
            }
            Some(INTERRUPTED | UNFINISHED) => {
                self.saved += 1;
                note!("{} is saved and not finished", run.name());
            }
            // Another one was a moment faster.
            Some(1) if session::holder(&run.folder).is_some() => self.elsewhere += 1,
            Some(_) | None => {
                let how = status.map_or("it was killed".to_owned(), |code| format!("status {code}"));
                let log = place.log(run.name());
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                self.fail(run, &format!("{how}; {} ends with: {last}", log.display()));
            }
        }
    }

    fn fail(&mut self, run: &Planned, why: &str) {
        note!("{} failed: {why}", run.name());
        self.failed.push(format!("{}: {why}", run.name()));
    }
}
