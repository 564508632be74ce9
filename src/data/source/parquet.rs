//! Reads image sets of the Hugging Face hub (`.parquet`): a column of images, each the bytes of a file, and one of labels, whose
//! names may stand in the file's metadata.

use std::fs;
use std::io::BufReader;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::basic::{ConvertedType, Type as Physical};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;

use super::super::listing::{File, MOST_PICTURES};
use super::super::packed::{Archive, Blob, MAX_BYTES, Members, Spool, most_unpacked};
use super::labelled::Labelled;
use super::parquet_guard as guard;
use super::table::columns;
use crate::config::Data;

/// What the column of images may be called, likeliest first.
const IMAGES: [&str; 8] = ["image", "img", "images", "picture", "pixel_values", "file", "bytes", "image_bytes"];

/// Bytes at a file's end: the length of its description, and a mark.
const END: u64 = 8;

/// Bytes in which a page's header is looked for, at first and at last: it may hold the column's least and greatest values.
const HEADERS: [u64; 2] = [1 << 10, 1 << 20];

/// A file of which no part is asked for that it does not have, and whose pages take no more memory in all than a file of its
/// length may: lengths in it are anybody's claims.
struct Whole {
    file: Arc<fs::File>,
    length: u64,
    /// Memory that its pages may still take.
    left: AtomicU64,
}

impl Whole {
    /// # Errors
    /// Where the file does not end as a parquet file does, or its description would take more memory than it has bytes.
    fn new(file: fs::File) -> Result<Self, String> {
        let length = file.metadata().map_err(|err| err.to_string())?.len();
        let whole = Self { file: Arc::new(file), length, left: AtomicU64::new(most_unpacked(length)) };
        let cut = || "it ends too early".to_owned();
        let at = length.checked_sub(END).ok_or_else(cut)?;
        let end = whole.part(at, END)?;
        let [a, b, c, d, b'P', b'A', b'R', b'1'] = *end.as_slice() else {
            return Err("it does not end as a parquet file does".to_owned());
        };
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        let description = whole.part(at.checked_sub(size).ok_or_else(cut)?, size)?;
        if !guard::description(&description) {
            return Err("its description is damaged, or has more columns than any image set".to_owned());
        }
        Ok(whole)
    }

    fn part(&self, start: u64, length: u64) -> Result<Vec<u8>, String> {
        let length = usize::try_from(length).map_err(|err| err.to_string())?;
        Blob::Disk(Arc::clone(&self.file)).read(start, length).map_err(|err| err.to_string())
    }

    /// Takes what the page that begins here needs from what may be taken.
    fn take_page(&self, start: u64) -> Result<(), String> {
        let rest = self.length.checked_sub(start).ok_or("it ends too early")?;
        let within = |most: u64| guard::page(&self.part(start, most.min(rest)).unwrap_or_default());
        let needed = within(HEADERS[0]).or_else(|_| within(HEADERS[1]))?;
        let left = self.left.load(Ordering::Relaxed).checked_sub(needed);
        self.left.store(left.ok_or("its pages are far larger than those of real images")?, Ordering::Relaxed);
        Ok(())
    }
}

impl Length for Whole {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Whole {
    type T = BufReader<fs::File>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // The library reads from a place for two things: the file's last bytes, and the header of a page.
        if start.checked_add(END) != Some(self.length) {
            self.take_page(start).map_err(ParquetError::General)?;
        }
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("it ends too early".to_owned()));
        }
        self.file.get_bytes(start, length)
    }
}

/// The columns that are read, by their places among the file's.
struct Chosen {
    image: usize,
    label: usize,
    group: Option<usize>,
    /// Names of labels that are numbers in the file.
    names: Vec<String>,
}

/// Adds a file's images; they begin with `shard` in lists.
///
/// # Errors
/// Where the file is damaged, or has no such columns.
pub(super) fn images(
    file: fs::File,
    shard: &str,
    reserved: bool,
    data: &Data,
    all: &mut Labelled,
) -> Result<(), String> {
    let damaged = |err: &dyn std::fmt::Display| format!("it is no parquet file, or damaged: {err}");
    let whole = Whole::new(file).map_err(|err| damaged(&err))?;
    let length = whole.length;
    let reader = SerializedFileReader::new(whole).map_err(|err| damaged(&err))?;
    let about = reader.metadata().file_metadata();
    let rows = usize::try_from(about.num_rows()).unwrap_or(0);
    if rows.saturating_add(all.tree.files.len()) > MOST_PICTURES {
        return Err(format!("it has {rows} rows, and at most {MOST_PICTURES} images are taken: leave some out"));
    }
    let fields = about.schema().get_fields();
    let features = about.key_value_metadata().into_iter().flatten().find(|pair| pair.key == "huggingface");
    let features = features.and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok()).unwrap_or(Value::Null);
    let chosen = choose(fields, &features["info"]["features"], data, all)?;
    let mut wanted: Vec<usize> = [Some(chosen.image), Some(chosen.label), chosen.group].into_iter().flatten().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let projection =
        Type::group_type_builder("schema").with_fields(wanted.iter().map(|at| fields[*at].clone()).collect());
    let projection = projection.build().map_err(|err| damaged(&err))?;
    let (mut spool, mut pieces) = (Spool::new(length, data.cache_folder()), Vec::new());
    let archive = all.tree.archives.len();
    let nothing = Field::Null;
    let place = |at: usize| wanted.iter().position(|other| *other == at).unwrap_or(0);
    for (number, row) in reader.get_row_iter(Some(projection)).map_err(|err| damaged(&err))?.enumerate() {
        let row = row.map_err(|err| damaged(&err))?;
        if number >= rows {
            return Err(damaged(&"it has more rows than it says"));
        }
        let cells: Vec<&Field> = row.get_column_iter().map(|(_, field)| field).collect();
        let cell = |at: usize| cells.get(place(at)).copied().unwrap_or(&nothing);
        let (bytes, path) = image_in(cell(chosen.image));
        let name = format!("{shard}[{number}]{}", path.map_or_else(String::new, |path| format!("/{path}")));
        let labels = labels_in(cell(chosen.label), &chosen.names);
        let Some(label) = all.single(labels.iter().map(String::as_str)) else { continue };
        let Some(bytes) = bytes.filter(|bytes| bytes.len() as u64 <= MAX_BYTES) else {
            all.tree.skip(name, "has no image: its bytes are not in the file, or too many");
            continue;
        };
        let start = spool.append(bytes)?;
        let (class, group) =
            (all.class(label), all.group(&chosen.group.and_then(|at| text_of(cell(at))).unwrap_or_default()));
        let inside = Some((archive, pieces.len()));
        pieces.push((start, bytes.len() as u64));
        all.push(File { name, class, inside, reserved, group, ..File::default() });
    }
    all.tree.archives.push(Archive { members: Members::Pieces(spool.done()?, pieces), packed: length });
    Ok(())
}

fn choose(fields: &[TypePtr], features: &Value, data: &Data, all: &mut Labelled) -> Result<Chosen, String> {
    let heads: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let images: Vec<usize> = (0..fields.len()).filter(|at| is_image(&fields[*at])).collect();
    let usual = IMAGES.iter().find_map(|name| images.iter().find(|at| heads[**at] == *name));
    let image = match data.table_file.trim() {
        "" => usual.or_else(|| images.first()).copied(),
        named => Some(columns::find(&heads, named, "data.table_file")?),
    };
    let image = image.ok_or_else(|| columns::missing(&heads, "images", "image", "data.table_file"))?;
    let (label, doubt) = columns::label(&heads, data, image)?;
    let classes: Vec<usize> = (0..heads.len()).filter(|at| features[&heads[*at]]["names"].is_array()).collect();
    let (label, doubt) = match label {
        None => (classes.first().copied(), columns::doubt(&heads, &classes)),
        label => (label, doubt),
    };
    let label = label.ok_or_else(|| columns::missing(&heads, "labels", "label", "data.table_label"))?;
    // Of many files, the first tells.
    if all.tree.archives.is_empty() {
        all.tree.findings.extend(doubt);
    }
    let feature = &features[&heads[label]];
    // A list of labels has their names one level further down.
    let names = [&feature["names"], &feature["feature"]["names"]].into_iter().find_map(Value::as_array);
    let names = names.into_iter().flatten().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
    Ok(Chosen { image, label, group: columns::group(&heads), names })
}

/// Whether a column can hold files: bytes, or a structure with bytes.
fn is_image(field: &Type) -> bool {
    let binary = |field: &Type| {
        field.is_primitive()
            && field.get_physical_type() == Physical::BYTE_ARRAY
            && field.get_basic_info().converted_type() != ConvertedType::UTF8
    };
    binary(field)
        || (field.is_group() && field.get_fields().iter().any(|field| field.name() == "bytes" && binary(field)))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of two dozen kinds of cells, two are images")]
fn image_in(field: &Field) -> (Option<&[u8]>, Option<&str>) {
    match field {
        Field::Bytes(bytes) => (Some(bytes.data()), None),
        Field::Group(row) => {
            let part = |name: &str| row.get_column_iter().find(|(own, _)| *own == name).map(|(_, field)| field);
            let bytes = if let Some(Field::Bytes(bytes)) = part("bytes") { Some(bytes.data()) } else { None };
            let path = if let Some(Field::Str(path)) = part("path") { Some(path.as_str()) } else { None };
            (bytes, path)
        }
        _ => (None, None),
    }
}

fn labels_in(field: &Field, names: &[String]) -> Vec<String> {
    let named = |field: &Field| {
        let text = text_of(field)?;
        let name = text.parse::<usize>().ok().and_then(|at| names.get(at)).filter(|name| !name.is_empty());
        Some(name.cloned().unwrap_or(text))
    };
    if let Field::ListInternal(list) = field {
        list.elements().iter().filter_map(named).collect()
    } else {
        named(field).into_iter().collect()
    }
}

/// A cell as a text; nothing where it is empty, or no label.
#[expect(clippy::wildcard_enum_match_arm, reason = "dates and structures are no labels")]
fn text_of(field: &Field) -> Option<String> {
    let text = match field {
        Field::Str(text) => text.trim().to_owned(),
        Field::Bool(yes) => u8::from(*yes).to_string(),
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::Double(value) => value.to_string(),
        _ => return None,
    };
    // -1 is the hub's sign for a label that is kept secret.
    (!text.is_empty() && text != "-1").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(name: &str) -> Vec<u8> {
        fs::read(format!("{}/fuzz/seeds/image_set/{name}.parquet", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.parquet");
        fs::write(&path, bytes).unwrap();
        let mut all = Labelled::default();
        images(fs::File::open(path).unwrap(), "set", false, &Data::default(), &mut all).map(|()| all.tree.files.len())
    }

    #[test]
    fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
        let whole = seed("snappy");
        assert_eq!(read(&whole), Ok(3));
        for length in 0..whole.len() {
            let told = read(&whole[..length]).expect_err("it is not whole");
            assert!(told.starts_with("it is no parquet file, or damaged"), "{length}: {told}");
        }
    }

    #[test]
    fn damage_to_any_byte_is_an_error_or_another_set() {
        for name in ["plain", "snappy", "zstd"] {
            let whole = seed(name);
            for (at, bits) in (0..whole.len()).flat_map(|at| [(at, 0xFF), (at, 0x80), (at, 1)]) {
                let mut bytes = whole.clone();
                bytes[at] ^= bits;
                // The reader's own panics are made errors where the file is opened; whatever is read is no more than was there.
                let got = crate::guard::catch(|| read(&bytes)).unwrap_or_else(|panicked| Err(panicked.to_string()));
                assert!(got.is_err() || got.is_ok_and(|images| images <= 4), "{name}: byte {at} ^ {bits}");
            }
        }
    }

    #[test]
    fn pages_that_claim_gigabytes_are_refused_before_they_are_read() {
        let whole = seed("snappy");
        // The first page: its kind, and its size as it is and packed. A claim of 2 GB has five bytes.
        assert_eq!((whole[4], whole[6]), (0x15, 0x15), "the seed has other pages than this test knows");
        let end = (7..).find(|at| whole[*at] < 0x80).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let of = |size: &[u8]| {
            let bytes = [&whole[4..7], size, &whole[end + 1..]].concat();
            fs::write(&path, &bytes).unwrap();
            let (file, length) = (Arc::new(fs::File::open(&path).unwrap()), bytes.len() as u64);
            Whole { file, length, left: AtomicU64::new(most_unpacked(length)) }.get_read(0).map(|_| ())
        };
        of(&whole[7..=end]).unwrap();
        let told = of(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F]).unwrap_err().to_string();
        assert!(told.contains("far larger than those of real images"), "{told}");
    }
}
