//! gandle: a desktop workbench for conditional GANs on class-labelled images.

pub mod config;
pub mod data;
pub mod event;

pub mod ops;
