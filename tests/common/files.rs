//! Small files of several kinds, and short ways to read them.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use gandle::config::Config;
use gandle::data::{Dataset, inspect};
use gandle::event::DataSummary;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};

pub fn config(source: &Path, size: usize) -> Config {
    let mut config = Config { image_size: size, channels: 1, ..Config::default() };
    config.data.source = source.to_str().unwrap().to_owned();
    config
}

pub fn load(config: &Config) -> Dataset {
    Dataset::load(config, &|_, _| true).unwrap()
}

pub fn look(source: &Path) -> DataSummary {
    let config = config(source, 4);
    inspect(&config.data.source, &config).unwrap()
}

pub fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(GrayImage::from_pixel(4, 4, Luma([shade])));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub fn reason<'a>(summary: &'a DataSummary, file: &str) -> &'a str {
    let found = summary.skipped.iter().find(|skipped| skipped.file == file);
    found.map_or_else(|| panic!("{file} was not skipped: {summary:#?}"), |skipped| skipped.reason.as_str())
}

/// A NIfTI-1 file of 4 x 3 x 5 bytes (and so many volumes), whose values are their places.
pub fn nifti(volumes: i16) -> Vec<u8> {
    let mut file = vec![0; 352];
    file[..4].copy_from_slice(&348_i32.to_le_bytes());
    for (index, dim) in [4, 4, 3, 5, volumes].into_iter().enumerate() {
        file[40 + 2 * index..42 + 2 * index].copy_from_slice(&dim.to_le_bytes());
    }
    file[70..72].copy_from_slice(&2_i16.to_le_bytes());
    file[108..112].copy_from_slice(&352_f32.to_le_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    file.extend((0..volumes).flat_map(|_| 0..60));
    file
}
