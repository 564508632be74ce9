//! What the queue holds and what comes next: a state machine that knows no engine and no window.

use std::path::{Path, PathBuf};

use super::entry::{Entry, EntryState, Stored};
use crate::config::Config;

/// How a run of the queue ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All its steps were taken.
    Finished,
    /// It was stopped.
    Stopped,
    /// It failed, with the reason.
    Failed(String),
}

/// Runs that are trained one after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    entries: Vec<Entry>,
    paused: bool,
    /// Whether the running one was cancelled from the queue, which then goes on.
    cancelled: bool,
    next: u64,
}

impl Queue {
    /// Puts a run at the end.
    pub fn add(&mut self, name: String, config: Config) {
        self.entries.push(Entry::new(self.next, name, config));
        self.next += 1;
    }

    /// The runs, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether no further run is started.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Starts no further run, or goes on with it. A run that has begun goes on.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The run that is being trained.
    pub fn running(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.state == EntryState::Running)
    }

    /// Runs that wait.
    pub fn waiting(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state == EntryState::Waiting).count()
    }

    /// The run whose turn it is; nothing while one is trained or the queue is paused.
    pub fn turn(&self) -> Option<&Entry> {
        let free = !self.paused && self.running().is_none();
        self.entries.iter().find(|entry| free && entry.state == EntryState::Waiting)
    }

    /// A run has begun, in this session.
    pub fn began(&mut self, id: u64, session: PathBuf) {
        self.cancelled = false;
        if let Some(entry) = self.entry(id) {
            (entry.state, entry.session) = (EntryState::Running, Some(session));
        }
    }

    /// A run could not begin, or was found to be over already.
    pub fn skip(&mut self, id: u64, ending: Ending) {
        if let Some(entry) = self.entry(id) {
            entry.state = ending.into();
        }
    }

    /// The running run is to be stopped, and the next to come.
    pub fn cancel(&mut self) {
        self.cancelled = self.running().is_some();
    }

    /// The run of a session has ended: whether it was one of the queue. A run that was stopped by other means than
    /// [`Queue::cancel`] pauses the queue, since whoever stopped it wanted the machine to rest.
    pub fn ended(&mut self, session: &Path, ending: Ending) -> bool {
        let mine = |entry: &&mut Entry| {
            entry.state == EntryState::Running && entry.session.as_deref().is_some_and(|folder| folder == session)
        };
        let Some(entry) = self.entries.iter_mut().find(mine) else { return false };
        entry.state = ending.clone().into();
        self.paused |= ending == Ending::Stopped && !self.cancelled;
        self.cancelled = false;
        true
    }

    /// Takes a run out that is not being trained. Its session stays.
    pub fn remove(&mut self, id: u64) {
        self.entries.retain(|entry| entry.id != id || entry.state == EntryState::Running);
    }

    /// Takes out all runs that are over.
    pub fn clear_ended(&mut self) {
        self.entries.retain(|entry| matches!(entry.state, EntryState::Waiting | EntryState::Running));
    }

    /// Lets a run that is over wait again, at the end: a stopped or failed one goes on with its session.
    pub fn again(&mut self, id: u64) {
        let over = |entry: &Entry| match entry.state {
            EntryState::Stopped | EntryState::Failed(_) => entry.id == id,
            EntryState::Waiting | EntryState::Running | EntryState::Finished => false,
        };
        if let Some(at) = self.entries.iter().position(over) {
            let mut entry = self.entries.remove(at);
            entry.state = EntryState::Waiting;
            self.entries.push(entry);
        }
    }

    /// Where the next waiting run before (or after) this waiting one is; nothing where it cannot be moved that way.
    fn neighbour(&self, id: u64, earlier: bool) -> Option<(usize, usize)> {
        let waits = |at: &usize| self.entries[*at].state == EntryState::Waiting;
        let at = self.entries.iter().position(|entry| entry.id == id).filter(waits)?;
        let other = if earlier { (0..at).rev().find(waits) } else { (at + 1..self.entries.len()).find(waits) };
        Some((at, other?))
    }

    /// Whether a run can be moved before (or after) the next waiting one.
    pub fn can_move(&self, id: u64, earlier: bool) -> bool {
        self.neighbour(id, earlier).is_some()
    }

    /// Moves a waiting run before (or after) the next waiting one.
    pub fn shift(&mut self, id: u64, earlier: bool) {
        if let Some((at, other)) = self.neighbour(id, earlier) {
            self.entries.swap(at, other);
        }
    }

    /// A session has another folder now.
    pub fn moved(&mut self, from: &Path, to: &Path) {
        for entry in self.entries.iter_mut().filter(|entry| entry.session.as_deref() == Some(from)) {
            entry.session = Some(to.to_owned());
        }
    }

    /// The queue as text, for the next start of the program.
    pub fn to_text(&self) -> String {
        let entries: Vec<Stored> = self.entries.iter().map(Stored::from).collect();
        serde_json::to_string(&entries).unwrap_or_default()
    }

    /// The queue of an earlier start of the program. It waits for a word before it starts anything.
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        let stored: Vec<Stored> = serde_json::from_str(text).unwrap_or_else(|err| {
            tracing::warn!("the stored queue is not readable any more and starts afresh: {err}");
            Vec::new()
        });
        // Numbered anew: two of one number could not be told apart.
        let entries: Vec<Entry> = (0..).zip(stored).map(|(id, stored)| Entry { id, ..stored.into() }).collect();
        let next = entries.len() as u64;
        let mut queue = Self { entries, paused: false, cancelled: false, next };
        queue.paused = queue.waiting() > 0;
        queue
    }

    fn entry(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }
}

impl From<Ending> for EntryState {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Finished => Self::Finished,
            Ending::Stopped => Self::Stopped,
            Ending::Failed(message) => Self::Failed(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trains one run at a time, as the app does.
    #[derive(Default)]
    struct FakeEngine {
        run: Option<PathBuf>,
        begun: Vec<String>,
    }

    impl FakeEngine {
        fn tick(&mut self, queue: &mut Queue) {
            let Some((id, name)) = queue.turn().map(|entry| (entry.id, entry.name.clone())) else { return };
            assert!(self.run.is_none(), "one at a time");
            let session = PathBuf::from(format!("sessions/{name}"));
            self.begun.push(name);
            queue.began(id, session.clone());
            self.run = Some(session);
        }

        fn end(&mut self, queue: &mut Queue, ending: Ending) {
            let session = self.run.take().expect("a run");
            assert!(queue.ended(&session, ending));
            self.tick(queue);
        }
    }

    fn queue(names: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for name in names {
            queue.add((*name).to_owned(), Config::default());
        }
        queue
    }

    fn states(queue: &Queue) -> Vec<&EntryState> {
        queue.entries().iter().map(|entry| &entry.state).collect()
    }

    fn names(queue: &Queue) -> Vec<&str> {
        queue.entries().iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn runs_come_one_after_another_and_a_failure_stops_none() {
        use EntryState::{Failed, Finished, Running};
        let (mut queue, mut engine) = (queue(&["a", "b", "c"]), FakeEngine::default());
        engine.tick(&mut queue);
        engine.tick(&mut queue);
        assert_eq!((engine.begun.len(), queue.waiting()), (1, 2));
        engine.end(&mut queue, Ending::Failed("no room".to_owned()));
        engine.end(&mut queue, Ending::Finished);
        assert_eq!(states(&queue), [&Failed("no room".to_owned()), &Finished, &Running]);
        engine.end(&mut queue, Ending::Finished);
        assert_eq!((engine.begun, queue.turn()), (["a", "b", "c"].map(str::to_owned).to_vec(), None));
        queue.clear_ended();
        assert!(queue.entries().is_empty());
    }

    #[test]
    fn cancelling_goes_on_and_stopping_by_hand_pauses() {
        let (mut queue, mut engine) = (queue(&["a", "b", "c"]), FakeEngine::default());
        engine.tick(&mut queue);
        queue.cancel();
        engine.end(&mut queue, Ending::Stopped);
        assert_eq!(engine.begun, ["a", "b"]);
        engine.end(&mut queue, Ending::Stopped);
        assert!(queue.is_paused() && queue.waiting() == 1 && engine.run.is_none());
        queue.pause(false);
        engine.tick(&mut queue);
        assert_eq!(engine.begun, ["a", "b", "c"]);
    }

    #[test]
    fn runs_of_others_are_no_business_of_the_queue() {
        let mut queue = queue(&["a"]);
        assert!(!queue.ended(Path::new("sessions/other"), Ending::Stopped));
        assert!(!queue.is_paused() && queue.turn().is_some());
    }

    #[test]
    fn only_what_waits_is_moved_and_what_runs_is_not_removed() {
        let (mut queue, mut engine) = (queue(&["a", "b", "c"]), FakeEngine::default());
        engine.tick(&mut queue);
        let [a, b, c] = [0, 1, 2].map(|at| queue.entries()[at].id);
        assert!(!queue.can_move(a, false) && !queue.can_move(b, true) && queue.can_move(b, false));
        queue.shift(c, true);
        queue.shift(c, true);
        assert_eq!(names(&queue), ["a", "c", "b"]);
        queue.remove(a);
        queue.remove(b);
        assert_eq!(names(&queue), ["a", "c"]);
        engine.end(&mut queue, Ending::Failed("x".to_owned()));
        queue.again(a);
        assert_eq!((names(&queue), queue.waiting()), (vec!["c", "a"], 1));
    }

    #[test]
    fn a_restart_keeps_the_queue_and_waits_for_a_word() {
        let (mut queue, mut engine) = (queue(&["a", "b"]), FakeEngine::default());
        engine.tick(&mut queue);
        let mut back = Queue::from_text(&queue.to_text());
        assert!(back.is_paused() && back.turn().is_none());
        assert_eq!(states(&back), [&EntryState::Waiting, &EntryState::Waiting]);
        assert_eq!(back.entries()[0].session, Some(PathBuf::from("sessions/a")), "to go on with");
        back.add("c".to_owned(), Config::default());
        assert_eq!(back.entries()[2].id, 2);
        assert_eq!(Queue::from_text("of another version"), Queue::default());
        let broken = queue.to_text().replacen("image_size", "no_such_key", 1);
        let back = Queue::from_text(&broken);
        assert!(matches!(states(&back)[..], [EntryState::Failed(_), EntryState::Waiting]), "{back:?}");
    }
}
