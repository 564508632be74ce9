//! Reads one array of NumPy's format (`.npy`): a line that describes it, then its numbers.

use std::io::{BufReader, Read};
use std::path::Path;

use super::DataError;
use super::listing::MOST_PICTURES;
use crate::guard;

/// The most bytes of an array, so that a machine of little memory can read any file that is taken.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// An array in memory.
#[derive(Debug)]
pub(super) struct Array {
    /// The kind of its numbers, such as `|u1` or `<i8`.
    pub kind: String,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Rows of numbers, such as the features of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Row by row.
    pub numbers: Vec<f64>,
    /// Numbers a row, at least 1.
    pub columns: usize,
}

/// Reads a matrix of floating-point numbers from a file of NumPy (`.npy`) of at most 512 MB: little-endian, of 32 or 64
/// bits, row by row or (Fortran order) column by column.
///
/// # Errors
/// Where the file cannot be read, is damaged or too large, or holds anything else.
pub fn matrix(path: &Path) -> Result<Matrix, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let file = guard::open_regular(path);
    let file = file.map_err(|err| wrong(format!("it cannot be opened: {err}; name a file of NumPy (.npy)")))?;
    Matrix::read(BufReader::new(file)).map_err(wrong)
}

impl Matrix {
    fn read(mut from: impl Read) -> Result<Self, String> {
        let line = Line::read(&mut from)?;
        let &[rows, columns] = line.shape.as_slice() else {
            return Err(format!("its array has the shape {:?}; one row an image, (N, D), is read", line.shape));
        };
        let whole: fn(&[u8]) -> Vec<f64> = match line.kind.as_str() {
            "<f4" => |bytes| bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect(),
            "<f8" => |bytes| bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
            other => {
                return Err(format!(
                    "it holds numbers of the kind {other}; <f4 and <f8 are read: save it with .astype(\"float32\")"
                ));
            }
        };
        if rows == 0 || columns == 0 {
            return Err(format!("its array has the shape {:?}: it is empty", line.shape));
        }
        line.few()?;
        let by_columns = line.by_columns;
        let numbers = whole(&line.bytes(from, MAX_BYTES, "leave images out")?);
        let turned = |place: usize| numbers[place % columns * rows + place / columns];
        let numbers = if by_columns { (0..numbers.len()).map(turned).collect() } else { numbers };
        Ok(Self { numbers, columns })
    }
}

impl Array {
    /// Reads an array of at most `limit` bytes, which are not taken before they are there.
    ///
    /// # Errors
    /// Where it is damaged, larger, or laid out in a way that is not read.
    pub fn read(mut from: impl Read, limit: u64) -> Result<Self, String> {
        let line = Line::read(&mut from)?;
        line.few()?;
        if line.by_columns {
            return Err("stored by columns (Fortran order), which is not read".to_owned());
        }
        let (kind, shape) = (line.kind.clone(), line.shape.clone());
        let bytes = line.bytes(from, limit, "unpack its images into class folders")?;
        Ok(Self { kind, shape, bytes })
    }

    /// What its numbers are made of: whether they are floating-point ones, whether whole ones have a sign, and their bytes.
    fn form(&self) -> Result<(bool, bool, usize), String> {
        match self.kind.as_bytes() {
            [b'<' | b'>' | b'|', kind @ (b'i' | b'u'), width @ (b'1' | b'2' | b'4' | b'8')] => {
                Ok((false, *kind == b'i', usize::from(width - b'0')))
            }
            [b'<' | b'>', b'f', width @ (b'4' | b'8')] => Ok((true, true, usize::from(width - b'0'))),
            b"|b1" => Ok((false, false, 1)),
            _ => Err(format!(
                "labels are numbers of the kind {}; whole ones, or floating-point ones of 32 or 64 bits, are read",
                self.kind
            )),
        }
    }

    /// Its numbers as texts, of any width and byte order: whole ones without a point. What is no number is nothing.
    ///
    /// # Errors
    /// Where they are of another kind.
    pub fn texts(&self) -> Result<impl Fn(usize) -> Option<String>, String> {
        let (float, signed, width) = self.form()?;
        let big = self.kind.starts_with('>');
        Ok(move |at: usize| {
            let bytes = self.bytes.get(at.checked_mul(width)?..at.checked_add(1)?.checked_mul(width)?)?;
            let fold = |sum, byte: &u8| (sum << 8) | u64::from(*byte);
            let raw = if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) };
            if float {
                let value = if width == 4 { f64::from(f32::from_bits(raw as u32)) } else { f64::from_bits(raw) };
                // Without the sign of a zero, which would be a class of its own.
                return value.is_finite().then(|| (value + 0.0).to_string());
            }
            let unused = 64 - 8 * width as u32;
            Some(if signed { (((raw << unused) as i64) >> unused).to_string() } else { raw.to_string() })
        })
    }
}

/// What the array's first line tells.
pub(super) struct Line {
    pub kind: String,
    pub shape: Vec<usize>,
    /// Whether the numbers stand column by column (Fortran order).
    pub by_columns: bool,
    /// Bytes up to the first number.
    pub length: u64,
}

impl Line {
    pub fn read(from: &mut impl Read) -> Result<Self, String> {
        let damaged = |_| "damaged or incomplete: it ends too early".to_owned();
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(damaged)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err("no NumPy array".to_owned());
        }
        let (mut length, wide) = ([0; 4], if start[6] == 1 { 2 } else { 4 });
        from.read_exact(&mut length[..wide]).map_err(damaged)?;
        let mut line = vec![0; u32::from_le_bytes(length).min(1 << 16) as usize];
        let length = (start.len() + wide + line.len()) as u64;
        from.read_exact(&mut line).map_err(damaged)?;
        let line = String::from_utf8_lossy(&line);
        let value = |key: &str| Some(line.split_once(&format!("'{key}':"))?.1.trim_start());
        let unclear = || "its description makes no sense".to_owned();
        let kind = value("descr").and_then(|text| text.strip_prefix('\'')?.split('\'').next()).ok_or_else(unclear)?;
        let by_columns = match value("fortran_order").ok_or_else(unclear)? {
            text if text.starts_with("False") => false,
            text if text.starts_with("True") => true,
            _ => return Err(unclear()),
        };
        let shape = value("shape").and_then(|text| text.strip_prefix('(')?.split(')').next()).ok_or_else(unclear)?;
        let dims = shape.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let shape: Result<Vec<usize>, _> = dims.map(str::parse).collect();
        Ok(Self { kind: kind.to_owned(), shape: shape.map_err(|_| unclear())?, by_columns, length })
    }

    /// An error where it has more rows, each of an image, than are taken: of the smallest images, few bytes are many.
    pub fn few(&self) -> Result<(), String> {
        match self.shape.first() {
            Some(rows) if *rows > MOST_PICTURES => {
                Err(format!("it has {rows} rows, and at most {MOST_PICTURES} are taken: leave images out"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Bytes of all numbers.
    pub fn total(&self) -> Result<u64, String> {
        let kind = &self.kind;
        let each = kind.get(2..).and_then(|width| width.parse::<u64>().ok()).filter(|width| *width <= 16);
        // Of texts and times the width alone does not say how long they are.
        let each = each.filter(|_| matches!(kind.as_bytes(), [_, b'b' | b'i' | b'u' | b'f' | b'c', ..]));
        let each = each.ok_or_else(|| format!("numbers of the kind {kind}, which is not read"))?;
        Ok(self.shape.iter().fold(each, |product, dim| product.saturating_mul(*dim as u64)))
    }

    /// The numbers behind the line, at most `limit` bytes; `instead` is what helps where there are more.
    fn bytes(&self, from: impl Read, limit: u64, instead: &str) -> Result<Vec<u8>, String> {
        let total = self.total()?;
        if total > limit {
            let (needs, most) = (total >> 20, MAX_BYTES >> 20);
            return Err(format!("too large: {needs} MB; at most {most} MB are read: {instead}"));
        }
        // One byte more, which should not be there: at the end, an archive holds the content against its checksum.
        let mut bytes = Vec::new();
        from.take(total + 1).read_to_end(&mut bytes).map_err(|err| format!("damaged or incomplete: {err}"))?;
        if bytes.len() as u64 != total {
            let how = if (bytes.len() as u64) < total { "it ends too early" } else { "it is longer than it says" };
            return Err(format!("damaged or incomplete: {how}"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An array as NumPy writes it.
    pub fn array(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let line = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((line.len() as u16).to_le_bytes());
        file.extend(line.as_bytes());
        file.extend(bytes);
        file
    }

    fn read(bytes: &[u8]) -> Result<Array, String> {
        Array::read(bytes, 1000)
    }

    #[test]
    fn numbers_of_every_width_are_read_with_their_signs() {
        for (kind, bytes, values) in [
            ("|u1", &[200, 3][..], [200, 3]),
            ("|i1", &[0xFF, 3], [-1, 3]),
            ("<i2", &[0xFE, 0xFF, 1, 0], [-2, 1]),
            (">i2", &[0xFF, 0xFE, 0, 1], [-2, 1]),
            ("|b1", &[1, 0], [1, 0]),
            ("<u4", &[0, 0, 0, 0x80, 5, 0, 0, 0], [1 << 31, 5]),
            ("<i8", &[255, 255, 255, 255, 255, 255, 255, 255, 7, 0, 0, 0, 0, 0, 0, 0], [-1, 7]),
        ] {
            let array = read(&array(kind, "(2,)", bytes)).unwrap();
            let texts = values.map(|value: i64| Some(value.to_string()));
            assert_eq!((array.shape.as_slice(), [0, 1].map(array.texts().unwrap())), (&[2][..], texts), "{kind}");
        }
        let floats = [1.0_f32, -0.0, 2.5, f32::NAN].map(f32::to_le_bytes).concat();
        let array_of = read(&array("<f4", "(4,)", &floats)).unwrap();
        let texts = [0, 1, 2, 3, 4].map(array_of.texts().unwrap());
        assert_eq!(texts, [Some("1"), Some("0"), Some("2.5"), None, None].map(|text| text.map(str::to_owned)));
        assert!(read(&array("<U1", "(1,)", &[0; 4])).unwrap_err().contains("kind <U1"));
        assert!(read(&array("<c8", "(1, 1)", &[0; 8])).unwrap().texts().err().unwrap().contains("<c8"));
    }

    #[test]
    fn what_is_cut_off_changed_or_too_large_is_an_error() {
        let whole = array("<i2", "(2, 3)", &[1; 12]);
        assert_eq!(read(&whole).unwrap().shape, [2, 3]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        for at in 0..whole.len() - 12 {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                if let Ok(array) = read(&changed) {
                    assert!(array.bytes.len() <= 1000);
                    array.texts().map(|text| text(0)).ok();
                }
            }
        }
        let huge = array("<f8", "(9, 18446744073709551615, 9000000000)", &[]);
        assert!(read(&huge).unwrap_err().starts_with("too large"));
        let columns = String::from_utf8_lossy(&whole[10..]).replace("False", "True ");
        assert!(read(&[&whole[..10], columns.as_bytes()].concat()).unwrap_err().contains("Fortran"));
    }

    #[test]
    fn matrices_are_read_by_rows_and_by_columns() {
        let rows = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0].map(f32::to_le_bytes).concat();
        let want = Matrix { numbers: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], columns: 3 };
        assert_eq!(Matrix::read(&array("<f4", "(2, 3)", &rows)[..]), Ok(want.clone()));
        let columns = [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0].map(f64::to_le_bytes).concat();
        let file = array("<f8", "(2, 3)", &columns);
        // The word is a letter shorter, so a space takes its place.
        let line = String::from_utf8_lossy(&file[10..file.len() - 48]).replace("False", "True ");
        let file = [&file[..10], line.as_bytes(), &columns].concat();
        assert_eq!(Matrix::read(&file[..]), Ok(want));
    }

    #[test]
    fn a_matrix_of_another_kind_says_what_to_do() {
        for (kind, shape, says) in [
            (">f4", "(1, 2)", "float32"),
            ("<i8", "(1, 1)", "float32"),
            ("<f4", "(2,)", "(N, D)"),
            ("<f4", "(0, 2)", "empty"),
            ("<f4", "(9, 9000000000)", "too large"),
            ("<f4", "(3000000, 1)", "at most 2000000"),
            ("<f4", "(2, 2)", "too early"),
            ("<f4", "(1, 1)", "longer"),
        ] {
            let err = Matrix::read(&array(kind, shape, &[0; 8])[..]).unwrap_err();
            assert!(err.contains(says), "{kind} {shape}: {err}");
        }
    }
}
