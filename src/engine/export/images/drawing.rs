//! The images that are wanted of a checkpoint, as its generator draws them, and what they tell of themselves.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::burn::burn;
use crate::engine::export::source::name_of;
use crate::engine::sample::Sampler;
use crate::engine::scorer::CHUNK;
use crate::event::{Event, Images};
use crate::guard;
use crate::session::{CheckpointState, Stored, run_id, told_path};

/// What an image tells of itself, under names.
pub(super) type Texts<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// A generator and what is wanted of it.
pub(super) struct Drawing {
    sampler: Sampler,
    pub images: Images,
    /// Classes, each with how many of its first images are wanted.
    pub wanted: Vec<(usize, usize)>,
    /// The name of each class's folder; of all classes, so that each has the same whatever is drawn.
    pub folders: Vec<String>,
    /// The session's name.
    pub session: String,
    /// What tells its run from others.
    pub run: Option<String>,
    path: Option<String>,
}

impl Drawing {
    /// # Errors
    /// Where there is no such checkpoint or class, or the session does not tell how many real images there are.
    pub fn open(session: &Path, images: &Images) -> anyhow::Result<Self> {
        let sampler = Sampler::open(session, images.step)?;
        let classes = &sampler.state.classes;
        let chosen: Vec<usize> = match images.class {
            Some(class) if class >= classes.len() => bail!("class {class}: the session has {} classes", classes.len()),
            Some(class) => vec![class],
            None => (0..classes.len()).collect(),
        };
        let real = if images.fill_up { real_images(session, &sampler.state)? } else { vec![0; classes.len()] };
        Ok(Self {
            wanted: chosen.iter().map(|class| (*class, images.count.saturating_sub(real[*class]))).collect(),
            folders: guard::safe_names(classes),
            session: name_of(session),
            run: run_id(session),
            path: told_path(session),
            images: *images,
            sampler,
        })
    }

    /// Names of the classes in label order.
    pub fn classes(&self) -> &[String] {
        &self.sampler.state.classes
    }

    /// Steps of the checkpoint.
    pub fn step(&self) -> usize {
        self.sampler.state.step
    }

    /// Width and height of an image.
    pub fn size(&self) -> usize {
        self.sampler.state.config.image_size
    }

    /// 1 (grey) or 3.
    pub fn channels(&self) -> usize {
        self.sampler.state.config.channels
    }

    /// Images that are wanted of all classes.
    pub fn total(&self) -> usize {
        self.wanted.iter().map(|(_, count)| count).sum()
    }

    /// How the names of files begin.
    pub fn start(&self) -> String {
        format!("step{:07}-seed{}", self.step(), self.images.seed)
    }

    /// The name of the file of an image.
    pub fn file(&self, number: usize) -> String {
        format!("{}-{number:06}.{}", self.start(), self.images.format.extension())
    }

    /// Draws the first images of a class and hands each on with its number, `(size, size, channels)` in [-1, 1], until it is
    /// told to end; false where it was.
    ///
    /// # Errors
    /// Those of drawing and of `take`.
    pub fn each(
        &mut self,
        class: usize,
        count: usize,
        mut take: impl FnMut(&Self, usize, &[f32]) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        let (size, channels) = (self.size(), self.channels());
        for first in (0..count).step_by(CHUNK) {
            let together = CHUNK.min(count - first);
            let z = self.sampler.latents(class, first, together, self.images.seed, self.images.truncation)?;
            let mut drawn = self.sampler.numbers(&vec![u32::try_from(class)?; together], z)?;
            for (at, image) in drawn.chunks_exact_mut(size * size * channels).enumerate() {
                if self.images.mark {
                    burn(image, size, channels);
                }
                if !take(&*self, first + at, image)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What an image says: enough to draw it again, and to find the session that it is of.
    pub fn texts(&self, class: usize, number: usize) -> Texts<'_> {
        let mut texts = self.common();
        texts.push(("class", self.classes()[class].as_str().into()));
        texts.push(("label", class.to_string().into()));
        texts.push(("number", number.to_string().into()));
        if let Some(path) = &self.path {
            texts.push(("path", path.as_str().into()));
        }
        texts
    }

    fn common(&self) -> Texts<'_> {
        let mut texts: Texts<'_> = vec![
            ("session", self.session.as_str().into()),
            ("step", self.step().to_string().into()),
            ("seed", self.images.seed.to_string().into()),
            ("truncation", self.images.truncation.to_string().into()),
            ("synthetic", "yes".into()),
            ("written_by", concat!("gandle ", env!("CARGO_PKG_VERSION")).into()),
        ];
        if let Some(run) = &self.run {
            texts.push(("run", run.as_str().into()));
        }
        texts
    }

    /// What an image says but for where its session lies, as one JSON object of ASCII.
    pub fn json(&self, class: usize, number: usize) -> anyhow::Result<String> {
        let texts = self.texts(class, number).into_iter().filter(|(name, _)| *name != "path");
        object(texts.collect(), &[])
    }

    /// What all images of a file say together, which are those of one class or of any, as one JSON object of ASCII.
    pub fn json_of_all(&self, class: Option<usize>) -> anyhow::Result<String> {
        let mut texts = self.common();
        if let Some(class) = class {
            texts.push(("class", self.classes()[class].as_str().into()));
            texts.push(("label", class.to_string().into()));
        }
        object(texts, self.classes())
    }
}

/// Real images of each class in label order, those that were held out of training counted as well: as the session has told of its
/// data. The data itself is not read, and may have moved.
fn real_images(session: &Path, state: &CheckpointState) -> anyhow::Result<Vec<usize>> {
    let stored = Stored::outline(session)?;
    let told =
        stored.events.iter().rev().find_map(|event| if let Event::Data(data) = event { Some(data) } else { None });
    let count = |class: &String| {
        let class = told?.classes.iter().find(|known| known.name == *class)?;
        Some(class.images.saturating_add(class.held_out))
    };
    let counts: Option<Vec<usize>> = state.classes.iter().map(count).collect();
    // A checkpoint knows those that it was trained on alone.
    let trained = || state.data.as_ref().map(|data| data.images.clone());
    let counts = counts.or_else(trained).filter(|counts| counts.len() == state.classes.len());
    counts.with_context(|| {
        format!(
            "{} does not tell how many real images each class has, so that it is not known how many are missing: ask for a number of images instead",
            session.display()
        )
    })
}

fn object(texts: Texts<'_>, classes: &[String]) -> anyhow::Result<String> {
    let mut object: serde_json::Map<String, serde_json::Value> =
        texts.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    if !classes.is_empty() {
        object.insert("classes".to_owned(), classes.into());
    }
    Ok(ascii(&serde_json::to_string(&object)?))
}

/// A text in which other characters than ASCII are written as JSON escapes them.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            out.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// An image in 8 bits.
pub(super) fn bytes(image: &[f32]) -> Vec<u8> {
    image.iter().map(|x| crate::model::byte(*x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_are_escaped_as_json_does() {
        let text = "gr\u{fc}n \u{7d30} \u{1f600} \"a\"";
        let json = ascii(&serde_json::to_string(text).unwrap());
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
