//! Writes a session.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CHECKPOINTS, EVENTS, GRIDS, RUN, Result, STATE, SessionError, checkpoints};
use crate::config::Config;
use crate::event::{Checkpoint, Event, Grid, GridPicture};

/// Events wait at most this long before they are handed to the system.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// A session that is being written.
pub struct Writer {
    folder: PathBuf,
    events: BufWriter<File>,
    flushed: Instant,
}

/// What a checkpoint holds besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// [`crate::event::SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// Steps done.
    pub step: usize,
    /// The whole configuration.
    pub config: Config,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// Batches that the loader has handed out.
    pub loader_position: u64,
    /// Draws of noise for the discriminator's updates.
    pub discriminator_draws: u64,
    /// Draws of noise for the generator's updates.
    pub generator_draws: u64,
    /// Batches of real images that the generator's updates have been compared with.
    #[serde(default)]
    pub compared_position: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Every file beside this one.
    pub files: Vec<FileSum>,
}

/// A file of a checkpoint, so that a damaged one is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl FileSum {
    /// Of a file's content.
    pub fn of(name: &str, content: &[u8]) -> Self {
        let digest = Sha256::digest(content);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: name.to_owned(), bytes: content.len() as u64, sha256 }
    }
}

impl Writer {
    /// Makes the folder of a new session.
    ///
    /// # Errors
    /// Where the folder already holds a session or cannot be written.
    pub fn create(folder: &Path, config: &Config) -> Result<Self> {
        if folder.join(RUN).exists() || folder.join(EVENTS).exists() {
            return Err(SessionError::Exists(folder.display().to_string()));
        }
        for below in [GRIDS, CHECKPOINTS] {
            let path = folder.join(below);
            // What another run left would be taken for this one's.
            if fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(SessionError::Exists(folder.display().to_string()));
            }
            fs::create_dir_all(&path).map_err(SessionError::io("could not make the folder", &path))?;
        }
        // Only one of two runs that start at once makes this file.
        let path = folder.join(EVENTS);
        let options = File::options().append(true).create_new(true).open(&path);
        let file = options.map_err(SessionError::io("could not make", &path))?;
        write_whole(&folder.join(RUN), config.to_toml().as_bytes())?;
        Ok(Self { folder: folder.to_owned(), events: BufWriter::new(file), flushed: Instant::now() })
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends an event. Steps may wait in memory for half a second; anything rarer reaches the system at once.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        let path = self.folder.join(EVENTS);
        let failed = || SessionError::io("could not write to", &path);
        serde_json::to_writer(&mut self.events, event).map_err(|err| failed()(err.into()))?;
        self.events.write_all(b"\n").map_err(failed())?;
        if !matches!(event, Event::Step(_)) || self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush()?;
        }
        if matches!(event, Event::Finished { .. } | Event::Stopped { .. } | Event::Failed { .. }) {
            self.sync()?;
        }
        Ok(())
    }

    /// Hands every event to the system, before something that takes long.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let path = self.folder.join(EVENTS);
        self.flushed = Instant::now();
        self.events.flush().map_err(SessionError::io("could not write to", &path))
    }

    /// Brings every event to the disk.
    fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let path = self.folder.join(EVENTS);
        self.events.get_ref().sync_data().map_err(SessionError::io("could not write to", &path))
    }

    /// Stores a sample grid as PNG.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn grid(&mut self, grid: &GridPicture) -> Result<Grid> {
        let file = format!("{GRIDS}/{:07}.png", grid.step);
        let path = self.folder.join(&file);
        let picture = &grid.picture;
        let mut png = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        #[expect(clippy::cast_possible_truncation, reason = "a grid is some thousand pixels wide")]
        let (width, height) = (picture.width as u32, picture.height as u32);
        image::ImageEncoder::write_image(encoder, &picture.rgb, width, height, image::ExtendedColorType::Rgb8)
            .map_err(|err| SessionError::content(&path, format!("could not encode the grid: {err}")))?;
        write_whole(&path, &png)?;
        Ok(Grid { step: grid.step, file })
    }

    /// Whether the checkpoint of a step is stored.
    pub fn has_checkpoint(&self, step: usize) -> bool {
        checkpoints(&self.folder).contains(&step)
    }

    /// Stores a checkpoint: all files, then its state, in a folder that appears whole; then removes all but the newest
    /// `keep` (0 keeps all).
    ///
    /// # Errors
    /// Where it cannot be written; what was there before stays.
    pub fn checkpoint(
        &mut self,
        state: &CheckpointState,
        files: &[(&str, Vec<u8>)],
        keep: usize,
    ) -> Result<Checkpoint> {
        let name = |step: usize| format!("{CHECKPOINTS}/{step:07}");
        let folder = name(state.step);
        let place = self.folder.join(&folder);
        // A checkpoint never holds more than the events that led to it.
        self.sync()?;
        if !self.has_checkpoint(state.step) {
            let beside = self.folder.join(format!("{CHECKPOINTS}/.{:07}.part", state.step));
            let failed = |what| SessionError::io(what, &beside);
            if beside.exists() {
                fs::remove_dir_all(&beside).map_err(failed("could not clear"))?;
            }
            fs::create_dir_all(&beside).map_err(failed("could not make the folder"))?;
            let mut state = state.clone();
            state.files = files.iter().map(|(name, content)| FileSum::of(name, content)).collect();
            for (name, content) in files {
                write_synced(&beside.join(name), content)?;
            }
            let json =
                serde_json::to_vec_pretty(&state).map_err(|err| SessionError::content(&beside, err.to_string()))?;
            write_synced(&beside.join(STATE), &json)?;
            if place.exists() {
                // Not whole, or it would have been found: out of the way with it.
                fs::remove_dir_all(&place).map_err(SessionError::io("could not clear", &place))?;
            }
            fs::rename(&beside, &place).map_err(SessionError::io("could not finish", &place))?;
            sync_folder(place.parent());
        }
        let mut removed = Vec::new();
        let have = checkpoints(&self.folder);
        let surplus = if keep == 0 { 0 } else { have.len().saturating_sub(keep) };
        for step in &have[..surplus] {
            // Out of sight first, so that no half-removed checkpoint is ever taken for a whole one.
            let hidden = self.folder.join(format!("{CHECKPOINTS}/.{step:07}.old"));
            match fs::rename(self.folder.join(name(*step)), &hidden).and_then(|()| fs::remove_dir_all(&hidden)) {
                Ok(()) => removed.push(name(*step)),
                // The new checkpoint is what counts.
                Err(err) => tracing::warn!("the old checkpoint {} could not be removed: {err}", name(*step)),
            }
        }
        Ok(Checkpoint { step: state.step, folder, removed })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.events.flush().ok(); // Nobody is left to be told.
    }
}

fn write_synced(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(SessionError::io("could not write", path))
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
    // A name that no other writer has, in this process or beside it.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(name);
    let renamed = || fs::rename(&beside, path).map_err(SessionError::io("could not finish", path));
    let written = write_synced(&beside, content).and_then(|()| renamed());
    if written.is_err() {
        fs::remove_file(&beside).ok(); // Perhaps it was never made.
    }
    sync_folder(path.parent());
    written
}
