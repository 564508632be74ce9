//! Curves, scores, grids and settings as an event file that TensorBoard reads.
//!
//! `tensorboard --logdir FOLDER` on the folder of exports shows every exported session as a run.

mod hparams;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use prost::Message as _;

use super::provenance::Provenance;
use super::source::{File, Source, name_of};
use crate::event::{Event as Told, Grid, Score, Started, Step};
use crate::session::{Tail, read_grid, read_grid_file};
use message::{DT_STRING, Event, Image, Metadata, Plugin, SessionLog, Shape, Summary, Tensor, Value};

/// Bytes of all pictures of an exported file: it is made in memory.
const MOST_PICTURES: usize = 2 << 30;

/// `SESSION-step<N>/events.out.tfevents.<time>.gandle`: TensorBoard names a run by its folder, and knows its files by
/// the `tfevents` in their names.
pub(super) fn file(source: &Source) -> anyhow::Result<File> {
    let name = if source.name.is_empty() { "session" } else { &source.name };
    // As it is now: settings may have changed since the run began.
    let about = Some(Box::new(Started { step: source.step, ..source.started.clone() }));
    let mut encoder = Encoder { about, room: Some(MOST_PICTURES), ..Encoder::new(&source.folder, name) };
    let mut bytes = encoder.head();
    for event in &source.history {
        bytes.extend(encoder.encode(event)?);
    }
    if !encoder.ended {
        bytes.extend(encoder.end(source.step, 3));
    }
    let began = encoder.began.context("a session that tells when it began")?;
    Ok((format!("{name}-step{:07}/{}", source.step, file_name(began)), bytes))
}

fn file_name(began: u64) -> String {
    format!("events.out.tfevents.{began:010}.gandle")
}

/// Turns what a session tells, one event after the other, into the records of an event file.
pub(in crate::engine) struct Encoder {
    folder: PathBuf,
    name: String,
    /// What the run is told to be, where that is known better than at its beginning.
    about: Option<Box<Started>>,
    /// Seconds since 1970 at which the run first began.
    began: Option<u64>,
    /// Seconds of training so far.
    seconds: f64,
    classes: usize,
    columns: usize,
    ended: bool,
    /// Bytes that pictures may still take, where they are bounded.
    room: Option<usize>,
}

impl Encoder {
    /// For a session of this name.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            about: None,
            began: None,
            seconds: 0.0,
            classes: 0,
            columns: 0,
            ended: false,
            room: None,
        }
    }

    /// The name of the file of a session that has begun.
    pub fn file_name(session: &Path) -> anyhow::Result<String> {
        let mut tail = Tail::open(session)?;
        while let Some((event, _)) = tail.read()? {
            if let Told::Started(started) = event {
                return Ok(file_name(started.time));
            }
        }
        anyhow::bail!("{} has not begun yet", name_of(session))
    }

    /// What every file begins with.
    pub fn head(&self) -> Vec<u8> {
        self.record(Event { file_version: Some("brain.Event:2".to_owned()), ..Event::default() })
    }

    /// Takes note of an event without telling it.
    pub fn know(&mut self, event: &Told) {
        if let Told::Started(started) = event {
            self.began.get_or_insert(started.time);
            self.ended = false;
            (self.classes, self.columns) = (started.classes.len(), started.config.train.grid_columns);
        } else if let Told::Step(step) = event {
            self.seconds = step.seconds;
        } else if let Told::Finished { .. } | Told::Stopped { .. } | Told::Failed { .. } = event {
            self.ended = true;
        }
    }

    /// The records of an event: none for most kinds.
    pub fn encode(&mut self, event: &Told) -> anyhow::Result<Vec<u8>> {
        let first = self.began.is_none();
        self.know(event);
        Ok(if let Told::Started(started) = event {
            if first { self.begin(started)? } else { self.goes_on(started) }
        } else if let Told::Step(step) = event {
            self.tell(step.step, curves(step))
        } else if let Told::Score(score) = event {
            self.tell(score.step, vec![scored(score)])
        } else if let Told::Grid(grid) = event {
            let image = self.image(grid);
            self.tell(grid.step, vec![image])
        } else if let Told::Finished { step } | Told::Stopped { step } = event {
            self.end(*step, 1)
        } else if let Told::Failed { step, .. } = event {
            self.end(*step, 2)
        } else {
            Vec::new()
        })
    }

    fn begin(&self, started: &Started) -> anyhow::Result<Vec<u8>> {
        let started = self.about.as_deref().unwrap_or(started);
        let marks = Provenance::of_run(self.name.clone(), started)?;
        let settings = hparams::begin(&started.config, self.now())?;
        let texts = vec![text("session", &table(&marks)), text("run.toml", &fenced(&started.config.to_toml()))];
        Ok([self.tell(0, vec![settings]), self.tell(0, texts)].concat())
    }

    /// Steps from here on are taken again.
    fn goes_on(&self, started: &Started) -> Vec<u8> {
        let step = i64::try_from(started.step + 1).unwrap_or(i64::MAX);
        self.record(Event { step, session_log: Some(SessionLog { status: 1 }), ..Event::default() })
    }

    fn end(&self, step: usize, status: i32) -> Vec<u8> {
        self.tell(step, vec![hparams::end(status, self.now())])
    }

    fn now(&self) -> f64 {
        self.began.unwrap_or_default() as f64 + self.seconds
    }

    fn tell(&self, step: usize, value: Vec<Value>) -> Vec<u8> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.record(Event { step, summary: Some(Summary { value }), ..Event::default() })
    }

    fn record(&self, event: Event) -> Vec<u8> {
        let mut bytes = Vec::new();
        record::push(&mut bytes, &Event { wall_time: self.now(), ..event }.encode_to_vec());
        bytes
    }

    fn image(&mut self, grid: &Grid) -> Value {
        let read = || -> anyhow::Result<Image> {
            // Only a grid that is one is handed on, as it is stored.
            let picture = read_grid(&self.folder, grid, self.classes, self.columns)?.picture;
            let encoded = read_grid_file(&self.folder, grid)?;
            let fits = self.room.is_none_or(|room| encoded.len() <= room);
            anyhow::ensure!(fits, "the pictures before it take {MOST_PICTURES} bytes");
            let (height, width) = (i32::try_from(picture.height)?, i32::try_from(picture.width)?);
            Ok(Image { height, width, colorspace: 3, encoded })
        };
        match read() {
            Ok(image) => {
                self.room = self.room.map(|room| room - image.encoded.len());
                Value { tag: "samples".to_owned(), image: Some(image), ..Value::default() }
            }
            Err(err) => {
                tracing::warn!("the grid of step {} is left out: {err:#}", grid.step);
                text("remarks", &format!("The grid of step {} could not be read.", grid.step))
            }
        }
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

/// The values of a curve with their steps; a start of the run has a 0.
#[cfg(test)]
pub(in crate::engine) fn read_board(bytes: &[u8], tag: &str) -> Vec<(i64, f32)> {
    let mut found = Vec::new();
    for record in record::read(bytes) {
        let event = Event::decode(record.as_slice()).unwrap();
        found.extend(event.session_log.map(|_| (event.step, 0.0)));
        let values = event.summary.map(|summary| summary.value).unwrap_or_default();
        let values = values.into_iter().filter(|value| value.tag == tag);
        found.extend(values.filter_map(|value| Some((event.step, value.simple_value?))));
    }
    found
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
