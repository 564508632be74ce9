//! One update of D, one of G, and every piece of state that a resume needs.

mod adam;
mod augment;
mod blur;
mod clip;
mod clock;
mod ema;
mod feed;
mod gap_scheduler;
mod grad_accumulation;
mod growing;
mod lecam;
mod logit_stats;
mod loss;
mod loss_terms;
mod noise;
pub mod replay;
pub mod state;
mod synthetic;
mod trainer;
mod transfer;

pub use adam::Adam;
pub use feed::{DiscriminatorBatch, Feed, GeneratorBatch};
pub use synthetic::SyntheticFeed;
pub use trainer::Trainer;
