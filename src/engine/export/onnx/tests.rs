//! The file read back: its operators fit together, and its numbers are the network's.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::Device;

use super::*;
use crate::config::{Config, Stage};
use crate::model::{Generator, ParameterStore};

fn config(more: &[&str]) -> Config {
    let base = ["image_size=32", "generator.base_channels=4", "generator.latent_dim=8", "generator.label_embedding=4"];
    Config::default().with(&[&base[..], more].concat()).unwrap()
}

fn read_back(config: &Config, stage: Stage) -> (message::Graph, ParameterStore) {
    let (_, store) = Generator::new(config, 3, &Device::Cpu).unwrap();
    let bytes = graph(config, 3, stage, &store).unwrap().encode_to_vec();
    (message::Graph::decode(bytes.as_slice()).unwrap(), store)
}

fn floats(tensor: &message::Tensor) -> Vec<f32> {
    let numbers = tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<_>>();
    assert_eq!(numbers.len() as i64, tensor.dims.iter().product::<i64>(), "{}", tensor.name);
    numbers
}

/// Every value is made once, before it is read, and every constant is read.
fn check_order(graph: &message::Graph) {
    let mut made: BTreeSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    made.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
    assert_eq!(made.len(), graph.input.len() + graph.initializer.len());
    let mut read = BTreeSet::from(["image"]);
    for node in &graph.node {
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            assert!(made.contains(input.as_str()), "{} reads {input}", node.name);
            read.insert(input);
        }
        assert!(node.output.iter().all(|output| made.insert(output)), "{} is made twice", node.name);
    }
    assert!(made.iter().all(|name| read.contains(name)), "unread: {:?}", made.difference(&read));
}

fn check_whole(more: &[&str], operators: &[&str]) {
    let config = config(more);
    let (graph, store) = read_back(&config, Stage::WHOLE);
    check_order(&graph);
    let constants: BTreeMap<&str, &message::Tensor> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for entry in store.entries().iter().filter(|entry| !entry.name.ends_with("num_batches_tracked")) {
        let (want, got) = (entry.to_file().unwrap(), constants[entry.name.as_str()]);
        assert_eq!(got.dims, want.dims().iter().map(|d| *d as i64).collect::<Vec<_>>(), "{}", entry.name);
        assert_eq!(floats(got), want.flatten_all().unwrap().to_vec1::<f32>().unwrap(), "{}", entry.name);
    }
    let there: BTreeSet<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    for operator in operators {
        assert!(there.contains(operator), "{more:?}: no {operator} in {there:?}");
    }
    let shape = |value: &message::ValueInfo| -> Vec<i64> {
        let shape = value.kind.clone().unwrap().tensor.unwrap().shape.unwrap();
        assert_eq!(shape.dim[0].name.as_deref(), Some("batch"));
        shape.dim[1..].iter().map(|dim| dim.value.unwrap()).collect()
    };
    assert_eq!(graph.input.iter().map(shape).collect::<Vec<_>>(), [vec![8], vec![]]);
    assert_eq!(shape(&graph.output[0]), [config.channels as i64, 32, 32]);
}

#[test]
fn every_kind_of_generator_is_written_with_its_weights() {
    check_whole(&["generator.norm=batch"], &["BatchNormalization", "ConvTranspose", "Relu", "Tanh", "Gather"]);
    check_whole(&["generator.norm=conditional-batch", "channels=1"], &["Mul", "Add", "Unsqueeze"]);
    check_whole(&["generator.skip=residual", "generator.attention=[4, 16]"], &["Resize", "Softmax", "MatMul", "Conv"]);
    check_whole(&["generator.skip=excitation", "generator.attention=[8]"], &["Sigmoid", "LeakyRelu"]);
    let sagan = ["generator.attention=[4, 16]", "generator.attention_form=sagan"];
    check_whole(&sagan, &["MaxPool", "Softmax", "MatMul"]);
    check_whole(&["generator.family=fast"], &["Resize", "Slice", "Sigmoid", "ReduceMean", "BatchNormalization"]);
    check_whole(&["generator.family=fast", "channels=1"], &["Conv", "ConvTranspose"]);
}

#[test]
fn a_growing_generator_is_written_as_its_stage_has_it() {
    let config = config(&["growing.start=8", "generator.norm=conditional-batch"]);
    let stage = |resolution, fade, condition| Stage { resolution: Some(resolution), fade, condition };
    let names = |graph: &message::Graph| -> BTreeSet<String> {
        graph.initializer.iter().map(|tensor| tensor.name.clone()).collect()
    };
    // Weights of later sizes are no part of it, and those of the smaller size go as their share does.
    let (graph, _) = read_back(&config, stage(16, 0.25, 1.0));
    check_order(&graph);
    let there = names(&graph);
    assert!(there.contains("growing.16.to_image.weight") && there.contains("growing.8.to_image.weight"));
    assert!(!there.contains("to_image.weight") && !there.contains("blocks.2.conv.weight"), "{there:?}");
    let share = |name: &str| floats(graph.initializer.iter().find(|tensor| tensor.name.ends_with(name)).unwrap());
    assert_eq!((share(".old.share"), share(".new.share")), (vec![0.75], vec![0.25]));
    // Labels that count by a half: half of the own row, half of the mean of all.
    let (graph, store) = read_back(&config, stage(8, 1.0, 0.5));
    check_order(&graph);
    let entry = |name: &str| store.entries().iter().find(|entry| entry.name == name).unwrap().tensor.clone();
    let constant = |name: &str| floats(graph.initializer.iter().find(|tensor| tensor.name == name).unwrap());
    let numbers = |tensor: candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(constant("label_embedding.weight"), numbers(entry("label_embedding.weight")));
    let halved = graph.node.iter().find(|node| node.input.contains(&"label_embedding".to_owned())).unwrap();
    assert_eq!((halved.op_type.as_str(), constant(&halved.input[1])), ("Mul", vec![0.5]));
    let table = entry("blocks.0.norm.scale.weight");
    let mean = table.mean_keepdim(0).unwrap().broadcast_as(table.dims()).unwrap();
    assert_eq!(constant("blocks.0.norm.scale.weight"), numbers(((table + mean).unwrap() * 0.5).unwrap()));
    // Labels that do not count at all.
    let (graph, _) = read_back(&config, stage(8, 1.0, 0.0));
    check_order(&graph);
}
