//! Puts the events of a session in order that a crash has left: half a line is cut off. Only whoever holds the session's lock
//! may do this.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::reader::LONGEST_LINE;
use super::{EVENTS, Result, SessionError, untrusted};
use crate::event::Event;

/// Bytes that are looked at in one go.
const CHUNK: u64 = 64 << 10;

/// Opens `events.jsonl` to append to it: it ends with a whole line then, and half a line is cut off.
pub(super) fn open_events(session: &Path) -> Result<File> {
    let mut file = untrusted::open_to_write(session, EVENTS, true)?;
    mend_tail(&mut file).map_err(SessionError::io("could not mend the end of", &session.join(EVENTS)))?;
    Ok(file)
}

fn mend_tail(file: &mut File) -> std::io::Result<()> {
    let length = file.metadata()?.len();
    let whole = end_of_lines(file, length)?;
    if whole == length {
        return Ok(());
    }
    if length - whole <= LONGEST_LINE {
        let mut rest = Vec::new();
        file.seek(SeekFrom::Start(whole))?;
        (&*file).take(LONGEST_LINE).read_to_end(&mut rest)?;
        if serde_json::from_slice::<Event>(&rest).is_ok() {
            return file.write_all(b"\n");
        }
    }
    file.set_len(whole)?;
    file.sync_data()
}

/// Where the last whole line ends, looked for backwards.
fn end_of_lines(file: &mut File, length: u64) -> std::io::Result<u64> {
    let (mut start, mut chunk) = (length, Vec::new());
    while start > 0 {
        let take = CHUNK.min(start);
        start -= take;
        file.seek(SeekFrom::Start(start))?;
        chunk.resize(take as usize, 0);
        file.read_exact(&mut chunk)?;
        if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mended(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        fs::write(&path, text).unwrap();
        let mut file = open_events(folder.path()).unwrap();
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
}
