//! Reads every `crate::` path in `src/` and fails where a room uses one that it may not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

/// Who may use whom; the README shows the same table.
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
    ("ui", &["guard", "config", "event", "chart"]),
    (
        "app",
        &[
            "guard", "config", "chart", "data", "event", "ops", "model", "feature", "train", "metric", "session",
            "engine", "ui",
        ],
    ),
    (
        "cli",
        &[
            "app", "guard", "config", "chart", "data", "event", "ops", "model", "feature", "train", "metric",
            "session", "engine",
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

/// The rooms that some code names after `crate::`, also inside `crate::{a, b}`.
fn named(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let (list, many) = match rest.strip_prefix('{') {
            Some(list) => (list.split('}').next().unwrap_or(list), true),
            None => (rest, false),
        };
        for item in list.split(',').take(if many { usize::MAX } else { 1 }) {
            rooms.push(item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

#[test]
fn rooms_use_only_those_that_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap();
        if room.ends_with(".rs") {
            continue; // lib.rs and main.rs name every room
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("src/{room}: a room that the table does not know"));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
        for used in named(&code.join(" ")) {
            if used != room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("src/{}: `{room}` may not use `{used}`", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_shows_the_same_rooms() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let known = |line: &&str| ROOMS.iter().any(|(room, _)| line.starts_with(&format!("| `{room}` |")));
    let rows: Vec<&str> = readme.lines().filter(known).collect();
    for (room, allowed) in ROOMS {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for `{room}`"));
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
fn paths_are_found_in_lists_and_alone() {
    assert_eq!(named("use crate::{data, train::replay};"), ["data", "train"]);
    assert_eq!(named("let x = crate::ops::cpu::map(); crate::model::f()"), ["ops", "model"]);
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
fn unsafe_code_stands_where_the_readme_says() {
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
    // Files of the user's own, of this machine, and new ones: `known.rs`, `lock.rs` and `writer.rs` open no file of a session.
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
        ("known.rs", "File::open(path(folder))"),
        ("known.rs", "File::options().append(true).create(true).open(path(folder))"),
        ("lock.rs", "std::fs::read_to_string(path).ok()"),
        ("place.rs", "std::fs::read_dir(root)"),
        ("place.rs", "std::fs::read_dir(folder)"),
        ("removal.rs", "fs::File::open(path).and_then"),
        ("writer.rs", "folder.map(File::open)"),
        ("writer.rs", "fs::read_dir(folder.join(below))"),
        ("writer.rs", "File::options().append(true).create_new(true).open(&path)"),
    ];
    for file in files.iter().filter(|file| !file.ends_with("room.rs")) {
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
