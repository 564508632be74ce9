//! The averaged generator as one file that the PyTorch reference loads with `strict=True`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use safetensors::SafeTensors;

use crate::session::{checkpoint_folder, newest_whole, read_checkpoint_file, read_whole};
use crate::train::state::EMA;

/// `generator-step<N>.safetensors`, with what it is in its metadata.
pub(super) fn file(session: &Path, step: Option<usize>) -> anyhow::Result<(String, Vec<u8>)> {
    let state = match step {
        Some(step) => read_whole(session, step)?,
        None => newest_whole(session).0.with_context(|| format!("{} has no whole checkpoint", session.display()))?,
    };
    let bytes = read_checkpoint_file(&checkpoint_folder(session, state.step), &state, EMA)?;
    let tensors = SafeTensors::deserialize(&bytes).with_context(|| format!("{EMA} is no safetensors file"))?;
    let folder = session.canonicalize().unwrap_or_else(|_| session.to_owned());
    let metadata = HashMap::from(
        [
            ("session", folder.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            ("step", state.step.to_string()),
            ("seed", state.config.train.seed.to_string()),
            // In label order: label i stands for the i-th of them.
            ("classes", serde_json::to_string(&state.classes)?),
            ("config", serde_json::to_string(&state.config)?),
            ("weights", "moving average of the generator".to_owned()),
            ("written_by", format!("gandle {}", env!("CARGO_PKG_VERSION"))),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    let content = safetensors::serialize(tensors.tensors(), Some(metadata))?;
    Ok((format!("generator-step{:07}.safetensors", state.step), content))
}
