//! `data.group_by`: the pattern that names what stays together.

use regex::Regex;

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
    use crate::config::{Config, Level};

    fn problems(entries: &[&str]) -> Vec<(Level, &'static str)> {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        let found = Config::default().with(&entries).unwrap().check(Some(3));
        found.into_iter().map(|problem| (problem.level, problem.key)).collect()
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
