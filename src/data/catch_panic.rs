//! Runs a decoder so that its panic costs one picture.

use crate::guard;

/// Turns a panic into the reason why a picture cannot be used. What was half made is dropped with it.
pub(super) fn catch_panic<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    guard::catch(work)
        .unwrap_or_else(|panicked| Err(format!("damaged in a way that the decoder did not expect ({})", panicked.0)))
}
