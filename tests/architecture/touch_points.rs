//! The lists of files in `ARCHITECTURE.md` are those that an existing example is in.

use std::path::Path;

use super::paths::tokens;
use super::{document, sources};

/// What follows one example: what it is found by, and the files (or whole folders) that the document names.
struct Trail {
    title: String,
    words: Vec<String>,
    rows: Vec<String>,
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The sections that say "Followed: `word`", each with its list of files.
fn trails(document: &str) -> Vec<Trail> {
    let mut trails: Vec<Trail> = Vec::new();
    for section in document.split("\n### ").skip(1) {
        let section = section.split("\n## ").next().unwrap_or_default();
        let followed = section.lines().find_map(|line| line.strip_prefix("Followed: "));
        let Some(followed) = followed else { continue };
        let rows = section.lines().filter(|line| line.starts_with("- `src/"));
        let rows = rows.filter_map(|row| quoted(row).into_iter().next());
        let title = section.lines().next().unwrap_or_default().to_owned();
        trails.push(Trail { title, words: quoted(followed), rows: rows.collect() });
    }
    trails
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a file has one of these: a word, as a part of a name or a key; several words, as they stand in the code; or a path, that
/// of the file. Comments, prose and tests do not count.
fn follows(words: &[String], file: &str, text: &str) -> bool {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let found: Vec<String> = tokens(code).into_iter().map(|(_, token)| token).collect();
    words.iter().any(|word| {
        let wanted: Vec<String> = tokens(word).into_iter().map(|(_, token)| token).collect();
        match wanted.as_slice() {
            _ if word.starts_with("src/") => file.starts_with(word.as_str()),
            [name] => found.iter().any(|token| !token.contains(' ') && plain(token).contains(&plain(name))),
            _ => found.windows(wanted.len()).any(|tokens| tokens == wanted),
        }
    })
}

#[test]
fn the_documents_lists_are_where_an_example_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    files.retain(|file| !file.ends_with("tests.rs") && !file.starts_with(root.join("src/fuzzing")));
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>();
            (name.join("/"), std::fs::read_to_string(file).unwrap())
        })
        .collect();
    let trails = trails(&document());
    assert!(trails.len() >= 9, "ARCHITECTURE.md follows {} examples", trails.len());
    let mut wrong = Vec::new();
    for Trail { title, words, rows } in trails {
        assert!(!words.is_empty() && !rows.is_empty(), "{title}: nothing is followed");
        let found = texts.iter().filter(|(name, text)| follows(&words, name, text));
        let found: Vec<&String> = found.map(|(name, _)| name).collect();
        let covers = |row: &String, name: &str| name == row || (row.ends_with('/') && name.starts_with(row.as_str()));
        let new = found.iter().filter(|name| !rows.iter().any(|row| covers(row, name)));
        wrong.extend(new.map(|name| format!("{title}: + {name}")));
        let old = rows.iter().filter(|row| !found.iter().any(|name| covers(row, name)));
        wrong.extend(old.map(|row| format!("{title}: - {row}")));
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, files to add (+) and to take out (-):\n{}", wrong.join("\n"));
}

#[test]
fn names_are_followed_and_prose_is_not() {
    let follows = |word: &str, text: &str| follows(&[word.to_owned()], "src/model/mod.rs", text);
    let word = "minibatch_stddev";
    assert!(follows(word, "struct MinibatchStddev;") && follows(word, "let key = \"discriminator.minibatch_stddev\";"));
    assert!(!follows(word, "// minibatch_stddev\nconst TEXT: &str = \"see minibatch_stddev\";"));
    assert!(!follows(word, "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn minibatch_stddev() {}\n}"));
    assert!(follows("Family::Fast", "match x { Family::Fast => 1 }") && !follows("Family::Fast", "Family::Faster"));
    assert!(follows("src/model/", "") && !follows("src/metric/", ""));
}
