//! Answers to one question after the other on a thread of its own. That the system gives no thread, a failure, a panic and the
//! end of the thread are answers like any other, so that nobody waits for what never comes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded};

use super::task::{ENDED, no_thread};
use crate::event::Waker;
use crate::guard;

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
        loop {
            service.ask(Ask(false));
            if service.open.len() == 2 {
                break;
            }
            let (_, refused) = service.answers().next().unwrap();
            assert!(refused.unwrap_err().contains("1 others wait"));
            std::thread::sleep(Duration::from_millis(1));
        }
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
