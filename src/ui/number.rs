//! Fields for numbers: what is typed takes effect only as a whole, and what cannot be read stays in the field, in red.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use egui::{Context, CursorIcon, DragValue, Id, Response, Stroke, Ui, UiBuilder, Widget};

use super::widgets;

/// What a field holds.
pub(super) trait Number: Copy + PartialOrd + Send + Sync + 'static {
    /// As egui counts.
    fn to_f64(self) -> f64;
    /// From keys and dragging: as near as can be read at a glance.
    fn near(value: f64) -> Self;
    /// What is shown and typed.
    fn text(self) -> String;
    /// What somebody typed, where that is a number of this kind.
    fn read(text: &str) -> Option<Self>;
    /// What an arrow key adds, and a pixel of dragging.
    fn step(self) -> f64;
}

macro_rules! whole {
    ($($kind:ty),+) => {$(
        impl Number for $kind {
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "what a control offers, which a cast clamps"
            )]
            fn near(value: f64) -> Self {
                value.round() as Self
            }
            fn text(self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                Self::try_from(read_whole(text)?).ok()
            }
            fn step(self) -> f64 {
                (self as f64 * 0.01).round().max(1.0)
            }
        }
    )+};
}
whole!(usize, u64);

impl Number for f64 {
    fn to_f64(self) -> f64 {
        self
    }

    fn near(value: f64) -> Self {
        format!("{value:.2e}").parse().unwrap_or(value)
    }

    fn text(self) -> String {
        if self != 0.0 && self.abs() < 1e-5 { format!("{self:e}") } else { self.to_string() }
    }

    fn read(text: &str) -> Option<Self> {
        read_fraction(text)
    }

    fn step(self) -> f64 {
        (self.abs() * 0.01).max(1e-6)
    }
}

impl Number for f32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the setting is a 32-bit number")]
    fn near(value: f64) -> Self {
        f64::near(value) as Self
    }

    fn text(self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        // From the text itself: by way of 64 bits it could be rounded twice.
        read_fraction(text)?;
        with_point(text)?.parse().ok()
    }

    fn step(self) -> f64 {
        f64::from((self.abs() * 0.01).max(0.001))
    }
}

/// The text with the signs that Rust reads: a decimal comma is a point. Nothing where it has a point too, or several commas: one of them
/// groups digits, and nobody knows which.
fn with_point(text: &str) -> Option<String> {
    let text = text.trim().replace('\u{2212}', "-");
    match text.matches(',').count() {
        0 => Some(text),
        1 if !text.contains('.') => Some(text.replace(',', ".")),
        _ => None,
    }
}

fn read_fraction(text: &str) -> Option<f64> {
    with_point(text)?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A whole number, its thousands grouped by commas or spaces, or a power of ten such as `1e4`. A point alone is refused:
/// `4.000` is 4 to some and 4000 to others.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is whole and within what f64 counts one by one"
)]
fn read_whole(text: &str) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = text.trim();
    let mut groups = text.split([',', ' ']);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && digits(first));
    let grouped = first && groups.all(|group| group.len() == 3 && digits(group));
    let plain = if grouped { text.replace([',', ' '], "") } else { text.to_owned() };
    if let Ok(value) = plain.parse() {
        return Some(value);
    }
    let value = read_fraction(&plain).filter(|_| plain.contains(['e', 'E']))?;
    ((0.0..=EXACT).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

/// Text that could not be taken over, and the value that it was typed over.
#[derive(Clone)]
struct Refused {
    /// The field's name.
    name: String,
    text: String,
    over: f64,
    /// What is wrong with it.
    why: String,
    /// When the field was drawn last: what is not on the screen any more stands in nobody's way.
    drawn: u64,
}

/// Every refused text of the window, by the identity of its field.
#[derive(Clone, Default)]
struct Shelf(Vec<(Id, Refused)>);

fn shelf<R>(ctx: &Context, with: impl FnOnce(&mut Vec<(Id, Refused)>) -> R) -> R {
    ctx.data_mut(|data| with(&mut data.get_temp_mut_or_default::<Shelf>(Id::NULL).0))
}

fn forget_one(ctx: &Context, id: Id) {
    shelf(ctx, |shelf| shelf.retain(|(other, _)| *other != id));
}

/// Forgets every refused text: what it was typed over has been replaced as a whole.
pub(super) fn forget_refused(ctx: &Context) {
    shelf(ctx, Vec::clear);
}

/// What stands refused in the fields on the screen whose names `belong`, each with the name of its field and the reason.
pub(super) fn refused(ctx: &Context, belongs: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let now = ctx.cumulative_pass_nr();
    shelf(ctx, |shelf| {
        shelf.retain(|(_, refused)| now.saturating_sub(refused.drawn) <= 1);
        let mine = shelf.iter().filter(|(_, refused)| belongs(&refused.name));
        mine.map(|(_, refused)| (refused.name.clone(), refused.why.clone())).collect()
    })
}

/// The value from before somebody began to type.
#[derive(Clone)]
struct Began<T>(T);

/// A field for a number. Dragging changes it only with Ctrl (Command): without, a hand that slips would.
pub(super) struct Field<'a, T> {
    name: &'a str,
    value: &'a mut T,
    range: RangeInclusive<T>,
    prefix: &'a str,
    suffix: &'a str,
}

/// A field for a number in a range. It keeps the focus whatever comes and goes around it, for which `name` must be its own in the whole
/// window.
pub(super) fn field<'a, T: Number>(name: &'a str, value: &'a mut T, range: RangeInclusive<T>) -> Field<'a, T> {
    Field { name, value, range, prefix: "", suffix: "" }
}

impl<'a, T> Field<'a, T> {
    /// What stands before the number.
    pub fn prefix(self, prefix: &'a str) -> Self {
        Self { prefix, ..self }
    }

    /// What stands after it.
    pub fn suffix(self, suffix: &'a str) -> Self {
        Self { suffix, ..self }
    }
}

impl<T: Number> Widget for Field<'_, T> {
    fn ui(self, ui: &mut Ui) -> Response {
        ui.scope_builder(UiBuilder::new().scope_id(Id::unique(("number", self.name))), |ui| self.own_ui(ui)).inner
    }
}

impl<T: Number> Field<'_, T> {
    fn own_ui(self, ui: &mut Ui) -> Response {
        let Self { name, value, range, prefix, suffix } = self;
        let (id, before, now) = (ui.next_auto_id(), *value, ui.ctx().cumulative_pass_nr());
        let refused = shelf(ui.ctx(), |shelf| {
            // One over another value, or that was not drawn for a while, is past.
            shelf.retain(|(of, refused)| {
                *of != id || (refused.over == before.to_f64() && now.saturating_sub(refused.drawn) <= 1)
            });
            shelf.iter_mut().find(|(of, _)| *of == id).map(|(_, refused)| {
                refused.drawn = now;
                refused.clone()
            })
        });
        if refused.is_some() {
            redden(ui);
        }
        let by_hand = ui.input(|input| input.modifiers.command);
        let speed = if ui.ctx().is_being_dragged(id) && !by_hand { 0.0 } else { before.step() };
        let (least, most) = (range.start().to_f64(), range.end().to_f64());
        // What the field was asked to read: a number, or text that is none.
        let read: RefCell<Option<Result<T, String>>> = RefCell::new(None);
        let drag = DragValue::from_get_set(|new| {
            if let Some(new) = new {
                // What is rounded to be read easily stays in the range too.
                let near = || match T::near(new.clamp(least, most)) {
                    near if near > *range.end() => *range.end(),
                    near if near < *range.start() => *range.start(),
                    near => near,
                };
                *value = match &*read.borrow() {
                    Some(Ok(typed)) if typed.to_f64() == new => *typed,
                    Some(_) | None => near(),
                };
            }
            value.to_f64()
        });
        let shown = refused.as_ref().map(|refused| refused.text.clone());
        let drag = drag.range(least..=most).clamp_existing_to_range(false).speed(speed).prefix(prefix).suffix(suffix);
        let drag = drag.custom_formatter(move |number, _| match &shown {
            Some(text) if number == before.to_f64() => text.clone(),
            None if number == before.to_f64() => before.text(),
            Some(_) | None => T::near(number).text(),
        });
        let drag = drag.custom_parser(|text| {
            let number = T::read(text).filter(|number| range.contains(number));
            *read.borrow_mut() = Some(number.ok_or_else(|| text.to_owned()));
            number.map(T::to_f64)
        });
        let response = ui.add(drag);
        let left = response.lost_focus();
        let given_up = left && ui.input(|input| input.key_pressed(egui::Key::Escape));
        let began = ui.data(|data| data.get_temp::<Began<T>>(id));
        let read = read.into_inner();
        // On its way to `1e9` a text was `1`: what is refused in the end leaves no trace.
        if let Some(Began(began)) = began.clone().filter(|_| given_up || matches!(read, Some(Err(_)))) {
            *value = began;
        }
        match (ui.memory(|memory| memory.has_focus(id)), began) {
            (true, None) => _ = ui.data_mut(|data| data.insert_temp(id, Began(before))),
            (false, Some(_)) => ui.data_mut(|data| data.remove::<Began<T>>(id)),
            (true, Some(_)) | (false, None) => {}
        }
        let over = value.to_f64();
        match read {
            Some(Err(text)) if !(given_up || left && text.trim().is_empty()) => {
                let (least, most) = (range.start().text(), range.end().text());
                let why = format!(
                    "\u{201c}{text}\u{201d} is not a number from {least} to {most}; {} still applies",
                    value.text()
                );
                forget_one(ui.ctx(), id);
                let refused = Refused { name: name.to_owned(), text, over, why, drawn: now };
                shelf(ui.ctx(), |shelf| shelf.push((id, refused)));
            }
            Some(_) => forget_one(ui.ctx(), id),
            None if given_up => forget_one(ui.ctx(), id),
            None => {}
        }
        let response = if by_hand { response } else { response.on_hover_cursor(CursorIcon::Text) };
        match refused {
            Some(Refused { why, .. }) => response.on_hover_text(why),
            None => response,
        }
    }
}

/// Text and border in the colour of errors.
fn redden(ui: &mut Ui) {
    let color = widgets::palette(ui).error;
    let visuals = ui.visuals_mut();
    visuals.override_text_color = Some(color);
    visuals.selection.stroke = Stroke::new(1.0, color);
    let widgets = &mut visuals.widgets;
    for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
        state.bg_stroke = Stroke::new(1.0, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_have_a_point_or_a_comma_and_are_finite() {
        let good =
            [("0.5", 0.5), ("0,5", 0.5), (" 2e-4 ", 2e-4), ("1,5e3", 1500.0), ("\u{2212}1", -1.0), (".25", 0.25)];
        for (text, value) in good {
            assert_eq!(f64::read(text), Some(value), "{text}");
        }
        for text in ["", "nan", "inf", "-inf", "1e999", "abc", "1,000.5", "1,000,000", "0.5.5", "5 m"] {
            assert_eq!((f64::read(text), f32::read(text)), (None, None), "{text}");
        }
        assert_eq!(f32::read("0,1"), Some(0.1));
    }

    #[test]
    fn whole_numbers_may_be_grouped_and_nothing_is_guessed() {
        let good = [("4000", 4000), ("4,000", 4000), ("12 000 000", 12_000_000), ("1e4", 10_000), ("1.5e3", 1500)];
        for (text, value) in good {
            assert_eq!(usize::read(text), Some(value), "{text}");
        }
        assert_eq!(u64::read("9223372036854775807"), Some(i64::MAX as u64), "every digit of a seed counts");
        for text in ["", "4.000", "4,00", "0,5", "1.5", "-1", "1e-3", "1e300", "nan", "4,0000", ",000"] {
            assert_eq!(usize::read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_stay_readable() {
        assert_eq!([1e-4, 2e-7, 0.0, 0.999].map(f64::text), ["0.0001", "2e-7", "0", "0.999"]);
        assert_eq!(f64::near(0.000_123_456), 0.000_123);
        assert_eq!((0.1_f32.text(), usize::near(2.6)), ("0.1".to_owned(), 3));
    }
}
