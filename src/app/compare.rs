//! Reads sessions for the Compare page on a thread of its own, however long their curves are.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::event::Waker;
use crate::guard;
use crate::session::Stored;
use crate::ui::ComparedRun;

/// Sessions that may wait to be read.
const WAITING: usize = 256;

/// A session that was asked for, with what it holds or why it cannot be read.
pub type Answer = (PathBuf, Result<ComparedRun, String>);

/// The reader. Its thread ends with it.
pub struct RunReader {
    asks: Sender<PathBuf>,
    answers: Receiver<Answer>,
}

impl RunReader {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where no thread could be started.
    pub fn spawn(waker: Waker) -> std::io::Result<Self> {
        let (asks, inbox) = bounded::<PathBuf>(WAITING);
        let (outbox, answers) = bounded(1);
        std::thread::Builder::new().name("compare".to_owned()).spawn(move || {
            for folder in inbox {
                let run = guard::told(|| read(&folder));
                if outbox.send((folder, run)).is_err() {
                    return;
                }
                waker();
            }
        })?;
        Ok(Self { asks, answers })
    }

    /// Asks for a session. `false` where too many wait already.
    pub fn ask(&self, folder: &Path) -> bool {
        self.asks.try_send(folder.to_owned()).is_ok()
    }

    /// The sessions that were read.
    pub fn answers(&self) -> impl Iterator<Item = Answer> + '_ {
        self.answers.try_iter()
    }
}

fn read(folder: &Path) -> Result<ComparedRun, String> {
    let stored = Stored::open(folder).map_err(|err| err.to_string())?;
    Ok(ComparedRun::fold(folder, stored.config, stored.events))
}
