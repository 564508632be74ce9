//! Runs a decoder so that its panic costs one picture.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Turns a panic into the reason why a picture cannot be used. What was half made is dropped with it.
pub(super) fn careful<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(format!("damaged in a way that the decoder did not expect ({said})"))
    })
}
