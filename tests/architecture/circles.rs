//! Files that use each other in a circle, of which none can be read, or changed, before the others.
//!
//! A file uses another where it names what that one defines, through whatever hands it on. A `pub use` alone uses nothing, tests
//! do not count, and methods are not followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::paths::tokens;
use super::sources;

/// The names that lead to a module from the root on, or that a path is written with.
type Names = Vec<String>;

/// Names that stand for each other before one that is followed no further.
const DEEPEST: usize = 8;

/// What is known of a module.
#[derive(Default)]
struct Module {
    file: usize,
    children: BTreeSet<String>,
    defined: BTreeSet<String>,
    /// Names that `use` brings in, with what they stand for, and modules of which it brings in everything.
    brought: BTreeMap<String, Names>,
    globs: Vec<Names>,
    /// Paths, and single words, that stand in its code.
    said: BTreeSet<Names>,
}

/// Where a path leads.
enum Found {
    Module(Names),
    /// An item, by its file.
    Item(usize),
}

/// The modules of some files, by their names.
#[derive(Default)]
struct House(BTreeMap<Names, Module>);

impl House {
    /// Of files with their texts.
    fn of(files: &[(String, String)]) -> Self {
        let mut house = Self::default();
        let mut tests: BTreeSet<Names> = BTreeSet::new();
        for (at, (name, text)) in files.iter().enumerate() {
            let mut names: Names = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            names.truncate(names.len() - usize::from(matches!(names.last().map(String::as_str), Some("mod" | "lib"))));
            let all: Vec<String> = tokens(text).into_iter().map(|(_, word)| word).collect();
            let (code, own) = without_tests(&all);
            tests.extend(own.into_iter().map(|name| [&names[..], &[name]].concat()));
            house.read(&names, at, &code);
        }
        house.0.retain(|names, _| !tests.iter().any(|test| names.starts_with(test)));
        house
    }

    fn read(&mut self, names: &[String], file: usize, code: &[String]) {
        let word = |at: usize| code.get(at).map_or("", String::as_str);
        let variants = variants(code);
        let mut module = Module { file, ..Module::default() };
        let mut at = 0;
        while at < code.len() {
            let before = at.checked_sub(1).map_or("", word);
            match (word(at), word(at + 2)) {
                ("mod", ";") => _ = module.children.insert(word(at + 1).to_owned()),
                ("mod", "{") => {
                    let (name, end) = (word(at + 1).to_owned(), closing(code, at + 2));
                    self.read(&[names, std::slice::from_ref(&name)].concat(), file, &code[at + 3..end]);
                    module.children.insert(name);
                    at = end;
                }
                ("use", _) if matches!(before, "" | ";" | "}" | "{" | "pub" | ")" | "]") => {
                    let mut brought = Vec::new();
                    at = tree(code, at + 1, &[], &mut brought);
                    // What is handed on is used where it is named.
                    if !matches!(before, "pub" | ")") {
                        module.said.extend(brought.iter().map(|(path, _)| path.clone()));
                    }
                    for (path, name) in brought {
                        match name.as_str() {
                            "*" => module.globs.push(path),
                            "_" => {}
                            _ => _ = module.brought.insert(name, path),
                        }
                    }
                    continue;
                }
                (name, _) if starts_name(name) && !matches!(before, "::" | ".") => {
                    let mut path = vec![name.to_owned()];
                    while word(at + 1) == "::" && starts_name(word(at + 2)) {
                        path.push(word(at + 2).to_owned());
                        at += 2;
                    }
                    let defines = ["struct", "enum", "fn", "const", "static", "type", "trait", "macro_rules", "union"];
                    if defines.contains(&before)
                        || word(at.wrapping_sub(2)) == "macro_rules"
                        || ["choice", "section"].contains(&word(at.wrapping_sub(3)))
                    {
                        module.defined.insert(name.to_owned());
                    }
                    // A small name that is no call is a field's or a variable's.
                    let small = name.starts_with(|c: char| c.is_lowercase());
                    let alone = path.len() == 1;
                    let is_other = word(at + 1) == "="
                        || variants.contains(&at)
                        || (small && (word(at + 1) != "(" || before == "fn"));
                    if !(alone && is_other) {
                        module.said.insert(path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.0.insert(names.to_vec(), module);
    }

    /// Where a path leads that stands in a module; nothing where it leads out of the crate.
    fn find(&self, from: &[String], path: &[String], depth: usize) -> Option<Found> {
        let mut at = from.to_vec();
        for (place, name) in path.iter().enumerate() {
            let module = self.0.get(&at)?;
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => _ = at.pop(),
                _ if module.children.contains(name) => at.push(name.clone()),
                _ => {
                    let rest = &path[place + 1..];
                    let itself = |other: &Names| other.len() == 1 && other[0] == *name;
                    if let Some(other) = module.brought.get(name).filter(|other| depth > 0 && !itself(other)) {
                        match self.find(&at, other, depth - 1)? {
                            Found::Module(names) => at = names,
                            item @ Found::Item(_) => return Some(item),
                        }
                        continue;
                    }
                    for glob in module.globs.iter().filter(|_| depth > 0) {
                        let Some(Found::Module(names)) = self.find(&at, glob, depth - 1) else { continue };
                        let has = |other: &Module| other.defined.contains(name) || other.brought.contains_key(name);
                        if names != at && self.0.get(&names).is_some_and(has) {
                            return self.find(&names, &[std::slice::from_ref(name), rest].concat(), depth - 1);
                        }
                    }
                    let here = place > 0 || module.defined.contains(name);
                    return here.then_some(Found::Item(module.file));
                }
            }
        }
        Some(Found::Module(at))
    }

    /// For each of so many files those that it uses, with what it names of them.
    fn uses(&self, files: usize) -> Vec<BTreeMap<usize, String>> {
        let mut uses = vec![BTreeMap::new(); files];
        for (names, module) in &self.0 {
            for path in &module.said {
                if let Some(Found::Item(file)) = self.find(names, path, DEEPEST)
                    && file != module.file
                {
                    uses[module.file].entry(file).or_insert_with(|| path.join("::"));
                }
            }
        }
        uses
    }
}

/// Whether this begins a name.
fn starts_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The place of what closes the bracket at a place.
fn closing(code: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (at, word) in code.iter().enumerate().skip(open) {
        depth +=
            i32::from(matches!(word.as_str(), "{" | "(" | "[")) - i32::from(matches!(word.as_str(), "}" | ")" | "]"));
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

/// The code without what is for tests, and the names of the files of tests beside it.
fn without_tests(code: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut files, mut at) = (Vec::new(), Vec::new(), 0);
    while at < code.len() {
        if !code[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_owned)) {
            kept.push(code[at].clone());
            at += 1;
            continue;
        }
        at += 7;
        let start = at;
        while at < code.len() && !matches!(code[at].as_str(), ";" | ",") {
            let opens = matches!(code[at].as_str(), "{" | "(" | "[");
            let is_body = code[at] == "{" && code[start] != "use";
            at = if opens { closing(code, at) } else { at };
            if is_body {
                break;
            }
            at += 1;
        }
        let item = &code[start..at.min(code.len())];
        if let Some(name) = item.iter().position(|word| word == "mod").and_then(|at| item.get(at + 1)) {
            files.push(name.clone());
        }
        at += 1;
    }
    (kept, files)
}

/// The places of the names of variants.
fn variants(code: &[String]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for start in code.iter().enumerate().filter(|(_, word)| *word == "enum").map(|(at, _)| at) {
        let Some(open) = (start..code.len()).find(|at| code[*at] == "{") else { break };
        let (mut at, end) = (open + 1, closing(code, open));
        while at < end {
            if matches!(code[at - 1].as_str(), "{" | "," | "]") {
                found.insert(at);
            }
            at = if matches!(code[at].as_str(), "{" | "(" | "[") { closing(code, at) + 1 } else { at + 1 };
        }
    }
    found
}

/// Reads what a `use` brings in, from the word at `at` on behind a path: each path with its name. Returns where it ends.
fn tree(code: &[String], mut at: usize, path: &[String], brought: &mut Vec<(Names, String)>) -> usize {
    let word = |at: usize| code.get(at).map_or("", String::as_str);
    match word(at) {
        "{" => {
            at += 1;
            while !matches!(word(at), "}" | "") {
                at = tree(code, at, path, brought);
                at += usize::from(word(at) == ",");
            }
            at + 1
        }
        "*" => {
            brought.push((path.to_vec(), "*".to_owned()));
            at + 1
        }
        name => {
            let mut path = path.to_vec();
            if name != "self" || path.is_empty() {
                path.push(name.to_owned());
            }
            if word(at + 1) == "::" {
                return tree(code, at + 2, &path, brought);
            }
            let renamed = word(at + 1) == "as";
            let name = if renamed { word(at + 2).to_owned() } else { path.last().cloned().unwrap_or_default() };
            brought.push((path, name));
            at + if renamed { 3 } else { 1 }
        }
    }
}

/// The circles among files, each told with what closes it; a module and a file of its own folder may use each other.
fn circles(files: &[(String, String)]) -> Vec<String> {
    let uses = House::of(files).uses(files.len());
    let reached = |from: usize| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            open.extend(uses[file].keys().filter(|next| reached.insert(**next)));
        }
        reached
    };
    let reached: Vec<BTreeSet<usize>> = (0..files.len()).map(reached).collect();
    let mut told = Vec::new();
    for first in 0..files.len() {
        let circle: Vec<usize> =
            reached[first].iter().copied().filter(|file| reached[*file].contains(&first)).collect();
        let names: Vec<&str> = circle.iter().map(|file| files[*file].0.as_str()).collect();
        let neighbours = |one: &str, other: &str| {
            one.strip_suffix("mod.rs")
                .and_then(|folder| other.strip_prefix(folder))
                .is_some_and(|rest| !rest.trim_end_matches("/mod.rs").contains('/'))
        };
        if circle.first() != Some(&first) || matches!(names[..], [a, b] if neighbours(a, b) || neighbours(b, a)) {
            continue;
        }
        let closes = circle.iter().flat_map(|from| uses[*from].iter().map(move |(to, what)| (from, to, what)));
        let closes = closes.filter(|(_, to, _)| circle.contains(to));
        let lines = closes.map(|(from, to, what)| format!("\n  {} -> {}: {what}", files[*from].0, files[*to].0));
        told.push(format!("{} files:{}", circle.len(), lines.collect::<String>()));
    }
    told
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let named = |file: &std::path::PathBuf| {
        let name: Vec<&str> = file.strip_prefix(&src).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
        (name.join("/"), std::fs::read_to_string(file).unwrap())
    };
    let files: Vec<(String, String)> = files.iter().map(named).collect();
    let found = circles(&files);
    assert!(found.is_empty(), "move what is named here to where the others can use it:\n{}", found.join("\n"));
}

#[test]
fn circles_are_found_through_whatever_hands_on() {
    let told = |files: &[(&str, &str)]| {
        let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        circles(&files).len()
    };
    let root = ("lib.rs", "mod a; mod b;");
    let (a, b) = ("a.rs", "b/mod.rs");
    assert_eq!(told(&[root, (a, "use crate::b::f; pub struct A;"), (b, "fn f(_: crate::a::A) {}")]), 1);
    assert_eq!(
        told(&[
            root,
            (a, "use crate::b::f; pub struct A;"),
            (b, "fn f() {} #[cfg(test)] mod tests { use crate::a::A; }")
        ]),
        0
    );
    assert_eq!(told(&[root, (a, "use crate::b::{self, f}; struct A;"), (b, "fn f() {} enum B { A }")]), 0);
    let inner = ("b/c.rs", "pub fn f(_: super::B) {}");
    assert_eq!(told(&[root, inner, (b, "mod c; pub use c::f; pub struct B;"), (a, "")]), 0, "handed on");
    assert_eq!(told(&[root, inner, (b, "mod c; use c::f; pub struct B;"), (a, "")]), 0, "neighbours");
    let other = ("b/d.rs", "use super::c::f; pub struct D;");
    assert_eq!(told(&[root, inner, other, (b, "mod c; mod d; use d::D as E; pub struct B(E);"), (a, "")]), 1, "three");
    let through = "mod c; pub use c::f; pub struct B(crate::a::A);";
    assert_eq!(told(&[root, inner, (b, through), (a, "pub struct A; fn g() { super::b::f() }")]), 1, "the real place");
    assert_eq!(
        told(&[root, (b, "pub use crate::a::A; fn f(_: A) {}"), (a, "use crate::b; pub struct A; fn g() { b::f() }")]),
        1
    );
    assert_eq!(
        told(&[root, (b, "use crate::a::*; fn f(_: A) {}"), (a, "pub struct A; use crate::b::f;")]),
        1,
        "all at once"
    );
}
