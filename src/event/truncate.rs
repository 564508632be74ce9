//! Cuts texts that nobody could read to their end: the events of a session may come from anybody.

use super::Event;

/// Bytes of a text that are kept.
const LONGEST: usize = 8 << 10;
/// Lines of it that are kept.
const MOST_LINES: usize = 100;

/// Cuts a text off where it is too long to be read, and says so at its end.
pub fn truncate(text: &mut String) {
    let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(MOST_LINES - 1).map(|(at, _)| at);
    let end = lines.unwrap_or(text.len()).min(LONGEST);
    if end < text.len() {
        let end = text.floor_char_boundary(end);
        let more = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("\u{2026} ({more} more bytes are left out)"));
    }
}

impl Event {
    /// The event with every text cut off where it is too long to be read.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        match &mut self {
            Self::Warning { message, .. } | Self::Failed { message, .. } => truncate(message),
            Self::Alarm(alarm) => {
                truncate(&mut alarm.message);
                truncate(&mut alarm.advice);
                alarm.subject.iter_mut().for_each(truncate);
            }
            Self::Recovered(over) => over.subject.iter_mut().for_each(truncate),
            Self::Started(started) => {
                started.classes.iter_mut().for_each(truncate);
                [&mut started.session, &mut started.version, &mut started.device].into_iter().for_each(truncate);
                if let Some(parent) = &mut started.parent {
                    truncate(&mut parent.session);
                    parent.run.iter_mut().for_each(truncate);
                }
            }
            Self::Data(data) => {
                truncate(&mut data.source);
                data.classes.iter_mut().for_each(|class| truncate(&mut class.name));
            }
            Self::Score(score) => {
                [&mut score.metric, &mut score.extractor].into_iter().for_each(truncate);
                score.class.iter_mut().for_each(truncate);
            }
            Self::Best(best) => truncate(&mut best.metric),
            Self::Checkpoint(checkpoint) => truncate(&mut checkpoint.folder),
            Self::Edited(edited) => {
                for change in &mut edited.changes {
                    [&mut change.key, &mut change.from, &mut change.to].into_iter().for_each(truncate);
                }
            }
            Self::Step(_)
            | Self::Scored(_)
            | Self::Nearest(_)
            | Self::Grid(_)
            | Self::LiveGrid(_)
            | Self::Stage { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Finished { .. }
            | Self::Stopped { .. } => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_say_that_they_were_cut_and_short_ones_stay() {
        let mut short = "two\nlines".to_owned();
        truncate(&mut short);
        assert_eq!(short, "two\nlines");
        for long in ["\u{e4}".repeat(6 << 20), "line\n".repeat(200_000)] {
            let message = Event::Warning { step: 1, message: long }.truncated();
            let Event::Warning { message, .. } = message else { panic!("another event") };
            assert!(message.len() <= LONGEST + 60 && message.lines().count() <= MOST_LINES + 1, "{}", message.len());
            assert!(message.ends_with("are left out)"), "{message}");
        }
    }
}
