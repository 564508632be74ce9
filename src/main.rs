//! Opens the window; the command line is `cli`'s.

fn main() -> anyhow::Result<()> {
    gandle::app::run(std::env::args_os().nth(1).map(Into::into))
}
