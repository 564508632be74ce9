//! The real program in a real window on a virtual screen.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends the process with the test, however that ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Running {
    /// Panics with what the program told where it has ended.
    pub fn must_run(&mut self) {
        if let Some(status) = self.0.try_wait().unwrap() {
            let mut told = String::new();
            self.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("the program ended ({status}): {told}");
        }
    }
}

/// A virtual screen whose pixels stand in a file below `folder`, and its name; nothing where Xvfb is not installed.
pub fn screen(folder: &Path) -> Option<(Running, String)> {
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

/// Starts the program on a screen, with `home` for everything that it keeps and as its working folder.
pub fn program(home: &Path, display: &str, args: &[&Path]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
    command.args(args).current_dir(home).env("HOME", home).env("XDG_DATA_HOME", home).env("XDG_CONFIG_HOME", home);
    command.env("DISPLAY", display).env("LIBGL_ALWAYS_SOFTWARE", "1").env_remove("WAYLAND_DISPLAY");
    // No file dialog and no notification of the machine's desktop: neither over its bus nor by one of its programs.
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("PATH", home);
    Running(command.stderr(Stdio::piped()).spawn().unwrap())
}

/// What stands in the file of the screen's pixels; nothing while it is not there.
pub fn picture(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("Xvfb_screen0")).unwrap_or_default()
}

/// Waits until the window shows pictures.
pub fn wait_for_pictures(folder: &Path, program: &mut Running) {
    let patience = Instant::now();
    loop {
        program.must_run();
        let picture = picture(folder);
        let distinct: HashSet<&[u8]> = pixels(&picture).unwrap_or_default().chunks_exact(4).collect();
        let colours = distinct.len();
        // Text and frames alone give hundreds of shades; the pictures of the demo set give thousands.
        if colours > 3000 {
            return;
        }
        assert!(patience.elapsed() < Duration::from_secs(180), "nothing was drawn: {colours} colours on the screen");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The pixels of an XWD file, four bytes each: a header whose first number is its length and whose twentieth counts the
/// colours (of twelve bytes) that follow it.
fn pixels(xwd: &[u8]) -> Option<&[u8]> {
    let number = |i: usize| Some(u32::from_be_bytes(xwd.get(4 * i..4 * i + 4)?.try_into().ok()?) as usize);
    xwd.get(number(0)? + 12 * number(19)?..)
}
