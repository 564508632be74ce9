//! Patterns of file names, as in `data.exclude`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;

/// Patterns as one set: `*` stands for any letters, `/` among them, and case does not count.
///
/// # Errors
/// Where one of them is none, with its name.
pub fn patterns(list: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in list {
        let glob = GlobBuilder::new(pattern).case_insensitive(true).build();
        set.add(glob.map_err(|err| format!("`{pattern}` is no pattern of file names: {}", err.kind()))?);
    }
    set.build().map_err(|err| err.to_string())
}

/// A name as the pattern that it alone fits.
pub fn escaped(name: &str) -> String {
    globset::escape(name)
}

/// A text as `run.toml` writes it.
pub fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of texts as `run.toml` writes it.
pub fn toml_list(list: &[String]) -> String {
    toml::Value::Array(list.iter().cloned().map(toml::Value::String).collect()).to_string()
}

/// `data.group_by` as a pattern; nothing where it is empty.
///
/// # Errors
/// Where it is no regular expression, or has no group.
pub fn group_pattern(text: &str) -> Result<Option<Regex>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let pattern = Regex::new(text).map_err(|err| {
        let said = err.to_string();
        format!("not a regular expression: {}", said.lines().last().unwrap_or_default().trim_start_matches("error: "))
    })?;
    if pattern.captures_len() < 2 {
        return Err(format!(
            "`{text}` has no group: put parentheses around the part that names the patient, as in `(p[0-9]+)_`"
        ));
    }
    Ok(Some(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;
    use crate::config::problem::tests::problems;

    #[test]
    fn patterns_cross_folders_and_ignore_case() {
        let set = patterns(&["*_mask.*".to_owned(), "thumbs/*".to_owned(), escaped("a/[1].png")]).unwrap();
        for (name, fits) in [
            ("benign/x (1)_MASK.png", true),
            ("thumbs/a/b.png", true),
            ("a/thumbs/b.png", false),
            ("a/[1].png", true),
            ("a/1.png", false),
            ("mask.png", false),
        ] {
            assert_eq!(set.is_match(name), fits, "{name}");
        }
        assert!(patterns(&["a[".to_owned()]).unwrap_err().starts_with("`a[` is no pattern"));
        assert_eq!(toml_list(&["a".to_owned(), "b\"".to_owned()]), "[\"a\", 'b\"']");
    }

    #[test]
    fn a_pattern_has_a_group() {
        assert!(group_pattern("").unwrap().is_none());
        assert!(group_pattern("/(p[0-9]+)_").unwrap().is_some());
        for (pattern, says) in [("p[0-9]+", "no group"), ("(", "not a regular expression")] {
            let message = group_pattern(pattern).unwrap_err();
            assert!(message.contains(says) && !message.contains('\n'), "{message}");
            let entry = format!("data.group_by={pattern}");
            let told = problems(&[&entry, "data.held_out=0.2", "data.source=cells"]);
            assert_eq!(told, [(Level::Error, "data.group_by")]);
        }
    }

    #[test]
    fn what_cannot_be_or_does_nothing_is_told() {
        assert_eq!(problems(&["data.group_by=(p[0-9]+)"]), [(Level::Warning, "data.group_by")]);
        assert_eq!(problems(&["data.group_by=(p)", "data.held_out=0.2"]), [(Level::Warning, "data.group_by")]);
        assert_eq!(problems(&["data.group_by=(p)", "data.held_out=0.2", "data.source=cells"]), []);
        for share in ["0.95", "-0.1", "nan"] {
            assert_eq!(problems(&[&format!("data.held_out={share}")]), [(Level::Error, "data.held_out")], "{share}");
        }
    }
}
