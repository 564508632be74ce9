//! Puts together a source in which a text, not a folder, says what is in a picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::listing::{File, Tree, check_count};

/// Pictures and their labels as they are found; until the end, classes stand in the order in which they are met.
#[derive(Default)]
pub(super) struct Labelled {
    pub tree: Tree,
    known: BTreeMap<String, usize>,
    groups: BTreeMap<String, Arc<str>>,
    /// Pictures without a label, and pictures of several.
    pub without: usize,
    pub several: usize,
}

impl Labelled {
    /// What is to be added to a tree that has no files yet.
    pub fn on(tree: Tree) -> Self {
        Self { tree, ..Self::default() }
    }

    /// The number of a label.
    pub fn class(&mut self, label: &str) -> usize {
        if let Some(class) = self.known.get(label) {
            return *class;
        }
        let class = self.tree.classes.len();
        self.tree.classes.push(label.to_owned());
        self.known.insert(label.to_owned(), class);
        class
    }

    /// A patient; nothing where the text is empty.
    pub fn group(&mut self, text: &str) -> Option<Arc<str>> {
        if text.is_empty() {
            return None;
        }
        if !self.groups.contains_key(text) {
            self.groups.insert(text.to_owned(), text.into());
        }
        self.groups.get(text).cloned()
    }

    /// The one label of several; nothing where there is none or more than one, which is counted.
    pub fn single<'a>(&mut self, mut labels: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let first = labels.next();
        match (first, labels.find(|other| Some(*other) != first)) {
            (Some(label), None) => return Some(label),
            (None, _) => self.without += 1,
            (Some(_), Some(_)) => self.several += 1,
        }
        None
    }

    pub fn push(&mut self, file: File) {
        self.tree.files.push(file);
    }

    /// The tree, its classes in their order.
    ///
    /// # Errors
    /// Where nothing has a label, or there are too many.
    pub fn done(mut self) -> Result<Tree, String> {
        let left_out = |count: usize, what: &str| {
            let (images, are) = if count == 1 { ("image", "is") } else { ("images", "are") };
            format!("{count} {images} with {what} {are} left out: an image is trained as one class")
        };
        if self.several > 0 {
            self.tree.notes.push(left_out(self.several, "several labels"));
        }
        if self.without > 0 {
            self.tree.notes.push(left_out(self.without, "no label"));
        }
        if self.tree.classes.is_empty() {
            let first = self.tree.skipped.iter().take(3).map(|skipped| format!("{}: {}", skipped.file, skipped.reason));
            let reasons: Vec<String> = self.tree.notes.iter().cloned().chain(first).collect();
            let told = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
            return Err(format!("it names no file with a label{told}"));
        }
        check_count(&self.tree.classes)?;
        self.tree.order();
        Ok(self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_is_taken_and_none_and_several_are_counted() {
        let mut all = Labelled::default();
        for (index, labels) in [&["b"][..], &[], &["a", "b"], &["a", "a"], &["10"]].iter().enumerate() {
            if let Some(label) = all.single(labels.iter().copied()) {
                let class = all.class(label);
                all.push(File { name: index.to_string(), class, ..File::default() });
            }
        }
        let tree = all.done().unwrap();
        assert_eq!(tree.classes, ["10", "a", "b"]);
        assert_eq!(
            tree.files.iter().map(|file| (file.class, file.name.as_str())).collect::<Vec<_>>(),
            [(0, "4"), (1, "3"), (2, "0")]
        );
        assert_eq!(tree.notes.len(), 2);
        assert!(tree.notes[0].starts_with("1 image with several labels is left out"), "{:?}", tree.notes);
        assert!(Labelled::default().done().is_err());
    }
}
