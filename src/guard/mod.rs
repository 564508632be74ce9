//! What stands between the program and what others have written: panics become errors, names become safe names, text becomes
//! plain text.

mod catch;
mod home;
mod names;
mod regular;
mod text;

pub use catch::{Panicked, catch, catch_to_text, silence_panics};
pub use home::from_home;
pub use names::{is_device, safe_names};
pub use regular::{open_regular, read_regular};
pub use text::{Digits, csv_cell, csv_remark, few, few_lines, hex, line, lines};
