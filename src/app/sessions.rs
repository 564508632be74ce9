//! Looks for sessions on a thread of its own: reading what each tells, and adding up what it takes on disk, may be slow.

use crate::engine::Task;
use crate::event::{Event, Picture, Waker};
use crate::guard;
use crate::session::{self, Stored};
use crate::summary::Brief;
use crate::ui::SessionRow;

/// The largest side of an image of a thumbnail, and how many stand beside each other.
const SIDE: usize = 32;
const SHOWN: usize = 4;
/// Sessions after which the list is sent again while they are read.
const BATCH: usize = 16;

/// Starts to look. The list comes at once, again and again with what more of the files tell (the newest first), and with the
/// space that each session takes. Files are read where somebody looks at `deep` lists; what is `known` of sessions that
/// have not changed since is not read again.
pub fn look(known: Vec<SessionRow>, deep: bool, waker: Waker) -> Task<Vec<SessionRow>> {
    Task::reporting("sessions", 3, waker, move |out| {
        let mut rows: Vec<SessionRow> = session::list().into_iter().map(|listed| row(listed, &known)).collect();
        // Nobody listens any more where the list was asked for anew.
        let mut heard = out.tell(rows.clone());
        for part in [read, measure].into_iter().skip(usize::from(!deep)) {
            for from in (0..rows.len()).step_by(BATCH) {
                if !heard {
                    return Ok::<_, String>(None);
                }
                rows.iter_mut().skip(from).take(BATCH).for_each(|row| catch_row_panic(row, part));
                heard = out.tell(rows.clone());
            }
        }
        Ok(None)
    })
}

fn row(listed: session::Listed, known: &[SessionRow]) -> SessionRow {
    let (about, busy) = guard::catch(|| (session::read_annotation(&listed.folder), !session::is_free(&listed.folder)))
        .unwrap_or_default();
    let row = SessionRow::new(listed.folder, listed.steps, listed.modified);
    let known = known.iter().find(|known| known.folder == row.folder && known.modified == row.modified);
    let (brief, bytes) = known.map_or((None, None), |known| (known.brief.clone(), known.bytes));
    let differs = known.map(|known| known.differs.clone()).unwrap_or_default();
    let thumbnail = known.and_then(|known| known.thumbnail.clone());
    SessionRow { star: about.star, note: about.note, busy, brief, bytes, differs, thumbnail, ..row }
}

/// A session that makes its reader panic stays in the list, without what it would tell.
fn catch_row_panic(row: &mut SessionRow, part: fn(&mut SessionRow)) {
    if let Err(panicked) = guard::catch(|| part(row)) {
        tracing::error!("{}: {panicked}", row.folder.display());
    }
}

fn read(row: &mut SessionRow) {
    if row.brief.is_none()
        && let Ok(stored) = Stored::outline(&row.folder)
    {
        row.thumbnail = thumbnail(&stored);
        row.tell(Brief::new(stored.config, stored.events));
    }
}

/// The first image of the first classes in the newest grid, in a row.
fn thumbnail(stored: &Stored) -> Option<Picture> {
    let started = |event: &Event| if let Event::Started(started) = event { Some(started.classes.len()) } else { None };
    let rows = stored.events.iter().rev().find_map(started)?;
    let grid = |event: &Event| if let Event::Grid(grid) = event { Some(grid.clone()) } else { None };
    let grid = stored.events.iter().rev().find_map(grid)?;
    let grid = session::read_grid(&stored.folder, &grid, rows, stored.config.train.grid_columns).ok()?;
    let step = grid.cell.div_ceil(SIDE).max(1);
    let (side, shown) = (grid.cell / step, rows.min(SHOWN));
    let at = |y: usize, x: usize| {
        let (row, from_left) = (x / side, x % side);
        let pixel = (row * grid.cell + y * step) * grid.picture.width + from_left * step;
        grid.picture.rgb[3 * pixel..][..3].iter().copied()
    };
    let rgb = (0..side).flat_map(|y| (0..side * shown).flat_map(move |x| at(y, x)));
    let rgb: Vec<u8> = rgb.collect();
    Some(Picture { width: side * shown, height: side, rgb: rgb.into() })
}

fn measure(row: &mut SessionRow) {
    row.bytes = Some(session::size(&row.folder));
    row.checkpoint_bytes = session::checkpoints_size(&row.folder);
}
