//! What candle lacks or does slowly: convolution and its two gradients, fused normalisation and activations, pooling, attention; the room with `unsafe`, which else stands once in `data`, where a file is mapped.

mod activation;
pub mod aligned;
pub mod attention;
pub mod channelwise;
#[cfg(test)]
mod check;
pub mod conv;
pub mod cpu;
pub mod depthwise;
mod direct;
mod fused;
mod math;
pub mod matmul;
pub mod max_pool;
pub mod memory;
pub mod norm;
mod patches;
pub mod pointwise;
pub mod pool;
mod primitive;
pub mod spectral;
pub mod tape;
pub mod window;

pub use conv::Geometry;
pub use tape::{Graph, Value, gradients};
pub use window::Window;
