//! Where the network that scores look through is also one that training learns from.

use super::problem::ProblemList;
use super::{Choice as _, Config, FeatureNetwork, Shipped};

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

    #[test]
    fn a_judge_that_is_in_the_loss_is_warned_of_and_replaced() {
        let with = |entries: &[&str]| Config::default().with(entries).unwrap();
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
}
