//! One declaration an option: its default and range, what it is called and means, and what makes it be read.
//!
//! Here `C` is the whole configuration, of which a key knows no more than that it holds the key's section.
//!
//! `section!` writes the struct of a section, its defaults and its [`Key`]s from one list. The check of ranges, the warnings
//! of settings that nothing reads, the comments of `run.toml`, `docs/options.md`, the rows of the window and the walk of the
//! tests all derive from the keys.

mod bounds;
mod draft;

use super::Choice;
use super::problem::ProblemList;
pub use bounds::Bounds;
pub(super) use draft::{Draft, section};

/// An option.
pub struct Key<C> {
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
    pub kind: Kind<C>,
    when: Vec<(When, Holds<C>)>,
    same: Same<C>,
}

/// Whether two configurations have the same value of an option.
type Same<C> = Box<dyn Fn(&C, &C) -> bool + Send + Sync>;

/// Whether a condition holds.
type Holds<C> = Box<dyn Fn(&C) -> bool + Send + Sync>;

/// What the values of an option are, and where they lie.
pub enum Kind<C> {
    /// A whole number.
    Count(Lens<C, usize>, Bounds<usize>),
    /// A number that chance starts from.
    Seed(Lens<C, u64>, Bounds<u64>),
    /// A number with a fraction.
    Fraction(Lens<C, f64>, Bounds<f64>),
    /// A number with a fraction, of half as many digits.
    Share(Lens<C, f32>, Bounds<f32>),
    /// Yes or no.
    Switch(Lens<C, bool>),
    /// One of a fixed set of names.
    Choice(Box<dyn Choices<C>>),
    /// Text, and what the field shows while it is empty.
    Text(Lens<C, String>, &'static str),
    /// A list, a table, or a number that depends on others: it has a check and a control of its own.
    Own,
}

/// Where a value lies in a configuration.
pub struct Lens<C, T> {
    /// To look at it.
    pub get: fn(&C) -> &T,
    /// To set it.
    pub get_mut: fn(&mut C) -> &mut T,
}

/// An option with a fixed set of names, whatever its type.
pub trait Choices<C>: Send + Sync {
    /// Each name with what it does, in the order shown.
    fn all(&self) -> Vec<(&'static str, &'static str)>;
    /// The one that is set.
    fn chosen(&self, config: &C) -> &'static str;
    /// Sets the one of this name; another name changes nothing.
    fn choose(&self, config: &mut C, name: &str);
}

impl<C, T: Choice> Choices<C> for Lens<C, T> {
    fn all(&self) -> Vec<(&'static str, &'static str)> {
        T::ALL.iter().map(|choice| (choice.key(), choice.about())).collect()
    }

    fn chosen(&self, config: &C) -> &'static str {
        (self.get)(config).key()
    }

    fn choose(&self, config: &mut C, name: &str) {
        if let Some(choice) = T::ALL.iter().find(|choice| choice.key() == name) {
            *(self.get_mut)(config) = *choice;
        }
    }
}

/// What an option is read under.
#[derive(Clone, Copy)]
pub struct When {
    only: &'static str,
    by: &'static [&'static str],
    is_part: bool,
}

/// A condition on a section, under which an option is read.
pub struct Condition<S> {
    when: When,
    holds: fn(&S) -> bool,
}

impl<S> Condition<S> {
    /// What makes it be read, after "only" (`with an R1 penalty above 0`); the settings that decide it, and whether they do.
    pub(super) const fn new(only: &'static str, by: &'static [&'static str], holds: fn(&S) -> bool) -> Self {
        Self { when: When { only, by, is_part: false }, holds }
    }

    /// It belongs to something that the run does not have, such as another family of networks: there is no row for it in the
    /// window, and its range does not matter.
    pub(super) const fn part(mut self) -> Self {
        self.when.is_part = true;
        self
    }
}

impl When {
    /// Why it is not read, as a control that is turned off says it.
    pub fn reason(&self) -> String {
        format!("Only {}", self.only)
    }

    /// What is not read, because of which setting, and what would make it be read. `value_of` gives values of settings.
    pub(super) fn message(&self, value_of: impl Fn(&str) -> Option<String>) -> String {
        let value = |key: &&str| {
            let value = value_of(key)?;
            Some(format!("{key} is {}", value.strip_suffix(".0").unwrap_or(&value)))
        };
        let by: Vec<String> = self.by.iter().filter_map(value).collect();
        let since = if by.is_empty() { String::new() } else { format!(", since {}", by.join(" and ")) };
        format!("it has no effect{since}: it is read only {}", self.only)
    }
}

impl<C> Key<C> {
    /// The section that it stands in; empty for the keys before the sections.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The first condition that keeps it from being read.
    pub fn unread(&self, config: &C) -> Option<&When> {
        self.when.iter().find(|(_, holds)| !holds(config)).map(|(when, _)| when)
    }

    /// Whether it belongs to what the run has: families of networks, a source of images.
    pub fn is_part(&self, config: &C) -> bool {
        !self.when.iter().any(|(when, holds)| when.is_part && !holds(config))
    }

    /// Whether two configurations have the same value of it.
    pub fn is_same(&self, a: &C, b: &C) -> bool {
        (self.same)(a, b)
    }

    /// An error where its number lies outside its bounds.
    pub(super) fn check_range(&self, config: &C, list: &mut ProblemList) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::tests::told;
    use crate::config::{Config, Level, Preset, options};

    fn with(base: &Config, entries: &[&str]) -> Config {
        base.with(entries).unwrap()
    }

    #[test]
    fn what_a_control_offers_is_allowed_and_what_lies_beyond_is_an_error() {
        /// Both ends of what is offered, and what lies beyond them.
        fn try_all<T: Copy>(key: &Key<Config>, lens: &Lens<Config, T>, inside: [T; 2], outside: &[T]) {
            for (value, allowed) in
                inside.map(|value| (value, true)).into_iter().chain(outside.iter().map(|v| (*v, false)))
            {
                let mut config = Config::default();
                *(lens.get_mut)(&mut config) = value;
                let mut list = ProblemList::new(|_| None);
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
        for (key, when) in options::ALL.iter().flat_map(|key| key.when.iter().map(move |(when, _)| (key, when))) {
            assert!(
                when.by.iter().all(|by| options::find(by).is_some() && *by != key.key),
                "{}: {:?}",
                key.key,
                when.by
            );
            let message = when.message(|key| Config::default().value_of(key));
            assert!(when.by.iter().all(|by| message.contains(by)) && when.reason().starts_with("Only "), "{message}");
        }
    }
}
