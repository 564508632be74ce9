//! Puts a session in order that a crash has left: half a line of events, files and checkpoints that were never finished.
//! Only whoever holds the session's lock may do this.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::{CHECKPOINTS, GRIDS, Result, SessionError};
use crate::event::Event;

/// Bytes that are looked at in one go.
const CHUNK: u64 = 64 << 10;

/// Opens `events.jsonl` to append to it: it ends with a whole line then, and half a line is cut off.
pub(super) fn open_events(path: &Path) -> Result<File> {
    let failed = || SessionError::io("could not open", path);
    let mut file = File::options().read(true).append(true).create(true).open(path).map_err(failed())?;
    mend_tail(&mut file).map_err(SessionError::io("could not mend the end of", path))?;
    Ok(file)
}

fn mend_tail(file: &mut File) -> std::io::Result<()> {
    let length = file.metadata()?.len();
    let (mut start, mut tail) = (length, Vec::new());
    // Backwards to the last end of a line.
    while start > 0 && !tail.contains(&b'\n') {
        let take = CHUNK.min(start);
        start -= take;
        file.seek(SeekFrom::Start(start))?;
        let mut chunk = vec![0; take as usize];
        file.read_exact(&mut chunk)?;
        tail.splice(0..0, chunk);
    }
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = &tail[whole..];
    if rest.is_empty() {
        return Ok(());
    }
    if serde_json::from_slice::<Event>(rest).is_ok() {
        return file.write_all(b"\n");
    }
    file.set_len(start + whole as u64)?;
    file.sync_data()
}

/// Removes what was being written or removed when the writer was killed. What cannot be removed is in nobody's way.
pub(super) fn remove_parts(folder: &Path) {
    for place in [folder.to_owned(), folder.join(GRIDS), folder.join(CHECKPOINTS)] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') || !(name.ends_with(".part") || name.ends_with(".old")) {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(err) = removed {
                tracing::warn!("{} could not be removed: {err}", path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        fs::write(&path, text).unwrap();
        let mut file = open_events(&path).unwrap();
        file.write_all(b"next\n").unwrap();
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn half_a_line_is_cut_off_and_a_whole_one_is_ended() {
        let line = r#"{"event":"paused","step":7}"#;
        assert_eq!(mended(""), "next\n");
        assert_eq!(mended(&format!("{line}\n")), format!("{line}\nnext\n"));
        assert_eq!(mended(line), format!("{line}\nnext\n"));
        assert_eq!(mended(&format!("{line}\n{}", &line[..12])), format!("{line}\nnext\n"));
        assert_eq!(mended(&line[..12]), "next\n");
        // What a disk may give after a power cut, and more of it than is looked at in one go.
        let zeros = "\0".repeat(3 * CHUNK as usize);
        assert_eq!(mended(&format!("{line}\n{line}\n{zeros}")), format!("{line}\n{line}\nnext\n"));
    }

    #[test]
    fn unfinished_files_go_and_all_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["checkpoints/.0000004.part", "checkpoints/.0000001.old", "checkpoints/0000002", "grids"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in ["checkpoints/.0000004.part/x", "grids/.0000004.png.7-1.part", "grids/0000002.png", ".mine"] {
            fs::write(at(name), "").unwrap();
        }
        remove_parts(folder.path());
        let there = |name: &str| at(name).exists();
        assert!(there("checkpoints/0000002") && there("grids/0000002.png") && there(".mine"));
        assert!(!there("checkpoints/.0000004.part") && !there("checkpoints/.0000001.old"));
        assert!(!there("grids/.0000004.png.7-1.part"));
    }
}
