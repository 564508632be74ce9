//! What candle lacks or does slowly: convolution and its two gradients, fused normalisation and activations, pooling, attention; the room with `unsafe`, which else stands once in `data`, where a file is mapped.

mod activation;
pub mod adam;
pub mod aligned;
pub mod attention;
pub mod augment;
mod channel_gate;
pub mod channelwise;
mod clipped;
pub mod conv;
pub mod cpu;
mod dense;
pub mod depthwise;
mod direct;
pub mod epilogue;
pub mod frozen;
mod function;
mod fused;
mod glu;
mod math;
pub mod matmul;
pub mod max_pool;
pub mod memory;
pub mod minibatch;
mod mix;
pub mod norm;
mod padding;
mod patches;
pub mod pointwise;
pub mod pool;
mod primitive;
mod resize;
mod rows;
mod scratch;
mod simd;
pub mod spectral;
pub mod tape;
#[cfg(test)]
mod testing;
mod tile;
mod upsampling;
pub mod window;
mod winograd;

pub use conv::Geometry;
pub use mix::blend;
pub use tape::{Graph, Value, gradients};
pub use window::Window;
