//! Reads a session back. Its files are untrusted: whatever is broken is told, and the rest is shown.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::{CHECKPOINTS, CheckpointState, EVENTS, FileSum, RUN, Result, STATE, SessionError};
use crate::config::Config;
use crate::event::{Event, Grid, GridPicture, Picture};

/// A session that was opened for reading.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

/// Longest line of `events.jsonl` that is read: longer ones are not events.
const LONGEST_LINE: u64 = 64 << 20;

/// How the line of a step begins: the event's name comes first, and its number next.
const STEP: &[u8] = br#"{"event":"step","#;

impl Stored {
    /// Opens a session's folder.
    ///
    /// # Errors
    /// Where there is no session or its configuration cannot be read. Broken events are warnings.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::read(folder, false)
    }

    /// Opens a session's folder for its outline: of neighbouring steps the last alone is read, which is many times as fast.
    ///
    /// # Errors
    /// As [`Stored::open`].
    pub fn outline(folder: &Path) -> Result<Self> {
        Self::read(folder, true)
    }

    fn read(folder: &Path, outline: bool) -> Result<Self> {
        let path = folder.join(RUN);
        if !path.is_file() {
            return Err(SessionError::Missing(folder.display().to_string()));
        }
        let text = fs::read_to_string(&path).map_err(SessionError::io("could not read", &path))?;
        let config = Config::from_stored(&text).map_err(|err| SessionError::content(&path, err.to_string()))?;
        let mut stored = Self { folder: folder.to_owned(), config, events: Vec::new(), warnings: Vec::new() };
        stored.read_events(outline)?;
        Ok(stored)
    }

    fn read_events(&mut self, outline: bool) -> Result<()> {
        let path = self.folder.join(EVENTS);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
                self.warnings.push(format!("{EVENTS} is missing: the curves of this session are lost"));
                return Ok(());
            }
            Err(err) => return Err(SessionError::io("could not read", &path)(err)),
        };
        let mut reader = BufReader::new(file);
        let (mut line, mut broken) = (Vec::new(), Vec::new());
        let mut held: Vec<u8> = Vec::new(); // a step that the next line may make superfluous
        for number in 1.. {
            line.clear();
            let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line);
            if read.map_err(SessionError::io("could not read", &path))? == 0 {
                break;
            }
            if outline && line.starts_with(STEP) && line.ends_with(b"}\n") {
                std::mem::swap(&mut line, &mut held);
                continue;
            }
            self.events.extend(serde_json::from_slice::<Event>(&held));
            held.clear();
            match serde_json::from_slice::<Event>(&line) {
                Ok(event) => self.events.push(event),
                Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Err(err) => broken.push((number, err)),
            }
        }
        self.events.extend(serde_json::from_slice::<Event>(&held));
        if let Some((number, err)) = broken.first() {
            let count = broken.len();
            self.warnings.push(format!(
                "{EVENTS}: {count} unreadable line(s) left out, the first is line {number} ({err}); a line cut short by a crash is harmless"
            ));
        }
        Ok(())
    }
}

/// Steps of the checkpoints in a session, oldest first; only those that appear whole.
pub fn checkpoints(folder: &Path) -> Vec<usize> {
    let Ok(entries) = fs::read_dir(folder.join(CHECKPOINTS)) else { return Vec::new() };
    let whole = entries.flatten().filter(|entry| entry.path().join(STATE).is_file());
    let mut steps: Vec<usize> = whole.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    steps.sort_unstable();
    steps
}

/// The folder of a step's checkpoint.
pub fn checkpoint_folder(folder: &Path, step: usize) -> PathBuf {
    folder.join(CHECKPOINTS).join(format!("{step:07}"))
}

/// A checkpoint that cannot be used, and why.
pub type Damaged = (usize, SessionError);

/// The newest checkpoint of which every file is as it was written, and the damaged ones that are newer.
pub fn newest_whole(folder: &Path) -> (Option<CheckpointState>, Vec<Damaged>) {
    let mut damaged = Vec::new();
    for step in checkpoints(folder).into_iter().rev() {
        match read_whole(folder, step) {
            Ok(state) => return (Some(state), damaged),
            Err(err) => damaged.push((step, err)),
        }
    }
    (None, damaged)
}

/// The state of a step's checkpoint, every file of which is as it was written.
///
/// # Errors
/// Where a file is missing or damaged.
pub fn read_whole(folder: &Path, step: usize) -> Result<CheckpointState> {
    let checkpoint = checkpoint_folder(folder, step);
    let state = read_state(&checkpoint)?;
    if state.step != step {
        let reason = format!("it is that of step {}, under another name", state.step);
        return Err(SessionError::content(&checkpoint, reason));
    }
    for file in &state.files {
        read_checkpoint_file(&checkpoint, &state, &file.name)?;
    }
    Ok(state)
}

/// What a checkpoint holds besides tensors.
///
/// # Errors
/// Where it cannot be read.
pub fn read_state(checkpoint: &Path) -> Result<CheckpointState> {
    let path = checkpoint.join(STATE);
    let bytes = fs::read(&path).map_err(SessionError::io("could not read", &path))?;
    serde_json::from_slice(&bytes).map_err(|err| SessionError::content(&path, err.to_string()))
}

/// One file of a checkpoint, compared with the length and sum that its state names.
///
/// # Errors
/// Where it cannot be read or is damaged.
pub fn read_checkpoint_file(checkpoint: &Path, state: &CheckpointState, name: &str) -> Result<Vec<u8>> {
    let path = checkpoint.join(name);
    let damaged = |reason: &str| SessionError::content(&path, format!("{reason}; use an older checkpoint"));
    let want =
        state.files.iter().find(|file| file.name == name).ok_or_else(|| damaged("not part of the checkpoint"))?;
    let length = fs::metadata(&path).map_err(SessionError::io("could not read", &path))?.len();
    if length != want.bytes {
        return Err(damaged("the file is not whole"));
    }
    let content = fs::read(&path).map_err(SessionError::io("could not read", &path))?;
    if FileSum::of(name, &content) != *want {
        return Err(damaged("the file is damaged (its SHA-256 differs)"));
    }
    Ok(content)
}

/// A stored sample grid of `rows` classes with `columns` images each.
///
/// # Errors
/// Where the file cannot be read or is no such grid.
pub fn read_grid(folder: &Path, grid: &Grid, rows: usize, columns: usize) -> Result<GridPicture> {
    let path = folder.join(&grid.file);
    // The name comes from a file: it must not lead out of the session.
    if Path::new(&grid.file).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(SessionError::content(&path, "the grid's path leads out of the session"));
    }
    let mut reader = image::ImageReader::open(&path).map_err(SessionError::io("could not read", &path))?;
    reader.set_format(image::ImageFormat::Png);
    let image = reader.decode().map_err(|err| SessionError::content(&path, err.to_string()))?.into_rgb8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    if rows == 0 || columns == 0 || width % columns != 0 || height % rows != 0 || width / columns != height / rows {
        return Err(SessionError::content(
            &path,
            format!("{width}x{height} px is no grid of {rows} rows and {columns} columns"),
        ));
    }
    let picture = Picture { width, height, rgb: image.into_raw().into() };
    Ok(GridPicture { step: grid.step, columns, rows, cell: width / columns, picture })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_every_event_but_steps_that_others_follow() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RUN), Config::default().to_toml()).unwrap();
        let step = |step| Event::Step(crate::event::Step::of(step, step as f64, []));
        let score = Event::Score(crate::event::Score { step: 3, ..Default::default() });
        let events = [step(1), step(2), step(3), score.clone(), step(4), step(5)];
        let line = |event: &Event| serde_json::to_string(event).unwrap() + "\n";
        let mut text: String = events.iter().map(line).collect();
        text.push_str(&line(&step(6))[..20]); // still being written
        fs::write(folder.path().join(EVENTS), text).unwrap();
        assert_eq!(Stored::outline(folder.path()).unwrap().events, [step(3), score, step(5)]);
        assert_eq!(Stored::open(folder.path()).unwrap().events, events);
    }
}
