//! The averaged generator as an ONNX model, which other programs run without this one: what [`crate::model::Generator`] computes in
//! evaluation mode.

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
use crate::config::{Config, Stage};
use crate::engine::sample::Sampler;
use crate::model::ParameterStore;
use graph::Builder;
use message::{FLOAT, Graph, INT64, Model, OperatorSet, Property};

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
        graph: Some(graph(&state.config, state.classes.len(), stage, sampler.store())?),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATORS }],
        metadata_props: marks
            .iter()
            .map(|(key, value)| Property { key: key.to_owned(), value: value.to_owned() })
            .collect(),
    })
}

/// `image` of `z` and `label`, as it is at a stage but enlarged to full size; `classes` of them.
fn graph(config: &Config, classes: usize, stage: Stage, store: &ParameterStore) -> anyhow::Result<Graph> {
    let mut b = Builder::new(store);
    let z = b.input("z", FLOAT, &[config.generator.latent_dim], "independent numbers from N(0, 1)");
    let label = b.input("label", INT64, &[], "the class, counted from 0 as `classes` in the metadata names them");
    let image = plan::image(&mut b, &config.generator_plan(classes), stage, &z, &label)?;
    let image = match config.image_size / stage.resolution.unwrap_or(config.image_size).max(1) {
        0 | 1 => b.node("image", "Identity", &[&image], &[]),
        times => b.enlarged("image", &image, times)?,
    };
    let shape = [config.channels, config.image_size, config.image_size];
    Ok(b.finish(&image, &shape, "pixels from -1 to 1, channels first"))
}
