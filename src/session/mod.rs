//! STAND-IN for the session room, to be dropped on merge: just enough to list and open what the stand-in engine wrote.
#![expect(missing_docs, reason = "a stand-in that is dropped on merge")]

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

use crate::config::Config;
use crate::event::{self, Event, GridPicture, Picture};

pub fn new_folder(config: &Config) -> PathBuf {
    let data = if config.data.is_demo() { "demo" } else { "folder" };
    (1..)
        .map(|i| PathBuf::from(format!("sessions/2026-11-23-{data}-{i}")))
        .find(|path| !path.exists())
        .unwrap_or_default()
}

pub struct Listed {
    pub folder: PathBuf,
    pub name: String,
    pub steps: usize,
    pub modified: SystemTime,
}

pub fn list() -> Vec<Listed> {
    let mut listed: Vec<Listed> = std::fs::read_dir("sessions")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join("events.jsonl")).ok()?;
            Some(Listed {
                folder: entry.path(),
                name: entry.file_name().to_string_lossy().into_owned(),
                steps: text.lines().filter(|l| l.contains("\"step\"")).count(),
                modified: entry.metadata().ok()?.modified().ok()?,
            })
        })
        .collect();
    listed.sort_by_key(|l| std::cmp::Reverse(l.modified));
    listed
}

pub struct Stored {
    pub folder: PathBuf,
    pub config: Config,
    pub events: Vec<Event>,
    pub warnings: Vec<String>,
}

impl Stored {
    pub fn open(folder: &Path) -> anyhow::Result<Stored> {
        let config = Config::from_toml(&std::fs::read_to_string(folder.join("run.toml"))?)?;
        let text = std::fs::read_to_string(folder.join("events.jsonl"))?;
        let events = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Stored { folder: folder.to_owned(), config, events, warnings: Vec::new() })
    }
}

pub fn read_grid(folder: &Path, grid: &event::Grid, rows: usize, columns: usize) -> anyhow::Result<GridPicture> {
    let image = image::open(folder.join(&grid.file)).context("reading the grid")?.into_rgb8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let picture = Picture { width, height, rgb: image.into_raw().into() };
    Ok(GridPicture { step: grid.step, columns, rows, cell: height / rows.max(1), picture })
}
