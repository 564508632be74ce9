//! Where memory comes from: large buffers go from one training step to the next.
//!
//! Every tensor is a fresh allocation. The system's allocator returns large ones to the kernel when they are dropped, and
//! the kernel clears every page before it hands them out again, which takes a tenth of a training step. A library leaves the
//! choice to the program that it is part of; `gandle` and its benchmarks choose [`Allocator`].

use std::sync::Once;

/// The allocator under which training is fastest. A program that trains takes it with
/// `#[global_allocator] static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;`
pub use mimalloc::MiMalloc as Allocator;

/// `mi_option_purge_delay`, which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Milliseconds that freed pages are kept: longer than a step, short enough to give them back after a run.
const KEPT_FOR: std::ffi::c_long = 10_000;

/// Keeps freed pages for the next steps, where [`Allocator`] is the program's. Has an effect once.
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: &str = "MIMALLOC_PURGE_DELAY";

    /// The allocator reads the environment by names, so what it has read under the name is found at the number, or another
    /// version counts its options in another way. It reads once, so this test starts itself again.
    #[test]
    fn the_options_number_is_that_of_its_name() {
        if std::env::var_os(NAMED).is_some() {
            // SAFETY: reads a number.
            #[expect(unsafe_code, reason = "the allocator's options are reached through C alone")]
            let read = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
            assert_eq!(read, 4321);
            return;
        }
        let program = std::env::current_exe().unwrap();
        let mut again = std::process::Command::new(program);
        again.args(["--exact", "ops::memory::tests::the_options_number_is_that_of_its_name"]).env(NAMED, "4321");
        let output = again.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
    }
}
