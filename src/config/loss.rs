//! `[loss]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::LossKind;
use super::check::{List, range};
use super::explain::{Explanation, key};

/// `[loss]`: what the networks are trained to lower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// The adversarial loss.
    pub kind: LossKind,
    /// `bce` only: the discriminator's target for real images is 1 less this.
    pub label_smoothing: f64,
    /// `wasserstein-gp` only: weight of the gradient penalty.
    pub gradient_penalty: f64,
    /// `auxiliary` conditioning only: weight of the classification loss.
    pub auxiliary_weight: f64,
}

impl Default for Loss {
    fn default() -> Self {
        Self { kind: LossKind::Hinge, label_smoothing: 0.1, gradient_penalty: 10.0, auxiliary_weight: 1.0 }
    }
}

impl Loss {
    /// The problems that lie in these keys alone.
    pub(super) fn check(&self, list: &mut List) {
        range(list, "loss.label_smoothing", self.label_smoothing, 0.0..=0.5);
        range(list, "loss.gradient_penalty", self.gradient_penalty, 0.0..=1e6);
        range(list, "loss.auxiliary_weight", self.auxiliary_weight, 0.0..=1e6);
    }
}

/// Its keys, in the order of the struct.
pub(super) const EXPLAINED: &[Explanation] = &[
    key(
        "loss.kind",
        "\"bce\", \"hinge\" or \"wasserstein-gp\"",
        "Goodfellow et al. 2014; Lim & Ye 2017; Gulrajani et al. 2017",
        "What the two networks fight over. `hinge` is a sound default; `bce` is the classic one; `wasserstein-gp` is steady but takes several times as long a step.",
    ),
    key(
        "loss.label_smoothing",
        "0 to 0.5",
        "Salimans et al. 2016",
        "With `bce`, the discriminator's target for real images is 1 less this, which keeps it from growing too sure. Fakes keep their target of 0.",
    ),
    key(
        "loss.gradient_penalty",
        "0 or more",
        "Gulrajani et al. 2017",
        "With `wasserstein-gp`, the weight of the penalty on slopes other than one. 10 is the value of the paper.",
    ),
    key(
        "loss.auxiliary_weight",
        "0 or more",
        "Odena et al. 2017",
        "With `auxiliary` conditioning, the weight of the classification loss in both networks.",
    ),
];
