//! What candle lacks or does slowly: convolution and its two gradients, fused normalisation and activations, attention; the only room with `unsafe`.

pub mod aligned;
pub mod depthwise;
pub mod matmul;
pub mod pointwise;
