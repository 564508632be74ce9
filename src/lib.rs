//! gandle: a desktop workbench for conditional GANs on class-labelled images.
//!
//! The modules stand in the order in which they are best read: what stands between the program and the files of others, what a
//! run is, where images come from, the networks, what images are seen through, how networks learn, how they are judged, what
//! the window is told, and the window.

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

pub mod ui;

pub mod app;

pub mod cli;

#[doc(hidden)]
pub mod fuzzing;
