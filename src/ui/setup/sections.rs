//! The cards of the set-up: which options stand on which, and the rows that are not like the others.

use egui::Ui;

use super::super::action::Action;
use super::form::{Form, combo};
use super::{features, fit, images, network, scores};
use crate::config::{Choice as _, Conditioning, INPUT_SIZES, Key, Kind, Lens, options};

/// A card with options.
pub struct Card {
    /// Its title.
    pub name: &'static str,
    /// Whether it is open at first.
    pub is_open: bool,
    rows: &'static [Rows],
}

enum Rows {
    /// The options of a section, apart from those that a card takes by name.
    Section(&'static str),
    /// Options by name, from the first to the last.
    Span(&'static str, &'static str),
}

/// Every card, in the order shown. Options come in the order of their declarations.
pub const CARDS: [Card; 11] = [
    Card { name: "Data", is_open: true, rows: &[Rows::Section(""), Rows::Section("data")] },
    Card {
        name: "Reading and memory",
        is_open: false,
        rows: &[Rows::Span("data.table_file", "data.tile"), Rows::Span("data.workers", "data.cache")],
    },
    Card { name: "Augmentation", is_open: false, rows: &[Rows::Span("data.flip_horizontal", "data.color_jitter")] },
    Card { name: "Differentiable augmentation", is_open: false, rows: &[Rows::Section("augment")] },
    Card { name: "Generator", is_open: true, rows: &[Rows::Section("generator")] },
    Card {
        name: "Discriminator",
        is_open: true,
        rows: &[
            Rows::Span("discriminator.family", "discriminator.family"),
            Rows::Span("discriminator.input_size", "discriminator.pixel_channels"),
            Rows::Section("discriminator"),
        ],
    },
    Card {
        name: "Loss",
        is_open: true,
        rows: &[Rows::Section("loss"), Rows::Span("train.instance_noise", "train.blur_steps")],
    },
    Card { name: "Optimizer", is_open: false, rows: &[Rows::Section("optimizer")] },
    Card { name: "Growing", is_open: false, rows: &[Rows::Section("growing"), Rows::Section("transition")] },
    Card { name: "Run", is_open: true, rows: &[Rows::Section("train")] },
    Card { name: "Score", is_open: true, rows: &[Rows::Section("score")] },
];

fn span(first: &str, last: &str) -> &'static [Key] {
    let at = |name: &str| options::ALL.iter().position(|key| key.key == name);
    at(first).zip(at(last)).and_then(|(first, last)| options::ALL.get(first..=last)).unwrap_or_default()
}

/// Whether a card takes an option by name.
fn is_taken(key: &Key) -> bool {
    CARDS.iter().flat_map(|card| card.rows).any(|rows| match rows {
        Rows::Section(_) => false,
        Rows::Span(first, last) => span(first, last).iter().any(|other| other.key == key.key),
    })
}

impl Card {
    /// Its options, in the order shown.
    fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.rows.iter().flat_map(|rows| {
            let (keys, section) = match rows {
                Rows::Section(section) => (options::ALL.as_slice(), Some(*section)),
                Rows::Span(first, last) => (span(first, last), None),
            };
            keys.iter().filter(move |key| section.is_none_or(|section| key.section() == section && !is_taken(key)))
        })
    }

    /// Draws its rows. Returns what was asked for.
    #[must_use]
    pub fn rows_ui(&self, form: &mut Form<'_>, ui: &mut Ui) -> Option<Action> {
        let mut asked = None;
        for key in self.keys() {
            match SPECIAL.iter().find(|(name, _)| *name == key.key) {
                Some((_, row)) => asked = row(form, ui, key).or(asked),
                None => form.option(ui, key, None),
            }
        }
        asked
    }
}

/// A row that is not like the others. Returns what was asked for.
type Row = fn(&mut Form<'_>, &mut Ui, &'static Key) -> Option<Action>;

const SPECIAL: &[(&str, Row)] = &[
    ("image_size", images::size_row),
    ("channels", images::channels_row),
    // It stands above the others.
    ("data.source", |_, _, _| None),
    ("data.exclude", images::exclude_row),
    ("data.include", images::include_row),
    ("data.window", images::window_row),
    ("data.depth", images::depth_row),
    ("data.class_factors", images::factors_row),
    ("data.flip_vertical", images::mirror_row),
    ("generator.family", |form, ui, key| {
        network::generator_ui(ui, form.config);
        family_row(form, ui, key)
    }),
    ("generator.attention", |form, ui, key| {
        let maps = form.config.generator_maps();
        form.attention(ui, key, "Generator", &maps, |c| &mut c.generator.attention);
        None
    }),
    ("discriminator.family", |form, ui, key| {
        network::discriminator_ui(ui, form.config);
        family_row(form, ui, key)
    }),
    ("discriminator.input_size", input_size_row),
    ("discriminator.conditioning", |form, ui, key| {
        let ways = form.config.discriminator.family.conditionings();
        if let Kind::Choice(choices) = &key.kind {
            form.choice(ui, key, None, choices.as_ref(), |name| ways.iter().any(|way| way.key() == name));
        }
        None
    }),
    ("discriminator.attention", |form, ui, key| {
        let maps = form.config.discriminator_maps(form.config.image_size);
        form.attention(ui, key, "Discriminator", &maps, |c| &mut c.discriminator.attention);
        None
    }),
    ("discriminator.scales", |form, ui, key| {
        let most = fit::most_scales(form.config.image_size);
        let off = match form.config.discriminator.scales <= 1 {
            true if most == 1 => Some("Images of 16 px leave room for one scale"),
            true => grows(form),
            false => None,
        };
        let lens = Lens { get: |c| &c.discriminator.scales, get_mut: |c| &mut c.discriminator.scales };
        form.number(ui, key, off, &lens, 1..=most, "");
        None
    }),
    ("discriminator.unet", |form, ui, key| {
        let off = grows(form).filter(|_| !form.config.discriminator.unet);
        form.option(ui, key, off);
        None
    }),
    // It can always be turned off, also where it is the error to be mended.
    ("augment.adaptive", |form, ui, key| {
        let augment = &form.config.augment;
        form.option(ui, key, (!augment.is_on() && !augment.adaptive).then_some("No change is on"));
        None
    }),
    ("loss.vgg19", features::vgg19_row),
    ("growing.start", start_row),
    ("transition.from", transition_row),
    ("transition.to", transition_row),
    ("train.device", device_row),
    ("score.metrics", scores::metrics_row),
    ("score.best", scores::best_row),
    ("score.extractor", scores::extractor_row),
];

/// Why an option of the discriminator is not there.
fn grows(form: &Form<'_>) -> Option<&'static str> {
    (form.config.growing.start > 0).then_some("Not while the networks grow")
}

fn family_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.option(ui, key, None);
    form.config.fit_to_family();
    None
}

fn input_size_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let (size, automatic) = (config.projected_input(), config.discriminator.input_size == 0);
        let shown = if automatic { format!("automatic ({size} px)") } else { format!("{size} px") };
        combo(ui, key.key, &shown, |ui| {
            let value = &mut config.discriminator.input_size;
            ui.selectable_value(value, 0, "automatic");
            for size in INPUT_SIZES {
                ui.selectable_value(value, size, format!("{size} px"));
            }
        })
    });
    None
}

fn start_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    let d = &form.config.discriminator;
    let off = (form.config.growing.start == 0 && (d.unet || d.scales > 1))
        .then_some("Not with a U-Net or several scales of the discriminator");
    form.row(ui, key, off, |ui, config| {
        let name = |start: usize| if start == 0 { "Off".to_owned() } else { format!("{start} px") };
        combo(ui, key.key, &name(config.growing.start), |ui| {
            for start in fit::starts(config.image_size) {
                ui.selectable_value(&mut config.growing.start, start, name(start));
            }
        })
    });
    None
}

fn transition_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    let blind = form.config.discriminator.conditioning == Conditioning::None && form.config.transition.to == 0;
    form.option(ui, key, blind.then_some("The discriminator never sees the label"));
    None
}

fn device_row(form: &mut Form<'_>, ui: &mut Ui, key: &'static Key) -> Option<Action> {
    form.row(ui, key, None, |ui, config| {
        let device = config.train.device.clone();
        combo(ui, "device", &device, |ui| {
            for name in devices(&device) {
                ui.selectable_value(&mut config.train.device, name.clone(), name);
            }
        })
    });
    None
}

/// The devices that this program was built for, and the one that is set.
fn devices(set: &str) -> Vec<String> {
    let mut names: Vec<String> = crate::config::devices().into_iter().map(str::to_owned).collect();
    if !names.iter().any(|name| name == set) {
        names.push(set.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_stands_on_one_card_and_has_a_control() {
        let mut shown: Vec<&str> = CARDS.iter().flat_map(Card::keys).map(|key| key.key).collect();
        let mut all: Vec<&str> = options::ALL.iter().map(|key| key.key).collect();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all);
        assert!(SPECIAL.iter().all(|(name, _)| options::find(name).is_some()));
        let own = options::ALL.iter().filter(|key| matches!(key.kind, Kind::Own));
        let without: Vec<&str> =
            own.map(|key| key.key).filter(|key| SPECIAL.iter().all(|(name, _)| name != key)).collect();
        assert_eq!(without, [""; 0]);
    }

    #[test]
    fn only_devices_that_were_built_are_offered() {
        let names = devices("auto");
        assert_eq!(names.iter().any(|name| name.starts_with("cuda")), cfg!(feature = "cuda"));
        assert_eq!(names.iter().any(|name| name == "metal"), cfg!(feature = "metal"));
        assert_eq!(devices("cuda:7").last().map(String::as_str), Some("cuda:7"));
    }
}
