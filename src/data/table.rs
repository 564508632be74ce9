//! Reads a table of files and labels (`.csv`) in place of class folders.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::DataError;
use super::folder::{Content, File, MOST_PICTURES, Tree};
use crate::config::cost::MOST_CLASSES;
use crate::guard;

/// The largest table in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// What the column of files and that of labels may be called, in lower case.
const FILE_NAMES: [&str; 6] = ["file", "filename", "file_name", "path", "image", "image_path"];
const LABEL_NAMES: [&str; 4] = ["label", "class", "category", "diagnosis"];

/// Lists the files that a table names; paths are relative to its folder.
///
/// # Errors
/// Where the table cannot be read, or has not the columns.
pub(super) fn read(path: &Path) -> Result<Tree, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let unreadable = |cause| DataError::Unreadable { folder: path.to_owned(), cause };
    let text = guard::read_regular(path, MAX_BYTES).map_err(|err| {
        let large = err.kind() == std::io::ErrorKind::FileTooLarge;
        if large { wrong(format!("it is larger than {} MB", MAX_BYTES >> 20)) } else { unreadable(err) }
    })?;
    let mut tree = Tree::default();
    let named = rows(&text, &mut tree, MOST_PICTURES).map_err(wrong)?;
    tree.classes = classes(named.values());
    if tree.classes.is_empty() {
        return Err(wrong("it names no file with a label".to_owned()));
    }
    check_count(&tree.classes).map_err(wrong)?;
    let label_of = labels(&tree.classes);
    let folder = path.parent().unwrap_or(Path::new(""));
    for (name, class) in named {
        let (path, class) = (folder.join(&name), label_of[&class]);
        tree.files.push(File { path, name, class, content: Content::Whole, reserved: false });
    }
    tree.files.sort_by(|a, b| (a.class, &a.name).cmp(&(b.class, &b.name)));
    Ok(tree)
}

/// The labels of the files that a table's text names, in at most so many lines; those that cannot be used are skipped in `tree`.
fn rows(text: &[u8], tree: &mut Tree, most: usize) -> Result<BTreeMap<String, String>, String> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(text)).flexible(true).trim(csv::Trim::All).from_reader(text);
    let heads = reader.byte_headers().map_err(|err| err.to_string())?;
    let heads: Vec<String> = heads.iter().map(|head| String::from_utf8_lossy(head).to_lowercase()).collect();
    let column = |names: &[&str]| names.iter().find_map(|name| heads.iter().position(|head| head == name));
    let (Some(file), Some(label)) = (column(&FILE_NAMES), column(&LABEL_NAMES)) else {
        let found = if heads.is_empty() { "it is empty".to_owned() } else { format!("it names {}", heads.join(", ")) };
        return Err(format!("its first line must name its columns, `file` and `label` among them, but {found}"));
    };
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (number, row) in reader.byte_records().enumerate() {
        if number >= most {
            return Err(format!("it has more than {most} lines, which are the most that are read: leave some out"));
        }
        let line = format!("line {}", number + 2);
        let row = match row {
            Ok(row) => row,
            Err(err) => {
                tree.skip(line, &format!("no row of a table: {err}"));
                continue;
            }
        };
        let cell = |at: usize| row.get(at).map(|cell| String::from_utf8_lossy(cell).into_owned()).unwrap_or_default();
        let (name, class) = (cell(file), cell(label));
        match (named.get(&name), name.is_empty(), class.is_empty()) {
            (_, true, _) => tree.skip(line, "names no file"),
            (_, _, true) => tree.skip(name, "has no label"),
            _ if leaves(&name) => tree.skip(name, "lies outside the folder of the table; name files below it"),
            (Some(before), ..) if *before == class => tree.skip(line, &format!("names {name} again")),
            (Some(before), ..) => tree.skip(line, &format!("names {name} again, as {class} instead of {before}")),
            (None, ..) => _ = named.insert(name, class),
        }
    }
    Ok(named)
}

/// What stands between the cells: what is commonest in the first line of a comma, a semicolon and a tabulator.
fn delimiter(text: &[u8]) -> u8 {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let often = |byte: u8| first.iter().filter(|other| **other == byte).count();
    [b';', b'\t'].into_iter().find(|byte| often(*byte) > often(b',')).unwrap_or(b',')
}

/// Whether a path is not one below the folder that it is relative to.
fn leaves(name: &str) -> bool {
    Path::new(name).components().any(|part| match part {
        Component::Prefix(_) | Component::RootDir | Component::ParentDir => true,
        Component::CurDir | Component::Normal(_) => false,
    })
}

/// Labels in order: numbers by their size, else by their letters.
pub(super) fn classes<'a>(labels: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = labels.cloned().collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().all(|name| name.parse::<i64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or(0));
    }
    names
}

/// The place of each class.
pub(super) fn labels(classes: &[String]) -> BTreeMap<String, usize> {
    classes.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect()
}

/// An error where there are more classes than can be trained.
pub(super) fn check_count(classes: &[String]) -> Result<(), String> {
    let many = || format!("it has {} labels; at most {MOST_CLASSES} classes can be trained", classes.len());
    if classes.len() > MOST_CLASSES { Err(many()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Result<BTreeMap<String, String>, String>, Vec<String>) {
        let mut tree = Tree::default();
        let named = rows(text, &mut tree, 1000);
        (named, tree.skipped.iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)).collect())
    }

    #[test]
    fn columns_are_found_by_name_whatever_stands_between_them() {
        for text in [
            "file,label\na.png,x\n\"b, c.png\",y\n",
            "\u{feff}id;Label;FILE\n1;x;a.png\n2;y;\"b, c.png\"\n",
            "label\timage\nx\ta.png\ny\tb, c.png",
        ] {
            let (named, skipped) = read(text.as_bytes());
            let named: Vec<_> = named.unwrap().into_iter().collect();
            assert_eq!(named, [("a.png", "x"), ("b, c.png", "y")].map(|(a, b)| (a.to_owned(), b.to_owned())), "{text}");
            assert!(skipped.is_empty(), "{skipped:?}");
        }
        assert!(read(b"a.png,x\n").0.unwrap_err().ends_with("it names a.png, x"));
        assert!(read(b"").0.unwrap_err().ends_with("it is empty"));
    }

    #[test]
    fn rows_that_cannot_be_used_are_named() {
        let text = b"file,label\n,x\na.png,\n../b.png,x\n/c.png,x\nd.png,x\nd.png,x\nd.png,y\ne.png\n";
        let (named, skipped) = read(text);
        assert_eq!(named.unwrap().len(), 1);
        let starts = [
            "line 2: names no file",
            "a.png: has no label",
            "../b.png: lies outside",
            "/c.png: lies outside",
            "line 7: names d.png again",
            "line 8: names d.png again, as y instead of x",
            "e.png: has no label",
        ];
        assert_eq!(skipped.len(), starts.len(), "{skipped:?}");
        assert!(skipped.iter().zip(starts).all(|(told, start)| told.starts_with(start)), "{skipped:?}");
    }

    #[test]
    fn no_more_lines_are_taken_than_may_be() {
        let text = format!("file,label\n{}", (0..11).map(|n| format!("{n}.png,x\n")).collect::<String>());
        assert_eq!(rows(text.as_bytes(), &mut Tree::default(), 11).unwrap().len(), 11);
        let told = rows(text.as_bytes(), &mut Tree::default(), 10).unwrap_err();
        assert!(told.contains("more than 10 lines"), "{told}");
        // Lines that are skipped take memory too.
        let text = "file,label\n,x\n,x\n,x\n";
        assert!(rows(text.as_bytes(), &mut Tree::default(), 2).is_err());
    }

    #[test]
    fn flipped_bits_never_panic() {
        let whole = b"file,label\na.png,x\n\"b\nc.png\",y\n";
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.to_vec();
                changed[at] ^= 1 << bit;
                read(&changed).0.ok();
                read(&whole[..at]).0.ok();
            }
        }
    }

    #[test]
    fn numbers_are_in_order_of_size() {
        let names = |labels: [&str; 4]| classes(labels.map(str::to_owned).iter());
        assert_eq!(names(["10", "9", "10", "0"]), ["0", "9", "10"]);
        assert_eq!(names(["10", "9", "b", "a"]), ["10", "9", "a", "b"]);
    }
}
