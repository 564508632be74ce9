//! Where sessions live and what they are called.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use super::{CHECKPOINTS, EVENTS, RUN, checkpoints, removal, untrusted};
use crate::config::{Config, Preset, options};

/// The folder that was chosen for all sessions in this process.
static CHOSEN: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Chooses the folder that holds all sessions, for as long as this process lives; nothing takes the usual one again.
pub fn choose_root(folder: Option<PathBuf>) {
    *CHOSEN.write().unwrap_or_else(PoisonError::into_inner) = folder;
}

/// The folder that holds all sessions: the one that was chosen ([`choose_root`]), or else `sessions` in the working folder where
/// that exists, or else one below the user's data folder.
pub fn root() -> PathBuf {
    let chosen = CHOSEN.read().unwrap_or_else(PoisonError::into_inner).clone();
    chosen.unwrap_or_else(usual_root)
}

fn usual_root() -> PathBuf {
    let here = Path::new("sessions");
    if here.is_dir() {
        return here.to_owned();
    }
    data_folder().map_or_else(|| here.to_owned(), |folder| folder.join("sessions"))
}

/// What this program keeps for the user: the folder that `GANDLE_DATA_DIR` names, else the system's place for such data.
pub(super) fn data_folder() -> Option<PathBuf> {
    let named = std::env::var_os("GANDLE_DATA_DIR").filter(|folder| !folder.is_empty());
    let own = || directories::ProjectDirs::from("", "", "gandle").map(|dirs| dirs.data_dir().to_owned());
    named.map(PathBuf::from).or_else(own)
}

/// A folder for a new session, named by date, data and preset. It is made at once, so that no other run gets the same.
pub fn new_folder(config: &Config) -> PathBuf {
    free_folder(&root(), &name_for(config, SystemTime::now()))
}

/// Gives back a folder of [`new_folder`] in which nothing was written.
pub fn release(folder: &Path) {
    if folder.parent() == Some(root().as_path()) {
        removal::empty(folder);
    }
}

/// The name that a run started at `now` (UTC) gets, where it is free.
pub fn name_for(config: &Config, now: SystemTime) -> String {
    let now = chrono::DateTime::<chrono::Utc>::from(now).format("%Y-%m-%d-%H%M");
    let data = Path::new(&config.data.source).file_name().map_or("data".into(), |name| name.to_string_lossy());
    let data: String = data.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).take(40).collect();
    format!("{now}-{data}-{}", short_name(config))
}

/// Letters of what a name says beside its preset, at most.
const MOST_OF_NAME: usize = 48;
/// Letters of a value in a name, at most; one that is longer is left out.
const MOST_OF_VALUE: usize = 12;

/// The preset that a configuration is nearest to, and by what it differs from it: `quick-lecam0.3-seed2`. Only letters, digits,
/// points, dashes and underscores stand in it; what has no room is counted.
fn short_name(config: &Config) -> String {
    let base = |preset: Preset| preset.config_at(config.image_size);
    let differing = |preset: &Preset| config.differences(&base(*preset)).len();
    let same = Preset::ALL.into_iter().filter(|preset| same_recipe(&preset.config(), config));
    let (nearest, name) = match same.min_by_key(differing) {
        Some(preset) => (preset, preset.name()),
        None => (Preset::ALL.into_iter().min_by_key(differing).unwrap_or(Preset::DEFAULT), "custom"),
    };
    let size = (config.image_size != nearest.config().image_size).then(|| format!("{}px", config.image_size));
    let mut words: Vec<String> = size.into_iter().collect();
    let differences = config.differences(&base(nearest));
    let (seed, others): (Vec<_>, Vec<_>) = differences.iter().partition(|(key, ..)| key == "train.seed");
    words.extend(seed.into_iter().chain(others).filter_map(|(key, now, before)| word(key, now, before)));
    let (mut said, mut left) = (String::new(), words.len());
    for word in &words {
        // Room for the count of the others stays.
        if said.len() + word.len() + 1 > MOST_OF_NAME {
            break;
        }
        said = format!("{said}-{word}");
        left -= 1;
    }
    if left > 0 { format!("{name}{said}-and-{left}-more") } else { format!("{name}{said}") }
}

/// How a name says that a key has another value than its preset's; nothing for what is said otherwise or changes no training.
fn word(key: &str, now: &str, before: &str) -> Option<String> {
    let aside = ["data.source", "data.workers", "data.memory_limit", "data.cache", "train.device", "train.threads"];
    // How files were read before these settings, or are now.
    let reading = ["data.scans", "data.split_by"];
    let stored = [
        "train.checkpoint_every",
        "train.checkpoint_seconds",
        "train.keep_checkpoints",
        "train.keep_every",
        "train.grid_every",
    ];
    if aside.contains(&key)
        || reading.contains(&key)
        || stored.contains(&key)
        || key.starts_with("score.")
        || key == "train.grid_columns"
    {
        return None;
    }
    let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
    // Both networks have options of the same names.
    let of = match section {
        "generator" => "g-",
        "discriminator" => "d-",
        _ => "",
    };
    let last = last.replace('_', "-");
    let plain = now.trim_matches(['"', '[', ']']);
    let sane = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    Some(match (now, before) {
        ("true", _) => format!("{of}{last}"),
        ("false", _) => format!("no-{of}{last}"),
        _ if plain.is_empty() => format!("no-{of}{last}"),
        _ if plain.len() > MOST_OF_VALUE || !plain.chars().all(sane) => format!("{of}{last}"),
        // A word says enough, but for those that many options have.
        _ if now.starts_with('"') && last == "kind" => plain.to_owned(),
        _ if now.starts_with('"') => format!("{of}{last}-{plain}"),
        // `r1` and `1` would be `r11`.
        _ if last.ends_with(|letter: char| letter.is_ascii_digit()) => format!("{of}{last}-{plain}"),
        _ => format!("{of}{last}{plain}"),
    })
}

/// Whether two runs have the same kind of networks and loss.
fn same_recipe(a: &Config, b: &Config) -> bool {
    options::ALL.iter().filter(|key| key.is_recipe).all(|key| key.is_same(a, b))
}

fn free_folder(root: &Path, name: &str) -> PathBuf {
    let numbered = |n: u32| if n == 1 { root.join(name) } else { root.join(format!("{name}-{n}")) };
    // A root that cannot be made is told when the session is written.
    std::fs::create_dir_all(root).ok();
    let taken = |folder: &PathBuf| {
        std::fs::create_dir(folder).is_err_and(|err| err.kind() == std::io::ErrorKind::AlreadyExists)
    };
    (1..).map(numbered).find(|folder| !taken(folder)).unwrap_or_else(|| root.join(name))
}

/// A session as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its folder.
    pub folder: PathBuf,
    /// The folder's name.
    pub name: String,
    /// Steps of its newest checkpoint.
    pub steps: usize,
    /// When it last wrote an event.
    pub modified: SystemTime,
}

/// All sessions, newest first.
pub fn list() -> Vec<Listed> {
    list_in(&root())
}

/// All sessions below a folder, newest first.
pub fn list_in(root: &Path) -> Vec<Listed> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut found: Vec<Listed> = entries.flatten().filter_map(|entry| listed(entry.path())).collect();
    found.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| b.name.cmp(&a.name)));
    found
}

/// Bytes of all files below a folder, as long as they are; what cannot be read counts nothing.
pub fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        // A link counts as what it is, so that nothing is counted twice or for ever.
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// Bytes of all checkpoints of a session.
pub fn checkpoints_size(session: &Path) -> u64 {
    size_of(session, CHECKPOINTS)
}

/// Bytes below a folder of a session; a link in its place leads nowhere.
pub(super) fn size_of(session: &Path, name: &str) -> u64 {
    if untrusted::entries(session, name).is_ok() { size(&session.join(name)) } else { 0 }
}

fn listed(folder: PathBuf) -> Option<Listed> {
    // What nobody can open is listed as well, so that it can be deleted.
    let run = std::fs::symlink_metadata(folder.join(RUN)).ok()?;
    let events = std::fs::symlink_metadata(folder.join(EVENTS));
    let modified = events.unwrap_or(run).modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let steps = checkpoints(&folder).last().copied().unwrap_or(0);
    Some(Listed { folder, name, steps, modified })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_carry_date_data_and_preset() {
        let mut config = Preset::Original.config();
        config.data.source = "/x/Blood cells (2024)".into();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(name_for(&config, at(951_827_696)), "2000-02-29-1234-Blood-cells--2024--original");
        config.loss.kind = crate::config::LossKind::Hinge;
        let name = name_for(&config, at(0));
        assert!(name.starts_with("1970-01-01-0000-Blood-cells--2024--custom-"), "{name}");
    }

    #[test]
    fn names_say_what_differs_from_the_preset() {
        let named = |set: &[&str]| short_name(&Preset::Quick.config().with(set).unwrap());
        assert_eq!(named(&[]), "quick");
        assert_eq!(named(&["train.seed=2", "loss.lecam=0.3"]), "quick-seed2-lecam0.3");
        assert_eq!(named(&["image_size=32", "train.steps=8000"]), "quick-32px-steps8000");
        assert_eq!(named(&["data.flip_horizontal=true", "data.balance=false"]), "quick-no-balance-flip-horizontal");
        assert_eq!(
            named(&["generator.base_channels=8", "discriminator.base_channels=8"]),
            "quick-g-base-channels8-d-base-channels8"
        );
        assert_eq!(named(&["optimizer.generator_lr=0.0002"]), "quick-generator-lr0.0002");
        // Another kind of networks or of loss makes it a run of its own, whatever it began as.
        for key in options::ALL.iter().filter(|key| key.is_recipe) {
            let present = Preset::Quick.config().value_of(key.key).unwrap();
            let value = key.walk.iter().find(|value| **value != present.trim_matches('"')).unwrap();
            let name = named(&[&format!("{}={value}", key.key)]);
            assert!(name.starts_with("custom-"), "{} = {value}: {name}", key.key);
        }
        // What says nothing of the training, or would be no name of a file, stays out.
        assert_eq!(named(&["train.device=cuda:0", "data.workers=3", "score.every=7"]), "quick");
        assert_eq!(named(&["data.group_by=^(\\d+)_"]), "quick-group-by");
        let many = [
            "train.steps=8",
            "loss.lecam=0.3",
            "loss.r1=1",
            "train.seed=12345678901",
            "data.rotation=10",
            "data.zoom=0.2",
            "train.batch_size=3",
        ];
        let name = named(&many);
        assert!(name.len() < MOST_OF_NAME + 24 && name.ends_with("-more") && name.starts_with("quick-"), "{name}");
        // Two sweeps of a value have two names.
        assert_ne!(named(&["loss.lecam=0.3"]), named(&["loss.lecam=0.1"]));
    }

    #[test]
    fn all_files_of_a_session_count() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::fs::write(root.path().join("one"), [0; 100]).unwrap();
        std::fs::write(root.path().join("a/b/two"), [0; 23]).unwrap();
        assert_eq!(size(root.path()), 123);
        assert_eq!(size(&root.path().join("nowhere")), 0);
    }

    #[test]
    fn a_taken_name_is_numbered() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(free_folder(root.path(), "a"), root.path().join("a"));
        assert_eq!(free_folder(root.path(), "a"), root.path().join("a-2"));
        assert!(root.path().join("a").is_dir() && root.path().join("a-2").is_dir());
    }
}
