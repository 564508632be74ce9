//! What can be measured of a generator's images, by name.

use serde::{Deserialize, Serialize};

use super::Choice;

choice! {
    /// What is measured.
    Metric {
        FrechetDistance = "frechet-distance": "How far the features of fakes are from those of real images, of all and of each class: the FID where the extractor is Inception. Lower is better; too large for few images.",
        IntraClassFrechetDistance = "intra-class-frechet-distance": "The mean of the classes' Frechet distances, which is also high where a generator ignores its labels. Lower is better.",
        KernelDistance = "kernel-distance": "The kernel distance (KID) over all pairs, of all images and of each class: unbiased, so that small sets do not inflate it. Lower is better, about 0 for equal sources.",
        KernelDistanceSubsets = "kernel-distance-subsets": "The kernel distance over 100 random subsets, with its spread, as papers report it.",
        InceptionScore = "inception-score": "How confident and how varied Inception's predictions are, over 10 splits. Higher is better; it never looks at real images, and its classes are not medical.",
        Precision = "precision": "The share of fakes that lie among real images: how realistic they are.",
        Recall = "recall": "The share of real images that lie among fakes: how much of the data is covered. Scattered fakes reach far and raise it, so read it together with precision and coverage (Naeem et al. 2020).",
        Density = "density": "How densely real images surround the fakes; about 1 for equal sources, and less easily misled by outliers than precision.",
        Coverage = "coverage": "The share of real images that have a fake near them: how much of the data is covered, less easily misled by outliers than recall.",
        AuthenticPercent = "authentic-percent": "Of 100 fakes, how many are farther from their nearest real image than that is from its own nearest: near 0 for copies. New images from the same source give a value that depends on the data's dimension, often 60 to 85; shown with it is the value of held-out real images, or of a third of the real ones against the others.",
        Copying = "copying": "C_T: negative (below about -3) where fakes are nearer to the training images than held-out ones are. It takes all fakes of a class together (the authors' cells come from k-means), so a few copies among poor fakes do not show in it.",
        VendiScore = "vendi-score": "The effective number of different images in a set, of all and of each class; shown with that of as many real ones.",
        MsSsim = "ms-ssim": "How alike random pairs of one class are, 0 to 1, next to real pairs: higher than theirs means collapse.",
        NearestReal = "nearest-real": "The median distance of fakes to their nearest real image, next to that of held-out real images, or of real images to each other where fewer than 20 are held out; the nearest real image to every grid image is stored as a picture.",
        ClassifierAccuracy = "classifier-accuracy": "The accuracy on held-out real images of a classifier trained on fakes, next to one trained on real images.",
        ClassifierBalancedAccuracy = "classifier-balanced-accuracy": "The classifier's mean accuracy over the classes.",
        ClassifierRecall = "classifier-recall": "The classifier's accuracy on each class.",
        ClassifierAuc = "classifier-auc": "The classifier's area under the ROC curve, one class against the rest, averaged over the classes.",
        WorthReal = "worth-real": "What real images alone are worth as training data: the balanced accuracy on held-out real images of a classifier trained on them, and its recall (sensitivity) of each class. The number that fakes have to beat.",
        WorthAltered = "worth-altered": "The same with two altered copies of each real image beside it: moved, brighter or darker, of other contrast, and mirrored with `score.mirrored`. The cheap way to more training data, which fakes have to beat too.",
        WorthHalf = "worth-half": "The same with half a fake for each real image beside them.",
        WorthEqual = "worth-equal": "The same with one fake for each real image.",
        WorthDouble = "worth-double": "The same with two fakes for each real image.",
    }
}

/// Which values are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefers {
    /// Low ones.
    Low,
    /// High ones.
    High,
}

/// What a classifier learns from beside real images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// Altered copies of them.
    Altered,
    /// So many fakes for each real image of a class.
    Fakes(f64),
}

/// What a score takes beside looking at the images, which nearly all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Sums over features.
    Quick,
    /// Comparisons of images with each other.
    Medium,
    /// Classifiers that are trained.
    Slow,
}

impl Effort {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Medium => "medium",
            Self::Slow => "slow",
        }
    }

    /// What the word stands for.
    pub fn about(self) -> &'static str {
        match self {
            Self::Quick => "Quick: sums over what the extractor saw",
            Self::Medium => {
                "Medium: compares images with each other, so that twice as many take up to four times as long"
            }
            Self::Slow => "Slow: trains classifiers of its own",
        }
    }
}

impl Metric {
    /// What it takes beside looking at the images.
    pub fn effort(self) -> Effort {
        match self {
            Self::FrechetDistance | Self::IntraClassFrechetDistance | Self::InceptionScore => Effort::Quick,
            Self::KernelDistance
            | Self::KernelDistanceSubsets
            | Self::Precision
            | Self::Recall
            | Self::Density
            | Self::Coverage
            | Self::AuthenticPercent
            | Self::Copying
            | Self::VendiScore
            | Self::MsSsim
            | Self::NearestReal => Effort::Medium,
            Self::ClassifierAccuracy
            | Self::ClassifierBalancedAccuracy
            | Self::ClassifierRecall
            | Self::ClassifierAuc
            | Self::WorthReal
            | Self::WorthAltered
            | Self::WorthHalf
            | Self::WorthEqual
            | Self::WorthDouble => Effort::Slow,
        }
    }

    /// What the classifier of this score learns from beside real images; nothing where the score is of another kind.
    pub fn beside(self) -> Option<Beside> {
        match self {
            Self::WorthReal => Some(Beside::Nothing),
            Self::WorthAltered => Some(Beside::Altered),
            Self::WorthHalf => Some(Beside::Fakes(0.5)),
            Self::WorthEqual => Some(Beside::Fakes(1.0)),
            Self::WorthDouble => Some(Beside::Fakes(2.0)),
            Self::FrechetDistance
            | Self::IntraClassFrechetDistance
            | Self::KernelDistance
            | Self::KernelDistanceSubsets
            | Self::InceptionScore
            | Self::Precision
            | Self::Recall
            | Self::Density
            | Self::Coverage
            | Self::AuthenticPercent
            | Self::Copying
            | Self::VendiScore
            | Self::MsSsim
            | Self::NearestReal
            | Self::ClassifierAccuracy
            | Self::ClassifierBalancedAccuracy
            | Self::ClassifierRecall
            | Self::ClassifierAuc => None,
        }
    }

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        self.key()
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.key() == name)
    }

    /// Which of its values are good; nothing where a value is good that is like that of real images.
    pub fn prefers(self) -> Option<Prefers> {
        match self {
            Self::FrechetDistance
            | Self::IntraClassFrechetDistance
            | Self::KernelDistance
            | Self::KernelDistanceSubsets => Some(Prefers::Low),
            Self::InceptionScore
            | Self::Precision
            | Self::Recall
            | Self::Density
            | Self::Coverage
            | Self::VendiScore
            | Self::ClassifierAccuracy
            | Self::ClassifierBalancedAccuracy
            | Self::ClassifierAuc
            | Self::WorthHalf
            | Self::WorthEqual
            | Self::WorthDouble => Some(Prefers::High),
            // Of classes alone, or to be compared with real images, or not of the generator at all.
            Self::AuthenticPercent
            | Self::Copying
            | Self::MsSsim
            | Self::NearestReal
            | Self::ClassifierRecall
            | Self::WorthReal
            | Self::WorthAltered => None,
        }
    }

    /// Whether `value` is better than `other`; false where neither high nor low values are good, and for what is no number.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        match self.prefers() {
            Some(Prefers::Low) => value < other,
            Some(Prefers::High) => value > other,
            None => false,
        }
    }
}

choice! {
    /// A way to bring images of any size to the one that a network sees, and bytes to the numbers that the Inception of 2015 is
    /// then fed with. They differ by more than most results do, so every score names its own.
    Resize {
        PytorchFid = "pytorch-fid": "As pytorch-fid: bilinear with half-pixel centres, not antialiased; a byte x becomes x / 127.5 - 1.",
        TorchFidelity = "torch-fidelity": "As torch-fidelity, StyleGAN and TensorFlow 1: bilinear without the half pixel, not antialiased; (x - 128) / 128.",
        Clean = "clean": "As clean-fid: Pillow's bicubic with antialiasing, clipped to 0..=255 but not rounded; (x - 128) / 128.",
    }
}

impl Resize {
    /// Its name on the command line and beside scores.
    pub fn name(self) -> &'static str {
        self.key()
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|resize| resize.key() == name)
    }
}
