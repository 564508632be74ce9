//! The names of many curves with their values, in columns below a chart: each hides its curve and shows it again.

use egui::{Align2, Color32, FontId, Grid, Painter, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::{theme, widgets};
use super::{Chart, Line, Look};

/// What is said of a curve's name.
pub(super) const HINT: &str = "Click to hide the curve, and again to show it";

/// Height of a line of keys, and the room above the first.
const ROW: f32 = 16.0;
const ABOVE: f32 = 4.0;
/// The least and the largest width of a key, and the room between two.
const NARROW: f32 = 96.0;
const WIDE: f32 = 190.0;
const APART: f32 = 14.0;
/// Room for a dot before the name.
const DOT: f32 = 12.0;
/// Lines of keys in the window: what has no room there is told on hover.
pub(super) const LINES: usize = 2;

/// Where the keys of a chart stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::ui) struct Keys {
    /// Keys beside each other.
    columns: usize,
    rows: usize,
    /// Keys that are shown; one place less than there is where some are not.
    shown: usize,
    /// Curves that have keys.
    of: usize,
}

/// The curves that have keys, with their numbers.
fn curves<'a, 'c>(chart: &'a Chart<'c>) -> impl Iterator<Item = (usize, &'a Line<'c>)> {
    chart.curves.iter().enumerate().filter(|(_, curve)| curve.below)
}

/// What a screen reader is told of the name of a curve.
pub(super) fn info(chart: &Chart<'_>, curve: &Line<'_>, shown: bool) -> WidgetInfo {
    WidgetInfo::selected(Role::CheckBox, true, shown, format!("{} in {}", curve.name, chart.title))
}

fn font() -> FontId {
    FontId::proportional(theme::SMALL)
}

fn digits() -> FontId {
    FontId::monospace(10.5)
}

impl Keys {
    /// The keys of a chart in this width, on at most so many lines.
    pub fn of(painter: &Painter, chart: &Chart<'_>, width: f32, most: usize) -> Self {
        let wide = |text: &str, font: FontId| painter.layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x;
        let names = curves(chart).map(|(_, curve)| wide(&curve.name, font()));
        let widest = names.fold(0.0, f32::max);
        // Values are as wide as their longest, so that no key moves when they change.
        let cell = DOT + widest + 6.0 + wide("-0000.00", digits());
        // A third of a narrow chart is enough for the start of a name.
        let cell = cell.min((width / 3.0 - APART).clamp(NARROW, WIDE)).max(NARROW);
        Self::laid_out(curves(chart).count(), cell, width, most)
    }

    fn laid_out(of: usize, cell: f32, width: f32, most: usize) -> Self {
        let columns = (((width + APART) / (cell + APART)) as usize).max(1);
        let rows = of.div_ceil(columns).min(most);
        let shown = if of > rows * columns { (rows * columns).saturating_sub(1) } else { of };
        Self { columns, rows, shown, of }
    }

    /// The height that they take.
    pub fn height(&self) -> f32 {
        if self.rows == 0 { 0.0 } else { self.rows as f32 * ROW + ABOVE }
    }

    /// The place of a key.
    fn cell(&self, rect: Rect, at: usize) -> Rect {
        let width = (rect.width() - APART * (self.columns - 1) as f32) / self.columns as f32;
        let (row, column) = (at / self.columns, at % self.columns);
        let corner = pos2(rect.left() + column as f32 * (width + APART), rect.top() + ABOVE + row as f32 * ROW);
        Rect::from_min_size(corner, vec2(width.max(1.0), ROW))
    }

    /// Whether there are more curves than keys.
    pub fn has_more(&self) -> bool {
        self.shown < self.of
    }

    /// Draws them into a rectangle. Returns the number of the curve whose key is pointed at, and the name of one that was clicked.
    pub fn ui(&self, ui: &Ui, rect: Rect, chart: &Chart<'_>, look: &Look<'_>) -> (Option<usize>, Option<String>) {
        let (mut pointed, mut turned) = (None, None);
        for (at, (number, curve)) in curves(chart).take(self.shown).enumerate() {
            let hidden = look.view.hides(&chart.id, &curve.name);
            let cell = self.cell(rect, at);
            let key = ui.interact(cell, ui.scope_id().with(("key", at)), Sense::click());
            key.widget_info(|| info(chart, curve, !hidden));
            if key.hovered() && !hidden {
                pointed = Some(number);
            }
            if key.clicked() {
                turned = Some(curve.name.clone().into_owned());
            }
            widgets::focus_ring(ui, &key);
            let value = if hidden { String::new() } else { value(chart, curve, look) };
            paint(ui.painter(), widgets::palette(ui), cell, (curve, hidden), value);
            key.on_hover_text(format!("{}\n{HINT}", curve.name));
        }
        if self.has_more() {
            let cell = self.cell(rect, self.shown);
            let (text, at) = (format!("{} more", self.of - self.shown), cell.left_center() + vec2(DOT, 0.0));
            ui.painter().text(at, Align2::LEFT_CENTER, text, font(), widgets::palette(ui).muted);
            let rest = ui.interact(cell, ui.scope_id().with("more keys"), Sense::hover());
            rest.on_hover_ui(|ui| all_ui(ui, chart, look));
        }
        (pointed, turned)
    }
}

/// What a curve reads where it is looked at.
fn value(chart: &Chart<'_>, curve: &Line<'_>, look: &Look<'_>) -> String {
    chart.reading(curve, look.cursor.or(look.at)).trim().to_owned()
}

/// A key: a dot, a name and a value; of a curve that is hidden, a ring and a name.
fn paint(painter: &Painter, p: &theme::Palette, cell: Rect, (curve, hidden): (&Line<'_>, bool), value: String) {
    let dot = cell.left_center() + vec2(3.5, 0.0);
    let color = if hidden { p.muted } else { p.text };
    if hidden {
        painter.circle_stroke(dot, 3.0, egui::Stroke::new(1.0, curve.color));
    } else {
        painter.circle_filled(dot, 3.5, curve.color);
    }
    let mut right = cell.right();
    if !value.is_empty() {
        right = painter.text(cell.right_center(), Align2::RIGHT_CENTER, value, digits(), p.strong).left() - 6.0;
    }
    let name = widgets::elided(painter, &curve.name, font(), color, right - cell.left() - DOT);
    painter.galley(pos2(cell.left() + DOT, cell.center().y - name.size().y / 2.0), name, color);
}

/// Every key with its value.
pub(super) fn all_ui(ui: &mut Ui, chart: &Chart<'_>, look: &Look<'_>) {
    let p = widgets::palette(ui);
    Grid::new("all-keys").num_columns(2).min_row_height(ROW).spacing([14.0, 2.0]).show(ui, |ui| {
        for (_, curve) in curves(chart).filter(|(_, curve)| !look.view.hides(&chart.id, &curve.name)) {
            ui.horizontal(|ui| {
                widgets::dot(ui, curve.color);
                widgets::small(ui, &*curve.name);
            });
            widgets::number(ui, format!("{:>8}", value(chart, curve, look)), p.strong);
            ui.end_row();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_take_few_lines_and_none_where_there_are_none() {
        let of = |count, width| {
            let keys = Keys::laid_out(count, 120.0, width, LINES);
            (keys.columns, keys.rows, keys.shown)
        };
        assert_eq!(of(6, 420.0), (3, 2, 6));
        assert_eq!(of(6, 1200.0), (9, 1, 6));
        assert_eq!(of(40, 420.0), (3, 2, 5), "the last place says how many more there are");
        assert_eq!(of(3, 20.0), (1, 2, 1));
        assert_eq!((of(0, 420.0).1, Keys::laid_out(0, 120.0, 420.0, LINES).height()), (0, 0.0));
        assert_eq!(Keys::laid_out(40, 120.0, 420.0, usize::MAX).shown, 40);
    }

    #[test]
    fn keys_stand_in_columns_within_their_place() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(420.0, 40.0));
        let keys = Keys::laid_out(6, 120.0, rect.width(), LINES);
        assert_eq!(keys.cell(rect, 1).left(), keys.cell(rect, 4).left());
        assert!((0..6).all(|at| rect.contains_rect(keys.cell(rect, at))), "{keys:?}");
        assert!(keys.cell(rect, 0).right() < keys.cell(rect, 1).left());
    }
}
