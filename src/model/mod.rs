//! The networks; weight names and arithmetic as in the PyTorch reference that the recorded traces come from.
//!
//! A network is its architecture alone; its numbers live in a [`Store`], so that the averaged generator, a checkpoint and
//! the network in training are three stores of one architecture. Images are channels-last, `(B, H, W, C)`, in [-1, 1].

mod discriminator;
mod generator;
mod layers;
pub mod morph;
mod planned;
mod store;

pub use discriminator::{Discriminator, Judgement};
pub use generator::{Generator, byte};
pub use store::{Entry, Mode, Pass, Store};
