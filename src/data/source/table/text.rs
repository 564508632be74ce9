//! A table's bytes as text, whatever spreadsheet wrote them, and what stands between its cells.
//!
//! A text that does not fit its encoding is refused and never mended: two names that differ in a broken letter alone would
//! become one.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many of the first bytes tell UTF-16 without a mark.
const LOOK: usize = 4096;

/// The text, and the name of its encoding where it is another than UTF-8.
///
/// # Errors
/// Where the bytes do not fit the encoding, or `named` (empty: found by the bytes) is none.
pub(super) fn decode(bytes: &[u8], named: &str) -> Result<(String, Option<&'static str>), String> {
    let (marked, mark) = Encoding::for_bom(bytes).map_or((None, 0), |(encoding, mark)| (Some(encoding), mark));
    let encoding = match named.trim() {
        "" => marked.unwrap_or_else(|| guess(bytes)),
        named => Encoding::for_label(named.as_bytes()).ok_or_else(|| {
            format!("data.table_encoding: no encoding is called `{named}`; utf-8, utf-16le, windows-1252 and shift_jis are some")
        })?,
    };
    let rest = &bytes[if marked == Some(encoding) { mark } else { 0 }..];
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest).ok_or_else(|| {
        format!("it is not in {}: some of its bytes are no letters of it; save it as UTF-8, or name its encoding in data.table_encoding", encoding.name())
    })?;
    Ok((text.into_owned(), (encoding != UTF_8).then(|| encoding.name())))
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let start = &bytes[..bytes.len().min(LOOK)];
    // Every other byte of Latin text in UTF-16 is 0, and none of any other encoding.
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if (even + odd) * 5 > start.len() {
        return if even > odd { UTF_16BE } else { UTF_16LE };
    }
    // The code page of most spreadsheets. It gives every byte its own letter, so that different names stay different in
    // whatever other code page they were written.
    if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 }
}

/// How cells are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub delimiter: u8,
    pub quote: u8,
}

/// The form of a table, and its text from the names of its columns on.
pub(super) fn form(text: &str) -> (Form, &str) {
    let first = text.split(['\n', '\r']).next().unwrap_or_default();
    let quote = if first.starts_with('\'') { b'\'' } else { b'"' };
    // A line for Excel alone.
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = *first.trim_matches('"').as_bytes() {
        let rest = text[first.len()..].trim_start_matches(['\n', '\r']);
        return (Form { delimiter, quote: b'"' }, rest);
    }
    let mut quoted = false;
    let mut often = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in first.bytes() {
        quoted ^= byte == quote;
        if let Some((_, count)) = often.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    // Of two that are equally common the first of the list.
    let delimiter = often.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter);
    (Form { delimiter, quote }, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_spreadsheets_gives_the_same_text() {
        let want = "file,label\r\na.png,gösund\r\nb.png,gäsund\r\n";
        let wide = |little: bool| -> Vec<u8> {
            want.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
        };
        let latin: Vec<u8> = want.chars().map(|c| c as u8).collect();
        for (bytes, name) in [
            (want.as_bytes().to_vec(), None),
            ([b"\xEF\xBB\xBF", want.as_bytes()].concat(), None),
            ([&b"\xFF\xFE"[..], &wide(true)].concat(), Some("UTF-16LE")),
            ([&b"\xFE\xFF"[..], &wide(false)].concat(), Some("UTF-16BE")),
            (wide(true), Some("UTF-16LE")),
            (wide(false), Some("UTF-16BE")),
            (latin.clone(), Some("windows-1252")),
        ] {
            assert_eq!(decode(&bytes, ""), Ok((want.to_owned(), name)));
        }
        assert_eq!(decode(&latin, "latin1").unwrap().0, want);
        let cyrillic = decode(b"\xE4\xE0", "windows-1251").unwrap();
        assert_eq!(cyrillic, ("\u{434}\u{430}".to_owned(), Some("windows-1251")));
    }

    #[test]
    fn no_two_bytes_become_one_letter_and_what_does_not_fit_is_refused() {
        let letters: std::collections::BTreeSet<String> =
            (128..=255_u8).map(|byte| decode(&[b'a', byte], "").unwrap().0).collect();
        assert_eq!(letters.len(), 128);
        for (bytes, named) in [
            (&b"\xEF\xBB\xBFa\xF6"[..], ""),
            (b"\xFF\xFEa\0\x00\xD8", ""),
            (b"\xFF\xFEa\0b", ""),
            (b"a\xF6", "utf-8"),
            (b"a\x81", "shift_jis"),
        ] {
            assert!(decode(bytes, named).unwrap_err().contains("data.table_encoding"), "{bytes:?}");
        }
        assert!(decode(b"a", "klingon").unwrap_err().contains("klingon"));
    }

    #[test]
    fn what_stands_between_cells_is_found() {
        for (text, delimiter, quote) in [
            ("file,label\n", b',', b'"'),
            ("file;label;\"a,b,c,d\"\n", b';', b'"'),
            ("file\tlabel\n", b'\t', b'"'),
            ("file|label\r", b'|', b'"'),
            ("'file';'label'\n", b';', b'\''),
            ("file\n", b',', b'"'),
        ] {
            assert_eq!(form(text), (Form { delimiter, quote }, text));
        }
        assert_eq!(form("sep=;\r\nfile;label").0.delimiter, b';');
        assert_eq!(form("sep=;\r\nfile;label").1, "file;label");
    }
}
