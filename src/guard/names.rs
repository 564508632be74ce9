//! Names of others as names of files and folders that every system takes.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the longest name: what most file systems take is 255, and some programs append to it.
const LONGEST: usize = 120;

/// What Windows takes for a device, also with an ending behind it.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// One name for each, in their order, all different also where upper and lower case are one. Names that every system takes stay as
/// they are; of two that no system could tell apart the first does.
pub fn safe_names(names: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    // First come those that stay, whatever others would be made of.
    let stays: Vec<bool> = names.iter().map(|name| plain(name) == *name && taken.insert(key(name))).collect();
    // How often a name was asked for, so that a thousand equal ones are not tried a million times.
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    let one = |(name, stays): (&String, bool)| {
        if stays {
            return name.clone();
        }
        let plain = plain(name);
        let number = numbers.entry(key(&plain)).or_default();
        loop {
            *number += 1;
            let name = if *number == 1 { plain.clone() } else { format!("{plain}-{number}") };
            if taken.insert(key(&name)) {
                return name;
            }
        }
    };
    names.iter().zip(stays).map(one).collect()
}

/// What a file system makes of a name that does not tell cases apart.
fn key(name: &str) -> String {
    name.to_lowercase()
}

fn plain(name: &str) -> String {
    let bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let mut out: String = name.chars().map(|c| if bad(c) { '_' } else { c }).collect();
    if out.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
    }
    // Windows drops dots and spaces at the end; what begins with a dot is hidden.
    let kept = out.trim_end_matches(['.', ' ']).len();
    out.truncate(kept);
    if out.starts_with(['.', ' ']) {
        out.replace_range(..1, "_");
    }
    if out.is_empty() || is_device(&out) {
        out.insert(0, '_');
    }
    out
}

/// Whether Windows takes a name for a device, and so makes no file or folder of it.
pub fn is_device(name: &str) -> bool {
    let stem = key(name.split('.').next().unwrap_or_default());
    let stem = stem.trim_end();
    let numbered = |port: &str| {
        let number = stem.strip_prefix(port).map(|rest| rest.chars().collect::<Vec<char>>());
        matches!(number.as_deref(), Some(['0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}']))
    };
    DEVICES.contains(&stem) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(names: &[&str]) -> Vec<String> {
        safe_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_that_every_system_takes_stay() {
        let names = ["monocyte", "gr\u{fc}n (2)", "\u{7d30}\u{80de}", "a.b", "console", "com", "com10", "x y", "-1"];
        assert_eq!(safe(&names), names);
    }

    #[test]
    fn no_name_leads_elsewhere_or_is_a_device() {
        let names = [
            "",
            ".",
            "..",
            "../..",
            "/etc/passwd",
            "a\\b",
            "C:",
            "CON",
            "CON ",
            "con.txt",
            "Lpt1",
            "COM\u{b2}",
            "x.",
            "x ",
            " x",
            ".hidden",
            "a\u{1b}[31mb",
            "a\nb",
            "a?",
            "\0",
        ];
        for (name, safe) in names.iter().zip(safe(&names)) {
            assert!(!safe.is_empty() && safe != *name, "{name:?}: {safe:?}");
            assert!(!safe.contains(['/', '\\', ':', '?', '\0']) && !safe.chars().any(char::is_control), "{safe:?}");
            assert!(!safe.starts_with(['.', ' ']) && !safe.ends_with(['.', ' ']) && !is_device(&safe), "{safe:?}");
        }
    }

    #[test]
    fn all_are_different_wherever_they_are_written() {
        let long = ["x".repeat(300), "x".repeat(299)];
        let names = [
            "_",
            "",
            "a_b",
            "a/b",
            "a\\b",
            "A_B",
            "a_b-2",
            "CON",
            "con",
            &long[0],
            &long[1],
            "\u{fc}".repeat(90).as_str(),
        ]
        .map(str::to_owned);
        let safe = safe_names(&names);
        let mut keys: Vec<String> = safe.iter().map(|name| key(name)).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), names.len(), "{safe:?}");
        assert_eq!(
            (safe[0].as_str(), safe[2].as_str(), safe[6].as_str()),
            ("_", "a_b", "a_b-2"),
            "these stay: {safe:?}"
        );
        assert!(safe.iter().all(|name| name.len() <= LONGEST + 4), "{safe:?}");
        assert_eq!(safe_names(&names), safe, "the same table every time");
    }
}
