//! The program: the window without arguments, the same runs without a window otherwise.

#[global_allocator]
static ALLOCATOR: gandle::ops::memory::Allocator = gandle::ops::memory::Allocator;

fn main() -> std::process::ExitCode {
    gandle::cli::main()
}
