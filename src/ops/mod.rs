//! What candle lacks or does slowly: convolution and its two gradients, fused normalisation and activations, attention; the only room with `unsafe`.

mod activation;
pub mod aligned;
pub mod attention;
#[cfg(test)]
mod check;
pub mod conv;
pub mod cpu;
pub mod depthwise;
mod direct;
mod fused;
mod math;
pub mod matmul;
pub mod memory;
mod mix;
pub mod norm;
mod patches;
pub mod pointwise;
mod primitive;
mod rows;
pub mod spectral;
pub mod tape;

pub use conv::Geometry;
pub use mix::blend;
pub use tape::{Graph, Value, gradients};
