//! Where memory comes from: large buffers go from one training step to the next.
//!
//! Every tensor is a fresh allocation. The system's allocator returns large ones to the kernel when they are dropped, and
//! the kernel clears every page before it hands them out again, which takes a tenth of a training step.

use std::sync::Once;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay`, which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Milliseconds that freed pages are kept: longer than a step, short enough to give them back after a run.
const KEPT_FOR: std::ffi::c_long = 10_000;

/// Keeps freed pages for the next steps. Has an effect once.
pub fn keep_freed_pages() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        // SAFETY: sets a number that the allocator reads when it frees; any thread may do so at any time.
        #[expect(unsafe_code, reason = "the allocator's options are reached through C alone")]
        unsafe {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT_FOR);
        }
    });
}
