//! Reads every path in `src/` and fails where a room uses one that it may not, and holds `ARCHITECTURE.md` to what there is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod circles;
mod paths;
mod touch_points;

use std::path::{Path, PathBuf};

use paths::{Said, said, tokens};

/// Who may use whom; `ARCHITECTURE.md` shows the same table.
const ROOMS: &[(&str, &[&str])] = &[
    ("guard", &[]),
    ("config", &[]),
    ("ops", &[]),
    ("event", &["config"]),
    ("chart", &["event"]),
    ("data", &["guard", "config", "event"]),
    ("model", &["config", "ops", "feature"]),
    ("feature", &["guard", "config", "ops"]),
    ("train", &["config", "data", "event", "ops", "model", "feature"]),
    ("metric", &["config", "ops", "feature"]),
    ("session", &["guard", "config", "event"]),
    ("engine", &["guard", "config", "chart", "data", "event", "ops", "model", "feature", "train", "metric", "session"]),
    ("summary", &["config", "event"]),
    ("ui", &["guard", "config", "event", "chart", "summary"]),
    (
        "app",
        &[
            "guard", "config", "chart", "data", "event", "ops", "model", "feature", "train", "metric", "session",
            "engine", "summary", "ui",
        ],
    ),
    (
        "cli",
        &[
            "app", "guard", "config", "chart", "data", "event", "ops", "model", "feature", "train", "metric",
            "session", "engine", "summary",
        ],
    ),
];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push(path);
        }
    }
}

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap()
}

#[test]
fn rooms_use_only_those_that_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let name = file.strip_prefix(&src).unwrap();
        let relative = name.with_extension("");
        let mut module: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        if ["main", "fuzzing"].contains(&module[0]) {
            continue; // Both stand outside of the rooms and may use all of them.
        }
        if module.last() == Some(&"mod") {
            module.pop();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        wrong.extend(broken(&module, &text).into_iter().map(|what| format!("src/{}:{what}", name.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn may_use(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

/// What a file does that its room may not, with lines.
fn broken(module: &[&str], text: &str) -> Vec<String> {
    let room = module[0];
    if room == "lib" {
        // Paths through the root would need to be followed here, so it has nothing but the rooms.
        let words = ["use", "macro_rules", "type", "fn", "struct"];
        let found = tokens(text).into_iter().filter(|(_, word)| words.contains(&word.as_str()));
        return found.map(|(line, word)| format!("{line}: `{word}` in a root that only lists modules")).collect();
    }
    let Some(allowed) = may_use(room) else { return vec![format!("`{room}` is a room that the table does not know")] };
    let judge = |(line, said): (usize, Said)| match said {
        Said::Hides(what) => Some(format!("{line}: {what} cannot be followed: write `crate::room::item`")),
        Said::Names(used) | Said::HandsOn(used) if used != room && !allowed.contains(&used.as_str()) => {
            Some(format!("{line}: `{room}` may not use `{used}`"))
        }
        // Whoever may use this room could go through it.
        Said::HandsOn(used) if used != room => {
            let through = ROOMS
                .iter()
                .find(|(other, may)| may.contains(&room) && *other != used && !may.contains(&used.as_str()));
            through.map(|(other, _)| format!("{line}: hands `{used}` on to `{other}`, which may not use it"))
        }
        Said::Names(_) | Said::HandsOn(_) => None,
    };
    said(module, text).into_iter().filter_map(judge).collect()
}

#[test]
fn no_path_gets_round_the_table() {
    let wrong = |module: &[&str], text: &str| !broken(module, text).is_empty();
    let queue = ["ui", "queue", "page"];
    for text in [
        "use crate::engine::Engine;",
        "use super::super::super::engine::Engine;",
        "use super::super::super::{config, engine::{self, Job}};",
        "use crate::{config::{Config, Data}, engine};",
        "mod tests { use super::super::super::super::engine::Engine; }",
        "fn f() { self::super::super::super::engine::f() }",
        "use crate as all;",
        "use super::super::super as all;",
        "use crate::{self as all};",
        "use super::super::super::*;",
        "macro_rules! m { ($room:ident) => { $crate::$room::f() } }",
        "macro_rules! m { () => { $crate::engine::f() } }",
        "macro_rules! m { () => { super::f() } }",
        "#[macro_use] mod macros;",
        "#[path = \"../../engine/mod.rs\"] mod mine;",
        "include!(\"../engine/mod.rs\");",
        "extern crate self as all;",
        "#[serde(with = \"crate::engine::text\")] struct S;",
        "const C: char = '\"'; /* /* \" */ */ use crate::engine::Engine; // \"",
    ] {
        assert!(wrong(&queue, text), "{text}");
    }
    for text in [
        "use crate::{config, event::{Event, Step}};",
        "use super::super::series::Curves; use super::Queue;",
        "mod tests { use super::super::super::engine::Engine; }",
        "// use crate::engine::Engine;",
        "/* crate::engine::f() */ const TEXT: &str = r#\"crate::\"engine\"::f()\"#;",
        "macro_rules! m { () => { fn f(self) -> usize { self as usize } } }",
        "pub(crate) use crate::event::Event;",
    ] {
        assert_eq!(broken(&queue, text), [""; 0], "{text}");
    }
    // `train` may use `data` but not `guard`.
    for (text, is_wrong) in [
        ("pub use crate::guard::Panicked;", true),
        ("pub(super) use crate::guard::Panicked;", true),
        ("pub type Caught = crate::guard::Panicked;", true),
        ("macro_rules! caught { () => { $crate::guard::catch() } }", true),
        ("use crate::guard::Panicked;", false),
        ("pub use crate::config::Config;", false),
    ] {
        assert_eq!(wrong(&["data"], text), is_wrong, "{text}");
    }
    assert!(!wrong(&["data", "open"], "pub(super) use crate::guard::Panicked;"));
    assert!(wrong(&["lib"], "pub use engine::Engine;") && !wrong(&["lib"], "pub mod engine;"));
}

#[test]
fn the_document_shows_the_same_rooms() {
    let document = document();
    let known = |line: &&str| ROOMS.iter().any(|(room, _)| line.starts_with(&format!("| `{room}` |")));
    let rows: Vec<&str> = document.lines().filter(known).collect();
    for (room, allowed) in ROOMS {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{room}`"));
        let may_use = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let mut told: Vec<&str> = may_use.split([',', ' ', '–']).filter(|word| !word.is_empty()).collect();
        // "all above" and "all but X" stand for rows of this very table.
        let order: Vec<&str> = rows.iter().map(|row| row.split('`').nth(1).unwrap()).collect();
        told = match told.as_slice() {
            ["all", "above"] => order.iter().copied().take_while(|name| name != room).collect(),
            ["all", "but", but] => order.iter().copied().filter(|name| name != room && name != but).collect(),
            _ => told,
        };
        told.sort_unstable();
        let mut want = allowed.to_vec();
        want.sort_unstable();
        assert_eq!(told, want, "{row}");
    }
}

#[test]
fn one_place_writes_to_the_terminal() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files.iter().filter(|file| !file.ends_with("cli/print.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let found = ["println!", "eprint!", " print!("].iter().any(|word| code.contains(word));
            assert!(!found, "{}:{}: say! and note! of cli/print.rs write: {line}", file.display(), number + 1);
        }
    }
}

#[test]
fn unsafe_code_stands_where_the_document_says() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let allowed = |file: &Path| file.starts_with(src.join("ops")) || file.ends_with("data/scratch.rs");
    for file in files.iter().filter(|file| !allowed(file)) {
        let text = std::fs::read_to_string(file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let found = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe_code"].iter().any(|word| code.contains(word));
            assert!(!found, "{}:{}: {line}", file.display(), number + 1);
        }
    }
}

#[test]
fn one_file_removes_and_no_other() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let words = ["remove_file", "remove_dir", "trash::delete", "trash::os_limited"];
    let (removal, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.ends_with("session/removal.rs"));
    let found = |file: &Path| {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or("").to_owned());
        let lines = code.enumerate().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        lines.map(|(number, line)| format!("{}:{}: {line}", file.display(), number + 1)).collect::<Vec<_>>()
    };
    assert!(removal.iter().all(|file| found(file).len() > 3), "{removal:?}");
    let wrong: Vec<String> = others.iter().flat_map(|file| found(file)).collect();
    assert!(wrong.is_empty(), "only src/session/removal.rs removes anything:\n{}", wrong.join("\n"));
}

#[test]
fn one_file_opens_what_lies_in_a_session() {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session");
    let mut files = Vec::new();
    sources(&session, &mut files);
    // Files of the user's own, of this machine, and new ones: `trusted_paths.rs`, `lock.rs` and `writer.rs` open no file of a session.
    let words = [
        "File::open",
        "File::options",
        "OpenOptions",
        "fs::read(",
        "fs::read_to_string",
        "fs::read_dir",
        "fs::metadata",
    ];
    let allowed = [
        ("trusted_paths.rs", "File::open(path(folder))"),
        ("trusted_paths.rs", "File::options().append(true).create(true).open(path(folder))"),
        ("lock.rs", "std::fs::read_to_string(path).ok()"),
        ("naming.rs", "std::fs::read_dir(root)"),
        ("naming.rs", "std::fs::read_dir(folder)"),
        ("removal.rs", "fs::File::open(path).and_then"),
        ("writer.rs", "folder.map(File::open)"),
        ("writer.rs", "fs::read_dir(folder.join(below))"),
        ("writer.rs", "File::options().append(true).create_new(true).open(&path)"),
    ];
    for file in files.iter().filter(|file| !file.ends_with("untrusted.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            let known = allowed.iter().any(|(name, code)| file.ends_with(name) && line.contains(code));
            let named = line.trim_start().starts_with("use ") || known;
            assert!(
                named || !words.iter().any(|word| line.contains(word)),
                "{}:{}: {line}",
                file.display(),
                number + 1
            );
        }
    }
}
