//! What packages hold beside the program: its version, manual pages, completions, the desktop's entry and icon.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn gandle(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gandle")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = gandle(&["--help"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).filter(|name| name != "help").collect()
}

#[test]
fn the_version_tells_the_build_and_its_system() {
    let told = gandle(&["--version"]);
    assert!(told.starts_with(concat!("gandle ", env!("CARGO_PKG_VERSION"), " (")), "{told}");
    assert!(told.contains(std::env::consts::OS) && told.contains(std::env::consts::ARCH), "{told}");
    assert!(told.lines().count() == 1 && !told.contains('/'), "{told}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    gandle(&["man", pages.to_str().unwrap()]);
    let commands = commands();
    assert!(commands.len() >= 10 && commands.contains(&"train".to_owned()), "{commands:?}");
    assert!(!commands.iter().any(|name| name == "man" || name == "completions"), "they are for packages: {commands:?}");
    for name in &commands {
        let page = fs::read_to_string(pages.join(format!("gandle-{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH gandle-{name} 1")), "{page}");
    }
    let train = fs::read_to_string(pages.join("gandle-train.1")).unwrap();
    assert!(train.contains(r"\-\-minutes") && train.contains("Minutes of training"), "{train}");
    assert_eq!(gandle(&["man"]), fs::read_to_string(pages.join("gandle.1")).unwrap());
    assert_eq!(fs::read_dir(&pages).unwrap().count(), commands.len() + 1);
}

#[test]
fn shells_complete_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = gandle(&["completions", shell]);
        assert!(["inspect", "keep-best", "truncation"].iter().all(|word| text.contains(word)), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let bash = folder.path().join("gandle");
    fs::write(&bash, gandle(&["completions", "bash"])).unwrap();
    let ask = format!(
        "source {}; COMP_WORDS=(gandle res); COMP_CWORD=1; _gandle gandle res gandle; echo \"${{COMPREPLY[*]}}\"",
        bash.display()
    );
    if let Ok(output) = Command::new("bash").args(["-c", &ask]).output() {
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "resume", "{output:?}");
    }
}

#[test]
#[cfg(feature = "gui")]
fn the_desktop_entry_and_the_icon_are_the_windows() {
    let entry = fs::read_to_string(project("assets/packaging/gandle.desktop")).unwrap();
    // The name that the window gives itself, by which a desktop knows whose it is.
    for line in ["[Desktop Entry]", "Type=Application", "Exec=gandle", "Icon=gandle", "StartupWMClass=gandle"] {
        assert!(entry.lines().any(|told| told == line), "{line} in {entry}");
    }
    assert!(fs::read_to_string(project("src/app/mod.rs")).unwrap().contains(r#".with_app_id("gandle")"#));
    let (icon, path) = (gandle::ui::icon(), project("assets/packaging/gandle.png"));
    let made = image::RgbaImage::from_raw(icon.width, icon.height, icon.rgba).unwrap();
    if std::env::var_os("GANDLE_WRITE_DOCS").is_some() {
        made.save(&path).unwrap();
    }
    assert!(image::open(&path).unwrap().to_rgba8() == made, "GANDLE_WRITE_DOCS=1 cargo test --release --test release");
}

#[test]
#[cfg(unix)]
fn the_scripts_of_packages_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    for script in [".ci/package", ".ci/try-package"].map(project) {
        assert!(fs::metadata(&script).unwrap().permissions().mode() & 0o100 != 0, "{}", script.display());
        let Ok(read) = Command::new("bash").arg("-n").arg(&script).output() else { return };
        assert!(read.status.success(), "{read:?}");
    }
}
