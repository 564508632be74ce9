//! Writes a session.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::retention::{Keep, surplus};
use super::{
    CHECKPOINTS, CheckpointState, EVENTS, FileSum, GRIDS, LIVE, Lock, NEAREST, RUN, Result, STATE, SessionError,
    checkpoint_folder, checkpoints, png, recovery, removal, timed, untrusted,
};
use crate::config::Config;
use crate::event::{Checkpoint, Event, Grid, GridPicture, Picture, REAL_IMAGES};

/// Events wait at most this long before they are handed to the system.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// A session that is being written, by this writer alone.
pub struct Writer {
    folder: PathBuf,
    _lock: Lock,
    events: File,
    /// Lines that wait for the system to take them. What it has taken goes, so that whoever tries again tears no line.
    waiting: Vec<u8>,
    flushed: Instant,
}

impl Writer {
    /// Makes the folder of a new session.
    ///
    /// # Errors
    /// Where the folder already holds a session, another run has just begun one there, or it cannot be written.
    pub fn create(folder: &Path, config: &Config) -> Result<Self> {
        refuse_taken(folder)?;
        fs::create_dir_all(folder).map_err(SessionError::io("could not make the folder", folder))?;
        make_folders(folder)?;
        // Only one of two runs that start at once gets further, and the other may have been here and gone.
        let lock = Lock::take(folder)?;
        refuse_taken(folder)?;
        write_whole(&folder.join(RUN), config.to_toml().as_bytes())?;
        let path = folder.join(EVENTS);
        let options = File::options().append(true).create_new(true).open(&path);
        let file = options.map_err(SessionError::io("could not make", &path))?;
        sync_folder(Some(folder));
        Ok(Self::on(folder, lock, file))
    }

    /// Goes on with a session whose lock is held: removes what a crash has left half-written.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn reopen(folder: &Path, lock: Lock) -> Result<Self> {
        make_folders(folder)?;
        removal::left_overs(folder);
        let file = recovery::open_events(folder)?;
        Ok(Self::on(folder, lock, file))
    }

    fn on(folder: &Path, lock: Lock, events: File) -> Self {
        Self { folder: folder.to_owned(), _lock: lock, events, waiting: Vec::new(), flushed: Instant::now() }
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends an event. Steps may wait in memory for half a second; anything rarer reaches the system at once.
    ///
    /// # Errors
    /// Where the file cannot be written; the event then waits, and [`Writer::flush`] tries again.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        self.push(event)?;
        if !matches!(event, Event::Step(_)) || self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush()?;
        }
        if matches!(event, Event::Finished { .. } | Event::Stopped { .. } | Event::Failed { .. }) {
            self.sync()?;
        }
        Ok(())
    }

    /// Appends an event that reaches the system with the next one.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn push(&mut self, event: &Event) -> Result<()> {
        let path = self.folder.join(EVENTS);
        let failed = || SessionError::io("could not write to", &path);
        let mut line = serde_json::to_vec(event).map_err(|err| failed()(err.into()))?;
        // Steps have the clock of the training, and there are too many of them for more.
        if !matches!(event, Event::Step(_)) {
            timed::add(&mut line, SystemTime::now());
        }
        line.push(b'\n');
        self.waiting.append(&mut line);
        Ok(())
    }

    /// Hands every event to the system, before something that takes long.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let path = self.folder.join(EVENTS);
        self.flushed = Instant::now();
        while !self.waiting.is_empty() {
            match self.events.write(&self.waiting) {
                Ok(0) => return Err(SessionError::io("could not write to", &path)(ErrorKind::WriteZero.into())),
                Ok(taken) => drop(self.waiting.drain(..taken)),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) => return Err(SessionError::io("could not write to", &path)(err)),
            }
        }
        Ok(())
    }

    /// Brings every event to the disk.
    fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let path = self.folder.join(EVENTS);
        self.events.sync_data().map_err(SessionError::io("could not write to", &path))
    }

    /// Stores a sample grid as PNG, which tells the session, the step and whatever else is said `about` it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn grid(&mut self, grid: &GridPicture, about: &[(&str, Cow<'_, str>)]) -> Result<Grid> {
        Ok(Grid { step: grid.step, file: self.picture(GRIDS, grid, about)? })
    }

    /// Stores the real images that are nearest to those of a step's grid, as a picture like it, and returns its path below
    /// the session's folder.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn nearest(&mut self, grid: &GridPicture, about: &[(&str, Cow<'_, str>)]) -> Result<String> {
        untrusted::folder(&self.folder, NEAREST)?;
        self.picture(NEAREST, grid, about)
    }

    /// Stores a grid of the live generator, and returns its path below the session's folder.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn live_grid(&mut self, grid: &GridPicture, about: &[(&str, Cow<'_, str>)]) -> Result<Grid> {
        untrusted::folder(&self.folder, LIVE)?;
        Ok(Grid { step: grid.step, file: self.picture(LIVE, grid, about)? })
    }

    fn picture(&self, below: &str, grid: &GridPicture, about: &[(&str, Cow<'_, str>)]) -> Result<String> {
        let file = format!("{below}/{:07}.png", grid.step);
        let path = self.folder.join(&file);
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let about = [&[("session", name), ("step", grid.step.to_string().into())], about].concat();
        write_picture(&path, &grid.picture, &about)?;
        Ok(file)
    }

    /// Stores real images to look at beside the grids, where none are stored yet.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn real_images(&self, images: impl FnOnce() -> GridPicture) -> Result<()> {
        if untrusted::has_file(&self.folder, REAL_IMAGES) {
            return Ok(());
        }
        write_picture(&self.folder.join(REAL_IMAGES), &images().picture, &[])
    }

    /// Whether the checkpoint of a step is stored.
    pub fn has_checkpoint(&self, step: usize) -> bool {
        checkpoints(&self.folder).contains(&step)
    }

    /// Stores a checkpoint: all files, then its state, in a folder that appears whole. What it makes superfluous
    /// (`train.keep_checkpoints`, `train.keep_every`) is named; [`Writer::remove`] takes it away once that is told. That of
    /// the `best` step stays.
    ///
    /// # Errors
    /// Where it cannot be written; what was there before stays, and nothing of the new one does.
    pub fn checkpoint(
        &mut self,
        state: &CheckpointState,
        files: &[(&str, Vec<u8>)],
        best: Option<usize>,
    ) -> Result<Checkpoint> {
        // A checkpoint never holds more than the events that led to it.
        self.sync()?;
        if !self.has_checkpoint(state.step) {
            let written = write_checkpoint(&self.folder, state, files);
            if written.is_err() {
                // On a full disk it would only be in the way.
                removal::unfinished_checkpoint(&self.folder, state.step).ok();
            }
            written?;
        }
        let rules: Vec<Keep> = Keep::of_run(&state.config.train).into_iter().chain(best.map(Keep::Best)).collect();
        let removed = surplus(&checkpoints(&self.folder), &rules).into_iter().map(name_of).collect();
        Ok(Checkpoint { step: state.step, folder: name_of(state.step), removed })
    }

    /// Removes the checkpoints that a new one has made superfluous.
    pub fn remove(&self, checkpoint: &Checkpoint) {
        for name in &checkpoint.removed {
            let Some(step) = name.rsplit('/').next().and_then(super::step_of) else { continue };
            if let Err(err) = removal::checkpoint(&self.folder, step) {
                // The new checkpoint is what counts.
                tracing::warn!("the old checkpoint {name} could not be removed: {err}");
            }
        }
    }

    /// Takes a damaged checkpoint out of the way and returns where it went.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn set_aside(&self, step: usize) -> Result<String> {
        let name = name_of(step);
        let numbered = |n: u32| format!("{name}.damaged{}", if n == 1 { String::new() } else { format!("-{n}") });
        let free = (1..).map(numbered).find(|name| !self.folder.join(name).exists());
        let (from, to) = (self.folder.join(&name), free.unwrap_or_else(|| numbered(0)));
        fs::rename(&from, self.folder.join(&to)).map_err(SessionError::io("could not set aside", &from))?;
        Ok(to)
    }
}

/// A checkpoint's path below the session's folder.
pub(super) fn name_of(step: usize) -> String {
    format!("{CHECKPOINTS}/{step:07}")
}

/// An error where a folder holds anything of a session: what another run left would be taken for this one's.
fn refuse_taken(folder: &Path) -> Result<()> {
    let filled = |below: &&str| fs::read_dir(folder.join(below)).is_ok_and(|mut entries| entries.next().is_some());
    if folder.join(RUN).exists() || folder.join(EVENTS).exists() || [GRIDS, CHECKPOINTS].iter().any(filled) {
        return Err(SessionError::Exists(folder.display().to_string()));
    }
    Ok(())
}

/// The folders that every session has.
fn make_folders(session: &Path) -> Result<()> {
    [GRIDS, CHECKPOINTS].into_iter().try_for_each(|name| untrusted::folder(session, name).map(drop))
}

fn write_checkpoint(session: &Path, state: &CheckpointState, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let place = &checkpoint_folder(session, state.step);
    let beside = &session.join(CHECKPOINTS).join(format!(".{:07}.part", state.step));
    removal::unfinished_checkpoint(session, state.step)?;
    fs::create_dir(beside).map_err(SessionError::io("could not make the folder", beside))?;
    let mut state = state.clone();
    state.files = files.iter().map(|(name, content)| FileSum::of(name, content)).collect();
    for (name, content) in files {
        write_synced(&beside.join(name), content)?;
    }
    let json = serde_json::to_vec_pretty(&state).map_err(|err| SessionError::content(beside, err.to_string()))?;
    write_synced(&beside.join(STATE), &json)?;
    // Not whole, or it would have been found: out of the way with it.
    removal::no_checkpoint(session, state.step)?;
    fs::rename(beside, place).map_err(SessionError::io("could not finish", place))?;
    sync_folder(place.parent());
    Ok(())
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flush().ok(); // Nobody is left to be told.
    }
}

fn write_synced(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        // Never into what stands there already, be it a link.
        let mut file = File::create_new(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(SessionError::io("could not write", path))
}

fn write_picture(path: &Path, picture: &Picture, about: &[(&str, Cow<'_, str>)]) -> Result<()> {
    let png = png((picture.width, picture.height), &picture.rgb, about)
        .map_err(|err| SessionError::content(path, format!("could not encode the picture: {err}")))?;
    write_whole(path, &png)
}

/// Makes a rename last; systems that cannot open a folder do so by themselves.
fn sync_folder(folder: Option<&Path>) {
    if let Some(Ok(folder)) = folder.map(File::open) {
        folder.sync_all().ok();
    }
}

/// Writes a file that appears whole or not at all, also where several processes write it at once: the last one stays.
///
/// # Errors
/// Where it cannot be written; what was there before stays.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let (beside, mut file) = beside(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    drop(file);
    let written = written.map_err(SessionError::io("could not write", &beside));
    let renamed = || fs::rename(&beside, path).map_err(SessionError::io("could not finish", path));
    let written = written.and_then(|()| renamed());
    if written.is_err() {
        removal::part(&beside);
    }
    sync_folder(path.parent());
    written
}

/// Writes a new file piece by piece, for what is too large to be in memory as a whole. It appears whole or not at all; where
/// `write` says false, nothing of it stays.
///
/// # Errors
/// Those of `write`, and where the file cannot be written or is there already.
pub fn write_new<E: From<SessionError>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::result::Result<bool, E>,
) -> std::result::Result<bool, E> {
    let (beside, file) = beside(path)?;
    let mut file = BufWriter::new(file);
    let written = write(&mut file);
    let finish = |file: BufWriter<File>| {
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        // Somebody else may have made one meanwhile.
        if path.try_exists()? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::rename(&beside, path)
    };
    let written = match written {
        Ok(true) => finish(file).map(|()| true).map_err(|err| SessionError::io("could not finish", path)(err).into()),
        other => {
            drop(file);
            other
        }
    };
    if !matches!(written, Ok(true)) {
        removal::part(&beside);
    }
    sync_folder(path.parent());
    written
}

/// A new file beside a path, under a name that no other writer has, in this process or beside it.
fn beside(path: &Path) -> Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default();
    let mut tries = 0..100;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let beside = path.with_file_name(hidden);
        // Never into what stands there already, be it a link.
        match File::create_new(&beside) {
            Ok(file) => return Ok((beside, file)),
            // Another process of this number was killed here.
            Err(err) if err.kind() == ErrorKind::AlreadyExists && tries.next().is_some() => {}
            Err(err) => return Err(SessionError::io("could not write", &beside)(err)),
        }
    }
}
