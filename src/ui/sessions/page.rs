//! The Sessions page: every run that was stored, newest first, to be looked at again or taken as a start.

use std::path::{Path, PathBuf};

use egui::{
    Align, Color32, ColorImage, Frame, Id, Key, Layout, Margin, Rect, RichText, Role, ScrollArea, Sense, TextEdit,
    TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::super::action::Action;
use super::super::paths::{self, Wanted};
use super::super::request::SessionRequest;
use super::super::{format, theme, widgets};
use super::{SessionDialog, SessionRow, menu_ui, star_ui};
use crate::guard::from_home;
use crate::summary::Phase;

/// Where sessions are kept.
pub(in crate::ui) struct Place<'a> {
    /// The folder that holds them.
    pub folder: &'a Path,
    /// Whether somebody has chosen it.
    pub chosen: bool,
}

impl Place<'_> {
    /// A line that tells the folder, with the ways to see it, and to type or to choose another.
    fn ui(&self, ui: &mut Ui, typed: &mut Option<String>) -> Option<Action> {
        let mut action = None;
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let about = "The window keeps new runs there and lists what is in it; sessions that are stored stay where they are. `gandle train` has its own way: --out";
                if ui.button("Keep them elsewhere…").on_hover_text(about).clicked() {
                    action = Some(Action::ChooseSessionsFolder);
                }
                let usual = ui.add_enabled(self.chosen, egui::Button::new("The usual folder"));
                let why = "This is the usual folder";
                if usual.on_hover_text("Lists and keeps sessions where the program does by itself").on_disabled_hover_text(why).clicked() {
                    action = Some(Action::UsualSessionsFolder);
                }
                if ui.button("Show them").on_hover_text("In the system's file manager").clicked() {
                    action = Some(Action::Session(SessionRequest::Reveal(self.folder.to_owned())));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::small(ui, "Stored in");
                    action = action.take().or_else(|| self.folder_ui(ui, typed));
                });
            });
        });
        action
    }
}

impl Place<'_> {
    fn folder_ui(&self, ui: &mut Ui, typed: &mut Option<String>) -> Option<Action> {
        let folder = self.folder.display().to_string();
        let mut text = typed.clone().unwrap_or_else(|| folder.clone());
        let edit = TextEdit::singleline(&mut text).desired_width(ui.available_width() - 12.0);
        let field = paths::field(ui, "sessions folder", edit, Wanted::Folder);
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Folder for sessions"));
        if field.changed() {
            *typed = Some(text);
        }
        let about = format!("{folder}\nAnother folder that is there can be typed; Enter takes it");
        if !field.on_hover_text(about).lost_focus() {
            return None;
        }
        let typed = typed.take().map(|typed| typed.trim().to_owned())?;
        let wanted = !typed.is_empty() && typed != folder && !ui.input(|input| input.key_pressed(Key::Escape));
        wanted.then_some(Action::KeepSessionsIn(typed))
    }
}

/// What is typed on the page.
#[derive(Debug, Default)]
pub(in crate::ui) struct Typed {
    /// Another folder for sessions.
    folder: Option<String>,
    /// A session that is to be opened, wherever it lies.
    session: String,
}

/// The field for a session that is not in the list.
fn path_ui(ui: &mut Ui, typed: &mut String) -> Option<Action> {
    let mut entered = false;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let open = ui.add_enabled(!typed.trim().is_empty(), egui::Button::new("Open path"));
            entered = open.clicked();
            let hint = "A session that is not in the list: the path of its folder";
            let edit = TextEdit::singleline(typed).hint_text(hint).desired_width(ui.available_width() - 12.0);
            let field = paths::field(ui, "session path", edit, Wanted::Folder);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Path of a session"));
            entered |= field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        });
    });
    let path = from_home(typed.trim());
    (entered && !path.is_empty()).then(|| Action::OpenSession(PathBuf::from(path)))
}

/// Draws the page. `open` is the folder of the run that is on the screen, `live` that of the run that goes on.
#[must_use]
pub(in crate::ui) fn sessions_ui(
    ui: &mut Ui,
    (sessions, place): (&[SessionRow], Place<'_>),
    (open, live): (Option<&PathBuf>, Option<&PathBuf>),
    (typed, dialog): (&mut Typed, &mut SessionDialog),
) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::card(ui, |ui| {
        ui.set_min_size(ui.available_size());
        let note = "Every run keeps its settings, curves, grids and checkpoints in a folder of its own";
        widgets::head(ui, "Sessions", note, |ui| {
            if ui.button("Refresh").clicked() {
                actions.push(Action::ListSessions);
            }
            if ui.button("Open folder…").clicked() {
                actions.push(Action::ChooseSession);
            }
        });
        let known: Option<u64> = sessions.iter().map(|session| session.bytes).sum();
        if let Some(total) = known.filter(|_| !sessions.is_empty()) {
            let count = format::plural(sessions.len(), "session");
            widgets::small(ui, format!("{count}, {} on disk", format::bytes(whole(total))));
        }
        actions.extend(place.ui(ui, &mut typed.folder));
        actions.extend(path_ui(ui, &mut typed.session));
        ui.add_space(6.0);
        if sessions.is_empty() {
            return widgets::empty(ui, "No sessions yet", "Press Train, and the first one appears here");
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for session in sessions {
                let (open, live) = (open == Some(&session.folder), live == Some(&session.folder));
                let listed = Listed { row: session, open, live };
                // By its folder, so that an open menu stays with its session when another one comes above it.
                let row = ui.push_id(&session.folder, |ui| row_ui(ui, &listed, dialog));
                actions.extend(row.inner);
            }
        });
    });
    actions
}

/// A session that is listed, and whether it is on the screen or being trained.
struct Listed<'a> {
    row: &'a SessionRow,
    open: bool,
    live: bool,
}

fn row_ui(ui: &mut Ui, listed: &Listed<'_>, dialog: &mut SessionDialog) -> Vec<Action> {
    let p = widgets::palette(ui);
    let fill = if listed.open { p.accent_faint } else { p.well };
    let frame = Frame::new().fill(fill).corner_radius(6).inner_margin(Margin::symmetric(10, 6));
    let mut actions = Vec::new();
    let mut texts = |ui: &mut Ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            actions.extend(star_ui(ui, listed.row));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                actions.extend(menu_ui(ui, listed.row, dialog));
                actions.extend(open_ui(ui, listed));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| name_ui(ui, listed));
            });
        });
        ui.horizontal(|ui| {
            ui.add_space(theme::ROW_HEIGHT + 4.0);
            ui.add(egui::Label::new(RichText::new(facts(listed.row)).small().color(p.muted)).truncate());
        });
        if !listed.row.note.is_empty() {
            ui.horizontal(|ui| {
                ui.add_space(theme::ROW_HEIGHT + 4.0);
                ui.add(egui::Label::new(RichText::new(&listed.row.note).color(p.text)).truncate());
            });
        }
    };
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            thumbnail_ui(ui, listed.row);
            ui.vertical(&mut texts);
        });
    });
    actions
}

/// Some images of the newest grid, or the room for them.
fn thumbnail_ui(ui: &mut Ui, row: &SessionRow) {
    let (rect, response) = ui.allocate_exact_size(THUMBNAIL, Sense::hover());
    let Some(picture) = &row.thumbnail else { return };
    let id = Id::unique(("thumbnail", &row.folder, row.modified));
    let texture = ui.data(|data| data.get_temp::<TextureHandle>(id)).unwrap_or_else(|| {
        let image = ColorImage::from_rgb([picture.width, picture.height], &picture.rgb);
        let texture = ui.ctx().load_texture("thumbnail", image, TextureOptions::LINEAR);
        ui.data_mut(|data| data.insert_temp(id, texture.clone()));
        texture
    });
    let size = vec2(picture.width as f32, picture.height as f32);
    let scale = (rect.width() / size.x).min(rect.height() / size.y);
    let place = Rect::from_min_size(rect.min, size * scale);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), place, whole, Color32::WHITE);
    response.on_hover_text("The first image of the first classes in the newest grid");
}

fn open_ui(ui: &mut Ui, listed: &Listed<'_>) -> Option<Action> {
    let button = ui.add_enabled(!listed.open, egui::Button::new("Open"));
    let name = format!("Open {}", listed.row.name);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !listed.open, &name));
    button.clicked().then(|| Action::OpenSession(listed.row.folder.clone()))
}

fn name_ui(ui: &mut Ui, listed: &Listed<'_>) {
    let p = widgets::palette(ui);
    let pill = match listed {
        Listed { live: true, .. } => Some(("going on", p.good)),
        Listed { open: true, .. } => Some(("open", p.accent)),
        Listed { row: SessionRow { busy: true, .. }, .. } => Some(("training in another program", p.good)),
        Listed { row, .. } => row.brief.as_ref().and_then(|brief| match brief.phase {
            Phase::Failed(_) => Some(("failed", p.error)),
            Phase::Starting | Phase::Running | Phase::Paused => Some(("interrupted", p.warning)),
            Phase::Stopped => Some(("stopped", p.muted)),
            Phase::Finished => None,
        }),
    };
    let room = ui.available_width() - if pill.is_some() { 190.0 } else { 0.0 };
    ui.scope(|ui| {
        ui.set_max_width(room.max(60.0));
        let name = egui::Label::new(RichText::new(format::name(&listed.row.name)).color(p.strong)).truncate();
        ui.add(name).on_hover_text(format::name(&listed.row.folder.display().to_string()));
    });
    if let Some((text, color)) = pill {
        widgets::pill(ui, text, color);
    }
}

/// The room for images of a session.
const THUMBNAIL: Vec2 = vec2(144.0, 36.0);
/// Settings of a session that are named in its line.
const TOLD: usize = 3;

/// What is known of a session, in a line.
fn facts(row: &SessionRow) -> String {
    let mut facts = Vec::new();
    match &row.brief {
        Some(brief) => {
            facts.push(format::plural(brief.step, "step"));
            facts.push(format!("seed {}", brief.config.train.seed));
            facts.extend(row.differs.iter().take(TOLD).cloned());
            let more = row.differs.len().saturating_sub(TOLD);
            facts.extend((more > 0).then(|| format!("{more} more")));
            if let Some(best) = brief.best() {
                let (metric, at) = (format::metric(&best.metric), format::count(best.step));
                facts.push(format!("best {metric} {} at {at}", format::score(best.value)));
            }
            facts.extend(brief.seconds.map(format::duration));
        }
        None => facts.push(format::plural(row.steps, "step")),
    }
    facts.extend(row.bytes.map(|bytes| format::bytes(whole(bytes))));
    facts.push(format::ago(row.modified));
    facts.join("  ·  ")
}

fn whole(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
