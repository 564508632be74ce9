//! What candle lacks or does slowly: convolution and its two gradients, fused normalisation and activations, attention; the only room with `unsafe`.

#[cfg(test)]
mod check;
pub mod conv;
pub mod cpu;
mod im2col;
pub mod matmul;
mod primitive;
pub mod tape;

pub use conv::Geometry;
pub use tape::{Graph, Value, gradients};
