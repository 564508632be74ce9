//! How a key is declared: types that an option may have, and the words that `section!` knows.

use super::bounds::{Bounds, Limits};
use super::{Condition, Key, Kind, Lens};
use crate::config::{Choice, Metric, ScanWindow};

/// The struct of a section with its defaults and its keys: of each option the type, the default, the label, what else there
/// is to be said of it (the methods of [`Draft`]), and after the arrow its text, which is also the documentation of the field.
/// `beside` names another section that conditions look at.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident in $section:ident $(beside $other:ident)? {
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
            pub(super) fn keys<C>() -> Vec<$crate::config::key::Key<C>>
            where
                C: AsRef<Self> + AsMut<Self> $(+ AsRef<$other>)? + 'static,
            {
                use $crate::config::key::{Draft, Lens};
                vec![$({
                    let key = concat!(stringify!($section), ".", stringify!($field));
                    let lens = Lens::<C, $type> {
                        get: |c| &AsRef::<Self>::as_ref(c).$field,
                        get_mut: |c| &mut AsMut::<Self>::as_mut(c).$field,
                    };
                    Draft::new(key, $label, $text, lens)$(.$how($($($value)*)?))*.done()
                },)+]
            }
        }
    };
}
pub(in crate::config) use section;

/// Larger than any count that somebody means.
const MANY: usize = 1_000_000_000;

/// A type that the value of an option may have.
pub trait Setting: PartialEq + Sized + 'static {
    /// What bounds its values.
    type Bounds;
    /// Those of an option that names none.
    fn bounds() -> Self::Bounds;
    /// How it is checked and shown.
    fn kind<C: 'static>(_: Lens<C, Self>, _: Self::Bounds) -> Kind<C> {
        Kind::Own
    }
    /// Its values in words; nothing where an option must say them itself.
    fn values(_: &Self::Bounds) -> String {
        String::new()
    }
    /// All its values, where they can be counted on the fingers.
    fn walk() -> Vec<&'static str> {
        Vec::new()
    }
}

macro_rules! settings {
    (numbers: $($number:ty => $kind:ident up to $most:expr),+; others: $($other:ty),+) => {
        $(impl Setting for $number {
            type Bounds = Bounds<Self>;
            fn bounds() -> Bounds<Self> { Bounds::up_to(0 as Self, $most) }
            fn kind<C: 'static>(lens: Lens<C, Self>, bounds: Bounds<Self>) -> Kind<C> { Kind::$kind(lens, bounds) }
            fn values(bounds: &Bounds<Self>) -> String { bounds.values() }
        })+
        $(impl Setting for $other {
            type Bounds = ();
            fn bounds() {}
        })+
    };
}
settings! {
    numbers:
    usize => Count up to MANY,
    // What fits an integer of TOML.
    u64 => Seed up to i64::MAX as u64,
    f64 => Fraction up to 1e6,
    f32 => Share up to 1e6;
    others:
    Vec<usize>,
    Vec<String>,
    Vec<Metric>,
    ScanWindow,
    std::collections::BTreeMap<String, f64>
}

impl Setting for String {
    type Bounds = &'static str;
    fn bounds() -> &'static str {
        ""
    }
    fn kind<C: 'static>(lens: Lens<C, Self>, hint: &'static str) -> Kind<C> {
        Kind::Text(lens, hint)
    }
}

impl Setting for bool {
    type Bounds = ();
    fn bounds() {}
    fn kind<C: 'static>(lens: Lens<C, Self>, (): ()) -> Kind<C> {
        Kind::Switch(lens)
    }
    fn values((): &()) -> String {
        "true or false".to_owned()
    }
    fn walk() -> Vec<&'static str> {
        vec!["false", "true"]
    }
}

impl<T: Choice> Setting for T {
    type Bounds = ();
    fn bounds() {}
    fn kind<C: 'static>(lens: Lens<C, Self>, (): ()) -> Kind<C> {
        Kind::Choice(Box::new(lens))
    }
    fn values((): &()) -> String {
        let names: Vec<String> = T::ALL.iter().map(|choice| format!("\"{}\"", choice.key())).collect();
        match names.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            Some(_) | None => names.concat(),
        }
    }
    fn walk() -> Vec<&'static str> {
        T::ALL.iter().map(|choice| choice.key()).collect()
    }
}

/// A key that is being declared.
pub struct Draft<C, T: Setting> {
    key: Key<C>,
    lens: Lens<C, T>,
    bounds: T::Bounds,
    is_own: bool,
}

impl<C: 'static, T: Setting> Draft<C, T> {
    /// An option with this name, label and text.
    pub fn new(key: &'static str, label: &'static str, text: &'static str, lens: Lens<C, T>) -> Self {
        let get = lens.get;
        let key = Key {
            key,
            label,
            text,
            values: String::new(),
            paper: "",
            is_live: false,
            is_free: false,
            is_recipe: false,
            walk: T::walk(),
            kind: Kind::Own,
            when: Vec::new(),
            same: Box::new(move |a, b| get(a) == get(b)),
        };
        Self { key, lens, bounds: T::bounds(), is_own: false }
    }

    /// A running run can take a new value.
    pub fn live(mut self) -> Self {
        self.key.is_live = true;
        self
    }

    /// A session may go on with another value.
    pub fn free(mut self) -> Self {
        self.key.is_free = true;
        self
    }

    /// It says which kind of networks and loss a run has.
    pub fn recipe(mut self) -> Self {
        self.key.is_recipe = true;
        self
    }

    /// It is read only where this holds too.
    pub fn when<S: 'static>(mut self, Condition { when, holds }: Condition<S>) -> Self
    where
        C: AsRef<S>,
    {
        self.key.when.push((when, Box::new(move |config: &C| holds(config.as_ref()))));
        self
    }

    /// The paper that it comes from.
    pub fn paper(mut self, paper: &'static str) -> Self {
        self.key.paper = paper;
        self
    }

    /// Its values in words, where its type and its bounds do not say enough.
    pub fn says(mut self, values: &'static str) -> Self {
        self.key.values = values.to_owned();
        self
    }

    /// Values worth trying beside the default.
    pub fn walk(mut self, values: &[&'static str]) -> Self {
        self.key.walk = values.to_vec();
        self
    }

    /// It has a check and a control of its own.
    pub fn own(mut self) -> Self {
        self.is_own = true;
        self
    }

    /// The key.
    pub fn done(self) -> Key<C> {
        let Self { mut key, lens, bounds, is_own } = self;
        if key.values.is_empty() {
            key.values = T::values(&bounds);
        }
        if !is_own {
            key.kind = T::kind(lens, bounds);
        }
        key
    }
}

impl<C> Draft<C, String> {
    /// What its field shows while it is empty.
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.bounds = hint;
        self
    }
}

impl<C, T: Setting<Bounds = Bounds<T>>> Draft<C, T> {
    /// The numbers that it may be.
    pub fn within(mut self, limits: impl Limits<T>) -> Self {
        limits.bound(&mut self.bounds);
        self
    }

    /// What 0 stands for, such as `off`.
    pub fn zero(mut self, zero: &'static str) -> Self {
        self.bounds.zero = zero;
        self
    }

    /// What stands behind its bounds, such as ` steps`.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.bounds.unit = unit;
        self
    }

    /// Why less is impossible. The default mends it.
    pub fn why(mut self, why: &'static str) -> Self {
        self.bounds.why = why;
        self
    }

    /// Not the nearest allowed number mends one that is not allowed, but the default.
    pub fn else_default(mut self) -> Self {
        self.bounds.else_default = true;
        self
    }
}
