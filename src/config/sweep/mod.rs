//! A sweep: a run for every combination of some settings' values, and for every seed. Its file says all of it, so that it can be
//! sent to somebody and run again.

mod variant;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

pub use self::variant::Variant;
use super::file::{parse, table_of};
use super::{Config, ConfigError, Preset};

/// Runs of a sweep at most; more would not fit into a job array of many clusters.
pub const MOST_RUNS: usize = 1000;
/// Letters of a value in the name of a run.
const MOST_OF_VALUE: usize = 20;
/// The key of the seed, which has a place of its own.
const SEED: &str = "train.seed";

/// What is laid over what.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What all runs have.
    pub base: Config,
    /// Changes of several settings at once, of which each run has one; none where all runs have the base's.
    pub variants: Vec<Variant>,
    /// Settings with their values as TOML. Of neighbouring runs the last one changes first.
    pub values: Vec<(String, Vec<String>)>,
    /// One run for each.
    pub seeds: Vec<u64>,
}

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    /// Its name, which is one for a folder on any system.
    pub name: String,
    /// All of its settings.
    pub config: Config,
    /// The name of its variant, where there are any.
    pub variant: Option<String>,
    /// The values that it has of those that the sweep varies, as TOML; the seed is not among them.
    pub varied: Vec<String>,
}

impl Sweep {
    /// `KEY=VALUE` and `KEY=A,B,C` laid over a base: what has one value changes the base, what has several is varied.
    ///
    /// # Errors
    /// Names what is no such setting.
    pub fn new(
        base: Config,
        set: &[String],
        variants: Vec<Variant>,
        seeds: Option<Vec<u64>>,
    ) -> Result<Self, ConfigError> {
        let (mut values, mut fixed): (Vec<(String, Vec<String>)>, Vec<String>) = (Vec::new(), Vec::new());
        let (mut problems, mut seen) = (Vec::new(), Vec::new());
        for entry in set {
            let Some((key, list)) = entry.split_once('=') else {
                problems.push(format!("`{entry}`: wanted KEY=VALUE or KEY=A,B,C"));
                continue;
            };
            let key = key.trim();
            if seen.contains(&key) {
                problems.push(format!("`{key}` is set twice: name all of its values at once, as {key}=A,B,C"));
                continue;
            }
            seen.push(key);
            match split(list) {
                Ok(parts) if parts.len() > 1 && key == SEED => {
                    problems.push(format!("`{key}`: name the seeds by --seeds, such as --seeds 1-5"));
                }
                Ok(parts) if parts.len() > 1 => values.push((key.to_owned(), parts)),
                Ok(parts) => fixed.push(format!("{key}={}", parts.concat())),
                Err(reason) => problems.push(format!("`{entry}`: {reason}")),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        let base = base.with(&fixed)?;
        let seeds = seeds.unwrap_or_else(|| vec![base.train.seed]);
        Self { base, variants, values, seeds }.in_toml()
    }

    /// Reads the text of a `sweep.toml`.
    ///
    /// # Errors
    /// Lists what is none of it.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut table = parse(text)?;
        let (seeds, preset) = (table.remove("seeds"), table.remove("preset"));
        let (values, base, variants) = (table.remove("values"), table.remove("base"), table.remove("variants"));
        let wrong = |text: &str| ConfigError(vec![text.to_owned()]);
        if let Some((key, _)) = table.iter().next() {
            return Err(ConfigError(vec![format!(
                "`{key}` is no part of a sweep, which has `preset`, `seeds`, [[variants]], [values] and [base]"
            )]));
        }
        let section = |value: Option<toml::Value>, name: &str| match value {
            None => Ok(toml::Table::new()),
            Some(toml::Value::Table(table)) => Ok(table),
            Some(_) => Err(ConfigError(vec![format!("`{name}` is a section: [{name}]")])),
        };
        let (values, base) = (section(values, "values")?, section(base, "base")?);
        let below = match preset {
            None => Config::default(),
            Some(name) => {
                let named = name.as_str().and_then(Preset::named);
                let size =
                    base.get("image_size").and_then(toml::Value::as_integer).and_then(|size| size.try_into().ok());
                let preset =
                    named.ok_or_else(|| ConfigError(vec![format!("`preset` = {name}: there is no such preset")]))?;
                size.map_or_else(|| preset.config(), |size| preset.config_at(size))
            }
        };
        let base = super::file::overlay(&below, &base)?;
        let variants = match variants {
            None => Vec::new(),
            Some(toml::Value::Array(list)) => {
                let read = |value| Variant::from_toml(value).map_err(|reason| wrong(&reason));
                list.iter().map(read).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong("`variants`: wanted sections [[variants]]")),
        };
        let values = super::file::leaves(&values).into_iter().map(|(key, value)| {
            let list = value.as_array().filter(|list| !list.is_empty());
            let list = list.map(|list| list.iter().map(ToString::to_string).collect());
            let none = || ConfigError(vec![format!("`{key}` in [values]: wanted a list of values, such as [1, 2]")]);
            let list = list.ok_or_else(none)?;
            Ok((key, list))
        });
        let values = values.collect::<Result<Vec<_>, ConfigError>>()?;
        let seeds = match seeds {
            None => vec![base.train.seed],
            Some(toml::Value::String(text)) => {
                super::sweep::seeds(&text).map_err(|err| wrong(&format!("`seeds`: {err}")))?
            }
            Some(toml::Value::Integer(one)) => super::sweep::seeds(&one.to_string()).map_err(|err| wrong(&err))?,
            Some(toml::Value::Array(list)) => {
                let text = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                super::sweep::seeds(&text).map_err(|err| wrong(&format!("`seeds`: {err}")))?
            }
            Some(_) => return Err(wrong("`seeds`: wanted seeds, such as \"1-5\" or [1, 2, 3]")),
        };
        Self { base, variants, values, seeds }.in_toml()
    }

    /// The sweep as its file.
    pub fn to_toml(&self) -> String {
        let list = |seeds: &[u64]| seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut text = format!(
            "# A sweep of gandle: a run for every variant with every combination of the values below, and every seed. `gandle sweep FOLDER`\n# runs what is not finished of it; what is added here adds runs.\n\nseeds = [{}]\n",
            list(&self.seeds)
        );
        text.extend(self.variants.iter().map(Variant::to_toml));
        text += "\n[values]\n";
        for (key, values) in &self.values {
            writeln!(text, "\"{key}\" = [{}]", values.join(", ")).ok(); // A text takes everything.
        }
        let base = toml::Table::from_iter([("base".to_owned(), toml::Value::Table(table_of(&self.base)))]);
        text + "\n# What all of them have.\n" + &base.to_string()
    }

    /// Every run, in order.
    ///
    /// # Errors
    /// Where a setting is none, a value none of its setting, or there would be too many runs.
    pub fn runs(&self) -> Result<Vec<SweepRun>, ConfigError> {
        let sizes = [self.variants.len().max(1), self.seeds.len()];
        let counts = self.values.iter().map(|(_, values)| values.len()).chain(sizes);
        let count = counts.fold(1_usize, usize::saturating_mul);
        if count > MOST_RUNS {
            return Err(ConfigError(vec![format!("the sweep has {count} runs, and {MOST_RUNS} are the most")]));
        }
        let mut combinations: Vec<Vec<String>> = vec![Vec::new()];
        for (_, values) in &self.values {
            let longer = |known: &Vec<String>| {
                let known = known.clone();
                values.iter().map(move |value| [known.as_slice(), std::slice::from_ref(value)].concat())
            };
            combinations = combinations.iter().flat_map(longer).collect();
        }
        let bases = if self.variants.is_empty() {
            vec![(None, self.base.clone())]
        } else {
            let over = |variant: &Variant| Ok((Some(variant.name.clone()), variant.over(&self.base)?));
            self.variants.iter().map(over).collect::<Result<_, ConfigError>>()?
        };
        let mut runs = Vec::new();
        for (variant, base) in bases {
            for varied in &combinations {
                let entries = self.values.iter().zip(varied).map(|((key, _), value)| format!("{key}={value}"));
                let config = base.with(&entries.collect::<Vec<_>>())?;
                for seed in &self.seeds {
                    let mut config = config.clone();
                    config.train.seed = *seed;
                    let name = self.name(variant.as_deref(), varied, *seed);
                    runs.push(SweepRun { name, config, variant: variant.clone(), varied: varied.clone() });
                }
            }
        }
        Ok(runs)
    }

    /// With every value as TOML writes it, so that sweeps can be compared.
    fn in_toml(mut self) -> Result<Self, ConfigError> {
        for (at, variant) in self.variants.iter().enumerate() {
            if self.variants[..at].iter().any(|other| other.name == variant.name) {
                return Err(ConfigError(vec![format!("two variants are called {}", variant.name)]));
            }
            if let Some((key, _)) = self.values.iter().find(|(key, _)| variant.set.iter().any(|(set, _)| set == key)) {
                return Err(ConfigError(vec![format!(
                    "`{key}` is set by variant {} and varied for all of them: leave it out of one of the two",
                    variant.name
                )]));
            }
        }
        self.variants =
            self.variants.into_iter().map(|variant| variant.in_toml(&self.base)).collect::<Result<_, _>>()?;
        for (key, values) in &mut self.values {
            for value in values {
                let entry = format!("{key}={value}");
                let config = self.base.with(std::slice::from_ref(&entry))?;
                if let Some(known) = config.value_of(key) {
                    *value = known;
                }
            }
        }
        Ok(self)
    }

    /// A name out of what is varied: `r1-0.5_seed-1`.
    fn name(&self, variant: Option<&str>, varied: &[String], seed: u64) -> String {
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let alone = |key: &str| self.values.iter().filter(|(other, _)| last(other) == last(key)).count() == 1;
        let words = self.values.iter().zip(varied).map(|((key, _), value)| {
            let key = if alone(key) { last(key) } else { key.replace('.', "-") };
            format!("{}-{}", key.replace('_', "-"), word(value))
        });
        let variant = variant.map(str::to_owned).into_iter();
        variant.chain(words).chain([format!("seed-{seed}")]).collect::<Vec<_>>().join("_")
    }
}

/// Whether a letter may stand in the name of a run, which is one for a folder on any system.
fn sane(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '+')
}

/// A value as a part of a name. What is lost of it is told by a sum, so that no two are the same.
fn word(value: &str) -> String {
    let plain = value.trim_matches('"');
    if !plain.is_empty() && plain.len() <= MOST_OF_VALUE && plain.chars().all(sane) {
        return plain.to_owned();
    }
    let kept: String =
        plain.chars().map(|letter| if sane(letter) { letter } else { '-' }).take(MOST_OF_VALUE).collect();
    let sum: String = Sha256::digest(value).iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    match kept.trim_matches('-') {
        "" => sum,
        kept => format!("{kept}-{sum}"),
    }
}

/// The values in a list `A,B,C`. A comma inside of brackets, braces or quotes parts nothing.
///
/// # Errors
/// Says what is not closed, or is missing.
pub fn split(list: &str) -> Result<Vec<String>, String> {
    let (mut parts, mut open, mut quote) = (vec![String::new()], Vec::new(), None);
    let mut letters = list.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, ',') if open.is_empty() => {
                parts.push(String::new());
                continue;
            }
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[') => open.push(']'),
            (None, '{') => open.push('}'),
            (None, ']' | '}') => {
                let closed = open.pop();
                if closed != Some(letter) {
                    return Err(format!(
                        "there is no bracket that `{letter}` closes; put quotes around a text: \"...\""
                    ));
                }
            }
            (Some('"'), '\\') => {
                // What follows ends no quotation.
                if let (Some(part), Some(next)) = (parts.last_mut(), letters.next()) {
                    part.extend([letter, next]);
                }
                continue;
            }
            (Some(end), letter) if end == letter => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    if let Some(missing) = open.pop().or(quote) {
        return Err(format!("a `{missing}` is missing at its end; put quotes around a text: \"...\""));
    }
    let parts: Vec<String> = parts.iter().map(|part| part.trim().to_owned()).collect();
    if parts.len() > 1 && parts.iter().any(String::is_empty) {
        return Err("there is nothing on one side of a comma; write \"\" for an empty text".to_owned());
    }
    Ok(parts)
}

/// Seeds as people write them: `1, 2, 3`, `1-5`, or both.
///
/// # Errors
/// Says which part is no seed.
pub fn seeds(text: &str) -> Result<Vec<u64>, String> {
    let mut found = Vec::new();
    let number = |part: &str| part.trim().parse::<u64>().ok().filter(|seed| i64::try_from(*seed).is_ok());
    for part in text.split([',', ' ', ';']).map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first), number(last)),
            None => (number(part), number(part)),
        };
        let (Some(first), Some(last)) = (first, last) else {
            return Err(format!("{part} is no seed: write 1, 2, 3 or 1-5"));
        };
        if last < first || last - first >= MOST_RUNS as u64 || found.len() + (last - first) as usize >= MOST_RUNS {
            return Err(format!("{part}: at most {MOST_RUNS} runs at once, from the smaller seed to the larger"));
        }
        found.extend((first..=last).filter(|seed| !found.contains(seed)).collect::<Vec<_>>());
    }
    if found.is_empty() { Err("Name a seed, such as 1".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_as_people_write_them() {
        assert_eq!(seeds("1, 2,3"), Ok(vec![1, 2, 3]));
        assert_eq!(seeds("7 5-6; 5"), Ok(vec![7, 5, 6]));
        for text in ["", "a", "-1", "1-", "3-1", "0-1000", "99999999999999999999", "1.5", "9223372036854775808"] {
            assert!(seeds(text).is_err(), "{text}");
        }
        assert_eq!(seeds("0-999").map(|seeds| seeds.len()), Ok(1000));
    }

    fn sweep(set: &[&str], seeds: &[u64]) -> Result<Sweep, ConfigError> {
        let set: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
        Sweep::new(Config::default(), &set, Vec::new(), Some(seeds.to_vec()))
    }

    #[test]
    fn every_combination_has_every_seed_and_a_name_of_its_own() {
        let set = ["loss.r1=0, 2.5", "generator.attention=[16,32],[]", "train.steps=7", "data.source=\"a,b\""];
        let sweep = sweep(&set, &[1, 2]).unwrap();
        assert_eq!((sweep.base.train.steps, sweep.base.data.source.as_str()), (7, "a,b"));
        let runs = sweep.runs().unwrap();
        assert_eq!(runs.len(), 8);
        let told = |run: &SweepRun| (run.config.loss.r1, run.config.generator.attention.clone(), run.config.train.seed);
        assert_eq!(told(&runs[0]), (0.0, vec![16, 32], 1));
        assert_eq!(told(&runs[1]), (0.0, vec![16, 32], 2));
        assert_eq!(told(&runs[7]), (2.5, vec![], 2));
        let names: std::collections::BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))),
            "{names:?}"
        );
        assert!(runs[7].name.starts_with("r1-2.5_attention-") && runs[7].name.ends_with("_seed-2"), "{}", runs[7].name);
    }

    #[test]
    fn keys_of_one_last_word_are_told_apart_and_so_are_values_that_look_alike() {
        let both = sweep(&["generator.base_channels=4,8", "discriminator.base_channels=4,8"], &[1]).unwrap();
        assert_eq!(both.runs().unwrap()[1].name, "generator-base-channels-4_discriminator-base-channels-8_seed-1");
        let alike = sweep(&["data.source=a/b,a:b"], &[1]).unwrap().runs().unwrap();
        assert_ne!(alike[0].name, alike[1].name);
    }

    #[test]
    fn commas_part_values_but_not_inside_of_brackets_and_quotes() {
        let parts = |text: &str| split(text).unwrap();
        assert_eq!(parts("a, b"), ["a", "b"]);
        assert_eq!(parts("[1,2],[3]"), ["[1,2]", "[3]"]);
        assert_eq!(parts(r#""a,\"b",'c,d'"#), [r#""a,\"b""#, "'c,d'"]);
        assert_eq!(parts("{a=1,b=2}"), ["{a=1,b=2}"]);
        assert_eq!(parts(""), [""]);
        for text in ["a,", ",a", "[1,2", "1]", "\"a", "[1}", "a,,b"] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_gives_the_same_sweep_and_may_be_written_by_hand() {
        let made = sweep(&["loss.r1=0,2.5", "loss.kind=hinge,bce", "generator.attention=[16],[]"], &[1, 2, 9]).unwrap();
        assert_eq!(Sweep::from_toml(&made.to_toml()).unwrap(), made);
        let none = sweep(&[], &[4]).unwrap();
        assert_eq!(Sweep::from_toml(&none.to_toml()).unwrap(), none);
        let text = "preset = \"original\"\nseeds = \"1-3\"\n[values]\nloss.lecam = [0, 0.3]\n[base]\ntrain.steps = 7\n";
        let by_hand = Sweep::from_toml(text).unwrap();
        assert_eq!((by_hand.seeds.len(), by_hand.base.train.steps), (3, 7));
        assert_eq!(by_hand.base.loss.kind, Preset::Original.config().loss.kind);
        assert_eq!(by_hand.values, [("loss.lecam".to_owned(), vec!["0.0".to_owned(), "0.3".to_owned()])]);
        for (text, part) in [
            ("sedes = 1", "sedes"),
            ("[values]\nloss.lecam = 1", "list"),
            ("[values]\nloss.lecams = [1]", "loss.lecam"),
            ("seeds = \"x\"", "seeds"),
            ("preset = \"best\"", "preset"),
            ("values = 3", "section"),
        ] {
            let told = Sweep::from_toml(text).unwrap_err().to_string();
            assert!(told.contains(part), "{text}: {told}");
        }
    }

    #[test]
    fn every_variant_has_every_value_and_every_seed() {
        let variants = ["base", "pixels: preset=improved, generator.attention=[]"];
        let variants: Vec<Variant> = variants.iter().map(|text| Variant::parse(text).unwrap()).collect();
        let set = ["loss.r1=0,1".to_owned()];
        let sweep = Sweep::new(Preset::Quick.config(), &set, variants, Some(vec![1, 2])).unwrap();
        let runs = sweep.runs().unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!((runs.len(), names[0], names[7]), (8, "base_r1-0.0_seed-1", "pixels_r1-1.0_seed-2"));
        assert_eq!(runs[7].variant.as_deref(), Some("pixels"));
        assert_eq!(runs[7].config.optimizer, Preset::Improved.config().optimizer);
        assert_eq!(Sweep::from_toml(&sweep.to_toml()).unwrap(), sweep);
        let again = |set: &[&str], variants: &[&str]| {
            let set: Vec<String> = set.iter().map(|entry| (*entry).to_owned()).collect();
            let variants = variants.iter().map(|text| Variant::parse(text).unwrap()).collect();
            Sweep::new(Config::default(), &set, variants, None).unwrap_err().to_string()
        };
        assert!(again(&[], &["a", "a"]).contains("called a"));
        assert!(again(&["loss.r1=0,1"], &["a: loss.r1=2"]).contains("loss.r1"));
        for (text, part) in [
            ("[[variants]]\nset = {}", "name"),
            ("variants = 1", "[[variants]]"),
            ("[[variants]]\nname = \"a\"\nsets = {}", "sets"),
            ("[[variants]]\nname = \"a\"\nset = { loss.r11 = 1 }", "loss.r1"),
        ] {
            let told = Sweep::from_toml(text).unwrap_err().to_string();
            assert!(told.contains(part), "{text}: {told}");
        }
    }

    #[test]
    fn what_would_be_too_much_or_unclear_is_refused() {
        assert!(sweep(&["loss.r1=0,1", "loss.r1=2"], &[1]).unwrap_err().to_string().contains("twice"));
        assert!(sweep(&["train.seed=1,2"], &[1]).unwrap_err().to_string().contains("--seeds"));
        assert!(sweep(&["loss.r1=much,more"], &[1]).unwrap_err().to_string().contains("loss.r1"));
        let many: Vec<u64> = (0..501).collect();
        assert!(sweep(&["loss.r1=0,1"], &many).unwrap().runs().unwrap_err().to_string().contains("1002 runs"));
    }
}
