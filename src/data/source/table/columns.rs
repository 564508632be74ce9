//! Which columns of a table hold what.

use csv::StringRecord;

use crate::config::{Data, SplitBy};
use crate::event::Finding;

/// What the column of files may be called, likeliest first: in lower case, with `_` between words.
const FILES: [&str; 22] = [
    "file",
    "filename",
    "file_name",
    "path",
    "image",
    "image_path",
    "filepath",
    "file_path",
    "image_file",
    "image_filename",
    "image_name",
    "image_id",
    "imageid",
    "image_index",
    "img",
    "img_id",
    "img_path",
    "isic_id",
    "id_code",
    "dicom_id",
    "name",
    "id",
];

/// What the column of labels may be called, likeliest first.
const LABELS: [&str; 24] = [
    "label",
    "class",
    "category",
    "diagnosis",
    "dx",
    "target",
    "labels",
    "classes",
    "class_name",
    "classname",
    "class_id",
    "label_name",
    "label_id",
    "finding_labels",
    "finding",
    "disease",
    "cell_type",
    "tumor_type",
    "level",
    "grade",
    "type",
    "species",
    "benign_malignant",
    "y",
];

/// Columns whose cells may hold several labels, with `|` between them.
const PLURAL: [&str; 3] = ["labels", "classes", "finding_labels"];

const SPLITS: [&str; 5] = ["split", "subset", "partition", "set", "usage"];

const GROUPS: [&str; 12] = [
    "patient",
    "patient_id",
    "patientid",
    "subject",
    "subject_id",
    "subjectid",
    "participant_id",
    "case_id",
    "lesion_id",
    "group",
    "group_id",
    "person_id",
];

/// Where the labels stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Labels {
    /// In one column.
    One(usize),
    /// In one column, several in a cell with `|` between them.
    Several(usize),
    /// A column a class, 1 where a row is of it.
    Hot(Vec<usize>),
}

/// The columns that are read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub file: usize,
    pub labels: Labels,
    pub split: Option<usize>,
    pub group: Option<usize>,
}

/// A name as people spell it in many ways.
pub(super) fn plain(head: &str) -> String {
    let lower = head.trim().to_lowercase();
    lower.split([' ', '-', '.', '_']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

impl Columns {
    /// The columns of a table whose first line names these; `hot` tells whether a column's cells are all 0 or 1.
    ///
    /// # Errors
    /// Where no column holds files, or none labels; the names that there are stand in it.
    pub fn of(
        heads: &[String],
        data: &Data,
        hot: impl Fn(&[usize]) -> Vec<usize>,
    ) -> Result<(Self, Option<Finding>), String> {
        let (split, group) = (fitting(heads, &SPLITS).first().copied(), group(heads));
        let file = match data.table_file.trim() {
            "" => fitting(heads, &FILES).first().copied(),
            named => Some(find(heads, named, "data.table_file")?),
        };
        let file = file.ok_or_else(|| missing(heads, "files", "file", "data.table_file"))?;
        let (label, doubt) = label(heads, data, file)?;
        let labels = match label {
            Some(at) if PLURAL.contains(&plain(&heads[at]).as_str()) => Labels::Several(at),
            Some(at) => Labels::One(at),
            None => {
                let taken = |at: &usize| *at == file || Some(*at) == split || Some(*at) == group;
                let others: Vec<usize> = (0..heads.len()).filter(|at| !taken(at)).collect();
                let hot = hot(&others);
                if hot.len() < 2 {
                    return Err(missing(heads, "labels", "label", "data.table_label"));
                }
                Labels::Hot(hot)
            }
        };
        // They hold no labels either way.
        let followed = |column: Option<usize>| column.filter(|_| data.split_by == SplitBy::Columns);
        Ok((Self { file, labels, split: followed(split), group: followed(group) }, doubt))
    }
}

/// The columns that have one of these names, in the order of the names.
fn fitting(heads: &[String], names: &[&str]) -> Vec<usize> {
    let plain: Vec<String> = heads.iter().map(|head| plain(head)).collect();
    names.iter().filter_map(|name| plain.iter().position(|head| head == name)).collect()
}

/// The column of labels, and what is told where several may be it; nothing where none has such a name.
///
/// # Errors
/// Where `data.table_label` names none.
pub(in crate::data::source) fn label(
    heads: &[String],
    data: &Data,
    file: usize,
) -> Result<(Option<usize>, Option<Finding>), String> {
    let named = data.table_label.trim();
    if !named.is_empty() {
        return Ok((Some(find(heads, named, "data.table_label")?), None));
    }
    let all: Vec<usize> = fitting(heads, &LABELS).into_iter().filter(|at| *at != file).collect();
    Ok((all.first().copied(), doubt(heads, &all)))
}

/// The column of patients.
pub(in crate::data::source) fn group(heads: &[String]) -> Option<usize> {
    fitting(heads, &GROUPS).first().copied()
}

/// The column that a setting names.
pub(in crate::data::source) fn find(heads: &[String], named: &str, key: &str) -> Result<usize, String> {
    let found = heads.iter().position(|head| head == named);
    let found = found.or_else(|| heads.iter().position(|head| plain(head) == plain(named)));
    found.ok_or_else(|| format!("it has no column `{named}`, which {key} names; it has {}", told(heads)))
}

/// Why there is no such column.
pub(in crate::data::source) fn missing(heads: &[String], what: &str, such_as: &str, key: &str) -> String {
    let found =
        if heads.iter().all(String::is_empty) { "it is empty".to_owned() } else { format!("it names {}", told(heads)) };
    format!(
        "its first line must name its columns, `file` and `label` among them, but {found}; none has a name that {what} usually have, such as `{such_as}`: name the right one in {key}"
    )
}

/// The first names of columns.
fn told(heads: &[String]) -> String {
    let first: Vec<&str> = heads.iter().take(20).map(String::as_str).collect();
    let more = heads.len().saturating_sub(first.len());
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}

/// What is told where several columns may be the labels.
pub(in crate::data::source) fn doubt(heads: &[String], fitting: &[usize]) -> Option<Finding> {
    let [first, others @ ..] = fitting else { return None };
    if others.is_empty() {
        return None;
    }
    let others: Vec<String> = others.iter().map(|at| format!("`{}`", heads[*at])).collect();
    let first = &heads[*first];
    Some(Finding {
        message: format!(
            "the labels are taken from the table's column `{first}`, but may also be meant by {}: name the right one in data.table_label",
            others.join(", ")
        ),
        files: Vec::new(),
        fix: vec![("data.table_label".to_owned(), crate::config::toml_text(first))],
    })
}

/// Which of these columns hold 0 and 1 alone, and 1 at least once; an empty cell is 0.
pub(super) fn hot(rows: impl Iterator<Item = StringRecord>, columns: &[usize]) -> Vec<usize> {
    let mut seen: Vec<(bool, bool)> = vec![(true, false); columns.len()];
    for row in rows {
        for (at, seen) in columns.iter().zip(&mut seen) {
            match is_one(row.get(*at).unwrap_or_default()) {
                Some(one) => seen.1 |= one,
                None => seen.0 = false,
            }
        }
    }
    columns.iter().zip(seen).filter(|(_, seen)| *seen == (true, true)).map(|(at, _)| *at).collect()
}

/// Whether a cell says yes; nothing where it says neither yes nor no.
pub(super) fn is_one(cell: &str) -> Option<bool> {
    match cell {
        "1" | "1.0" | "true" | "True" | "TRUE" => Some(true),
        "" | "0" | "0.0" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// What a cell of the column of splits says: whether the row is to be tested on. Nothing where it is neither that nor for training.
pub(super) fn is_reserved(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "train" | "training" | "trn" => Some(false),
        "test" | "testing" | "val" | "valid" | "validation" | "dev" | "eval" | "holdout" | "held_out" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(heads: &str, data: &Data) -> Result<(Columns, Option<Finding>), String> {
        let heads: Vec<String> = heads.split(',').map(str::to_owned).collect();
        Columns::of(&heads, data, |others| others.iter().copied().filter(|at| heads[*at].starts_with("hot")).collect())
    }

    fn found(heads: &str) -> (usize, Labels) {
        let (columns, _) = columns(heads, &Data::default()).unwrap();
        (columns.file, columns.labels)
    }

    #[test]
    fn columns_are_found_by_their_usual_names() {
        for (heads, file, label) in [
            ("file,label", 0, 1),
            ("lesion_id,image_id,dx,dx_type,age,sex", 1, 2),
            ("Label,id,File Name", 2, 0),
            ("image_name,patient_id,target", 0, 2),
            ("id_code,diagnosis", 0, 1),
            ("ID,Path,Class", 1, 2),
        ] {
            assert_eq!(found(heads), (file, Labels::One(label)), "{heads}");
        }
        assert_eq!(found("Image Index,Finding Labels,Patient ID"), (0, Labels::Several(1)));
        assert_eq!(found("image,hotA,age,hotB"), (0, Labels::Hot(vec![1, 3])));
        for (split_by, followed) in [(SplitBy::Files, (None, None)), (SplitBy::Columns, (Some(0), Some(2)))] {
            let data = Data { split_by, ..Data::default() };
            let (columns, _) = columns("subset,image,Patient ID,class", &data).unwrap();
            assert_eq!((columns.split, columns.group), followed);
        }
    }

    #[test]
    fn where_several_fit_the_candidates_are_named_and_one_can_be_chosen() {
        let heads = "image_name,diagnosis,benign_malignant,target";
        let (chosen, doubt) = columns(heads, &Data::default()).unwrap();
        assert_eq!(chosen.labels, Labels::One(1));
        let doubt = doubt.unwrap();
        assert!(doubt.message.contains("`diagnosis`") && doubt.message.contains("`target`"), "{doubt:?}");
        assert_eq!(doubt.fix, [("data.table_label".to_owned(), "\"diagnosis\"".to_owned())]);
        let named =
            Data { table_label: "Benign malignant".to_owned(), table_file: "image_name".to_owned(), ..Data::default() };
        let (chosen, doubt) = columns(heads, &named).unwrap();
        assert_eq!((chosen.file, chosen.labels, doubt), (0, Labels::One(2), None));
        let wrong = columns(heads, &Data { table_label: "cell".to_owned(), ..Data::default() }).unwrap_err();
        assert!(wrong.contains("no column `cell`") && wrong.contains("benign_malignant"), "{wrong}");
        assert!(columns("a,b", &Data::default()).unwrap_err().contains("it names a, b"));
        assert!(columns("image,age", &Data::default()).unwrap_err().contains("data.table_label"));
        assert!(columns("", &Data::default()).unwrap_err().contains("it is empty"));
    }
}
