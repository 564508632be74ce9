//! Follows a run of another process: what its session tells is read as it is written, on a thread of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::{Reporter, Task};
use crate::event::Waker;
use crate::session::{self, Timed};

/// The wait between two looks at the file.
const PAUSE: Duration = Duration::from_millis(300);
/// Events that are handed over together.
const BATCH: usize = 512;

/// What is read; that nothing can be read any more is news as well.
pub(super) enum News {
    Events(Vec<Timed>),
    /// Nobody writes to the session any more, and all is read.
    Over,
}

/// The reader. Its thread ends with it.
pub struct Follower {
    pub(super) folder: PathBuf,
    pub(super) task: Task<News>,
}

impl Follower {
    /// Starts to read a session of which so many events are `known`.
    pub(super) fn spawn(folder: PathBuf, known: usize, waker: Waker) -> Self {
        let session = folder.clone();
        let task = Task::reporting("follow", 4, waker, move |out| follow(&session, known, out));
        Self { folder, task }
    }
}

/// Reads until nobody writes any more, or nobody listens.
fn follow(session: &Path, known: usize, out: &Reporter<News>) -> std::io::Result<Option<News>> {
    let mut tail = session::Tail::open(session).map_err(std::io::Error::other)?;
    let (mut heard, mut batch) = (0, Vec::new());
    loop {
        // Asked first: what is written before the lock is given back is still read.
        let over = session::is_free(session);
        while let Some((event, time)) = tail.read()? {
            heard += 1;
            batch.extend((heard > known).then(|| (event.truncated(), time)));
            if batch.len() >= BATCH && !out.tell(News::Events(std::mem::take(&mut batch))) {
                return Ok(None);
            }
        }
        // An empty one finds out whether somebody still listens.
        if !out.tell(News::Events(std::mem::take(&mut batch))) {
            return Ok(None);
        }
        if over {
            return Ok(Some(News::Over));
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::event::{Event, Step};
    use crate::ui::RunView;

    #[test]
    fn lines_are_read_as_they_come_and_the_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lock = session::Lock::take(folder.path()).unwrap();
        let mut file = std::fs::File::create(folder.path().join("events.jsonl")).unwrap();
        let text = |step| serde_json::to_string(&Event::Step(Step { step, ..Step::default() })).unwrap() + "\n";
        writeln!(file, "{}{}no event", text(1), text(2)).unwrap();
        let follower = Follower::spawn(folder.path().to_owned(), 1, Arc::new(|| {}));
        let mut news = follower.task.wait_news();
        let mut steps = Vec::new();
        let mut take = |until: usize| {
            while steps.len() < until {
                match news.next().unwrap().unwrap() {
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
        assert!(matches!(follower.task.wait_news().last(), Some(Ok(News::Over))));
    }

    #[test]
    fn what_cannot_be_followed_says_why_and_the_view_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = super::super::fault::tests::app();
        let mut view = RunView::new(folder.path().to_owned());
        view.follow(true);
        app.workbench.elsewhere = Some("Another program is training this session".to_owned());
        app.workbench.stored = Some(view);
        while app.workbench.stored.as_ref().unwrap().is_followed() {
            app.tick_follower();
            std::thread::sleep(Duration::from_millis(1));
        }
        let view = app.workbench.stored.as_ref().unwrap();
        let told = &view.log().iter().rev().nth(1).unwrap().text;
        assert!(
            !view.is_active() && told.contains("not followed any more") && told.contains("holds no session"),
            "{told}"
        );
        assert!(app.workbench.elsewhere.is_some(), "it may well be trained on");
    }
}
