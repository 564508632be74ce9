//! The one place that opens what lies in a session's folder, which anybody may have filled.
//!
//! A session holds plain files and folders under names that this program gave them. Nothing is read or written through a
//! link, nothing is opened that could make its reader wait for ever (a pipe, a device, a socket), and no file is read that
//! is longer than its kind can be.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

use super::{
    ABOUT, BACKGROUND, CHECKPOINTS, EVENTS, EXPORTS, GRIDS, LIVE, LOCK, NEAREST, QUIZ, RUN, Result, SessionError,
};
use crate::event::REAL_IMAGES;

/// What this program reads or writes as a file right below a session's folder.
const FILES: [&str; 6] = [RUN, EVENTS, LOCK, ABOUT, REAL_IMAGES, BACKGROUND];
/// What it uses as a folder.
const FOLDERS: [&str; 6] = [GRIDS, NEAREST, LIVE, CHECKPOINTS, QUIZ, EXPORTS];

/// Refuses a session in which anything that this program uses is not the plain file or folder that it should be.
///
/// # Errors
/// Names the first such thing.
pub fn inspect(session: &Path) -> Result<()> {
    for name in FILES {
        if let Some(about) = look(session, name)?
            && !about.is_file()
        {
            return Err(wrong_kind(&session.join(name), &about, "file"));
        }
    }
    for name in FOLDERS {
        if let Some(about) = look(session, name)?
            && !about.is_dir()
        {
            return Err(wrong_kind(&session.join(name), &about, "folder"));
        }
    }
    let entries = entries(session, CHECKPOINTS)?;
    let odd = entries.iter().find(|entry| entry.kind == Kind::Other && super::step_of(&entry.name).is_some());
    if let Some(odd) = odd {
        let path = session.join(CHECKPOINTS).join(&odd.name);
        return Err(SessionError::foreign(&path, "a link, or neither a file nor a folder"));
    }
    Ok(())
}

/// Whether there is a plain file of this name.
pub(super) fn has_file(session: &Path, name: &str) -> bool {
    look(session, name).is_ok_and(|about| about.is_some_and(|about| about.is_file()))
}

/// Opens a file of at most `most` bytes to read it; nothing where there is none.
///
/// # Errors
/// Where it is no plain file, or a longer one, or cannot be opened.
pub(super) fn open(session: &Path, name: &str, most: u64) -> Result<Option<File>> {
    let path = session.join(name);
    let Some(about) = look(session, name)? else { return Ok(None) };
    if !about.is_file() {
        return Err(wrong_kind(&path, &about, "file"));
    }
    let file = options().read(true).open(&path).map_err(SessionError::io("could not open", &path))?;
    // What was opened counts, not what was there a moment ago.
    let about = file.metadata().map_err(SessionError::io("could not read", &path))?;
    if !about.is_file() {
        return Err(wrong_kind(&path, &about, "file"));
    }
    if about.len() > most {
        let reason = format!("{} bytes are more than any such file has ({most}), so it is not read", about.len());
        return Err(SessionError::content(&path, reason));
    }
    Ok(Some(file))
}

/// All bytes of a file of at most `most`.
///
/// # Errors
/// Where there is none, or it is no plain file, or a longer one, or cannot be read.
pub(super) fn read(session: &Path, name: &str, most: u64) -> Result<Vec<u8>> {
    let path = session.join(name);
    let failed = || SessionError::io("could not read", &path);
    let file = open(session, name, most)?.ok_or_else(|| failed()(ErrorKind::NotFound.into()))?;
    let length = file.metadata().map_err(failed())?.len();
    let mut content = Vec::new();
    let refused = |_| failed()(ErrorKind::OutOfMemory.into());
    content.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(refused)?;
    file.take(most).read_to_end(&mut content).map_err(failed())?;
    Ok(content)
}

/// The text of a file of at most `most` bytes.
///
/// # Errors
/// As [`read`], and where it is no UTF-8.
pub(super) fn read_text(session: &Path, name: &str, most: u64) -> Result<String> {
    let content = read(session, name, most)?;
    String::from_utf8(content).map_err(|err| SessionError::content(&session.join(name), err.utf8_error().to_string()))
}

/// Opens a file to write to it where it is, and makes it where it is missing.
///
/// # Errors
/// Where it is no plain file, or stands elsewhere under another name as well, or cannot be opened.
pub(super) fn open_to_write(session: &Path, name: &str, append: bool) -> Result<File> {
    let path = session.join(name);
    let check = |about: &Metadata| {
        if !about.is_file() {
            Err(wrong_kind(&path, about, "file"))
        } else if names(about) > 1 {
            Err(SessionError::foreign(&path, "a file that has a second name elsewhere (a hard link)"))
        } else {
            Ok(())
        }
    };
    look(session, name)?.as_ref().map_or(Ok(()), check)?;
    let mut options = options();
    options.read(true).create(true).append(append).write(true);
    let file = options.open(&path).map_err(SessionError::io("could not open", &path))?;
    check(&file.metadata().map_err(SessionError::io("could not open", &path))?)?;
    Ok(file)
}

/// Opens a file of a session's folder to add to its end, such as what a run says that goes on without a window.
///
/// # Errors
/// Where it is no plain file, or cannot be opened.
pub fn append(session: &Path, name: &str) -> Result<File> {
    open_to_write(session, name, true)
}

/// A folder below a session's, made where it is missing.
///
/// # Errors
/// Where something else stands there, or it cannot be made.
pub fn folder(session: &Path, name: &str) -> Result<PathBuf> {
    let mut below = String::new();
    for part in name.split('/') {
        below = if below.is_empty() { part.to_owned() } else { format!("{below}/{part}") };
        let path = session.join(&below);
        match look(session, &below)? {
            Some(about) if about.is_dir() => {}
            Some(about) => return Err(wrong_kind(&path, &about, "folder")),
            None => match fs::create_dir(&path) {
                Err(err) if err.kind() != ErrorKind::AlreadyExists => {
                    return Err(SessionError::io("could not make the folder", &path)(err));
                }
                Ok(()) | Err(_) => {}
            },
        }
    }
    Ok(session.join(name))
}

/// What an entry of a folder is, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a device or a socket.
    Other,
}

/// An entry of a folder whose name is a text.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub kind: Kind,
}

/// What lies in a folder below a session's (in the session's own for an empty name), by name; nothing where it is missing.
///
/// # Errors
/// Where it is no folder, or cannot be read.
pub(super) fn entries(session: &Path, name: &str) -> Result<Vec<Entry>> {
    let path = session.join(name);
    if !name.is_empty() {
        match look(session, name)? {
            None => return Ok(Vec::new()),
            Some(about) if !about.is_dir() => return Err(wrong_kind(&path, &about, "folder")),
            Some(_) => {}
        }
    }
    let entry = |entry: fs::DirEntry| {
        // Of the entry itself, not of what a link leads to.
        let kind = match entry.file_type().ok()? {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        Some(Entry { name: entry.file_name().into_string().ok()?, kind })
    };
    let read = fs::read_dir(&path).map_err(SessionError::io("could not read", &path))?;
    let mut found: Vec<Entry> = read.flatten().filter_map(entry).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// What stands under a name below a session's folder, by itself; nothing where nothing does.
///
/// # Errors
/// Where the name leads out of the folder, or through a link or a file, or is a link.
fn look(session: &Path, name: &str) -> Result<Option<Metadata>> {
    let plain = |part: &str| {
        let normal = Path::new(part).components().eq([Component::Normal(part.as_ref())]);
        normal && !part.contains('\0') && !(cfg!(windows) && part.contains(':'))
    };
    if !name.split('/').all(plain) {
        return Err(SessionError::content(&session.join(name), "the name leads out of the session"));
    }
    let mut path = session.to_owned();
    let mut found = None;
    for part in name.split('/') {
        if let Some(above) = found.as_ref().filter(|above: &&Metadata| !above.is_dir()) {
            return Err(wrong_kind(&path, above, "folder"));
        }
        path.push(part);
        let about = match fs::symlink_metadata(&path) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
            about => about.map_err(SessionError::io("could not read", &path))?,
        };
        if about.is_symlink() {
            return Err(SessionError::foreign(&path, "a link"));
        }
        found = Some(about);
    }
    Ok(found)
}

fn wrong_kind(path: &Path, about: &Metadata, wanted: &str) -> SessionError {
    let is = if about.is_dir() {
        "a folder"
    } else if about.is_file() {
        "a file"
    } else {
        "a pipe, a device or a socket"
    };
    SessionError::foreign(path, &format!("{is}, not a {wanted}"))
}

/// Follows no link and never waits for the other end of a pipe.
fn options() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0020_0000); // FILE_FLAG_OPEN_REPARSE_POINT
    options
}

/// Under how many names a file stands, where the system tells it.
#[cfg(unix)]
fn names(about: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(about)
}
#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T>(result: Result<T>) -> String {
        result.err().map(|err| err.to_string()).unwrap_or_default()
    }

    #[test]
    fn names_that_lead_out_are_refused_and_missing_files_are_none() {
        let session = tempfile::tempdir().unwrap();
        fs::write(session.path().join("plain"), "12345").unwrap();
        for name in ["../plain", "/etc/hostname", "", ".", "a/../plain", "a//b", "./plain", "plain/", "a\0b"] {
            assert!(told(open(session.path(), name, 9)).contains("leads out"), "{name:?}");
        }
        assert!(open(session.path(), "nothing", 9).unwrap().is_none());
        assert!(open(session.path(), "no/thing", 9).unwrap().is_none());
        assert_eq!(read(session.path(), "plain", 5).unwrap(), b"12345");
        assert!(told(read(session.path(), "plain", 4)).contains("not read"));
        assert!(told(read(session.path(), "plain/x", 9)).contains("plain is a file, not a folder"));
        assert!(told(entries(session.path(), "plain")).contains("not a folder"));
        assert!(told(folder(session.path(), "plain")).contains("not a folder"));
        assert!(folder(session.path(), "a/b").unwrap().is_dir());
        assert!(told(open(session.path(), "a", 9)).contains("is a folder, not a file"));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_reached_through_a_link_and_nothing_waits() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let session = root.path().join("session");
        fs::create_dir_all(session.join("grids")).unwrap();
        fs::create_dir(root.path().join("theirs")).unwrap();
        fs::write(root.path().join("theirs/file"), "theirs").unwrap();
        symlink("../theirs/file", session.join("lock")).unwrap();
        symlink("../theirs", session.join("exports")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(session.join("about.toml")).status().unwrap().success());
        fs::hard_link(root.path().join("theirs/file"), session.join("events.jsonl")).unwrap();
        for result in [
            told(open(&session, "lock", 99)),
            told(open_to_write(&session, "lock", false)),
            told(open(&session, "exports/file", 99)),
            told(folder(&session, "exports")),
            told(folder(&session, "exports/deeper")),
            told(entries(&session, "exports")),
        ] {
            assert!(result.contains("is a link"), "{result}");
        }
        for result in [told(open(&session, "about.toml", 99)), told(open_to_write(&session, "about.toml", true))] {
            assert!(result.contains("pipe"), "{result}");
        }
        assert!(told(open_to_write(&session, "events.jsonl", true)).contains("hard link"));
        assert!(told(inspect(&session)).contains("lock"));
        assert_eq!(fs::read(root.path().join("theirs/file")).unwrap(), b"theirs");
        assert!(!root.path().join("theirs/deeper").exists());
        // As a program that races with this one would leave it: the opening itself follows nothing.
        assert!(options().read(true).open(session.join("lock")).is_err());
        assert!(options().read(true).open(session.join("about.toml")).unwrap().metadata().unwrap().len() == 0);
    }
}
