//! One declaration an option: its default and range, what it is called and means, and what makes it be read.
//!
//! `section!` writes the struct of a section, its defaults and its [`Key`]s from one list. The check of ranges, the warnings
//! of settings that nothing reads, the comments of `run.toml`, `docs/options.md`, the rows of the window and the walk of the
//! tests all derive from the keys.

mod bounds;
mod draft;

use std::sync::LazyLock;

use super::problem::ProblemList;
use super::{Choice, Config, Level, Preset, options};
pub use bounds::Bounds;
pub(super) use draft::Draft;

/// The struct of a section with its defaults and its keys: of each option the type, the default, the label, what else there
/// is to be said of it (the methods of [`Draft`]), and after the arrow its text, which is also the documentation of the field.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident in $section:ident {
            $($field:ident: $type:ty = $default:expr, $label:literal $(, $how:ident $(($($value:tt)*))?)* => $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        pub struct $name { $(#[doc = $text] pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            /// Its keys, in the order of `run.toml`.
            pub(super) fn keys() -> Vec<$crate::config::Key> {
                use $crate::config::key::{Draft, Lens};
                vec![$({
                    let key = concat!(stringify!($section), ".", stringify!($field));
                    let lens = Lens { get: |c| &c.$section.$field, get_mut: |c| &mut c.$section.$field };
                    Draft::<$type>::new(key, $label, $text, lens)$(.$how($($($value)*)?))*.done()
                },)+]
            }
        }
    };
}
pub(super) use section;

/// An option.
pub struct Key {
    /// Its name, sections with a dot (`train.steps`).
    pub key: &'static str,
    /// Its name in the window.
    pub label: &'static str,
    /// What it does and what it costs, in about two sentences.
    pub text: &'static str,
    /// Allowed values and units.
    pub values: String,
    /// The paper that it comes from, where there is one.
    pub paper: &'static str,
    /// Whether a running run can take a new value: it shapes neither the networks nor the data nor the order of chance.
    pub is_live: bool,
    /// Whether a session may go on with another value and still be the same run: where it reads, computes and stores, and how
    /// often it stores, which changes nothing of what is computed, apart from the rounding of another device or number of threads.
    pub is_free: bool,
    /// Whether it says which kind of networks and loss a run has: by these a run counts as one of a preset or as one of its own.
    pub is_recipe: bool,
    /// Values, as in `run.toml`, that are worth trying beside its default where options are tried together.
    pub walk: Vec<&'static str>,
    /// What its values are, and where they lie.
    pub kind: Kind,
    when: Vec<When>,
    same: Same,
}

/// Whether two configurations have the same value of an option.
type Same = Box<dyn Fn(&Config, &Config) -> bool + Send + Sync>;

/// What the values of an option are, and where they lie.
pub enum Kind {
    /// A whole number.
    Count(Lens<usize>, Bounds<usize>),
    /// A number that chance starts from.
    Seed(Lens<u64>, Bounds<u64>),
    /// A number with a fraction.
    Fraction(Lens<f64>, Bounds<f64>),
    /// A number with a fraction, of half as many digits.
    Share(Lens<f32>, Bounds<f32>),
    /// Yes or no.
    Switch(Lens<bool>),
    /// One of a fixed set of names.
    Choice(Box<dyn Choices>),
    /// Text, and what the field shows while it is empty.
    Text(Lens<String>, &'static str),
    /// A list, a table, or a number that depends on others: it has a check and a control of its own.
    Own,
}

/// Where a value lies in a configuration.
pub struct Lens<T> {
    /// To look at it.
    pub get: fn(&Config) -> &T,
    /// To set it.
    pub get_mut: fn(&mut Config) -> &mut T,
}

/// An option with a fixed set of names, whatever its type.
pub trait Choices: Send + Sync {
    /// Each name with what it does, in the order shown.
    fn all(&self) -> Vec<(&'static str, &'static str)>;
    /// The one that is set.
    fn chosen(&self, config: &Config) -> &'static str;
    /// Sets the one of this name; another name changes nothing.
    fn choose(&self, config: &mut Config, name: &str);
}

impl<T: Choice> Choices for Lens<T> {
    fn all(&self) -> Vec<(&'static str, &'static str)> {
        T::ALL.iter().map(|choice| (choice.key(), choice.about())).collect()
    }

    fn chosen(&self, config: &Config) -> &'static str {
        (self.get)(config).key()
    }

    fn choose(&self, config: &mut Config, name: &str) {
        if let Some(choice) = T::ALL.iter().find(|choice| choice.key() == name) {
            *(self.get_mut)(config) = *choice;
        }
    }
}

/// A condition under which an option is read.
#[derive(Clone, Copy)]
pub struct When {
    only: &'static str,
    by: &'static [&'static str],
    holds: fn(&Config) -> bool,
    is_part: bool,
}

impl When {
    /// What makes it be read, after "only" (`with an R1 penalty above 0`); the settings that decide it, and whether they do.
    pub(super) const fn new(only: &'static str, by: &'static [&'static str], holds: fn(&Config) -> bool) -> Self {
        Self { only, by, holds, is_part: false }
    }

    /// It belongs to something that the run does not have, such as another family of networks: there is no row for it in the
    /// window, and its range does not matter.
    pub(super) const fn part(self) -> Self {
        Self { is_part: true, ..self }
    }

    /// Why it is not read, as a control that is turned off says it.
    pub fn reason(&self) -> String {
        format!("Only {}", self.only)
    }

    /// What is not read, because of which setting, and what would make it be read.
    fn message(&self, config: &Config) -> String {
        let value = |key: &&str| {
            let value = config.value_of(key)?;
            Some(format!("{key} is {}", value.strip_suffix(".0").unwrap_or(&value)))
        };
        let by: Vec<String> = self.by.iter().filter_map(value).collect();
        let since = if by.is_empty() { String::new() } else { format!(", since {}", by.join(" and ")) };
        format!("it has no effect{since}: it is read only {}", self.only)
    }
}

impl Key {
    /// The section that it stands in; empty for the keys before the sections.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The first condition that keeps it from being read.
    pub fn unread(&self, config: &Config) -> Option<&When> {
        self.when.iter().find(|when| !(when.holds)(config))
    }

    /// Whether it belongs to what the run has: families of networks, a source of images.
    pub fn is_part(&self, config: &Config) -> bool {
        !self.when.iter().any(|when| when.is_part && !(when.holds)(config))
    }

    /// Whether two configurations have the same value of it.
    pub fn is_same(&self, a: &Config, b: &Config) -> bool {
        (self.same)(a, b)
    }

    /// Whether somebody has set it: it is neither the default, nor what a preset with such networks brings along.
    pub(super) fn is_set(&self, config: &Config) -> bool {
        static PLAIN: LazyLock<Config> = LazyLock::new(Config::default);
        static PRESETS: LazyLock<[Config; Preset::ALL.len()]> = LazyLock::new(|| Preset::ALL.map(Preset::config));
        let families = |c: &Config| (c.generator.family, c.discriminator.family);
        let presets = PRESETS.iter().filter(|preset| families(preset) == families(config));
        std::iter::once(&*PLAIN).chain(presets).all(|other| !self.is_same(other, config))
    }

    fn check_range(&self, config: &Config, list: &mut ProblemList) {
        let outside = match &self.kind {
            Kind::Count(lens, bounds) => bounds.outside(*(lens.get)(config)),
            Kind::Seed(lens, bounds) => bounds.outside(*(lens.get)(config)),
            Kind::Fraction(lens, bounds) => bounds.outside(*(lens.get)(config)),
            Kind::Share(lens, bounds) => bounds.outside(*(lens.get)(config)),
            Kind::Switch(_) | Kind::Choice(_) | Kind::Text(..) | Kind::Own => None,
        };
        match outside.filter(|_| self.is_part(config)) {
            Some((message, Some(nearest))) if self.unread(config).is_none() => {
                list.error(self.key, message).fix(self.key, nearest);
            }
            Some((message, _)) => list.mended_by_default(self.key, message),
            None => {}
        }
    }
}

impl Config {
    /// Whether anything reads a key.
    pub fn reads(&self, key: &str) -> bool {
        options::find(key).is_some_and(|key| key.unread(self).is_none())
    }

    /// Errors of the numbers of a section that lie outside their bounds.
    pub(super) fn check_ranges(&self, section: &str, list: &mut ProblemList) {
        options::ALL.iter().filter(|key| key.section() == section).for_each(|key| key.check_range(self, list));
    }

    /// Warnings of what is set and not read. What is also wrong is told as such alone.
    pub(super) fn check_unread(&self, list: &mut ProblemList) {
        for key in options::ALL.iter() {
            let wrong = list.found.iter().any(|problem| problem.level == Level::Error && problem.key == key.key);
            if let Some(when) = key.unread(self).filter(|_| !wrong && key.is_set(self)) {
                list.warning(key.key, when.message(self)).fix_by_default(key.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(config: &Config) -> Vec<(Level, &'static str)> {
        config.check(Some(3)).into_iter().map(|problem| (problem.level, problem.key)).collect()
    }

    fn with(base: &Config, entries: &[&str]) -> Config {
        base.with(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_a_control_offers_is_allowed_and_what_lies_beyond_is_an_error() {
        /// Both ends of what is offered, and what lies beyond them.
        fn try_all<T: Copy>(key: &Key, lens: &Lens<T>, inside: [T; 2], outside: &[T]) {
            for (value, allowed) in
                inside.map(|value| (value, true)).into_iter().chain(outside.iter().map(|v| (*v, false)))
            {
                let mut config = Config::default();
                *(lens.get_mut)(&mut config) = value;
                let mut list = ProblemList::default();
                key.check_range(&config, &mut list);
                assert_eq!(list.found.is_empty(), allowed || !key.is_part(&config), "{}: {:?}", key.key, list.found);
            }
        }
        let mut numbers = 0;
        for key in options::ALL.iter() {
            numbers += 1;
            match &key.kind {
                Kind::Count(lens, bounds) => {
                    let (least, most) = bounds.offered(|most| most - 1).into_inner();
                    let below = least.checked_sub(1);
                    try_all(
                        key,
                        lens,
                        [least, most],
                        &[Some(most + 1), below].into_iter().flatten().collect::<Vec<_>>(),
                    );
                }
                Kind::Seed(lens, bounds) => {
                    let (least, most) = bounds.offered(|most| most - 1).into_inner();
                    try_all(key, lens, [least, most], &[most + 1]);
                }
                Kind::Fraction(lens, bounds) => {
                    let (least, most) = bounds.offered(|most| most - 1e-6).into_inner();
                    try_all(key, lens, [least, most], &[least - 1e-3, most * 1.001 + 1e-3, f64::NAN]);
                }
                Kind::Share(lens, bounds) => {
                    let (least, most) = bounds.offered(|most| most - 1e-6).into_inner();
                    try_all(key, lens, [least, most], &[least - 1e-3, most * 1.001 + 1e-3, f32::NAN]);
                }
                Kind::Switch(_) | Kind::Choice(_) | Kind::Text(..) | Kind::Own => numbers -= 1,
            }
        }
        assert!(numbers > 50, "{numbers}");
    }

    #[test]
    fn what_is_set_and_not_read_is_told_and_what_a_preset_brings_is_not() {
        let (plain, quick) = (Config::default(), Preset::Quick.config());
        let unread = |key| vec![(Level::Warning, key)];
        assert_eq!(told(&with(&plain, &["loss.label_smoothing=0.3"])), unread("loss.label_smoothing"));
        assert_eq!(told(&with(&plain, &["loss.label_smoothing=0.3", "loss.kind=bce"])), []);
        assert_eq!(told(&with(&plain, &["loss.label_smoothing=0.1"])), []);
        assert_eq!(told(&with(&quick, &["train.blur=0", "optimizer.gap=0", "augment.translation=0"])), []);
        assert_eq!(told(&with(&quick, &["train.blur=0", "train.blur_steps=5"])), unread("train.blur_steps"));
        assert_eq!(told(&with(&quick, &["generator.attention=[32]"])), unread("generator.attention"));
        // What could not be read either is told as such, and taken back.
        let both = with(&plain, &["loss.lecam_decay=2"]);
        assert_eq!(told(&both), [(Level::Error, "loss.lecam_decay")]);
        assert_eq!(both.check(None)[0].fixed(&both), Some(plain));
    }

    #[test]
    fn every_condition_names_settings_that_there_are() {
        for (key, when) in options::ALL.iter().flat_map(|key| key.when.iter().map(move |when| (key, when))) {
            assert!(
                when.by.iter().all(|by| options::find(by).is_some() && *by != key.key),
                "{}: {:?}",
                key.key,
                when.by
            );
            let message = when.message(&Config::default());
            assert!(when.by.iter().all(|by| message.contains(by)) && when.reason().starts_with("Only "), "{message}");
        }
    }
}
