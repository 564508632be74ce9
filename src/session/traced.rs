//! Where a picture that this program drew comes from: what it says of that, and the session that it means.
//!
//! Anybody may have written what a picture says. Its numbers are numbers, its names are shown and nothing else, and a path in it
//! leads nowhere but to a session that is the one which the picture is of, by the first thing that session ever told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Component, Path, PathBuf, Prefix};

use sha2::{Digest as _, Sha256};

use super::naming::{list, list_in};
use super::untrusted::{self, inspect};
use super::{EVENTS, RUN};
use crate::event;
use crate::guard;

/// Bytes of a picture in which its texts are looked for; they stand before its pixels.
const BEGINNING: u64 = 256 << 10;
/// Bytes of a text that is taken.
const LONGEST_TEXT: usize = 4 << 10;
/// Bytes of the first line of what a session tells: its settings and the names of its classes.
const LONGEST_LINE: u64 = 4 << 20;
/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What stands for the user's own folder in a path, so that a picture which is passed on does not name its owner.
const HOME: &str = "~";

/// What a picture says of where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// The session's name.
    pub session: String,
    /// What tells its run from all others ([`run_id`]).
    pub run: Option<String>,
    /// Where the session was.
    path: Option<PathBuf>,
    /// Steps of its checkpoint.
    pub step: usize,
    /// The name of its class; none in a picture of several.
    pub class: Option<String>,
    /// The seed of its noise, where it is one image.
    pub seed: u64,
    /// Which image of that seed and class it is.
    pub number: usize,
    /// Where its noise was truncated; 0 for nowhere.
    pub truncation: f32,
}

impl Traced {
    /// What a PNG says; nothing where it is none, or not one that this program drew.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut texts = texts(bytes)?;
        let mut text = |name: &str| {
            texts.remove(name).map(|mut text| {
                event::truncate(&mut text);
                text
            })
        };
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let truncation = text("truncation").and_then(|text| text.parse().ok());
        Some(Self {
            session: text("session")?,
            step: usize::try_from(number(text("step"))?).ok()?,
            run: text("run"),
            path: text("path").and_then(|path| plain(&path)),
            class: text("class"),
            seed: number(text("seed")).unwrap_or(0),
            number: number(text("number")).and_then(|number| usize::try_from(number).ok()).unwrap_or(0),
            truncation: truncation.filter(|cut: &f32| cut.is_finite() && *cut > 0.0).unwrap_or(0.0),
        })
    }

    /// What a file says.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: &Path) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        guard::open_regular(path)?.take(BEGINNING).read_to_end(&mut bytes)?;
        Ok(Self::of(&bytes))
    }

    /// The session that it is of: one of those that are `open` already, one of the user's, whatever it is called now, or the one
    /// that lies where the picture says. Where it does not say which run it is of, names decide, and no path is followed.
    pub fn find(&self, open: &[PathBuf]) -> Option<PathBuf> {
        let own = list().into_iter().map(|listed| listed.folder);
        self.find_among(open.iter().cloned().chain(own))
    }

    fn find_among(&self, known: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
        find((&self.session, self.run.as_deref()), known, self.path.clone())
    }
}

/// Where the session is now that another one, in the folder `fork`, branched off: one of the user's or one beside the other, by its
/// run, whatever it is called now. Where it is not told which run that was, names decide.
pub fn find_parent(parent: &event::Parent, fork: &Path) -> Option<PathBuf> {
    let beside = fork.parent().map(list_in).unwrap_or_default();
    let known = beside.into_iter().chain(list()).map(|listed| listed.folder);
    find((&parent.session, parent.run.as_deref()), known, None)
}

/// The session of this name and run among those that are known, or else the one that may be `there`.
fn find(
    (name, run): (&str, Option<&str>),
    known: impl Iterator<Item = PathBuf>,
    there: Option<PathBuf>,
) -> Option<PathBuf> {
    let is_named = |folder: &PathBuf| folder.file_name().is_some_and(|found| found.to_string_lossy() == name);
    let (named, others): (Vec<PathBuf>, Vec<PathBuf>) = known.partition(is_named);
    let Some(run) = run else { return named.into_iter().find(|folder| is_session(folder)) };
    let mut all = named.into_iter().chain(others).chain(there);
    all.find(|folder| is_session(folder) && run_id(folder).as_deref() == Some(run))
}

/// What tells a run from all others, wherever its session lies and whatever it is called: a sum over the first line that it told,
/// which holds its settings and its time. Nothing where a session has told nothing.
pub fn run_id(session: &Path) -> Option<String> {
    let file = untrusted::open(session, EVENTS, u64::MAX).ok()??;
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST_LINE)).read_until(b'\n', &mut line).ok()?;
    line.ends_with(b"\n").then(|| guard::hex(&Sha256::digest(&line)[..16]))
}

/// Where a session lies, as a picture tells it: from the user's own folder on where it is there. Nothing where no text can say it.
pub fn told_path(session: &Path) -> Option<String> {
    let path = std::path::absolute(session).ok()?;
    match home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(below) => Some(format!("{HOME}/{}", below.to_str()?)),
        None => Some(path.to_str()?.to_owned()),
    }
}

fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// A path on a disk of this machine that leads straight to where it says; nothing for any other.
fn plain(path: &str) -> Option<PathBuf> {
    let below = path.strip_prefix(HOME).filter(|below| below.starts_with(['/', '\\']));
    let path = match below {
        Some(below) => home()?.join(below.trim_start_matches(['/', '\\'])),
        None => PathBuf::from(path),
    };
    let straight = |part: Component<'_>| match part {
        Component::RootDir | Component::Normal(_) => true,
        // Not another machine, which would be told who asks.
        Component::Prefix(prefix) => matches!(prefix.kind(), Prefix::Disk(_)),
        Component::CurDir | Component::ParentDir => false,
    };
    let text = path.to_str()?;
    (path.is_absolute() && !text.contains('\0') && path.components().all(straight)).then_some(path)
}

fn is_session(folder: &Path) -> bool {
    inspect(folder).is_ok() && untrusted::has_file(folder, RUN)
}

/// The texts of a PNG that stand before its pixels and are not compressed, by their names; of one name, the first.
fn texts(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut found = BTreeMap::new();
    while let Some(([a, b, c, d, kind @ ..], after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some(content) = after.get(..length) else { break };
        let text = match kind {
            b"IDAT" | b"IEND" => break,
            b"tEXt" => latin(content),
            b"iTXt" => unicode(content),
            _ => None,
        };
        if let Some((name, text)) = text.filter(|(_, text)| text.len() <= LONGEST_TEXT) {
            found.entry(name).or_insert(text);
        }
        // A sum over the chunk follows it.
        rest = after[length..].get(4..).unwrap_or_default();
    }
    Some(found)
}

/// Name and text of a `tEXt` chunk, whose bytes are the characters of Latin-1.
fn latin(content: &[u8]) -> Option<(String, String)> {
    let mut parts = content.splitn(2, |byte| *byte == 0);
    let mut next = || parts.next().map(|part| part.iter().map(|byte| char::from(*byte)).collect::<String>());
    Some((next()?, next()?))
}

/// Name and text of an `iTXt` chunk, where it is not compressed.
fn unicode(content: &[u8]) -> Option<(String, String)> {
    let mut parts = content.splitn(2, |byte| *byte == 0);
    let (name, rest) = (parts.next()?, parts.next()?);
    // Behind two bytes on compression stand the language and the translated name.
    let [0, _, rest @ ..] = rest else { return None };
    let text = rest.splitn(3, |byte| *byte == 0).nth(2)?;
    Some((String::from_utf8(name.to_vec()).ok()?, String::from_utf8(text.to_vec()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::png;
    use super::*;
    use std::fs;

    fn session(root: &Path, name: &str, told: &str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(RUN), "").unwrap();
        fs::write(folder.join(EVENTS), told).unwrap();
        folder
    }

    fn picture(texts: &[(&str, &str)]) -> Vec<u8> {
        let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, (*text).into())).collect();
        png((2, 2), &[7; 12], &texts).unwrap()
    }

    #[test]
    fn what_was_written_into_a_picture_is_read_from_it() {
        let class = "Zelle \u{7d30}\u{80de}";
        let bytes = picture(&[
            ("session", "größer"),
            ("step", "600"),
            ("class", class),
            ("seed", "18446744073709551615"),
            ("number", "3"),
            ("truncation", "0.5"),
            ("run", "abc"),
        ]);
        let traced = Traced::of(&bytes).unwrap();
        assert_eq!((traced.session.as_str(), traced.run.as_deref(), traced.step), ("größer", Some("abc"), 600));
        assert_eq!((traced.class.as_deref(), traced.seed, traced.number), (Some(class), u64::MAX, 3));
        assert_eq!(traced.truncation, 0.5);
        // Whoever else wrote it may have written anything, or nothing.
        assert_eq!(Traced::of(&picture(&[("Author", "somebody"), ("step", "1")])), None);
        assert_eq!(Traced::of(&picture(&[("session", "x"), ("step", "-1")])), None);
        assert_eq!(Traced::of(b"GIF89a"), None);
        let odd = [("session", "x"), ("step", "1"), ("seed", "-4"), ("truncation", "NaN"), ("path", "../x")];
        let odd = Traced::of(&picture(&odd)).unwrap();
        assert_eq!((odd.seed, odd.truncation, odd.path), (0, 0.0, None));
        for end in 0..bytes.len() {
            Traced::of(&bytes[..end]);
        }
    }

    #[test]
    fn a_session_is_found_by_its_run_whatever_it_is_called_now() {
        let root = tempfile::tempdir().unwrap();
        let [cells, renamed, other] = [("cells", "one\n"), ("renamed", "two\n"), ("twin", "three\n")]
            .map(|(name, told)| session(root.path(), name, told));
        let known = || [cells.clone(), renamed.clone(), other.clone()].into_iter();
        let of = |name: &str, run: Option<String>| {
            let texts = picture(&[("session", name), ("step", "1")]);
            Traced { run, ..Traced::of(&texts).unwrap() }
        };
        assert_eq!(of("cells", None).find_among(known()), Some(cells.clone()));
        assert_eq!(of("cells", run_id(&cells)).find_among(known()), Some(cells.clone()));
        assert_eq!(of("cells", run_id(&renamed)).find_among(known()), Some(renamed.clone()));
        assert_eq!(of("cells", Some("0".repeat(32))).find_among(known()), None, "another run of that name");
        assert_eq!(of("gone", None).find_among(known()), None);
        assert_eq!(run_id(&cells).map(|run| run.len()), Some(32));
        fs::write(cells.join(EVENTS), "cut").unwrap();
        assert_eq!(run_id(&cells), None);
    }

    #[test]
    fn a_parent_is_found_by_its_run_whatever_it_is_called_now() {
        let root = tempfile::tempdir().unwrap();
        let [old, fork] = [("old", "one\n"), ("fork", "two\n")].map(|(name, told)| session(root.path(), name, told));
        let parent = event::Parent { session: "old".to_owned(), step: 3, run: run_id(&old) };
        assert_eq!(find_parent(&parent, &fork), Some(old.clone()));
        let new = root.path().join("new");
        fs::rename(&old, &new).unwrap();
        assert_eq!(find_parent(&parent, &fork), Some(new.clone()));
        // Another one that took the name since is not it.
        session(root.path(), "old", "three\n");
        assert_eq!(find_parent(&parent, &fork), Some(new.clone()));
        let elsewhere = tempfile::tempdir().unwrap();
        fs::rename(new, elsewhere.path().join("new")).unwrap();
        assert_eq!(find_parent(&parent, &fork), None);
        // Forks of earlier releases know the name alone.
        assert_eq!(find_parent(&event::Parent { run: None, ..parent }, &fork), Some(old));
    }

    #[test]
    fn a_path_in_a_picture_leads_to_the_session_that_it_is_of_and_to_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let there = session(root.path(), "there", "one\n");
        let at = |path: &Path, run: Option<String>| {
            let path = path.to_str().unwrap().to_owned();
            let texts = picture(&[("session", "there"), ("step", "1"), ("path", &path)]);
            Traced { run, ..Traced::of(&texts).unwrap() }.find_among(std::iter::empty())
        };
        assert_eq!(at(&there, run_id(&there)), Some(there.clone()));
        assert_eq!(at(&there, None), None, "nothing says that it is the same");
        assert_eq!(at(&there, Some("0".repeat(32))), None);
        assert_eq!(at(&root.path().join("there/../there"), run_id(&there)), None);
        assert_eq!(at(root.path(), run_id(&there)), None, "no session");
        for path in ["there", "~there", "", "~", "\\\\host\\share\\there", "//host/../x", "/a/../b"] {
            assert_eq!(plain(path), None, "{path}");
        }
        #[cfg(unix)]
        {
            // What is no plain file is not opened.
            let run = run_id(&there);
            fs::rename(there.join(EVENTS), root.path().join("told")).unwrap();
            std::os::unix::fs::symlink("../told", there.join(EVENTS)).unwrap();
            assert_eq!(at(&there, run), None);
        }
    }

    #[test]
    fn the_users_own_folder_is_not_named() {
        let Some(home) = home() else { return };
        let told = told_path(&home.join("runs/x")).unwrap();
        assert_eq!(told, "~/runs/x");
        assert_eq!(plain(&told), Some(home.join("runs/x")));
        let root = tempfile::tempdir().unwrap();
        if !root.path().starts_with(&home) {
            let told = told_path(root.path()).unwrap();
            assert_eq!(plain(&told).as_deref(), Some(root.path()));
        }
    }
}
