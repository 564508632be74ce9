//! The one place that removes files and folders, or hands them to the trash. Each function says what it may remove and looks
//! whether that is what it was given; a test keeps every other file from removing anything.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::untrusted::{self, Entry, Kind};
use super::{
    ABOUT, CHECKPOINTS, EXPORTS, GRIDS, LIVE, NEAREST, QUIZ, Result, STATE, SessionError, checkpoint_folder, step_of,
};

/// Parts of files that other processes may be writing without the session's lock are left alone for so long.
const STILL_WRITTEN: Duration = Duration::from_secs(3600);

/// Removes a file that this process was writing beside its place (`.NAME.PROCESS-NUMBER.part`), if it was ever made.
pub(super) fn part(path: &Path) {
    if path.file_name().is_some_and(|name| is_part(&name.to_string_lossy())) {
        fs::remove_file(path).ok();
    }
}

/// Removes what was being written or removed in a session when its writer was killed. Only whoever holds its lock may ask for
/// it. What cannot be removed is in nobody's way.
pub(super) fn left_overs(session: &Path) {
    for name in ["", GRIDS, NEAREST, LIVE, CHECKPOINTS] {
        remove_parts(session, name, Duration::ZERO);
    }
    for entry in untrusted::entries(session, CHECKPOINTS).unwrap_or_default() {
        if is_hidden_step(&entry.name) {
            told(&session.join(CHECKPOINTS).join(&entry.name), anything);
        }
    }
    // Exports and blind tests are written without the lock, exports one folder deeper too.
    remove_parts(session, QUIZ, STILL_WRITTEN);
    remove_parts(session, EXPORTS, STILL_WRITTEN);
    for Entry { name, kind } in untrusted::entries(session, EXPORTS).unwrap_or_default() {
        if kind == Kind::Folder {
            remove_parts(session, &format!("{EXPORTS}/{name}"), STILL_WRITTEN);
        }
    }
}

fn remove_parts(session: &Path, below: &str, age: Duration) {
    for entry in untrusted::entries(session, below).unwrap_or_default() {
        let path = session.join(below).join(&entry.name);
        if is_part(&entry.name) && entry.kind != Kind::Folder && is_older(&path, age) {
            told(&path, |path| fs::remove_file(path));
        }
    }
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).unwrap_or_default() >= age)
}

/// `.NAME.PROCESS-NUMBER.part`, as [`super::write_whole`] calls a file until it is whole.
fn is_part(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    let numbers = inner.and_then(|inner| inner.rsplit_once('.')).and_then(|(_, numbers)| numbers.split_once('-'));
    numbers.is_some_and(|(process, number)| [process, number].iter().all(|text| is_digits(text)))
}

/// `.STEP.part` or `.STEP.old`, as a checkpoint is called until it is whole and once it goes.
fn is_hidden_step(name: &str) -> bool {
    let step = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part").or(name.strip_suffix(".old")));
    step.is_some_and(|step| step_of(step).is_some())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes the checkpoint of a step.
///
/// # Errors
/// Where the system refuses.
pub(super) fn checkpoint(session: &Path, step: usize) -> std::io::Result<()> {
    // Out of sight first, so that no half-removed checkpoint is ever taken for a whole one.
    let hidden = session.join(CHECKPOINTS).join(format!(".{step:07}.old"));
    fs::rename(checkpoint_folder(session, step), &hidden)?;
    anything(&hidden)
}

/// Removes the folder in which the checkpoint of a step was being written; that there is none is fine.
///
/// # Errors
/// Where the system refuses.
pub(super) fn unfinished_checkpoint(session: &Path, step: usize) -> Result<()> {
    let path = session.join(CHECKPOINTS).join(format!(".{step:07}.part"));
    missing_is_fine(anything(&path)).map_err(SessionError::io("could not clear", &path))
}

/// Removes what stands in the place of a step's checkpoint and is none; that nothing does is fine.
///
/// # Errors
/// Where it is a checkpoint, or the system refuses.
pub(super) fn no_checkpoint(session: &Path, step: usize) -> Result<()> {
    let path = checkpoint_folder(session, step);
    if untrusted::has_file(session, &format!("{CHECKPOINTS}/{step:07}/{STATE}")) {
        return Err(SessionError::content(&path, "holds a checkpoint, which is not overwritten"));
    }
    missing_is_fine(anything(&path)).map_err(SessionError::io("could not clear", &path))
}

/// Removes a session's star and note; that there are none is fine.
///
/// # Errors
/// Where the system refuses.
pub(super) fn about(session: &Path) -> Result<()> {
    let path = session.join(ABOUT);
    missing_is_fine(fs::remove_file(&path)).map_err(SessionError::io("could not remove", &path))
}

/// Removes a folder that holds nothing; any other stays.
pub(super) fn empty(folder: &Path) {
    fs::remove_dir(folder).ok();
}

/// Moves a whole session into the system's trash. Whoever asks holds its lock.
///
/// # Errors
/// Where the system has no trash for it; the session stays then.
pub(super) fn trash(session: &Path) -> Result<()> {
    let moved = ::trash::delete(session);
    moved.map_err(|err| SessionError::content(session, format!("could not be moved to the trash: {err}")))
}

/// Takes a whole session out of the list, and returns what [`hidden`] removes then. Whoever asks holds its lock.
///
/// # Errors
/// Where the system refuses.
pub(super) fn hide(session: &Path) -> Result<Hidden> {
    let name = session.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let numbered =
        |n: u32| session.with_file_name(format!(".{name}.old{}", if n == 1 { String::new() } else { format!("-{n}") }));
    let free = (1..).map(numbered).find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| numbered(0));
    fs::rename(session, &free).map_err(SessionError::io("could not delete", session))?;
    Ok(Hidden(free))
}

/// A session on its way out.
pub(super) struct Hidden(PathBuf);

/// Deletes a hidden session for good.
///
/// # Errors
/// Where something of it cannot be deleted.
pub(super) fn hidden(session: &Hidden) -> Result<()> {
    anything(&session.0).map_err(SessionError::io("could not delete", &session.0))
}

/// Removes a file that this very export has just written whole, where the export that it is a part of was broken off.
pub fn unfinished_export(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|about| about.is_file()) {
        fs::remove_file(path).ok();
    }
}

/// Removes a file of the cache: one that begins with `magic`, and whose name is a SHA-256 in hexadecimal and one of these
/// `kinds` behind a dot. Everything else in the folder is somebody's own and stays.
pub fn cached(path: &Path, kinds: &[&str], magic: &[u8]) {
    if is_cached(path, kinds) && begins_with(path, magic) {
        fs::remove_file(path).ok(); // Another process may have been first.
    }
}

/// Whether a plain file is called as those of the cache are.
pub fn is_cached(path: &Path, kinds: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let named = name.split_once('.').is_some_and(|(sum, kind)| {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        // A kind may be told of each class by its number.
        let own = |known: &&str| {
            kind.strip_prefix(*known)
                .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_digits))
        };
        sum.len() == 64 && sum.bytes().all(hexadecimal) && kinds.iter().any(own)
    });
    named && fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

fn begins_with(path: &Path, magic: &[u8]) -> bool {
    use std::io::Read as _;
    let mut start = vec![0; magic.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == magic
}

/// A folder with all in it, or a file, or a link by itself. What links in a folder lead to stays.
fn anything(path: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn missing_is_fine(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(err) if err.kind() != ErrorKind::NotFound => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn told(path: &Path, remove: impl FnOnce(&Path) -> std::io::Result<()>) {
    if let Err(err) = remove(path) {
        tracing::warn!("{} could not be removed: {err}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_files_go_and_all_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let going = [
            "checkpoints/.0000004.part/x",
            "checkpoints/.0000001.old/x",
            "grids/.0000004.png.7-1.part",
            "nearest/.0000004.png.7-1.part",
            ".run.toml.123-0.part",
            "exports/.report-step0000040.html.71-0.part",
            "exports/run-step0000040/.events.out.tfevents.1.gandle.71-0.part",
        ];
        let staying = [
            "checkpoints/0000002/x",
            "grids/0000002.png",
            ".mine",
            ".mail.part",
            ".backup.old/important",
            "grids/.mail.part",
            "checkpoints/.backup.old/important",
            "checkpoints/.7.part/x",
            "exports/.now.html.71-0.part",
            "exports/.mail.part",
        ];
        for name in going.iter().chain(&staying) {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
            if name.starts_with("exports") && !name.contains("now") {
                let file = fs::File::options().write(true).open(at(name)).unwrap();
                file.set_modified(SystemTime::now() - 2 * STILL_WRITTEN).unwrap();
            }
        }
        left_overs(folder.path());
        for name in going {
            assert!(!at(name).exists(), "{name}");
        }
        for name in staying {
            assert!(at(name).exists(), "{name}");
        }
    }

    #[test]
    fn only_what_was_written_to_the_cache_goes_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let sum = "0123456789abcdef".repeat(4);
        let own = [format!("{sum}.features"), format!("{sum}.statistics"), format!("{sum}.statistics-12")];
        let others = [
            "cell-1.png".to_owned(),
            format!("{sum}.png"),
            format!("{}.features", &sum[1..]),
            format!("{}.features", sum.to_uppercase()),
            format!("{sum}.statistics-x"),
            format!("{sum}.featuresque"),
            sum.clone(),
        ];
        for name in own.iter().chain(&others) {
            let path = folder.path().join(name);
            fs::write(&path, "magic and more").unwrap();
            cached(&path, &["features", "statistics"], b"magic");
            assert_eq!(path.exists(), others.contains(name), "{name}");
        }
        let path = folder.path().join(&own[0]);
        fs::write(&path, "another program's").unwrap();
        cached(&path, &["features"], b"magic");
        assert!(path.exists());
    }

    #[test]
    fn a_checkpoint_is_never_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let place = checkpoint_folder(folder.path(), 7);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("half"), "").unwrap();
        no_checkpoint(folder.path(), 7).unwrap();
        no_checkpoint(folder.path(), 7).unwrap();
        assert!(!place.exists());
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(STATE), "").unwrap();
        assert!(no_checkpoint(folder.path(), 7).is_err() && place.exists());
    }
}
