//! The queue: runs that are trained one after another, the page that lines them up, and when each should end.

mod entry;
mod forecast;
mod form;
mod model;
mod page;

pub use entry::{Entry, EntryState};
pub use form::seeds;
pub use model::{Ending, Queue};
pub(super) use page::{Given, QueuePage};

/// What the queue may ask of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueAsk {
    /// Stop the run that the queue has started, and go on with the next.
    Cancel,
    /// Open the session of an entry.
    Open(std::path::PathBuf),
}
