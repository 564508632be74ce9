//! The networks; weight names and arithmetic as in the PyTorch reference that the recorded traces come from.
//!
//! A network is its architecture alone; its numbers live in a [`ParameterStore`], so that the averaged generator, a checkpoint and
//! the network in training are three stores of one architecture. Images are channels-last, `(B, H, W, C)`, in [-1, 1].

pub mod class_interpolation;
mod discriminator;
mod generator;
mod layers;
mod parameters;
mod plan_runner;

pub use discriminator::{Discriminator, DiscriminatorOutput};
pub use generator::{Generator, byte};
pub use parameters::{Entry, Mode, ParameterStore, Pass};
