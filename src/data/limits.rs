//! How large pictures may be, and how many large ones there are in memory at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most pixels that an image may have.
pub(super) const MAX_PIXELS: u64 = 100_000_000;

/// The most memory that a decoder may take, in bytes.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// Images above this many pixels are decoded one at a time.
const LARGE: u64 = 16_000_000;

/// Held while a large image is decoded, so that many threads do not take the memory for one each.
static ONE_LARGE: Mutex<()> = Mutex::new(());

/// Waits for the turn of a picture of so many pixels, where that is large.
pub(super) fn turn(pixels: u64) -> Option<MutexGuard<'static, ()>> {
    // A panic while another thread held this leaves nothing behind that could be wrong.
    (pixels > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner))
}
