//! gandle: a desktop workbench for conditional GANs on class-labelled images.

pub mod config;
pub mod event;
pub mod model;

pub mod ops;
pub mod train;
