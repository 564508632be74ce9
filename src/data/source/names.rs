//! Finds the files that tables name, however their names are spelled there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization as _;

use super::super::open::may_be_picture;

/// Names of files by which they can be found: the whole, without extension, and (for names that name no folder) without
/// the folder they lie in.
pub(super) struct Names {
    names: Vec<String>,
    /// One list for each way of naming a file: the hash of a name, and whose it is.
    ways: [Vec<(u64, u32)>; 4],
}

/// What a name leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    One(usize),
    None,
    /// Several, with their names.
    Several(Vec<String>),
}

const WAYS: [fn(&str) -> &str; 4] = [|name| name, stem, base, |name| base(stem(name))];

impl Names {
    pub fn new(names: Vec<String>) -> Self {
        let ways = WAYS.map(|way| {
            let number =
                |(at, name): (usize, &String)| (hash(&folded(way(name))), u32::try_from(at).unwrap_or(u32::MAX));
            let mut list: Vec<(u64, u32)> = names.iter().enumerate().map(number).collect();
            list.sort_unstable();
            list
        });
        Self { names, ways }
    }

    /// The file of a name in which parts are divided by `/`. The nearest way of naming it counts; upper and lower case and
    /// how accents are stored decide only between files that differ in nothing else.
    pub fn find(&self, name: &str) -> Found {
        let wanted = folded(name);
        let hash = hash(&wanted);
        let ways = if name.contains('/') { 2 } else { 4 };
        for (list, way) in self.ways.iter().zip(WAYS).take(ways) {
            let start = list.partition_point(|(other, _)| *other < hash);
            let same = list[start..].iter().take_while(|(other, _)| *other == hash).map(|(_, at)| *at as usize);
            let all: Vec<usize> = same.filter(|at| folded(way(&self.names[*at])) == wanted).collect();
            let exact = |at: &&usize| way(&self.names[**at]).nfc().eq(name.nfc());
            let exactly: Vec<usize> = all.iter().filter(exact).copied().collect();
            match (all.as_slice(), exactly.as_slice()) {
                ([], _) => {}
                ([one], _) | (_, [one]) => return Found::One(*one),
                (several, _) => return Found::Several(several.iter().map(|at| self.names[*at].clone()).collect()),
            }
        }
        Found::None
    }

    pub fn name(&self, at: usize) -> &str {
        &self.names[at]
    }
}

/// A name without the extension of a picture.
fn stem(name: &str) -> &str {
    let short = name.strip_suffix(".gz").unwrap_or(name);
    match short.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') && !stem.is_empty() && may_be_picture(Path::new(name)) => {
            stem
        }
        _ => name,
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A name in which neither case nor the way that accents are stored shows.
pub(in crate::data) fn folded(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        name.nfc().collect::<String>().to_lowercase().nfc().collect()
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// A table's name of a file as one below `root`, with `/` between its parts; nothing where it leads elsewhere.
pub(super) fn below(name: &str, root: &Path) -> Option<String> {
    let name = name.strip_prefix("file://").unwrap_or(name).replace('\\', "/");
    let name = if is_absolute(&name) {
        let roots = [std::path::absolute(root).ok(), std::fs::canonicalize(root).ok()];
        let roots = roots.into_iter().flatten().map(|root| root.to_string_lossy().replace('\\', "/"));
        roots.into_iter().find_map(|root| {
            let root = root.strip_prefix("//?/").unwrap_or(&root).trim_end_matches('/').to_owned();
            name.strip_prefix(&root).filter(|rest| rest.starts_with('/')).map(str::to_owned)
        })?
    } else {
        name
    };
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.contains(&"..") && !parts.is_empty()).then(|| parts.join("/"))
}

fn is_absolute(name: &str) -> bool {
    name.starts_with('/') || matches!(name.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

/// Whether a path is not one below the folder that it is relative to.
pub(super) fn leaves(name: &str) -> bool {
    Path::new(name).components().any(|part| match part {
        Component::Prefix(_) | Component::RootDir | Component::ParentDir => true,
        Component::CurDir | Component::Normal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Names {
        Names::new(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn files_are_found_without_extension_folder_case_and_normalisation() {
        let names = names(&[
            "a/1.png",
            "b/ISIC_7.jpg",
            "b/caf\u{e9}.PNG",
            "c/scan.nii.gz",
            "c/1.2.840.5",
            "b/x.jpg",
            "c/x.png",
        ]);
        for (name, at) in [
            ("a/1.png", 0),
            ("a/1", 0),
            ("1", 0),
            ("isic_7", 1),
            ("b/cafe\u{301}.png", 2),
            ("scan", 3),
            ("c/1.2.840.5", 4),
            ("x.png", 6),
        ] {
            assert_eq!(names.find(name), Found::One(at), "{name}");
        }
        assert_eq!(names.find("x"), Found::Several(vec!["b/x.jpg".to_owned(), "c/x.png".to_owned()]));
        // A name that names a folder means that one.
        assert_eq!(names.find("z/1.png"), Found::None);
        assert_eq!(names.find("1.jpg"), Found::None);
        assert_eq!(names.name(1), "b/ISIC_7.jpg");
    }

    #[test]
    fn two_files_that_differ_in_case_are_told_apart_by_it() {
        let names = names(&["A.png", "a.png"]);
        assert_eq!((names.find("A.png"), names.find("a.png")), (Found::One(0), Found::One(1)));
        assert!(matches!(names.find("A.PNG"), Found::Several(_)));
    }

    #[test]
    fn paths_stay_below_their_folder() {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("x/1.png");
        let inside = inside.to_str().unwrap();
        for (name, below_it) in [
            ("x\\1.png", Some("x/1.png")),
            (".\\x\\\\1.png", Some("x/1.png")),
            (inside, Some("x/1.png")),
            (&format!("file://{inside}"), Some("x/1.png")),
            ("../1.png", None),
            ("x/../../1.png", None),
            ("/etc/passwd", None),
            ("C:\\x\\1.png", None),
            (root.path().to_str().unwrap(), None),
            ("", None),
        ] {
            assert_eq!(below(name, root.path()).as_deref(), below_it, "{name}");
        }
    }
}
