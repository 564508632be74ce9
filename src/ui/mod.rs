//! Folds events into a view of the run; panels draw it and *return* what was asked.

mod action;
mod alarms;
mod curves;
mod data_page;
mod data_view;
mod details_page;
mod export_dialog;
pub mod format;
mod glyph;
mod grid_image;
mod icon;
mod notice;
mod phase;
mod run_page;
mod run_view;
mod samples;
mod series;
mod sessions_page;
pub mod setup;
mod status_bar;
pub mod theme;
mod top_bar;
mod widgets;
mod workbench;

pub use action::{Action, ExportAsk, GridAsk};
pub use alarms::{AlarmEntry, Alarms};
pub use data_view::{DataView, Reading, Source};
pub use export_dialog::{ExportDialog, Progress};
pub use icon::icon;
pub use notice::{Notice, NoticeLevel};
pub use phase::Phase;
pub use run_view::{Curves, LogLevel, LogLine, RunView};
pub use series::{Bucket, Series, outline, smooth, smooth_buckets};
pub use sessions_page::SessionRow;
pub use status_bar::Drawers;
pub use workbench::{Page, Settings, Workbench};
