//! The averaged generator as an ONNX model, which other programs run without this one.

mod generator;
mod graph;
mod message;
mod plan;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::bail;
use prost::Message as _;

use super::provenance::Provenance;
use super::source::File;
use crate::engine::sample::Sampler;
use message::{Model, OperatorSet, Property};

/// Version of the file format, and of the operators: those of ONNX 1.12, which every runtime of today reads.
const IR_VERSION: i64 = 8;
const OPERATORS: i64 = 17;
/// Protocol buffers end at 2 GiB.
const LARGEST: usize = i32::MAX as usize;

/// `generator-step<N>.onnx`
pub(super) fn file(session: &Path, step: Option<usize>) -> anyhow::Result<File> {
    let sampler = Sampler::open(session, step)?;
    let state = &sampler.state;
    let content = model(&sampler, &Provenance::of_checkpoint(session, state)?)?.encode_to_vec();
    if content.len() > LARGEST {
        bail!(
            "the generator has {} bytes, and an ONNX file of one part ends at {LARGEST}: export safetensors instead",
            content.len()
        );
    }
    Ok((format!("generator-step{:07}.onnx", state.step), content))
}

fn model(sampler: &Sampler, marks: &Provenance) -> anyhow::Result<Model> {
    let state = &sampler.state;
    let stage = state.config.stage(state.step as u64);
    let latent = format!("independent numbers from N(0, 1), {} an image", state.config.generator.latent_dim);
    let marks = marks.clone().with("latent_distribution", latent).with("pixels", "-1 to 1".to_owned());
    Ok(Model {
        ir_version: IR_VERSION,
        producer_name: "gandle".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(generator::graph(&state.config, state.classes.len(), stage, sampler.store())?),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATORS }],
        metadata_props: marks
            .iter()
            .map(|(key, value)| Property { key: key.to_owned(), value: value.to_owned() })
            .collect(),
    })
}
