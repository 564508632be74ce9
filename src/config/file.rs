//! Reads and writes `run.toml`, and lays `--set KEY=VALUE` over it; every unreadable key is told at once.

use super::{Config, Score, options};

/// What was asked for on the command line, to be laid over a preset or a file.
pub type Overrides<'a> = &'a [String];

/// Problems of a file that are told.
const MOST_PROBLEMS: usize = 100;
/// Bytes of a key to which a setting of nearly the same name is looked for.
const LONGEST_KEY: usize = 100;

/// Why a configuration could not be read: one line a key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the text of a `run.toml`. Keys that it leaves out take their defaults.
    ///
    /// # Errors
    /// Lists every key that is unknown or whose value is of the wrong kind.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        overlay(&Self::default(), &parse(text)?)
    }

    /// Reads the `run.toml` of a session, or of any run that was stored. Keys of `score` that it leaves out take what the
    /// first release had, so that later defaults change no run that was begun.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn from_stored(text: &str) -> Result<Self, ConfigError> {
        overlay(&Self { score: Score::first_release(), ..Self::default() }, &parse(text)?)
    }

    /// The configuration as a `run.toml` whose comments explain every key.
    pub fn to_toml(&self) -> String {
        commented(&table_of(self))
    }

    /// This configuration with each `KEY=VALUE` laid over it; values are TOML, and a bare word is a string.
    ///
    /// # Errors
    /// Lists every entry without `=`, every unknown key, and every value of the wrong kind.
    pub fn with(&self, overrides: &[impl AsRef<str>]) -> Result<Self, ConfigError> {
        let mut table = toml::Table::new();
        let mut problems = Vec::new();
        for entry in overrides.iter().map(AsRef::as_ref) {
            let Some((key, value)) = entry.split_once('=') else {
                problems.push(format!("`{entry}`: wanted KEY=VALUE, for example train.steps=1000"));
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            let parsed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("v"));
            insert(&mut table, key, parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
        }
        match overlay(self, &table) {
            Ok(config) if problems.is_empty() => Ok(config),
            Ok(_) => Err(ConfigError(problems)),
            Err(ConfigError(more)) => {
                problems.extend(more);
                Err(ConfigError(problems))
            }
        }
    }

    /// The keys in which two configurations differ, each with both values as TOML.
    pub fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let (mine, theirs) = (leaves(&table_of(self)), leaves(&table_of(other)));
        let pairs = mine.into_iter().zip(theirs);
        pairs.filter(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0, a.1.to_string(), b.1.to_string())).collect()
    }

    /// Every key with its value as TOML, in the order of the file.
    pub fn settings(&self) -> Vec<(String, String)> {
        leaves(&table_of(self)).into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    /// The value of one key as TOML (`train.steps` gives `4000`), or nothing where there is no such key.
    pub fn value_of(&self, key: &str) -> Option<String> {
        leaves(&table_of(self)).into_iter().find(|(name, _)| name == key).map(|(_, value)| value.to_string())
    }
}

/// Widest line of a comment.
const WIDTH: usize = 110;

/// A table as `run.toml` text whose comments explain every key.
fn commented(table: &toml::Table) -> String {
    let mut out = String::from("# A run of gandle. Keys that are left out take their defaults.\n");
    let mut section = String::new();
    for (key, value) in leaves(table) {
        let (head, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if head != section {
            section = head.to_owned();
            out.push_str(&format!("\n[{section}]\n"));
        } else if !out.ends_with("]\n") {
            out.push('\n');
        }
        if let Some(explanation) = options::find(&key) {
            let paper = if explanation.paper.is_empty() { String::new() } else { format!(" ({})", explanation.paper) };
            for line in wrap(&format!("{}{paper} Values: {}.", explanation.text, explanation.values)) {
                out.push_str(&format!("# {line}\n"));
            }
        }
        out.push_str(&format!("{name} = {value}\n"));
    }
    out
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + 1 + word.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

pub(super) fn parse(text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|err: toml::de::Error| ConfigError(vec![err.to_string().trim_end().to_owned()]))
}

/// The configuration as a TOML table with every key. It is empty where a number does not fit TOML's integers, which
/// [`Config::check`] tells.
pub(super) fn table_of(config: &Config) -> toml::Table {
    toml::Table::try_from(config).unwrap_or_default()
}

/// Keys whose value is itself a table, of names that the data decides.
const TABLES: [&str; 1] = ["data.class_factors"];

/// Every key with its value, sections flattened to dotted keys, in the order of the structs.
pub(super) fn leaves(table: &toml::Table) -> Vec<(String, toml::Value)> {
    let mut out = Vec::new();
    gather(table, "", &mut out);
    out
}

fn gather(table: &toml::Table, section: &str, out: &mut Vec<(String, toml::Value)>) {
    for (key, value) in table {
        let key = format!("{section}{key}");
        match value.as_table() {
            Some(inner) if !TABLES.contains(&key.as_str()) => gather(inner, &format!("{key}."), out),
            Some(_) | None => out.push((key, value.clone())),
        }
    }
}

fn insert(table: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = table.entry(head).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let Some(inner) = inner.as_table_mut() {
                insert(inner, rest, value);
            }
        }
    }
}

/// `base` with every leaf of `table` laid over it, one at a time, so that each bad key gets a line of its own.
pub(super) fn overlay(base: &Config, table: &toml::Table) -> Result<Config, ConfigError> {
    let mut merged = table_of(base);
    let known: Vec<String> = leaves(&merged).into_iter().map(|(key, _)| key).collect();
    let (mut problems, mut more) = (Vec::new(), 0);
    for (key, value) in leaves(table) {
        if problems.len() >= MOST_PROBLEMS {
            more += 1;
            continue;
        }
        if !known.contains(&key) {
            problems.push(unknown_key(&key, &known));
            continue;
        }
        let mut trial = merged.clone();
        // `1` where a fraction is wanted is plain enough.
        let wants_float = leaves(&merged).iter().any(|(k, v)| *k == key && v.is_float());
        let whole = value.as_integer().filter(|_| wants_float);
        let value = whole.map_or(value, |whole| toml::Value::Float(whole as f64));
        // The place of a column, or a folder that is called 2024.
        let wants_text = leaves(&merged).iter().any(|(k, v)| *k == key && v.is_str());
        let value =
            value.as_integer().filter(|_| wants_text).map_or(value, |number| toml::Value::String(number.to_string()));
        insert(&mut trial, &key, value.clone());
        match trial.clone().try_into::<Config>() {
            Ok(_) => merged = trial,
            Err(err) => {
                problems.push(format!("`{key}` = {value}: {}", in_words(err.message())));
            }
        }
    }
    if more > 0 {
        problems.push(format!("and there is more: {more} further keys were not checked"));
    }
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    merged.try_into().map_err(|err: toml::de::Error| ConfigError(vec![err.to_string()]))
}

/// Why a value is none of its key, without the names that Rust has for kinds of numbers.
fn in_words(message: &str) -> String {
    let message = message.lines().next().unwrap_or("it is not a value of this key");
    let expected = message.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let wanted = match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more",
        "isize" | "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a string" => "a string",
        "a sequence" => "a list, such as [16, 32]",
        "a map" => "names with values, such as { name = 2.0 }",
        _ => return message.to_owned(),
    };
    format!("it should be {wanted}")
}

/// Where the command line lists every key.
pub const ALL_KEYS: &str = "`gandle presets quick` prints them all";

fn unknown_key(key: &str, known: &[String]) -> String {
    if key == "classes" {
        return "`classes` is not a setting: the data's class folders decide it".to_owned();
    }
    let section = format!("{key}.");
    if known.iter().any(|k| k.starts_with(&section)) {
        return format!("`{key}` is a section: set one of its keys, for example {}", first_of(known, &section));
    }
    // Written without its section?
    if let Some(full) = known.iter().find(|k| k.rsplit('.').next() == Some(key)) {
        return format!("`{key}` is not a setting; did you mean `{full}`?");
    }
    if key.len() > LONGEST_KEY {
        let start: String = key.chars().take(LONGEST_KEY).collect();
        return format!("`{start}\u{2026}` is not a setting ({ALL_KEYS})");
    }
    match known.iter().min_by_key(|k| distance(k, key)) {
        Some(near) if distance(near, key) <= 4 => format!("`{key}` is not a setting; did you mean `{near}`?"),
        _ => format!("`{key}` is not a setting ({ALL_KEYS})"),
    }
}

fn first_of<'a>(known: &'a [String], section: &str) -> &'a str {
    known.iter().find(|k| k.starts_with(section)).map_or("", |k| k.as_str())
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn set(entries: &[&str]) -> Result<Config, ConfigError> {
        Config::default().with(entries)
    }

    #[test]
    fn every_bad_key_is_told_at_once() {
        let ConfigError(lines) =
            set(&["train.stps=3", "image_size=big", "steps=4", "loss.kind=hing", "oops", "classes=3"]).unwrap_err();
        assert_eq!(lines.len(), 6, "{lines:#?}");
        for (line, part) in
            lines.iter().zip(["KEY=VALUE", "train.steps", "image_size", "train.steps", "wasserstein-gp", "data"])
        {
            assert!(lines.iter().any(|l| l.contains(part)), "{line} / {part} in {lines:#?}");
        }
    }

    #[test]
    fn wrong_values_are_told_without_names_of_kinds_of_numbers() {
        for (entry, wanted) in [
            ("train.steps=-1", "a whole number, 0 or more"),
            ("train.steps=2.5", "a whole number, 0 or more"),
            ("image_size=big", "a whole number, 0 or more"),
            ("optimizer.beta1=much", "a number"),
            ("optimizer.reuse_fakes=1", "true or false"),
            ("data.source=[1]", "a string"),
            ("generator.attention=16", "a list"),
            ("loss.kind=hing", "wasserstein-gp"),
        ] {
            let told = set(&[entry]).unwrap_err().to_string();
            let (key, value) = entry.split_once('=').unwrap();
            assert!(told.starts_with(&format!("`{key}` = ")) && told.contains(value), "{told}");
            assert!(told.contains(wanted) && !["usize", "f64", "u64"].iter().any(|kind| told.contains(kind)), "{told}");
        }
    }

    #[test]
    fn values_are_toml_and_bare_words_are_strings() {
        let config =
            set(&["generator.attention=[16, 32]", "data.source=/some where/cells", "optimizer.beta1=0"]).unwrap();
        assert_eq!(config.generator.attention, [16, 32]);
        assert_eq!(config.data.source, "/some where/cells");
        assert_eq!(config.optimizer.beta1, 0.0);
    }

    #[test]
    fn a_written_file_reads_back_the_same() {
        for preset in Preset::ALL {
            let config = preset.config();
            assert_eq!(Config::from_toml(&config.to_toml()), Ok(config));
        }
    }

    #[test]
    fn a_stored_run_without_a_key_keeps_what_it_was_scored_by() {
        let text = "[score]\nevery = 4\nimages = 0\n";
        for stored in [Config::from_stored(text).unwrap(), Config::from_stored("").unwrap()] {
            assert_eq!(stored.score.extractor, "efficientnet-lite0");
            assert_eq!(stored.score.metrics.len(), 2);
        }
        // The events of a session hold its configuration too.
        for text in [r#"{"score":{"every":4}}"#, "{}"] {
            let config: Config = serde_json::from_str(text).unwrap();
            assert_eq!(config.score.extractor, "efficientnet-lite0", "{text}");
        }
        assert_eq!(Config::from_toml(text).unwrap().score.extractor, "efficientnet-lite2");
        let newest = Config::default();
        assert_eq!(Config::from_stored(&newest.to_toml()), Ok(newest));
    }

    #[test]
    fn differences_name_the_key_and_both_values() {
        let other = set(&["loss.kind=bce"]).unwrap();
        let told = Config::default().differences(&other);
        assert_eq!(told, [("loss.kind".to_owned(), "\"hinge\"".to_owned(), "\"bce\"".to_owned())]);
    }

    #[test]
    fn comments_fit_the_width() {
        for line in Config::default().to_toml().lines() {
            assert!(line.chars().count() <= WIDTH + 2, "{line}");
        }
    }
}
