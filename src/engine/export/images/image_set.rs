//! Images as the Hugging Face hub stores image sets: a Parquet file with a column of PNGs and one of labels, whose names stand in
//! its metadata.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;

use super::drawing::Drawing;
use super::encode::encoded;

/// The columns.
const SCHEMA: &str = "message schema {
    optional group image {
        optional binary bytes;
        optional binary path (STRING);
    }
    optional int64 label;
}";
/// Images that are in memory at once, at most, and their bytes.
const GROUP: usize = 1000;
const GROUP_BYTES: usize = 32 << 20;

/// Rows that are still to be written.
#[derive(Default)]
struct Rows {
    images: Vec<ByteArray>,
    paths: Vec<ByteArray>,
    labels: Vec<i64>,
    bytes: usize,
}

impl Rows {
    fn is_full(&self) -> bool {
        self.images.len() >= GROUP || self.bytes >= GROUP_BYTES
    }

    /// Writes them, and begins anew.
    fn write<W: Write + Send>(&mut self, out: &mut SerializedFileWriter<W>) -> anyhow::Result<()> {
        let Self { images, paths, labels, .. } = std::mem::take(self);
        if images.is_empty() {
            return Ok(());
        }
        // Everything is there: both of what may be missing, the structure and its part, are.
        let (inner, outer) = (vec![2; images.len()], vec![1; images.len()]);
        let mut group = out.next_row_group()?;
        let missing = "a column of the file is missing: this is a defect of gandle";
        for values in [images, paths] {
            let mut column = group.next_column()?.context(missing)?;
            column.typed::<ByteArrayType>().write_batch(&values, Some(&inner), None)?;
            column.close()?;
        }
        let mut column = group.next_column()?.context(missing)?;
        column.typed::<Int64Type>().write_batch(&labels, Some(&outer), None)?;
        column.close()?;
        group.close()?;
        Ok(())
    }
}

/// Writes the images of classes, in the order of their labels; false where it was told to end.
pub(super) fn write(
    file: impl Write + Send,
    drawing: &mut Drawing,
    part: &[(usize, usize)],
    go_on: &mut dyn FnMut() -> bool,
) -> anyhow::Result<bool> {
    let features = json!({
        "info": { "features": {
            "image": { "_type": "Image" },
            "label": { "names": drawing.classes(), "_type": "ClassLabel" },
        } }
    });
    let about = [("huggingface", features.to_string()), ("gandle", drawing.json_of_all(None)?)];
    let about = about.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
    // PNGs are compressed, no two are the same, and nobody asks for the least of them.
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(about))
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut out = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut rows = Rows::default();
    for (class, count) in part {
        let label = i64::try_from(*class)?;
        let whole = drawing.each(*class, *count, |drawing, number, image| {
            if !go_on() {
                return Ok(false);
            }
            let png = encoded(drawing, *class, number, image)?;
            rows.bytes += png.len();
            rows.images.push(png.into());
            let path = format!("{}/{}-{number:06}.png", drawing.folders[*class], drawing.start());
            rows.paths.push(path.as_str().into());
            rows.labels.push(label);
            if rows.is_full() {
                rows.write(&mut out)?;
            }
            Ok(true)
        })?;
        if !whole {
            return Ok(false);
        }
    }
    rows.write(&mut out)?;
    out.close()?;
    Ok(true)
}
