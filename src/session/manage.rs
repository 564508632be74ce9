//! Renames and removes whole sessions, but never one that a run writes to.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Lock, RUN, Result, SessionError, removal};
use crate::guard;

/// Characters that some system does not allow in names.
const FORBIDDEN: &str = "/\\:*?\"<>|";
/// Bytes of the longest name; most file systems allow 255.
const LONGEST: usize = 200;

/// What is wrong with a name for a session, where something is.
pub fn check_name(name: &str) -> std::result::Result<(), String> {
    let forbidden = name.chars().find(|c| c.is_control() || FORBIDDEN.contains(*c));
    let plain = Path::new(name).components().eq([Component::Normal(name.as_ref())]);
    if name.trim().is_empty() {
        Err("Type a name".to_owned())
    } else if let Some(c) = forbidden {
        Err(format!("A name cannot hold {c:?}"))
    } else if name.trim() != name || name.starts_with('.') || name.ends_with('.') {
        Err("A name cannot begin or end with a dot or a space".to_owned())
    } else if name.len() > LONGEST {
        Err(format!("A name can have {LONGEST} bytes; this one has {}", name.len()))
    } else if guard::is_device(name) {
        Err("A name cannot be that of a device on Windows".to_owned())
    } else if !plain {
        Err("A name cannot lead out of the folder".to_owned())
    } else {
        Ok(())
    }
}

/// Gives a session another name beside where it is, and returns its new folder.
///
/// # Errors
/// Where the name is taken or none, a run writes to the session, or the system refuses.
pub fn rename(folder: &Path, name: &str) -> Result<PathBuf> {
    check_name(name).map_err(|reason| SessionError::content(folder, format!("could not be renamed: {reason}")))?;
    let to = folder.with_file_name(name);
    if to == folder {
        return Ok(to);
    }
    // On systems that do not tell cases apart, a name that differs by them alone is the same folder.
    let same = || matches!((fs::canonicalize(&to), fs::canonicalize(folder)), (Ok(a), Ok(b)) if a == b);
    if fs::symlink_metadata(&to).is_ok() && !same() {
        return Err(SessionError::content(&to, "is there already: choose another name"));
    }
    let lock = hold(folder)?;
    let renamed = fs::rename(folder, &to).map_err(SessionError::io("could not rename", folder));
    drop(lock);
    renamed.map(|()| to)
}

/// Moves a session into the system's trash.
///
/// # Errors
/// Where a run writes to the session, or the system has no trash for it; the session stays then.
pub fn trash(folder: &Path) -> Result<()> {
    let lock = hold_whatever(folder)?;
    let moved = removal::trash(folder);
    drop(lock);
    moved
}

/// Deletes a session for good.
///
/// # Errors
/// Where a run writes to the session, or something of it cannot be deleted.
pub fn delete(folder: &Path) -> Result<()> {
    let lock = hold_whatever(folder)?;
    // Away from the list first, so that half a session is never taken for one.
    let hidden = removal::hide(folder)?;
    drop(lock);
    removal::hidden(&hidden)
}

/// The session's lock while its folder moves. Windows moves no folder with an open file, so there it is only looked at.
fn hold(folder: &Path) -> Result<Option<Lock>> {
    if fs::symlink_metadata(folder.join(RUN)).is_err() {
        return Err(SessionError::Missing(folder.display().to_string()));
    }
    let lock = Lock::take(folder)?;
    Ok((!cfg!(windows)).then_some(lock))
}

/// The same for a session that goes as a whole, which one may that nothing else is done with: no run has a lock on it.
fn hold_whatever(folder: &Path) -> Result<Option<Lock>> {
    match hold(folder) {
        Err(SessionError::Foreign { .. }) => Ok(None),
        held => held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(root: &Path, name: &str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir_all(folder.join("grids")).unwrap();
        fs::write(folder.join(RUN), "").unwrap();
        folder
    }

    #[test]
    fn names_that_lead_elsewhere_or_are_none_are_refused() {
        for name in [
            "",
            " ",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "c:",
            ".hidden",
            "dot.",
            " x",
            "a\nb",
            "CON",
            "nul.2",
            &"x".repeat(201),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["x", "2026-11-23 second try", "gr\u{fc}n (2)", "a.b"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_session_is_renamed_unless_the_name_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (session(root.path(), "a"), session(root.path(), "b"));
        let told = rename(&a, "b").unwrap_err().to_string();
        assert!(told.contains("is there already") && a.is_dir() && b.is_dir(), "{told}");
        assert!(rename(&a, "../b").is_err());
        let c = rename(&a, "c").unwrap();
        assert!(c == root.path().join("c") && c.join("grids").is_dir() && !a.exists());
        assert_eq!(rename(&c, "c").unwrap(), c);
    }

    #[test]
    fn what_a_run_writes_to_stays_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let a = session(root.path(), "a");
        let lock = Lock::take(&a).unwrap();
        for told in [rename(&a, "b").map(drop), trash(&a), delete(&a)] {
            assert!(matches!(told, Err(SessionError::InUse { .. })), "{told:?}");
        }
        drop(lock);
        assert!(a.is_dir());
        delete(&a).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_sessions_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let plain = root.path().join("photos");
        fs::create_dir(&plain).unwrap();
        for told in [rename(&plain, "b").map(drop), trash(&plain), delete(&plain)] {
            assert!(matches!(told, Err(SessionError::Missing(_))), "{told:?}");
        }
        assert!(plain.is_dir());
    }
}
