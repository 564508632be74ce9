//! What others have written cannot act on a terminal, and what cannot be done is told in words.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::panic;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gandle::guard;

fn gandle(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gandle")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn panics_that_are_caught_are_not_printed_and_all_others_are() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        // Then all are printed: once more without it.
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "panics_that_are_caught_are_not_printed_and_all_others_are"]);
        let output = again.env_remove("RUST_BACKTRACE").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stdout));
        return;
    }
    let printed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&printed);
    panic::set_hook(Box::new(move |_| _ = count.fetch_add(1, Ordering::SeqCst)));
    guard::silence_panics();
    let so_far = |want: usize| assert_eq!(printed.load(Ordering::SeqCst), want);
    guard::catch(|| -> u8 { panic!("caught") }).unwrap_err();
    so_far(0);
    // A pool hands its panics to whoever waits.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    guard::catch(|| pool.install(|| rayon::join(|| -> u8 { panic!("in the pool") }, || ()))).unwrap_err();
    so_far(0);
    panic::catch_unwind(|| -> u8 { panic!("nobody tells this") }).unwrap_err();
    so_far(1);
    drop(panic::take_hook());
}

#[cfg(unix)]
#[test]
fn names_do_not_act_on_the_terminal() {
    let data = tempfile::tempdir().unwrap();
    let hostile = "a\u{1b}]0;HAX\u{7}\u{1b}[31m\nskipped: b";
    for class in [hostile, "plain"] {
        let folder = data.path().join(class);
        fs::create_dir(&folder).unwrap();
        image::RgbImage::new(16, 16).save(folder.join("x.png")).unwrap();
        fs::write(folder.join("y\u{1b}[2J.png"), "no picture").unwrap();
    }
    let output = gandle(&["inspect", data.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for told in [text(&output.stdout), text(&output.stderr)] {
        assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{told:?}");
        assert!(!told.lines().any(|line| line.starts_with("skipped: b")), "{told}");
    }
    assert!(text(&output.stdout).contains(r"a\u{1b}]0;HAX\u{7}\u{1b}[31m\nskipped: b"), "{}", text(&output.stdout));
    // Messages, too: of the program itself and of its log.
    let session = data.path().join("\u{1b}[5m");
    for arguments in [
        ["sample", session.to_str().unwrap(), "--out", "x"],
        ["train", "--data", session.to_str().unwrap(), "--dry-run"],
    ] {
        let output = gandle(&arguments);
        let told = text(&output.stderr) + &text(&output.stdout);
        assert!(!told.contains('\u{1b}') && (told.contains(r"\u{1b}[5m") || arguments[0] == "train"), "{told}");
    }
}

#[test]
fn counts_beyond_what_can_be_are_refused_in_words() {
    for arguments in [
        &["sample", "x", "--out", "y", "--count", "18446744073709551615"][..],
        &["sample", "x", "--out", "y", "--count", "100000000"],
        &["sample", "x", "--out", "y", "--count", "0"],
        &["bench", "--steps", "18446744073709551615"],
        &["bench", "--steps", "0"],
        &["score", "x", "y", "--threads", "1025"],
    ] {
        let output = gandle(arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        let reason = ["is not in ", "number too large"].iter().any(|reason| told.contains(reason));
        assert!(reason && !told.contains("panicked"), "{told}");
    }
    let output = gandle(&["train", "--data", "demo", "--dry-run", "--set", "train.steps=-1"]);
    let told = text(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("a whole number, 0 or more"), "{told}");
}

#[cfg(not(feature = "gui"))]
#[test]
fn a_build_without_a_window_tells_the_way_out() {
    let told = |arguments: &[&str]| {
        let output = gandle(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        text(&output.stderr)
    };
    let plain = told(&[]);
    assert!(plain.contains("has no window") && plain.contains("`gandle train`"), "{plain}");
    let session = told(&["tests/data/session-1"]);
    assert!(session.contains("`gandle resume tests/data/session-1`"), "{session}");
    assert!(told(&["no-such-command"]).contains("neither a command"));
    assert!(text(&gandle(&["--version"]).stdout).contains("no window"));
}

#[cfg(all(target_os = "linux", feature = "gui"))]
#[test]
fn without_a_screen_the_way_out_is_told() {
    let run = |display: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        command.envs(display.map(|display| ("DISPLAY", display))).output().unwrap()
    };
    for display in [None, Some("/no/such/screen:99")] {
        let output = run(display);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("`gandle train`") && !told.contains(".rs:") && !told.contains(".cargo"), "{told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_home_that_is_a_file_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::write(&home, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gandle"));
    command.args(["train", "--data", "demo", "--steps", "1", "--set", "image_size=16", "--set", "data.demo_images=4"]);
    command.env("HOME", &home).env_remove("XDG_DATA_HOME").env_remove("XDG_CACHE_HOME").current_dir(folder.path());
    let output = command.output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("HOME") && told.contains("--out"), "{told}");
}
