//! Turns files (or the drawn demo set) into seeded, balanced, augmented batches.

mod convert;
pub mod demo;
