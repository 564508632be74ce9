//! Blind tests that were taken of a session: `quiz/<time>.json`.

use std::path::{Path, PathBuf};

use super::untrusted::{self, Kind};
use super::{QUIZ, Result, SessionError, write_whole};
use crate::event::QuizLog;

/// A test of a thousand answers takes far less.
const MOST_BYTES: u64 = 4 << 20;
/// Tests that are read: the newest.
const MOST_TESTS: usize = 1000;

/// Keeps a test with its session, beside all others, and returns its file.
///
/// # Errors
/// Where it cannot be written.
pub fn write_quiz(session: &Path, log: &QuizLog) -> Result<PathBuf> {
    let folder = untrusted::folder(session, QUIZ)?;
    let name = |n: u32| if n == 0 { format!("{}.json", log.time) } else { format!("{}-{n}.json", log.time) };
    let path = (0..).map(|n| folder.join(name(n))).find(|path| !path.exists()).unwrap_or_else(|| folder.join(name(0)));
    let json = serde_json::to_vec_pretty(log).map_err(|err| SessionError::content(&path, err.to_string()))?;
    write_whole(&path, &json)?;
    Ok(path)
}

/// The tests of a session that can be read, oldest first.
pub fn read_quizzes(session: &Path) -> Vec<QuizLog> {
    let Ok(entries) = untrusted::entries(session, QUIZ) else { return Vec::new() };
    let tests = entries.into_iter().filter(|entry| entry.kind == Kind::File && entry.name.ends_with(".json"));
    let mut names: Vec<String> = tests.map(|entry| entry.name).collect();
    // They are called by their time.
    names.drain(..names.len().saturating_sub(MOST_TESTS));
    let read = |name: &String| {
        let content = untrusted::read(session, &format!("{QUIZ}/{name}"), MOST_BYTES).ok()?;
        serde_json::from_slice::<QuizLog>(&content).ok()
    };
    let mut logs: Vec<QuizLog> = names.iter().filter_map(read).collect();
    logs.sort_by_key(|log| log.time);
    logs
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn tests_are_kept_beside_each_other() {
        let session = tempfile::tempdir().unwrap();
        assert_eq!(read_quizzes(session.path()), []);
        let log = |time, seed| QuizLog { time, seed, ..QuizLog::default() };
        let written: Vec<PathBuf> =
            [log(20, 1), log(10, 2), log(20, 3)].iter().map(|log| write_quiz(session.path(), log).unwrap()).collect();
        assert!(written[0] != written[2], "two of one second");
        fs::write(session.path().join("quiz/other.json"), "{").unwrap();
        let seeds: Vec<u64> = read_quizzes(session.path()).iter().map(|log| log.seed).collect();
        assert!(seeds == [2, 1, 3] || seeds == [2, 3, 1], "{seeds:?}");
    }
}
