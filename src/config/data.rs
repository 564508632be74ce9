//! `[data]`: its keys, what they mean, and what is wrong with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::key::{Condition, section};
use super::problem::ProblemList;
use super::{BalanceTo, ScanRules, ScanWindow, SliceAxis, SplitBy};

/// Files that may hold many images each.
const FILES: Condition<Data> =
    Condition::new("for volumes and files of several frames", &["data.source"], |c| !c.is_demo());
/// Tables and arrays.
const TABLES: Condition<Data> = Condition::new("for tables and arrays", &["data.source"], |c| !c.is_demo());
/// The demo set.
const DRAWN: Condition<Data> =
    Condition::<Data>::new("with the drawn demo set", &["data.source"], |c| c.is_demo()).part();
const BALANCED: Condition<Data> = Condition::new("with balanced classes", &["data.balance"], |c| c.balance);
const HELD_OUT: Condition<Data> =
    Condition::new("with a held-out share above 0", &["data.held_out"], |c| c.held_out != 0.0);
const NAMED: Condition<Data> = Condition::new("where images have file names", &["data.source"], |c| !c.is_demo());

section! {
    /// `[data]`: where images come from and how they are varied.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Data in data {
        source: String = DEMO.to_owned(), "Data", free, says("a folder, a file of one of the kinds named here, or \"demo\"") =>
            "A folder with one sub-folder per class, or with StyleGAN's `dataset.json`; a table (.csv, .tsv, .txt) of files below its folder and labels; an archive (.zip, .tar, .tar.gz) of either, or of WebDataset's samples; arrays (.npz) as in MedMNIST; .parquet files as on the Hugging Face hub. `demo` draws six kinds of stained blood cell instead, so that everything can be tried without data.",
        table_file: String = String::new(), "Column of files", hint("Found by its name"), says("the name of a column; empty: found by its name"), when(TABLES) =>
            "The column of a table (or the image column of .parquet files) that names the files. Without it, names such as `file`, `image_id` or `path` are looked for.",
        table_label: String = String::new(), "Column of labels", hint("Found by its name"), says("the name of a column, or its place in arrays (from 0), or \"one-hot\" for these; empty: found by its name"), when(TABLES) =>
            "The column of a table that holds the labels. Without it, names such as `label`, `dx` or `diagnosis` are looked for, then columns of 0 and 1, one a class. Of arrays (.npz) with several labels an image it is the place of the one whose values are the classes; `one-hot` takes the images of exactly one label.",
        table_encoding: String = String::new(), "Encoding of tables", hint("Found by the bytes"), says("the name of an encoding, such as \"windows-1252\"; empty: found by the bytes"), when(TABLES) =>
            "How the letters of a table are stored. UTF-8 and UTF-16 are recognised; anything else is read as windows-1252, and the name is told. Name it where letters come out wrong.",
        exclude: Vec<String> = Vec::new(), "Leave out", says("list of patterns, such as [\"*_mask.*\"]"), when(NAMED) =>
            "Leaves out files whose names (below the data folder, with /) fit one of these; `*` stands for any letters, also /. For masks and thumbnails that lie beside the images. A class of which nothing is left is no class.",
        include: Vec<String> = Vec::new(), "Take only", says("list of patterns; empty takes all"), when(NAMED) =>
            "Takes only files whose names fit one of these patterns, less those that `exclude` leaves out.",
        drop_duplicates: bool = false, "Drop copies", when(NAMED) =>
            "Takes one image alone of each group of files with the same pixels; of a group that is in several classes none, as its labels contradict each other. Copies are shown more often than other images, and are memorised first.",
        scans: ScanRules = ScanRules::Plain, "Scans", when(FILES) =>
            "How files of scanners and stacks are read: by the rules of reading rooms, as new set-ups do, or by those of sessions from before this key.",
        window: ScanWindow = ScanWindow::Auto, "Window of scans", says("\"auto\", \"brain\", \"subdural\", \"stroke\", \"soft-tissue\", \"liver\", \"mediastinum\", \"lung\", \"bone\", or two numbers [centre, width]"), when(FILES) =>
            "Which values of scans are shown from black to white. `auto` follows each file's own window, and where it names none, the 1st to the 99th percentile of its values, so that the same tissue has another grey in every file. A name or two numbers show the same values of all files alike, as CT is read (names are in Hounsfield units; of DICOM files, they go for CT alone). Pictures of 8 bits and photographs stay as they are.",
        depth: usize = 8, "Depth of grey", own, says("8 or 16 bits"), when(FILES) =>
            "How many bits of grey values training sees. With 16, those of DICOM files, volumes, TIFF and PNG files of more than 8 bits go from the file through its window, scaling and augmentation to the networks without being rounded to 256 greys, which takes three bytes of memory a pixel in place of one. Images are scored and shown in 8 bits either way; export them as `png16`, `tiff16`, `dicom` or `stack` to keep all 16. Colours have 8 bits.",
        slice_axis: SliceAxis = SliceAxis::Z, "Slice axis", when(FILES) =>
            "The axis along which volumes (NIfTI, NRRD, MetaImage) are cut into slices. With `scans = \"clinical\"` it is an axis of the body: volumes are turned first. Otherwise it is the stored axis, and which that is, and which side is left, depends on the file. Other images are not affected.",
        slice_every: usize = 1, "Every n-th slice", within(1..=10_000), when(FILES) =>
            "Takes every n-th slice of a volume, frame of a DICOM file, page of a TIFF stack, or tile of a slide, starting with the first. Neighbouring slices are nearly the same image; all slices of one file stay on one side of `held_out`.",
        tile: usize = 0, "Tiles of slides", within(0..=8192), zero("off"), unit(" pixels"), when(FILES) =>
            "Cuts whole slides (.svs, and TIFF files stored in tiles) into squares of this many pixels of the full resolution, and takes those that show tissue; each is read from the smallest level that still has `image_size` pixels of it. Without it, slides are left out or refused for their size. All tiles of a slide stay on one side of `held_out`. 4 times `image_size` shows a wider field of view.",
        demo_images: usize = 150, "Demo images per class", within(2..=100_000), unit(" per class"), when(DRAWN) =>
            "Images of each class in the drawn demo set.",
        balance: bool = true, "Balance classes" =>
            "Shows rare classes more often by repeating their images, as far as `balance_to` says; generated images are requested in the same shares. Without it, a rare class is seldom seen and seldom learnt.",
        balance_to: BalanceTo = BalanceTo::Equal, "Balance to", when(BALANCED), paper("Mahajan et al. 2018") =>
            "With `balance`, how far: every class equally often, or in proportion to the square root of its images. The square root is half-way: it repeats a handful of images less often, so that they are less likely to be memorised.",
        class_factors: BTreeMap<String, f64> = BTreeMap::new(), "Class factors", says("table of class names and numbers from 0.1 to 10, such as { basophil = 2 }"), walk(&["{ monocyte = 2.0, platelet = 0.5 }"]) =>
            "How many times as often a class is shown as it otherwise would be, on top of `balance`. For a class that matters more or is harder to learn; generated images are requested in the same shares.",
        held_out: f64 = 0.0, "Held out", within(0.0..=0.9), zero("none"), unit(", share of each class"), walk(&["0.25"]) =>
            "Keeps this share of every class out of training, so that scores can be taken on images that were never seen. Files with the same pixels and files of one group stay on one side; fewer images are left to train on.",
        split_by: SplitBy = SplitBy::Files, "Held out by", when(HELD_OUT), when(NAMED) =>
            "What decides which images of a table are held out: its columns `split` and `patient_id` (or names like these) where it has them, or every file alike. With `columns` and `scans = \"clinical\"`, the images of one patient of DICOM files (PatientID) stay together too.",
        split_seed: u64 = 0, "Split seed", when(HELD_OUT) =>
            "Decides which images are held out. It is separate from `train.seed`, so that runs with different seeds can be compared on the same images.",
        group_by: String = String::new(), "Keep together by", hint("/(p[0-9]+)_"), says("a regular expression with a group in parentheses; empty: none"), when(HELD_OUT), when(NAMED) =>
            "Files whose names (below the data folder, with /) have the same text in the first group stay on one side of `held_out`, such as all images of one patient: `/(p[0-9]+)_` takes `p017` out of `benign/p017_3.png`. Without it, images of one patient may be on both sides, and scores on held-out images are too good.",
        flip_horizontal: bool = false, "Mirror left-right" =>
            "Mirrors half of the real images left to right. It breaks left-right anatomy, so keep it for images without sides.",
        flip_vertical: bool = false, "Mirror top-bottom" =>
            "Mirrors half of the real images top to bottom. For images without a top and bottom, such as cells.",
        rotation: f32 = 0.0, "Rotation", live, within(0.0..=180.0), unit(" degrees"), walk(&["20"]) =>
            "Rotates each real image by a random angle up to this many degrees either way; the border is mirrored. The generator learns the rotated look too.",
        zoom: f32 = 0.0, "Zoom", live, within(0.0..=1.0), unit(", share of the size"), walk(&["0.2"]) =>
            "Enlarges or shrinks each real image by a random factor between 1 / (1 + this) and 1 + this; the border is mirrored. For images taken at varying distances; leave it off where size tells classes apart, as it does for many cells.",
        translation: f32 = 0.0, "Shift", live, within(0.0..=0.5), unit(", share of the side"), walk(&["0.1"]) =>
            "Shifts each real image horizontally and vertically by a random number of whole pixels up to this share of the side; the border is mirrored. For objects that are not centred on purpose; together with rotation and zoom it costs nothing more.",
        brightness: f32 = 0.0, "Brightness", live, within(0.0..=1.0), walk(&["0.2"]) =>
            "Multiplies all values of each real image by a random factor up to this share above or below 1, and changes nothing else, unlike `color_jitter`. For exposure that differs between devices.",
        contrast: f32 = 0.0, "Contrast", live, within(0.0..=1.0), walk(&["0.2"]) =>
            "Moves the values of each real image away from their mean grey, or towards it, by a random share up to this, and changes nothing else. For windows and exposures that differ between devices; where values are measurements, as in CT, leave it off.",
        color_jitter: f32 = 0.0, "Colour jitter", live, within(0.0..=1.0), walk(&["0.2"]) =>
            "Changes brightness, contrast and saturation of each real image together, each by its own random share up to this. Stain differences between laboratories are a reason to use a little; `brightness` and `contrast` change only one thing each and multiply with it.",
        workers: usize = 1, "Loader threads", free, within(1..=64), unit(" threads") =>
            "Threads that crop, augment and assemble batches ahead of training. One keeps up with a CPU; a fast GPU may need more.",
        memory_limit: usize = 1024, "Pixels in memory (MiB)", free, says("mebibytes; 0 keeps none in memory") =>
            "Memory for the pixels of the data set. A larger data set is read from a temporary file in the cache folder, which costs little while the system's own file cache holds it.",
        cache: String = String::new(), "Cache folder", hint("The user's own"), free, says("a folder; empty takes the user's cache folder") =>
            "Folder for files that can be recreated: pixels beyond `memory_limit`, and what scores need to know about the real images. Name one on a large disk where the home folder is small.",
    }
}

/// The `data.source` that stands for the drawn demo set.
pub const DEMO: &str = "demo";

/// Endings of files that are data, in lower case: tables, archives of images, arrays, image sets.
pub const DATA_FILES: [&str; 10] = ["csv", "tsv", "txt", "tab", "zip", "tar", "tgz", "gz", "npz", "parquet"];

/// What a class factor may be. An epoch grows with the largest.
pub const CLASS_FACTORS: std::ops::RangeInclusive<f64> = 0.1..=10.0;

impl Data {
    /// Whether the images are the drawn demo set.
    pub fn is_demo(&self) -> bool {
        self.source == DEMO
    }

    /// Whether real images are varied at all.
    pub fn is_augmented(&self) -> bool {
        let strengths = [self.rotation, self.zoom, self.translation, self.brightness, self.contrast, self.color_jitter];
        self.flip_horizontal || self.flip_vertical || strengths.iter().any(|strength| *strength != 0.0)
    }

    /// How often each class is shown, up to a common factor: for classes of these names with so many images each.
    pub fn class_shares(&self, names: &[String], images: &[usize]) -> Vec<f64> {
        let base = |count: usize| match (self.balance, self.balance_to) {
            (false, _) => count as f64,
            (true, BalanceTo::SquareRoot) => (count as f64).sqrt(),
            (true, BalanceTo::Equal) => 1.0,
        };
        let factor = |name: &String| self.class_factors.get(name).copied().unwrap_or(1.0);
        names.iter().zip(images).map(|(name, count)| base(*count) * factor(name)).collect()
    }

    /// How many images of each class an epoch shows: without factors, every image at least once and those of the largest
    /// class just once.
    pub fn class_quotas(&self, names: &[String], images: &[usize]) -> Vec<usize> {
        let largest = images.iter().copied().max().unwrap_or(0);
        let base = |count: usize| match (self.balance, self.balance_to) {
            (false, _) => count,
            (true, BalanceTo::SquareRoot) => (count as f64 * largest as f64).sqrt().round() as usize,
            (true, BalanceTo::Equal) => largest,
        };
        let quota = |(name, count): (&String, &usize)| match (self.class_factors.get(name), base(*count)) {
            _ if *count == 0 => 0,
            (None, base) => base,
            (Some(factor), base) => (base as f64 * factor).round().max(1.0) as usize,
        };
        names.iter().zip(images).map(quota).collect()
    }

    /// The factors of the classes as TOML, each the nearest allowed one.
    fn factors_in_range(&self) -> toml::Value {
        let nearest = |factor: f64| {
            if factor.is_nan() { 1.0 } else { factor.clamp(*CLASS_FACTORS.start(), *CLASS_FACTORS.end()) }
        };
        let factors =
            self.class_factors.iter().map(|(name, factor)| (name.clone(), toml::Value::Float(nearest(*factor))));
        toml::Value::Table(factors.collect())
    }

    /// `data.cache`, or the user's cache folder where that is empty; nothing where the system names none. It need not
    /// exist yet.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.cache.trim();
        if named.is_empty() {
            directories::ProjectDirs::from("", "", "gandle").map(|dirs| dirs.cache_dir().to_owned())
        } else {
            Some(named.into())
        }
    }

    /// The problems that lie in these keys alone.
    pub(super) fn check(&self, image_size: usize, list: &mut ProblemList) {
        if self.source.trim().is_empty() {
            list.error("data.source", "no data is given; name a folder with one sub-folder per class, a table (.csv), an archive (.zip, .tar, .npz, .parquet), or `demo`").fix("data.source", DEMO);
        }
        for (name, factor) in self.class_factors.iter().filter(|(_, factor)| !CLASS_FACTORS.contains(factor)) {
            let (least, most) = (CLASS_FACTORS.start(), CLASS_FACTORS.end());
            list.error("data.class_factors", format!("{factor} for `{name}` is outside {least} to {most}. To leave a class out, move its images elsewhere")).fix("data.class_factors", self.factors_in_range());
        }
        for (key, patterns) in [("data.exclude", &self.exclude), ("data.include", &self.include)] {
            if let Err(message) = super::patterns(patterns) {
                list.mended_by_default(key, message);
            }
        }
        if !matches!(self.depth, 8 | 16) {
            list.error("data.depth", format!("{} is neither 8 nor 16 bits", self.depth)).fix("data.depth", 8);
        }
        if let Err(message) = super::group_pattern(&self.group_by) {
            list.error("data.group_by", message).fix("data.group_by", "\"\"");
        }
        self.window.check(list);
        if self.translation > 0.0 && self.translation * (image_size as f32) < 0.5 {
            list.warning("data.translation", format!("images move by whole pixels, and {} of {image_size} pixels is less than half a pixel: nothing moves", self.translation)).fix("data.translation", 0);
        }
        if (self.flip_horizontal || self.flip_vertical) && !self.is_demo() {
            let key = if self.flip_horizontal { "data.flip_horizontal" } else { "data.flip_vertical" };
            let problem = list.warning(key, "mirrored images break left-right anatomy: the generator will draw hearts on the right. Keep it for images without sides, such as cells");
            for (key, on) in
                [("data.flip_horizontal", self.flip_horizontal), ("data.flip_vertical", self.flip_vertical)]
            {
                if on {
                    problem.fix(key, false);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::Level;
    use crate::config::problem::tests::problems;

    fn set(entries: &[&str]) -> Config {
        Config::default().with(entries).unwrap()
    }

    #[test]
    fn shares_and_quotas_follow_the_images_their_root_or_neither() {
        let (names, images) = (["a", "b", "c"].map(str::to_owned), [100, 25, 4]);
        let of = |entries: &[&str]| {
            let data = set(entries).data;
            (data.class_shares(&names, &images), data.class_quotas(&names, &images))
        };
        assert_eq!(of(&[]), (vec![1.0; 3], vec![100; 3]));
        assert_eq!(of(&["data.balance=false"]), (vec![100.0, 25.0, 4.0], vec![100, 25, 4]));
        assert_eq!(of(&["data.balance_to=square-root"]), (vec![10.0, 5.0, 2.0], vec![100, 50, 20]));
        let favoured = of(&["data.class_factors={ b = 2, a = 0.5 }"]);
        assert_eq!(favoured, (vec![0.5, 2.0, 1.0], vec![50, 200, 100]));
        // A class is never left out, and one that is missing stays so.
        let rare = set(&["data.balance=false", "data.class_factors.c=0.1"]).data;
        assert_eq!(rare.class_quotas(&names, &[9, 0, 2]), [9, 0, 1]);
    }

    #[test]
    fn factors_are_set_in_a_table_or_one_by_one_and_are_read_back() {
        let config = set(&["data.class_factors={ \"red cell\" = 2 }"]);
        assert_eq!(config.data.class_factors["red cell"], 2.0);
        assert_eq!(set(&["data.class_factors.b=3", "data.class_factors.c=0.5"]).data.class_factors.len(), 2);
        assert_eq!(Config::from_toml(&config.to_toml()), Ok(config.clone()));
        let differences = config.differences(&Config::default());
        assert_eq!(
            differences,
            [("data.class_factors", "{ \"red cell\" = 2.0 }", "{}")].map(|(a, b, c)| (
                a.to_owned(),
                b.to_owned(),
                c.to_owned()
            ))
        );
        let section = Config::from_toml("[data.class_factors]\n\"red cell\" = 2\n").unwrap();
        assert_eq!(section, config);
    }

    #[test]
    fn old_files_mean_what_they_meant() {
        for balance in [true, false] {
            let old = Config::from_toml(&format!("[data]\nbalance = {balance}\n")).unwrap();
            assert_eq!((old.data.balance, old.data.balance_to), (balance, BalanceTo::Equal));
        }
    }

    #[test]
    fn what_cannot_be_or_does_nothing_is_told() {
        let off = ["zoom=1.1", "translation=0.6", "brightness=-0.1", "contrast=nan"].map(|e| format!("data.{e}"));
        let wanted: Vec<&str> = off.iter().filter_map(|entry| entry.split('=').next()).collect();
        let told = problems(&off.each_ref().map(String::as_str));
        assert_eq!(told.iter().map(|(_, key)| *key).collect::<Vec<_>>(), wanted);
        assert_eq!(problems(&["data.translation=0.005"]), [(Level::Warning, "data.translation")]);
        assert_eq!(problems(&["data.translation=0.01"]), []);
        for factor in ["0", "-1", "11", "nan"] {
            let entry = format!("data.class_factors.a={factor}");
            assert_eq!(problems(&[&entry]), [(Level::Error, "data.class_factors")], "{factor}");
        }
        let weights = ["loss.class_weights=inverse-frequency", "data.class_factors={ a = 2 }", "data.balance=false"];
        assert_eq!(problems(&weights), [(Level::Warning, "loss.class_weights")]);
        assert_eq!(problems(&[weights[0], "data.balance_to=square-root"]), [(Level::Error, "loss.class_weights")]);
    }

    #[test]
    fn a_named_folder_goes_before_the_users_own() {
        let named = Data { cache: " /scratch/gandle ".to_owned(), ..Data::default() };
        assert_eq!(named.cache_folder(), Some("/scratch/gandle".into()));
        // A build machine may have no home.
        let own = Data::default().cache_folder();
        assert!(own.is_none_or(|folder| folder.is_absolute() && folder.display().to_string().contains("gandle")));
    }
}
