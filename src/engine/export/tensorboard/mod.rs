//! Curves, scores, grids and settings as an event file that TensorBoard reads.
//!
//! `tensorboard --logdir FOLDER` on the folder of exports shows every exported session as a run.

mod hparams;
mod message;
mod record;
#[cfg(test)]
mod tests;

use prost::Message as _;

use super::provenance::Provenance;
use super::source::{File, Source};
use crate::event::{Event as Told, Grid, Score, Step};
use crate::session::{read_grid, read_grid_file};
use message::{DT_STRING, Event, Image, Metadata, Plugin, Shape, Summary, Tensor, Value};

/// Bytes of all pictures of a file: it is made in memory.
const MOST_PICTURES: usize = 2 << 30;

/// `SESSION-step<N>/events.out.tfevents.<time>.gandle`: TensorBoard names a run by its folder, and knows its files by
/// the `tfevents` in their names.
pub(super) fn file(source: &Source) -> anyhow::Result<File> {
    let began = began(source);
    let marks = Provenance::of_session(source)?;
    let mut out = Out { bytes: Vec::new(), began, seconds: 0.0, pictures: 0 };
    out.push(Event { file_version: Some("brain.Event:2".to_owned()), ..Event::default() });
    out.tell(0, vec![hparams::begin(source, began)?]);
    out.tell(0, vec![text("session", &table(&marks)), text("run.toml", &fenced(&source.config().to_toml()))]);
    for event in &source.history {
        if let Told::Step(step) = event {
            out.seconds = step.seconds;
            out.tell(step.step, curves(step));
        } else if let Told::Score(score) = event {
            out.tell(score.step, vec![scored(score)]);
        } else if let Told::Grid(grid) = event {
            let room = MOST_PICTURES.saturating_sub(out.pictures);
            let image = image(source, grid, room);
            out.pictures += image.image.as_ref().map_or(0, |image| image.encoded.len());
            out.tell(grid.step, vec![image]);
        }
    }
    let end = out.began + out.seconds;
    out.tell(source.step, vec![hparams::end(source, end)]);
    let name = if source.name.is_empty() { "session" } else { &source.name };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds since 1970")]
    let time = began as u64;
    Ok((format!("{name}-step{:07}/events.out.tfevents.{time:010}.gandle", source.step), out.bytes))
}

/// Seconds since 1970 at which the run first began.
fn began(source: &Source) -> f64 {
    let time = |event: &Told| if let Told::Started(started) = event { Some(started.time) } else { None };
    source.history.iter().find_map(time).unwrap_or(source.started.time) as f64
}

/// The file as it grows.
struct Out {
    bytes: Vec<u8>,
    began: f64,
    /// Seconds of training so far.
    seconds: f64,
    /// Bytes of the pictures in it.
    pictures: usize,
}

impl Out {
    fn push(&mut self, event: Event) {
        let event = Event { wall_time: self.began + self.seconds, ..event };
        record::push(&mut self.bytes, &event.encode_to_vec());
    }

    fn tell(&mut self, step: usize, value: Vec<Value>) {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.push(Event { step, summary: Some(Summary { value }), ..Event::default() });
    }
}

fn scalar(tag: &str, value: f32) -> Value {
    Value { tag: tag.to_owned(), simple_value: Some(value), ..Value::default() }
}

fn curves(s: &Step) -> Vec<Value> {
    s.numbers.iter().map(|(number, value)| scalar(number.info().tag, value)).collect()
}

/// One curve a metric, an extractor and a class.
#[expect(clippy::cast_possible_truncation, reason = "the format's scalars are float32")]
fn scored(score: &Score) -> Value {
    let about = match &score.class {
        None => "all classes".to_owned(),
        Some(class) => format!("class {class}"),
    };
    scalar(&format!("{} ({})/{about}", score.metric, score.judge()), score.value as f32)
}

fn image(source: &Source, grid: &Grid, room: usize) -> Value {
    let started = &source.started;
    let read = || -> anyhow::Result<Image> {
        // Only a grid that is one is handed on, as it is stored.
        let picture =
            read_grid(&source.folder, grid, started.classes.len(), started.config.train.grid_columns)?.picture;
        let encoded = read_grid_file(&source.folder, grid)?;
        anyhow::ensure!(encoded.len() <= room, "the pictures before it take {MOST_PICTURES} bytes");
        let (height, width) = (i32::try_from(picture.height)?, i32::try_from(picture.width)?);
        Ok(Image { height, width, colorspace: 3, encoded })
    };
    match read() {
        Ok(image) => Value { tag: "samples".to_owned(), image: Some(image), ..Value::default() },
        Err(err) => {
            tracing::warn!("the grid of step {} is left out: {err:#}", grid.step);
            text("remarks", &format!("The grid of step {} could not be read.", grid.step))
        }
    }
}

/// A text that the page of texts shows as Markdown.
fn text(tag: &str, markdown: &str) -> Value {
    let tensor =
        Tensor { dtype: DT_STRING, shape: Some(Shape::default()), strings: vec![markdown.as_bytes().to_vec()] };
    let plugin = Plugin { name: "text".to_owned(), content: Vec::new() };
    let metadata = Some(Metadata { plugin: Some(plugin) });
    Value { tag: tag.to_owned(), tensor: Some(tensor), metadata, ..Value::default() }
}

fn table(marks: &Provenance) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
    let row = |(name, value)| format!("| {name} | {} |\n", cell(value));
    "| | |\n|---|---|\n".to_owned() + &marks.iter().map(row).collect::<String>()
}

/// A text as it is: four spaces before every line.
fn fenced(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
