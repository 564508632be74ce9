//! Looks over what a parquet file says of itself before its reader takes the memory that it claims: how many columns lie in each
//! other, and what its pages hold once unpacked. Both are in Thrift's compact protocol.
//!
//! A field is only taken in the type that the format gives it: the reader goes by a field's number alone, and would otherwise
//! see another file than this look does.

/// The most columns and groups of columns.
const MOST_COLUMNS: usize = 1000;

/// How deep columns, and structures of the description, may lie in each other; image sets need a handful.
const DEEPEST: usize = 30;

/// Bytes that a value takes in memory, whatever it takes in the file.
const VALUE: u64 = 64;

/// Kinds of fields in Thrift's compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const LONG: u8 = 6;
const TEXT: u8 = 8;
const LIST: u8 = 9;
const STRUCTURE: u8 = 12;

/// Encodings of values that are read: plain, dictionaries and runs. Of others, lengths stand in the packed values themselves,
/// where they cannot be looked at beforehand.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];

/// Whether a field, by the numbers of those that it lies in and its own, may be of this kind.
type Fits = fn(&[u64], u8) -> bool;

fn number(kind: u8) -> bool {
    (4..=LONG).contains(&kind)
}

/// Of a file's description; of row groups, whose lists the reader bounds itself, no field is looked at.
fn in_description(path: &[u64], kind: u8) -> bool {
    match path {
        [1 | 3] => number(kind),
        [2 | 4 | 5 | 7] => kind == LIST,
        [6 | 9] => kind == TEXT,
        [8] => kind == STRUCTURE,
        [2, 4] => kind == TEXT,
        [2, 1..=9] => number(kind),
        [2, 10] | [2, 10, _] => kind == STRUCTURE,
        // What a column's numbers mean: decimals, times, integers and shapes on the globe.
        [2, 10, 5, 1 | 2] | [2, 10, 18, 2] => number(kind),
        [2, 10, 7 | 8, 1] | [2, 10, 10, 2] => matches!(kind, TRUE | FALSE),
        [2, 10, 7 | 8, 2] | [2, 10, 7 | 8, 2, _] => kind == STRUCTURE,
        [2, 10, 10 | 16, 1] => kind == BYTE,
        [2, 10, 17 | 18, 1] => kind == TEXT,
        [5, 1 | 2] => kind == TEXT,
        [7, _] => kind == STRUCTURE,
        [2, 10, ..] | [7, ..] => false,
        _ => true,
    }
}

/// Of a page's header.
fn in_page(path: &[u64], kind: u8) -> bool {
    match path {
        [1..=4] | [5, 1..=4] | [7, 1 | 2] | [8, 1..=6] => number(kind),
        [5..=8] | [5, 5] | [8, 8] => kind == STRUCTURE,
        [7, 3] | [8, 7] => matches!(kind, TRUE | FALSE),
        [6, ..] => false,
        _ => true,
    }
}

/// Reads Thrift's compact protocol, and keeps numbers alone.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The numbers of the fields that it is in.
    path: Vec<u64>,
    fits: Fits,
    /// What is told of each number, with its path, and of each structure's end.
    seen: &'a mut dyn FnMut(&[u64], Option<i64>),
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = Some(end).filter(|end| *end <= self.bytes.len())?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        // The tenth byte has one bit left.
        let last = self.byte().filter(|last| *last < 2)?;
        Some(value | u64::from(last) << 63)
    }

    fn signed(&mut self) -> Option<i64> {
        let raw = self.unsigned()?;
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// Nothing where it is damaged, or not what the format says.
    fn structure(&mut self) -> Option<()> {
        if self.path.len() > DEEPEST {
            return None;
        }
        let mut id = 0_u64;
        loop {
            let head = self.byte()?;
            if head & 15 == 0 {
                (self.seen)(&self.path, None);
                return Some(());
            }
            id = match head >> 4 {
                0 => u64::try_from(self.signed()?).ok().filter(|id| *id < 1 << 15)?,
                more => id + u64::from(more),
            };
            self.path.push(id);
            if !(self.fits)(&self.path, head & 15) {
                return None;
            }
            if !matches!(head & 15, TRUE | FALSE) {
                self.value(head & 15)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        match kind {
            TRUE | FALSE | BYTE => self.skip(1),
            4..=LONG => {
                let value = self.signed()?;
                (self.seen)(&self.path, Some(value));
                Some(())
            }
            7 => self.skip(8),
            TEXT => {
                let length = self.unsigned()?;
                self.skip(length)
            }
            LIST | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
                // An item takes a byte at least, so that this ends with the file.
                for _ in 0..count {
                    match head & 15 {
                        // Lists in lists have no numbers of their own by which their depth would show.
                        LIST | 10 => return None,
                        kind => self.value(kind)?,
                    }
                }
                Some(())
            }
            STRUCTURE => self.structure(),
            _ => None,
        }
    }
}

/// Whether the description at a file's end can be read without harm.
pub(super) fn description(bytes: &[u8]) -> bool {
    // Children that each column has, in the order of a walk through the tree.
    let (mut columns, mut own) = (Vec::new(), 0);
    let mut seen = |path: &[u64], number: Option<i64>| match (path, number) {
        ([2, 5], Some(count)) => own = count,
        ([2], None) => columns.push(std::mem::take(&mut own)),
        _ => {}
    };
    let whole = Walk { bytes, at: 0, path: Vec::new(), fits: in_description, seen: &mut seen }.structure();
    whole.is_some() && columns.len() <= MOST_COLUMNS && is_tree(&columns)
}

/// Whether these counts of children are those of one tree that is not too deep.
fn is_tree(columns: &[i64]) -> bool {
    // Children that are still to come, at each depth.
    let mut open = vec![1_usize];
    for count in columns {
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(left) = open.last_mut() else { return false };
        *left -= 1;
        let Some(count) = usize::try_from(*count).ok().filter(|count| *count <= columns.len()) else { return false };
        open.push(count);
        if open.len() > DEEPEST {
            return false;
        }
    }
    open.iter().all(|left| *left == 0)
}

/// The memory in bytes that a page takes, by the header with which these bytes begin.
///
/// # Errors
/// Where it is damaged, or of a kind that is not read.
pub(super) fn page(bytes: &[u8]) -> Result<u64, &'static str> {
    let (mut sizes, mut values, mut encodings) = ([None; 2], 0, Vec::new());
    let mut seen = |path: &[u64], number: Option<i64>| match (path, number) {
        ([id @ (2 | 3)], Some(size)) => sizes[usize::from(*id == 3)] = u64::try_from(size).ok(),
        ([5 | 7 | 8, 1], Some(count)) => values = count.max(values),
        ([5 | 7, 2] | [8, 4], Some(encoding)) => encodings.push(encoding),
        _ => {}
    };
    let whole = Walk { bytes, at: 0, path: Vec::new(), fits: in_page, seen: &mut seen }.structure();
    let values = u64::try_from(values).ok();
    let (Some(()), [Some(unpacked), Some(packed)], Some(values)) = (whole, sizes, values) else {
        return Err("the header of a page is damaged");
    };
    if encodings.iter().any(|encoding| !ENCODINGS.contains(encoding)) {
        return Err(
            "its values are encoded as differences, or in another way that is not read: write it anew, plain or with a dictionary, as pyarrow does by itself",
        );
    }
    Ok(unpacked.max(packed).saturating_add(values.saturating_mul(VALUE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description of a file that has nothing but columns with these counts of children.
    fn of(children: &[i64]) -> Vec<u8> {
        let mut bytes = vec![0x29, 0xFC];
        varint(&mut bytes, children.len() as u64);
        for count in children {
            bytes.push(0x55);
            varint(&mut bytes, (*count as u64) << 1);
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    fn varint(bytes: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    }

    #[test]
    fn columns_must_be_one_tree_of_a_usual_size() {
        assert!(description(&of(&[2, 0, 1, 0])));
        for wrong in [&[1 << 31, 0][..], &[2, 0], &[1, 0, 0], &[-1], &[1; 40], &[1, i64::from(i32::MAX)]] {
            assert!(!description(&of(wrong)), "{wrong:?}");
        }
        let wide = |count: usize| [vec![count as i64], vec![0; count]].concat();
        assert!(description(&of(&wide(MOST_COLUMNS - 1))) && !description(&of(&wide(MOST_COLUMNS))));
        // The count in another type, which the reader would take as a number.
        let mut lying = of(&[0]);
        lying[3] = 0x51;
        assert!(!description(&lying));
        for length in 0..of(&[2, 0, 0]).len() {
            assert!(!description(&of(&[2, 0, 0])[..length]), "{length}");
        }
        assert!(!description(&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0x7F]), "a list of many");
        assert!(!description(&[0x1C; 1000]), "structures in structures");
    }

    #[test]
    fn pages_tell_what_they_take() {
        // A page of data, 300 bytes of 5, with 2 values in an encoding.
        let header = |encoding: u8| [0x15, 0, 0x15, 0xD8, 4, 0x15, 10, 0x2C, 0x15, 4, 0x15, encoding << 1, 0, 0];
        assert_eq!(page(&header(8)), Ok(300 + 2 * VALUE));
        assert!(page(&header(6)).unwrap_err().contains("pyarrow"));
        for length in 0..header(0).len() {
            assert!(page(&header(0)[..length]).is_err(), "{length}");
        }
        let negative = [0x15, 0, 0x15, 1, 0x15, 10, 0];
        assert!(page(&negative).is_err());
    }
}
