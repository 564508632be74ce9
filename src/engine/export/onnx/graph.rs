//! Builds a graph of ONNX operators, one after the other.

use std::collections::BTreeSet;

use anyhow::Context as _;
use candle_core::{DType, Device, Tensor};

use super::message::{self, Attribute, Dimension, FLOAT, Graph, INT64, Node, Shape, TensorType, Type, ValueInfo};
use crate::model::ParameterStore;

/// The name of a value in the graph.
pub(super) type Name = String;

/// An operator's setting.
pub(super) enum Set<'a> {
    Float(&'a str, f32),
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Text(&'a str, &'a str),
}

/// A graph that grows, over the numbers of a network.
pub(super) struct Builder<'a> {
    store: &'a ParameterStore,
    graph: Graph,
    known: BTreeSet<Name>,
}

impl<'a> Builder<'a> {
    pub fn new(store: &'a ParameterStore) -> Self {
        let graph = Graph { name: "generator".to_owned(), ..Graph::default() };
        Self { store, graph, known: BTreeSet::new() }
    }

    /// An input: what it is, and its shape after the batch.
    pub fn input(&mut self, name: &str, kind: i32, shape: &[usize], about: &str) -> Name {
        self.graph.input.push(value(name, kind, shape, about));
        name.to_owned()
    }

    /// One more operator; its result is named after `name`.
    pub fn node(&mut self, name: &str, operator: &str, inputs: &[&Name], settings: &[Set<'_>]) -> Name {
        let node = Node {
            input: inputs.iter().map(|input| (*input).clone()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute: settings.iter().map(attribute).collect(),
        };
        self.graph.node.push(node);
        name.to_owned()
    }

    /// The network's numbers of that name, as files hold them.
    pub fn weight(&mut self, name: &str) -> anyhow::Result<Name> {
        let tensor = self.numbers(name)?;
        self.constant(name, &tensor)
    }

    /// The same, to be changed before they become a constant.
    pub fn numbers(&self, name: &str) -> anyhow::Result<Tensor> {
        let entry = self.store.entries().iter().find(|entry| entry.name == name);
        Ok(entry.with_context(|| format!("the generator has no `{name}`: this is a defect of gandle"))?.to_file()?)
    }

    /// Numbers of the graph itself; the same name stands for the same numbers.
    pub fn constant(&mut self, name: &str, tensor: &Tensor) -> anyhow::Result<Name> {
        if self.known.insert(name.to_owned()) {
            let tensor = tensor.to_dtype(DType::F32)?;
            let numbers = tensor.flatten_all()?.to_vec1::<f32>()?;
            self.graph.initializer.push(message::Tensor {
                dims: signed(tensor.dims()),
                data_type: FLOAT,
                name: name.to_owned(),
                raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            });
        }
        Ok(name.to_owned())
    }

    /// Whole numbers of the graph itself, such as a shape.
    pub fn whole(&mut self, name: &str, numbers: &[i64]) -> Name {
        if self.known.insert(name.to_owned()) {
            self.graph.initializer.push(message::Tensor {
                dims: signed(&[numbers.len()]),
                data_type: INT64,
                name: name.to_owned(),
                raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            });
        }
        name.to_owned()
    }

    /// Every pixel becomes `times` x `times` of it.
    pub fn enlarged(&mut self, name: &str, x: &Name, times: usize) -> anyhow::Result<Name> {
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let scales = Tensor::new(&[1.0, 1.0, times as f32, times as f32], &Device::Cpu)?;
        let scales = self.constant(&format!("times.{times}"), &scales)?;
        let settings = [
            Set::Text("mode", "nearest"),
            Set::Text("coordinate_transformation_mode", "asymmetric"),
            Set::Text("nearest_mode", "floor"),
        ];
        // The second input, a region of interest, is for other modes.
        Ok(self.node(name, "Resize", &[x, &String::new(), &scales], &settings))
    }

    /// A number of the graph itself.
    pub fn number(&mut self, name: &str, number: f64) -> anyhow::Result<Name> {
        #[expect(clippy::cast_possible_truncation, reason = "as the network has it")]
        let number = Tensor::new(&[number as f32], &Device::Cpu)?;
        self.constant(name, &number)
    }

    /// The whole graph, whose result is `output` with this shape after the batch.
    pub fn finish(mut self, output: &str, shape: &[usize], about: &str) -> Graph {
        self.graph.output.push(value(output, FLOAT, shape, about));
        self.graph
    }
}

fn signed(shape: &[usize]) -> Vec<i64> {
    // Memory ends long before these numbers do.
    shape.iter().map(|length| i64::try_from(*length).unwrap_or(i64::MAX)).collect()
}

fn value(name: &str, kind: i32, shape: &[usize], about: &str) -> ValueInfo {
    let batch = Dimension { name: Some("batch".to_owned()), value: None };
    let rest = signed(shape).into_iter().map(|length| Dimension { value: Some(length), name: None });
    let shape = Shape { dim: std::iter::once(batch).chain(rest).collect() };
    let tensor = TensorType { elem_type: kind, shape: Some(shape) };
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }), doc_string: about.to_owned() }
}

fn attribute(set: &Set<'_>) -> Attribute {
    let plain = |name: &str, kind| Attribute { name: name.to_owned(), kind, ..Attribute::default() };
    match set {
        Set::Float(name, number) => Attribute { f: Some(*number), ..plain(name, 1) },
        Set::Int(name, number) => Attribute { i: Some(*number), ..plain(name, 2) },
        Set::Text(name, text) => Attribute { s: Some(text.as_bytes().to_vec()), ..plain(name, 3) },
        Set::Ints(name, numbers) => Attribute { ints: numbers.to_vec(), ..plain(name, 7) },
    }
}
