//! Patterns of file names, as in `data.exclude`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
