//! Reads a table of files and labels (`.csv`) in place of class folders.

pub(super) mod columns;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use columns::{Columns, Labels, hot, is_one, is_reserved};

use super::super::DataError;
use super::super::listing::{File, MOST_PICTURES, Tree};
use super::folder;
use super::labelled::Labelled;
use super::names::{Found, Names, below, leaves};
use crate::config::Data;
use crate::event::Finding;
use crate::guard;

/// The largest table in bytes.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// A file that a table names, and where it was found.
pub(super) struct Located {
    /// The same for every way of naming it.
    pub key: String,
    pub file: File,
}

/// Lists the files that a table names; paths are relative to its folder.
///
/// # Errors
/// Where the table cannot be read, or has not the columns.
pub(super) fn read(path: &Path, data: &Data) -> Result<Tree, DataError> {
    let wrong = |message: String| DataError::Table { file: path.to_owned(), message };
    let unreadable = |cause| DataError::Unreadable { folder: path.to_owned(), cause };
    let bytes = guard::read_regular(path, MAX_BYTES).map_err(|err| {
        let large = err.kind() == std::io::ErrorKind::FileTooLarge;
        if large { wrong(format!("it is larger than {} MB", MAX_BYTES >> 20)) } else { unreadable(err) }
    })?;
    let mut disk = OnDisk::new(path.parent().unwrap_or(Path::new("")));
    tree(&bytes, data, Tree::default(), MOST_PICTURES, |name| disk.locate(name)).map_err(wrong)
}

/// Files below a folder, by the names that a table gives them.
pub(super) struct OnDisk<'a> {
    root: &'a Path,
    /// Those that there are; looked for once a name is not one of the system's.
    names: Option<Names>,
}

impl<'a> OnDisk<'a> {
    pub fn new(root: &'a Path) -> Self {
        // A table that is named without its folder lies in this one.
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self { root, names: None }
    }

    /// The file; the error is the reason why there is none.
    pub fn locate(&mut self, name: &str) -> Result<Located, String> {
        let key = below(name, self.root);
        let found = |name: &str, path: PathBuf| Located {
            key: key.clone().unwrap_or_else(|| name.to_owned()),
            file: File { path, name: name.to_owned(), ..File::default() },
        };
        let there = |name: &str| Some(self.root.join(name)).filter(|path| fs::metadata(path).is_ok());
        if let Some(path) = (!leaves(name)).then(|| there(name)).flatten() {
            return Ok(found(name, path));
        }
        let Some(inside) = &key else { return Err(OUTSIDE.to_owned()) };
        if let Some(path) = there(inside) {
            return Ok(found(inside, path));
        }
        let names = self.names.get_or_insert_with(|| Names::new(folder::names(self.root)));
        let named = names.find(inside);
        // That it is missing is told like that it is damaged, when it is opened.
        if named == Found::None {
            return Ok(found(inside, self.root.join(inside)));
        }
        let at = one(named)?;
        let name = names.name(at).to_owned();
        Ok(Located { key: name.clone(), file: File { path: self.root.join(&name), name, ..File::default() } })
    }
}

const OUTSIDE: &str = "lies outside the folder of the table; name files below it";

/// The one file that was found; the error is the reason why there is none.
pub(super) fn one(found: Found) -> Result<usize, String> {
    match found {
        Found::One(at) => Ok(at),
        Found::None => Err("there is no such file".to_owned()),
        Found::Several(names) => {
            let more = if names.len() > 3 { ", ..." } else { "" };
            let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            Err(format!(
                "may be {} files ({}{more}); name it with its folder and extension",
                names.len(),
                first.join(", ")
            ))
        }
    }
}

/// What a table's bytes name, beside what `tree` holds already; at most so many lines.
pub(super) fn tree(
    bytes: &[u8],
    data: &Data,
    tree: Tree,
    most: usize,
    mut locate: impl FnMut(&str) -> Result<Located, String>,
) -> Result<Tree, String> {
    let (text, encoding) = text::decode(bytes, &data.table_encoding)?;
    let (form, text) = text::form(&text);
    let mut reader = reader(form, text);
    let heads: Vec<String> = reader.headers().map_err(|err| err.to_string())?.iter().map(str::to_owned).collect();
    let again = |others: &[usize]| hot(self::reader(form, text).into_records().filter_map(Result::ok), others);
    let (columns, doubt) = Columns::of(&heads, data, again)?;
    let mut all = Labelled::on(tree);
    all.tree.findings.extend(doubt);
    all.tree.notes.extend(encoding.map(|name| format!("the table was read as {name}; if letters are wrong, save it as UTF-8 or name its encoding in data.table_encoding")));
    let reserves = reserves(&columns, &heads, self::reader(form, text), data, &mut all);
    // What was named before, with its class.
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for (number, row) in reader.records().enumerate() {
        if number >= most {
            return Err(format!("it has more than {most} lines, which are the most that are read: leave some out"));
        }
        let row = match row {
            Ok(row) => row,
            Err(err) => {
                all.tree.skip(format!("line {}", number + 2), &format!("no row of a table: {err}"));
                continue;
            }
        };
        let line = format!("line {}", row.position().map_or(number as u64 + 2, csv::Position::line));
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let name = cell(columns.file);
        if name.is_empty() {
            all.tree.skip(line, "names no file");
            continue;
        }
        let label = match &columns.labels {
            Labels::One(at) => Some(cell(*at)),
            Labels::Several(at) => all.single(cell(*at).split('|').map(str::trim).filter(|label| !label.is_empty())),
            Labels::Hot(columns) => {
                let yes = columns.iter().filter(|at| is_one(cell(**at)) == Some(true));
                all.single(yes.map(|at| heads[*at].as_str()))
            }
        };
        let Some(label) = label else { continue };
        if label.is_empty() {
            all.tree.skip(name.to_owned(), "has no label");
            continue;
        }
        // A class of which no file is found is told as one, not forgotten.
        let class = all.class(label);
        let located = match locate(name) {
            Ok(located) => located,
            Err(reason) => {
                all.tree.skip(name.to_owned(), &reason);
                continue;
            }
        };
        match named.get(&located.key) {
            Some(before) if *before == class => all.tree.skip(line, &format!("names {name} again")),
            Some(before) => {
                let before = all.tree.classes[*before].clone();
                all.tree.skip(line, &format!("names {name} again, as {label} instead of {before}"));
            }
            None => {
                named.insert(located.key, class);
                let group = all.group(columns.group.map_or("", cell));
                let reserved = reserves && columns.split.is_some_and(|at| is_reserved(cell(at)) == Some(true));
                all.push(File { class, group, reserved, ..located.file });
            }
        }
    }
    let mut tree = all.done()?;
    tree.files.sort_by(|a, b| (a.class, &a.name).cmp(&(b.class, &b.name)));
    Ok(tree)
}

fn reader(form: text::Form, text: &str) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(form.delimiter).quote(form.quote).flexible(true).trim(csv::Trim::All);
    builder.from_reader(text.as_bytes())
}

/// Whether the column of splits says which rows are held out. What it says is told where it is not followed.
fn reserves(columns: &Columns, heads: &[String], reader: csv::Reader<&[u8]>, data: &Data, all: &mut Labelled) -> bool {
    let Some(at) = columns.split else { return false };
    let head = &heads[at];
    let (mut train, mut test, mut other) = (0_usize, 0_usize, 0_usize);
    for row in reader.into_records().filter_map(Result::ok) {
        match is_reserved(row.get(at).unwrap_or_default()) {
            Some(false) => train += 1,
            Some(true) => test += 1,
            None => other += 1,
        }
    }
    if test == 0 || train == 0 {
        return false;
    }
    if other > 0 {
        all.tree.notes.push(format!(
            "the column `{head}` is not followed as a split: {other} of its cells say neither train nor val nor test"
        ));
        return false;
    }
    if data.held_out == 0.0 {
        all.tree.findings.push(Finding {
            message: format!("{test} of {} rows are for validation or test by the table's column `{head}`, and train all the same: with data.held_out above 0 they are held out", test + train),
            files: Vec::new(),
            fix: vec![("data.held_out".to_owned(), "0.1".to_owned())],
        });
    }
    data.held_out > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SplitBy;

    fn listed(bytes: &[u8], data: &Data) -> Result<Tree, String> {
        let there = |name: &str| {
            let name = below(name, Path::new("/nowhere")).ok_or(OUTSIDE)?;
            Ok(Located { key: name.clone(), file: File { name, ..File::default() } })
        };
        tree(bytes, data, Tree::default(), 1000, there)
    }

    fn rows(tree: &Tree) -> Vec<(String, String)> {
        tree.files.iter().map(|file| (file.name.clone(), tree.classes[file.class].clone())).collect()
    }

    fn read(text: &str) -> Vec<(String, String)> {
        rows(&listed(text.as_bytes(), &Data::default()).unwrap())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn columns_are_found_by_name_whatever_stands_between_them() {
        for text in [
            "file,label\na.png,x\n\"b, c.png\",y\n",
            "\u{feff}id;Label;FILE\n1;x;a.png\n2;y;\"b, c.png\"\n",
            "label\timage\nx\ta.png\ny\tb, c.png",
            "sep=|\r\nlabel|image\r\nx|a.png\r\ny|b, c.png",
        ] {
            assert_eq!(read(text), pairs(&[("a.png", "x"), ("b, c.png", "y")]), "{text}");
        }
        let failed = |text: &[u8]| listed(text, &Data::default()).err().unwrap();
        assert!(failed(b"a.png,x\n").contains("it names a.png, x"));
        assert!(failed(b"").contains("it is empty"));
    }

    #[test]
    fn no_two_labels_become_one() {
        let latin: Vec<u8> = "file,label\na.png,gösund\nb.png,gäsund\n".chars().map(|c| c as u8).collect();
        let tree = listed(&latin, &Data::default()).unwrap();
        assert_eq!(tree.classes, ["gäsund", "gösund"]);
        assert!(tree.notes[0].contains("windows-1252"), "{:?}", tree.notes);
    }

    #[test]
    fn rows_of_none_or_several_classes_are_counted_and_left_out() {
        let hot = "image,MEL,NV,age\na,1.0,0.0,50\nb,0.0,1.0,60\nc,1.0,1.0,70\nd,0,0,80\n";
        let tree = listed(hot.as_bytes(), &Data::default()).unwrap();
        assert_eq!(rows(&tree), pairs(&[("a", "MEL"), ("b", "NV")]));
        assert!(
            tree.notes[0].starts_with("1 image with several") && tree.notes[1].starts_with("1 image with no label"),
            "{:?}",
            tree.notes
        );
        let one = Data { table_label: "NV".to_owned(), ..Data::default() };
        assert_eq!(rows(&listed(hot.as_bytes(), &one).unwrap())[..2], pairs(&[("d", "0"), ("a", "0.0")]));
        let several = "Image Index,Finding Labels\na.png,Mass|Nodule\nb.png,Mass\nc.png,No Finding\n";
        assert_eq!(read(several), pairs(&[("b.png", "Mass"), ("c.png", "No Finding")]));
        // Elsewhere a bar is a letter of the label.
        assert_eq!(read("file,label\na.png,x|y\n"), pairs(&[("a.png", "x|y")]));
    }

    #[test]
    fn splits_and_patients_are_taken_over() {
        let text = b"file,label,split,patient_id\na,x,train,p1\nb,x,test,p2\nc,y,train,p1\nd,y,val,\n";
        let columns = Data { split_by: SplitBy::Columns, ..Data::default() };
        let held = listed(text, &Data { held_out: 0.2, ..columns.clone() }).unwrap();
        assert_eq!(held.files.iter().map(|file| file.reserved).collect::<Vec<_>>(), [false, true, false, true]);
        let groups: Vec<Option<&str>> = held.files.iter().map(|file| file.group.as_deref()).collect();
        assert_eq!(groups, [Some("p1"), Some("p2"), Some("p1"), None]);
        let old = listed(text, &Data { held_out: 0.2, ..Data::default() }).unwrap();
        assert!(old.files.iter().all(|file| !file.reserved && file.group.is_none()), "as runs did before");
        let all = listed(text, &columns).unwrap();
        assert!(all.files.iter().all(|file| !file.reserved));
        assert_eq!(all.findings[0].fix, [("data.held_out".to_owned(), "0.1".to_owned())]);
        let folds =
            listed(b"file,label,split\na,x,train\nb,x,3\nc,x,test\n", &Data { held_out: 0.2, ..columns }).unwrap();
        assert!(
            folds.files.iter().all(|file| !file.reserved) && folds.notes[0].contains("`split`"),
            "{:?}",
            folds.notes
        );
    }

    #[test]
    fn rows_that_cannot_be_used_are_named() {
        let text = b"file,label\n,x\na.png,\n../b.png,x\n/c.png,x\nd.png,x\nd.png,x\nd.png,y\ne.png\n";
        let tree = listed(text, &Data::default()).unwrap();
        assert_eq!(tree.files.len(), 1);
        let starts = [
            "line 2: names no file",
            "a.png: has no label",
            "../b.png: lies outside",
            "/c.png: lies outside",
            "line 7: names d.png again",
            "line 8: names d.png again, as y instead of x",
            "e.png: has no label",
        ];
        let skipped: Vec<String> =
            tree.skipped.iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)).collect();
        assert_eq!(skipped.len(), starts.len(), "{skipped:?}");
        assert!(skipped.iter().zip(starts).all(|(told, start)| told.starts_with(start)), "{skipped:?}");
    }

    #[test]
    fn no_more_lines_are_taken_than_may_be() {
        let there =
            |name: &str| Ok(Located { key: name.to_owned(), file: File { name: name.to_owned(), ..File::default() } });
        let take = |text: &str, most| tree(text.as_bytes(), &Data::default(), Tree::default(), most, there);
        let text = format!("file,label\n{}", (0..11).map(|n| format!("{n}.png,x\n")).collect::<String>());
        assert_eq!(take(&text, 11).unwrap().files.len(), 11);
        let told = take(&text, 10).err().unwrap();
        assert!(told.contains("more than 10 lines"), "{told}");
        // Lines that are skipped take memory too.
        assert!(take("file,label\n,x\n,x\n,x\n", 2).is_err());
    }

    #[test]
    fn flipped_bits_never_panic() {
        let whole = b"file,label,split\na.png,x,train\n\"b\nc.png\",y,test\n";
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.to_vec();
                changed[at] ^= 1 << bit;
                listed(&changed, &Data::default()).ok();
                listed(&whole[..at], &Data::default()).ok();
            }
        }
    }
}
