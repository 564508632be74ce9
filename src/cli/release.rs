//! What packages of this program bring along: its version, manual pages, and completions for shells.

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context as _;
use clap::Command;

/// What made this build, such as a commit: told by whoever builds it. A plain `cargo build` asks nobody, and so never
/// builds anew for it.
const BUILD: Option<&str> = option_env!("GANDLE_BUILD");

/// The version, the build, the system that it is for, and what it has more or less than a plain build.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let gpu = ["cuda", "metal"].into_iter().filter(|gpu| crate::config::devices().contains(gpu));
        let parts = [BUILD.unwrap_or("built from source"), std::env::consts::OS, std::env::consts::ARCH];
        let headless = (!cfg!(feature = "gui")).then_some("no window");
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).chain(gpu).chain(headless).collect();
        format!("{} ({})", env!("CARGO_PKG_VERSION"), parts.join(", "))
    });
    &VERSION
}

/// Writes a page for the program and for each of its commands, `gandle.1`, `gandle-train.1` and so on, or prints the first.
pub(super) fn manual(program: &Command, folder: Option<&Path>) -> anyhow::Result<()> {
    let mut program = program.clone().version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    program.build();
    let Some(folder) = folder else {
        clap_mangen::Man::new(program).render(&mut std::io::stdout())?;
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    clap_mangen::generate_to(program, folder).with_context(|| format!("could not write to {}", folder.display()))
}

/// Prints the completions of a shell.
pub(super) fn completions(mut program: Command, shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program, "gandle", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}
