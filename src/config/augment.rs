//! `[augment]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::AugmentEdge;
use super::key::{Condition, section};
use super::problem::ProblemList;

const SHIFTED: Condition<Augment> =
    Condition::new("with a shift above 0", &["augment.translation"], |c| c.translation != 0.0);
const CHANGED: Condition<Augment> =
    Condition::new("where a change is on (color, translation, cutout, flip, rotate90, scale or rotation)", &[], |c| {
        c.is_on()
    });
const FIXED: Condition<Augment> =
    Condition::new("without the adaptive probability", &["augment.adaptive"], |c| !c.adaptive);
const ADAPTIVE: Condition<Augment> =
    Condition::new("with the adaptive probability", &["augment.adaptive"], |c| c.adaptive);

section! {
    /// `[augment]`: how images, real and fake, are changed before the discriminator sees them.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Augment in augment {
        color: f64 = 0.0, "Colour changes", live, within(0.0..=1.0), zero("off"), unit(", share of DiffAugment's strength"), walk(&["1"]),
            paper("Zhao et al. 2020 (DiffAugment)") =>
            "Changes brightness, then saturation, then contrast of every image that the discriminator sees, real or fake, each drawn anew. Unlike `data.color_jitter`, the generator does not learn to imitate it, and it keeps the discriminator from memorising a small data set. 1 is DiffAugment: up to 0.5 added (pixels go from -1 to 1), saturation times 0 to 2, contrast times 0.5 to 1.5. It costs little time.",
        translation: f64 = 0.0, "Shift", live, within(0.0..=0.5), zero("off"), unit(" of the side"), walk(&["0.125"]),
            paper("Zhao et al. 2020 (DiffAugment)") =>
            "Shifts every image that the discriminator sees by up to this share of its side either way, in whole pixels; `augment.edge` says what fills the border. 0.125 is the paper's. It costs little time.",
        edge: AugmentEdge = AugmentEdge::Zeros, "Moves in", live, when(SHIFTED) =>
            "With `translation`, what fills the uncovered border. A generator that is judged by a strong discriminator may learn to draw a rim of zeros into its own images, since all those it is compared with have one; `mirror` leaves it nothing to copy.",
        cutout: f64 = 0.0, "Cutout", live, within(0.0..=0.9), zero("off"), unit(" of the side"), walk(&["0.5"]),
            paper("Zhao et al. 2020 (DiffAugment); DeVries & Taylor 2017") =>
            "Hides a randomly placed square of this share of the side in every image that the discriminator sees. 0.5 is the paper's; images in which one small spot matters need less. It costs little time.",
        flip: bool = false, "Mirrored for D", live, paper("Karras et al. 2020 (ADA)") =>
            "Mirrors the real and fake images that the discriminator sees left to right, half of the time. At a probability below 1 the generator can tell which side was meant; at 1 it breaks left-right anatomy, so keep it for images without sides.",
        rotate90: bool = false, "Quarter turns", live, paper("Karras et al. 2020 (ADA)") =>
            "Rotates the real and fake images that the discriminator sees by 0, 90, 180 or 270 degrees, all equally likely. At a probability near 1 the upright orientation is lost.",
        scale: f64 = 0.0, "Scale", live, within(0.0..=1.0), zero("off"), unit(", standard deviation of the binary logarithm"), walk(&["0.2"]),
            paper("Karras et al. 2020 (ADA)") =>
            "Scales what the discriminator sees about its centre by 2 to the power of a normally distributed number with this standard deviation; zeros fill the border, which the authors' code mirrors. 0.2 is the paper's. Resampling is bilinear, without the paper's wavelet filter, so small scales alias a little.",
        rotation: f64 = 0.0, "Rotation (degrees)", live, within(0.0..=180.0), zero("off"), unit(" degrees"), walk(&["90"]),
            paper("Karras et al. 2020 (ADA)") =>
            "Rotates what the discriminator sees by up to this angle either way, together with `scale` in one pass; zeros fill the border, which the authors' code mirrors. 180 is the paper's. It costs little time.",
        probability: f64 = 1.0, "Probability", live, within(0.0..=1.0), when(CHANGED), when(FIXED),
            paper("Zhao et al. 2020 (DiffAugment); Karras et al. 2020 (ADA)") =>
            "Each change is applied to each image independently with this probability, drawn separately for reals and fakes, in the updates of both networks. 1 is DiffAugment, which suits color, translation and cutout; with flips and rotations stay at 0.8 or less, or they leak into generated images. Not used with `adaptive`.",
        adaptive: bool = false, "Adaptive (ADA)", live, paper("Karras et al. 2020 (ADA)") =>
            "Lets the probability start at 0 and follow overfitting: it rises while the discriminator is too sure of real images (`target`), and falls while it is not. Best when you do not know how much is needed; it costs nothing beyond the changes themselves. Needs a loss whose logits have a boundary between real and fake, so not `wasserstein-gp`; for `least-squares` that is 0.5. Of the paper's changes (`bgc`), anisotropic scaling, subpixel shifts, luma flips and hue rotation are missing, and brightness, contrast and saturation are those of `color`.",
        target: f64 = 0.6, "Target sign", live, within(-1.0..=1.0), when(CHANGED), when(ADAPTIVE),
            paper("Karras et al. 2020 (ADA)") =>
            "With `adaptive`, the mean sign of the logits on real images (r_t) above which the probability rises. 0.6 is the paper's; the logits of all scales count, a U-Net's pixel logits do not.",
        adaptive_images: usize = 50_000, "Images to full probability", live, within(1..), unit(" images"), why("the probability cannot move over 0 images"), when(CHANGED), when(ADAPTIVE),
            paper("Karras et al. 2020 (ADA)") =>
            "With `adaptive`, the number of real images over which the probability can go from 0 to 1. The paper's 500000 is for runs of 25 million images; the default of 50000 suits runs of a few thousand steps, which see a hundred thousand.",
        adaptive_every: usize = 4, "Adjust every", live, within(1..=1000), unit(" steps"), when(CHANGED), when(ADAPTIVE),
            paper("Karras et al. 2020 (ADA)") =>
            "With `adaptive`, the number of steps whose signs are averaged for one adjustment. 4 is the paper's.",
        limit: f64 = 0.8, "Largest probability", live, within(0.0..=1.0), when(CHANGED), when(ADAPTIVE),
            paper("Karras et al. 2020 (ADA)") =>
            "With `adaptive`, the largest probability. The paper has no limit but finds that changes leak into generated images above 0.8, hence the default; 1 means no limit.",
    }
}

/// From this probability on flips and turns are likely to leak into generated images.
pub(super) const LEAKS: f64 = 0.8;

/// A share of a side of so many pixels, in whole ones.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 1")]
pub fn pixels(share: f64, side: usize) -> usize {
    (side as f64 * share + 0.5).floor() as usize
}

impl Augment {
    /// Whether any change is named.
    pub fn is_on(&self) -> bool {
        self.flip
            || self.rotate90
            || [self.color, self.translation, self.cutout, self.scale, self.rotation].iter().any(|much| *much > 0.0)
    }

    /// Whether it turns or mirrors images: a generator may take up either without being told apart from a real one.
    pub(super) fn turns(&self) -> bool {
        self.flip || self.rotate90 || self.rotation > 0.0
    }

    pub(super) fn check(&self, list: &mut ProblemList) {
        if self.adaptive && !self.is_on() {
            list.error("augment.adaptive", "there is nothing to adapt: no change is switched on. Set at least one of color, translation, cutout, flip, rotate90, scale and rotation").fix("augment.adaptive", false);
        }
        if self.is_on() && !self.adaptive && self.probability == 0.0 {
            list.warning(
                "augment.probability",
                "changes are set but never applied; set a probability above 0, or adaptive = true",
            )
            .fix("augment.probability", if self.turns() { LEAKS } else { 1.0 });
        }
        let (key, most) = match self.adaptive {
            true => ("augment.limit", self.limit),
            false => ("augment.probability", self.probability),
        };
        if self.turns() && most > LEAKS {
            list.warning(key, format!("mirrored and rotated images that are shown as often as upright ones ({most} is above {LEAKS}) are likely to leak: the generator cannot know which were meant")).fix(key, LEAKS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_counted_as_diffaugment_counts_them() {
        assert_eq!(
            [(0.125, 64), (0.125, 20), (0.5, 33), (0.01, 32)].map(|(share, side)| pixels(share, side)),
            [8, 3, 17, 0]
        );
    }
}
