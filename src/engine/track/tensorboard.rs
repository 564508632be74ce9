//! TensorBoard's event file of a session, which grows as the session does.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::tracker::{Run, Tracker};
use crate::engine::export::Encoder;
use crate::event::Event;
use crate::session::{Timed, write_whole};

/// How far the file is, beside it.
const STATE: &str = "gandle.json";
/// The most bytes of it that are read.
const LONGEST_STATE: u64 = 1 << 16;
/// Sessions of one name in one folder.
const MOST_OF_A_NAME: usize = 1000;

/// A folder of TensorBoard's. Each session has a folder there with one event file.
pub struct Board {
    root: PathBuf,
    open: Option<Open>,
}

struct Open {
    folder: PathBuf,
    file: File,
    state: State,
    encoder: Encoder,
}

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Of which run it tells.
    run: String,
    /// The file's name.
    file: String,
    /// Bytes of the session's events that it knows.
    events: u64,
    /// Its own bytes then. More are what a crash left behind.
    bytes: u64,
}

impl Board {
    /// In this folder, which is made where it is missing.
    pub fn new(root: PathBuf) -> Self {
        Self { root, open: None }
    }

    /// The run's folder, and its state where it was begun.
    fn place(&self, run: &Run) -> anyhow::Result<(PathBuf, Option<State>)> {
        let names = std::iter::once(run.name.clone()).chain((2..MOST_OF_A_NAME).map(|at| format!("{}-{at}", run.name)));
        for folder in names.map(|name| self.root.join(name)) {
            if !folder.exists() {
                return Ok((folder, None));
            }
            if let Some(state) = read_state(&folder).filter(|state| state.run == run.id) {
                return Ok((folder, Some(state)));
            }
        }
        anyhow::bail!("{} has {MOST_OF_A_NAME} sessions called {}", self.root.display(), run.name)
    }
}

fn read_state(folder: &Path) -> Option<State> {
    use std::io::Read as _;
    let mut text = String::new();
    File::open(folder.join(STATE)).ok()?.take(LONGEST_STATE).read_to_string(&mut text).ok()?;
    let state: State = serde_json::from_str(&text).ok()?;
    // It names a file beside it, and no other.
    (Path::new(&state.file).file_name() == Some(state.file.as_ref())).then_some(state)
}

impl Tracker for Board {
    fn name(&self) -> String {
        format!("TensorBoard's folder {}", self.root.display())
    }

    fn begin(&mut self, run: &Run) -> anyhow::Result<u64> {
        let (folder, state) = self.place(run)?;
        let failed = || format!("could not write to {}", folder.display());
        std::fs::create_dir_all(&folder).with_context(failed)?;
        let encoder = Encoder::new(&run.folder, &run.name);
        let state = match state {
            Some(state) => state,
            None => {
                let file = Encoder::file_name(&run.folder)?;
                write_whole(&folder.join(&file), &encoder.head())?;
                let bytes = folder.join(&file).metadata().with_context(failed)?.len();
                let state = State { run: run.id.clone(), file, events: 0, bytes };
                write_whole(&folder.join(STATE), &serde_json::to_vec(&state)?)?;
                state
            }
        };
        let path = folder.join(&state.file);
        let mut file = OpenOptions::new().write(true).open(&path).with_context(failed)?;
        anyhow::ensure!(
            file.metadata().with_context(failed)?.len() >= state.bytes,
            "{} is shorter than it was: remove its folder, and the run is written anew",
            path.display()
        );
        file.set_len(state.bytes).with_context(failed)?;
        file.seek(SeekFrom::End(0)).with_context(failed)?;
        let known = state.events;
        self.open = Some(Open { folder, file, state, encoder });
        Ok(known)
    }

    fn know(&mut self, event: &Event) {
        if let Some(open) = &mut self.open {
            open.encoder.know(event);
        }
    }

    fn take(&mut self, _: &Run, events: &[Timed], until: u64) -> anyhow::Result<()> {
        let open = self.open.as_mut().context("the file is not open")?;
        let mut bytes = Vec::new();
        for (event, _) in events {
            bytes.extend(open.encoder.encode(event)?);
        }
        let failed = || format!("could not write to {}", open.folder.display());
        open.file.write_all(&bytes).with_context(failed)?;
        open.state.bytes += bytes.len() as u64;
        open.state.events = until;
        write_whole(&open.folder.join(STATE), &serde_json::to_vec(&open.state)?)?;
        Ok(())
    }
}
