//! The generator in ONNX's operators: what [`crate::model::Generator`] computes in evaluation mode.

use super::graph::Builder;
use super::message::{FLOAT, Graph, INT64};
use super::plan;
use crate::config::{Config, Stage};
use crate::model::ParameterStore;

/// `image` of `z` and `label`, as it is at a stage but enlarged to full size; `classes` of them.
pub(super) fn graph(config: &Config, classes: usize, stage: Stage, store: &ParameterStore) -> anyhow::Result<Graph> {
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
