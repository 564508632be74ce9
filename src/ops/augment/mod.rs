//! Changes of images whose gradients are wanted: colours and places, each image by its own numbers.
//!
//! Both are linear in the image apart from an offset, so each gradient is the adjoint, and the adjoint's gradient is the
//! change itself: penalties on slopes can be differentiated through them.

mod place;
mod recolor;

pub use place::{Edge, Placement};
pub use recolor::Recolor;
