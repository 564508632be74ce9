//! The networks that scores can look through, by name: the one list behind every check, help text and menu of them.

use serde::{Deserialize, Serialize};

use super::problem::ProblemList;
use super::{Choice, Config, FeatureNetwork};

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

impl Config {
    /// The extractor whose network takes part in training, so that its scores look better than the images are; nothing
    /// where none does. A new loss or discriminator on the features of an extractor belongs here, and nowhere else.
    pub fn trains_on(&self) -> Option<&'static str> {
        if let Some(network) = self.discriminator.family.frozen() {
            return Some(network.key());
        }
        match self.loss.features {
            FeatureNetwork::EfficientNetLite0 => {
                self.loss.compares_features().then_some(Shipped::EfficientNetLite0.key())
            }
            FeatureNetwork::Vgg19 => None,
        }
    }

    /// Warns where the judge is also the teacher, and names another one.
    pub(super) fn check_judge(&self, list: &mut ProblemList) {
        let Some(taught) = self.trains_on().filter(|taught| self.score.every > 0 && self.score.extractor == *taught)
        else {
            return;
        };
        let problem = list.warning("score.extractor", format!("the loss trains on `{taught}` too, so its scores look better than the images are. Choose another extractor"));
        if let Some(other) = Shipped::ALL.iter().find(|other| other.key() != taught) {
            problem.fix("score.extractor", other.key());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options;

    #[test]
    fn a_judge_that_is_in_the_loss_is_warned_of_and_replaced() {
        let with = |entries: &[&str]| {
            Config::default().with(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        let warned = |config: &Config| config.check(None).into_iter().find(|found| found.key == "score.extractor");
        for term in ["loss.perceptual=0.1", "loss.texture=1"] {
            let taught = with(&[term, "score.extractor=efficientnet-lite0"]);
            assert_eq!(taught.trains_on(), Some("efficientnet-lite0"));
            let fixed = warned(&taught).unwrap().fixed(&taught).unwrap();
            assert_eq!((fixed.score.extractor.as_str(), warned(&fixed)), ("efficientnet-lite2", None));
            assert_eq!(warned(&with(&[term, "score.extractor=efficientnet-lite0", "score.every=0"])), None);
        }
        let projected = with(&["discriminator.family=projected"]);
        assert_eq!((projected.trains_on(), warned(&projected)), (Some("efficientnet-lite0"), None));
        let vgg = with(&["loss.perceptual=0.1", "loss.features=vgg19", "loss.vgg19=file.pth"]);
        assert_eq!((vgg.trains_on(), Config::default().trains_on()), (None, None));
        assert_eq!(warned(&with(&["score.extractor=efficientnet-lite0"])), None);
    }

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
