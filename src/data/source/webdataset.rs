//! Reads the samples of WebDataset: `KEY.jpg` with `KEY.cls` (a label) or `KEY.json` (which has one) in a `.tar`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::super::listing::File;
use super::super::open::may_be_picture;
use super::super::packed::Packed;
use super::labelled::Labelled;

/// The largest file of a label in bytes.
const MAX_LABEL: u64 = 1 << 20;

/// Where a label may stand in a sample's `json`.
const KEYS: [&str; 8] = ["label", "cls", "class", "target", "category", "class_name", "diagnosis", "label_name"];

/// What a sample's files have in common (up to the first dot of the name), and what tells them apart.
fn parts(name: &str) -> (&str, &str) {
    let start = name.rfind('/').map_or(0, |at| at + 1);
    match name[start..].find('.') {
        Some(dot) => (&name[..start + dot], &name[start + dot + 1..]),
        None => (name, ""),
    }
}

/// Whether an archive holds samples: labels beside pictures.
pub(super) fn is_one(members: &[(String, usize)]) -> bool {
    let pictures: std::collections::BTreeSet<&str> =
        members.iter().filter(|(name, _)| may_be_picture(Path::new(name))).map(|(name, _)| parts(name).0).collect();
    members
        .iter()
        .map(|(name, _)| parts(name))
        .any(|(key, kind)| matches!(kind, "cls" | "json") && pictures.contains(key))
}

/// Adds the samples of an archive, which is (or will be) number `archive` of the tree; names begin with `shard`.
pub(super) fn samples(packed: &Packed, archive: usize, shard: &str, reserved: bool, all: &mut Labelled) {
    let mut labels: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for (name, member) in &packed.members {
        match parts(name) {
            (key, "cls") => _ = labels.insert(key, (*member, false)),
            (key, "json") => _ = labels.entry(key).or_insert((*member, true)),
            _ => {}
        }
    }
    for (name, member) in packed.members.iter().filter(|(name, _)| may_be_picture(Path::new(name))) {
        let (key, _) = parts(name);
        let file_name = format!("{shard}{name}");
        let label = labels.get(key).ok_or_else(|| format!("has no label: there is neither {key}.cls nor {key}.json"));
        match label.and_then(|(at, json)| label_in(packed, *at, *json)) {
            Ok(label) => {
                let class = all.class(&label);
                all.push(File {
                    name: file_name,
                    class,
                    inside: Some((archive, *member)),
                    reserved,
                    ..File::default()
                });
            }
            Err(reason) => all.tree.skip(file_name, &reason),
        }
    }
}

fn label_in(packed: &Packed, member: usize, json: bool) -> Result<String, String> {
    if packed.archive.length(member) > MAX_LABEL {
        return Err("has no label: the file that should hold it is too large".to_owned());
    }
    let bytes = packed.archive.read(member)?;
    let label = if json {
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|err| format!("has no label: its json is damaged: {err}"))?;
        let found = if value.is_object() { KEYS.iter().find_map(|key| value.get(key)) } else { Some(&value) };
        match found {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(yes)) => u8::from(*yes).to_string(),
            _ => return Err(format!("has no label: its json has none of {}", KEYS.join(", "))),
        }
    } else {
        String::from_utf8(bytes).map_err(|_| "has no label: its cls is no text".to_owned())?.trim().to_owned()
    };
    if label.is_empty() { Err("has no label: the file that should hold it is empty".to_owned()) } else { Ok(label) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_name() {
        assert_eq!(parts("a.b/0001.left.jpg"), ("a.b/0001", "left.jpg"));
        assert_eq!(parts("0001.cls"), ("0001", "cls"));
        assert_eq!(parts("a/b"), ("a/b", ""));
        let members = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 0)).collect::<Vec<_>>();
        assert!(is_one(&members(&["1.jpg", "1.cls"])) && is_one(&members(&["1.jpg", "1.json"])));
        assert!(!is_one(&members(&["a/1.jpg", "dataset.json"])) && !is_one(&members(&["a/1.jpg", "b/1.cls"])));
    }
}
