//! `[loss]`: its keys, what they mean, and what is wrong with them.

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::problem::ProblemList;
use super::{ClassWeights, Conditioning, Discriminator, FeatureNetwork, LossKind};

const BCE: Condition<Loss> = Condition::new("with the bce loss", &["loss.kind"], |c| c.kind == LossKind::Bce);
const WASSERSTEIN: Condition<Loss> =
    Condition::new("with the wasserstein-gp loss", &["loss.kind"], |c| c.kind == LossKind::WassersteinGp);
const R1: Condition<Loss> = Condition::new("with an R1 penalty above 0", &["loss.r1"], |c| c.r1 != 0.0);
const LECAM: Condition<Loss> = Condition::new("with a LeCam weight above 0", &["loss.lecam"], |c| c.lecam != 0.0);
const CONSISTENT: Condition<Loss> =
    Condition::new("with a weight of consistency above 0", &["loss.consistency_real", "loss.consistency_fake"], |c| {
        c.consistency_real != 0.0 || c.consistency_fake != 0.0
    });
const AUXILIARY: Condition<Discriminator> =
    Condition::new("with auxiliary conditioning of the discriminator", &["discriminator.conditioning"], |c| {
        c.conditioning == Conditioning::Auxiliary
    });
const COMPARED: Condition<Loss> =
    Condition::new("with a perceptual or texture loss above 0", &["loss.perceptual", "loss.texture"], |c| {
        c.compares_features()
    });
const VGG19: Condition<Loss> =
    Condition::new("with vgg19 features", &["loss.features"], |c| c.features == FeatureNetwork::Vgg19);

section! {
    /// `[loss]`: what the networks are trained to lower.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Loss in loss beside Discriminator {
        kind: LossKind = LossKind::Hinge, "Adversarial loss", recipe,
            paper("Goodfellow et al. 2014; Lim & Ye 2017; Gulrajani et al. 2017; Mao et al. 2017") =>
            "The adversarial loss. `hinge` is a sound default; `bce` is the classic one; `wasserstein-gp` is stable but makes a step several times as long; `least-squares` (targets 1 and 0, half the mean square) still pulls on fakes far from the decision boundary and takes no longer than `bce`.",
        label_smoothing: f64 = 0.1, "Label smoothing", live, within(0.0..=0.5), when(BCE), paper("Salimans et al. 2016") =>
            "With `bce`, the discriminator's target for real images is 1 minus this, which keeps it from becoming overconfident. Fakes keep their target of 0.",
        gradient_penalty: f64 = 10.0, "Gradient penalty", live, when(WASSERSTEIN), paper("Gulrajani et al. 2017") =>
            "With `wasserstein-gp`, the weight of the penalty on gradient norms other than 1. 10 is the paper's value.",
        r1: f64 = 0.0, "R1 penalty", live, zero("off"), walk(&["1"]), paper("Mescheder et al. 2018") =>
            "Weight gamma of the R1 penalty: gamma / 2 times the mean squared gradient norm of the discriminator at real images. It keeps the discriminator smooth near the data, which helps when it wins too early or memorises a small data set, and makes its update about twice as long. 0.1 to 10 is usual, more for larger images.",
        r1_every: usize = 1, "R1 every", live, within(1..=1000), unit(" updates"), when(R1), walk(&["2"]),
            paper("Karras et al. 2020 (StyleGAN2)") =>
            "Adds the R1 penalty only to every n-th update of the discriminator, with n times the weight (lazy regularisation). 16 makes R1 nearly free; 1 is the plain form. The penalty is part of that update's loss, where StyleGAN2 gives it an Adam step of its own and corrects the rate and betas for that.",
        lecam: f64 = 0.0, "LeCam", live, zero("off"), walk(&["0.1"]), paper("Tseng et al. 2021") =>
            "Weight of the LeCam regularisation, which pulls logits on real images towards the moving average of those on fakes, and vice versa (squared distances). It keeps the discriminator from memorising a small data set, at next to no cost. This is the paper's form; its authors' code differs by `lecam_one_sided` and `lecam_start`. 0.01 to 0.5 is usual with `hinge`, where the authors use 0.3; for unbounded logits, as with `bce`, they use 0.000001 and less.",
        lecam_decay: f64 = 0.99, "LeCam decay", live, within(0.0..1.0), when(LECAM), paper("Tseng et al. 2021") =>
            "With `lecam`, the decay per batch of the two moving averages. 0.99 is the paper's value; its authors' code has 0.9 with `hinge`.",
        lecam_one_sided: bool = false, "LeCam one-sided", live, when(LECAM), paper("Tseng et al. 2021") =>
            "With `lecam`, counts a logit on a real image only as far as it is above the average on fakes, and one on a fake only as far as it is below the average on real images, as the authors' code does. Without it, as in the paper, the full squares also pull on a discriminator that mistakes fakes for real, and several times as hard.",
        lecam_start: usize = 0, "LeCam begins after", live, unit(" steps"), when(LECAM), walk(&["2"]),
            paper("Tseng et al. 2021") =>
            "With `lecam`, the steps before the term counts; the averages are updated from the first step on. The authors' code for `hinge` waits for 1000 (and uses the last batch's means as averages until then), that for StyleGAN2 does not wait.",
        consistency_real: f64 = 0.0, "Consistency (real)", live, zero("off"), walk(&["10"]), paper("Zhao et al. 2021 (bCR)") =>
            "Weight of the mean squared difference between the discriminator's logits on a real image and on the same image shifted or mirrored. The discriminator learns not to judge by where things are, which helps with few images and makes its update about half as long again. The paper uses 10 here and in `consistency_fake`. With several scales it is the mean over them; class logits and a U-Net's pixel logits are not compared. Images that `augment` changes are compared after the change. Transformations that it is trained to ignore leak into generated images, so keep them small.",
        consistency_fake: f64 = 0.0, "Consistency (fake)", live, zero("off"), walk(&["10"]), paper("Zhao et al. 2021 (bCR)") =>
            "The same on generated images, in the discriminator's update only. Balanced consistency uses both, at the same cost each; with only one, the discriminator may tell real from fake by the difference.",
        consistency_shift: f64 = 0.0625, "Consistent shift", live, within(0.0..=0.5), zero("off"), unit(" of the side"), when(CONSISTENT),
            paper("Zhao et al. 2021 (bCR)") =>
            "With consistency, the largest shift of the second view, in whole pixels, equally likely up, down, left or right; the border is mirrored. The paper's few pixels are 0.0625 at 64 px.",
        consistency_flip: bool = false, "Consistent mirror", live, when(CONSISTENT), paper("Zhao et al. 2021 (bCR)") =>
            "With consistency, mirrors half of the second views left to right, as the paper does. The discriminator then accepts mirrored anatomy as real and the generator will draw it, so keep it for images without sides.",
        class_weights: ClassWeights = ClassWeights::None, "Class weights", paper("King & Zeng 2001") =>
            "How much an image counts by its class in the adversarial and classification terms of both losses; the mean over the data is 1. It favours rare classes without repeating their images, which helps where `balance` repeats a handful of images too often; the price is a noisier loss. Needs `balance = false`.",
        auxiliary_weight: f64 = 1.0, "Auxiliary weight", live, when(AUXILIARY), paper("Odena et al. 2017") =>
            "With `auxiliary` conditioning, the weight of the classification loss in both networks.",
        auxiliary_fakes: bool = false, "Auxiliary on fakes", live, when(AUXILIARY), paper("Odena et al. 2017") =>
            "With `auxiliary` conditioning, lets the discriminator also learn the classes that fakes were meant to show, as in the paper. Without it, it learns classes from real images alone, as in many later implementations, so that early fakes, which show no class, cannot confuse it.",
        perceptual: f64 = 0.0, "Perceptual loss", live, zero("off"), walk(&["0.1"]), paper("Johnson et al. 2016") =>
            "Weight, in the generator's loss, of the mean absolute difference between a frozen network's features of generated images and of real ones with the same labels. It pulls towards what real images of a class have in common, which stabilises the first steps; the pairs are random, so too much of it averages the variety away. 0.1 is usual. It adds about as much time as a whole step with 32 base channels takes at 64 px, however large the networks are, and some 7 MB per image of 64 px or less.",
        texture: f64 = 0.0, "Texture loss", live, zero("off"), walk(&["1"]), paper("Gatys et al. 2016") =>
            "Weight, in the generator's loss, of the mean absolute difference between the Gram matrices of the same features: for each image the products of all pairs of channels, summed over the pixels and divided by channels x pixels. It compares textures wherever they are in the image, so it does not matter that the pairs differ in shape. Together with `loss.perceptual` it costs little; alone it costs the same.",
        features: FeatureNetwork = FeatureNetwork::EfficientNetLite0, "Compared features", when(COMPARED),
            paper("Tan & Le 2019; Simonyan & Zisserman 2015") =>
            "The frozen network of the perceptual and the texture loss. `efficientnet-lite0` is compiled in and compares four scales (the last maps of a quarter to a thirty-second of the side; images below 64 px are enlarged by whole factors); `vgg19` compares the last of its sixteen convolutions (images below 32 px are enlarged), needs a file and costs ten (32 px) to twenty-five (64 px) times as much. Training on `efficientnet-lite0` makes scores through it look better than the images are, so keep another `score.extractor`; such scores are marked.",
        vgg19: String = String::new(), "VGG19 weights", says("a file"), when(COMPARED), when(VGG19),
            paper("Simonyan & Zisserman 2015") =>
            "With `vgg19`, the file of torchvision's weights (`vgg19-dcbb9e9d.pth`, or the same tensors as .safetensors). Names and shapes are checked before the run starts; the weights are read when it starts, and also when it is resumed.",
    }
}

impl Loss {
    /// The problems that lie in these keys alone.
    pub(super) fn check(&self, list: &mut ProblemList) {
        if self.compares_features() && self.features == FeatureNetwork::Vgg19 {
            let path = self.vgg19.trim();
            if path.is_empty() {
                list.error("loss.vgg19", "no file is given; name torchvision's weights of vgg19 (.pth or .safetensors), or use the compiled-in efficientnet-lite0 for loss.features").fix("loss.features", "efficientnet-lite0");
            } else if !std::path::Path::new(path).is_file() {
                list.error(
                    "loss.vgg19",
                    format!("there is no file {path}; name torchvision's weights of vgg19 (.pth or .safetensors)"),
                )
                .fix("loss.features", "efficientnet-lite0")
                .fix("loss.vgg19", "\"\"");
            }
        }
    }

    /// Whether the features of fakes and real images are compared.
    pub fn compares_features(&self) -> bool {
        self.perceptual > 0.0 || self.texture > 0.0
    }
}

impl LossKind {
    /// Whether the sign of a logit tells real from fake: a critic's logits have no zero, and least squares turn at a half and
    /// keep a gradient however sure the discriminator is.
    pub fn has_border(self) -> bool {
        match self {
            Self::Bce | Self::Hinge => true,
            Self::WassersteinGp | Self::LeastSquares => false,
        }
    }
}

impl FeatureNetwork {
    /// How many times a frozen network's images are enlarged: the side is then at least 64 px for EfficientNet-Lite0, whose
    /// last features are a thirty-second as wide, and 32 px for VGG19, where it is a sixteenth.
    pub fn enlargement(self, side: usize) -> usize {
        (2 * self.multiple()).div_ceil(side.max(1))
    }

    /// What the side of an image must be a multiple of.
    pub fn multiple(self) -> usize {
        match self {
            Self::EfficientNetLite0 => 32,
            Self::Vgg19 => 16,
        }
    }

    /// Bytes that comparing `batch` images of this side takes, roughly: the weights, and the feature maps that wait for the
    /// gradient.
    pub(super) fn bytes(self, side: usize, batch: usize) -> usize {
        let pixels = (side * self.enlargement(side)).pow(2);
        match self {
            Self::EfficientNetLite0 => 4 * (3_400_000 + batch * 400 * pixels),
            Self::Vgg19 => 4 * (20_000_000 + batch * 500 * pixels),
        }
    }
}

impl ClassWeights {
    /// The weight of an image of each class, for so many `images` a class; their mean over all images is 1. Nothing where
    /// every image counts alike.
    pub fn of(self, images: &[usize]) -> Option<Vec<f64>> {
        let exponent = match self {
            Self::None => return None,
            Self::InverseFrequency => -1.0,
            Self::InverseSquareRoot => -0.5,
        };
        // A class without images is never shown; its weight must only be a number.
        let raw: Vec<f64> = images.iter().map(|count| ((*count).max(1) as f64).powf(exponent)).collect();
        let total: f64 = raw.iter().zip(images).map(|(weight, count)| weight * *count as f64).sum();
        let mean = total / images.iter().sum::<usize>().max(1) as f64;
        Some(raw.into_iter().map(|weight| weight / mean).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_weights_favour_rare_classes_and_mean_one_over_the_data() {
        assert_eq!(ClassWeights::None.of(&[3, 1]), None);
        // Weights 1/3 and 1 sum to 2 over the four images.
        let inverse = ClassWeights::InverseFrequency.of(&[3, 1]).unwrap_or_default();
        assert!((inverse[0] - 2.0 / 3.0).abs() < 1e-12 && (inverse[1] - 2.0).abs() < 1e-12, "{inverse:?}");
        for kind in [ClassWeights::InverseFrequency, ClassWeights::InverseSquareRoot] {
            let (images, weights) = ([90, 9, 1], kind.of(&[90, 9, 1]).unwrap_or_default());
            let mean: f64 = weights.iter().zip(images).map(|(w, n)| w * f64::from(n) / 100.0).sum();
            assert!((mean - 1.0).abs() < 1e-12 && weights.is_sorted(), "{weights:?}");
            let equal = kind.of(&[5, 5]).unwrap_or_default();
            assert!(equal.len() == 2 && equal.iter().all(|weight| (weight - 1.0).abs() < 1e-12), "{equal:?}");
        }
    }
}
