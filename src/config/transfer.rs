//! What a fork keeps of its parent's networks where its data or its image size is another: which layers, and which classes.
//!
//! A layer is kept where the new network has one of its name whose numbers have the same shapes; one whose shapes differ begins
//! anew, all of it. Tables with a row for each class go by the names of the classes: known ones keep their rows.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Plan, Weight};
use super::{Conditioning, Config, DiscriminatorFamily};
use crate::config::resumable::shapes_networks;

/// Layers that are named in a text; the rest is counted alone.
const NAMED: usize = 6;

/// The layers of a network, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Those that go on as they are, apart from rows of classes.
    pub kept: BTreeSet<String>,
    /// Those that begin anew.
    pub new: Vec<String>,
    /// Those that the network has no more.
    pub dropped: Vec<String>,
    /// The arrays of the kept ones that have a row for each class, with the singular vectors that belong to them.
    tables: BTreeSet<String>,
}

impl Layers {
    fn of(was: &[&Plan], is: &[&Plan], counts: (usize, usize)) -> Self {
        let (was, order) = (weights(was).0, weights(is));
        let mut layers = Self::default();
        for name in order.1 {
            let (before, now) = (was.get(&name), &order.0[&name]);
            match before.filter(|before| fits(&name, before, now, counts)) {
                Some(_) => {
                    for weight in now.iter().filter(|weight| is_table(&name, weight)) {
                        let beside = format!("{name}.{}", weight.name.trim_end_matches("layer.weight"));
                        layers.tables.extend(["u", "v"].map(|vector| format!("{beside}{vector}")));
                        layers.tables.insert(format!("{name}.{}", weight.name));
                    }
                    layers.kept.insert(name);
                }
                None => layers.new.push(name),
            }
        }
        layers.dropped = was.into_keys().filter(|name| !order.0.contains_key(name)).collect();
        layers
    }

    /// Whether the layer of a named array of numbers is kept.
    pub fn keeps(&self, numbers: &str) -> bool {
        numbers.match_indices('.').any(|(at, _)| self.kept.contains(&numbers[..at]))
    }

    /// Whether a kept array of numbers has a row for each class, or is a singular vector of one that has.
    pub fn is_by_class(&self, numbers: &str) -> bool {
        self.tables.contains(numbers)
    }
}

/// The weights of each layer, and the layers in their order.
fn weights(plans: &[&Plan]) -> (BTreeMap<String, Vec<Weight>>, Vec<String>) {
    let (mut all, mut order) = (BTreeMap::new(), Vec::new());
    for (plan, node) in plans.iter().flat_map(|plan| plan.nodes.iter().map(move |node| (plan, node))) {
        let weights = plan.weights(node);
        if !weights.is_empty() && !all.contains_key(&node.name) {
            order.push(node.name.clone());
            all.insert(node.name.clone(), weights);
        }
    }
    (all, order)
}

/// Whether numbers stand in a row for each class: tables of labels, and the logits of classes.
fn is_table(layer: &str, weight: &Weight) -> bool {
    weight.by_class || layer.ends_with("classifier")
}

fn fits(layer: &str, was: &[Weight], is: &[Weight], counts: (usize, usize)) -> bool {
    let alike = |(was, is): (&Weight, &Weight)| {
        let shapes = if is_table(layer, is) {
            let rows = was.shape.first() == Some(&counts.0) && is.shape.first() == Some(&counts.1);
            rows && was.shape.get(1..) == is.shape.get(1..)
        } else {
            was.shape == is.shape
        };
        was.name == is.name && was.spectral == is.spectral && shapes
    };
    was.len() == is.len() && was.iter().zip(is).all(alike)
}

/// What is kept of two networks and of the classes that they know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The generator.
    pub generator: Layers,
    /// The discriminator.
    pub discriminator: Layers,
    /// For each new class the label that it had before, if it had one.
    pub rows: Vec<Option<usize>>,
    classes: Vec<String>,
    dropped: Vec<String>,
}

impl Carried {
    /// From networks of one configuration for these classes to those of another for others.
    pub fn between((was, before): (&Config, &[String]), (is, classes): (&Config, &[String])) -> Self {
        let counts = (before.len(), classes.len());
        let generators = [was.generator_plan(counts.0), is.generator_plan(counts.1)];
        let judges = [was.discriminator_plan(counts.0), is.discriminator_plan(counts.1)];
        let [old, new] = &judges;
        Self {
            generator: Layers::of(&[&generators[0]], &[&generators[1]], counts),
            discriminator: Layers::of(&[&old.look, &old.judge], &[&new.look, &new.judge], counts),
            rows: classes.iter().map(|class| before.iter().position(|known| known == class)).collect(),
            classes: classes.to_vec(),
            dropped: before.iter().filter(|known| !classes.contains(known)).cloned().collect(),
        }
    }

    /// Whether everything is kept as it is.
    pub fn is_whole(&self) -> bool {
        let whole = |layers: &Layers| layers.new.is_empty() && layers.dropped.is_empty();
        whole(&self.generator) && whole(&self.discriminator) && self.same_classes()
    }

    /// Whether the classes and their labels are what they were.
    pub fn same_classes(&self) -> bool {
        self.dropped.is_empty() && self.rows.iter().enumerate().all(|(at, row)| *row == Some(at))
    }

    /// In words, what is kept and what begins anew; nothing where all is kept.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.same_classes() {
            let of = |known: bool| -> Vec<&str> {
                let own = self.classes.iter().zip(&self.rows).filter(|(_, row)| row.is_some() == known);
                own.map(|(class, _)| class.as_str()).collect()
            };
            let dropped: Vec<&str> = self.dropped.iter().map(String::as_str).collect();
            let parts = [
                (of(true), "keep what was learnt of them"),
                (of(false), "are new and begin as the mean of all classes that were known"),
                (dropped, "are dropped"),
            ];
            let parts = parts.into_iter().filter(|(names, _)| !names.is_empty());
            let parts: Vec<String> = parts.map(|(names, what)| format!("{} {what}", few(&names))).collect();
            lines.push(format!("Classes: {}.", parts.join("; ")));
        }
        for (network, layers) in [("Generator", &self.generator), ("Discriminator", &self.discriminator)] {
            if layers.new.is_empty() && layers.dropped.is_empty() {
                continue;
            }
            let mut line = format!("{network}: {} of its layers are kept", layers.kept.len());
            for (names, what) in [(&layers.new, "begin anew"), (&layers.dropped, "are dropped")] {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                if !names.is_empty() {
                    line += &format!("; {} {what}", few(&names));
                }
            }
            lines.push(line + ".");
        }
        lines
    }
}

/// The first of some names, and how many there are besides.
fn few(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

/// Why a setting that shapes the networks cannot be another in a fork; nothing where it can.
fn reason(was: &Config, is: &Config, key: &str) -> Option<&'static str> {
    let resizes = was.generator.family == is.generator.family && was.generator.family.resizes();
    match key {
        "image_size" if resizes => None,
        "image_size" => Some(
            "only a generator of the family `fast` keeps its layers at another size; the widths of all layers of a `dcgan` depend on it",
        ),
        // Maps of other sides have attention elsewhere.
        "discriminator.attention" if was.image_size != is.image_size && resizes => None,
        // Sessions of `projected` from before the family read it may have it set, and learnt nothing from it.
        "discriminator.minibatch_stddev"
            if was.discriminator.family == DiscriminatorFamily::Projected && !is.discriminator.minibatch_stddev =>
        {
            None
        }
        "discriminator.conditioning"
            if was.discriminator.conditioning == Conditioning::None
                && was.discriminator.family == is.discriminator.family =>
        {
            None
        }
        "discriminator.conditioning" => Some(
            "a discriminator that was told no label (`none`) can be told it from here on, with the same family; one that was told it is told in the same way",
        ),
        _ => Some(""),
    }
}

/// Whether a fork can take this key from `is`.
pub fn carries(was: &Config, is: &Config, key: &str) -> bool {
    !shapes_networks(key) || reason(was, is, key).is_none()
}

/// One line for each difference of settings for which a fork cannot keep the networks.
pub fn unfit(was: &Config, is: &Config) -> Vec<String> {
    let shaping = was.differences(is).into_iter().filter(|(key, ..)| shapes_networks(key));
    let line = |(key, before, now): (String, String, String)| match reason(was, is, &key)? {
        "" => Some(format!("{key}: was {before}, is {now}")),
        why => Some(format!("{key}: was {before}, is {now}: {why}")),
    };
    shaping.filter_map(line).collect()
}

impl Config {
    /// Whether the optimiser leaves these numbers of the discriminator alone: those of the first `optimizer.frozen_blocks`
    /// blocks of each scale.
    pub fn freezes(&self, numbers: &str) -> bool {
        let place = || {
            let rest = numbers.strip_prefix("scales.")?.split_once('.')?.1;
            rest.strip_prefix("blocks.")?.split_once('.')?.0.parse::<usize>().ok()
        };
        self.optimizer.frozen_blocks > 0 && place().is_some_and(|block| block < self.optimizer.frozen_blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn with(base: &Config, entries: &[&str]) -> Config {
        base.with(entries).unwrap()
    }

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn another_size_of_the_fast_family_keeps_what_both_have() {
        let small = Preset::Quick.config_at(32);
        let large = with(&small, &["image_size=64"]);
        let classes = names(&["a", "b"]);
        let carried = Carried::between((&small, &classes), (&large, &classes));
        assert_eq!(carried.generator.new, ["blocks.3", "norms.4"]);
        assert!(carried.generator.kept.contains("to_image") && carried.generator.dropped.is_empty());
        assert!(carried.generator.keeps("norms.1.norm.running_mean"));
        assert!(!carried.generator.keeps("norms.4.scale.weight"));
        let back = Carried::between((&large, &classes), (&small, &classes));
        assert_eq!((back.generator.new.as_slice(), back.generator.dropped.len()), (&[][..], 2));
        assert!(!carried.is_whole() && Carried::between((&small, &classes), (&small, &classes)).is_whole());
        assert_eq!(unfit(&small, &large), Vec::<String>::new());
        let dcgan = Preset::Improved.config_at(32);
        assert!(unfit(&dcgan, &with(&dcgan, &["image_size=64"]))[0].contains("`fast`"));
    }

    #[test]
    fn classes_go_by_their_names() {
        let config = Preset::Improved.config_at(32);
        let carried = |was: &[&str], is: &[&str]| Carried::between((&config, &names(was)), (&config, &names(is)));
        assert!(carried(&["a", "b"], &["a", "b"]).is_whole());
        let other = carried(&["a", "b", "c"], &["c", "new", "a"]);
        assert_eq!(other.rows, [Some(2), None, Some(0)]);
        assert_eq!(
            other.lines(),
            [
                "Classes: c, a keep what was learnt of them; new are new and begin as the mean of all classes that were known; b are dropped."
            ]
        );
        assert!(!carried(&["a", "b"], &["b", "a"]).is_whole());
        assert!(other.generator.is_by_class("label_embedding.weight") && other.discriminator.new.is_empty());
        let norm = with(&config, &["generator.norm=conditional-batch"]);
        let both = names(&["a", "b"]);
        let normed = Carried::between((&norm, &both), (&norm, &names(&["a"]))).generator;
        assert!(
            normed.is_by_class("blocks.0.norm.scale.weight") && !normed.is_by_class("blocks.0.norm.norm.running_mean")
        );
    }

    #[test]
    fn a_label_may_come_in_but_is_told_in_one_way() {
        let none = with(&Preset::Improved.config_at(32), &["discriminator.conditioning=none"]);
        let told = with(&none, &["discriminator.conditioning=projection"]);
        assert_eq!((unfit(&none, &told).len(), unfit(&told, &none).len()), (0, 1));
        let carried = Carried::between((&none, &names(&["all"])), (&told, &names(&["a", "b"])));
        assert_eq!(carried.discriminator.new, ["scales.0.projection"]);
        assert_eq!(carried.rows, [None, None]);
    }

    #[test]
    fn the_first_blocks_of_every_scale_are_frozen_and_nothing_else() {
        let config = with(&Config::default(), &["optimizer.frozen_blocks=2"]);
        for (numbers, frozen) in [
            ("scales.0.blocks.0.conv.weight", true),
            ("scales.1.blocks.1.norm.bias", true),
            ("scales.0.blocks.2.conv.weight", false),
            ("scales.0.blocks.10.conv.weight", false),
            ("scales.0.decoder.blocks.0.conv.weight", false),
            ("scales.0.label_embedding.weight", false),
            ("heads.0.blocks.0.conv.weight", false),
        ] {
            assert_eq!(config.freezes(numbers), frozen, "{numbers}");
            assert!(!Config::default().freezes(numbers));
        }
    }
}
