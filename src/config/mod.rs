//! What a run is: plain structs with a default for every field, presets, and one check that lists every problem.
//!
//! A [`Config`] is the whole of `run.toml`. The keys of `generator`, `discriminator`, `loss` and `optimizer` mean
//! what the papers named in [`options`] mean by them; `classes` is missing on purpose, since the data decides it.
//!
//! ```
//! use gandle::config::{Config, Preset, has_errors};
//!
//! # fn main() -> anyhow::Result<()> {
//! let set = |text: &str| Preset::Improved.config().with(&[text]);
//! let config = set("train.batch_size=16")?;
//! assert!(!has_errors(&config.check(Some(3))));
//! // What run.toml holds is the whole of it.
//! assert_eq!(Config::from_toml(&config.to_toml())?, config);
//! // A key that is none is refused, and a value that cannot work is a problem with its key.
//! assert!(set("train.no_such_key=16").is_err());
//! let problems = set("image_size=17")?.check(Some(3));
//! assert!(has_errors(&problems) && problems.iter().any(|problem| problem.key == "image_size"));
//! # Ok(())
//! # }
//! ```

/// An enum whose variants are the choices of an option, with their names and what they do.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $key:literal: $about:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[doc = $about] #[serde(rename = $key)] $variant,)+ }
        impl Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            fn key(self) -> &'static str { match self { $(Self::$variant => $key,)+ } }
            fn about(self) -> &'static str { match self { $(Self::$variant => $about,)+ } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.key()) }
        }
    };
}

mod key;

pub mod augment;
pub mod check;
pub mod cost;
mod data;
mod device;
mod external_path;
mod extractor;
mod family;
mod file;
mod growing;
mod live;
mod loss;
mod metric;
mod network;
mod networks;
mod optimizer;
pub mod options;
mod pace;
mod patterns;
pub mod plan;
mod preset;
mod problem;
pub mod resumable;
pub mod rng;
mod scan;
mod score;
mod stage;
pub mod sweep;
mod train;
pub mod transfer;
mod transition;
mod whole;

use serde::{Deserialize, Serialize};

pub use augment::Augment;
pub use data::{CLASS_FACTORS, DATA_FILES, DEMO, Data};
pub use device::devices;
pub use external_path::ExternalPath;
pub use extractor::{ExtractorName, Shipped};
pub use family::{DiscriminatorFamily, GeneratorFamily, INPUT_SIZES};
pub use file::{ALL_KEYS, ConfigError, Overrides};
pub use growing::Growing;
pub use key::{Bounds, Choices, When};
pub use live::{Change, is_live};
pub use loss::Loss;
pub use metric::{Beside, Metric, Prefers, Resize};
pub use network::{Discriminator, Generator};
pub use optimizer::Optimizer;
pub use options::{Key, Kind, Lens};
pub use patterns::{escaped, group_pattern, patterns, toml_list, toml_text};
pub use preset::Preset;
pub use problem::{Level, Problem, has_errors};
pub use scan::{NAMED as NAMED_WINDOWS, NamedWindow, ScanWindow};
pub use score::{NOTHING, Score};
pub use stage::Stage;
pub use train::Train;
pub use transition::Transition;
pub use whole::{Config, channels_name};

/// An option with a fixed set of named choices, so that the window, the help and the file list the same ones.
pub trait Choice: Copy + PartialEq + Sized + 'static {
    /// Every choice, in the order shown.
    const ALL: &'static [Self];
    /// Its name in `run.toml`.
    fn key(self) -> &'static str;
    /// What it does, in one or two sentences.
    fn about(self) -> &'static str;
}

choice! {
    /// `data.split_by`
    SplitBy {
        Files = "files": "Every file alike, by `split_seed` alone, as runs did before tables could say more.",
        Columns = "columns": "What the data says: a table's columns `split` and `patient_id`, where it has them, and the patients of DICOM files. What a table calls validation or test is held out, and a patient's images stay together.",
    }
}
choice! {
    /// `data.scans`
    ScanRules {
        Plain = "plain": "As sessions from before this key: values as stored but for slope, intercept and a linear window; volumes in the order of their file; the first page of a TIFF.",
        Clinical = "clinical": "DICOM with its tables of values, curved windows, values of each frame and every usual compression, and without its padding; volumes (NIfTI, NRRD, MetaImage) turned to one orientation with square pixels; TIFF stacks page by page; a DICOM patient kept on one side.",
    }
}
choice! {
    /// `data.slice_axis`
    SliceAxis {
        X = "x": "Across the first axis: sagittal slices of volumes that are turned, or stored as RAS or LAS.",
        Y = "y": "Across the second axis: coronal slices of volumes that are turned, or stored as RAS or LAS.",
        Z = "z": "Across the third axis: axial slices of volumes that are turned, or stored as RAS or LAS.",
    }
}
choice! {
    /// `data.balance_to`
    BalanceTo {
        Equal = "equal": "Every class is shown equally often.",
        SquareRoot = "square-root": "A class is shown in proportion to the square root of its images: half-way between equal and as often as in the data.",
    }
}
choice! {
    /// `augment.edge`
    AugmentEdge {
        Zeros = "zeros": "Zeros, as in DiffAugment: mid-grey.",
        Mirror = "mirror": "The image mirrored at its outermost pixels, so that there is no frame to learn.",
    }
}
choice! {
    /// `generator.norm`
    GeneratorNorm {
        Batch = "batch": "Batch normalisation with one learnt scale and shift per channel (Ioffe & Szegedy 2015).",
        ConditionalBatch = "conditional-batch": "Batch normalisation whose scale and shift are looked up by class, so that the label reaches every layer (Dumoulin et al. 2017).",
    }
}
choice! {
    /// `generator.attention_form` and `discriminator.attention_form`
    AttentionForm {
        Plain = "plain": "Keys and values at every position, the values as wide as the map, with biases and never spectrally normalised: simpler than the paper's.",
        Sagan = "sagan": "As in the SAGAN authors' code: keys and values pooled to a quarter of the positions, the values half as wide, a 1x1 output convolution, no biases, and spectrally normalised where the discriminator is (Zhang et al. 2019).",
    }
}
choice! {
    /// `generator.skip`
    Skip {
        None = "none": "Each block's output is passed on unchanged.",
        Residual = "residual": "Adds a 1x1 convolution of the upsampled input to each block's output, which eases gradients in deep generators.",
        Excitation = "excitation": "Early, small feature maps gate the channels of later, larger ones, so that layout steers detail at little cost (FastGAN, Liu et al. 2021).",
    }
}
choice! {
    /// `discriminator.conditioning`
    Conditioning {
        None = "none": "The discriminator never sees the label, so nothing makes the generator draw the class it is asked for.",
        LabelMap = "label-map": "A learnt map per class, as large as the image, is concatenated as one more channel. Classes x size x size parameters.",
        Replicated = "replicated": "A small learnt vector per class, copied to every pixel, is concatenated to the image as extra channels.",
        ProjectedMap = "projected-map": "A small learnt vector per class goes through one linear layer and becomes a map that is concatenated to the image as a channel.",
        Auxiliary = "auxiliary": "The discriminator also predicts the class, and both networks are rewarded when it is right (AC-GAN, Odena et al. 2017; there on fakes too, see `loss.auxiliary_fakes`).",
        Projection = "projection": "The inner product of the last features with a learnt class vector is added to the logit (Miyato & Koyama 2018).",
    }
}
choice! {
    /// `discriminator.norm`
    DiscriminatorNorm {
        None = "none": "No normalisation layers; the usual choice with spectral normalisation.",
        Batch = "batch": "Batch normalisation after the first layer, as in DCGAN. It ties the images of a batch together and works against spectral normalisation.",
        Layer = "layer": "Normalises each image separately (GroupNorm with one group), which is compatible with a gradient penalty.",
    }
}
choice! {
    /// `discriminator.scale_edge`
    ScaleEdge {
        Zeros = "zeros": "Zeros beyond the border are counted, so smaller scales see a grey frame round bright or dark images.",
        Inside = "inside": "Only pixels of the image are counted, as in the pix2pixHD authors' code.",
    }
}
choice! {
    /// `loss.kind`
    LossKind {
        Bce = "bce": "Binary cross-entropy with the non-saturating generator loss (Goodfellow et al. 2014), with one-sided label smoothing.",
        Hinge = "hinge": "Margins of 1 on either side, so images that are already judged well stop pulling (Lim & Ye 2017; Miyato et al. 2018).",
        WassersteinGp = "wasserstein-gp": "An estimate of the Wasserstein distance, with a penalty that keeps the critic's gradient norm near 1 (Gulrajani et al. 2017).",
        LeastSquares = "least-squares": "Half the mean squared distance of the logits from 1 (real) and 0 (fake), so that fakes far from the decision boundary still pull (Mao et al. 2017).",
    }
}
choice! {
    /// `loss.class_weights`
    ClassWeights {
        None = "none": "Every image counts equally.",
        InverseFrequency = "inverse-frequency": "An image counts in inverse proportion to the number of images in its class, so that every class has the same total weight.",
        InverseSquareRoot = "inverse-square-root": "An image counts in inverse proportion to the square root of the number of images in its class: half-way between the other two.",
    }
}
choice! {
    /// `loss.features`
    FeatureNetwork {
        EfficientNetLite0 = "efficientnet-lite0": "Compiled in, small, and compared at four scales (Tan & Le 2019).",
        Vgg19 = "vgg19": "The last convolution of the network that most papers use, from a file of torchvision's weights (Simonyan & Zisserman 2015).",
    }
}
choice! {
    /// `optimizer.updates`
    Updates {
        Both = "both": "Both networks learn in every step.",
        Discriminator = "discriminator": "Only the discriminator learns; the generator, its average and its moments are frozen.",
        Generator = "generator": "Only the generator learns; the discriminator and its moments are frozen.",
    }
}
choice! {
    /// `optimizer.schedule`
    Schedule {
        Constant = "constant": "The learning rates do not change.",
        Linear = "linear": "From `decay_from` of the run on, the rates fall linearly to `decay_to` of their value.",
        Cosine = "cosine": "From `decay_from` of the run on, the rates fall along half a cosine to `decay_to` of their value.",
        Step = "step": "Every `drop_every` steps the rates are multiplied by `drop_factor`.",
    }
}
