//! Some images of a source with the names of their files, read for themselves: to look at.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use super::convert::to_channels;
use super::fit::fit;
use super::listing::{Content, File, Tree};
use super::open::Opened;
use super::source::list_any;
use super::survey::{Target, row};
use super::{DataError, demo};
use crate::config::Config;
use crate::event::BrowseRequest;

/// The most images that are read at once.
const MOST: usize = 512;

/// An image and its file.
pub struct Browsed {
    /// The file, as a summary names it.
    pub file: String,
    /// `(size, size, channels)` bytes as the networks see it, or why it cannot be used.
    pub pixels: Result<Vec<u8>, String>,
}

/// Reads the images that are asked for, at most 512 of them, and tells of how many they are part: the files of their class, or
/// those that were named and are there. Files that cannot be used count as well.
///
/// # Errors
/// Where the source is missing or cannot be listed.
pub fn browse(config: &Config, look: &BrowseRequest) -> Result<(Vec<Browsed>, usize), DataError> {
    let target = Target::of(config)?;
    if config.data.is_demo() {
        return Ok(drawn(config, look, &target));
    }
    let tree = list_any(&config.data, Path::new(&config.data.source))?;
    let (chosen, total) = chosen(&tree, look);
    // The pictures of one file go together, so that it is opened once.
    let together = |a: &&File, b: &&File| a.content.is_part() && a.path == b.path && a.inside == b.inside;
    let runs: Vec<&[&File]> = chosen.chunk_by(together).collect();
    let read = runs.into_par_iter().flat_map_iter(|run| read(&tree, run, &target));
    Ok((read.collect(), total))
}

fn chosen<'a>(tree: &'a Tree, look: &BrowseRequest) -> (Vec<&'a File>, usize) {
    match look {
        BrowseRequest::Class { class, first, count } => {
            let own = || tree.files.iter().filter(|file| file.class == *class);
            (own().skip(*first).take((*count).min(MOST)).collect(), own().count())
        }
        BrowseRequest::Files(names) => {
            let wanted: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
            let mut found: Vec<(usize, &File)> =
                tree.files.iter().filter_map(|file| Some((*wanted.get(file.title().as_str())?, file))).collect();
            found.sort_by_key(|(at, _)| *at);
            let total = found.len();
            (found.into_iter().map(|(_, file)| file).take(MOST).collect(), total)
        }
    }
}

/// The pictures of one file.
fn read(tree: &Tree, run: &[&File], target: &Target) -> Vec<Browsed> {
    let opened = match run.first().map(|file| file.content) {
        Some(Content::Whole | Content::Part(_) | Content::Tile(..)) => {
            Opened::of(run[0], &tree.archives, target.reading)
        }
        Some(Content::Row { .. }) | None => Err(String::new()),
    };
    let one = |file: &&File| {
        let decoded = match (file.content, &opened) {
            (Content::Row { array, index }, _) => row(tree, array, index),
            (content, Ok(opened)) => opened.content(content),
            (_, Err(reason)) => Err(reason.clone()),
        };
        let pixels = decoded.map(|decoded| {
            let raster = to_channels(decoded.raster, target.channels);
            let mut pixels = vec![0; target.bytes()];
            fit(&raster.pixels, raster.width, raster.height, raster.channels, target.size, &mut pixels);
            pixels
        });
        Browsed { file: file.title(), pixels }
    };
    run.iter().map(one).collect()
}

/// Images of the drawn set, which has no files: they go by their class and number.
fn drawn(config: &Config, look: &BrowseRequest, target: &Target) -> (Vec<Browsed>, usize) {
    let (BrowseRequest::Class { class, first, count }, each) = (look, config.data.demo_images) else {
        return (Vec::new(), 0);
    };
    let Some(name) = demo::CLASSES.get(*class) else { return (Vec::new(), 0) };
    let range = (*first).min(each)..first.saturating_add((*count).min(MOST)).min(each);
    let one = |at: usize| Browsed {
        file: format!("{name} {}", at + 1),
        pixels: Ok(demo::render(*class, at as u64, target.size, target.channels)),
    };
    (range.into_par_iter().map(one).collect(), each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn a_page_holds_the_images_that_training_sees_and_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        for (class, count) in [("a", 5), ("b", 3)] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
            for index in 0..count {
                let picture =
                    image::RgbImage::from_fn(19, 16, |x, y| image::Rgb([index * 40, x as u8 * 9, y as u8 * 9]));
                picture.save(folder.path().join(format!("{class}/{index}.png"))).unwrap();
            }
        }
        std::fs::write(folder.path().join("a/5.png"), "no image").unwrap();
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.source = folder.path().display().to_string();
        let class = |class, first, count| browse(&config, &BrowseRequest::Class { class, first, count }).unwrap();
        let (page, total) = class(0, 2, 100);
        assert_eq!(total, 6);
        let names: Vec<&str> = page.iter().map(|browsed| browsed.file.as_str()).collect();
        assert_eq!(names, ["a/2.png", "a/3.png", "a/4.png", "a/5.png"]);
        assert!(page[3].pixels.is_err(), "it is named, with the reason");
        let dataset = Dataset::load(&config, &|_, _| true).unwrap();
        assert_eq!(page[0].pixels.as_deref(), Ok(dataset.pixels(2)));
        assert_eq!(class(1, 1, 1).0[0].pixels.as_deref(), Ok(dataset.pixels(6)));
        assert!(class(1, 3, 5).0.is_empty() && class(7, 0, 5).0.is_empty());
        // Named files, in the order in which they are named.
        let files = BrowseRequest::Files(["b/1.png", "gone.png", "a/0.png"].map(str::to_owned).to_vec());
        let (page, total) = browse(&config, &files).unwrap();
        assert_eq!((total, page[0].file.as_str(), page[1].file.as_str()), (2, "b/1.png", "a/0.png"));
    }

    #[test]
    fn the_drawn_set_is_browsed_by_numbers() {
        let mut config = Config { image_size: 16, ..Config::default() };
        config.data.demo_images = 4;
        let (page, total) = browse(&config, &BrowseRequest::Class { class: 1, first: 2, count: 9 }).unwrap();
        assert_eq!((page.len(), total), (2, 4));
        assert!(page[0].file.ends_with(" 3"), "{}", page[0].file);
        let dataset = Dataset::load(&config, &|_, _| true).unwrap();
        assert_eq!(page[1].pixels.as_deref(), Ok(dataset.pixels(7)));
        assert!(
            browse(&config, &BrowseRequest::Class { class: 99, first: usize::MAX, count: usize::MAX })
                .unwrap()
                .0
                .is_empty()
        );
    }
}
