//! What somebody thinks of a session: a star and a note, in a file that the run itself never touches.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ABOUT, RUN, Result, SessionError, removal, untrusted, write_whole};

/// Bytes of it that are read: nobody writes a longer note by hand.
const MOST_BYTES: u64 = 1 << 20;

/// A star and a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotation {
    /// Whether it has a star.
    pub star: bool,
    /// The note; empty for none.
    pub note: String,
}

/// What a session's `about.toml` says; nothing where there is none or it cannot be read.
pub fn read_annotation(folder: &Path) -> Annotation {
    if untrusted::open(folder, ABOUT, MOST_BYTES).is_ok_and(|file| file.is_none()) {
        return Annotation::default();
    }
    let read = untrusted::read_text(folder, ABOUT, MOST_BYTES).map_err(|err| err.to_string());
    let parsed = read.and_then(|text| toml::from_str(&text).map_err(|err| err.to_string()));
    parsed.unwrap_or_else(|err| {
        tracing::warn!("{} is left out: {err}", folder.join(ABOUT).display());
        Annotation::default()
    })
}

/// Writes a session's `about.toml`, which goes where it would say nothing.
///
/// # Errors
/// Where it cannot be written.
pub fn write_annotation(folder: &Path, about: &Annotation) -> Result<()> {
    let path = folder.join(ABOUT);
    if !untrusted::has_file(folder, RUN) {
        return Err(SessionError::Missing(folder.display().to_string()));
    }
    if *about == Annotation::default() {
        return removal::about(folder);
    }
    let text = toml::to_string(about).map_err(|err| SessionError::content(&path, err.to_string()))?;
    write_whole(&path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_star_and_a_note_are_kept_and_go_again() {
        let folder = tempfile::tempdir().unwrap();
        let about = Annotation { star: true, note: "best so far\n\"sharp\" edges".to_owned() };
        assert!(write_annotation(folder.path(), &about).is_err(), "not a session");
        fs::write(folder.path().join("run.toml"), "").unwrap();
        write_annotation(folder.path(), &about).unwrap();
        assert_eq!(read_annotation(folder.path()), about);
        write_annotation(folder.path(), &Annotation::default()).unwrap();
        write_annotation(folder.path(), &Annotation::default()).unwrap();
        assert!(!folder.path().join(ABOUT).exists());
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for content in [&b"star = 3"[..], b"\xff\xfe", b"note = \"open"] {
            fs::write(folder.path().join(ABOUT), content).unwrap();
            assert_eq!(read_annotation(folder.path()), Annotation::default());
        }
        fs::write(folder.path().join(ABOUT), "star = true\nof_another_version = 1").unwrap();
        assert!(read_annotation(folder.path()).star);
    }
}
