//! The small parts that all panels are built from.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align, Button, Color32, CornerRadius, FontId, Frame, Galley, Id, Label, Layout, Margin, Painter, Response,
    RichText, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::glyph::{self, Glyph};
use super::theme::{self, Palette};

/// Passes in which a list that opens finds its size and is drawn first.
const LAID_OUT: u64 = 3;

/// The palette of the theme that is on.
pub fn palette(ui: &Ui) -> &'static Palette {
    theme::palette(ui.visuals())
}

/// A part of the window whose controls keep their identity, and with it the focus of whoever types there, whatever comes or goes above
/// it. `name` is its own in the whole window.
pub fn steady<R>(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope_builder(UiBuilder::new().scope_id(Id::unique(("steady", name))), contents).inner
}

/// A card: a raised surface with a subtle border.
pub fn card<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    card_frame(ui).show(ui, contents).inner
}

/// The frame of a card.
pub fn card_frame(ui: &Ui) -> Frame {
    let p = palette(ui);
    Frame::new()
        .fill(p.surface)
        .stroke(Stroke::new(1.0, p.border))
        .corner_radius(CornerRadius::same(theme::ROUND + 2))
        .inner_margin(Margin::same(theme::PAD))
}

/// A title of a card.
pub fn title(ui: &mut Ui, text: &str) -> Response {
    let text = RichText::new(text).strong().color(palette(ui).strong);
    ui.add(Label::new(text).extend())
}

/// The head of a card: a title, a note beside it, and on the right what comes first where there is little room.
pub fn head(ui: &mut Ui, text: &str, note: &str, right: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            right(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let p = palette(ui);
                ui.add(Label::new(RichText::new(text).strong().color(p.strong)).truncate());
                if !note.is_empty() {
                    ui.add(Label::new(RichText::new(note).small().color(p.muted)).truncate());
                }
            });
        });
    });
}

/// Text that may be overlooked.
pub fn muted(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = palette(ui).muted;
    ui.label(RichText::new(text.into()).color(color))
}

/// Small text that may be overlooked.
pub fn small(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = palette(ui).muted;
    ui.label(RichText::new(text.into()).small().color(color))
}

/// Numbers in a fixed width, so that nothing moves when they change.
pub fn number(ui: &mut Ui, text: impl Into<String>, color: Color32) -> Response {
    ui.add(Label::new(RichText::new(text.into()).monospace().color(color)).extend())
}

/// A button that stands out.
pub fn primary(ui: &Ui, text: &str) -> Button<'static> {
    let p = palette(ui);
    Button::new(RichText::new(text.to_owned()).color(p.on_accent).strong()).fill(p.accent).stroke(Stroke::NONE)
}

/// A figure with its name above it.
pub fn stat(ui: &mut Ui, name: &str, value: &str) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        small(ui, name);
        let color = palette(ui).strong;
        number(ui, value, color);
    })
    .response
}

/// A coloured dot and a word.
pub fn pill(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), small_font(), color);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 30.0, 20.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect_filled(rect, 10.0, color.gamma_multiply(0.16));
    ui.painter().circle_filled(rect.left_center() + vec2(12.0, 0.0), 3.5, color);
    let at = egui::pos2(rect.left() + 20.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
    response
}

/// A small filled circle.
pub fn dot(ui: &mut Ui, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(7.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 3.5, color);
    response
}

/// A switch for yes or no, named for screen readers and tests.
pub fn switch(ui: &mut Ui, on: &mut bool, name: &str) -> Response {
    let size = vec2(34.0, 18.0);
    let (rect, mut response) = ui.allocate_exact_size(size, Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), *on, name));
    if ui.is_rect_visible(rect) {
        let p = palette(ui);
        let shift = ui.ctx().animate_bool_responsive(response.id, *on);
        let visuals = ui.style().interact(&response);
        let fill = egui::lerp(egui::Rgba::from(visuals.bg_fill)..=egui::Rgba::from(p.accent), shift);
        let radius = rect.height() / 2.0;
        ui.painter().rect(rect, radius, fill, visuals.bg_stroke, egui::StrokeKind::Inside);
        let x = egui::lerp(rect.left() + radius..=rect.right() - radius, shift);
        let knob = if *on { p.on_accent } else { p.muted };
        ui.painter().circle_filled(egui::pos2(x, rect.center().y), radius - 4.0, knob);
        if response.has_focus() {
            ui.painter().rect_stroke(rect.expand(2.0), radius, Stroke::new(1.0, p.accent), egui::StrokeKind::Outside);
        }
    }
    response
}

/// A button that stays pressed.
pub fn toggle(ui: &mut Ui, on: &mut bool, text: &str) -> Response {
    toggle_if(ui, true, on, text)
}

/// The same where it may have nothing to switch: a button of its own in its row, so that rows wrap before it.
pub fn toggle_if(ui: &mut Ui, enabled: bool, on: &mut bool, text: &str) -> Response {
    let response = ui.add_enabled(enabled, Button::selectable(*on, text).frame_when_inactive(true));
    if response.clicked() {
        *on = !*on;
    }
    response
}

/// One tab of a row; `count` stands beside its name where it is not zero.
pub fn tab(ui: &mut Ui, selected: bool, text: &str) -> Response {
    let p = palette(ui);
    let color = if selected { p.strong } else { p.muted };
    let text_size =
        ui.painter().layout_no_wrap(text.to_owned(), egui::TextStyle::Body.resolve(ui.style()), color).size();
    let size = vec2(text_size.x + 22.0, ui.available_height());
    let response = ui.add(Button::new(RichText::new(text).color(color)).frame(false).min_size(size));
    let info = || WidgetInfo::selected(Role::Tab, true, selected, text);
    response.widget_info(info);
    let line = response.rect.with_min_y(response.rect.bottom() - 2.0);
    focus_ring(ui, &response);
    if selected {
        ui.painter().rect_filled(line, 1.0, p.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(line, 1.0, p.border);
    }
    response
}

/// A border around what has the focus of the keyboard and would not show it.
pub fn focus_ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        let (round, stroke) = (CornerRadius::same(theme::ROUND), Stroke::new(1.0, palette(ui).accent));
        ui.painter().rect_stroke(response.rect.expand(2.0), round, stroke, egui::StrokeKind::Inside);
    }
}

/// Gives the focus of the keyboard to the first entry of a list that was opened by keyboard: it stands before the entries. Without,
/// arrow keys would have to find their way from the closed list.
pub fn enter_list(ui: &Ui) {
    let (key, now) = (ui.unique_id().with("entered"), ui.ctx().cumulative_pass_nr());
    let by_keyboard = ui.memory(|memory| memory.focused().is_some());
    let before = ui.data(|data| data.get_temp::<(u64, u64, bool)>(key)).filter(|(_, last, _)| last + 1 >= now);
    let (opened, _, by_keyboard) = before.unwrap_or((now, now, by_keyboard));
    ui.data_mut(|data| data.insert_temp(key, (opened, now, by_keyboard)));
    // A list is laid out before it is drawn, and has no focus then.
    if by_keyboard && now - opened < LAID_OUT {
        ui.memory_mut(|memory| memory.request_focus(ui.next_auto_id()));
    }
}

/// Brings what has got the focus of the keyboard into view. It stands at the end of what scrolls.
pub fn follow_focus(ui: &Ui) {
    let (focused, key) = (ui.memory(|memory| memory.focused()), ui.scope_id().with("focused"));
    let before = ui.data_mut(|data| data.get_temp::<Option<Id>>(key)).flatten();
    if focused == before {
        return;
    }
    ui.data_mut(|data| data.insert_temp(key, focused));
    let place = focused.and_then(|id| ui.ctx().read_response(id)).filter(|place| place.layer_id == ui.layer_id());
    if let Some(place) = place.filter(|place| ui.min_rect().contains_rect(place.rect)) {
        ui.scroll_to_rect(place.rect.expand(theme::GAP), None);
    }
}

/// A message across the width, and the gap below it. What can be pressed stands on the right, all in one line with the beginning of
/// the text. `true` where its cross was clicked.
pub fn banner(
    ui: &mut Ui,
    color: Color32,
    fill: Color32,
    title: &str,
    text: &str,
    buttons: impl FnOnce(&mut Ui),
) -> bool {
    let frame = Frame::new()
        .fill(fill)
        .stroke(Stroke::new(1.0, color.gamma_multiply(0.5)))
        .corner_radius(CornerRadius::same(theme::ROUND + 2))
        .inner_margin(Margin::symmetric(12, 6));
    let mut closed = false;
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.set_min_height(theme::ROW_HEIGHT);
        // The parts on the right are drawn first, so that the text knows what is left for it.
        let whole = ui.available_rect_before_wrap();
        let place = whole.with_max_y(whole.top() + theme::ROW_HEIGHT);
        let builder = UiBuilder::new().max_rect(place).layout(Layout::right_to_left(Align::Center));
        let mut right = ui.new_child(builder);
        closed = glyph::button(&mut right, Glyph::Cross, Vec2::splat(20.0), false, "Dismiss").clicked();
        buttons(&mut right);
        ui.set_max_width(right.min_rect().left() - whole.left() - 12.0);
        let font = egui::TextStyle::Body.resolve(ui.style());
        let line = ui.text_style_height(&egui::TextStyle::Body);
        ui.add_space(((theme::ROW_HEIGHT - line) / 2.0).max(0.0));
        let mut job = LayoutJob::default();
        job.append(title, 0.0, TextFormat::simple(font.clone(), color));
        job.append(text, 10.0, TextFormat::simple(font, palette(ui).text));
        ui.add(Label::new(job).wrap());
    });
    ui.add_space(theme::GAP - 4.0);
    closed
}

/// A column of cards that scrolls by itself.
pub fn column(ui: &mut Ui, id: &str, width: f32, contents: impl FnOnce(&mut Ui)) {
    let size = vec2(width, ui.available_height());
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::GAP;
            contents(ui);
            follow_focus(ui);
        });
    });
}

/// Text in the middle of the room that is left: what could be here, and how to get it.
pub fn empty(ui: &mut Ui, title: &str, text: &str) {
    let p = palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 40.0).max(8.0));
        ui.label(RichText::new(title).strong().color(p.text));
        ui.add_space(2.0);
        ui.label(RichText::new(text).color(p.muted));
    });
}

/// A horizontal bar that shows a share of 1.
pub fn share_bar(ui: &mut Ui, width: f32, share: f32, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
    let p = palette(ui);
    ui.painter().rect_filled(rect, 4.0, p.well);
    let filled = rect.with_max_x(rect.left() + (rect.width() * share.clamp(0.0, 1.0)).max(2.0));
    ui.painter().rect_filled(filled, 4.0, color);
    response
}

/// A text on one line, with its end left out where it is wider than this.
pub fn elided(painter: &Painter, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(super::format::name(text).into_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(width.max(1.0));
    painter.layout_job(job)
}

/// The font of small text.
pub fn small_font() -> FontId {
    FontId::proportional(theme::SMALL)
}
