//! The part of the zip format that `torch.save` uses: entries that lie in the file as they are, not compressed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom};

/// Where the content of an entry lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its first byte.
    pub start: u64,
    /// Its bytes.
    pub length: u64,
}

/// `length` bytes from `start` on; nobody asks for more than the file has.
pub(super) fn bytes_at(file: &mut File, start: u64, length: usize) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    let refused = |_| Error::new(ErrorKind::OutOfMemory, format!("{} MB of memory are not there for it", length >> 20));
    bytes.try_reserve_exact(length).map_err(refused)?;
    if file.take(length as u64).read_to_end(&mut bytes)? < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The most bytes that a list of entries may take: far more than any network's.
const MOST: u64 = 16 << 20;

/// The end record with the longest comment behind it, and what a large archive has before it.
const TAIL: u64 = 22 + 0xffff + 20;

const BROKEN: &str = "its list of entries is damaged (zip); copy or download it again";

/// A number of up to eight bytes at a place, the lowest first.
fn number(bytes: &[u8], at: usize, count: usize) -> Result<u64, String> {
    let found = at.checked_add(count).and_then(|end| bytes.get(at..end)).ok_or(BROKEN)?;
    Ok(found.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The entries of a zip file of `length` bytes, by name.
pub(super) fn entries(file: &mut File, length: u64) -> Result<BTreeMap<String, Place>, String> {
    let directory = directory(file, length)?;
    let mut entries = BTreeMap::new();
    let mut at = 0;
    while directory.get(at..at + 4) == Some(b"PK\x01\x02") {
        let field = |place, count| number(&directory, at + place, count);
        let (name, extra, comment) = (field(28, 2)? as usize, field(30, 2)? as usize, field(32, 2)? as usize);
        let text = directory.get(at + 46..at + 46 + name).ok_or(BROKEN)?;
        let extras = directory.get(at + 46 + name..at + 46 + name + extra).ok_or(BROKEN)?;
        let mut sizes = [field(24, 4)?, field(20, 4)?, field(42, 4)?];
        widen(&mut sizes, extras)?;
        let [size, packed, header] = sizes;
        if field(10, 2)? != 0 || size != packed {
            return Err("it is a zip file with compressed entries, which torch.save does not write; save it with torch.save again".to_owned());
        }
        let place = Place { start: content(file, header, length)?, length: size };
        if place.start.checked_add(size).is_none_or(|end| end > length) {
            return Err(BROKEN.to_owned());
        }
        entries.insert(String::from_utf8_lossy(text).into_owned(), place);
        at += 46 + name + extra + comment;
    }
    Ok(entries)
}

/// The list of entries that ends the file.
fn directory(file: &mut File, length: u64) -> Result<Vec<u8>, String> {
    let read = |file: &mut File, start: u64, count: u64| {
        if start.checked_add(count).is_none_or(|end| end > length) || count > MOST {
            return Err(BROKEN.to_owned());
        }
        bytes_at(file, start, count as usize).map_err(|err| err.to_string())
    };
    let from = length.saturating_sub(TAIL);
    let tail = read(file, from, length - from)?;
    let end = tail.windows(4).rposition(|four| four == b"PK\x05\x06").ok_or(BROKEN)?;
    let (mut size, mut start) = (number(&tail, end + 12, 4)?, number(&tail, end + 16, 4)?);
    // A record of wider numbers comes before, where there is a pointer to it.
    if let Some(pointer) = end.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07")) {
        let record = read(file, number(&tail, pointer + 8, 8)?, 56)?;
        (size, start) = (number(&record, 40, 8)?, number(&record, 48, 8)?);
    }
    read(file, start, size)
}

/// Replaces the sizes that do not fit 32 bits by those of the extra field 1, which has them in this order.
fn widen(sizes: &mut [u64; 3], extras: &[u8]) -> Result<(), String> {
    let mut at = 0;
    while at + 4 <= extras.len() {
        let (kind, length) = (number(extras, at, 2)?, number(extras, at + 2, 2)? as usize);
        if kind == 1 {
            let mut from = at + 4;
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                *size = number(extras, from, 8)?;
                from += 8;
            }
        }
        at += 4 + length;
    }
    Ok(())
}

/// Where the content behind the header at `header` begins.
fn content(file: &mut File, header: u64, length: u64) -> Result<u64, String> {
    if header.checked_add(30).is_none_or(|end| end > length) {
        return Err(BROKEN.to_owned());
    }
    let bytes = bytes_at(file, header, 30).map_err(|err| err.to_string())?;
    if !bytes.starts_with(b"PK\x03\x04") {
        return Err(BROKEN.to_owned());
    }
    Ok(header + 30 + number(&bytes, 26, 2)? + number(&bytes, 28, 2)?)
}
