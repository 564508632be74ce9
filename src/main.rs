//! The program: the window without arguments, the same runs without a window otherwise.

fn main() -> std::process::ExitCode {
    gandle::cli::main()
}
