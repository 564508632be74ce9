//! What runs come to, beside each other: where each stands, its best scores, the settings in which they differ, and groups that
//! differ in the seed alone. The window's tables and `gandle compare` show the same.

mod best;
mod brief;
mod cost;
mod group;
mod phase;

pub use best::{BestScore, best_scores, better};
pub use brief::{Brief, differing, plain};
pub use cost::cost;
pub use group::{Grouping, Spread};
pub use phase::Phase;
