//! `data.window`: which values of a scan are shown from black to white, by a name or by numbers.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problem::ProblemList;

/// What `data.window` may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ScanWindow {
    /// What each file says or, where it says nothing, the 1st to the 99th percentile of its values.
    #[default]
    Auto,
    /// A window of computed tomography, by its place in [`NAMED`].
    Named(&'static NamedWindow),
    /// The same values of every scan.
    Values {
        /// The value that becomes the middle grey.
        centre: f64,
        /// How many values lie from black to white; 1 or more.
        width: f64,
    },
}

/// A window that has a name, in Hounsfield units.
#[derive(Debug, PartialEq)]
pub struct NamedWindow {
    /// Its name in `run.toml`.
    pub name: &'static str,
    /// The value that becomes the middle grey.
    pub centre: f64,
    /// How many values lie from black to white.
    pub width: f64,
}

const fn named(name: &'static str, centre: f64, width: f64) -> NamedWindow {
    NamedWindow { name, centre, width }
}

/// The windows that have names, in the order shown: what reading rooms commonly set for each part of the body.
pub static NAMED: [NamedWindow; 8] = [
    named("brain", 40.0, 80.0),
    named("subdural", 75.0, 200.0),
    named("stroke", 40.0, 40.0),
    named("soft-tissue", 50.0, 400.0),
    named("liver", 30.0, 150.0),
    named("mediastinum", 50.0, 350.0),
    named("lung", -600.0, 1500.0),
    named("bone", 400.0, 1800.0),
];

/// The name of [`ScanWindow::Auto`].
const AUTO: &str = "auto";

impl ScanWindow {
    /// The choice with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        let window = || NAMED.iter().find(|window| window.name == name).map(Self::Named);
        if name == AUTO { Some(Self::Auto) } else { window() }
    }

    /// Its name, where it has one.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Auto => Some(AUTO),
            Self::Named(window) => Some(window.name),
            Self::Values { .. } => None,
        }
    }

    /// Centre and width, where they are the same for all scans.
    pub fn values(&self) -> Option<(f64, f64)> {
        match self {
            Self::Auto => None,
            Self::Named(window) => Some((window.centre, window.width)),
            Self::Values { centre, width } => Some((*centre, *width)),
        }
    }

    /// What is wrong with it.
    pub(super) fn check(self, list: &mut ProblemList) {
        if let Self::Values { centre, width } = self
            && !(centre.is_finite() && width.is_finite() && width >= 1.0)
        {
            let message =
                format!("[{centre}, {width}] is no window: it is [centre, width], and the width is 1 or more");
            list.error("data.window", message).fix("data.window", "auto");
        }
    }
}

impl Serialize for ScanWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(AUTO),
            Self::Named(window) => serializer.serialize_str(window.name),
            Self::Values { centre, width } => [*centre, *width].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ScanWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ScanWindow;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names: Vec<&str> = NAMED.iter().map(|window| window.name).collect();
                write!(to, "`{AUTO}`, one of `{}`, or two numbers [centre, width]", names.join("`, `"))
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ScanWindow, E> {
                ScanWindow::by_name(name).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(name), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<ScanWindow, A::Error> {
                let (centre, width) = (numbers.next_element::<f64>()?, numbers.next_element::<f64>()?);
                match (centre, width, numbers.next_element::<f64>()?) {
                    (Some(centre), Some(width), None) => Ok(ScanWindow::Values { centre, width }),
                    _ => Err(A::Error::invalid_length(1, &self)),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Level};

    fn set(entry: &str) -> Result<Config, String> {
        Config::default().with(&[entry]).map_err(|err| err.to_string())
    }

    #[test]
    fn a_window_is_a_name_or_two_numbers_and_is_read_back() {
        let of = |entry: &str| set(entry).unwrap().data.window.values();
        assert_eq!(of("data.window=auto"), None);
        assert_eq!(of("data.window=lung"), Some((-600.0, 1500.0)));
        assert_eq!(of("data.window=[-50, 350.5]"), Some((-50.0, 350.5)));
        for entry in ["data.window=auto", "data.window=bone", "data.window=[40, 80]"] {
            let config = set(entry).unwrap();
            assert_eq!(Config::from_toml(&config.to_toml()), Ok(config));
        }
        let told = set("data.window=spleen").unwrap_err();
        assert!(told.contains("soft-tissue") && told.contains("[centre, width]"), "{told}");
        assert!(set("data.window=[1]").is_err() && set("data.window=[1, 2, 3]").is_err());
    }

    #[test]
    fn a_window_without_width_is_an_error_and_an_old_file_has_none() {
        for entry in ["data.window=[0, 0.5]", "data.window=[nan, 80]", "data.window=[0, inf]"] {
            let config = set(entry).unwrap().with(&["data.source=scans"]).unwrap();
            let told: Vec<_> = config.check(Some(3)).into_iter().map(|problem| (problem.level, problem.key)).collect();
            assert_eq!(told, [(Level::Error, "data.window")], "{entry}");
        }
        let old = Config::from_toml("[data]\nslice_every = 2\n").unwrap();
        assert_eq!((old.data.window, old.data.scans), (ScanWindow::Auto, crate::config::ScanRules::Plain));
    }
}
