//! Reads stored grids on a thread of its own, so that a slider over large pictures never holds up the window.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::event::{GridPicture, Waker};
use crate::guard;
use crate::session;
use crate::ui::GridAsk;

/// A grid that was asked for, with the picture or why there is none.
pub type Answer = (GridAsk, Result<GridPicture, String>);

/// The reader. Its thread ends with it.
pub struct GridReader {
    asks: Sender<GridAsk>,
    answers: Receiver<Answer>,
}

impl GridReader {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where no thread could be started.
    pub fn spawn(waker: Waker) -> std::io::Result<Self> {
        let (asks, inbox) = bounded::<GridAsk>(1);
        let (outbox, answers) = bounded(1);
        std::thread::Builder::new().name("grids".to_owned()).spawn(move || {
            for ask in inbox {
                let read = guard::told(|| session::read_grid(&ask.folder, &ask.grid, ask.rows, ask.columns));
                if outbox.send((ask, read)).is_err() {
                    return;
                }
                waker();
            }
        })?;
        Ok(Self { asks, answers })
    }

    /// Asks for a grid. `false` where the reader is still busy with the one before; ask again later.
    pub fn ask(&self, ask: GridAsk) -> bool {
        self.asks.try_send(ask).is_ok()
    }

    /// The grids that were read.
    pub fn answers(&self) -> impl Iterator<Item = Answer> + '_ {
        self.answers.try_iter()
    }
}
