//! The program: the window without arguments, the same runs without a window otherwise.

use mimalloc::MiMalloc;

/// Large buffers go from step to step through it; the system's allocator would return each to the kernel, which would
/// clear every page again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    gandle::cli::main()
}
