//! gandle: a desktop workbench for conditional GANs on class-labelled images.

pub mod config;
pub mod event;

pub mod ops;

pub mod session;

pub mod engine;

pub mod ui;

pub mod app;
