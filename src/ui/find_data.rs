//! The dialog that asks where the images of a session are now, before it goes on with them.

use std::path::PathBuf;

use egui::{Context, Label, RichText, TextEdit, Ui};

use super::action::Action;
use super::paths::{self, Wanted};
use super::{dialog, theme, widgets};
use crate::config::DATA_FILES;
use crate::guard::from_home;

/// The dialog.
#[derive(Debug, Default)]
pub struct FindData(Option<Open>);

#[derive(Debug)]
struct Open {
    session: PathBuf,
    /// Where the images were.
    before: String,
    /// Where they are said to be now.
    path: String,
    /// Whether the session is being told.
    busy: bool,
    /// Why it could not be.
    failed: Option<String>,
}

impl FindData {
    /// Asks for the images of a session, which were here.
    pub fn open_for(&mut self, session: PathBuf, before: &str) {
        let (before, path) = (before.to_owned(), before.to_owned());
        self.0 = Some(Open { session, before, path, busy: false, failed: None });
    }

    /// Takes in what was chosen in a file dialog.
    pub fn choose(&mut self, path: String) {
        if let Some(open) = &mut self.0 {
            open.path = path;
        }
    }

    /// Takes in what became of it: what failed stays here, with the reason. `false` where nobody has asked here.
    pub fn found(&mut self, result: Result<(), String>) -> bool {
        let Some(open) = self.0.as_mut().filter(|open| open.busy) else { return false };
        match result {
            Ok(()) => self.0 = None,
            Err(reason) => (open.busy, open.failed) = (false, Some(reason)),
        }
        true
    }

    /// Draws it over everything else.
    #[must_use]
    pub(super) fn ui(&mut self, ctx: &Context) -> Option<Action> {
        let open = self.0.as_mut()?;
        let ((action, closed), escaped) = dialog::show(ctx, "find-data", theme::DIALOG_WIDTH, |ui| open.ui(ui));
        if closed || escaped {
            self.0 = None;
        }
        action
    }
}

impl Open {
    fn ui(&mut self, ui: &mut Ui) -> (Option<Action>, bool) {
        ui.heading("Find the data");
        ui.add(Label::new(format!("The images of this session were in {}. Where are they now?", self.before)).wrap());
        let mut chosen = false;
        let label = dialog::row(ui, "Data", |ui| {
            let choose = ui.button("Choose folder\u{2026}");
            chosen = choose.clicked();
            choose
        });
        let edit = TextEdit::multiline(&mut self.path).desired_rows(1).return_key(None).desired_width(f32::INFINITY);
        let field = paths::field(ui, "find data", edit, Wanted::File(&DATA_FILES)).labelled_by(label.id);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Where the data is now"));
        self.path.retain(|letter| letter != '\n');
        widgets::small(
            ui,
            "It is written into the session. Whether these are the same images is found out when it goes on.",
        );
        if let Some(reason) = &self.failed {
            ui.add(Label::new(RichText::new(reason).color(widgets::palette(ui).error)).wrap());
        }
        ui.separator();
        dialog::buttons(ui, |ui| {
            let ready = !self.busy && !self.path.trim().is_empty();
            let told = ui.add_enabled(ready, widgets::primary(ui, "Go on")).clicked();
            let closed = ui.button("Cancel").clicked();
            self.busy |= told;
            let data = PathBuf::from(from_home(self.path.trim()));
            let action = told.then(|| Action::DataMoved { session: self.session.clone(), data });
            (action.or(chosen.then_some(Action::ChooseMovedData)), closed)
        })
    }
}
