//! What every key means, in the same words in `run.toml`, on the command line and in the window.

use std::sync::LazyLock;

use super::file::leaves;
use super::{
    Augment, Data, Discriminator, Generator, Growing, Key, Loss, Optimizer, Score, Train, Transition, image_keys,
};

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

/// The key of this name, or nothing where there is none.
pub fn of(key: &str) -> Option<&'static Key> {
    ALL.iter().find(|known| known.key == key)
}

/// Widest line of a comment.
const WIDTH: usize = 110;

/// A table as `run.toml` text whose comments explain every key.
pub(super) fn commented(table: &toml::Table) -> String {
    let mut out = String::from("# A run of gandle. Keys that are left out take their defaults.\n");
    let mut section = String::new();
    for (key, value) in leaves(table) {
        let (head, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if head != section {
            section = head.to_owned();
            out.push_str(&format!("\n[{section}]\n"));
        } else if !out.ends_with("]\n") {
            out.push('\n');
        }
        if let Some(explanation) = of(&key) {
            let paper = if explanation.paper.is_empty() { String::new() } else { format!(" ({})", explanation.paper) };
            for line in wrap(&format!("{}{paper} Values: {}.", explanation.text, explanation.values)) {
                out.push_str(&format!("# {line}\n"));
            }
        }
        out.push_str(&format!("{name} = {value}\n"));
    }
    out
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + 1 + word.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, file::table_of};

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

    #[test]
    fn comments_fit_the_width() {
        for line in Config::default().to_toml().lines() {
            assert!(line.chars().count() <= WIDTH + 2, "{line}");
        }
    }
}
