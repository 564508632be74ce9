//! The averaged generator as one file that the PyTorch reference loads with `strict=True`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use safetensors::SafeTensors;

use super::provenance::Provenance;
use crate::session::{checkpoint_folder, inspect, newest_whole, read_checkpoint_file, read_whole};
use crate::train::state::EMA;

/// `generator-step<N>.safetensors`, with what it is in its metadata.
pub(super) fn file(session: &Path, step: Option<usize>) -> anyhow::Result<(String, Vec<u8>)> {
    inspect(session)?;
    let state = match step {
        Some(step) => read_whole(session, step)?,
        None => newest_whole(session)?.0.with_context(|| format!("{} has no whole checkpoint", session.display()))?,
    };
    let bytes = read_checkpoint_file(&checkpoint_folder(session, state.step), &state, EMA)?;
    let tensors = SafeTensors::deserialize(&bytes).with_context(|| format!("{EMA} is no safetensors file"))?;
    let marks = Provenance::of_checkpoint(session, &state)?;
    let metadata: HashMap<String, String> =
        marks.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let content = safetensors::serialize(tensors.tensors(), Some(metadata))?;
    Ok((format!("generator-step{:07}.safetensors", state.step), content))
}
