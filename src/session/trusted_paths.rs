//! Where runs of this user read and write outside of their sessions. A session that somebody sent may name any place: one that
//! no run of this user's has used is asked for first.
//!
//! `places.jsonl` in the user's data folder has one place a line. It only grows, so that any number of programs may add to it.

use std::collections::HashSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::naming::data_folder;
use crate::config::ExternalPath;

/// The file.
const PLACES: &str = "places.jsonl";
/// Bytes of it that are read. Nobody has so many; what stands behind them is asked for again.
const MOST_BYTES: u64 = 8 << 20;

/// Those places that no run of this user's has used.
pub fn untrusted_paths(places: &[ExternalPath]) -> Vec<ExternalPath> {
    if places.is_empty() {
        return Vec::new();
    }
    let known = data_folder().map(|folder| read(&folder)).unwrap_or_default();
    places.iter().filter(|place| !known.contains(*place)).cloned().collect()
}

/// Remembers that runs of this user use these places. That they cannot be remembered costs a question later on.
pub fn trust_paths(places: &[ExternalPath]) {
    let new = untrusted_paths(places);
    let Some(folder) = data_folder().filter(|_| !new.is_empty()) else { return };
    if let Err(err) = add(&folder, &new) {
        tracing::info!("where this run reads and writes could not be remembered in {}: {err}", folder.display());
    }
}

fn read(folder: &Path) -> HashSet<ExternalPath> {
    let mut text = Vec::new();
    if let Ok(file) = fs::File::open(path(folder)) {
        file.take(MOST_BYTES).read_to_end(&mut text).ok();
    }
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn add(folder: &Path, places: &[ExternalPath]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut lines = Vec::new();
    for place in places {
        serde_json::to_writer(&mut lines, place)?;
        lines.push(b'\n');
    }
    // In one piece, so that lines of several programs do not mix.
    fs::File::options().append(true).create(true).open(path(folder))?.write_all(&lines)
}

fn path(folder: &Path) -> PathBuf {
    folder.join(PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_by_setting_and_path() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("made");
        let place = |key: &str, path: &str| ExternalPath { key: key.to_owned(), path: path.to_owned() };
        let (cells, cache) = (place("data.source", "/cells\n\"x\""), place("data.cache", "/cache"));
        assert!(read(&folder).is_empty());
        add(&folder, std::slice::from_ref(&cells)).unwrap();
        add(&folder, std::slice::from_ref(&cache)).unwrap();
        fs::File::options().append(true).open(path(&folder)).unwrap().write_all(b"{\"half").unwrap();
        let known = read(&folder);
        assert!(known.contains(&cells) && known.contains(&cache));
        assert!(
            !known.contains(&place("data.cache", "/cells\n\"x\"")) && !known.contains(&place("data.source", "/cache"))
        );
    }
}
