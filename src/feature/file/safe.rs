//! The tensors that a `.safetensors` file names, without reading their numbers.

use std::collections::BTreeMap;
use std::fs::File;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::tensor::{Kind, MOST_AXES, Tensor, row_by_row, short};
use super::zip::bytes_at;

/// The longest header that is read. The format allows more; a network of ten thousand tensors takes one megabyte.
const MOST_HEADER: u64 = 16 << 20;

/// The tensors of a file of `length` bytes.
pub(super) fn tensors(file: &mut File, length: u64) -> Result<BTreeMap<String, Tensor>, String> {
    let size = bytes_at(file, 0, 8).map_err(|err| err.to_string())?;
    let header = size.iter().rev().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    if header > length.saturating_sub(8) {
        return Err("its header is longer than the file; copy or download it again".to_owned());
    }
    if header > MOST_HEADER {
        return Err(format!("its header has {header} bytes, and at most {MOST_HEADER} are read: save fewer tensors"));
    }
    let bytes = bytes_at(file, 8, header as usize).map_err(|err| err.to_string())?;
    let names: Metadata =
        serde_json::from_slice(&bytes).map_err(|err| format!("its header is not one of safetensors: {err}"))?;
    let mut tensors = BTreeMap::new();
    for name in names.offset_keys() {
        let Some(info) = names.info(&name) else { continue };
        let kinds =
            [(Dtype::F32, Kind::F32), (Dtype::F64, Kind::F64), (Dtype::F16, Kind::F16), (Dtype::BF16, Kind::BF16)];
        let kind = kinds.into_iter().find(|(dtype, _)| *dtype == info.dtype).map_or(Kind::Whole(1), |(_, kind)| kind);
        if info.shape.len() > MOST_AXES {
            return Err(format!("{} has {} axes; no network's weights have", short(&name), info.shape.len()));
        }
        let (start, end) = info.data_offsets;
        if (end as u64).checked_add(8 + header).is_none_or(|end| end > length) || end < start {
            return Err(format!("it ends before the numbers of {}; copy or download it again", short(&name)));
        }
        let held = (end - start) / kind.bytes() as usize;
        let (shape, start) = (info.shape.clone(), 8 + header + start as u64);
        tensors.insert(name, Tensor { kind, strides: row_by_row(&shape), shape, offset: 0, held, start });
    }
    Ok(tensors)
}
