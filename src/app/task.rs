//! Work on a thread of its own with one answer.

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::event::Waker;
use crate::guard;

/// Work that is under way. Whoever drops it does not hear of it any more.
pub(super) struct Task<T>(Receiver<T>);

impl<T: Send + 'static> Task<T> {
    /// Starts the work.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(name: &str, waker: Waker, work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Self> {
        let (sender, answer) = bounded(1);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // A panic must wake the window too, which sees then that no answer comes.
            let _wake = Wake(waker);
            let sender = sender;
            // Whoever sends nothing has broken off, and nobody may want to know any more.
            if let Ok(answer) = guard::catch(work) {
                sender.send(answer).ok();
            }
        })?;
        Ok(Self(answer))
    }

    /// The answer, once there is one; nothing in it where the work broke off.
    pub fn answer(&self) -> Option<Option<T>> {
        match self.0.try_recv() {
            Ok(answer) => Some(Some(answer)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}

struct Wake(Waker);

impl Drop for Wake {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn an_answer_comes_once_and_work_that_breaks_off_says_so() {
        let (told, woken) = bounded(8);
        let waker: Waker = Arc::new(move || told.try_send(()).unwrap_or_default());
        let task = Task::spawn("seven", Arc::clone(&waker), || 7).unwrap();
        woken.recv().unwrap();
        assert_eq!(task.answer(), Some(Some(7)));
        let broken: Task<u8> = Task::spawn("broken", waker, || panic!("as a test")).unwrap();
        woken.recv().unwrap();
        assert_eq!(broken.answer(), Some(None));
    }
}
