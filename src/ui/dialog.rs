//! Dialogs over everything else in the window; what a dialog opens itself is always in front of it.

use egui::{Context, Frame, Id, Key, Modal, Modifiers, Order, Ui};

/// Draws a dialog; `name` tells it from others, so that one does not take over the other's size. Returns what `contents` says,
/// and whether Escape was pressed for this dialog and not for a list in it.
///
/// Lists, menus and hints are drawn in egui's foreground. A dialog that lies there too, where [`Modal`] puts it, shares one order with
/// them, in which whatever was clicked last is in front. One layer lower it is below them whatever the order.
pub(super) fn show<R>(ctx: &Context, name: &str, width: f32, contents: impl FnOnce(&mut Ui) -> R) -> (R, bool) {
    let id = Id::unique(name);
    let area = Modal::default_area(id).order(Order::Middle);
    // There it is in front of the windows that float over the pages.
    ctx.move_to_top(area.layer());
    let modal = Modal::new(id).area(area).frame(Frame::window(&ctx.global_style()));
    let shown = modal.show(ctx, |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 8.0;
        contents(ui)
    });
    // It is placed by its size in the frame before: one that grows or shrinks comes to rest in the next.
    let rect = shown.response.rect;
    if ctx.data_mut(|data| std::mem::replace(data.get_temp_mut_or(id, rect), rect)) != rect {
        ctx.request_repaint();
    }
    let listens = shown.is_top_modal && !shown.any_popup_open;
    let escaped = listens && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    (shown.inner, escaped)
}
