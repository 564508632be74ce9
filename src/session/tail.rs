//! What a session tells, read as it is written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::timed::{Timed, read_event};
use super::{Result, open_events};

/// The longest line that can be an event.
const LONGEST: u64 = 64 << 20;

/// Reads the events of a session one after the other, also while somebody writes them.
pub struct Tail {
    reader: BufReader<File>,
    line: Vec<u8>,
    at: u64,
}

impl Tail {
    /// Of a session, from its first event on.
    ///
    /// # Errors
    /// Where there is no such file, or it is none.
    pub fn open(session: &Path) -> Result<Self> {
        Ok(Self { reader: BufReader::new(open_events(session)?), line: Vec::new(), at: 0 })
    }

    /// Bytes of the whole lines that were read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next event; nothing where no more is written whole for now. Lines that are none are passed over.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&mut self) -> io::Result<Option<Timed>> {
        loop {
            let room = LONGEST - self.line.len() as u64;
            (&mut self.reader).take(room).read_until(b'\n', &mut self.line)?;
            let whole = self.line.ends_with(b"\n");
            if !whole && (self.line.len() as u64) < LONGEST {
                // A line that is half written goes on here.
                return Ok(None);
            }
            self.at += self.line.len() as u64;
            let event = read_event(&self.line).ok().filter(|_| whole);
            self.line.clear();
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::event::{Event, Step};

    #[test]
    fn whole_lines_are_read_as_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("events.jsonl")).unwrap();
        let text = |step| serde_json::to_string(&Event::Step(Step { step, ..Step::default() })).unwrap() + "\n";
        let (first, second) = (text(1), text(2));
        let (half, rest) = second.split_at(20);
        write!(file, "{first}no event\n{half}").unwrap();
        let mut tail = Tail::open(folder.path()).unwrap();
        let mut step = || {
            let event = tail.read().unwrap();
            (event.map(|(event, _)| if let Event::Step(step) = event { step.step } else { 0 }), tail.at())
        };
        assert_eq!(step(), (Some(1), first.len() as u64));
        let lines = (first.len() + "no event\n".len()) as u64;
        assert_eq!(step(), (None, lines));
        write!(file, "{rest}").unwrap();
        assert_eq!(step(), (Some(2), lines + second.len() as u64));
        assert_eq!(step().0, None);
    }
}
