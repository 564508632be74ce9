//! What can be taken out of a session, as whoever watches it asks for it.

use std::path::PathBuf;

use crate::config::Choice;

/// Results of a session that are wanted as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The session's folder.
    pub session: PathBuf,
    /// What of it.
    pub content: Content,
    /// Where the files go; `exports` in the session's folder where nothing is named.
    pub folder: Option<PathBuf>,
}

/// What of a session is wanted. `step` is that of a checkpoint; nothing stands for the newest whole one.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Images, as a data set that this program and others read.
    Images(Images),
    /// The averaged generator under PyTorch's names.
    Safetensors {
        /// The checkpoint.
        step: Option<usize>,
    },
    /// The averaged generator as a model that runs without this program.
    Onnx {
        /// The checkpoint.
        step: Option<usize>,
    },
    /// Every curve and every score as comma-separated tables.
    Csv,
    /// Curves, scores, grids and settings as TensorBoard reads them.
    Tensorboard,
    /// Settings, curves, scores, grids and alarms on one page that needs nothing else.
    Html,
    /// The stored sample grids, one after the other.
    History(Film),
    /// Images along a closed path through the noise.
    Walk(Film, Walk),
}

/// Images of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Images {
    /// The checkpoint.
    pub step: Option<usize>,
    /// The class; nothing for all.
    pub class: Option<usize>,
    /// Images a class; with `fill_up`, those that a class should have together with the real ones.
    pub count: usize,
    /// Where the noise comes from.
    pub seed: u64,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
    /// How they are stored.
    pub format: ImageFormat,
    /// Whether the word SYNTHETIC is written into their pixels.
    pub mark: bool,
    /// Whether each class gets as many images only as its real ones fall short of `count`, with a table of them.
    pub fill_up: bool,
}

/// How images are stored. The command line, the window and whoever writes them go through this list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageFormat {
    /// 8 bits a channel.
    #[default]
    Png,
    /// 16 bits, of grey images.
    Png16,
    /// The same as TIFF.
    Tiff16,
    /// Secondary captures, as scanners' archives take them.
    Dicom,
    /// One compressed NIfTI volume a class, whose slices are its images.
    Stack,
    /// One NumPy archive in MedMNIST's layout.
    Npz,
    /// One file as image sets of the Hugging Face hub.
    Parquet,
}

impl Choice for ImageFormat {
    const ALL: &'static [Self] =
        &[Self::Png, Self::Png16, Self::Tiff16, Self::Dicom, Self::Stack, Self::Npz, Self::Parquet];

    fn key(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Png16 => "png16",
            Self::Tiff16 => "tiff16",
            Self::Dicom => "dicom",
            Self::Stack => "nifti",
            Self::Npz => "npz",
            Self::Parquet => "parquet",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Png => "PNG files of 8 bits per channel, in one folder per class",
            Self::Png16 => "grey PNG files of 16 bits, in one folder per class",
            Self::Tiff16 => "grey TIFF files of 16 bits, in one folder per class",
            Self::Dicom => "DICOM files (secondary capture, marked as synthetic), in one folder per class",
            Self::Stack => "one NIfTI volume (.nii.gz) per class, whose slices are its images",
            Self::Npz => "one NumPy archive in the layout of MedMNIST (train_images, train_labels)",
            Self::Parquet => "one Parquet file in the layout of the Hugging Face hub (image, label)",
        }
    }
}

impl ImageFormat {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png | Self::Png16 => "png",
            Self::Tiff16 => "tiff",
            Self::Dicom => "dcm",
            Self::Stack => "nii.gz",
            Self::Npz => "npz",
            Self::Parquet => "parquet",
        }
    }

    /// Whether each image is a file of its own, in its class's folder; else one file holds many.
    pub fn is_one_file_each(self) -> bool {
        matches!(self, Self::Png | Self::Png16 | Self::Tiff16 | Self::Dicom)
    }

    /// Names of the formats with a file for each image, for messages.
    pub fn of_one_file_each() -> String {
        let each = Self::ALL.iter().filter(|format| format.is_one_file_each()).map(|format| format.key());
        each.collect::<Vec<_>>().join(", ")
    }

    /// Whether images of so many channels can be stored so.
    pub fn takes(self, channels: usize) -> bool {
        channels == 1 || !matches!(self, Self::Png16 | Self::Tiff16)
    }
}

/// How moving images are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// Understood everywhere; 256 colours a frame.
    Gif,
    /// Every colour as it is.
    Webp,
}

impl Moving {
    /// Its name, which is also how its files end.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

/// A film's frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Film {
    /// How it is stored.
    pub moving: Moving,
    /// Frames at most; of more grids, as many are taken at even distances.
    pub frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// Whether the step and the names of the classes are written into the frames.
    pub labels: bool,
}

/// A path through the noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// The checkpoint.
    pub step: Option<usize>,
    /// The class; nothing shows all of them side by side.
    pub class: Option<usize>,
    /// Images that the path goes through and back to the first: those of `gandle sample` with the same seed.
    pub stops: usize,
    /// Where the noise of the stops comes from.
    pub seed: u64,
    /// Numbers of noise beyond this are drawn again; 0 cuts nothing.
    pub truncation: f32,
}

/// What an export has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// These files.
    Files(Vec<PathBuf>),
    /// Images, too many to be named.
    Images {
        /// How many.
        count: usize,
        /// The folder with one sub-folder a class.
        folder: PathBuf,
        /// Classes whose folder has another name than they have, each with that name.
        renamed: Vec<(String, String)>,
        /// The table that names them, where classes were filled up.
        table: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ImageFormat::ALL.iter().map(|format| format.key()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ImageFormat::ALL.len());
        assert_eq!(ImageFormat::ALL.iter().filter(|format| format.takes(3)).count(), ImageFormat::ALL.len() - 2);
        assert!(ImageFormat::ALL.iter().all(|format| format.takes(1)));
    }
}
