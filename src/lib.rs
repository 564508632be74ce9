//! gandle: a desktop workbench for conditional GANs on class-labelled images.
//!
//! The modules stand in the order in which they are best read: what stands between the program and the files of others, what a
//! run is, where images come from, the networks, what images are seen through, how networks learn, how they are judged, what
//! the window is told, and the window. `ARCHITECTURE.md` says how they work together, and `examples/` has whole programs.
//!
//! A run of two steps on the drawn demo set, and what it tells:
//!
//! ```
//! use std::sync::Arc;
//!
//! use gandle::config::Preset;
//! use gandle::engine::{Engine, RunRequest};
//! use gandle::event::Event;
//!
//! # fn main() -> anyhow::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let settings = [
//!     "image_size=16",
//!     "data.source=demo",
//!     "data.demo_images=4",
//!     "generator.base_channels=4",
//!     "discriminator.base_channels=4",
//!     "generator.attention=[]",
//!     "discriminator.attention=[]",
//!     "train.batch_size=4",
//!     "train.steps=2",
//!     "score.every=0",
//! ];
//! let config = Preset::Improved.config().with(&settings)?;
//! let session = folder.path().join("session");
//! let engine = Engine::spawn(RunRequest::new(config, session.clone()), Arc::new(|| {}))?;
//! let events: Vec<Event> = engine.wait_events().collect();
//! assert_eq!(events.last(), Some(&Event::Finished { step: 2 }));
//! // The session holds the same.
//! assert_eq!(gandle::session::Stored::open(&session)?.events, events);
//! # Ok(())
//! # }
//! ```

pub mod guard;

pub mod config;

pub mod data;

pub mod ops;

pub mod model;

pub mod feature;

pub mod train;

pub mod metric;

pub mod event;

pub mod chart;

pub mod session;

pub mod engine;

pub mod summary;

#[cfg(feature = "gui")]
pub mod ui;

#[cfg(feature = "gui")]
pub mod app;

pub mod cli;

// Public where cargo-fuzz builds it, and for the tests of this crate; else it is not there.
#[cfg(all(feature = "gui", any(fuzzing, test)))]
pub mod fuzzing;
