//! Short messages about what just happened outside of a run.

use std::path::PathBuf;

use super::alarms::KINDS;

/// How a notice is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeLevel {
    /// In the status bar.
    Info,
    /// As a banner.
    Error,
}

/// A message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it is shown.
    pub level: NoticeLevel,
    /// What it says.
    pub text: String,
}

impl Notice {
    /// Something went as asked.
    pub fn info(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Info, text: text.into() }
    }

    /// Something could not be done.
    pub fn error(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Error, text: text.into() }
    }
}

/// Seconds for which a notice stays at least, and more for each of its letters.
const STAYS: f64 = 5.0;
const A_LETTER: f64 = 0.05;

/// Takes notices away when they have been there long enough to be read. Errors stay until somebody dismisses them.
#[derive(Debug, Default)]
pub(super) struct Fading {
    /// What is on the screen, and since when.
    since: Option<(Notice, f64)>,
}

impl Fading {
    /// Looks at what is shown now; nobody reads where the window is not in front. Returns the seconds until it goes.
    pub fn pass(&mut self, shown: &mut Option<Notice>, now: f64, read: bool) -> Option<f64> {
        let Some(notice) = shown.as_ref().filter(|notice| notice.level == NoticeLevel::Info) else {
            self.since = None;
            return None;
        };
        let since = match &self.since {
            Some((known, since)) if known == notice && read => *since,
            Some(_) | None => now,
        };
        let left = since + STAYS + A_LETTER * notice.text.chars().count() as f64 - now;
        if left <= 0.0 {
            (*shown, self.since) = (None, None);
            return None;
        }
        self.since = Some((notice.clone(), since));
        Some(left)
    }
}

/// What the user has read of a run and dismissed.
#[derive(Default)]
pub(super) struct Dismissed {
    /// The run's folder.
    pub run: PathBuf,
    /// Lines of its log.
    pub lines: usize,
    /// Its alarms, by their kind.
    pub alarms: [usize; KINDS.len()],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_well_goes_when_it_was_read_and_errors_stay() {
        let mut fading = Fading::default();
        let mut shown = Some(Notice::info("Copied"));
        let left = fading.pass(&mut shown, 10.0, true).unwrap();
        assert!((5.0..6.0).contains(&left));
        assert!(fading.pass(&mut shown, 12.0, true).is_some());
        // Another one has its own time.
        shown = Some(Notice::info("Written"));
        assert!(fading.pass(&mut shown, 14.0, true).is_some() && fading.pass(&mut shown, 17.0, true).is_some());
        assert_eq!((fading.pass(&mut shown, 20.0, true), &shown), (None, &None));
        shown = Some(Notice::info("Unread"));
        assert!(fading.pass(&mut shown, 30.0, false).is_some() && fading.pass(&mut shown, 90.0, false).is_some());
        assert!(fading.pass(&mut shown, 91.0, true).is_some());
        shown = Some(Notice::error("no room"));
        assert_eq!(fading.pass(&mut shown, 1e6, true), None);
        assert!(shown.is_some());
    }
}
