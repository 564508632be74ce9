//! The family `dcgan`: transposed convolutions of 4x4 against convolutions of 4x4 (Radford et al. 2016).

mod decoder;
mod discriminator;
mod excitation;
mod generator;
mod label;

pub use discriminator::Discriminator;
pub use generator::Generator;
