//! Reads StyleGAN's `dataset.json`, which names files and their labels, from a folder or an archive.

use serde::Deserialize;

use super::super::listing::{File, MOST_PICTURES, Tree};
use super::labelled::Labelled;

/// What the file is called.
pub(super) const NAME: &str = "dataset.json";

/// The largest one in bytes.
pub(super) const MAX_BYTES: u64 = 256 << 20;

#[derive(Deserialize)]
struct Sheet {
    labels: Option<Vec<(String, Label)>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Whole(i64),
    Text(String),
    /// One number a class, of which one is not 0.
    Hot(Vec<f64>),
}

/// Whether the bytes are such a file: any program may call a file so.
pub(super) fn is_sheet(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Sheet>(bytes).is_ok()
}

/// The files that it names, with `locate` telling where each is; nothing where it has no labels, as for unconditional training.
///
/// # Errors
/// Where it cannot be read, or names nothing that is there.
pub(super) fn tree(
    bytes: &[u8],
    tree: Tree,
    mut locate: impl FnMut(&str) -> Result<File, String>,
) -> Result<Option<Tree>, String> {
    let sheet: Sheet = serde_json::from_slice(bytes).map_err(|err| format!("{NAME} is damaged: {err}"))?;
    let Some(labels) = sheet.labels.filter(|labels| !labels.is_empty()) else { return Ok(None) };
    if labels.len() > MOST_PICTURES {
        return Err(format!(
            "{NAME} names {} images, and at most {MOST_PICTURES} are taken: leave some out",
            labels.len()
        ));
    }
    let mut all = Labelled::on(tree);
    for (name, label) in labels {
        let label = match label {
            Label::Whole(label) => Some(label.to_string()),
            Label::Text(label) => Some(label),
            Label::Hot(numbers) => {
                let set: Vec<String> =
                    (0..numbers.len()).filter(|at| numbers[*at] != 0.0).map(|at| at.to_string()).collect();
                all.single(set.iter().map(String::as_str)).map(str::to_owned)
            }
        };
        let Some(label) = label else { continue };
        let class = all.class(&label);
        match locate(&name) {
            Ok(file) => all.push(File { class, ..file }),
            Err(reason) => all.tree.skip(name, &reason),
        }
    }
    let mut tree = all.done()?;
    tree.files.sort_by(|a, b| (a.class, &a.name).cmp(&(b.class, &b.name)));
    tree.notes.push(format!("the labels are those of {NAME}; the folders beside it only divide the files"));
    Ok(Some(tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Tree>, String> {
        tree(text.as_bytes(), Tree::default(), |name| Ok(File { name: name.to_owned(), ..File::default() }))
    }

    #[test]
    fn labels_are_numbers_texts_or_one_of_many() {
        for text in [
            r#"{"labels": [["00000/a.png", 10], ["00000/b.png", 2], ["00001/c.png", 10]]}"#,
            r#"{"labels": [["00000/a.png", "10"], ["00000/b.png", "2"], ["00001/c.png", "10"]]}"#,
            r#"{"labels": [["00000/a.png", [0,0,0,0,0,0,0,0,0,0,1]], ["00000/b.png", [0,0,1.0]], ["00001/c.png", [0,0,0,0,0,0,0,0,0,0,1]],
                ["d.png", [0, 0]], ["e.png", [1, 1]]]}"#,
        ] {
            let tree = read(text).unwrap().unwrap();
            assert_eq!(tree.classes, ["2", "10"]);
            let files: Vec<_> = tree.files.iter().map(|file| (file.class, file.name.as_str())).collect();
            assert_eq!(files, [(0, "00000/b.png"), (1, "00000/a.png"), (1, "00001/c.png")]);
        }
        assert!(read(r#"{"labels": null}"#).unwrap().is_none());
        assert!(is_sheet(br#"{"labels": null, "more": 1}"#));
        for text in [r#"{"labels": 3}"#, r#"[]"#, "", r#"{"name": "a set"}"#] {
            assert!(!is_sheet(text.as_bytes()) || read(text).unwrap().is_none(), "{text}");
        }
        assert!(read(r#"{"labels": [["a.png", [0, 0]]]}"#).err().unwrap().contains("no label"));
    }
}
