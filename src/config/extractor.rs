//! The networks that scores can look through, by name: the one list behind every check, help text and menu of them.

use serde::{Deserialize, Serialize};

use super::Choice;

choice! {
    /// A network that is compiled in.
    Shipped {
        EfficientNetLite2 = "efficientnet-lite2": "Compiled in. No loss uses it, so training cannot flatter its scores (Tan & Le 2019).",
        EfficientNetLite0 = "efficientnet-lite0": "Compiled in, and less than half the work. `projected` discriminators and the perceptual and texture losses train on it, and then its scores are too good (Tan & Le 2019).",
    }
}

/// Begins the name of an extractor whose weights are a user's file.
const INCEPTION: &str = "inception:";

impl Shipped {
    /// What new runs are scored by.
    pub const DEFAULT: Self = Self::EfficientNetLite2;

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|network| network.key() == name)
    }
}

/// What an extractor's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtractorName<'a> {
    /// A network that is compiled in.
    Shipped(Shipped),
    /// The Inception of 2015, with the file of its weights.
    Inception(&'a str),
}

impl<'a> ExtractorName<'a> {
    /// Reads `efficientnet-lite2`, or `inception:FILE`; nothing for another name, or no file.
    pub fn parse(name: &'a str) -> Option<Self> {
        match name.strip_prefix(INCEPTION) {
            Some(file) => (!file.trim().is_empty()).then_some(Self::Inception(file)),
            None => Shipped::named(name).map(Self::Shipped),
        }
    }

    /// The file in the name of an Inception, which may be empty while a user is still to choose it.
    pub fn inception_file(name: &str) -> Option<&str> {
        name.strip_prefix(INCEPTION)
    }

    /// The name of the Inception with the weights in this file.
    pub fn inception(file: &str) -> String {
        format!("{INCEPTION}{file}")
    }

    /// All that there are, for an error or a help text.
    pub fn known() -> String {
        let shipped: Vec<&str> = Shipped::ALL.iter().map(|network| network.key()).collect();
        format!(
            "{}, and {INCEPTION}FILE with its weights file (pt_inception-2015-12-05-6726825d.pth)",
            shipped.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options;

    #[test]
    fn every_name_that_is_listed_is_read() {
        for network in Shipped::ALL.iter().copied() {
            assert_eq!(ExtractorName::parse(network.key()), Some(ExtractorName::Shipped(network)));
            assert!(ExtractorName::known().contains(network.key()));
            let explained = options::find("score.extractor").unwrap();
            assert!(explained.values.contains(&format!("\"{}\"", network.key())));
        }
        let (file, name) = ("a:b.pth", ExtractorName::inception("a:b.pth"));
        assert_eq!(ExtractorName::parse(&name), Some(ExtractorName::Inception(file)));
        for wrong in ["inception:", "inception: ", "inception", "vgg", "", "EfficientNet-Lite2"] {
            assert_eq!(ExtractorName::parse(wrong), None, "{wrong}");
        }
        assert_eq!(ExtractorName::inception_file("inception:"), Some(""));
    }
}
