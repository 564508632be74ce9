//! Reads a session back. Its files are untrusted: whatever is broken is told, and the rest is shown.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::timed::{STEP, Timed, read_event};
use super::untrusted::{self, Kind};
use super::{CHECKPOINTS, CheckpointState, EVENTS, FileSum, RUN, Result, STATE, SessionError, step_of};
use crate::config::Config;
use crate::event::{self, Event, Grid, GridPicture, Picture, SCHEMA};
use crate::guard;

/// A session that was opened for reading.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// The time of day at which events were told, where they say so: their places among them, in order, and seconds since 1970.
    pub clock: Vec<(usize, u64)>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

/// Longest line of `events.jsonl` that is read: longer ones are not events.
pub(super) const LONGEST_LINE: u64 = 64 << 20;
/// So many longer ones end the reading.
const MOST_LONG: usize = 16;
/// Bytes of `events.jsonl` whose every step is read: some millions of them.
const LONGEST_EVENTS: u64 = 2 << 30;
/// Bytes of it of which an outline is read.
const LONGEST_OUTLINE: u64 = 64 << 30;
/// Events that are kept, beside steps.
const MOST_EVENTS: usize = 10_000_000;
/// Bytes of `run.toml`.
const LONGEST_SETTINGS: u64 = 8 << 20;
/// Bytes of a checkpoint's `state.json`.
const LONGEST_STATE: u64 = 64 << 20;
/// Files of a checkpoint.
const MOST_FILES: usize = 32;
/// Bytes of one of them.
const LONGEST_TENSORS: u64 = 8 << 30;
/// Bytes of a picture.
const LONGEST_PICTURE: u64 = 256 << 20;

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

    /// Its events, each with the time of day at which it was told, in seconds since 1970, where it says so.
    pub fn timed(self) -> impl Iterator<Item = Timed> {
        let mut clock = self.clock.into_iter().peekable();
        self.events.into_iter().enumerate().map(move |(place, event)| {
            let time = clock.next_if(|(of, _)| *of == place).map(|(_, time)| time);
            (event, time)
        })
    }

    /// What happened, each thing once: what stands of the events ([`event::standing`]).
    pub fn history(&self) -> Vec<Event> {
        event::standing(self.events.clone())
    }

    fn read(folder: &Path, outline: bool) -> Result<Self> {
        let config = read_settings(folder)?;
        let mut stored =
            Self { folder: folder.to_owned(), config, events: Vec::new(), clock: Vec::new(), warnings: Vec::new() };
        stored.read_events(outline)?;
        Ok(stored)
    }

    fn read_events(&mut self, outline: bool) -> Result<()> {
        let path = self.folder.join(EVENTS);
        let most = if outline { LONGEST_OUTLINE } else { LONGEST_EVENTS };
        let Some(file) = untrusted::open(&self.folder, EVENTS, most)? else {
            self.warnings.push(format!("{EVENTS} is missing: the curves of this session are lost"));
            return Ok(());
        };
        let mut reader = BufReader::new(file.take(most));
        let (mut line, mut broken) = (Vec::new(), Broken::default());
        let (mut others, mut long) = (0, 0);
        let mut held = Vec::new(); // a step that the next line may make superfluous
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
            if line.len() as u64 == LONGEST_LINE {
                long += 1;
                if long == MOST_LONG {
                    broken.add(number, || "it is no line of events, and what follows is not read".to_owned());
                    break;
                }
            }
            match line.trim_ascii_start().first() {
                None => continue,
                // No event begins otherwise, and there may be millions.
                Some(start) if *start != b'{' && broken.count > 0 => {
                    broken.count += 1;
                    continue;
                }
                Some(_) => {}
            }
            match read_event(&line) {
                Ok((event, time)) => {
                    others += usize::from(!matches!(event, Event::Step(_)));
                    if others > MOST_EVENTS {
                        broken.add(number, || format!("more than {MOST_EVENTS} events"));
                    } else {
                        self.clock.extend(time.map(|time| (self.events.len(), time)));
                        self.events.push(event.truncated());
                    }
                }
                Err(err) => broken.add(number, || err.to_string()),
            }
            if line.capacity() > 1 << 20 {
                line = Vec::new(); // One long line is no reason to hold its memory for all others.
            }
        }
        self.events.extend(serde_json::from_slice::<Event>(&held));
        if let Some((number, reason)) = broken.first {
            let count = broken.count;
            self.warnings.push(format!(
                "{EVENTS}: {count} unreadable line(s) left out, the first is line {number} ({reason}); a line cut short by a crash is harmless"
            ));
        }
        Ok(())
    }
}

/// Lines that could not be read: how many, and what is wrong with the first.
#[derive(Default)]
struct Broken {
    count: usize,
    first: Option<(usize, String)>,
}

impl Broken {
    fn add(&mut self, number: usize, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(|| {
            let mut reason = reason();
            crate::event::truncate(&mut reason);
            (number, reason)
        });
    }
}

/// Whether a folder holds a session, be it one that cannot be read.
pub fn has_run(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder.join(RUN)).is_ok()
}

/// A session's configuration.
///
/// # Errors
/// Where there is no session, or it is not as sessions are, or its configuration cannot be read.
pub fn read_settings(folder: &Path) -> Result<Config> {
    untrusted::inspect(folder)?;
    if !untrusted::has_file(folder, RUN) {
        return Err(SessionError::Missing(folder.display().to_string()));
    }
    let text = untrusted::read_text(folder, RUN, LONGEST_SETTINGS)?;
    Config::from_stored(&text).map_err(|err| SessionError::content(&folder.join(RUN), err.to_string()))
}

/// Opens what a session tells, to follow it while somebody writes to it.
///
/// # Errors
/// Where there is no such file, or it is none.
pub fn open_events(folder: &Path) -> Result<File> {
    untrusted::open(folder, EVENTS, u64::MAX)?.ok_or_else(|| SessionError::Missing(folder.display().to_string()))
}

/// Steps of the checkpoints in a session, oldest first; only those that appear whole.
pub fn checkpoints(folder: &Path) -> Vec<usize> {
    let found = untrusted::entries(folder, CHECKPOINTS).unwrap_or_default();
    let folders = found.into_iter().filter(|entry| entry.kind == Kind::Folder);
    let whole = folders.filter(|entry| untrusted::has_file(folder, &format!("{CHECKPOINTS}/{}/{STATE}", entry.name)));
    let mut steps: Vec<usize> = whole.filter_map(|entry| step_of(&entry.name)).collect();
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
///
/// # Errors
/// Where a later release wrote a newer one than all that are whole: its run goes on with that alone.
pub fn newest_whole(folder: &Path) -> Result<(Option<CheckpointState>, Vec<Damaged>)> {
    let mut damaged = Vec::new();
    for step in checkpoints(folder).into_iter().rev() {
        match read_whole(folder, step) {
            Ok(state) => return Ok((Some(state), damaged)),
            Err(err @ SessionError::Newer { .. }) => return Err(err),
            Err(err) => damaged.push((step, err)),
        }
    }
    Ok((None, damaged))
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
    if state.files.len() > MOST_FILES {
        let reason = format!("it lists {} files; no checkpoint has more than {MOST_FILES}", state.files.len());
        return Err(SessionError::content(&checkpoint, reason));
    }
    for file in &state.files {
        check_file(&checkpoint, file)?;
    }
    Ok(state)
}

/// What a checkpoint holds besides tensors.
///
/// # Errors
/// Where it cannot be read, or a later release wrote it.
pub fn read_state(checkpoint: &Path) -> Result<CheckpointState> {
    /// What every release can read.
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
        #[serde(default)]
        step: usize,
    }
    let path = checkpoint.join(STATE);
    let (session, below) = place_of(checkpoint);
    let bytes = untrusted::read(session, &format!("{below}{STATE}"), LONGEST_STATE)?;
    let unreadable = |err: serde_json::Error| SessionError::content(&path, err.to_string());
    let Head { schema, step } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if schema > SCHEMA {
        return Err(SessionError::Newer { path: checkpoint.display().to_string(), step, schema });
    }
    serde_json::from_slice(&bytes).map_err(unreadable)
}

/// One file of a checkpoint, compared with the length and sum that its state names.
///
/// # Errors
/// Where it cannot be read or is damaged.
pub fn read_checkpoint_file(checkpoint: &Path, state: &CheckpointState, name: &str) -> Result<Vec<u8>> {
    let path = checkpoint.join(name);
    let want = state.files.iter().find(|file| file.name == name);
    let want = want.ok_or_else(|| damaged(&path, "not part of the checkpoint"))?;
    open_checkpoint_file(checkpoint, want)?;
    let (session, below) = place_of(checkpoint);
    let content = untrusted::read(session, &format!("{below}{name}"), want.bytes)?;
    if FileSum::of(name, &content) != *want {
        return Err(damaged(&path, DAMAGED));
    }
    Ok(content)
}

const DAMAGED: &str = "the file is damaged (its SHA-256 differs)";

fn damaged(path: &Path, reason: &str) -> SessionError {
    SessionError::content(path, format!("{reason}; use an older checkpoint"))
}

/// A checkpoint's session, and the checkpoint's path below it with a `/` behind.
fn place_of(checkpoint: &Path) -> (&Path, String) {
    let session = checkpoint.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    let below = checkpoint.strip_prefix(session).unwrap_or(checkpoint);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    (session, format!("{}/", parts.join("/")))
}

/// Opens a file of a checkpoint that has its length.
fn open_checkpoint_file(checkpoint: &Path, want: &FileSum) -> Result<std::fs::File> {
    let path = checkpoint.join(&want.name);
    if want.name.contains('/') {
        return Err(damaged(&path, "the name leads out of the checkpoint"));
    }
    let (session, below) = place_of(checkpoint);
    let file = untrusted::open(session, &format!("{below}{}", want.name), LONGEST_TENSORS)?;
    let failed = || SessionError::io("could not read", &path);
    let file = file.ok_or_else(|| failed()(std::io::ErrorKind::NotFound.into()))?;
    if file.metadata().map_err(failed())?.len() != want.bytes {
        return Err(damaged(&path, "the file is not whole"));
    }
    Ok(file)
}

/// Compares a file of a checkpoint with its length and sum, without holding it.
fn check_file(checkpoint: &Path, want: &FileSum) -> Result<()> {
    let path = checkpoint.join(&want.name);
    let mut file = open_checkpoint_file(checkpoint, want)?.take(want.bytes);
    let (mut sum, mut chunk) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut chunk).map_err(SessionError::io("could not read", &path))? {
            0 => break,
            read => sum.update(&chunk[..read]),
        }
    }
    if guard::hex(&sum.finalize()) == want.sha256 { Ok(()) } else { Err(damaged(&path, DAMAGED)) }
}

/// A stored sample grid of `rows` classes with `columns` images each.
///
/// # Errors
/// Where the file cannot be read or is no such grid.
pub fn read_grid(folder: &Path, grid: &Grid, rows: usize, columns: usize) -> Result<GridPicture> {
    let path = folder.join(&grid.file);
    let mut reader = image::ImageReader::new(Cursor::new(read_grid_file(folder, grid)?));
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

/// A stored sample grid as it lies in its file.
///
/// # Errors
/// Where the file cannot be read.
pub fn read_grid_file(folder: &Path, grid: &Grid) -> Result<Vec<u8>> {
    untrusted::read(folder, &grid.file, LONGEST_PICTURE)
}

#[cfg(test)]
mod tests {
    use std::fs;

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
