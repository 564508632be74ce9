//! The dialogs that name, note and delete a session. They ask; nothing else in the window waits for them.

use egui::{Checkbox, Label, RichText, TextEdit, Ui};

use super::super::action::Action;
use super::super::{dialog, format, theme, widgets};
use super::{SessionRequest, SessionRow, full_path};

/// The dialog that is open, if one is.
#[derive(Default)]
pub struct SessionDialog {
    open: Option<Open>,
}

enum Open {
    Edit { row: SessionRow, edited: Edited },
    Remove { row: SessionRow, state: Removal },
}

/// What is typed about a session.
struct Edited {
    name: String,
    note: String,
    star: bool,
    /// Whether the name is still to be given the keyboard.
    fresh: bool,
    /// Whether it is being saved.
    busy: bool,
    /// Why it could not be saved.
    failed: Option<String>,
}

/// How far a removal is.
enum Removal {
    /// Not asked for yet.
    Asking,
    /// Under way.
    Busy,
    /// There is no trash for it, with the system's reason.
    Untrashed(String),
}

impl SessionDialog {
    /// Asks for a session's name and note.
    pub fn edit(&mut self, row: &SessionRow) {
        let (name, note, star) = (row.name.clone(), row.note.clone(), row.star);
        let edited = Edited { name, note, star, fresh: true, busy: false, failed: None };
        self.open = Some(Open::Edit { row: row.clone(), edited });
    }

    /// Asks whether a session shall go.
    pub fn remove(&mut self, row: &SessionRow) {
        self.open = Some(Open::Remove { row: row.clone(), state: Removal::Asking });
    }

    /// Takes in what became of a change: what could not be saved stays in the dialog, with the reason. `false` where no dialog has
    /// asked for it.
    pub fn saved(&mut self, result: Result<(), String>) -> bool {
        let Some(Open::Edit { edited, .. }) = &mut self.open else { return false };
        if !std::mem::take(&mut edited.busy) {
            return false;
        }
        match result {
            Ok(()) => self.open = None,
            Err(reason) => edited.failed = Some(reason),
        }
        true
    }

    /// Takes in what became of a removal.
    pub fn removed(&mut self, result: Result<(), String>) {
        match (&mut self.open, result) {
            (Some(Open::Remove { .. }), Ok(())) => self.open = None,
            (Some(Open::Remove { state, .. }), Err(reason)) => *state = Removal::Untrashed(reason),
            (Some(Open::Edit { .. }) | None, _) => {}
        }
    }

    /// Draws the dialog over everything else.
    #[must_use]
    pub fn ui(&mut self, ctx: &egui::Context) -> Option<Action> {
        let open = self.open.as_mut()?;
        let name = match open {
            Open::Edit { .. } => "session-name",
            Open::Remove { .. } => "session-delete",
        };
        let ((closed, action), escaped) = dialog::show(ctx, name, theme::DIALOG_WIDTH, |ui| match open {
            Open::Edit { row, edited } => edit_ui(ui, row, edited),
            Open::Remove { row, state } => remove_ui(ui, row, state),
        });
        if closed || escaped {
            self.open = None;
        }
        action
    }
}

fn edit_ui(ui: &mut Ui, row: &SessionRow, edited: &mut Edited) -> (bool, Option<Action>) {
    let Edited { name, note, star, fresh, busy, failed } = edited;
    ui.heading("Name and note");
    let label = ui.label("Name");
    let field = ui.add_enabled(!row.busy, TextEdit::singleline(name).desired_width(f32::INFINITY));
    let field = field.labelled_by(label.id).on_disabled_hover_text("A run writes to this session; rename it after");
    if std::mem::take(fresh) {
        field.request_focus();
    }
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let label = ui.label("Note");
    let about = "Your own note about this run";
    ui.add(TextEdit::multiline(note).desired_rows(4).desired_width(f32::INFINITY).hint_text(about))
        .labelled_by(label.id);
    ui.add(Checkbox::new(star, "Star"));
    widgets::small(ui, "The name is that of the session's folder; star and note are kept in its about.toml.");
    let renamed = *name != row.name;
    let changed = renamed || *note != row.note || *star != row.star;
    if let Some(reason) = failed {
        ui.add(Label::new(RichText::new(reason.as_str()).color(widgets::palette(ui).error)).wrap());
    }
    ui.separator();
    dialog::buttons(ui, |ui| {
        let ready = changed && !*busy && !name.trim().is_empty();
        let saved = ui.add_enabled(ready, widgets::primary(ui, "Save")).clicked() || (ready && entered);
        let closed = ui.button("Cancel").clicked();
        *busy |= saved;
        let name = renamed.then(|| name.trim().to_owned());
        let ask =
            SessionRequest::Edit { folder: row.folder.clone(), name, star: *star, note: note.trim_end().to_owned() };
        (closed, saved.then_some(Action::Session(ask)))
    })
}

fn remove_ui(ui: &mut Ui, row: &SessionRow, state: &mut Removal) -> (bool, Option<Action>) {
    let p = widgets::palette(ui);
    ui.heading(format!("Delete {}?", row.name));
    let lost = ["Settings, curves, scores and the log", "Sample grids and exported images", "Checkpoints"];
    let mut parts: Vec<String> = lost.map(str::to_owned).to_vec();
    if row.steps > 0 {
        parts[2] = format!("Checkpoints, the newest of step {}", format::count(row.steps));
    }
    ui.label("The whole folder goes:");
    for part in parts {
        ui.label(format!("•  {part}"));
    }
    ui.add(Label::new(RichText::new(full_path(row)).small().color(p.muted)).wrap());
    if let Some(bytes) = row.bytes {
        widgets::small(ui, format!("{} on disk", format::bytes(usize::try_from(bytes).unwrap_or(usize::MAX))));
    }
    if !row.note.is_empty() {
        ui.add(Label::new(RichText::new(format!("Note: {}", row.note)).color(p.text)).wrap());
    }
    if let Removal::Untrashed(reason) = state {
        ui.add(Label::new(RichText::new(reason.as_str()).color(p.error)).wrap());
    }
    ui.separator();
    dialog::buttons(ui, |ui| {
        let folder = row.folder.clone();
        let (text, ask) = match state {
            Removal::Asking | Removal::Busy => ("Move to trash", SessionRequest::Trash(folder)),
            Removal::Untrashed(_) => ("Delete permanently", SessionRequest::Delete(folder)),
        };
        let busy = matches!(state, Removal::Busy);
        let asked = ui.add_enabled(!busy, egui::Button::new(RichText::new(text).color(p.error))).clicked();
        let closed = ui.button("Keep").clicked();
        if asked {
            *state = Removal::Busy;
        }
        (closed, asked.then_some(Action::Session(ask)))
    })
}
