//! Starts the real program in a real window on a virtual screen and looks at what it draws.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends the process with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A virtual screen whose pixels stand in a file, and its name.
fn screen(folder: &Path) -> Option<(Running, String)> {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-fbdir"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut number = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut number).ok()?;
    Some((Running(child), format!(":{}", number.trim())))
}

/// The pixels of an XWD file, four bytes each: a header whose first number is its length and whose twentieth counts the
/// colours (of twelve bytes) that follow it.
fn pixels(xwd: &[u8]) -> Option<&[u8]> {
    let number = |i: usize| Some(u32::from_be_bytes(xwd.get(4 * i..4 * i + 4)?.try_into().ok()?) as usize);
    xwd.get(number(0)? + 12 * number(19)?..)
}

#[test]
fn the_program_opens_a_window_and_draws_it() {
    let root = tempfile::tempdir().unwrap();
    let Some((_screen, display)) = screen(root.path()) else {
        eprintln!("skipped: Xvfb is not installed");
        return;
    };
    let home = root.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let mut program = Running(
        Command::new(env!("CARGO_BIN_EXE_gandle"))
            .current_dir(&home)
            .env("HOME", &home)
            .env("XDG_DATA_HOME", &home)
            .env("XDG_CONFIG_HOME", &home)
            .env("DISPLAY", &display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let file = root.path().join("Xvfb_screen0");
    let patience = Instant::now();
    loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            let mut told = String::new();
            std::io::Read::read_to_string(&mut program.0.stderr.take().unwrap(), &mut told).unwrap();
            panic!("the program ended ({status}): {told}");
        }
        let colours = std::fs::read(&file).ok().map_or(0, |xwd| {
            let distinct: HashSet<&[u8]> = pixels(&xwd).unwrap_or_default().chunks_exact(4).collect();
            distinct.len()
        });
        // Text and frames alone give hundreds of shades; the pictures of the demo set give thousands.
        if colours > 3000 {
            return;
        }
        assert!(patience.elapsed() < Duration::from_secs(60), "nothing was drawn: {colours} colours on the screen");
        std::thread::sleep(Duration::from_millis(200));
    }
}
