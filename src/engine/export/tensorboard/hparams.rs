//! The settings of a run as TensorBoard's page of hyper-parameters compares them.

use std::collections::BTreeMap;

use prost::Message as _;

use super::message::{
    DT_FLOAT, Dimension, End, Kind, Metadata, Plugin, Setting, Settings, Shape, Start, Tensor, Value,
};
use crate::config::{Config, options};

/// Every setting, under its key in `run.toml`.
pub(super) fn begin(config: &Config, began: f64) -> anyhow::Result<Value> {
    let table: toml::Table = toml::from_str(&config.to_toml())?;
    let setting = |key: &'static str| {
        let found = key.split('.').try_fold(None::<&toml::Value>, |inner, part| match inner {
            None => table.get(part).map(Some),
            Some(inner) => inner.get(part).map(Some),
        });
        Some((key.to_owned(), Setting { kind: Some(kind(found.flatten()?)) }))
    };
    let hparams: BTreeMap<String, Setting> = options::ALL.iter().filter_map(|about| setting(about.key)).collect();
    let start = Start { hparams, start_time: began };
    Ok(value("_hparams_/session_start_info", &Settings { start: Some(start), end: None }))
}

/// How a run stands: 1 for one that ended, 2 for one that failed, 3 for one that goes on.
pub(super) fn end(status: i32, ended: f64) -> Value {
    value("_hparams_/session_end_info", &Settings { start: None, end: Some(End { status, end_time: ended }) })
}

fn kind(value: &toml::Value) -> Kind {
    match value {
        toml::Value::Integer(number) => Kind::Scalar(*number as f64),
        toml::Value::Float(number) => Kind::Scalar(*number),
        toml::Value::Boolean(on) => Kind::Bool(*on),
        toml::Value::String(text) => Kind::Text(text.clone()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => Kind::Text(value.to_string()),
    }
}

fn value(tag: &str, settings: &Settings) -> Value {
    let plugin = Plugin { name: "hparams".to_owned(), content: settings.encode_to_vec() };
    // All that counts is in the plugin's own data; the page wants a tensor beside it, of no numbers.
    let shape = Shape { dim: vec![Dimension::default()] };
    Value {
        tag: tag.to_owned(),
        tensor: Some(Tensor { dtype: DT_FLOAT, shape: Some(shape), strings: Vec::new() }),
        metadata: Some(Metadata { plugin: Some(plugin) }),
        ..Value::default()
    }
}
