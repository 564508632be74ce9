//! The queue: runs that are trained one after another, the page that lines them up, and when each should end.

mod entry;
mod forecast;
mod form;
mod model;
mod page;

pub use entry::{Entry, EntryState};
pub use model::{Ending, Queue};
pub(super) use page::{QueueContext, QueuePage};
