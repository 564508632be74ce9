//! What is asked before a session goes on whose settings lead to places that no run of this user's has used.

use std::path::PathBuf;

use egui::{Label, RichText, Ui};

use super::action::Action;
use super::{dialog, theme, widgets};
use crate::config::ExternalPath;

/// The dialog, while a session waits for its answer.
#[derive(Debug, Default)]
pub struct Trust {
    open: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    folder: PathBuf,
    steps: Option<usize>,
    places: Vec<ExternalPath>,
}

impl Trust {
    /// Asks whether a session may go on to so many steps and use these places.
    pub fn ask(&mut self, folder: PathBuf, steps: Option<usize>, places: Vec<ExternalPath>) {
        self.open = Some(Waiting { folder, steps, places });
    }

    /// Draws the dialog over everything else.
    #[must_use]
    pub(super) fn ui(&mut self, ctx: &egui::Context) -> Option<Action> {
        let waiting = self.open.as_ref()?;
        let (answer, escaped) = dialog::show(ctx, "trust", theme::DIALOG_WIDTH, |ui| waiting.ui(ui));
        let trusted = answer.or(escaped.then_some(false))?;
        let Waiting { folder, steps, places } = self.open.take()?;
        trusted.then_some(Action::Trust { folder, steps, places })
    }
}

impl Waiting {
    fn ui(&self, ui: &mut Ui) -> Option<bool> {
        let p = widgets::palette(ui);
        ui.heading("Use these places?");
        ui.label("The session's settings name places that no run of yours has used. Its run would read data from there, or write to it:");
        for place in &self.places {
            ui.label(RichText::new(place.key.as_str()).color(p.muted));
            ui.add(Label::new(place.path.as_str()).wrap());
        }
        widgets::small(ui, "If somebody sent you the session, look at them well. They are remembered once you go on.");
        ui.separator();
        ui.horizontal(|ui| {
            let cancelled = ui.button("Cancel").clicked();
            let went_on = ui.button("Go on").clicked();
            (cancelled || went_on).then_some(went_on)
        })
        .inner
    }
}
