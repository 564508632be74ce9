//! Work on threads of its own: a [`Task`] ends by itself, a [`Service`] answers one question after the other. That the system
//! gives no thread, a failure and a panic are answers like any other, so that nobody waits for what never comes.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded};

use crate::event::Waker;
use crate::guard;

/// What is told where a thread has ended without an answer.
const ENDED: &str = "the thread that worked on it has ended, which is a fault of gandle: try again; where that does not help, close the window (a run is saved) and open it again";

fn no_thread(err: &io::Error) -> String {
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
            if let Some(last) = guard::told(|| work(&reporter)).transpose() {
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

/// Which questions wait while another is being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The newest alone: the one that waited before it is forgotten, and never answered.
    Newest,
    /// So many; one more is refused with the reason.
    Most(usize),
}

/// A question with its answer, or the reason why there is none.
pub type Answered<Ask, Answer> = (Ask, Result<Answer, String>);

/// What answers questions. It may keep what helps with the next.
pub type Work<Ask, Answer> = Box<dyn FnMut(&Ask) -> anyhow::Result<Answer>>;

/// Answers questions one after the other on a named thread, which starts with the first and ends with this.
pub struct Service<Ask, Answer> {
    name: &'static str,
    waiting: Waiting,
    waker: Waker,
    make: Arc<dyn Fn() -> Work<Ask, Answer> + Send + Sync>,
    thread: Option<Ends<Ask, Answer>>,
    /// Questions without an answer yet, oldest first.
    open: VecDeque<Ask>,
    /// Answers that nobody has taken yet.
    told: VecDeque<Answered<Ask, Answer>>,
}

/// This side's ends of the channels.
struct Ends<Ask, Answer> {
    asks: Sender<Ask>,
    /// The same channel's other end, to take back a question that nobody has begun with.
    waiting: Receiver<Ask>,
    answers: Receiver<Result<Answer, String>>,
}

impl<Ask: Clone + Send + 'static, Answer: Send + 'static> Service<Ask, Answer> {
    /// A service whose thread makes what answers: at its start, and after each panic, which may leave half-changed things.
    pub fn new(
        name: &'static str,
        waiting: Waiting,
        waker: Waker,
        make: impl Fn() -> Work<Ask, Answer> + Send + Sync + 'static,
    ) -> Self {
        let (open, told) = (VecDeque::new(), VecDeque::new());
        Self { name, waiting, waker, make: Arc::new(make), thread: None, open, told }
    }

    /// Asks something. That it cannot be asked is its answer then.
    pub fn ask(&mut self, ask: Ask) {
        self.collect();
        if let Err(reason) = self.send(ask.clone()) {
            self.told.push_back((ask, Err(reason)));
            (self.waker)();
        }
    }

    /// The answers that are there, without waiting.
    pub fn answers(&mut self) -> impl Iterator<Item = Answered<Ask, Answer>> + use<Ask, Answer> {
        self.collect();
        std::mem::take(&mut self.told).into_iter()
    }

    /// The next answer, waiting for it; nothing where no question is open.
    pub fn wait(&mut self) -> Option<Answered<Ask, Answer>> {
        loop {
            self.collect();
            let told = self.told.pop_front();
            if told.is_some() || self.open.is_empty() {
                return told;
            }
            if let Some(thread) = &self.thread {
                let mut news = Select::new();
                news.recv(&thread.answers);
                news.ready();
            }
        }
    }

    fn send(&mut self, ask: Ask) -> Result<(), String> {
        let ends = match self.thread.take() {
            Some(ends) => ends,
            None => self.start().map_err(|err| no_thread(&err))?,
        };
        let thread = self.thread.insert(ends);
        let mut wanted = ask.clone();
        // Two rounds at most for the newest: nobody else asks.
        while let Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) = thread.asks.try_send(wanted) {
            if let Waiting::Most(most) = self.waiting {
                return Err(format!("{most} others wait for the same already: try again once some are there"));
            }
            if thread.waiting.try_recv().is_ok() {
                self.open.pop_back();
            }
            wanted = back;
        }
        self.open.push_back(ask);
        Ok(())
    }

    fn start(&self) -> io::Result<Ends<Ask, Answer>> {
        let most = match self.waiting {
            Waiting::Newest => 1,
            Waiting::Most(most) => most,
        };
        let ((asks, inbox), (out, answers)) = (bounded(most), bounded(4));
        let (waiting, make, wake) = (inbox.clone(), Arc::clone(&self.make), Wake(Arc::clone(&self.waker)));
        Builder::new().name(self.name.to_owned()).spawn(move || {
            let out = out; // Let go of before the last waking, which tells then that the thread has ended.
            let mut work = None;
            for ask in inbox {
                let answered = guard::catch(|| {
                    let mut work = work.take().unwrap_or_else(|| make());
                    let answer = work(&ask);
                    (work, answer)
                });
                let answer = match answered {
                    Ok((kept, answer)) => {
                        work = Some(kept);
                        answer.map_err(|err| format!("{err:#}"))
                    }
                    Err(panicked) => Err(panicked.to_string()),
                };
                if out.send(answer).is_err() {
                    return;
                }
                (wake.0)();
            }
        })?;
        Ok(Ends { asks, waiting, answers })
    }

    /// Takes in the answers that are there. Where the thread has ended, that is the answer to all that was asked of it, and
    /// the next question starts another.
    fn collect(&mut self) {
        while let Some(thread) = &self.thread {
            match thread.answers.try_recv() {
                Ok(answer) => self.told.extend(self.open.pop_front().map(|ask| (ask, answer))),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.thread = None;
                    self.told.extend(self.open.drain(..).map(|ask| (ask, Err(ENDED.to_owned()))));
                }
            }
        }
    }
}

/// Wakes whoever waits when the thread ends, however it does.
struct Wake(Waker);

impl Drop for Wake {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::bail;

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

    #[test]
    fn a_worker_that_panics_tells_it_and_the_next_question_finds_a_fresh_one() {
        let mut service = Service::new("sums", Waiting::Most(4), quiet(), || {
            let mut sum = 0;
            Box::new(move |add: &i32| {
                sum += add;
                match sum {
                    100 => bail!("a round number"),
                    sum if sum > 100 => panic!("more than {add} is too much"),
                    sum => Ok(sum),
                }
            })
        });
        assert!(service.wait().is_none(), "nothing was asked");
        let mut answer = |add| {
            service.ask(add);
            let (ask, answer) = service.wait().unwrap();
            assert_eq!(ask, add);
            answer
        };
        assert_eq!([answer(1), answer(2)], [Ok(1), Ok(3)]);
        assert_eq!([answer(97), answer(-1)], [Err("a round number".to_owned()), Ok(99)]);
        let why = answer(50).unwrap_err();
        assert!(why.contains("more than 50 is too much") && why.contains("fault of gandle"), "{why}");
        assert_eq!(answer(4), Ok(4), "what the panic left is not used again");
    }

    #[test]
    fn a_thread_that_has_died_is_told_and_the_next_question_has_another() {
        /// Dropped on the service's thread, it ends that where no panic is caught.
        #[derive(Clone, Debug, PartialEq)]
        struct Ask(bool);
        impl Drop for Ask {
            fn drop(&mut self) {
                assert!(!self.0 || std::thread::current().name() != Some("fragile"), "as a test");
            }
        }
        let (begin, begun) = bounded::<()>(0);
        let make = move || -> Work<Ask, bool> {
            let begun = begun.clone();
            Box::new(move |ask| {
                begun.recv().unwrap_or_default();
                Ok(ask.0)
            })
        };
        let mut service = Service::new("fragile", Waiting::Most(1), quiet(), make);
        service.ask(Ask(true));
        // Until the thread has begun with the first, the second may find no place.
        let second = loop {
            service.ask(Ask(false));
            if service.open.len() == 2 {
                break true;
            }
            let (_, refused) = service.answers().next().unwrap();
            assert!(refused.unwrap_err().contains("1 others wait"));
            std::thread::sleep(Duration::from_millis(1));
        };
        assert!(second);
        begin.send(()).unwrap();
        assert_eq!(service.wait().unwrap(), (Ask(true), Ok(true)), "it was answered before");
        let (ask, why) = service.wait().unwrap();
        assert!(ask == Ask(false) && why.clone().unwrap_err().contains("try again"), "{why:?}");
        drop(begin);
        service.ask(Ask(false));
        assert_eq!(service.wait().unwrap(), (Ask(false), Ok(false)));
    }

    #[test]
    fn the_newest_question_wins() {
        let (begin, begun) = bounded::<()>(0);
        let make = move || -> Work<u32, u32> {
            let begun = begun.clone();
            Box::new(move |ask| {
                begun.recv()?;
                Ok(10 * ask)
            })
        };
        let mut service = Service::new("newest", Waiting::Newest, quiet(), make);
        service.ask(0);
        begin.send(()).unwrap(); // It is being answered.
        (1..50).for_each(|ask| service.ask(ask));
        let mut answers = vec![service.wait().unwrap()];
        drop(begin);
        while let Some(answer) = service.wait() {
            answers.push(answer);
        }
        let asked: Vec<u32> = answers.iter().map(|(ask, _)| *ask).collect();
        assert!(asked[0] == 0 && asked[asked.len() - 1] == 49 && asked.len() <= 3, "{asked:?}");
        assert_eq!(answers[0].1, Ok(0));
    }
}
