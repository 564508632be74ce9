//! Fields in which paths are typed: what stands in the folder that was typed so far is offered below them.

use std::path::MAIN_SEPARATOR;

use egui::{CompletionPopup, Context, Id, Key, RectAlign, Response, Suggestion, TextEdit, Ui};

use super::request::Inside;

/// Names that are offered at once.
const OFFERED: usize = 50;

/// What a path may lead to.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// A folder.
    Folder,
    /// A folder, or a file that ends with one of these.
    File(&'static [&'static str]),
}

/// Which folders were looked into, and where somebody types.
#[derive(Clone, Default)]
struct Shelf {
    /// The folder that is to be looked into.
    wanted: Option<String>,
    /// The folder that was asked for last.
    asked: Option<String>,
    known: Inside,
    /// The field that has the focus, its text, and whether somebody has changed that since it has the focus.
    typed: Option<(Id, String, bool)>,
}

fn shelf<R>(ctx: &Context, with: impl FnOnce(&mut Shelf) -> R) -> R {
    ctx.data_mut(|data| with(data.get_temp_mut_or_default::<Shelf>(Id::NULL)))
}

/// The folder that a field wants to be looked into, once.
pub(super) fn wanted(ctx: &Context) -> Option<String> {
    shelf(ctx, |shelf| {
        let folder = shelf.wanted.take().filter(|folder| shelf.asked.as_ref() != Some(folder))?;
        shelf.asked = Some(folder.clone());
        Some(folder)
    })
}

/// Takes in what stands in a folder.
pub(super) fn take(ctx: &Context, inside: Inside) {
    shelf(ctx, |shelf| {
        shelf.asked.take_if(|asked| *asked == inside.folder);
        shelf.known = inside;
    });
    ctx.request_repaint();
}

/// Draws the field and, while somebody types in it, what the path may go on with; Tab, or a click, takes it over. `id` is its own
/// in the whole window.
pub(super) fn field(ui: &mut Ui, id: &str, edit: TextEdit<'_>, wanted: Wanted) -> Response {
    let id = Id::unique(("path", id));
    let ctx = ui.ctx().clone();
    let popup =
        CompletionPopup::new(id).word_boundary(|_| false).accept_keys([Key::Tab]).align(RectAlign::BOTTOM_START);
    let shown = popup.show(ui, edit, |query| {
        let focused = ctx.memory(|memory| memory.has_focus(id));
        shelf(&ctx, |shelf| shelf.offers(id, focused, query.text, query.word, wanted))
    });
    let mut response = shown.text_edit.response.response;
    if shown.accepted.is_some() {
        response.mark_changed();
    }
    response
}

/// A path's folder, with the separator behind it, and what is typed of a name in that.
fn divided(path: &str) -> (&str, &str) {
    let end = path.rfind(['/', MAIN_SEPARATOR]).map_or(0, |at| at + 1);
    path.split_at(end)
}

impl Shelf {
    /// What the text before the cursor may go on with.
    fn offers(&mut self, id: Id, focused: bool, text: &str, before: &str, wanted: Wanted) -> Vec<Suggestion> {
        let same = self.typed.as_ref().filter(|(of, ..)| *of == id);
        let changed = same.is_some_and(|(_, known, changed)| *changed || known != text);
        match (focused, same.is_some()) {
            (true, _) => self.typed = Some((id, text.to_owned(), changed)),
            (false, true) => self.typed = None,
            (false, false) => {}
        }
        if !focused || !changed {
            return Vec::new();
        }
        let (folder, begun) = divided(before);
        if self.known.folder != folder {
            self.wanted = Some(folder.to_owned());
            return Vec::new();
        }
        let full = |name: &String| format!("{folder}{name}");
        let names = self.known.names.iter().filter(|name| fits(name, begun, wanted));
        let offered = names.map(full).filter(|path| path != before).take(OFFERED);
        offered.map(|path| Suggestion::new(path.clone()).content(divided_name(&path))).collect()
    }
}

/// The name that a path ends with, also where it is a folder's.
fn divided_name(path: &str) -> String {
    let bare = path.strip_suffix(MAIN_SEPARATOR).unwrap_or(path);
    path[divided(bare).0.len()..].to_owned()
}

/// Whether a name goes on with what is typed and leads to what is wanted. What is hidden is offered to whoever types its dot.
fn fits(name: &str, begun: &str, wanted: Wanted) -> bool {
    let begins = || {
        let mut letters = name.chars().flat_map(char::to_lowercase);
        begun.chars().flat_map(char::to_lowercase).all(|letter| letters.next() == Some(letter))
    };
    let ends = || match wanted {
        Wanted::Folder => false,
        Wanted::File(endings) => {
            let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
            ending.is_some_and(|ending| endings.contains(&ending.as_str()))
        }
    };
    let hidden = name.starts_with('.') && !begun.starts_with('.');
    !hidden && (name.ends_with(MAIN_SEPARATOR) || ends()) && begins()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_on_with_what_is_typed_and_lead_to_what_is_wanted() {
        let slash = MAIN_SEPARATOR;
        let (folder, hidden) = (format!("Cells{slash}"), format!(".git{slash}"));
        for (name, begun, wanted, fit) in [
            (folder.as_str(), "ce", Wanted::Folder, true),
            (folder.as_str(), "cells", Wanted::File(&["pth"]), true),
            (folder.as_str(), "s", Wanted::Folder, false),
            (hidden.as_str(), "", Wanted::Folder, false),
            (hidden.as_str(), ".", Wanted::Folder, true),
            ("labels.CSV", "la", Wanted::File(&["csv"]), true),
            ("labels.csv", "la", Wanted::Folder, false),
            ("notes", "no", Wanted::File(&["csv"]), false),
        ] {
            assert_eq!(fits(name, begun, wanted), fit, "{name} {begun}");
        }
        assert_eq!(divided("/data/ce"), ("/data/", "ce"));
        assert_eq!((divided("cells"), divided("")), (("", "cells"), ("", "")));
        assert_eq!(divided_name(&format!("/data/cells{slash}")), format!("cells{slash}"));
        assert_eq!(divided_name("/data/labels.csv"), "labels.csv");
    }

    #[test]
    fn a_folder_is_asked_for_once_and_offers_come_while_somebody_types() {
        let (ctx, id) = (Context::default(), Id::unique("a field"));
        let folder = |name: &str| format!("{name}{MAIN_SEPARATOR}");
        let offers = |focused, text: &str| {
            let found = shelf(&ctx, |shelf| shelf.offers(id, focused, text, text, Wanted::Folder));
            found.into_iter().map(|found| found.insert).collect::<Vec<_>>()
        };
        let none = Vec::<String>::new();
        assert_eq!((offers(false, "demo"), offers(true, "demo")), (none.clone(), none.clone()), "nobody has typed");
        assert_eq!(wanted(&ctx), None);
        assert_eq!(offers(true, "/data/c"), none);
        assert_eq!((wanted(&ctx).as_deref(), wanted(&ctx)), (Some("/data/"), None));
        assert_eq!((offers(true, "/data/ce"), wanted(&ctx)), (none.clone(), None), "it is being read");
        take(
            &ctx,
            Inside { folder: "/data/".to_owned(), names: vec![folder("cells"), "ce.csv".to_owned(), folder("other")] },
        );
        assert_eq!(offers(true, "/data/ce"), [format!("/data/{}", folder("cells"))]);
        assert_eq!(offers(false, "/data/ce"), none, "it has no focus any more");
        assert_eq!(offers(true, "/data/ce"), none, "nobody has typed since");
    }
}
