//! Dialogs over everything else in the window; what a dialog opens itself is always in front of it.

use std::path::PathBuf;

use egui::{Align, ComboBox, Context, Frame, Id, Key, Label, Layout, Modal, Modifiers, Order, Response, RichText, Ui};

use super::action::Action;
use super::run_view::RunView;
use super::{format, theme, widgets};

/// What went wrong while a dialog is open, for it to tell.
#[derive(Clone, Debug, Default)]
struct Trouble {
    text: Option<String>,
    told: bool,
}

fn trouble<R>(ctx: &Context, with: impl FnOnce(&mut Trouble) -> R) -> R {
    ctx.data_mut(|data| with(data.get_temp_mut_or_default(Id::NULL)))
}

/// Whether a dialog was drawn in the frame before.
pub(super) fn is_open(ctx: &Context) -> bool {
    ctx.memory(|memory| memory.top_modal_layer().is_some())
}

/// Hands what went wrong to the dialog that is drawn next.
pub(super) fn tell(ctx: &Context, text: Option<String>) {
    trouble(ctx, |trouble| *trouble = Trouble { text, told: false });
}

/// Whether a dialog has told it.
pub(super) fn has_told(ctx: &Context) -> bool {
    trouble(ctx, |trouble| trouble.told)
}

/// What went wrong, told by the dialog in which it was asked for.
fn trouble_ui(ui: &mut Ui) {
    if let Some(text) = trouble(ui.ctx(), |trouble| trouble.text.take()) {
        ui.add(Label::new(RichText::new(text).color(widgets::palette(ui).error)).wrap());
        trouble(ui.ctx(), |trouble| trouble.told = true);
    }
}

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
        let answer = contents(ui);
        trouble_ui(ui);
        answer
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

/// A dialog about the run on the screen, which goes with it.
#[derive(Debug)]
pub(super) struct OfRun<T>(Option<(PathBuf, T)>);

impl<T> Default for OfRun<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> OfRun<T> {
    pub fn open(&mut self, run: &RunView, content: T) {
        self.0 = Some((run.folder().to_owned(), content));
    }

    pub fn close(&mut self) {
        self.0 = None;
    }

    /// What it holds while it is open.
    pub fn content(&mut self) -> Option<&mut T> {
        self.0.as_mut().map(|(_, content)| content)
    }

    /// Draws it over everything else. `contents` says what was asked for, and whether to close. Returns what was asked for, and
    /// what the dialog held where it has closed.
    pub fn ui(
        &mut self,
        ctx: &Context,
        (name, width): (&str, f32),
        run: Option<&RunView>,
        contents: impl FnOnce(&mut T, &mut Ui, &RunView) -> (Option<Action>, bool),
    ) -> (Option<Action>, Option<T>) {
        let Some((folder, content)) = &mut self.0 else { return (None, None) };
        let (mut action, mut closed) = (None, true);
        if let Some(run) = run.filter(|run| run.folder() == folder) {
            let (answer, escaped) = show(ctx, name, width, |ui| contents(content, ui, run));
            (action, closed) = (answer.0, answer.1 || escaped);
        }
        (action, self.0.take_if(|_| closed).map(|(_, content)| content))
    }
}

/// A line with a name before its control.
pub(super) fn row(ui: &mut Ui, name: &str, control: impl FnOnce(&mut Ui) -> Response) -> Response {
    ui.horizontal(|ui| {
        let size = egui::vec2(110.0, theme::ROW_HEIGHT);
        let label = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(size.x);
            ui.label(name)
        });
        control(ui).labelled_by(label.inner.id)
    })
    .inner
}

/// The choice of one of a run's checkpoints, the newest first.
pub(super) fn checkpoint(ui: &mut Ui, id: &str, run: &RunView, step: &mut usize) -> Response {
    let name = |step: usize| format!("step {}", format::count(step));
    let combo = ComboBox::from_id_salt(id).width(180.0).selected_text(name(*step));
    let shown = combo.show_ui(ui, |ui| {
        widgets::enter_list(ui);
        for checkpoint in run.checkpoints().iter().rev() {
            ui.selectable_value(step, checkpoint.step, name(checkpoint.step));
        }
    });
    shown.response
}

/// The buttons at the end, from the right; in a row of their own, as such a layout alone takes all the height there is.
pub(super) fn buttons<R>(ui: &mut Ui, buttons: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| ui.with_layout(Layout::right_to_left(Align::Center), buttons).inner).inner
}
