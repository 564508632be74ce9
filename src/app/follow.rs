//! Follows a run of another process: what its session tells is read as it is written, on a thread of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::App;
use crate::event::{Event, Waker};
use crate::session;
use crate::ui::RunView;

/// The wait between two looks at the file.
const PAUSE: Duration = Duration::from_millis(300);
/// Events that are handed over together.
const BATCH: usize = 512;
/// The longest line that can be an event.
const LONGEST: u64 = 64 << 20;

/// What is read.
enum News {
    Events(Vec<Event>),
    /// Nobody writes to the session any more, and all is read.
    Over,
}

/// The reader. Its thread ends with it.
pub struct Follower {
    folder: PathBuf,
    news: Receiver<News>,
}

impl Follower {
    /// Starts to read a session of which so many events are `known`.
    ///
    /// # Errors
    /// Where no thread could be started.
    fn spawn(folder: PathBuf, known: usize, waker: Waker) -> std::io::Result<Self> {
        let (out, news) = bounded(4);
        let session = folder.clone();
        std::thread::Builder::new().name("follow".to_owned()).spawn(move || {
            if let Err(err) = follow(&session, known, &out, &waker) {
                tracing::warn!("{} is not followed any more: {err}", session.display());
            }
        })?;
        Ok(Self { folder, news })
    }
}

/// Reads until nobody writes any more, or nobody listens.
fn follow(session: &Path, known: usize, out: &Sender<News>, waker: &Waker) -> std::io::Result<()> {
    let mut reader = BufReader::new(session::open_events(session).map_err(std::io::Error::other)?);
    let (mut line, mut heard, mut batch) = (Vec::new(), 0, Vec::new());
    let send = |news: News| {
        let sent = out.send(news).is_ok();
        waker();
        sent
    };
    loop {
        // Asked first: what is written before the lock is given back is still read.
        let over = session::is_free(session);
        loop {
            (&mut reader).take(LONGEST).read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                // Nothing more for now; a line that is half written goes on here, unless it is longer than any event.
                if line.len() as u64 >= LONGEST {
                    line.clear();
                }
                break;
            }
            if let Ok(event) = serde_json::from_slice::<Event>(&line) {
                heard += 1;
                batch.extend((heard > known).then(|| event.cut()));
            }
            line.clear();
            if batch.len() >= BATCH && !send(News::Events(std::mem::take(&mut batch))) {
                return Ok(());
            }
        }
        // An empty one finds out whether somebody still listens.
        if !send(News::Events(std::mem::take(&mut batch))) {
            return Ok(());
        }
        if over {
            send(News::Over);
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

impl App {
    /// Takes in what another process tells of the session on the screen.
    pub(super) fn tick_follower(&mut self) {
        let bench = &mut self.workbench;
        let Some(view) = bench.stored.as_mut().filter(|view| view.is_followed()) else {
            self.follower = None;
            return;
        };
        if self.follower.as_ref().is_none_or(|follower| follower.folder != view.folder()) {
            match Follower::spawn(view.folder().to_owned(), view.heard(), std::sync::Arc::clone(&self.waker)) {
                Ok(follower) => self.follower = Some(follower),
                Err(err) => return self.complain(format!("The session cannot be followed: {err}")),
            }
        }
        let Some(follower) = &self.follower else { return };
        let mut over = false;
        for news in follower.news.try_iter() {
            match news {
                News::Events(events) => events.into_iter().for_each(|event| view.apply(event)),
                News::Over => over = true,
            }
        }
        if over {
            bench.elsewhere = None;
            end(view);
            self.list_sessions();
        }
    }
}

/// Nobody goes on with it any more.
fn end(view: &mut RunView) {
    view.follow(false);
    if view.is_active() {
        let step = view.step();
        let message =
            "The program that trained this session was closed or killed; Resume goes on from its newest checkpoint.";
        view.apply(Event::Warning { step, message: message.to_owned() });
        view.apply(Event::Stopped { step });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::event::Step;

    #[test]
    fn lines_are_read_as_they_come_and_the_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lock = session::Lock::take(folder.path()).unwrap();
        let mut file = std::fs::File::create(folder.path().join("events.jsonl")).unwrap();
        let text = |step| serde_json::to_string(&Event::Step(Step { step, ..Step::default() })).unwrap() + "\n";
        writeln!(file, "{}{}no event", text(1), text(2)).unwrap();
        let follower = Follower::spawn(folder.path().to_owned(), 1, Arc::new(|| {})).unwrap();
        let mut steps = Vec::new();
        let mut take = |until: usize| {
            while steps.len() < until {
                match follower.news.recv_timeout(Duration::from_secs(20)).unwrap() {
                    News::Events(events) => steps.extend(events),
                    News::Over => panic!("over too early"),
                }
            }
            steps.len()
        };
        assert_eq!(take(1), 1, "the first is known");
        let third = text(3);
        let (half, rest) = third.split_at(20);
        write!(file, "{half}").unwrap();
        std::thread::sleep(2 * PAUSE);
        write!(file, "{rest}{}", text(4)).unwrap();
        assert_eq!(take(3), 3);
        drop(lock);
        let mut rest = std::iter::from_fn(|| follower.news.recv_timeout(Duration::from_secs(20)).ok());
        assert!(rest.any(|news| matches!(news, News::Over)));
    }
}
