//! What a source lists: its pictures, where each lies, and the classes that they belong to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::packed::{Archive, Images};
use crate::config::cost::MOST_CLASSES;
use crate::event::{Finding, Skipped};

/// A picture that may be usable, and the file that holds it.
#[derive(Default)]
pub(super) struct File {
    /// The file on the disk; empty for one inside an archive.
    pub path: PathBuf,
    /// The file's path below the data folder, with `/` between the parts.
    pub name: String,
    /// Its class's label.
    pub class: usize,
    pub content: Content,
    /// Where it lies in one of [`Tree::archives`]: which, and its place there.
    pub inside: Option<(usize, usize)>,
    /// The source itself keeps it for validation or test.
    pub reserved: bool,
    /// The patient (or what else must stay on one side) that the source names.
    pub group: Option<Arc<str>>,
}

/// Where in a file a picture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// It is the file, or its first frame.
    #[default]
    Whole,
    /// A frame or slice.
    Part(usize),
    /// A tile of a slide, by where it begins from the left and from above.
    Tile(u32, u32),
    /// An image of one of [`Tree::arrays`].
    Row { array: usize, index: usize },
}

impl Content {
    /// Whether it is one of several pictures of its file.
    pub fn is_part(self) -> bool {
        matches!(self, Self::Part(_) | Self::Tile(..))
    }
}

impl File {
    /// What it is called in lists: the file, and which picture in it.
    pub fn title(&self) -> String {
        match self.content {
            Content::Whole | Content::Row { .. } => self.name.clone(),
            Content::Part(part) => format!("{}[{part}]", self.name),
            Content::Tile(x, y) => format!("{}[{x},{y}]", self.name),
        }
    }

    /// Whether the next picture lies in the same file: those go together, so that it is opened once.
    pub fn goes_with(&self, next: &Self) -> bool {
        next.content.is_part() && self.path == next.path && self.inside == next.inside
    }
}

/// What a source holds.
#[derive(Default)]
pub(super) struct Tree {
    /// Names of the classes in label order.
    pub classes: Vec<String>,
    /// Files in label order and, within a class, by name.
    pub files: Vec<File>,
    /// What was passed over and why, in the order met.
    pub skipped: Vec<Skipped>,
    /// What is worth knowing about the source as a whole.
    pub notes: Vec<String>,
    /// What is doubtful about it, and what mends it.
    pub findings: Vec<Finding>,
    /// The images of arrays.
    pub arrays: Vec<Images>,
    /// Archives that hold files.
    pub archives: Vec<Archive>,
}

/// The most pictures of a source, so that a small file that claims many takes little memory.
pub(super) const MOST_PICTURES: usize = 2_000_000;

impl Tree {
    /// Remembers what is passed over.
    pub fn skip(&mut self, file: String, reason: &str) {
        self.skipped.push(Skipped { file, reason: reason.to_owned() });
    }

    /// Puts the classes in their order, and the files in that of their classes.
    pub fn order(&mut self) {
        let order = in_order(self.classes.iter().cloned());
        self.order_as(&order);
    }

    /// The same in an order that is given, where the classes are the same but for that: what a session was trained with.
    pub fn order_as(&mut self, order: &[String]) {
        let place = places(order);
        let moved: Option<Vec<usize>> = self.classes.iter().map(|name| place.get(name.as_str()).copied()).collect();
        let Some(moved) = moved.filter(|_| order.len() == self.classes.len()) else { return };
        self.classes = order.to_vec();
        self.files.iter_mut().for_each(|file| file.class = moved[file.class]);
        self.files.sort_by_key(|file| file.class);
    }

    /// Keeps the files of which this says so. Classes of which nothing is left go too.
    pub fn retain(&mut self, keep: impl Fn(&File) -> bool) -> usize {
        let (before, files) = (self.counts(), self.files.len());
        self.files.retain(keep);
        let after = self.counts();
        self.retain_classes(|class, _| after[class] > 0 || before[class] == 0);
        files - self.files.len()
    }

    /// Takes out the classes without files of which this says so, and returns their names.
    pub fn drop_empty(&mut self, goes: impl Fn(&str) -> bool) -> Vec<String> {
        let counts = self.counts();
        let mut gone = Vec::new();
        self.retain_classes(|class, name| {
            let keep = counts[class] > 0 || !goes(name);
            gone.extend((!keep).then(|| name.to_owned()));
            keep
        });
        gone
    }

    /// Files of each class.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.files.iter().for_each(|file| counts[file.class] += 1);
        counts
    }

    /// Keeps the classes of which this says so; of the others no file may be left.
    fn retain_classes(&mut self, mut keep: impl FnMut(usize, &str) -> bool) {
        let mut moved = vec![0; self.classes.len()];
        let mut classes = Vec::new();
        for (class, name) in std::mem::take(&mut self.classes).into_iter().enumerate() {
            moved[class] = classes.len();
            if keep(class, &name) {
                classes.push(name);
            }
        }
        self.classes = classes;
        self.files.iter_mut().for_each(|file| file.class = moved[file.class]);
    }
}

/// Labels in their one order, without repetition: numbers by their value where all are numbers, else by their letters.
pub(super) fn in_order(labels: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = labels.collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().all(|name| name.parse::<i64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or(0));
    } else if names.iter().all(|name| is_decimal(name)) {
        let value = |name: &String| name.parse::<f64>().unwrap_or(0.0);
        names.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    names
}

/// Whether a text is a number as people write one; Rust also takes `inf` and `1e5` for numbers.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain && digits.parse::<f64>().is_ok()
}

/// The place of each class.
pub(super) fn places(classes: &[String]) -> BTreeMap<&str, usize> {
    classes.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect()
}

/// An error where there are more classes than can be trained.
pub(super) fn check_count(classes: &[String]) -> Result<(), String> {
    let many = || format!("it has {} labels; at most {MOST_CLASSES} classes can be trained", classes.len());
    if classes.len() > MOST_CLASSES { Err(many()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Vec<String> {
        in_order(names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn numbers_are_in_order_of_value_and_all_else_by_name() {
        assert_eq!(order(&["10", "9", "10", "0"]), ["0", "9", "10"]);
        assert_eq!(order(&["10", "9", "b", "a"]), ["10", "9", "a", "b"]);
        assert_eq!(order(&["2.5", "10", "-1", "0.5"]), ["-1", "0.5", "2.5", "10"]);
        assert_eq!(order(&["inf", "10", "9"]), ["10", "9", "inf"]);
    }

    fn tree(classes: &[&str], files: &[(usize, &str)]) -> Tree {
        let file = |(class, name): &(usize, &str)| File { class: *class, name: (*name).to_owned(), ..File::default() };
        Tree {
            classes: classes.iter().map(|name| (*name).to_owned()).collect(),
            files: files.iter().map(file).collect(),
            ..Tree::default()
        }
    }

    fn listed(tree: &Tree) -> Vec<(&str, &str)> {
        tree.files.iter().map(|file| (tree.classes[file.class].as_str(), file.name.as_str())).collect()
    }

    #[test]
    fn files_move_with_their_classes() {
        let mut tree = tree(&["0", "10", "2"], &[(0, "a"), (1, "b"), (1, "c"), (2, "d")]);
        tree.order();
        assert_eq!(listed(&tree), [("0", "a"), ("2", "d"), ("10", "b"), ("10", "c")]);
        // A session that was trained with another order keeps it.
        tree.order_as(&["0", "10", "2"].map(str::to_owned));
        assert_eq!(listed(&tree), [("0", "a"), ("10", "b"), ("10", "c"), ("2", "d")]);
        tree.order_as(&["0", "10", "3"].map(str::to_owned));
        assert_eq!(tree.classes, ["0", "10", "2"], "other classes are no other order");
    }

    #[test]
    fn a_class_that_is_left_out_whole_is_no_class() {
        let mut tree = tree(&["a", "b", "c", "empty"], &[(0, "a1"), (1, "b1"), (1, "b2"), (2, "c1")]);
        assert_eq!(tree.retain(|file| !file.name.starts_with('b')), 2);
        assert_eq!(tree.classes, ["a", "c", "empty"], "one that was empty before is told, not dropped");
        assert_eq!(listed(&tree), [("a", "a1"), ("c", "c1")]);
    }
}
