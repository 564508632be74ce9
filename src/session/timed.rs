//! The time of day at which something was told: in `events.jsonl` it stands behind the event, and is no part of it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::event::Event;

/// How the line of a step begins: the event's name comes first, and its number next.
pub(super) const STEP: &[u8] = br#"{"event":"step","#;

/// What stands beside an event in its line.
#[derive(Deserialize)]
struct Beside {
    /// Seconds since 1970.
    #[serde(default)]
    clock: Option<u64>,
}

/// Adds the time to the line of an event, which ends with it.
pub(super) fn add(line: &mut Vec<u8>, time: SystemTime) {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if line.ends_with(b"}") {
        line.pop();
        line.extend_from_slice(format!(",\"clock\":{seconds}}}").as_bytes());
    }
}

/// An event and, where its line tells it, the time at which it was told, in seconds since 1970.
pub type Timed = (Event, Option<u64>);

/// Reads a line of `events.jsonl`.
///
/// # Errors
/// Where it is no event.
pub fn read_event(line: &[u8]) -> serde_json::Result<Timed> {
    let event: Event = serde_json::from_slice(line)?;
    if line.starts_with(STEP) {
        return Ok((event, None));
    }
    let told = serde_json::from_slice::<Beside>(line).ok().and_then(|beside| beside.clock);
    let begun = || if let Event::Started(started) = &event { Some(started.time) } else { None };
    let time = told.or_else(begun).filter(|time| *time > 0);
    Ok((event, time))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_stands_beside_an_event_and_is_no_part_of_it() {
        let event = Event::Warning { step: 3, message: "}".to_owned() };
        let plain = serde_json::to_vec(&event).unwrap();
        let mut line = plain.clone();
        add(&mut line, UNIX_EPOCH + Duration::from_secs(1_709_210_096));
        assert_eq!(line, br#"{"event":"warning","step":3,"message":"}","clock":1709210096}"#);
        assert_eq!(read_event(&line).unwrap(), (event.clone(), Some(1_709_210_096)));
        assert_eq!(serde_json::from_slice::<Event>(&line).unwrap(), event, "as earlier releases read it");
        // Sessions of earlier releases tell none, and others may tell anything.
        assert_eq!(read_event(&plain).unwrap(), (event.clone(), None));
        for wrong in ["-1", "1e99", "null", "\"noon\"", "[]", "0"] {
            let line = format!(r#"{{"event":"warning","step":3,"message":"}}","clock":{wrong}}}"#);
            assert_eq!(read_event(line.as_bytes()).unwrap(), (event.clone(), None), "{wrong}");
        }
        assert!(read_event(b"no event").is_err());
    }
}
