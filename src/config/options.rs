//! What every key means, in the same words in `run.toml`, on the command line and in the window.

use std::sync::LazyLock;

use super::key::{self, Draft};
use super::{Augment, Config, Data, Discriminator, Generator, Growing, Loss, Optimizer, Score, Train, Transition};

/// An option.
pub type Key = key::Key<Config>;
/// What the values of an option are, and where they lie.
pub type Kind = key::Kind<Config>;
/// Where a value lies in a configuration.
pub type Lens<T> = key::Lens<Config, T>;

/// Every key, in the order of `run.toml`.
pub static ALL: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let sections = [
        image_keys(),
        Data::keys(),
        Generator::keys(),
        Discriminator::keys(),
        Loss::keys(),
        Augment::keys(),
        Optimizer::keys(),
        Growing::keys(),
        Transition::keys(),
        Train::keys(),
        Score::keys(),
    ];
    sections.into_iter().flatten().collect()
});

/// The keys before the sections.
fn image_keys() -> Vec<Key> {
    let size = Lens { get: |c| &c.image_size, get_mut: |c| &mut c.image_size };
    let size = Draft::new(
        "image_size",
        "Image size",
        "Width and height of the images. Each doubling adds a layer to both networks and makes a step about four times as slow.",
        size,
    );
    let channels = Lens { get: |c| &c.channels, get_mut: |c| &mut c.channels };
    let channels = Draft::new(
        "channels",
        "Colour",
        "Colour channels. Grey suits X-ray, CT and MR; colour files are then converted to grey.",
        channels,
    );
    vec![
        size.own().says("16, 32, 64, 128, 256 or 512 pixels").done(),
        channels.own().says("3 (colour) or 1 (grey)").walk(&["1"]).done(),
    ]
}

/// The key of this name, or nothing where there is none.
pub fn find(key: &str) -> Option<&'static Key> {
    ALL.iter().find(|known| known.key == key)
}

/// The name of a key in the window, with its section where another key has the same one.
pub fn label(key: &str) -> String {
    let Some(known) = find(key) else { return key.to_owned() };
    let shared = ALL.iter().filter(|other| other.label == known.label).count() > 1;
    if shared { format!("{} ({})", known.label, known.section()) } else { known.label.to_owned() }
}

/// A text with the names of the window, in quotation marks, in the place of keys. Of keys of this `section`, and of those
/// whose last part no other key has, the last part is enough where it has an underscore.
pub fn labelled(text: &str, section: &str) -> String {
    let part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '.');
    // What a path, a name with dashes or a longer word is made of is no key.
    let joins = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '/' | '\\' | '_' | '*');
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        if !part(first) {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest.find(|letter| !part(letter)).unwrap_or(rest.len());
        let word = rest[..end].trim_end_matches('.');
        let after = &rest[word.len()..];
        let apart = !out.ends_with(joins) && !after.starts_with(joins);
        match named(word, section).filter(|_| apart && !word.is_empty()) {
            Some(label) => {
                let quoted = out.ends_with('`') && after.starts_with('`');
                if quoted {
                    out.pop();
                }
                out += &format!("\u{201c}{label}\u{201d}");
                rest = if quoted { &after[1..] } else { after };
            }
            None => {
                out += &rest[..end];
                rest = &rest[end..];
            }
        }
    }
    out
}

/// The name in the window of a key that a text says in whole or by its last part.
fn named(word: &str, section: &str) -> Option<String> {
    if word.contains('.') {
        return find(word).map(|known| label(known.key));
    }
    let last = |known: &&Key| word.contains('_') && known.key.rsplit('.').next() == Some(word);
    let mut all = ALL.iter().filter(last);
    let (first, second) = (all.next()?, all.next());
    let own = || find(&format!("{section}.{word}"));
    let found = if second.is_none() { Some(first) } else { own() };
    found.map(|known| label(known.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::{leaves, table_of};

    #[test]
    fn texts_of_the_window_say_the_names_that_its_controls_have() {
        assert_eq!(
            [label("loss.lecam"), label("generator.norm"), label("no.key")],
            ["LeCam", "Normalisation (generator)", "no.key"]
        );
        for (text, section, told) in [
            (
                "Use discriminator.scales = 1, or growing.start = 0.",
                "growing",
                "Use \u{201c}Scales\u{201d} = 1, or \u{201c}Grow from\u{201d} = 0.",
            ),
            (
                "Set a larger share, or consistency_flip",
                "loss",
                "Set a larger share, or \u{201c}Consistent mirror\u{201d}",
            ),
            ("`none` for discriminator.norm", "loss", "`none` for \u{201c}Normalisation (discriminator)\u{201d}"),
            ("see `loss.kind`", "", "see \u{201c}Adversarial loss\u{201d}"),
            (
                "spectral_norm = false, with image_size",
                "x",
                "\u{201c}Spectral norm\u{201d} = false, with \u{201c}Image size\u{201d}",
            ),
            ("/home/loss.kind/train.steps is no file, nor is train.steps-2, and 0.5 is a number", "train", ""),
            ("base_channels", "data", ""),
            ("base_channels", "generator", "\u{201c}Base channels (generator)\u{201d}"),
        ] {
            assert_eq!(labelled(text, section), if told.is_empty() { text } else { told });
        }
        let twice = |key: &&Key| ALL.iter().filter(|other| label(other.key) == label(key.key)).count() > 1;
        assert_eq!(ALL.iter().filter(twice).map(|key| key.key).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_key_is_explained_once_and_in_order() {
        let keys: Vec<String> = leaves(&table_of(&Config::default())).into_iter().map(|(key, _)| key).collect();
        let explained: Vec<&str> = ALL.iter().map(|explanation| explanation.key).collect();
        assert_eq!(keys, explained);
        for key in ALL.iter() {
            let told = key.text.ends_with('.') && !key.values.is_empty() && !key.label.is_empty();
            assert!(told, "{}", key.key);
        }
    }
}
