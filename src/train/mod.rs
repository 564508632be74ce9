//! One update of D, one of G, and every piece of state that a resume needs.

mod accumulated;
mod adam;
mod augment;
mod blur;
mod clip;
mod gap;
mod growing;
mod judged;
mod lecam;
mod loss;
mod made;
mod noise;
pub mod replay;
pub mod state;
mod terms;
mod trainer;

pub use adam::Adam;
pub use made::Made;
pub use trainer::{DiscriminatorBatch, Feed, GeneratorBatch, Trainer};
