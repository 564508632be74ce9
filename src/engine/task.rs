//! Work on a thread of its own that ends by itself. That the system gives no thread, a failure and a panic are answers like any
//! other, so that nobody waits for what never comes.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use crate::event::Waker;
use crate::guard;

/// What is told where a thread has ended without an answer.
pub(super) const ENDED: &str = "the thread that worked on it has ended, which is a fault of gandle: try again; where that does not help, close the window (a run is saved) and open it again";

pub(super) fn no_thread(err: &io::Error) -> String {
    format!("the system gives no thread for it ({err}): close other programs, and try again")
}

/// Work on a named thread. Dropping it cancels it, and nobody hears of it any more.
pub struct Task<T> {
    news: Receiver<Result<T, String>>,
    cancelled: Arc<AtomicBool>,
}

/// How the work of a [`Task`] tells something while it goes on.
pub struct Reporter<T> {
    out: Sender<Result<T, String>>,
    cancelled: Arc<AtomicBool>,
    waker: Waker,
}

impl<T> Reporter<T> {
    /// Tells news once there is room for it; false where nobody listens any more.
    pub fn tell(&self, news: T) -> bool {
        self.send(Ok(news))
    }

    /// Tells news, unless those before wait still.
    pub fn offer(&self, news: T) {
        if self.out.try_send(Ok(news)).is_ok() {
            (self.waker)();
        }
    }

    /// Whether the work was not cancelled.
    pub fn goes_on(&self) -> bool {
        !self.cancelled.load(Ordering::Relaxed)
    }

    fn send(&self, news: Result<T, String>) -> bool {
        let heard = self.out.send(news).is_ok();
        (self.waker)();
        heard
    }
}

impl<T: Send + 'static> Task<T> {
    /// Starts work that has one answer.
    pub fn spawn<E: Display>(name: &str, waker: Waker, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Self {
        Self::reporting(name, 1, waker, |_| work().map(Some))
    }

    /// Starts work that tells more than once; so much of its news may wait. What it returns is its last.
    pub fn reporting<E: Display>(
        name: &str,
        waiting: usize,
        waker: Waker,
        work: impl FnOnce(&Reporter<T>) -> Result<Option<T>, E> + Send + 'static,
    ) -> Self {
        let (out, news) = bounded(waiting);
        let cancelled = Arc::new(AtomicBool::new(false));
        let reporter = Reporter { out: out.clone(), cancelled: Arc::clone(&cancelled), waker: Arc::clone(&waker) };
        let run = move || {
            if let Some(last) = guard::catch_to_text(|| work(&reporter)).transpose() {
                reporter.send(last);
            }
        };
        if let Err(err) = Builder::new().name(name.to_owned()).spawn(run) {
            out.try_send(Err(no_thread(&err))).ok(); // There is room: nothing else was sent.
            waker();
        }
        Self { news, cancelled }
    }

    /// The answer of work that has one, once it is there.
    pub fn answer(&self) -> Option<Result<T, String>> {
        match self.news.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(ENDED.to_owned())),
        }
    }

    /// The news that are there now, without waiting; a failure is the last.
    pub fn news(&self) -> impl Iterator<Item = Result<T, String>> + '_ {
        self.news.try_iter()
    }

    /// All news until the work has ended, waiting for each.
    pub fn wait_news(&self) -> impl Iterator<Item = Result<T, String>> + '_ {
        self.news.iter()
    }
}

impl<T> Task<T> {
    /// Asks the work to end early.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Waker {
        Arc::new(|| {})
    }

    #[test]
    fn an_answer_comes_once_and_work_that_breaks_off_says_so() {
        let (told, woken) = bounded(8);
        let waker: Waker = Arc::new(move || told.try_send(()).unwrap_or_default());
        let answer = |task: Task<u8>| {
            woken.recv().unwrap();
            let answer = task.answer().unwrap();
            assert!(task.wait_news().next().is_none(), "an answer is the last word");
            answer
        };
        assert_eq!(answer(Task::spawn("seven", Arc::clone(&waker), || Ok::<_, String>(7))), Ok(7));
        assert_eq!(answer(Task::spawn("none", Arc::clone(&waker), || Err("no"))), Err("no".to_owned()));
        let broken = Task::spawn("broken", waker, || -> Result<u8, String> { panic!("as a test") });
        let why = answer(broken).unwrap_err();
        assert!(why.contains("as a test") && why.contains("report it"), "{why}");
    }

    #[test]
    fn news_come_in_their_order_and_who_is_dropped_is_not_told() {
        let task = Task::reporting("counts", 1, quiet(), |reporter| {
            (0..3).for_each(|news| assert!(reporter.tell(news)));
            Err("and no further")
        });
        let news: Vec<Result<u32, String>> = task.wait_news().collect();
        assert_eq!(news, [Ok(0), Ok(1), Ok(2), Err("and no further".to_owned())]);
        let (ended, end) = bounded(1);
        let task: Task<u32> = Task::reporting("endless", 1, quiet(), move |reporter| {
            while reporter.goes_on() {
                reporter.offer(1);
            }
            ended.send(reporter.tell(2)).unwrap();
            Ok::<_, String>(None)
        });
        drop(task);
        assert!(!end.recv().unwrap(), "nobody listens");
    }
}
