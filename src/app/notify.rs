//! Tells of a run on the window's title, and of its end on the desktop where nobody looks at the window.

use egui::{Context, UserAttentionType, ViewportCommand};

use super::state::App;
use crate::ui::{Phase, RunView};

/// What the window's title says: where the run stands that goes on here, else which session is looked at, else what became of
/// the run.
pub fn title(live: Option<&RunView>, stored: Option<&RunView>) -> String {
    let active = live.filter(|run| run.is_active());
    if let (None, Some(stored)) = (active, stored) {
        return format!("{} \u{2013} gandle", stored.name());
    }
    let Some(run) = live else { return "gandle".to_owned() };
    let name = run.name();
    match run.phase() {
        Phase::Running => format!("{} % {name} \u{2013} gandle", 100 * run.step() / run.steps().max(1)),
        Phase::Starting | Phase::Paused | Phase::Finished | Phase::Stopped | Phase::Failed(_) => {
            format!("{}: {name} \u{2013} gandle", run.phase().name())
        }
    }
}

impl App {
    /// Tells of an end where the window is not looked at. Asking the desktop may take a while, and nothing depends on it.
    pub(super) fn notify(&mut self, ctx: &Context, title: String, text: String) {
        if ctx.input(|input| input.focused) {
            return;
        }
        ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
        let show = move || {
            let mut notification = notify_rust::Notification::new();
            notification.appname("gandle").summary(&title).body(&text).show().map(drop)
        };
        self.later("notify", show, |_, shown| {
            if let Err(reason) = shown {
                tracing::debug!("this system shows no notifications: {reason}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::event::Event;

    #[test]
    fn the_title_says_where_the_run_stands() {
        assert_eq!(title(None, None), "gandle");
        let stored = RunView::new(PathBuf::from("sessions/old"));
        assert_eq!(title(None, Some(&stored)), "old \u{2013} gandle");
        let mut run = RunView::new(PathBuf::from("sessions/night"));
        assert_eq!(title(Some(&run), None), "Starting: night \u{2013} gandle");
        assert_eq!(
            title(Some(&run), Some(&stored)),
            "Starting: night \u{2013} gandle",
            "a run that goes on comes first"
        );
        run.apply(Event::Finished { step: 3 });
        assert_eq!(title(Some(&run), Some(&stored)), "old \u{2013} gandle");
        assert_eq!(title(Some(&run), None), "Finished: night \u{2013} gandle");
    }
}
