//! Looks for sessions on a thread of its own: adding up what they take on disk may be slow.

use crossbeam_channel::{Receiver, bounded};

use crate::event::Waker;
use crate::session::{self, Listed};
use crate::ui::SessionRow;

/// Starts to look. The list comes twice: at once, and with the space that each session takes.
///
/// # Errors
/// Where no thread could be started.
pub fn look(waker: Waker) -> std::io::Result<Receiver<Vec<SessionRow>>> {
    let (sender, found) = bounded(2);
    std::thread::Builder::new().name("sessions".to_owned()).spawn(move || {
        let mut rows: Vec<SessionRow> = session::list().into_iter().map(row).collect();
        for measured in [false, true] {
            if measured {
                for row in &mut rows {
                    row.bytes = Some(session::size(&row.folder));
                    row.checkpoint_bytes = session::checkpoints_size(&row.folder);
                }
            }
            if sender.send(rows.clone()).is_err() {
                return; // Asked for anew meanwhile.
            }
            waker();
        }
    })?;
    Ok(found)
}

fn row(listed: Listed) -> SessionRow {
    let Listed { folder, name, steps, modified } = listed;
    SessionRow { folder, name, steps, modified, bytes: None, checkpoint_bytes: 0 }
}
