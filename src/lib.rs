//! gandle: a desktop workbench for conditional GANs on class-labelled images.

pub mod config;
pub mod event;
pub mod metric;

pub mod ops;
