//! Starts the real program in a real window on a virtual screen and looks at what it draws.
#![cfg(all(target_os = "linux", feature = "gui"))]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "common/screen.rs"]
mod screen;

use screen::{program, screen, wait_for_pictures};

#[test]
fn the_program_opens_a_window_and_draws_it() {
    let root = tempfile::tempdir().unwrap();
    let Some((_screen, display)) = screen(root.path()) else {
        eprintln!("skipped: Xvfb is not installed");
        return;
    };
    let home = root.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let mut program = program(&home, &display, &[]);
    wait_for_pictures(root.path(), &mut program);
}
